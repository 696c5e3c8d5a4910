"""Questions about plans."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from tanggap.core.scope import Scope, scoped
from tanggap.planning.models import Objective, Plan, Segment


@dataclass(frozen=True, slots=True)
class Gap:
    """A part of POST that is not there yet."""

    field: str
    why: str
    next: str


def plans(scope: Scope) -> QuerySet[Plan]:
    """Newest period first; page by `-pk`."""
    return scoped(Plan, scope).select_related("person_in_charge", "approved_by").order_by("-pk")


def running(scope: Scope) -> Plan | None:
    return plans(scope).filter(state="running").first()


def objectives_open(scope: Scope, day: date) -> QuerySet[Objective]:
    """Objectives that an activity may be tied to: of plans approved or running."""
    return (
        scoped(Objective, scope)
        .filter(plan__state__in=["approved", "running"])
        .filter(plan__period_end__gte=day)
        .select_related("plan")
        .order_by("plan_id", "pk")
    )


def segments_open(scope: Scope, day: date) -> QuerySet[Segment]:
    return (
        scoped(Segment, scope)
        .filter(plan__state__in=["approved", "running"])
        .filter(plan__period_end__gte=day)
        .order_by("plan_id", "pk")
    )


def to_approve(scope: Scope) -> QuerySet[Plan]:
    """Handed in, and not by this person."""
    if scope.person is None or not scope.may("plan.approve"):
        return Plan.objects.none()
    return plans(scope).filter(state="reviewed").exclude(person_in_charge=scope.person)


def gaps(plan: Plan) -> list[Gap]:
    """What is missing before the plan can be handed in: POST, and the fields beside it."""
    found = [
        Gap(field, why, next_)
        for field, why, next_ in (
            (
                "people",
                _("P is missing: whom do we want to reach?"),
                _("Describe the people in a few sentences."),
            ),
            (
                "strategy",
                _("S is missing: how will we relate to them?"),
                _("Say how the agency will listen, answer and show what changed."),
            ),
            (
                "technology",
                _("T is missing: why these channels?"),
                _("Say which channels fit whom, and why."),
            ),
            (
                "welfare_outcome",
                _("The use for citizens is missing."),
                _("Say what will be better in their lives."),
            ),
            (
                "priority_issue",
                _("The priority issue is missing."),
                _("Name the one issue that comes first."),
            ),
            (
                "key_message",
                _("The key message is missing."),
                _("Say it in one sentence that everybody in the team remembers."),
            ),
        )
        if not getattr(plan, field).strip()
    ]
    if not plan.segments.exists():
        found.append(Gap("segments", _("No segment is described."), _("Add at least one.")))
    if not plan.objectives.exists():
        found.append(
            Gap(
                "objectives",
                _("O is missing: there is no objective."),
                _("Add one with a baseline, a target and a day."),
            )
        )
    if not plan.channel_choices.filter(chosen=True).exists():
        found.append(
            Gap(
                "channels",
                _("No channel is chosen."),
                _("Choose at least one, and say why others are left."),
            )
        )
    return found
