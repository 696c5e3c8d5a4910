"""Rules: the agency's settings with their source, its calendar of the year, the table of clocks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from tanggap.core import rules, worktime
from tanggap.core.clocks_data import clocks
from tanggap.core.errors import Refused
from tanggap.core.models import Agency, DayOverride
from tanggap.core.rules_data import GROUPS, RULES, Rule, Value
from tanggap.core.scope import Scope, scoped
from tanggap.desk.door import desk
from tanggap.desk.forms import refuse
from tanggap.office import holidays
from tanggap.office.rules import change

# The library knows holidays of these years; cuti bersama of the last ones is not decreed yet.
FIRST_YEAR, YEARS_AHEAD = 2020, 2


def typed(value: Value) -> str:
    """A value as a person types it."""
    if isinstance(value, bool):
        return "on" if value else ""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def field_of(rule: Rule) -> forms.Field:
    """A form field for a setting. What was typed is checked by core/rules.py, once for all."""
    help_text, label = str(rule.help), str(rule.label)
    if rule.kind == "yesno":
        return forms.BooleanField(label=label, help_text=help_text, required=False)
    if rule.kind == "choice":
        return forms.ChoiceField(label=label, help_text=help_text, choices=rule.options)
    widget = forms.TextInput({"inputmode": "numeric"} if rule.kind == "count" else {})
    return forms.CharField(label=label, help_text=help_text, widget=widget)


class RulesForm(forms.Form):
    def __init__(self, agency: Agency, *args: Any, **kwargs: Any) -> None:
        now = {rule.name: rules.value(agency, rule.name) for rule in RULES}
        kwargs["initial"] = {
            name: value if isinstance(value, bool) else typed(value) for name, value in now.items()
        }
        super().__init__(*args, **kwargs)
        for rule in RULES:
            self.fields[rule.name] = field_of(rule)
        self.own = {rule.name for rule in RULES if now[rule.name] != rule.default}

    def groups(self) -> list[dict[str, Any]]:
        """Fields by group, with where each comes from."""
        return [
            {
                "label": label,
                "name": group,
                "rows": [
                    {
                        "field": self[rule.name],
                        "rule": rule,
                        "own": rule.name in self.own,
                        "default": _shown(rule),
                    }
                    for rule in RULES
                    if rule.group == group
                ],
            }
            for group, label in GROUPS
        ]

    def typed(self) -> dict[str, str]:
        """What was typed, by name."""
        return {rule.name: typed(self.cleaned_data[rule.name]) for rule in RULES}


def _shown(rule: Rule) -> str:
    if isinstance(rule.default, bool):
        return gettext("yes") if rule.default else gettext("no")
    if rule.kind == "choice":
        return str(dict(rule.options)[str(rule.default)])
    return f"{typed(rule.default)} {rule.unit}".strip()


@desk("rules.write")
def listing(request: HttpRequest) -> HttpResponse:
    agency = Agency.objects.get(pk=request.agency.pk)
    form = RulesForm(agency, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            changed = change(agency, form.typed(), by=request.scope.person, now=request.now)
        except Refused as refusal:
            refuse(form, refusal)
        else:
            n = len(changed)
            messages.success(
                request,
                ngettext(
                    "%(n)d rule is changed, on record.", "%(n)d rules are changed, on record.", n
                )
                % {"n": n}
                if n
                else gettext("Nothing was different, so nothing changed."),
            )
            return redirect("desk:rules-list")
    return render(
        request,
        "desk/rules/list.html",
        {
            "form": form,
            "groups": form.groups(),
            "own": len(form.own),
        },
        status=422 if form.errors else 200,
    )


# --- the calendar ------------------------------------------------------------------------------


class DayForm(forms.Form):
    day = forms.DateField(label=_("Day"), widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    working = forms.ChoiceField(
        label=_("This day is"),
        widget=forms.RadioSelect,
        choices=[("off", _("a day off")), ("working", _("a working day"))],
        initial="off",
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=200,
        help_text=_("Such as a regional holiday, an election, a flood."),
    )
    decree_number = forms.CharField(
        label=_("Decree number (SK)"),
        max_length=120,
        required=False,
        help_text=_("Where a decree declares it."),
    )


@dataclass(frozen=True, slots=True)
class Day:
    """One line of the calendar."""

    day: date
    name: str
    working: bool
    estimated: bool
    joint_leave: bool
    override: DayOverride | None


def days_of(agency: Agency, scope: Scope, year: int) -> list[Day]:
    """Every day of a year that the nation or the agency says something about."""
    office = rules.office(agency)
    said = {
        row.day: row for row in scoped(DayOverride, scope).filter(agency=agency, day__year=year)
    }
    national = worktime.holidays_of(year)
    public = worktime.holidays_of(year, joint_leave=False)
    return [
        Day(
            day=day,
            name=national.get(day, "").removesuffix(worktime.ESTIMATED).strip(),
            working=worktime.is_working_day(day, office),
            estimated=worktime.estimated(day),
            joint_leave=day in national and day not in public,
            override=said.get(day),
        )
        for day in sorted({*national, *said})
    ]


@desk("rules.write")
def calendar(request: HttpRequest) -> HttpResponse:
    this_year = timezone.localtime(request.now).year
    year = asked_year(request.GET.get("year", ""), this_year)
    form = DayForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            changed = holidays.override(
                request.agency,
                said["day"],
                working=said["working"] == "working",
                reason=said["reason"],
                decree_number=said["decree_number"],
                by=request.scope.person,
                now=request.now,
            )
        except Refused as refusal:
            refuse(form, refusal)
        else:
            tell_days(request, changed)
            return redirect(f"{reverse('desk:rules-calendar')}?year={said['day'].year}")
    days = days_of(request.agency, request.scope, year)
    return render(
        request,
        "desk/rules/calendar.html",
        {
            "year": year,
            "days": days,
            "form": form,
            "years": range(this_year - 1, this_year + YEARS_AHEAD + 1),
            "known": worktime.joint_leave_known(year),
            "estimated": sum(day.estimated for day in days),
            "overrides": sum(day.override is not None for day in days),
            "off": sum(not day.working for day in days),
        },
        status=422 if form.errors else 200,
    )


@desk("rules.write")
@require_POST
def restore(request: HttpRequest, pk: int) -> HttpResponse:
    row = scoped(DayOverride, request.scope).filter(pk=pk, agency=request.agency).first()
    if row is None:
        raise Http404
    tell_days(request, holidays.restore(row, by=request.scope.person, now=request.now))
    return redirect(f"{reverse('desk:rules-calendar')}?year={row.day.year}")


def tell_days(request: HttpRequest, changed: list[date]) -> None:
    if changed:
        messages.success(
            request,
            gettext(
                "The calendar is changed. Open deadlines that span this day are computed again."
            ),
        )
    else:
        messages.success(request, gettext("Saved. No deadline moves by it."))


def asked_year(text: str, this_year: int) -> int:
    """The year of the address, or this one where it makes no sense."""
    year = int(text) if text.isascii() and text.isdigit() and len(text) == 4 else this_year
    return year if FIRST_YEAR <= year <= this_year + YEARS_AHEAD else this_year


# --- the clocks --------------------------------------------------------------------------------


@desk("rules.write")
def clock_table(request: HttpRequest) -> HttpResponse:
    language = get_language() or "id"
    rows = [
        {
            "clock": clock,
            "says": clock.says(language),
            "remark": clock.remark(language),
            "amount": rules.value(request.agency, clock.rule) if clock.rule else clock.amount,
        }
        for clock in clocks().values()
    ]
    return render(
        request,
        "desk/rules/clocks.html",
        {
            "legal": [row for row in rows if row["clock"].legal],
            "promises": [row for row in rows if not row["clock"].legal],
            "unsure": sum(row["clock"].confidence != "S" for row in rows if row["clock"].legal),
        },
    )


urlpatterns = [
    path("", listing, name="rules-list"),
    path("kalender/", calendar, name="rules-calendar"),
    path("kalender/<int:pk>/pulihkan/", restore, name="rules-restore"),
    path("tenggat/", clock_table, name="rules-clocks"),
]
