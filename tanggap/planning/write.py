"""Write a plan: the four parts of POST, its segments, objectives and choice of channels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from tanggap.archive.record import record
from tanggap.core.errors import Refused, Stale
from tanggap.core.metrics_data import metrics
from tanggap.core.models import Agency, Person
from tanggap.planning.models import ChannelChoice, Objective, Plan, Segment

WRITABLE = frozenset(
    {
        "title",
        "period_start",
        "period_end",
        "people",
        "strategy",
        "technology",
        "welfare_outcome",
        "issues",
        "priority_issue",
        "key_message",
        "programme",
        "person_in_charge",
    }
)
RUNGS = (
    "creators",
    "conversationalists",
    "critics",
    "collectors",
    "joiners",
    "spectators",
    "inactives",
)
"""The social-technographic ladder (Forrester). Groups overlap, so shares need not add up to 100."""


def create(
    agency: Agency,
    *,
    title: str,
    period_start: date,
    period_end: date,
    by: Person,
    now: datetime,
    person_in_charge: Person | None = None,
    **fields: Any,
) -> Plan:
    """Begin a plan. Everything but its title and period may be written later. Raises Refused."""
    _fields_known(fields)
    _sensible(title, period_start, period_end)
    with transaction.atomic():
        plan = Plan.objects.create(
            agency=agency,
            title=title.strip(),
            period_start=period_start,
            period_end=period_end,
            person_in_charge=person_in_charge or by,
            created_at=now,
            **fields,
        )
        record(
            agency,
            "plan.written",
            plan,
            by=by,
            now=now,
            facts={"from": period_start, "until": period_end},
        )
    return plan


def edit(plan: Plan, *, by: Person, now: datetime, seen: int | None = None, **fields: Any) -> Plan:
    """Change a draft. `seen` is the version that the writer saw; another one is Stale."""
    _fields_known(fields)
    with transaction.atomic():
        fresh = writable(plan, seen)
        changed = [name for name, value in fields.items() if getattr(fresh, name) != value]
        for name in changed:
            setattr(fresh, name, fields[name])
        _sensible(fresh.title, fresh.period_start, fresh.period_end)
        if changed:
            fresh.save(update_fields=changed)
            _touched(fresh, by, now, {"fields": sorted(changed)})
    plan.refresh_from_db()
    return plan


def add_segment(
    plan: Plan,
    *,
    name: str,
    who: str,
    by: Person,
    now: datetime,
    region: str = "",
    languages: Sequence[str] = (),
    ages: str = "",
    devices: str = "",
    platforms: Sequence[str] = (),
    ladder: Mapping[str, int] | None = None,
    source: str = "",
    segment: Segment | None = None,
) -> Segment:
    """Add a group of people, or write `segment` anew. `ladder`: rung → percent, 0 to 100 each."""
    what = _("The segment was not saved.")
    if not name.strip() or not who.strip():
        raise Refused(
            what,
            _("Its name or its people are missing."),
            _("Say in one sentence who they are."),
            field="who",
        )
    ladder = dict(ladder or {})
    wrong = [rung for rung, share in ladder.items() if rung not in RUNGS or not 0 <= share <= 100]
    if wrong:
        raise Refused(
            what,
            _("A share of the ladder is not between 0 and 100."),
            _("Groups may overlap: each share is counted on its own."),
            field="ladder",
        )
    if ladder and not source.strip():
        raise Refused(
            what,
            _("The shares have no source."),
            _("Name the survey, or write “estimate” and by whom."),
            field="source",
        )
    with transaction.atomic():
        fresh = writable(plan, None)
        row = segment or Segment(agency_id=fresh.agency_id, plan=fresh)
        row.name, row.who, row.region, row.ages = name.strip(), who.strip(), region, ages
        row.devices, row.source, row.ladder = devices, source.strip(), ladder
        row.languages, row.platforms = list(languages), list(platforms)
        row.save()
        _touched(fresh, by, now, {"segment": row.pk})
    return row


def add_objective(
    plan: Plan,
    *,
    kind: str,
    text: str,
    metric: str,
    target: Decimal | int,
    due_on: date,
    by: Person,
    now: datetime,
    baseline: Decimal | int | None = None,
    baseline_source: str = "",
    segments: Iterable[Segment] = (),
    objective: Objective | None = None,
) -> Objective:
    """Add a sasaran that one metric of the return table can judge, or write `objective` anew."""
    what = _("The objective was not saved.")
    if not text.strip():
        raise Refused(
            what,
            _("It says nothing."),
            _("Write what should be different, for whom."),
            field="text",
        )
    if metric not in metrics():
        raise Refused(
            what,
            _("This metric is not in the return table."),
            _("Choose one of the 17 metrics."),
            field="metric",
        )
    if not plan.period_start <= due_on <= plan.period_end:
        raise Refused(
            what,
            _("Its day is outside of the plan's period."),
            _("Choose a day within the period."),
            field="due_on",
        )
    if baseline is not None and not baseline_source.strip():
        raise Refused(
            what,
            _("The baseline has no source."),
            _("Name where the number is from; leave it empty if it was never measured."),
            field="baseline_source",
        )
    with transaction.atomic():
        fresh = writable(plan, None)
        row = objective or Objective(agency_id=fresh.agency_id, plan=fresh)
        row.kind, row.text, row.metric, row.target = kind, text.strip(), metric, Decimal(target)
        row.due_on, row.baseline_source = due_on, baseline_source.strip()
        row.baseline = None if baseline is None else Decimal(baseline)
        row.save()
        row.segments.set(segments, through_defaults={"agency_id": row.agency_id})
        _touched(fresh, by, now, {"objective": row.pk, "metric": metric})
    return row


def choose_channel(
    plan: Plan, *, channel: str, chosen: bool, reason: str, by: Person, now: datetime
) -> ChannelChoice:
    """T of POST: take a channel or leave it, with the reason either way."""
    if not reason.strip():
        raise Refused(
            _("The choice was not saved."),
            _("The reason is missing."),
            _("Write why it is chosen or not: people, rules, cost, hands."),
            field="reason",
        )
    with transaction.atomic():
        fresh = writable(plan, None)
        row, _made = ChannelChoice.objects.update_or_create(
            plan=fresh,
            channel=channel,
            defaults={"agency_id": fresh.agency_id, "chosen": chosen, "reason": reason.strip()},
        )
        _touched(fresh, by, now, {"channel": channel, "chosen": chosen})
    return row


def remove(part: Segment | Objective | ChannelChoice, *, by: Person, now: datetime) -> None:
    """Take a part out of a draft. Refused where activities stand on it."""
    with transaction.atomic():
        fresh = writable(part.plan, None)
        if isinstance(part, Objective) and part.activities.exists():  # type: ignore[attr-defined]
            raise Refused(
                _("The objective stays."),
                _("Activities are tied to it."),
                _("Tie them to another objective first."),
            )
        facts = {"removed": part._meta.model_name, "id": part.pk}
        part.delete()
        _touched(fresh, by, now, facts)


def writable(plan: Plan, seen: int | None) -> Plan:
    """The locked row, if it may still be written."""
    fresh = Plan.objects.select_for_update(of=["self"]).select_related("agency").get(pk=plan.pk)
    if fresh.state != "draft":
        raise Refused(
            _("Nothing was changed."),
            _("This plan is no longer a draft."),
            _("Ask for it to be returned; an approved plan is changed by returning it first."),
        )
    if seen is not None and seen != fresh.version:
        raise Stale(
            _("Nothing was saved yet."),
            _("Somebody else changed the plan meanwhile."),
            _("Your words are still in the form. Compare, then save again."),
        )
    return fresh


def _touched(plan: Plan, by: Person, now: datetime, facts: Mapping[str, Any]) -> None:
    plan.version += 1
    plan.save(update_fields=["version"])
    record(
        plan.agency, "plan.edited", plan, by=by, now=now, facts={"version": plan.version, **facts}
    )


def _fields_known(fields: Mapping[str, Any]) -> None:
    unknown = set(fields) - WRITABLE
    if unknown:
        raise TypeError(f"Not a field that is written: {sorted(unknown)}.")


def _sensible(title: str, start: date, end: date) -> None:
    what = _("The plan was not saved.")
    if not title.strip():
        raise Refused(
            what, _("It has no title."), _("Name the period and its main aim."), field="title"
        )
    if end < start:
        raise Refused(
            what, _("It ends before it begins."), _("Correct the days."), field="period_end"
        )
