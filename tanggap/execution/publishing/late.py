"""What could not leave in time is not sent by itself any more: a person is asked if it still fits.

The budget is the agency's own (`lateness_minutes`); an answer to a citizen stays welcome for a day.
A message whose validity is over is always asked about. A network that is down loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q, prefetch_related_objects

from tanggap.archive.move import move
from tanggap.core import rules, rules_data
from tanggap.core.errors import Stale
from tanggap.core.models import Agency
from tanggap.execution.publishing.models import Delivery

BY = "system:late"
REPLY = timedelta(days=1)
SOON = timedelta(minutes=1)
"""Nothing is late before that."""
BATCH = 200
RULE = "lateness_minutes"


def budget(agency: Agency, lane: int) -> timedelta:
    """How late a delivery may leave without a question."""
    if lane == Delivery.Lane.REPLY:
        return REPLY
    return timedelta(minutes=rules.number(agency, RULE))


def _least() -> timedelta:
    """The smallest budget that any agency, or a unit of one, has given itself."""
    own = Agency.objects.filter(rules__has_key=RULE).values_list(f"rules__{RULE}", flat=True)
    return timedelta(minutes=min([int(str(rules_data.BY_NAME[RULE].default)), *own]))


def expired(row: Delivery, now: datetime) -> bool:
    """Whether the message's validity is over, by the date in its agency's zone."""
    if row.variant is None or row.variant.message.valid_until is None:
        return False
    today = now.astimezone(ZoneInfo(row.agency.zone)).date()
    return today > row.variant.message.valid_until


def is_late(row: Delivery, now: datetime, allowed: timedelta | None = None) -> bool:
    """Whether it may leave only by a person's word. `allowed` is `budget`, where it is known."""
    if row.late_accepted or now - row.due_at < SOON:
        return False
    if expired(row, now):
        return True
    return now - row.due_at > (budget(row.agency, row.lane) if allowed is None else allowed)


def among(rows: Iterable[Delivery], now: datetime) -> set[int]:
    """Which of these may leave only by a person's word; what that needs is read for all at once."""
    old = [row for row in rows if not row.late_accepted and now - row.due_at >= SOON]
    prefetch_related_objects(old, "agency__parent", "variant__message")
    budgets: dict[tuple[int, int], timedelta] = {}
    for row in old:
        key = (row.agency_id, row.lane)
        if key not in budgets:
            budgets[key] = budget(row.agency, row.lane)
    return {row.pk for row in old if is_late(row, now, budgets[row.agency_id, row.lane])}


def set_aside(row: Delivery, now: datetime) -> Delivery:
    """queued or ready → late. What kept it stays on the card beside the question."""
    late_s = int((now - row.due_at).total_seconds())
    return move(row, "late", by=BY, now=now, facts={"late_s": late_s, "expired": expired(row, now)})


def mark(now: datetime) -> int:
    """queued or ready → late, for what is past its budget. How many were marked.

    Parts of a thread that wait for the part before them are not late by themselves, and what is
    looked up after a restore may be out already.
    """
    waiting = (
        Delivery.objects.filter(
            state__in=["queued", "ready"],
            late_accepted=False,
            confirm_first=False,
            due_at__lt=now - SOON,
        )
        .filter(Q(follows=None) | Q(follows__state="published"))
        .exclude(lane=Delivery.Lane.REPLY, due_at__gte=now - REPLY)
        .select_related("agency__parent", "variant__message")
        .order_by("due_at", "pk")
    )
    # Nobody's budget is over before the least of them; validity ends with a day, somewhere.
    expiring = Q(variant__message__valid_until__lte=(now + timedelta(hours=14)).date())
    waiting = waiting.filter(expiring | Q(due_at__lt=now - _least()))
    budgets: dict[tuple[int, int], timedelta] = {}
    marked = 0
    rows = list(waiting[:BATCH])
    while rows:
        for row in rows:
            key = (row.agency_id, row.lane)
            if key not in budgets:
                budgets[key] = budget(row.agency, row.lane)
            if not is_late(row, now, budgets[key]):
                continue
            try:
                set_aside(row, now)
                marked += 1
            except Stale:
                continue
        last = rows[-1]
        after = Q(due_at__gt=last.due_at) | Q(due_at=last.due_at, pk__gt=last.pk)
        rows = list(waiting.filter(after)[:BATCH])
    return marked
