"""Step 4: take the bodies that came to the doors into the inbox, in batches.

The row is the truth: what is not worked on yet is found again by the next tick, whoever was killed
meanwhile. A batch's words and the mark that they were worked on go in together or not at all. A
body that cannot be read is kept in quarantine, word for word; one that fails by itself is tried
alone, later, and in the end kept in quarantine too.
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from tanggap.accounts import connect
from tanggap.accounts.models import Account
from tanggap.channels.base import Channel, Fetched
from tanggap.channels.errors import Rejected
from tanggap.core import secrets
from tanggap.execution.inbox import door, listen
from tanggap.execution.inbox.models import Arrival

log = logging.getLogger(__name__)
BY = "system:arrivals"
BATCH = 200
ROUNDS = 10
TRIES = 5
WAIT = timedelta(minutes=1)
"""Before a body that failed by itself is tried again, times the number of tries."""
KEEP = timedelta(days=7)
"""How long the same body is known to have been here (its words are gone from the row at once)."""


def tick(now: datetime) -> int:
    """Work on what waits, some batches at most: a flood goes on with the next tick, whose `now` is
    a later one. How many bodies."""
    worked = 0
    for _ in range(ROUNDS):
        done = batch(now)
        worked += done
        if not done:
            break
    return worked


def batch(now: datetime, size: int = BATCH) -> int:
    """The oldest that wait, in one transaction; one by one where that fails. How many."""
    try:
        with transaction.atomic():
            rows = _claim(now, size)
            _work(rows, now)
        return len(rows)
    except Exception:
        if connection.in_atomic_block:
            raise
        log.exception("A batch of arrivals failed; each is worked on by itself.")
    return sum(_alone(pk, now) for pk in _waiting(now).values_list("pk", flat=True)[:size])


def tidy(now: datetime) -> int:
    """Forget which bodies were here long ago. How many."""
    return Arrival.objects.filter(worked_at__lt=now - KEEP).delete()[0]


def _waiting(now: datetime) -> QuerySet[Arrival]:
    return (
        Arrival.objects.filter(worked_at=None)
        .filter(Q(retry_at=None) | Q(retry_at__lte=now))
        .order_by("pk")
    )


def _claim(now: datetime, size: int) -> list[Arrival]:
    return list(
        _waiting(now)
        .select_for_update(of=["self"], skip_locked=True)
        .select_related("door__account__agency__parent")[:size]
    )


def _alone(pk: int, now: datetime) -> int:
    """One body in a transaction of its own. 1 when it was worked on or put off."""
    try:
        with transaction.atomic():
            row = (
                Arrival.objects.select_for_update(of=["self"], skip_locked=True)
                .select_related("door__account__agency__parent")
                .filter(pk=pk, worked_at=None)
                .first()
            )
            if row is not None:
                _work([row], now, last=row.tries + 1 >= TRIES)
        return 1
    except Exception:
        log.exception("Arrival %s failed.", pk)
        tries = Arrival.objects.values_list("tries", flat=True).get(pk=pk) + 1
        Arrival.objects.filter(pk=pk).update(tries=tries, retry_at=now + WAIT * tries)
        return 1


def _work(rows: list[Arrival], now: datetime, *, last: bool = False) -> None:
    by_account: dict[Account, list[Arrival]] = defaultdict(list)
    for row in rows:
        by_account[row.door.account].append(row)
    # In one order for everybody, so that two workers never wait for each other.
    for account, waiting in sorted(by_account.items(), key=lambda pair: pair[0].pk):
        opened = connect.reading(account, now)
        found = [_read(opened, row, last=last) for row in waiting]
        whole = Fetched(
            items=tuple(item for one in found for item in one.items),
            cursor="",
            unreadable=tuple(raw for one in found for raw in one.unreadable),
        )
        listen.arrived(account, whole, now=now)
    Arrival.objects.filter(pk__in=[row.pk for row in rows]).update(worked_at=now, sealed=b"")


def _read(opened: Channel, row: Arrival, *, last: bool) -> Fetched:
    """What stands in a body. One that cannot be read is itself what goes to quarantine."""
    raw = secrets.open_(bytes(row.sealed), door.body_aad(row.door_id))
    head, _line, body = raw.partition(b"\n")
    if last:
        return Fetched((), "", unreadable=(body,))
    try:
        return listen.receive(opened, json.loads(head), body)
    except Rejected:
        return Fetched((), "", unreadable=(body or b"-",))
