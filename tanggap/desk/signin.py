"""Sign-in: by invitation only, locked after repeated failures, in words.

allauth keeps passwords, TOTP, passkeys and recovery codes; axes counts failures. The settings
that wire them are in settings.py.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, BaseAuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_cool_off
from django.contrib.auth.signals import user_login_failed
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

TAKEN_FOR = timedelta(seconds=90)
"""A code's own half minute, and one before and after it (MFA_TOTP_TOLERANCE)."""


class AccountAdapter(DefaultAccountAdapter):
    """Nobody signs up: an invitation (desk/join.py) makes the person."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return "/"

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """A password alone adds or takes away no key of somebody who has one."""
        ways: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        if not is_mfa_enabled(user):
            return ways
        return [way for way in ways if way["id"] != "reauthenticate"]


def locked_out(
    request: HttpRequest, response: HttpResponse | None = None, credentials: Any = None
) -> HttpResponse:
    """AXES_LOCKOUT_CALLABLE: says for how long, why, and what to do."""
    wait = get_cool_off(request) or timedelta(minutes=30)
    minutes = max(1, int(wait.total_seconds() // 60))
    return render(request, "account/locked.html", {"minutes": minutes}, status=429)


def typed_name(request: HttpRequest | None, credentials: Any = None) -> str | None:
    """AXES_USERNAME_CALLABLE: allauth names the credential "email", its form calls it "login"."""
    given = credentials or {}
    name = given.get("login") or given.get("email") or given.get("username")
    if not name and request is not None:
        name = request.POST.get("login", "")
    return str(name).strip().lower() or None if name else None


class _Counted(BaseAuthenticateForm):
    """A code of six digits can be guessed, so axes counts wrong ones like wrong passwords."""

    def clean_code(self) -> str:
        if not AxesProxyHandler.is_allowed(context.request, self._who()):
            raise get_adapter().validation_error("incorrect_code")
        code = super().clean_code()
        # allauth forgets after one period which code was used; a code is taken for three.
        bare = "".join(filter(str.isalnum, code))
        used = f"second-key-used:{self.user.pk}:{bare}"
        if not cache.add(used, True, timeout=TAKEN_FOR.total_seconds()):
            self._emit_authentication_failed(self.authenticator)
            raise get_adapter().validation_error("incorrect_code")
        return code

    def _emit_authentication_failed(self, authenticator: Authenticator) -> None:
        super()._emit_authentication_failed(authenticator)
        user_login_failed.send(sender=__name__, credentials=self._who(), request=context.request)

    def _who(self) -> dict[str, str]:
        return {"username": self.user.email}


class CodeAtSignIn(_Counted, AuthenticateForm):
    """MFA_FORMS["authenticate"]."""


class CodeAgain(_Counted, ReauthenticateForm):
    """MFA_FORMS["reauthenticate"], and the code that a sensitive act asks for."""
