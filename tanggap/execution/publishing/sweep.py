"""Find what a killed worker left behind.

A sweeper trusts no clock but its own monotonic one: it acts only on a lease that it has itself seen
unchanged for a lease's length. A process that has just started therefore waits a whole lease first.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from tanggap.archive.move import move
from tanggap.execution.publishing import lease, settle
from tanggap.execution.publishing.models import Attempt, Delivery

BY = "system:sweep"
LEASED = tuple(lease.SECONDS)


class Watch:
    """What this process has seen: delivery → (lease, since when by the monotonic clock)."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.monotonic = monotonic
        self._seen: dict[int, tuple[UUID, float]] = {}

    def expired(self, leases: dict[int, tuple[UUID, str]]) -> list[int]:
        """Which of these leases have been here unchanged for their whole length."""
        at = self.monotonic()
        self._seen = {
            pk: (token, self._seen[pk][1] if self._seen.get(pk, (None,))[0] == token else at)
            for pk, (token, _state) in leases.items()
        }
        return [
            pk
            for pk, (_token, state) in leases.items()
            if at - self._seen[pk][1] >= lease.SECONDS[state]
        ]


OURS = Watch()


def tick(now: datetime, *, watch: Watch | None = None) -> int:
    """Take back what nobody works on any more. How many rows."""
    rows = Delivery.objects.filter(state__in=LEASED, lease_token__isnull=False)
    leases = {
        pk: (token, state)
        for pk, token, state in rows.values_list("pk", "lease_token", "state")
        if token is not None
    }
    return sum(_take_back(pk, leases[pk][0], now) for pk in (watch or OURS).expired(leases))


def _take_back(delivery_id: int, token: UUID, now: datetime) -> bool:
    with transaction.atomic():
        row = (
            Delivery.objects.select_for_update(of=["self"], skip_locked=True)
            .filter(pk=delivery_id, lease_token=token, state__in=LEASED)
            .first()
        )
        if row is None:
            return False
        act = {
            "preparing": Attempt.Act.PREPARE,
            "sending": Attempt.Act.SEND,
            "confirming": Attempt.Act.CONFIRM,
            "removing": Attempt.Act.REMOVE,
        }[row.state]
        settle.attempt(
            row,
            act,
            "unknown",
            started_at=row.leased_at or now,
            ended_at=now,
            facts={"code": "worker_lost"},
        )
        soon = now + timedelta(seconds=settle.READ_BACKS[0])
        if row.state == "preparing":
            move(row, "queued", by=BY, now=now, facts={"code": "worker_lost"}, **lease.none())
        elif row.state == "sending":
            move(
                row,
                "unknown",
                by=BY,
                now=now,
                facts={"code": "worker_lost"},
                retry_at=soon,
                unknown_since=now,
                trouble="worker_lost",
                trouble_said="",
                confirms=0,
                **lease.none(),
            )
        elif row.state == "confirming":
            move(
                row,
                "unknown",
                by=BY,
                now=now,
                facts={"code": "worker_lost"},
                retry_at=soon,
                **lease.none(),
            )
        else:
            Delivery.objects.filter(pk=row.pk).update(retry_at=soon, **lease.none())
    return True
