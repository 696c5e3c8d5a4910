"""Step 3: send what is due, once. The only file that sends.

Three steps, and nothing else in them: `claim.to_send` commits the claim; `fire` makes one request,
outside of any transaction and without a database connection of its own; `settled` writes down what
came of it, first as Attempts, then as states. Without senders `tick` does all of it in its own
thread, row after row; senders.py does it for many accounts at once.

The residual risk: a worker that is frozen between its last look at the clock and the write, for
longer than a lease, and thaws after the row was looked up and sent again (docs/why names it).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from tanggap.accounts import connect, limits, pause
from tanggap.accounts.models import Account
from tanggap.channels.base import Channel, NeedsPerson, Posted, Ready, Target
from tanggap.channels.errors import (
    ChannelError,
    NotAuthorised,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unavailable,
)
from tanggap.execution.publishing import (
    claim,
    late,
    lease,
    named,
    pieces,
    prepare,
    settle,
    start,
    steady,
)
from tanggap.execution.publishing.holds import held_among
from tanggap.execution.publishing.models import Attempt, Delivery
from tanggap.execution.publishing.moment import Moment

BY = "system:deliver"
LOOK = 1.0
"""Seconds before the write within which the hold and the account were looked at."""
Desk = Callable[[], AbstractContextManager[Any]]


class Hands(Protocol):
    """Who sends for a tick that does not wait (senders.py)."""

    def go(self, moment: Moment) -> None: ...

    def rest(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Shot:
    """A claimed row and everything that its one request needs. `begun` and `looked` are monotonic:
    before the claim, and when the hold and the account were last read."""

    row: Delivery
    target: Target | None
    given: Mapping[str, str] | None
    begun: float
    looked: float


@dataclass(slots=True)
class Outcome:
    """What came of a shot. `stopped`: why nothing was even tried ("hold", "paused", "slow")."""

    row: Delivery
    started_at: datetime
    ended_at: datetime
    done: Posted | NeedsPerson | None = None
    error: ChannelError | None = None
    stopped: str = ""
    noted: bool = False


def tick(
    now: datetime,
    *,
    senders: Hands | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> int:
    """Send everything that is due, or, with `senders`, see that they are at work.

    Without senders it works in this thread and returns how many rows it worked on.
    """
    right = steady.in_step(now)
    if right:
        # By a wrong clock everything would be late, and a person asked about all of it.
        late.mark(now)
    if not right or not start.may_send(now):
        if senders is not None:
            senders.rest()
        return 0
    claim.refresh(now)
    moment = Moment(now, monotonic(), monotonic, runs=senders is not None)
    if senders is not None:
        senders.go(moment)
        return 0
    return slot(moment)


def slot(moment: Moment) -> int:
    """Claim, work, settle, until nothing is due. How many rows were worked on."""
    worked = 0
    while True:
        # Before the claim: what follows is measured from here.
        begun = moment.monotonic()
        if rows := claim.to_send(moment.now()):
            send(rows[0], begun, moment)
        elif rows := claim.to_prepare(moment.now()) or claim.to_prepare(moment.now(), media=True):
            prepare.prepare(rows[0], begun, moment)
        else:
            return worked
        worked += 1


def send(row: Delivery, begun: float, moment: Moment) -> None:
    """One mutating request, at most."""
    for shot in aim([row], begun, moment):
        settled([fire(shot, moment)])


# --- before the request --------------------------------------------------------------------------


def aim(rows: Sequence[Delivery], begun: float, moment: Moment) -> list[Shot]:
    """Everything that the requests need from the database, and the last look at what may stop them.
    What must not go is back in the queue."""
    looked = moment.monotonic()
    accounts = prepare.with_accounts(rows)
    why = stopped(rows, accounts)
    given = connect.opened(accounts.values())
    targets = {row.pk: pieces.target(row) for row in rows}
    now = moment.now()
    settled([Outcome(row, now, now, stopped=why[row.pk]) for row in rows if row.pk in why])
    return [
        Shot(row, targets[row.pk], given.get(row.account_id), begun, looked)
        for row in rows
        if row.pk not in why
    ]


def stopped(rows: Sequence[Delivery], accounts: Mapping[int, Account]) -> dict[int, str]:
    """Just before writing: which of these a hold or their account, as it was just read, keeps back,
    and why."""
    kept = held_among(rows)
    away = {row.pk: "paused" for row in rows if accounts[row.account_id].state != "connected"}
    return away | dict.fromkeys(kept, "hold")


# --- the request ---------------------------------------------------------------------------------


def fire(shot: Shot, moment: Moment, desk: Desk = nullcontext) -> Outcome:
    """The one request. Holds no connection while it waits: where it must read the database it does
    so inside of `desk()`."""
    row, started_at = shot.row, moment.now()
    try:
        opened = _opened(shot, started_at, desk)
        with desk() if row.content["media"] else nullcontext():
            draft = pieces.draft(row, reply_to=shot.target)
        why = ""
        if moment.monotonic() - shot.looked > LOOK:
            with desk():
                why = stopped([row], prepare.with_accounts([row])).get(row.pk, "")
    except Exception as error:
        # Nothing was written yet: a secret that cannot be opened, a file that is gone.
        return Outcome(row, started_at, moment.now(), error=named.named(error, Unavailable))
    if not why and moment.monotonic() - shot.begun > lease.SEND_WINDOW:
        why = "slow"
    if why:
        return Outcome(row, started_at, moment.now(), stopped=why)
    ready = Ready(draft, tuple(row.prepared.get("handles") or ()))
    try:
        done = _write(opened, row, ready, shot.target)
    except Exception as error:
        return Outcome(row, started_at, moment.now(), error=named.named(error, OutcomeUnknown))
    return Outcome(row, started_at, moment.now(), done=done)


def _opened(shot: Shot, now: datetime, desk: Desk) -> Channel:
    until = shot.begun + lease.SEND_WINDOW + lease.HTTP_DEADLINE
    if shot.given is not None:
        return connect.channel(
            shot.row.account, now, timeout=lease.HTTP_DEADLINE, until=until, given=shot.given
        )
    with desk():
        return connect.channel(shot.row.account, now, timeout=lease.HTTP_DEADLINE, until=until)


def _write(opened: Channel, row: Delivery, ready: Ready, target: Target | None) -> Any:
    """Which verb of the channel it is."""
    key = str(row.key)
    if row.kind == Delivery.Kind.PRIVATE:
        return opened.send_private(target, ready, key)  # type: ignore[attr-defined]
    if target is not None:
        return opened.reply(target, ready, key)  # type: ignore[attr-defined]
    return opened.publish(ready, key)  # type: ignore[attr-defined]


# --- after the request ---------------------------------------------------------------------------


def settled(outcomes: Sequence[Outcome]) -> None:
    """Write down what came of some requests: on record first, then settled. May be repeated when
    the database was lost on the way."""
    note(outcomes)
    posted = {
        one.row.pk: (one.row.lease_token, one.done)
        for one in outcomes
        if isinstance(one.done, Posted)
    }
    left = _together(posted, outcomes)
    for one in outcomes:
        if isinstance(one.done, Posted):
            if one.row.pk in left:
                settle.published(one.row.pk, one.done, by=BY, now=one.ended_at)
        else:
            _otherwise(one)
    now = max((one.ended_at for one in outcomes), default=None)
    if now is not None:
        limits.seed_each(((one.row.account, _rate(one)) for one in outcomes), now)


def note(outcomes: Iterable[Outcome]) -> None:
    """The Attempts, append-only, in a transaction of their own."""
    fresh = [one for one in outcomes if not one.noted and not one.stopped]
    if fresh:
        settle.attempts([_attempt(one) for one in fresh])
    for one in fresh:
        one.noted = True


def _together(posted: Mapping[int, tuple[Any, Posted]], outcomes: Sequence[Outcome]) -> set[int]:
    """The network's definite yes, for many at once. Returns who must be settled one by one."""
    if len(posted) < 2:
        return set(posted)
    return settle.published_each(posted, by=BY, now=max(one.ended_at for one in outcomes))


def _attempt(one: Outcome) -> Attempt:
    word, error = "by_hand", one.error
    if isinstance(one.done, Posted):
        word = "posted"
    elif error is not None:
        word = named.outcome_of(error)
    return settle.tried(
        one.row,
        Attempt.Act.SEND,
        word,
        started_at=one.started_at,
        ended_at=one.ended_at,
        said=error.said if error else "",
        remote_id=one.done.remote_id if isinstance(one.done, Posted) else "",
        facts={"code": error.code, "status": error.status} if error else {},
    )


def _rate(one: Outcome) -> Any:
    return one.done.rate if isinstance(one.done, Posted) else getattr(one.error, "rate", None)


def _otherwise(one: Outcome) -> None:
    row, now = one.row, one.ended_at
    if one.stopped:
        _nothing_happened(one, trouble=one.stopped, retry_at=now)
    elif one.error is None:
        Delivery.objects.filter(pk=row.pk, lease_token=row.lease_token).update(sends=row.sends - 1)
        settle.asked(row.pk, "by_hand", "", by=BY, now=now)
    elif isinstance(one.error, OutcomeUnknown):
        settle.unknown(
            row.pk,
            row.lease_token,
            trouble="unknown",
            said=one.error.said or one.error.code,
            by=BY,
            now=now,
        )
    else:
        _nothing_sent(one, one.error)


def _nothing_sent(one: Outcome, error: ChannelError) -> None:
    row, now = one.row, one.ended_at
    said = error.said or error.code
    if isinstance(error, Rejected):
        settle.failed(
            row.pk, row.lease_token, "sending", trouble="rejected", said=said, by=BY, now=now
        )
    elif isinstance(error, NotAuthorised):
        pause.refused(row.account_id, said, by=BY, now=now)
        _nothing_happened(one, trouble="credentials", said=said, retry_at=now)
    elif isinstance(error, RateLimited):
        limits.block(row.account, error.scope, error.retry_at, now)
        _nothing_happened(one, trouble="limited", said=said, retry_at=error.retry_at)
    else:
        _nothing_happened(one, trouble="unreachable", said=said, retry_at=None, counts=True)


def _nothing_happened(
    one: Outcome, *, trouble: str, retry_at: datetime | None, said: str = "", counts: bool = False
) -> None:
    settle.nothing_happened(
        one.row.pk,
        one.row.lease_token,
        "sending",
        trouble=trouble,
        said=said,
        by=BY,
        now=one.ended_at,
        retry_at=retry_at,
        counts=counts,
    )
