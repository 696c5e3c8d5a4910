"""Evaluations: judge each objective, write lessons, close; the next plan's draft opens."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from tanggap.core import pages
from tanggap.core.errors import Refused
from tanggap.core.metrics_data import metrics
from tanggap.core.scope import scoped
from tanggap.desk.door import DeskRequest, desk
from tanggap.desk.forms import refuse
from tanggap.desk.monitoring import places
from tanggap.desk.templatetags.words import number
from tanggap.desk.words import word
from tanggap.monitoring import evaluate
from tanggap.monitoring.models import Evaluation
from tanggap.planning.models import Plan

PAGE = 30
MORE_LESSONS = 2  # empty rows offered


class EvaluationForm(forms.Form):
    """A verdict and a reason an objective, lessons, and what it all cost."""

    staff_hours = forms.CharField(
        label=_("Hours of work of the team"),
        required=False,
        max_length=30,
        help_text=_(
            "Without the cost side there is no “return”. An estimate is fine: say so in "
            "the lessons."
        ),
        widget=forms.TextInput({"inputmode": "decimal"}),
    )
    budget_idr = forms.CharField(
        label=_("Money spent (rupiah)"),
        required=False,
        max_length=30,
        widget=forms.TextInput({"inputmode": "decimal"}),
    )

    def __init__(self, evaluation: Evaluation, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = _initial(evaluation)
        super().__init__(*args, **kwargs)
        for row in evaluation.objectives:
            pk = row["objective_id"]
            self.fields[f"objective-{pk}"] = forms.ChoiceField(
                label=_("What now?"),
                required=False,
                widget=forms.RadioSelect,
                choices=[(code, word(code, "judgement")) for code in evaluate.VERDICTS],
            )
            self.fields[f"why-{pk}"] = forms.CharField(
                label=_("Why?"), required=False, max_length=2000, widget=forms.Textarea({"rows": 2})
            )
            if row["reached_by"] != "table":
                self.fields[f"reached-{pk}"] = forms.CharField(
                    label=_("Reached, as far as you know"),
                    required=False,
                    max_length=30,
                    widget=forms.TextInput({"inputmode": "decimal"}),
                    help_text=_(
                        "The return table has no number for this. Leave it empty if nobody knows."
                    ),
                )
        for n in range(len(evaluation.lessons) + MORE_LESSONS):
            self.fields[f"lesson-{n}"] = forms.CharField(
                label=_("Lesson"),
                required=False,
                max_length=2000,
                widget=forms.Textarea({"rows": 2}),
            )
            self.fields[f"source-{n}"] = forms.CharField(
                label=_("From what"), required=False, max_length=200
            )
        self.evaluation = evaluation

    def said(self) -> dict[str, Any]:
        """What evaluate.write takes."""
        given = self.cleaned_data
        objectives = []
        for row in self.evaluation.objectives:
            pk = row["objective_id"]
            one = {
                "objective_id": pk,
                "verdict": given[f"objective-{pk}"],
                "why": given[f"why-{pk}"],
            }
            if f"reached-{pk}" in given:
                one["reached"] = given[f"reached-{pk}"]
            objectives.append(one)
        lessons = [
            {"text": given[f"lesson-{n}"], "source": given[f"source-{n}"]}
            for n in range(len(self.evaluation.lessons) + MORE_LESSONS)
        ]
        return {
            "objectives": objectives,
            "lessons": lessons,
            "staff_hours": given["staff_hours"],
            "budget_idr": given["budget_idr"],
        }

    def objectives(self) -> list[dict[str, Any]]:
        language = get_language() or "id"
        found = []
        for row in self.evaluation.objectives:
            pk, metric = row["objective_id"], metrics().get(row["metric"])
            found.append(
                {
                    **{name: shown(row[name]) for name in ("baseline", "target", "reached")},
                    "row": row,
                    "verdict": self[f"objective-{pk}"],
                    "why": self[f"why-{pk}"],
                    "field": self[f"reached-{pk}"] if f"reached-{pk}" in self.fields else None,
                    "metric": metric.says(language) if metric else row["metric"],
                }
            )
        return found

    def lessons(self) -> list[dict[str, Any]]:
        return [
            {"text": self[f"lesson-{n}"], "source": self[f"source-{n}"]}
            for n in range(len(self.evaluation.lessons) + MORE_LESSONS)
        ]


def _initial(evaluation: Evaluation) -> dict[str, Any]:
    found: dict[str, Any] = {
        "staff_hours": _typed(evaluation.staff_hours),
        "budget_idr": _typed(evaluation.budget_idr),
    }
    for row in evaluation.objectives:
        pk = row["objective_id"]
        found |= {
            f"objective-{pk}": row["verdict"],
            f"why-{pk}": row["why"],
            f"reached-{pk}": (row["reached"] or "").replace(".", ","),
        }
    for n, lesson in enumerate(evaluation.lessons):
        found |= {f"lesson-{n}": lesson["text"], f"source-{n}": lesson.get("source", "")}
    return found


def shown(kept: str | None) -> str:
    """A number kept as text, as people read it: "600.00" is 600, None is not available."""
    if kept is None:
        return number(None)
    value = Decimal(kept)
    return number(int(value)) if value == int(value) else number(value, 1)


def _typed(value: Any) -> str:
    return "" if value is None else f"{value.normalize():f}".replace(".", ",")


@desk("monitor.read")
def listing(request: DeskRequest) -> HttpResponse:
    rows = scoped(Evaluation, request.scope).select_related("plan", "next_plan")
    asked = request.GET
    return render(
        request,
        "desk/monitoring/evaluations.html",
        {
            "page": pages.page(rows, after=asked.get("after", ""), size=PAGE),
            "plans": pages.page(
                scoped(Plan, request.scope).filter(state__in=evaluate.EVALUABLE, evaluation=None),
                after=asked.get("plans", ""),
                size=PAGE,
            ),
            "open_n": rows.filter(state="open").count(),
        },
    )


@require_POST
@desk("monitor.write")
def start(request: DeskRequest, pk: int) -> HttpResponse:
    plan = get_object_or_404(scoped(Plan, request.scope), pk=pk)
    assert request.scope.person is not None
    made = evaluate.open_(plan, scope=request.scope, by=request.scope.person, now=request.now)
    return redirect("desk:monitoring-evaluation", made.pk)


def _find(request: HttpRequest, pk: int) -> Evaluation:
    rows = scoped(Evaluation, request.scope).select_related(  # type: ignore[attr-defined]
        "plan", "next_plan", "written_by", "closed_by", "agency"
    )
    found: Evaluation = get_object_or_404(rows, pk=pk)
    return found


@desk("monitor.read")
def one(request: DeskRequest, pk: int) -> HttpResponse:
    row = _find(request, pk)
    may = request.scope.may("monitor.write") and row.state == "open"
    form = EvaluationForm(row, request.POST if request.method == "POST" and may else None)
    if form.is_bound and form.is_valid():
        assert request.scope.person is not None
        try:
            evaluate.write(row, by=request.scope.person, now=request.now, **form.said())
        except Refused as refusal:
            refuse(form, refusal)
        else:
            messages.success(request, gettext("Saved. Nothing is closed yet."))
            return redirect("desk:monitoring-evaluation", pk)
    return _show(request, row, form, may)


@require_POST
@desk("monitor.write")
def finish(request: DeskRequest, pk: int) -> HttpResponse:
    row = _find(request, pk)
    assert request.scope.person is not None
    try:
        following = evaluate.close(
            row, scope=request.scope, by=request.scope.person, now=request.now
        )
    except Refused as refusal:
        form = EvaluationForm(row)
        return _show(request, row, form, row.state == "open", refusal)
    messages.success(request, gettext("Closed. The draft of the next plan holds its lessons."))
    where = places.of("plan", following.pk)
    return redirect(where or reverse("desk:monitoring-evaluation", args=[pk]))


def _show(
    request: DeskRequest,
    row: Evaluation,
    form: EvaluationForm,
    may: bool,
    refusal: Refused | None = None,
) -> HttpResponse:
    judged = sum(bool(one["verdict"] and one["why"]) for one in row.objectives)
    return render(
        request,
        "desk/monitoring/evaluation.html",
        {
            "row": row,
            "form": form,
            "may": may,
            "judged": judged,
            "refusal": refusal,
            "missing": evaluate.lacking(row) if row.state == "open" else [],
            "next_href": places.of("plan", row.next_plan_id) if row.next_plan_id else "",
            "where": f"from={row.plan.period_start}&until={row.plan.period_end}",
        },
        status=422 if form.errors or refusal else 200,
    )
