"""A fresh second factor before a sensitive act, where the agency's rules ask for one.

The door (desk/door.py) asks here, once for all views. Whoever's second factor is older than the
rule says gets a page that asks for it. What was typed travels inside that page, unread and kept
nowhere, and goes on to the view as it was as soon as the code or the passkey is right; it needs
no JavaScript, except a passkey, which browsers give to scripts only.

allauth checks codes and passkeys and remembers in the session which was used when, at sign-in too.
Wrong codes count with axes like wrong passwords, so that nobody guesses six digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from allauth.mfa.webauthn.forms import ReauthenticateWebAuthnForm
from allauth.mfa.webauthn.internal import auth as webauthn
from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render

from tanggap.archive.record import record
from tanggap.core import roles, rules
from tanggap.desk.readable import NUL
from tanggap.desk.signin import CodeAgain

OURS = "second-key"
"""Prefix of this page's own fields."""
BODY, AGAIN = f"{OURS}-body", f"{OURS}-again"
READS = frozenset({"GET", "HEAD", "OPTIONS"})
# A session's clock may run a little ahead of this process's.
AHEAD = 60


@dataclass(frozen=True, slots=True)
class Proof:
    """How a person confirmed: "totp", "webauthn" or "recovery_codes", and how many seconds ago."""

    how: str
    seconds: int


def ask(request: HttpRequest, act: str) -> Proof | HttpResponse | None:
    """None when nothing is asked, the proof when it is fresh, else the page that asks for it."""
    if not settings.SECOND_FACTOR:
        return None
    if request.method in READS and act not in roles.READING_IS_THE_ACT:
        return None
    minutes = rules.fresh_minutes(request.agency, act)
    if minutes == 0:
        return _go_on(request) if BODY in request.POST else None
    found = fresh(request, minutes)
    if found is None and BODY in request.POST:
        if not _check(request):
            return _page(request, act, minutes, wrong=True)
        found = fresh(request, minutes)
    if found is None:
        return _page(request, act, minutes)
    return (_go_on(request) if BODY in request.POST else None) or found


def fresh(request: HttpRequest, minutes: int) -> Proof | None:
    """The newest second factor of this session, if it is not older than so many minutes."""
    now = request.now.timestamp()
    used = [
        one
        for one in get_authentication_records(request, request.user)
        if one.get("method") == "mfa" and -AHEAD <= now - float(one.get("at", 0)) < minutes * 60
    ]
    if not used:
        return None
    last = max(used, key=lambda one: float(one["at"]))
    return Proof(str(last.get("type", "")), max(0, int(now - float(last["at"]))))


def keep(request: HttpRequest, proof: Proof, act: str, verb: str) -> None:
    """Put on record that what was just done was confirmed, and how."""
    place, person = request.resolver_match, request.scope.person
    assert person is not None
    ids = {name: one for name, one in (place.kwargs if place else {}).items() if type(one) is int}
    record(
        request.agency,
        "act.confirmed",
        request.scope.membership,
        by=person,
        now=request.now,
        facts={
            "act": act,
            "needs": verb,
            "page": place.view_name if place else "",
            "ids": ids,
            "how": proof.how,
            "seconds_ago": proof.seconds,
        },
    )


def _check(request: HttpRequest) -> bool:
    """Whether the code or the passkey of this request is right. It is remembered when it is."""
    given: dict[str, Any] = {"user": request.user, "data": request.POST, "prefix": OURS}
    passkey = bool(request.POST.get(f"{OURS}-credential"))
    form = (ReauthenticateWebAuthnForm if passkey else CodeAgain)(**given)
    if form.is_valid():
        form.save()
        return True
    # This page says so itself; the page of axes would lose what was typed.
    request.axes_locked_out = False
    return False


def _go_on(request: HttpRequest) -> HttpResponseRedirect | None:
    """Give the view what was typed before this page came between; a reader is sent back to it."""
    if request.POST.get(AGAIN):
        return HttpResponseRedirect(request.get_full_path())
    body = QueryDict(request.POST[BODY], encoding=request.encoding or "utf-8")
    if any(NUL in value for values in body.lists() for value in values[1]):
        raise BadRequest("A NUL byte is in the request.")
    request.POST = body  # type: ignore[assignment]
    return None


def _page(request: HttpRequest, act: str, minutes: int, *, wrong: bool = False) -> HttpResponse:
    has_passkey = is_mfa_enabled(request.user, [Authenticator.Type.WEBAUTHN])
    typed = request.POST.get(BODY)
    if typed is None:
        sent = request.POST.copy()
        sent.pop("csrfmiddlewaretoken", None)
        typed = sent.urlencode()
    return render(
        request,
        "desk/second_key.html",
        {
            "act": act,
            "minutes": minutes,
            "wrong": wrong,
            "has_key": is_mfa_enabled(request.user),
            "has_code": is_mfa_enabled(request.user, [Authenticator.Type.TOTP]),
            "has_passkey": has_passkey,
            "passkey": (
                {"request_options": webauthn.begin_authentication(request.user)}
                if has_passkey
                else None
            ),
            "body": typed,
            "again": request.POST.get(AGAIN, "") if BODY in request.POST else _reads(request),
            "address": request.get_full_path(),
        },
        status=422 if wrong else 403,
    )


def _reads(request: HttpRequest) -> str:
    return "1" if request.method in READS else ""
