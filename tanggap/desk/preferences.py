"""One's own desk: language, theme, keys, the agency to work for; and the map of everything."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from tanggap.core import membership
from tanggap.core.errors import Refused
from tanggap.core.models import Person
from tanggap.desk.context import THEME_COOKIE, THEMES
from tanggap.desk.door import DeskRequest, choose, desk

YEAR = 365 * 24 * 3600


class PreferenceForm(forms.Form):
    language = forms.ChoiceField(
        label=_("Language"), choices=settings.LANGUAGES, widget=forms.RadioSelect
    )
    theme = forms.ChoiceField(
        label=_("Colours"),
        widget=forms.RadioSelect,
        choices=[("auto", _("Like my device")), ("light", _("Light")), ("dark", _("Dark"))],
    )
    letter_keys = forms.BooleanField(
        label=_("Single-letter keys"),
        required=False,
        help_text=_("F, A, H and the like act without Ctrl or Alt. Never while you are typing."),
    )


@desk("today")
def preferences(request: DeskRequest) -> HttpResponse:
    person = request.user
    theme = request.COOKIES.get(THEME_COOKIE, "auto")
    form = PreferenceForm(
        request.POST or None,
        initial={
            "language": person.language,
            "theme": theme if theme in THEMES else "auto",
            "letter_keys": person.letter_keys,
        },
    )
    if request.method == "POST" and form.is_valid():
        prefer(person, form.cleaned_data["language"], form.cleaned_data["letter_keys"])
        with translation.override(person.language):
            messages.success(request, gettext("Saved. This is how your desk looks from now on."))
        return _with_theme(redirect("desk:preferences"), form.cleaned_data["theme"])
    return render(request, "desk/preferences.html", {"form": form})


def prefer(person: Person, language: str, letter_keys: bool) -> Person:
    """Keep how a person likes their desk. A taste, not a fact of the office: no Record."""
    person.language, person.letter_keys = language, letter_keys
    person.save(update_fields=["language", "letter_keys"])
    return person


@desk("today")
@require_POST
def language(request: DeskRequest) -> HttpResponse:
    """Switch between Indonesian and English from the person menu."""
    chosen = request.POST.get("language", "")
    if chosen in dict(settings.LANGUAGES):
        prefer(request.user, chosen, request.user.letter_keys)
    return redirect(_back(request))


@desk("today")
@require_POST
def theme(request: DeskRequest) -> HttpResponse:
    """Switch between light, dark, and the device's own choice from the person menu."""
    return _with_theme(redirect(_back(request)), request.POST.get("theme", "auto"))


@desk("today")
@require_POST
def switch(request: DeskRequest) -> HttpResponse:
    """Work for another agency in which the person holds a membership."""
    scope = membership.scope_of(request.user, request.POST.get("agency", ""), request.now)
    if scope.membership is None:
        raise Refused(
            gettext("You do not work for that agency."),
            gettext("Your membership there has ended, or never began."),
            gettext("Ask the person in charge there to appoint you by decree."),
        )
    choose(request, scope)
    return redirect("desk:today")


@desk("today")
def more(request: DeskRequest) -> HttpResponse:
    """Everything that a phone's five tabs have no room for."""
    return render(request, "desk/more.html")


@desk("today")
def keys(request: DeskRequest) -> HttpResponse:
    """The keyboard map, as a page; the `?` key shows the same in a dialog."""
    return render(request, "desk/keys.html")


def _with_theme(response: HttpResponse, chosen: str) -> HttpResponse:
    response.set_cookie(
        THEME_COOKIE,
        chosen if chosen in THEMES else "auto",
        max_age=YEAR,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response


def _back(request: HttpRequest) -> str:
    """Only a path of our own, never another site."""
    path_ = request.POST.get("next", "/")
    return path_ if path_.startswith("/") and not path_.startswith(("//", "/\\")) else "/"


urlpatterns = [
    path("", preferences, name="preferences"),
    path("bahasa/", language, name="language"),
    path("warna/", theme, name="theme"),
    path("instansi/", switch, name="switch"),
    path("lainnya/", more, name="more"),
    path("tombol/", keys, name="keys"),
]
