"""The agenda: week, month and list, one activity with its eight steps, and who is in charge."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.db.models import Count, Window
from django.db.models.functions import RowNumber, TruncDate
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, path, reverse
from django.utils import formats
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from tanggap.activities import calendar, queries
from tanggap.activities.models import Activity
from tanggap.core import pages, rules
from tanggap.core.errors import Refused
from tanggap.core.models import Membership, Person
from tanggap.core.scope import Scope, scoped
from tanggap.core.worktime import is_working_day
from tanggap.desk.asked import a_day
from tanggap.desk.door import desk
from tanggap.desk.forms import WALL, ReasonForm, refuse
from tanggap.desk.words import word
from tanggap.execution.publishing.models import Delivery
from tanggap.execution.steps import steps
from tanggap.messaging.queries import messages as contents
from tanggap.planning.models import Objective, Segment
from tanggap.planning.queries import objectives_open, segments_open

PAGE = 30
CONFLICTS = 5
SHOWN = 4  # slots a day in the month
DAILY = 40  # posts a day in the week
VIEWS = ("week", "month", "list")
# Where the evidence of a step is opened.
OPENS = {
    "publishing.delivery": "desk:publishing-one",
    "followup.finding": "desk:findings-finding",
    "followup.recommendation": "desk:findings-decision",
    "followup.announcement": "desk:findings-announcement",
}


class ActivityForm(forms.Form):
    title = forms.CharField(label=_("Title"), max_length=200)
    objective = forms.ModelChoiceField(
        label=_("Objective"),
        queryset=Objective.objects.none(),
        help_text=_("Of an approved plan: what is this activity for?"),
    )
    segments = forms.ModelMultipleChoiceField(
        label=_("Whom does it reach?"),
        queryset=Segment.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    purpose = forms.ChoiceField(label=_("Purpose"))
    relation = forms.ChoiceField(label=_("Relation"))
    programme_code = forms.CharField(label=_("Programme code (RKA)"), max_length=60, required=False)
    starts_at = forms.DateTimeField(
        label=_("Begins"),
        widget=forms.DateTimeInput({"type": "datetime-local"}, WALL),
        input_formats=[WALL],
    )
    ends_at = forms.DateTimeField(
        label=_("Ends"),
        widget=forms.DateTimeInput({"type": "datetime-local"}, WALL),
        input_formats=[WALL],
    )
    place = forms.CharField(label=_("Place"), max_length=200, required=False)
    person_in_charge = forms.ModelChoiceField(
        label=_("Person in charge"), queryset=Person.objects.none()
    )
    notes = forms.CharField(
        label=_("Notes for the team"), widget=forms.Textarea({"rows": 3}), required=False
    )

    def __init__(
        self, scope: Scope, now: datetime, *args: Any, old: Activity | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        assert scope.agency is not None
        today = now.astimezone(ZoneInfo(scope.agency.zone)).date()
        objectives, groups = objectives_open(scope, today), segments_open(scope, today)
        if old is not None:
            objectives = scoped(Objective, scope).filter(
                pk__in=[*objectives.values_list("pk", flat=True), old.objective_id]
            )
            groups = scoped(Segment, scope).filter(
                pk__in=[
                    *groups.values_list("pk", flat=True),
                    *old.segments.values_list("pk", flat=True),
                ]
            )
        self.fields["objective"].queryset = objectives
        self.fields["segments"].queryset = groups
        here = scoped(Membership, scope).filter(ended_at=None).values("person")
        self.fields["person_in_charge"].queryset = Person.objects.filter(pk__in=here).order_by(
            "name"
        )
        self.fields["purpose"].choices = [
            (code, word(code, "purpose")) for code in Activity.Purpose.values
        ]
        self.fields["relation"].choices = [
            (code, word(code, "relation")) for code in Activity.Relation.values
        ]
        for name in ("starts_at", "ends_at"):
            self.fields[name].help_text = scope.agency.zone_name


def find(scope: Scope, pk: int) -> Activity:
    row = queries.activities(scope).filter(pk=pk).first()
    if row is None:
        raise Http404
    return row


@desk("activity.read")
def listing(request: HttpRequest) -> HttpResponse:
    scope, zone = request.scope, request.agency.zone
    today = request.now.astimezone(ZoneInfo(zone)).date()
    view = request.GET.get("view", "week")
    view = view if view in VIEWS else "week"
    day = _day(request.GET.get("day", ""), today)
    tabs = [
        {"label": label, "href": f"?view={name}&day={day.isoformat()}", "current": view == name}
        for name, label in (
            ("week", gettext("Week")),
            ("month", gettext("Month")),
            ("list", gettext("List")),
        )
    ]
    soon = queries.between(scope, request.now, request.now + timedelta(days=7)).count()
    context: dict[str, Any] = {
        "view": view,
        "tabs": tabs,
        "day": day,
        "zone": request.agency.zone_name,
        "title": ngettext(
            "%(n)d activity in the next seven days.",
            "%(n)d activities in the next seven days.",
            soon,
        )
        % {"n": soon}
        if soon
        else gettext("Nothing on the calendar in the next seven days."),
    }
    if view == "list":
        context |= _listed(request)
    else:
        context |= _grid(request, view, day, today)
    return render(request, "desk/activities/list.html", context)


def _day(given: str, today: date) -> date:
    return a_day(given) or today


def _grid(request: HttpRequest, view: str, day: date, today: date) -> dict[str, Any]:
    if view == "week":
        first, count = day - timedelta(days=day.weekday()), 7
        before, after = first - timedelta(days=7), first + timedelta(days=7)
        span = gettext("%(first)s to %(last)s") % {
            "first": formats.date_format(first, "j F"),
            "last": formats.date_format(first + timedelta(days=6), "j F Y"),
        }
    else:
        month = day.replace(day=1)
        first = month - timedelta(days=month.weekday())
        last = month + timedelta(days=monthrange(month.year, month.month)[1] - 1)
        count = ((last - first).days // 7 + 1) * 7
        before, after = month - timedelta(days=1), last + timedelta(days=1)
        span = formats.date_format(month, "F Y")
    office, zone = rules.office(request.agency), ZoneInfo(request.agency.zone)
    posts, totals = _posts(request, first, count, zone, DAILY if view == "week" else SHOWN)
    days = []
    for one in queries.days(request.scope, first, count, request.agency.zone):
        slots = [_slot(row, one.day, zone) for row in one.activities] + posts.get(one.day, [])
        slots.sort(key=lambda slot: slot["order"])
        shown = slots if view == "week" else slots[:SHOWN]
        week = f"?view=week&day={one.day.isoformat()}"
        outgoing = f"{reverse('desk:publishing-list')}?day={one.day.isoformat()}&kind=post"
        days.append(
            {
                "date": one.day,
                "slots": shown,
                "today": one.day == today,
                "out": view == "month" and one.day.month != day.month,
                "off": not is_working_day(one.day, office),
                "more": len(one.activities) + totals.get(one.day, 0) - len(shown),
                "more_href": outgoing if view == "week" else week,
                "href": week if view == "month" else "",
            }
        )
    return {"days": days, "before": before, "after": after, "span": span, "today": today}


def _slot(row: Activity, day: date, zone: ZoneInfo) -> dict[str, Any]:
    starts = row.starts_at.astimezone(zone)
    return {
        "time": starts.strftime("%H.%M") if starts.date() == day else gettext("goes on"),
        "order": starts.strftime("%H.%M") if starts.date() == day else "",
        "title": row.title,
        "href": reverse("desk:activities-one", args=[row.pk]),
        "tone": word(row.state, "activity_tone"),
        "state": word(row.state, "activity_state"),
        "gone": row.state == "done",
    }


def _posts(
    request: HttpRequest, first: date, count: int, zone: ZoneInfo, most: int
) -> tuple[dict[date, list[dict[str, Any]]], dict[date, int]]:
    """What goes out on each day, its first `most` and how many there are: the calendar shows what
    is planned and what is said together."""
    if not request.scope.may("delivery.read"):
        return {}, {}
    day = TruncDate("due_at", tzinfo=zone)
    start = datetime.combine(first, datetime.min.time(), zone)
    rows = (
        scoped(Delivery, request.scope)
        .filter(kind="post", part=0, due_at__gte=start, due_at__lt=start + timedelta(days=count))
        .exclude(state__in=["cancelled", "removed"])
        .annotate(
            nth=Window(RowNumber(), partition_by=day, order_by=("due_at", "pk")),
            of=Window(Count("pk"), partition_by=day),
        )
        .filter(nth__lte=most)
        .select_related("variant__message")
        .order_by("due_at", "pk")
    )
    found: dict[date, list[dict[str, Any]]] = {}
    totals: dict[date, int] = {}
    for row in rows:
        local = row.due_at.astimezone(zone)
        message = row.variant.message if row.variant else None
        totals[local.date()] = row.of
        found.setdefault(local.date(), []).append(
            {
                "time": local.strftime("%H.%M"),
                "order": local.strftime("%H.%M"),
                "title": message.title if message else "",
                "href": reverse("desk:publishing-one", args=[row.pk]),
                "tone": "brand",
                "state": word(row.state, "delivery_state"),
                "gone": row.state == "published",
            }
        )
    return found, totals


def _listed(request: HttpRequest) -> dict[str, Any]:
    """From now on, by keyset (beginning, id)."""
    text = request.GET.get("q", "").strip()
    page = pages.page(
        queries.upcoming(request.scope, request.now, text),
        ("starts_at", "pk"),
        after=request.GET.get("after", ""),
        size=PAGE,
    )
    return {"rows": page.rows, "q": text, "page": page}


@desk("activity.read")
def one(request: HttpRequest, pk: int) -> HttpResponse:
    return show(request, find(request.scope, pk))


def show(
    request: HttpRequest,
    row: Activity,
    *,
    refusal: Refused | None = None,
    calling_off: forms.Form | None = None,
    status: int = 200,
) -> HttpResponse:
    scope = request.scope
    may = scope.may("activity.write") and row.state in ("planned", "running")
    return render(
        request,
        "desk/activities/one.html",
        {
            "row": row,
            "refusal": refusal,
            "segments": row.segments.order_by("pk"),
            "conflicts": pages.page(
                queries.conflicts(row),
                ("starts_at", "pk"),
                after=request.GET.get("conflicts", ""),
                size=CONFLICTS,
            )
            if may
            else None,
            "steps": [
                (step, [(found, _opens(found.kind, found.pk)) for found in step.evidence])
                for step in steps(row, scope)
            ],
            "may": may,
            "contents": pages.page(
                contents(scope).filter(activity=row),
                after=request.GET.get("contents", ""),
                size=PAGE,
            )
            if scope.may("message.read")
            else None,
            "calling_off": calling_off or ReasonForm(prefix="off"),
        },
        status=status,
    )


def _opens(kind: str, pk: int) -> str:
    name = OPENS.get(kind, "")
    try:
        return reverse(name, args=[pk]) if name else ""
    except NoReverseMatch:
        return ""


@desk("activity.write")
def new(request: HttpRequest) -> HttpResponse:
    zone = ZoneInfo(request.agency.zone)
    day = _day(request.GET.get("day", ""), request.now.astimezone(zone).date())
    form = ActivityForm(
        request.scope,
        request.now,
        request.POST or None,
        initial={
            "person_in_charge": request.scope.person.pk,
            "relation": "g2c",
            "starts_at": f"{day.isoformat()}T08:00",
            "ends_at": f"{day.isoformat()}T10:00",
        },
    )
    if request.method == "POST" and form.is_valid():
        try:
            row = calendar.place(
                request.agency, by=request.scope.person, now=request.now, **form.cleaned_data
            )
            messages.success(request, gettext("It is on the calendar."))
            return redirect("desk:activities-one", row.pk)
        except Refused as refusal:
            refuse(form, refusal)
    return render(
        request,
        "desk/activities/form.html",
        {"form": form, "row": None},
        status=422 if form.errors else 200,
    )


@desk("activity.write")
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    row = find(request.scope, pk)
    form = ActivityForm(
        request.scope,
        request.now,
        request.POST or None,
        old=row,
        initial={
            **{
                name: getattr(row, name)
                for name in calendar.WRITABLE
                if name not in ("objective", "person_in_charge")
            },
            "objective": row.objective_id,
            "person_in_charge": row.person_in_charge_id,
            "segments": list(row.segments.all()),
        },
    )
    if request.method == "POST" and form.is_valid():
        try:
            calendar.change(row, by=request.scope.person, now=request.now, **form.cleaned_data)
            messages.success(request, gettext("The activity was changed."))
            return redirect("desk:activities-one", pk)
        except Refused as refusal:
            refuse(form, refusal)
    return render(
        request,
        "desk/activities/form.html",
        {"form": form, "row": row},
        status=422 if form.errors else 200,
    )


@desk("activity.write")
@require_POST
def finish(request: HttpRequest, pk: int) -> HttpResponse:
    row = find(request.scope, pk)
    try:
        calendar.finish(row, by=request.scope.person, now=request.now)
    except Refused as refusal:
        row.refresh_from_db()
        return show(request, row, refusal=refusal, status=422)
    messages.success(request, gettext("The activity is done."))
    return redirect("desk:activities-one", pk)


@desk("activity.write")
@require_POST
def call_off(request: HttpRequest, pk: int) -> HttpResponse:
    row, form = find(request.scope, pk), ReasonForm(request.POST, prefix="off")
    if not form.is_valid():
        return show(request, row, calling_off=form, status=422)
    try:
        calendar.call_off(
            row, reason=form.cleaned_data["reason"], by=request.scope.person, now=request.now
        )
    except Refused as refusal:
        row.refresh_from_db()
        return show(request, row, refusal=refusal, calling_off=form, status=422)
    messages.success(request, gettext("The activity is called off."))
    return redirect("desk:activities-one", pk)


urlpatterns = [
    path("", listing, name="activities-list"),
    path("baru/", new, name="activities-new"),
    path("<int:pk>/", one, name="activities-one"),
    path("<int:pk>/ubah/", edit, name="activities-edit"),
    path("<int:pk>/selesai/", finish, name="activities-finish"),
    path("<int:pk>/batal/", call_off, name="activities-cancel"),
]
