"""Take down what is out. Deleting may be repeated; a post that is not there is done."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from tanggap.accounts import connect, limits, pause
from tanggap.archive.move import move
from tanggap.channels.base import Posted
from tanggap.channels.errors import ChannelError, NotAuthorised, RateLimited, Rejected, Unavailable
from tanggap.core.errors import Refused
from tanggap.core.models import Person
from tanggap.execution.publishing import claim, lease, settle, start
from tanggap.execution.publishing.models import Attempt, Delivery

BY = "system:remove"


def remove(delivery: Delivery, *, reason: str, by: Person | str, now: datetime) -> Delivery:
    """Ask for it to be taken down. What it said stays in our archive."""
    if delivery.state != "published":
        raise Refused(
            _("Nothing was removed."),
            _("This is not published."),
            _("Open it again and look at its state."),
        )
    if not reason.strip():
        raise Refused(
            _("Nothing was removed."),
            _("A reason is missing."),
            _("Write why; citizens may ask where the post went."),
            field="reason",
        )
    if "remove" not in connect.can(delivery.account):
        raise Refused(
            _("Nothing was removed."),
            _("On this channel a person posts and removes."),
            _("Remove it there, then press “I removed it”."),
        )
    return move(
        delivery,
        "removing",
        by=by,
        now=now,
        facts={"reason": len(reason)},
        trouble="removing",
        trouble_said=reason.strip(),
        retry_at=None,
        tries=0,
        **lease.none(),
    )


def removed_by_hand(delivery: Delivery, *, by: Person, now: datetime) -> Delivery:
    """A person took it down where a person posts."""
    with transaction.atomic():
        move(delivery, "removing", by=by, now=now, **lease.none())
        return move(delivery, "removed", by=by, now=now, trouble="", trouble_said="")


def tick(now: datetime, *, monotonic: Callable[[], float] = time.monotonic) -> int:
    """Take down everything that was asked, where sending is on. How many rows were worked on."""
    worked = 0
    if not start.may_send(now):
        return worked
    while (row := claim.to_remove(now)) is not None:
        _remove(row, now, monotonic)
        worked += 1
    return worked


def _remove(row: Delivery, now: datetime, monotonic: Callable[[], float]) -> None:
    try:
        opened = connect.channel(row.account, now, until=monotonic() + lease.budget("removing"))
        done = opened.remove(  # type: ignore[attr-defined]
            Posted(row.remote_id or "", row.remote_url, row.published_at)
        )
    except Exception as error:
        _not_removed(row, error, now)
        return
    settle.attempt(
        row,
        Attempt.Act.REMOVE,
        "posted",
        started_at=now,
        ended_at=now,
        facts={"already": done.already},
    )
    with transaction.atomic():
        mine = settle.mine(row.pk, row.lease_token, "removing")
        if mine is not None:
            move(
                mine,
                "removed",
                by=BY,
                now=now,
                facts={"already": done.already},
                trouble="",
                retry_at=None,
                **lease.none(),
            )
    limits.seed(row.account, done.rate, now)


def _not_removed(row: Delivery, error: Exception, now: datetime) -> None:
    known = error if isinstance(error, ChannelError) else Unavailable(type(error).__name__)
    settle.attempt(
        row,
        Attempt.Act.REMOVE,
        "rejected" if isinstance(known, Rejected) else "unavailable",
        started_at=now,
        ended_at=now,
        said=known.said,
        facts={"code": known.code},
    )
    if isinstance(known, NotAuthorised):
        pause.refused(row.account_id, known.said or known.code, by=BY, now=now)
    with transaction.atomic():
        mine = settle.mine(row.pk, row.lease_token, "removing")
        if mine is None:
            return
        if isinstance(known, Rejected):
            move(
                mine,
                "published",
                by=BY,
                now=now,
                facts={"code": known.code},
                trouble="not_removed",
                trouble_said=known.said,
                retry_at=None,
                **lease.none(),
            )
            return
        retry_at = known.retry_at if isinstance(known, RateLimited) else None
        Delivery.objects.filter(pk=mine.pk).update(
            tries=mine.tries + 1,
            retry_at=retry_at or settle.back_off(mine.tries + 1, now),
            **lease.none(),
        )
