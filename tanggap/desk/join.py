"""The page behind an invitation's link: choose a name and a password, and begin."""

from __future__ import annotations

from datetime import datetime

from django import forms
from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from tanggap.core import clock
from tanggap.core.errors import Refused
from tanggap.core.models import Invitation
from tanggap.desk.forms import refuse
from tanggap.desk.moment import showing
from tanggap.office.invite import accept, find, knows

BACKEND = "django.contrib.auth.backends.ModelBackend"


class JoinForm(forms.Form):
    name = forms.CharField(
        label=_("Your name"),
        max_length=150,
        help_text=_("As your colleagues know it."),
        widget=forms.TextInput({"autocomplete": "name"}),
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        help_text=_("At least 10 characters; a phrase is best."),
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )


@sensitive_post_parameters("password")
@never_cache
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Refuses dead links in words; a person we know already only signs in and says yes."""
    now = clock.now()
    try:
        invitation = find(token, now)
    except Refused as refusal:
        return render(request, "desk/team/join_refused.html", {"refusal": refusal}, status=410)
    with showing(now, invitation.agency.zone):
        return _open(request, token, invitation, now)


def _open(request: HttpRequest, token: str, invitation: Invitation, now: datetime) -> HttpResponse:
    here = request.user if request.user.is_authenticated else None
    mine = here is not None and here.email == invitation.email
    known = knows(invitation.email)
    form = JoinForm(
        request.POST if request.method == "POST" and not known else None,
        initial={"name": invitation.name},
    )
    asked = request.method == "POST" and (known or form.is_valid())
    refusal = None
    if asked:
        try:
            person = accept(
                token,
                form.cleaned_data["name"] if not known else "",
                form.cleaned_data["password"] if not known else "",
                now,
                person=here,
            )
        except Refused as refused:
            refusal = refused
            if not known and here is None:
                refuse(form, refused)
        else:
            if not mine:
                login(request, person, backend=BACKEND)
            # The door opens the desk of the first membership; this one was just chosen.
            request.session["agency"] = invitation.agency.slug
            request.session.pop("membership", None)
            messages.success(
                request, gettext("Welcome to %(agency)s.") % {"agency": invitation.agency.name}
            )
            return redirect("desk:today")
    return render(
        request,
        "desk/team/join.html",
        {
            "invitation": invitation,
            "form": form,
            "mine": mine,
            "known": known,
            "somebody_else": here is not None and not mine,
            "refusal": refusal,
        },
        status=422 if refusal or form.errors else 200,
    )


urlpatterns = [path("<str:token>/", join, name="join")]
