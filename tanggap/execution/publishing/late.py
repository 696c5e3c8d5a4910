"""What could not leave in time is not sent by itself any more: a person is asked if it still fits.

The budget is the agency's own (`lateness_minutes`); an answer to a citizen stays welcome for a day.
A message whose validity is over is always asked about. A network that is down loses nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q

from tanggap.archive.move import move
from tanggap.core import rules
from tanggap.core.errors import Stale
from tanggap.core.models import Agency
from tanggap.execution.publishing.models import Delivery

BY = "system:late"
REPLY = timedelta(days=1)
BATCH = 200


def budget(agency: Agency, lane: int) -> timedelta:
    """How late a delivery may leave without a question."""
    if lane == Delivery.Lane.REPLY:
        return REPLY
    return timedelta(minutes=rules.number(agency, "lateness_minutes"))


def expired(row: Delivery, now: datetime) -> bool:
    """Whether the message's validity is over, by the date in its agency's zone."""
    if row.variant is None or row.variant.message.valid_until is None:
        return False
    today = now.astimezone(ZoneInfo(row.agency.zone)).date()
    return today > row.variant.message.valid_until


def mark(now: datetime) -> int:
    """queued or ready → late, for what is past its budget. How many were marked.

    Parts of a thread that wait for the part before them are not late by themselves, and what is
    looked up after a restore may be out already.
    """
    rows = (
        Delivery.objects.filter(
            state__in=["queued", "ready"],
            late_accepted=False,
            confirm_first=False,
            due_at__lt=now - timedelta(minutes=1),
        )
        .filter(Q(follows=None) | Q(follows__state="published"))
        .select_related("agency__parent", "variant__message")
        .order_by("due_at", "pk")[:BATCH]
    )
    budgets: dict[tuple[int, int], timedelta] = {}
    marked = 0
    for row in rows:
        key = (row.agency_id, row.lane)
        if key not in budgets:
            budgets[key] = budget(row.agency, row.lane)
        over = expired(row, now)
        if not over and now - row.due_at <= budgets[key]:
            continue
        try:
            # What kept it stays on the card beside the question.
            move(
                row,
                "late",
                by=BY,
                now=now,
                facts={"late_s": int((now - row.due_at).total_seconds()), "expired": over},
            )
            marked += 1
        except Stale:
            continue
    return marked
