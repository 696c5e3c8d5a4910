"""Clocks of a case: legal terms in working days beside the agency's own promise, from data.

Rules are rows of core/data/clocks.json. A clock never changes a case: the tick computes due times
again when the calendar changed, notes what the deliveries say, and marks what is late, on record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Min
from django.utils.translation import gettext as _

from tanggap.archive.queries import facts_since
from tanggap.archive.record import record
from tanggap.core import rules, worktime
from tanggap.core.clocks_data import ClockRule, clocks, clocks_for
from tanggap.core.errors import Refused
from tanggap.core.models import Agency, Person
from tanggap.core.worktime import Office
from tanggap.execution.followup.models import Case, Clock, Contributor
from tanggap.execution.inbox import promise
from tanggap.execution.inbox.models import Reply
from tanggap.office.rules import deadlines_move

NEVER = datetime(9999, 12, 31, tzinfo=UTC)
BY = "system:clocks"
# Moments at which we owe something; other clocks are the citizen's time and are only shown.
OURS = frozenset({"first_answer", "assigned", "resolved", "objection_answered"})
CALENDAR = ["calendar.overridden", "calendar.restored", "rules.changed"]


def start(
    case: Case, moment: str, *, at: datetime, now: datetime, office: Office | None = None
) -> list[Clock]:
    """Start every clock of the case's kind that begins at this moment ("received", "assigned", …).

    `at` is when the moment was. A clock that already runs is not started twice.
    """
    office = office or rules.office(case.agency)
    running = set(case.clocks.filter(kept_at=None).values_list("rule", flat=True))
    made = []
    for rule in clocks_for(case.kind, worktime.local_day(at, office)):
        if rule.starts != moment or rule.key in running:
            continue
        amount = rules.number(case.agency, rule.rule) if rule.rule else rule.amount
        made.append(
            Clock.objects.create(
                agency=case.agency,
                case=case,
                rule=rule.key,
                amount=amount,
                started_at=at,
                due_at=end(rule, amount, at, office),
                computed_at=now,
            )
        )
    if made:
        record(
            case.agency,
            "case.clocks_started",
            case,
            by=BY,
            now=now,
            facts={"moment": moment, "clocks": {one.rule: one.due_at for one in made}},
        )
    keep_due(case, now)
    return made


def end(rule: ClockRule, amount: int, at: datetime, office: Office) -> datetime:
    """When a clock of this rule that starts at `at` runs out."""
    if rule.unit == "working_minutes":
        return worktime.add_working_minutes(at, amount, office)
    if rule.unit == "hours":
        return at + timedelta(hours=amount)
    if rule.unit == "days":
        return worktime.add_days(at, amount, office)
    return worktime.add_working_days(at, amount, office)


def stop(case: Case, moment: str, *, at: datetime, now: datetime) -> list[Clock]:
    """The moment that clocks wait for has come; whether in time is what the row then says."""
    kept = []
    for clock in running(case):
        if rule_of(clock).ends == moment and clock.started_at <= at:
            clock.kept_at = at
            clock.save(update_fields=["kept_at"])
            kept.append(clock)
    if kept:
        record(
            case.agency,
            "case.clocks_kept",
            case,
            by=BY,
            now=now,
            facts={"moment": moment, "clocks": {one.rule: at <= one.due_at for one in kept}},
        )
        keep_due(case, now)
    return kept


def end_all(case: Case, *, now: datetime) -> None:
    """A case that is taken up anew: what ran before it was reopened runs no more."""
    Clock.objects.filter(case=case, kept_at=None).update(kept_at=now)
    keep_due(case, now)


def extend(clock: Clock, *, reason: str, by: Person, now: datetime) -> Clock:
    """Once, with a written reason, where the rule allows it (UU 14/2008: 7 working days)."""
    what = _("The deadline was not extended.")
    rule = rule_of(clock)
    if not rule.extension:
        raise Refused(
            what,
            _("The rule “%(rule)s” knows no extension.") % {"rule": rule.says("id")},
            _("Resolve the report, or tell the citizen honestly that it is late."),
        )
    if clock.extended_days:
        raise Refused(
            what,
            _("It was extended once already; the rule allows no second time."),
            _("Resolve the report, or tell the citizen honestly that it is late."),
        )
    if clock.kept_at is not None or clock.due_at < now:
        raise Refused(
            what,
            _("This deadline does not run any more."),
            _("Open the report again to see its deadlines."),
        )
    if not reason.strip():
        raise Refused(
            what,
            _("The law asks for a written reason."),
            _("Write in one sentence why more time is needed."),
            field="reason",
        )
    with transaction.atomic():
        before = clock.due_at
        clock.extended_days, clock.extension_reason = rule.extension, reason.strip()
        clock.due_at = _due(clock, rules.office(clock.agency))
        clock.save(update_fields=["extended_days", "extension_reason", "due_at"])
        record(
            clock.agency,
            "case.extended",
            clock.case,
            by=by,
            now=now,
            content=reason.encode(),
            facts={"clock": clock.rule, "days": rule.extension, "from": before, "to": clock.due_at},
        )
        keep_due(clock.case, now)
    return clock


def recompute(clocks_: Iterable[Clock], *, why: str, now: datetime) -> int:
    """Compute due times again by today's calendar. How many moved; each is on record."""
    moved, offices = 0, {}
    for clock in clocks_:
        if clock.agency_id not in offices:
            offices[clock.agency_id] = rules.office(clock.agency)
        due, before = _due(clock, offices[clock.agency_id]), clock.due_at
        clock.computed_at = now
        if due != before:
            clock.recomputed = [
                *clock.recomputed,
                {
                    "at": now.isoformat(),
                    "from": before.isoformat(),
                    "to": due.isoformat(),
                    "why": why,
                },
            ]
            clock.due_at, clock.late_noted_at = due, None
        with transaction.atomic():
            clock.save(update_fields=["computed_at", "due_at", "recomputed", "late_noted_at"])
            if due != before:
                moved += 1
                record(
                    clock.agency,
                    "case.clock_recomputed",
                    clock.case,
                    by=BY,
                    now=now,
                    facts={"clock": clock.rule, "from": before, "to": due, "why": why},
                )
                keep_due(clock.case, now)
    return moved


def keep_due(case: Case, now: datetime) -> datetime:
    """`Case.due_at`: the earliest of what we owe; 9999-12-31 where nothing runs. The conversations
    of its citizens are owed the same."""
    due = min((clock.due_at for clock in running(case) if ours(clock)), default=NEVER)
    if due != case.due_at:
        Case.objects.filter(pk=case.pk).update(due_at=due)
        case.due_at = due
        owe(case.contributors.values_list("conversation", flat=True), now)
    return due


def owe(conversations: Iterable[int], now: datetime) -> None:
    """Tell the inbox until when we owe something in these conversations (their ids): the earliest
    term of all reports that their citizens are in."""
    terms: dict[datetime | None, list[int]] = {}
    rows = Contributor.objects.filter(conversation__in=list(conversations)).values("conversation")
    for row in rows.annotate(at=Min("case__due_at")).order_by("conversation"):
        at = row["at"] if row["at"] < NEVER else None
        terms.setdefault(at, []).append(row["conversation"])
    for at, ids in terms.items():
        promise.owe(ids, at, now)


def running(case: Case) -> list[Clock]:
    return list(Clock.objects.filter(case=case, kept_at=None).order_by("due_at", "pk"))


def rule_of(clock: Clock) -> ClockRule:
    return clocks()[clock.rule]


def ours(clock: Clock) -> bool:
    """False for time that the citizen has, which is no deadline of ours."""
    return rule_of(clock).ends in OURS


# --- the tick ----------------------------------------------------------------------------------


def tick(now: datetime) -> int:
    """What the deliveries and the calendar say, and what has become late. How many were late."""
    pull_answers(now)
    follow_calendar(now)
    late = Clock.objects.filter(kept_at=None, late_noted_at=None, due_at__lt=now)
    noted = 0
    for clock in late.select_related("case__agency", "agency").order_by("due_at", "pk")[:500]:
        with transaction.atomic():
            taken = Clock.objects.filter(pk=clock.pk, late_noted_at=None, kept_at=None)
            if taken.update(late_noted_at=now) and ours(clock):
                record(
                    clock.agency,
                    "case.late",
                    clock.case,
                    by=BY,
                    now=now,
                    facts={"clock": clock.rule, "due_at": clock.due_at},
                )
                noted += 1
    return noted


def pull_answers(now: datetime) -> None:
    """A first answer is one that the network published. Giving the number keeps the agency's own
    promise; other clocks wait for an answer in substance."""
    waiting = Clock.objects.filter(
        kept_at=None,
        rule__in=[one.key for one in clocks().values() if one.ends == "first_answer"],
    ).select_related("case__agency", "agency")
    for clock in waiting.iterator(chunk_size=200):
        answers = Reply.objects.filter(
            conversation__in=clock.case.contributors.values("conversation"),
            delivery__published_at__gte=clock.started_at,
        )
        if not rule_of(clock).rule:
            answers = answers.exclude(purpose=Reply.Purpose.TICKET)
        first = answers.aggregate(at=Min("delivery__published_at"))["at"]
        if first is None:
            continue
        with transaction.atomic():
            if not Clock.objects.filter(pk=clock.pk, kept_at=None).update(kept_at=first):
                continue
            record(
                clock.agency,
                "case.clocks_kept",
                clock.case,
                by=BY,
                now=now,
                facts={"moment": "first_answer", "clocks": {clock.rule: first <= clock.due_at}},
            )
            keep_due(clock.case, now)


def follow_calendar(now: datetime) -> int:
    """Where an agency's calendar or working time changed, compute its running clocks again."""
    moved = 0
    since = Clock.objects.filter(kept_at=None).values("agency").annotate(since=Min("computed_at"))
    for row in since.order_by("agency"):
        agency = Agency.objects.get(pk=row["agency"])
        nodes = {agency, rules.tenant(agency)}
        if any(
            _moves(facts) for one in nodes for facts in facts_since(one, CALENDAR, row["since"])
        ):
            affected = Clock.objects.filter(agency=agency, kept_at=None)
            moved += recompute(
                affected.select_related("agency", "case__agency"), why="calendar", now=now
            )
    return moved


def _moves(facts: Mapping[str, Any]) -> bool:
    """Whether what was recorded of a day, or of settings ({name: [before, after]}), moves days."""
    changed = facts.get("changed")
    return deadlines_move(changed) if isinstance(changed, dict) else bool(changed)


def _due(clock: Clock, office: Office) -> datetime:
    return end(rule_of(clock), clock.amount + clock.extended_days, clock.started_at, office)
