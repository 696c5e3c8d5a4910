"""Plans: POST in four parts, what the last evaluation taught, and who approves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from tanggap.accounts import connect
from tanggap.core import pages
from tanggap.core.errors import Refused
from tanggap.core.metrics_data import metrics
from tanggap.core.scope import Scope
from tanggap.desk import shell
from tanggap.desk.asked import number
from tanggap.desk.door import desk
from tanggap.desk.forms import LANGUAGES, ReasonForm, refuse
from tanggap.desk.words import word
from tanggap.planning import approve, queries, write
from tanggap.planning.models import ChannelChoice, Objective, Plan, Segment

PAGE = 30
DAY = forms.DateInput({"type": "date"}, "%Y-%m-%d")
LONG = forms.Textarea({"rows": 4})


class PlanForm(forms.Form):
    title = forms.CharField(label=_("Title"), max_length=200)
    period_start = forms.DateField(label=_("First day"), widget=DAY)
    period_end = forms.DateField(label=_("Last day"), widget=DAY)
    people = forms.CharField(
        label=_("P: people"),
        widget=LONG,
        required=False,
        help_text=_("Whom do we want to reach, and how do they use social media?"),
    )
    strategy = forms.CharField(
        label=_("S: strategy"),
        widget=LONG,
        required=False,
        help_text=_("How will we listen, answer and show what changed?"),
    )
    technology = forms.CharField(
        label=_("T: technology"),
        widget=LONG,
        required=False,
        help_text=_("Which channels fit whom, and why?"),
    )
    welfare_outcome = forms.CharField(
        label=_("What will be better for citizens?"),
        widget=forms.Textarea({"rows": 2}),
        required=False,
    )
    issues = forms.CharField(
        label=_("Issues"),
        widget=forms.Textarea({"rows": 3}),
        required=False,
        help_text=_("What did citizens raise, and what do our own figures say?"),
    )
    priority_issue = forms.CharField(
        label=_("Priority issue"), widget=forms.Textarea({"rows": 2}), required=False
    )
    key_message = forms.CharField(
        label=_("Key message"), widget=forms.Textarea({"rows": 2}), required=False
    )
    programme = forms.CharField(
        label=_("Programme (Renstra or RPJMD)"), max_length=200, required=False
    )
    seen = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def written(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name != "seen"}


class SegmentForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120)
    who = forms.CharField(label=_("Who are they?"), widget=forms.Textarea({"rows": 2}))
    region = forms.CharField(label=_("Region"), max_length=120, required=False)
    ages = forms.CharField(label=_("Ages"), max_length=60, required=False)
    devices = forms.CharField(label=_("Devices and data"), max_length=120, required=False)
    languages = forms.MultipleChoiceField(
        label=_("Languages"), choices=LANGUAGES, required=False, widget=forms.CheckboxSelectMultiple
    )
    platforms = forms.CharField(
        label=_("Platforms"),
        max_length=200,
        required=False,
        help_text=_("Separated by commas, as in instagram, whatsapp."),
    )
    source = forms.CharField(
        label=_("Source of the shares"),
        max_length=200,
        required=False,
        help_text=_("The survey with its n, or “estimate” and by whom."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for rung in write.RUNGS:
            self.fields[f"rung_{rung}"] = forms.IntegerField(
                label=word(rung, "rung"), required=False, min_value=0, max_value=100
            )

    @property
    def rungs(self) -> list[forms.BoundField]:
        return [self[f"rung_{rung}"] for rung in write.RUNGS]

    def written(self) -> dict[str, Any]:
        given = self.cleaned_data
        plain = ("name", "who", "region", "ages", "devices", "languages", "source")
        return {
            **{name: given[name] for name in plain},
            "platforms": [
                one.strip().lower() for one in given["platforms"].split(",") if one.strip()
            ],
            "ladder": {
                rung: given[f"rung_{rung}"]
                for rung in write.RUNGS
                if given[f"rung_{rung}"] is not None
            },
        }


class ObjectiveForm(forms.Form):
    text = forms.CharField(
        label=_("What should be different, for whom?"), widget=forms.Textarea({"rows": 2})
    )
    kind = forms.ChoiceField(label=_("Kind"), choices=Objective.Kind.choices)
    metric = forms.ChoiceField(
        label=_("Metric of the return table"),
        help_text=_("The evaluation judges the objective by this number."),
    )
    baseline = forms.DecimalField(
        label=_("Baseline"),
        required=False,
        min_value=0,
        max_digits=14,
        decimal_places=2,
        help_text=_("Leave it empty if it was never measured."),
    )
    baseline_source = forms.CharField(
        label=_("Where the baseline is from"), max_length=200, required=False
    )
    target = forms.DecimalField(label=_("Target"), min_value=0, max_digits=14, decimal_places=2)
    due_on = forms.DateField(label=_("By which day"), widget=DAY)
    segments = forms.ModelMultipleChoiceField(
        label=_("Segments"),
        queryset=Segment.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, plan: Plan, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        language = get_language() or "id"
        self.fields["metric"].choices = [
            (key, metric.says(language)) for key, metric in metrics().items()
        ]
        self.fields["segments"].queryset = plan.segments.order_by("pk")


class ChannelForm(forms.Form):
    channel = forms.ChoiceField(label=_("Channel"))
    chosen = forms.ChoiceField(
        label=_("Choice"),
        choices=[("yes", _("Chosen")), ("no", _("Not chosen"))],
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(
        label=_("Reason"),
        widget=forms.Textarea({"rows": 2}),
        help_text=_("People, rules, cost, hands."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["channel"].choices = [
            (code.partition(":")[2] or code, name) for code, name, _hand in connect.places()
        ]


PARTS: dict[str, tuple[type[forms.Form], str]] = {
    "segment": (SegmentForm, "segments"),
    "objective": (ObjectiveForm, "objectives"),
    "channel": (ChannelForm, "channel_choices"),
}


def find(scope: Scope, pk: int) -> Plan:
    row = queries.plans(scope).filter(pk=pk).first()
    if row is None:
        raise Http404
    return row


@desk("plan.read")
def listing(request: HttpRequest) -> HttpResponse:
    plans = queries.plans(request.scope)
    page = pages.page(plans, after=request.GET.get("after", ""), size=PAGE)
    current = queries.running(request.scope)
    title = (
        gettext("“%(title)s” is running.") % {"title": current.title}
        if current
        else gettext("No plan is running.")
    )
    return render(
        request,
        "desk/planning/list.html",
        {
            "rows": page.rows,
            "page": page,
            "title": title,
        },
    )


@desk("plan.read")
def one(request: HttpRequest, pk: int) -> HttpResponse:
    return show(request, find(request.scope, pk))


def show(
    request: HttpRequest,
    row: Plan,
    *,
    refusal: Refused | None = None,
    returning: forms.Form | None = None,
    status: int = 200,
) -> HttpResponse:
    scope = request.scope
    mine = row.person_in_charge_id == scope.person.pk
    channels = {code.partition(":")[2] or code: name for code, name, _hand in connect.places()}
    return render(
        request,
        "desk/planning/one.html",
        {
            "row": row,
            "refusal": refusal,
            "gaps": queries.gaps(row) if row.state == "draft" else [],
            "segments": [
                (segment, _where(segment, channels), _bars(segment))
                for segment in row.segments.order_by("pk")
            ],
            "objectives": [
                (one, metrics()[one.metric].says(get_language() or "id"))
                for one in row.objectives.prefetch_related("segments").order_by("pk")
            ],
            "choices": [
                (one, gettext(channels.get(one.channel, one.channel)))
                for one in row.channel_choices.order_by("-chosen", "channel")
            ],
            "may_write": scope.may("plan.write") and row.state == "draft",
            "may_approve": scope.may("plan.approve") and row.state == "reviewed" and not mine,
            "may_return": scope.may("plan.approve") and row.state in ("reviewed", "approved"),
            "may_start": scope.may("plan.approve") and row.state == "approved",
            "returning": returning or ReasonForm(prefix="return"),
        },
        status=status,
    )


def _where(segment: Segment, channels: dict[str, str]) -> str:
    """Region, ages, devices, languages and platforms in one line, each by its own name."""
    known = dict(LANGUAGES)
    parts = [
        segment.region,
        segment.ages,
        segment.devices,
        ", ".join(str(known.get(one, one)) for one in segment.languages),
        ", ".join(gettext(channels.get(one, one)) for one in segment.platforms),
    ]
    return " · ".join(part for part in parts if part)


def _bars(segment: Segment) -> list[dict[str, Any]]:
    return [
        {"label": word(rung, "rung"), "value": segment.ladder[rung]}
        for rung in write.RUNGS
        if rung in segment.ladder
    ]


@desk("plan.write")
def new(request: HttpRequest) -> HttpResponse:
    form = PlanForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            row = write.create(
                request.agency, by=request.scope.person, now=request.now, **form.written()
            )
            messages.success(request, gettext("The plan is begun. Add segments and objectives."))
            return redirect("desk:planning-one", row.pk)
        except Refused as refusal:
            refuse(form, refusal)
    return render(
        request,
        "desk/planning/form.html",
        {"form": form, "row": None},
        status=422 if form.errors else 200,
    )


@desk("plan.write")
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    row = find(request.scope, pk)
    form = PlanForm(
        request.POST or None,
        initial={
            **{name: getattr(row, name) for name in write.WRITABLE if name != "person_in_charge"},
            "seen": row.version,
        },
    )
    if request.method == "POST" and form.is_valid():
        try:
            write.edit(
                row,
                by=request.scope.person,
                now=request.now,
                seen=form.cleaned_data["seen"],
                **form.written(),
            )
            messages.success(request, gettext("The plan is kept."))
            return redirect("desk:planning-one", pk)
        except Refused as refusal:
            refuse(form, refusal)
    return render(
        request,
        "desk/planning/form.html",
        {"form": form, "row": row},
        status=422 if form.errors else 200,
    )


@desk("plan.write")
def part(request: HttpRequest, pk: int, kind: str, part_pk: int = 0) -> HttpResponse:
    """Add or change a segment, an objective or a choice of channel."""
    row = find(request.scope, pk)
    if kind not in PARTS:
        raise Http404
    old = _part(row, kind, part_pk) if part_pk else None
    form = _part_form(row, kind, request.POST or None, old)
    if request.method == "POST" and form.is_valid():
        try:
            _keep(row, kind, form, old, request)
            messages.success(request, gettext("The plan is kept."))
            return redirect("desk:planning-one", pk)
        except Refused as refusal:
            refuse(form, refusal)
    return render(
        request,
        "desk/planning/part.html",
        {
            "form": form,
            "row": row,
            "kind": kind,
            "old": old,
        },
        status=422 if form.errors else 200,
    )


def _part_form(row: Plan, kind: str, data: Any, old: Any) -> forms.Form:
    if kind == "objective":
        return ObjectiveForm(
            row,
            data,
            initial=_initial(
                old,
                ("text", "kind", "metric", "baseline", "baseline_source", "target", "due_on"),
                {"segments": list(old.segments.all()) if old else []},
            ),
        )
    if kind == "segment":
        more = {}
        if old:
            more = {
                "platforms": ", ".join(old.platforms),
                **{f"rung_{rung}": old.ladder.get(rung) for rung in write.RUNGS},
            }
        return SegmentForm(
            data,
            initial=_initial(
                old, ("name", "who", "region", "ages", "devices", "languages", "source"), more
            ),
        )
    return ChannelForm(
        data,
        initial=_initial(
            old, ("channel", "reason"), {"chosen": "no" if old and not old.chosen else "yes"}
        ),
    )


def _initial(old: Any, names: tuple[str, ...], more: dict[str, Any]) -> dict[str, Any]:
    return {**({name: getattr(old, name) for name in names} if old else {}), **more}


def _keep(row: Plan, kind: str, form: Any, old: Any, request: HttpRequest) -> None:
    by, now = request.scope.person, request.now
    if kind == "segment":
        write.add_segment(row, segment=old, by=by, now=now, **form.written())
    elif kind == "objective":
        write.add_objective(row, objective=old, by=by, now=now, **form.cleaned_data)
    else:
        given = form.cleaned_data
        write.choose_channel(
            row,
            channel=given["channel"],
            chosen=given["chosen"] == "yes",
            reason=given["reason"],
            by=by,
            now=now,
        )


def _part(row: Plan, kind: str, pk: int) -> Segment | Objective | ChannelChoice:
    found = getattr(row, PARTS[kind][1]).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


@desk("plan.write")
@require_POST
def take_out(request: HttpRequest, pk: int, kind: str, part_pk: int) -> HttpResponse:
    row = find(request.scope, pk)
    if kind not in PARTS:
        raise Http404
    return _act(
        request,
        row,
        lambda: write.remove(_part(row, kind, part_pk), by=request.scope.person, now=request.now),
        gettext("Taken out of the plan."),
    )


def _act(request: HttpRequest, row: Plan, act: Callable[[], Any], said: str) -> HttpResponse:
    try:
        act()
    except Refused as refusal:
        row.refresh_from_db()
        return show(request, row, refusal=refusal, status=422)
    messages.success(request, said)
    return redirect("desk:planning-one", row.pk)


@desk("plan.write")
@require_POST
def hand_in(request: HttpRequest, pk: int) -> HttpResponse:
    row = find(request.scope, pk)
    return _act(
        request,
        row,
        lambda: approve.review(row, by=request.scope.person, now=request.now),
        gettext("Handed in. Now somebody else approves it."),
    )


@desk("plan.approve")
@require_POST
def approve_it(request: HttpRequest, pk: int) -> HttpResponse:
    row = find(request.scope, pk)
    seen = request.POST.get("seen", "")
    return _act(
        request,
        row,
        lambda: approve.approve(
            row, seen=number(seen) or -1, by=request.scope.person, now=request.now
        ),
        gettext("The plan is approved."),
    )


@desk("plan.approve")
@require_POST
def give_back(request: HttpRequest, pk: int) -> HttpResponse:
    row, form = find(request.scope, pk), ReasonForm(request.POST, prefix="return")
    if not form.is_valid():
        return show(request, row, returning=form, status=422)
    return _act(
        request,
        row,
        lambda: approve.return_(
            row, reason=form.cleaned_data["reason"], by=request.scope.person, now=request.now
        ),
        gettext("Returned with your sentence."),
    )


@desk("plan.approve")
@require_POST
def start(request: HttpRequest, pk: int) -> HttpResponse:
    row = find(request.scope, pk)
    return _act(
        request,
        row,
        lambda: approve.start(row, by=request.scope.person, now=request.now),
        gettext("The plan is running."),
    )


@shell.count("planning")
def waiting(scope: Scope, now: datetime) -> QuerySet[Plan]:
    return queries.to_approve(scope)


urlpatterns = [
    path("", listing, name="planning-list"),
    path("baru/", new, name="planning-new"),
    path("<int:pk>/", one, name="planning-one"),
    path("<int:pk>/ubah/", edit, name="planning-edit"),
    path("<int:pk>/serahkan/", hand_in, name="planning-submit"),
    path("<int:pk>/setujui/", approve_it, name="planning-approve"),
    path("<int:pk>/kembalikan/", give_back, name="planning-return"),
    path("<int:pk>/mulai/", start, name="planning-start"),
    path("<int:pk>/<slug:kind>/", part, name="planning-part-new"),
    path("<int:pk>/<slug:kind>/<int:part_pk>/", part, name="planning-part"),
    path("<int:pk>/<slug:kind>/<int:part_pk>/hapus/", take_out, name="planning-part-remove"),
]
