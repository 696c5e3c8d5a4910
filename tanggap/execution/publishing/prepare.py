"""Before a send: let the channel check the draft and upload what has to be there first.

Preparing may be repeated, so nothing here is ever unknown. Three steps as in deliver.py: the claim,
`load` on the network without a database connection of its own, and `settled`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import prefetch_related_objects

from tanggap.accounts import connect, limits, pause
from tanggap.accounts.models import Account
from tanggap.channels.base import Later, Ready
from tanggap.channels.errors import ChannelError, NotAuthorised, RateLimited, Rejected, Unavailable
from tanggap.execution.publishing import lease, named, pieces, settle
from tanggap.execution.publishing.models import Attempt, Delivery
from tanggap.execution.publishing.moment import Moment

BY = "system:deliver"
ACCOUNTS = "SELECT * FROM accounts_account WHERE id = ANY(%s)"


@dataclass(slots=True)
class Prepared:
    """What came of one `load`. `saved`: the progress that the next one goes on from."""

    row: Delivery
    started_at: datetime
    ended_at: datetime
    done: Ready | Later | None = None
    error: ChannelError | None = None
    saved: dict[str, Any] = field(default_factory=dict)
    noted: bool = False


def prepare(row: Delivery, begun: float, moment: Moment) -> None:
    """One row, in this thread."""
    given = reach([row])
    settled([load(row, given.get(row.account_id), begun, moment)])


def reach(rows: Sequence[Delivery]) -> dict[int, dict[str, str]]:
    """Read what `load` needs of the accounts: their secrets, by account."""
    return connect.opened(set(with_accounts(rows).values()))


def with_accounts(rows: Sequence[Delivery]) -> dict[int, Account]:
    """Read the accounts of these as they are now, and the parts before them."""
    asked = list({row.account_id for row in rows})
    found = {one.pk: one for one in Account.objects.raw(ACCOUNTS, [asked])}
    for row in rows:
        row.account = found[row.account_id]
    parts = [row for row in rows if row.follows_id is not None]
    if parts:
        prefetch_related_objects(parts, "follows")
    return found


def load(
    row: Delivery,
    given: Mapping[str, str] | None,
    begun: float,
    moment: Moment,
    desk: Callable[[], AbstractContextManager[Any]] = nullcontext,
) -> Prepared:
    """On the network. Reads the database, where it must, inside of `desk()`."""
    started_at = moment.now()
    saved: dict[str, Any] = dict(row.prepared.get("saved") or {})
    until = begun + lease.budget("preparing")
    try:
        with nullcontext() if given is not None else desk():
            opened = connect.channel(row.account, started_at, until=until, given=given)
        with desk() if row.content["media"] else nullcontext():
            draft = pieces.draft(row, reply_to=pieces.own_target(row))
        done = opened.prepare(draft, saved)  # type: ignore[attr-defined]
    except Exception as error:
        saved = dict(getattr(error, "saved", None) or saved)
        known = named.named(error, Unavailable)
        return Prepared(row, started_at, moment.now(), error=known, saved=saved)
    return Prepared(row, started_at, moment.now(), done=done, saved=saved)


def settled(found: Sequence[Prepared]) -> None:
    """Write down what came of it: Attempts first. May be repeated."""
    fresh = [one for one in found if not one.noted]
    settle.attempts([_attempt(one) for one in fresh])
    for one in fresh:
        one.noted = True
    now = max((one.ended_at for one in found), default=None)
    if now is None:
        return
    limits.seed_each(((one.row.account, _rate(one)) for one in found), now)
    settle.ready_each(
        {
            one.row.pk: (
                one.row.lease_token,
                {"handles": list(one.done.handles), "saved": one.saved},
            )
            for one in found
            if isinstance(one.done, Ready)
        },
        by=BY,
        now=now,
    )
    for one in found:
        if isinstance(one.done, Later):
            _later(one, one.done)
        elif one.error is not None:
            _not_prepared(one, one.error)


def _attempt(one: Prepared) -> Attempt:
    word, error = "later" if isinstance(one.done, Later) else "ready", one.error
    return settle.tried(
        one.row,
        Attempt.Act.PREPARE,
        named.outcome_of(error) if error else word,
        started_at=one.started_at,
        ended_at=one.ended_at,
        said=error.said if error else "",
        facts={"code": error.code, "status": error.status} if error else {},
    )


def _rate(one: Prepared) -> Any:
    return one.done.rate if one.done is not None else getattr(one.error, "rate", None)


def _later(one: Prepared, done: Later) -> None:
    settle.nothing_happened(
        one.row.pk,
        one.row.lease_token,
        "preparing",
        trouble="media",
        said="",
        by=BY,
        now=one.ended_at,
        retry_at=done.retry_at,
        counts=False,
        prepared={"saved": dict(done.saved)},
    )


def _not_prepared(one: Prepared, error: ChannelError) -> None:
    row, now = one.row, one.ended_at
    said = error.said or error.code
    if isinstance(error, Rejected):
        settle.failed(
            row.pk, row.lease_token, "preparing", trouble="rejected", said=said, by=BY, now=now
        )
        return
    trouble, retry_at = "unreachable", None
    if isinstance(error, RateLimited):
        limits.block(row.account, error.scope, error.retry_at, now)
        trouble, retry_at = "limited", error.retry_at
    if isinstance(error, NotAuthorised):
        pause.refused(row.account_id, said, by=BY, now=now)
        trouble, retry_at = "credentials", now
    settle.nothing_happened(
        row.pk,
        row.lease_token,
        "preparing",
        trouble=trouble,
        said=said,
        by=BY,
        now=now,
        retry_at=retry_at,
        counts=isinstance(error, Unavailable),
        prepared={"saved": one.saved} if one.saved else {},
    )
