"""The first draft of the next plan, grown from an evaluation. The circle closes here.

Everything comes as plain values: the evaluation is a later stage, and imports run backward.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from tanggap.archive.record import record
from tanggap.core.models import Person
from tanggap.planning.models import ChannelChoice, Objective, Plan, Segment

COPIED = (
    "people",
    "strategy",
    "technology",
    "welfare_outcome",
    "issues",
    "priority_issue",
    "key_message",
    "programme",
    "person_in_charge_id",
)


def draft_from(
    plan: Plan,
    *,
    title: str,
    lessons: Sequence[Mapping[str, Any]],
    objectives: Sequence[Mapping[str, Any]],
    by: Person,
    now: datetime,
) -> Plan:
    """A draft for the period after `plan`'s, of the same length.

    lessons     [{"text": str, "source": str}], copied, not pointed at
    objectives  [{"objective_id": int, "verdict": "kept" | "changed" | "dropped", "text": str,
                "target": number | None, "reached": number | None, "source": str}]; what was
                reached becomes the next baseline
    """
    start = plan.period_end + timedelta(days=1)
    end = start + (plan.period_end - plan.period_start)
    with transaction.atomic():
        following = Plan.objects.create(
            agency_id=plan.agency_id,
            title=title,
            period_start=start,
            period_end=end,
            lessons=[dict(lesson) for lesson in lessons],
            previous_title=plan.title,
            created_at=now,
            **{name: getattr(plan, name) for name in COPIED},
        )
        segments = {row.pk: _copy_segment(row, following) for row in plan.segments.all()}
        for choice in plan.channel_choices.all():
            ChannelChoice.objects.create(
                agency_id=plan.agency_id,
                plan=following,
                channel=choice.channel,
                chosen=choice.chosen,
                reason=choice.reason,
            )
        judged = {int(row["objective_id"]): row for row in objectives}
        for old in plan.objectives.prefetch_related("segments"):
            said = judged.get(old.pk)
            if said is None or said["verdict"] == "dropped":
                continue
            _carry(old, said, following, segments, _later(old.due_on, plan, following, end))
        record(
            following.agency,
            "plan.drafted_from",
            following,
            by=by,
            now=now,
            facts={"plan": plan.pk, "lessons": len(lessons)},
        )
    return following


def _carry(
    old: Objective,
    said: Mapping[str, Any],
    plan: Plan,
    segments: Mapping[int, Segment],
    due_on: date,
) -> None:
    reached = said.get("reached")
    row = Objective.objects.create(
        agency_id=plan.agency_id,
        plan=plan,
        kind=old.kind,
        metric=old.metric,
        due_on=due_on,
        text=said.get("text") or old.text,
        target=old.target if said.get("target") is None else said["target"],
        baseline=reached,
        baseline_source=str(said.get("source") or "") if reached is not None else "",
    )
    row.segments.set(
        [segments[segment.pk] for segment in old.segments.all()],
        through_defaults={"agency_id": row.agency_id},
    )


def _copy_segment(row: Segment, plan: Plan) -> Segment:
    return Segment.objects.create(
        agency_id=plan.agency_id,
        plan=plan,
        name=row.name,
        who=row.who,
        region=row.region,
        languages=row.languages,
        ages=row.ages,
        devices=row.devices,
        platforms=row.platforms,
        ladder=row.ladder,
        source=row.source,
    )


def _later(day: date, plan: Plan, following: Plan, end: date) -> date:
    """The same distance into the next period, never past its end."""
    return min(following.period_start + (day - plan.period_start), end)
