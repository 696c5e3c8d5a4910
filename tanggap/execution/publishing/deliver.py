"""Step 3: send what is due, once. The only file that sends.

A slot is one thread with one connection: it claims a row (committed), sends it outside of any
transaction, settles it, and claims the next until nothing is due. Slots are the free senders, so no
more rows are claimed than can be sent at once. `tick` starts the slots.

The residual risk: a worker that is frozen between its last look at the clock and the write, for
longer than a lease, and thaws after the row was looked up and sent again (docs/why names it).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from tanggap.accounts import connect, limits, pause
from tanggap.accounts.models import Account
from tanggap.archive.move import move
from tanggap.channels.base import Channel, Later, NeedsPerson, Posted, Ready, Target
from tanggap.channels.errors import (
    ChannelError,
    NotAuthorised,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unavailable,
)
from tanggap.execution.publishing import claim, late, lease, pieces, settle, start, steady
from tanggap.execution.publishing.holds import holds
from tanggap.execution.publishing.models import Attempt, Delivery

BY = "system:deliver"
SLOTS = 6
Monotonic = Callable[[], float]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Moment:
    """What time it is while a slot works: the tick's `now`, in a worker with the time since."""

    at: datetime
    begun: float
    monotonic: Monotonic
    runs: bool = False

    def now(self) -> datetime:
        if not self.runs:
            return self.at
        return self.at + timedelta(seconds=self.monotonic() - self.begun)


class Senders:
    """The worker's threads. At most `slots` (two or more) at once, whatever the number of ticks.

    One of them uploads nothing but the emergency lane's media, so that films which take minutes
    never keep a warning waiting.
    """

    def __init__(self, slots: int = SLOTS) -> None:
        self.slots = slots
        self._pool = ThreadPoolExecutor(slots, thread_name_prefix="send")
        self._running: set[Any] = set()
        self._urgent: Any = None

    def fill(self, moment: Moment) -> int:
        """Start the slots that are free. They end by themselves when nothing is due."""
        self._running = {one for one in self._running if not one.done()}
        free = self.slots - 1 - len(self._running)
        self._running |= {self._pool.submit(_thread, moment) for _ in range(free)}
        if self._urgent is None or self._urgent.done():
            self._urgent = self._pool.submit(_thread, moment, urgent=True)
            free += 1
        return free

    def wait(self) -> None:
        for one in [*self._running, self._urgent]:
            if one is not None:
                one.result()

    def close(self) -> None:
        self._pool.shutdown(wait=True)


def tick(
    now: datetime,
    *,
    senders: Senders | None = None,
    monotonic: Monotonic = time.monotonic,
) -> int:
    """Send everything that is due, or, with `senders`, see that their slots are at work.

    Without senders it works in this thread and returns how many rows it worked on.
    """
    late.mark(now)
    if not start.may_send(now) or not steady.in_step(now):
        return 0
    claim.refresh(now)
    moment = Moment(now, monotonic(), monotonic, runs=senders is not None)
    return senders.fill(moment) if senders is not None else slot(moment)


def slot(moment: Moment, *, urgent: bool = False) -> int:
    """Claim, work, settle, until nothing is due. `urgent`: prepare the emergency lane only."""
    worked = 0
    while True:
        # Before the claim: what follows is measured from here.
        begun = moment.monotonic()
        row = claim.to_send(moment.now())
        if row is not None:
            send(row, begun, moment)
        else:
            row = claim.to_prepare(moment.now(), urgent=urgent)
            if row is None:
                return worked
            prepare(row, begun, moment)
        worked += 1


def _thread(moment: Moment, *, urgent: bool = False) -> int:
    try:
        return slot(moment, urgent=urgent)
    except Exception:
        log.exception("A sender stopped; its row is found again when its lease has run out.")
        return 0
    finally:
        connection.close()


# --- prepare -------------------------------------------------------------------------------------


def prepare(row: Delivery, begun: float, moment: Moment) -> None:
    """Upload what has to be there first. May be repeated, so nothing here is ever unknown."""
    started_at = moment.now()
    saved: dict[str, Any] = dict(row.prepared.get("saved") or {})
    token = row.lease_token
    try:
        opened = connect.channel(row.account, started_at, until=begun + lease.budget("preparing"))
        draft = pieces.draft(row, reply_to=pieces.own_target(row))
        done = opened.prepare(draft, saved)  # type: ignore[attr-defined]
    except Exception as error:
        saved = dict(getattr(error, "saved", None) or saved)
        _not_prepared(row, _named(error, Unavailable), started_at, moment.now(), saved)
        return
    now = moment.now()
    limits.seed(row.account, done.rate, now)
    later = isinstance(done, Later)
    settle.attempt(
        row, Attempt.Act.PREPARE, "later" if later else "ready", started_at=started_at, ended_at=now
    )
    if isinstance(done, Later):
        settle.nothing_happened(
            row.pk,
            token,
            "preparing",
            trouble="media",
            said="",
            by=BY,
            now=now,
            retry_at=done.retry_at,
            counts=False,
            prepared={"saved": dict(done.saved)},
        )
        return
    with transaction.atomic():
        mine = (
            Delivery.objects.select_for_update()
            .filter(pk=row.pk, state="preparing", lease_token=token)
            .first()
        )
        if mine is not None:
            move(
                mine,
                "ready",
                by=BY,
                now=now,
                retry_at=None,
                prepared_at=now,
                trouble="",
                trouble_said="",
                prepared={"handles": list(done.handles), "saved": saved},
                **lease.none(),
            )


def _not_prepared(
    row: Delivery, error: ChannelError, started_at: datetime, now: datetime, saved: dict[str, Any]
) -> None:
    settle.attempt(
        row,
        Attempt.Act.PREPARE,
        _outcome(error),
        started_at=started_at,
        ended_at=now,
        said=error.said,
        facts={"code": error.code, "status": error.status},
    )
    limits.seed(row.account, error.rate, now)
    said = error.said or error.code
    prepared = {"saved": saved} if saved else {}
    if isinstance(error, Rejected):
        settle.failed(
            row.pk, row.lease_token, "preparing", trouble="rejected", said=said, by=BY, now=now
        )
        return
    retry_at = None
    if isinstance(error, RateLimited):
        limits.block(row.account, error.scope, error.retry_at, now)
        retry_at = error.retry_at
    if isinstance(error, NotAuthorised):
        pause.refused(row.account_id, said, by=BY, now=now)
        retry_at = now
    settle.nothing_happened(
        row.pk,
        row.lease_token,
        "preparing",
        trouble=_trouble(error),
        said=said,
        by=BY,
        now=now,
        retry_at=retry_at,
        counts=isinstance(error, Unavailable),
        prepared=prepared,
    )


# --- send ----------------------------------------------------------------------------------------


def send(row: Delivery, begun: float, moment: Moment) -> None:
    """One mutating request, at most."""
    started_at = moment.now()
    token = row.lease_token
    try:
        opened = connect.channel(
            row.account,
            started_at,
            timeout=lease.HTTP_DEADLINE,
            until=begun + lease.SEND_WINDOW + lease.HTTP_DEADLINE,
        )
        target = pieces.target(row)
        draft = pieces.draft(row, reply_to=target)
    except Exception as error:
        # Nothing was written yet: a secret that cannot be opened, a file that is gone.
        _nothing_sent(row, _named(error, Unavailable), started_at, moment.now())
        return
    if _must_not(row, begun, moment):
        return
    ready = Ready(draft, tuple(row.prepared.get("handles") or ()))
    try:
        done = _write(opened, row, ready, target)
    except Exception as error:
        _sent_and_failed(row, _named(error, OutcomeUnknown), started_at, moment.now())
        return
    now = moment.now()
    if isinstance(done, NeedsPerson):
        settle.attempt(row, Attempt.Act.SEND, "by_hand", started_at=started_at, ended_at=now)
        Delivery.objects.filter(pk=row.pk, lease_token=token).update(sends=row.sends - 1)
        settle.asked(row.pk, "by_hand", "", by=BY, now=now)
        return
    accept(row, done, started_at, now)


def accept(row: Delivery, done: Posted, started_at: datetime, now: datetime) -> None:
    """The network's definite yes: on record first, then settled."""
    settle.attempt(
        row,
        Attempt.Act.SEND,
        "posted",
        started_at=started_at,
        ended_at=now,
        remote_id=done.remote_id,
    )
    settle.published(row.pk, done, by=BY, now=now)
    limits.seed(row.account, done.rate, now)


def _must_not(row: Delivery, begun: float, moment: Moment) -> bool:
    """Just before writing: the hold, the account, and our own clock. True when nothing may go."""
    now = moment.now()
    account = Account.objects.filter(pk=row.account_id, state="connected").exists()
    if holds(row.pk) or not account:
        settle.nothing_happened(
            row.pk,
            row.lease_token,
            "sending",
            said="",
            by=BY,
            now=now,
            trouble="hold" if account else "paused",
            retry_at=now,
            counts=False,
        )
        return True
    if moment.monotonic() - begun > lease.SEND_WINDOW:
        settle.nothing_happened(
            row.pk,
            row.lease_token,
            "sending",
            trouble="slow",
            said="",
            by=BY,
            now=now,
            retry_at=now,
            counts=False,
        )
        return True
    return False


def _write(opened: Channel, row: Delivery, ready: Ready, target: Target | None) -> Any:
    """Which verb of the channel it is."""
    key = str(row.key)
    if row.kind == Delivery.Kind.PRIVATE:
        return opened.send_private(target, ready, key)  # type: ignore[attr-defined]
    if target is not None:
        return opened.reply(target, ready, key)  # type: ignore[attr-defined]
    return opened.publish(ready, key)  # type: ignore[attr-defined]


def _sent_and_failed(
    row: Delivery, error: ChannelError, started_at: datetime, now: datetime
) -> None:
    if not isinstance(error, OutcomeUnknown):
        _nothing_sent(row, error, started_at, now)
        return
    settle.attempt(
        row,
        Attempt.Act.SEND,
        "unknown",
        started_at=started_at,
        ended_at=now,
        said=error.said,
        facts={"code": error.code, "status": error.status},
    )
    settle.unknown(
        row.pk, row.lease_token, trouble="unknown", said=error.said or error.code, by=BY, now=now
    )
    limits.seed(row.account, error.rate, now)


def _nothing_sent(row: Delivery, error: ChannelError, started_at: datetime, now: datetime) -> None:
    settle.attempt(
        row,
        Attempt.Act.SEND,
        _outcome(error),
        started_at=started_at,
        ended_at=now,
        said=error.said,
        facts={"code": error.code, "status": error.status},
    )
    said, token = error.said or error.code, row.lease_token
    if isinstance(error, Rejected):
        settle.failed(row.pk, token, "sending", trouble="rejected", said=said, by=BY, now=now)
    elif isinstance(error, NotAuthorised):
        pause.refused(row.account_id, said, by=BY, now=now)
        settle.nothing_happened(
            row.pk,
            token,
            "sending",
            trouble="credentials",
            said=said,
            by=BY,
            now=now,
            retry_at=now,
            counts=False,
        )
    elif isinstance(error, RateLimited):
        limits.block(row.account, error.scope, error.retry_at, now)
        settle.nothing_happened(
            row.pk,
            token,
            "sending",
            trouble="limited",
            said=said,
            by=BY,
            now=now,
            retry_at=error.retry_at,
            counts=False,
        )
    else:
        settle.nothing_happened(
            row.pk,
            token,
            "sending",
            trouble="unreachable",
            said=said,
            by=BY,
            now=now,
            retry_at=None,
        )
    limits.seed(row.account, error.rate, now)


def _named(error: Exception, unnamed: type[ChannelError]) -> ChannelError:
    """A ChannelError as it is; anything that a channel did not name as the careful one."""
    if isinstance(error, ChannelError):
        return error
    log.error("A channel raised %s", type(error).__name__, exc_info=error)
    return unnamed(type(error).__name__.lower())


def _outcome(error: ChannelError) -> str:
    return {
        Rejected: "rejected",
        NotAuthorised: "not_authorised",
        RateLimited: "rate_limited",
        Unavailable: "unavailable",
    }.get(type(error), "unknown")


def _trouble(error: ChannelError) -> str:
    return {NotAuthorised: "credentials", RateLimited: "limited"}.get(type(error), "unreachable")
