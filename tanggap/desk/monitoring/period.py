"""The window of a page, read from its address: from, until, account, activity, post."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django import forms
from django.db.models import CharField, F, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Concat
from django.http import Http404
from django.utils.translation import gettext_lazy as _

from tanggap.accounts.models import Account
from tanggap.activities.models import Activity
from tanggap.core.scope import scoped
from tanggap.desk.door import DeskRequest
from tanggap.monitoring import window as rowsets
from tanggap.monitoring.window import Window

USUAL = 30  # days
CHOICES = 200
LONGEST = 800  # days: a little more than two years


def _narrower(request: DeskRequest) -> QuerySet[Any]:
    """(which field, id, words) of the newest accounts and activities, and of those that are asked
    for: one query. A choice is no list; an older activity is narrowed to from its own page."""
    accounts, activities = (
        scoped(model, request.scope)
        .annotate(
            which=Value(name, CharField()),
            said=Cast(said, TextField()),
            asked=Q(pk=number(request, name)),
        )
        .order_by("-asked", "-pk")
        .values_list("which", "pk", "said")[:CHOICES]
        for model, name, said in (
            (Account, "account", Concat("display_name", Value(" ("), "handle", Value(")"))),
            (Activity, "activity", F("title")),
        )
    )
    return accounts.union(activities, all=True)


class PeriodForm(forms.Form):
    """Days and what they are narrowed to. Wrong days are told beside the field."""

    # `from` is a word of Python.
    until = forms.DateField(
        label=_("Until"),
        required=False,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
    )
    account = forms.ChoiceField(label=_("Account"), required=False)
    activity = forms.ChoiceField(label=_("Activity"), required=False)
    field_order = ("from", "until", "account", "activity")

    def __init__(self, *args: object, request: DeskRequest, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["from"] = forms.DateField(
            label=_("From"),
            required=False,
            widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        )
        self.order_fields(self.field_order)
        chosen = {"account": [("", _("All accounts"))], "activity": [("", _("All activities"))]}
        for name, pk, said in _narrower(request):
            chosen[name].append((str(pk), said))
        for name, pairs in chosen.items():
            self.fields[name].choices = pairs  # type: ignore[attr-defined]

    def clean(self) -> dict[str, object]:
        found = super().clean() or {}
        first, last = found.get("from"), found.get("until")
        if first and last and last < first:
            self.add_error("until", _("This day is before the first one."))
        elif first and last and (last - first).days > LONGEST:
            self.add_error("until", _("Choose at most two years at a time."))
        return found


def today(request: DeskRequest) -> date:
    return request.now.astimezone(ZoneInfo(request.agency.zone)).date()


def read(request: DeskRequest) -> tuple[Window, PeriodForm]:
    """The window of this address, and the form that changes it. What cannot be read falls back to
    the last 30 days and is told in the form. 404 for an account, activity or post of others."""
    last = today(request)
    usual = {"from": last - timedelta(days=USUAL - 1), "until": last}
    data = request.GET.copy()
    for name, day in usual.items():
        if not data.get(name):
            data[name] = day.isoformat()
    form = PeriodForm(data, request=request)
    ok = form.is_valid()
    first = form.cleaned_data.get("from") if ok else usual["from"]
    until = form.cleaned_data.get("until") if ok else usual["until"]
    window = Window(
        request.scope,
        first or usual["from"],
        until or usual["until"],
        **{name: number(request, name) for name in ("account", "activity", "post")},
    )
    if not window.whole and rowsets.named(window) is None:
        raise Http404
    return window, form


def number(request: DeskRequest, name: str) -> int:
    typed = request.GET.get(name, "")
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 18 else 0


def address(window: Window) -> str:
    """The window as the end of an address: "from=…&until=…"."""
    parts: dict[str, object] = {"from": window.first.isoformat(), "until": window.last.isoformat()}
    for name in ("account", "activity", "post"):
        if getattr(window, name):
            parts[name] = getattr(window, name)
    return urlencode(parts)
