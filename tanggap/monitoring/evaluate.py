"""Close a plan's period: what was reached, what was learnt; and with it open the next plan.

The circle of the work closes here: the last stage calls the first (planning). Objectives that are
kept or changed and all lessons are copied into the next plan's draft, not pointed at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from tanggap.archive.move import move
from tanggap.archive.record import record
from tanggap.core.errors import Refused
from tanggap.core.metrics_data import metrics
from tanggap.core.models import Person
from tanggap.core.scope import Scope
from tanggap.monitoring import returns
from tanggap.monitoring.models import Evaluation
from tanggap.monitoring.window import Window
from tanggap.planning.draft_from import draft_from
from tanggap.planning.models import Plan

VERDICTS = ("kept", "changed", "dropped")
EVALUABLE = ("approved", "running")


def open_(plan: Plan, *, scope: Scope, by: Person, now: datetime) -> Evaluation:
    """Begin the evaluation of a plan that is approved or running; the one that is there already
    is given back. What each objective reached is taken from the return table where it can be."""
    there = Evaluation.objects.filter(plan=plan).first()
    if there is not None:
        return there
    if plan.state not in EVALUABLE:
        raise Refused(
            _("The evaluation was not opened."),
            _("Only a plan that is approved or running can be evaluated."),
            _("Have the plan approved first."),
        )
    with transaction.atomic():
        made = Evaluation.objects.create(
            agency=plan.agency,
            plan=plan,
            opened_at=now,
            written_by=by,
            objectives=[_judgement(row, scope, plan) for row in plan.objectives.order_by("pk")],
        )
        record(
            plan.agency,
            "evaluation.opened",
            made,
            by=by,
            now=now,
            facts={"plan": plan.pk, "objectives": len(made.objectives)},
        )
    return made


def period(plan: Plan, scope: Scope) -> Window:
    """The days that a plan's numbers are about."""
    return Window(scope, plan.period_start, plan.period_end)


def write(
    evaluation: Evaluation,
    *,
    by: Person,
    now: datetime,
    objectives: Iterable[Mapping[str, Any]] = (),
    lessons: Iterable[Mapping[str, str]] | None = None,
    staff_hours: Decimal | str | None = None,
    budget_idr: Decimal | str | None = None,
) -> Evaluation:
    """Keep what was written so far.

    objectives  [{"objective_id", "reached"?, "verdict", "why"}]: those named are changed; what
                the return table says cannot be typed over
    lessons     [{"text", "source"}]: all of them, empty ones fall away; None leaves them
    staff_hours, budget_idr  the cost side; "" is not known
    Raises Refused with the field `objective-<id>`, `staff_hours` or `budget_idr`.
    """
    if evaluation.state != "open":
        raise _closed()
    said = {int(one["objective_id"]): one for one in objectives}
    with transaction.atomic():
        fresh = Evaluation.objects.select_for_update().get(pk=evaluation.pk)
        if fresh.state != "open":
            raise _closed()
        fresh.objectives = [
            _judged(row, said[row["objective_id"]]) if row["objective_id"] in said else row
            for row in fresh.objectives
        ]
        if lessons is not None:
            fresh.lessons = [
                {"text": text, "source": str(one.get("source", "")).strip()}
                for one in lessons
                if (text := str(one.get("text", "")).strip())
            ]
        if staff_hours is not None:
            fresh.staff_hours = _amount(staff_hours, "staff_hours")
        if budget_idr is not None:
            fresh.budget_idr = _amount(budget_idr, "budget_idr")
        fresh.save(update_fields=["objectives", "lessons", "staff_hours", "budget_idr"])
        record(
            fresh.agency,
            "evaluation.written",
            fresh,
            by=by,
            now=now,
            facts={
                "judged": sum(bool(row["verdict"]) for row in fresh.objectives),
                "objectives": len(fresh.objectives),
                "lessons": len(fresh.lessons),
            },
        )
    return fresh


def lacking(evaluation: Evaluation) -> list[str]:
    """What is still to be done before it can be closed, in words; empty when nothing is."""
    found = [
        _("Judge the objective “%(text)s”: keep, change or drop it, and say why.")
        % {"text": row["text"]}
        for row in evaluation.objectives
        if not (row["verdict"] and row["why"])
    ]
    if not evaluation.lessons:
        found.append(_("Write at least one lesson for the next plan."))
    return found


def close(evaluation: Evaluation, *, scope: Scope, by: Person, now: datetime) -> Plan:
    """Freeze the return table, end the plan, and draft the next one. Gives the next plan."""
    if evaluation.state != "open":
        raise _closed()
    with transaction.atomic():
        fresh = (
            Evaluation.objects.select_for_update()
            .select_related("plan__agency")
            .get(pk=evaluation.pk)
        )
        missing = lacking(fresh)
        if missing:
            raise Refused(
                _("The evaluation was not closed."),
                " ".join(missing),
                _("Complete it, save, then close it."),
            )
        plan = fresh.plan
        if plan.state == "approved":
            # Its activities never said so, but its period is over.
            move(plan, "running", by=by, now=now)
        move(plan, "evaluated", by=by, now=now)
        following = draft_from(
            plan,
            title=_title(plan),
            lessons=fresh.lessons,
            objectives=[_handed_on(row, plan) for row in fresh.objectives],
            by=by,
            now=now,
        )
        move(
            fresh,
            "closed",
            by=by,
            now=now,
            facts={"plan": plan.pk, "next_plan": following.pk, "lessons": len(fresh.lessons)},
            returns=returns.snapshot(returns.table(period(plan, scope))),
            closed_at=now,
            closed_by=by,
            next_plan=following,
        )
    for name in ("state", "returns", "closed_at", "closed_by", "next_plan", "objectives"):
        setattr(evaluation, name, getattr(fresh, name))
    return following


def _judgement(objective: Any, scope: Scope, plan: Plan) -> dict[str, Any]:
    found = (
        returns.cell(period(plan, scope), objective.metric)
        if objective.metric in metrics()
        else None
    )
    reached = None if found is None or found.value is None else str(found.value)
    return {
        "objective_id": objective.pk,
        "kind": objective.kind,
        "text": objective.text,
        "metric": objective.metric,
        "baseline": None if objective.baseline is None else str(objective.baseline),
        "target": str(objective.target),
        "reached": reached,
        "reached_by": "table" if reached is not None else "",
        "verdict": "",
        "why": "",
    }


def _title(plan: Plan) -> str:
    return (_("After: %(title)s") % {"title": plan.title})[:200]


def _handed_on(row: Mapping[str, Any], plan: Plan) -> dict[str, Any]:
    """An objective as the next plan takes it over; what was reached is its new baseline."""
    reached = row["reached"]
    return {
        "objective_id": row["objective_id"],
        "verdict": row["verdict"],
        "text": row["text"],
        "target": None,
        "reached": None if reached is None else Decimal(reached),
        "source": (_("Evaluation of %(title)s") % {"title": plan.title})[:200],
    }


def _judged(row: dict[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    field = f"objective-{row['objective_id']}"
    verdict, why = str(said.get("verdict", "")), str(said.get("why", "")).strip()
    if verdict and verdict not in VERDICTS:
        raise Refused(
            _("The evaluation was not saved."),
            _("This is not one of the choices."),
            _("Choose keep, change or drop."),
            field=field,
        )
    found = {**row, "verdict": verdict, "why": why}
    if row["reached_by"] != "table" and "reached" in said:
        reached = _amount(said["reached"], field)
        found["reached"] = None if reached is None else str(reached)
        found["reached_by"] = "" if reached is None else "person"
    return found


def _amount(typed: Decimal | str, field: str) -> Decimal | None:
    """A number as people write it: 1.200,5 or 1200.5; None when nothing was typed."""
    text = str(typed).strip().replace(" ", "")
    if not text:
        return None
    if isinstance(typed, str):
        if "," in text:
            text = text.replace(".", "").replace(",", ".")
        elif text.count(".") > 1 or (text.count(".") == 1 and len(text.split(".")[1]) == 3):
            text = text.replace(".", "")
    try:
        found = Decimal(text)
    except InvalidOperation:
        found = Decimal(-1)
    if (
        not found.is_finite()
        or found < 0
        or found >= Decimal(10) ** 14
        or (field == "staff_hours" and found >= Decimal(10) ** 9)
    ):
        raise Refused(
            _("The evaluation was not saved."),
            _("“%(typed)s” is not a number that fits here.") % {"typed": str(typed)[:40]},
            _("Write a number like 1.200 or 12,5."),
            field=field,
        )
    return found


def _closed() -> Refused:
    return Refused(
        _("Nothing was changed."),
        _("This evaluation is closed."),
        _("Its lessons are in the next plan's draft: change them there."),
    )
