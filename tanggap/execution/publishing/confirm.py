"""Look up what may be out: read our own posts back, spaced, past the claim time.

`unknown` is sent again by the machine at most once, and only when the send window is over and
three complete read-backs, spaced for lag, did not find it. Otherwise a person is asked. A remote id
that is bound to a delivery never matches another. Nothing here ever sends.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue

from django.db import connection, transaction
from django.db.models import Q

from tanggap.accounts import connect, limits, pause
from tanggap.archive.move import move
from tanggap.channels.base import NotFound, Posted, Sent
from tanggap.channels.errors import ChannelError, NotAuthorised, RateLimited, Unavailable
from tanggap.execution.publishing import claim, lease, pieces, redate, settle, start, steady
from tanggap.execution.publishing.models import Attempt, Delivery
from tanggap.execution.publishing.moment import Moment

log = logging.getLogger(__name__)
BY = "system:confirm"
GIVE_UP = timedelta(minutes=10)
"""Nothing stays unknown for longer without a person being asked."""
LOOKS = len(settle.READ_BACKS)
FOR = timedelta(days=2)


Act = Callable[[Delivery, Moment], None]


def tick(
    now: datetime, *, monotonic: Callable[[], float] = time.monotonic, lookers: int = 1
) -> int:
    """Look up everything that is due for a look, the oldest first. How many rows were looked at.

    With `lookers` so many threads look at once, each with a connection of its own, so that one slow
    network does not keep the others' rows waiting; time then runs while they look. While the clock
    is wrong nothing is looked up: how long ago something was sent is then anybody's guess.
    """
    if not steady.in_step(now):
        return 0
    redate.tick(now)
    looked = give_up(now, Q(confirms__lt=LOOKS - 1))
    moment = Moment(now, monotonic(), monotonic, runs=lookers > 1)
    again = SimpleQueue[tuple[Act, Delivery]]()
    for act, rows in ((_look_again, _asked(now)), (_look_first, _first(now))):
        for row in rows:
            again.put((act, row))
    hands = min(lookers, again.qsize() + _due(now, lookers))
    if hands <= 1:
        looked += _round(again, moment)
    else:
        with ThreadPoolExecutor(hands, thread_name_prefix="look") as pool:
            looked += sum(pool.map(lambda _: _thread(again, moment), range(hands)))
    # What wanted its last look alone, and was kept from it (a wrong clock, a machine that was off),
    # has had it before anybody is asked.
    return looked + give_up(moment.now())


def _due(now: datetime, most: int) -> int:
    rows = Delivery.objects.filter(state="unknown").filter(Q(retry_at=None) | Q(retry_at__lte=now))
    return len(rows.values_list("pk")[:most])


def _thread(again: SimpleQueue[tuple[Act, Delivery]], moment: Moment) -> int:
    try:
        return _round(again, moment)
    finally:
        connection.close()


def _round(again: SimpleQueue[tuple[Act, Delivery]], moment: Moment) -> int:
    """Until nothing is left that was due when the tick began."""
    looked = 0
    while rows := claim.to_confirm(moment.at):
        looked += _one(_look, rows[0], moment)
    while True:
        try:
            act, row = again.get_nowait()
        except Empty:
            return looked
        looked += _one(act, row, moment)


def _one(act: Act, row: Delivery, moment: Moment) -> int:
    """One row's trouble (a channel that is gone, a secret that cannot be read) is not the others'.

    The row is found again when its lease has run out.
    """
    try:
        act(row, moment)
    except Exception:
        log.exception("Delivery %s was not looked up.", row.pk)
    return 1


def give_up(now: datetime, which: Q | None = None) -> int:
    """A network that is down or a paused account cannot be read: after ten minutes ask a person."""
    old = Delivery.objects.filter(state="unknown", unknown_since__lte=now - GIVE_UP)
    old = old.filter(which or Q())
    ids = list(old.values_list("pk", "trouble_said"))
    for pk, said in ids:
        settle.asked(pk, "unknown", said, by=BY, now=now)
    return len(ids)


def look(row: Delivery, now: datetime, until: float) -> Posted | NotFound:
    """One read-back (network). Raises a ChannelError."""
    opened = connect.channel(row.account, now, until=until)
    confirm = getattr(opened, "confirm", None)
    if confirm is None or not row.account.remote_id:
        return NotFound(None, complete=False)
    # Drafts are compared by words and alt texts, so files need not be there any more.
    draft = pieces.draft(row, reply_to=pieces.target(row))
    sent = Sent(draft, row.claimed_at or row.due_at, str(row.key), _taken(row))
    found: Posted | NotFound = confirm(sent)
    limits.seed(row.account, found.rate, now)
    return found


def _taken(row: Delivery) -> frozenset[str]:
    since = (row.claimed_at or row.due_at) - timedelta(days=1)
    bound = (
        Delivery.objects.filter(account_id=row.account_id, remote_id__isnull=False)
        .filter(Q(published_at__gte=since) | Q(published_at=None))
        .exclude(pk=row.pk)
    )
    return frozenset(one for one in bound.values_list("remote_id", flat=True) if one)


def _attempted(row: Delivery, moment: Moment) -> Posted | NotFound | None:
    """A look with its Attempt; None when the network did not let us look."""
    begun = moment.now()
    until = moment.monotonic() + lease.budget("confirming")
    try:
        found = look(row, begun, until)
    except Exception as error:
        now = moment.now()
        known = error if isinstance(error, ChannelError) else Unavailable(type(error).__name__)
        settle.attempt(
            row,
            Attempt.Act.CONFIRM,
            "unavailable",
            started_at=begun,
            ended_at=now,
            said=known.said,
            facts={"code": known.code},
        )
        if isinstance(known, NotAuthorised):
            pause.refused(row.account_id, known.said or known.code, by=BY, now=now)
        if isinstance(known, RateLimited):
            limits.block(row.account, known.scope, known.retry_at, now)
        return None
    now = moment.now()
    if isinstance(found, Posted):
        settle.attempt(
            row,
            Attempt.Act.CONFIRM,
            "posted",
            started_at=begun,
            ended_at=now,
            remote_id=found.remote_id,
        )
    else:
        seen = found.seen_until.isoformat() if found.seen_until else ""
        settle.attempt(
            row,
            Attempt.Act.CONFIRM,
            "not_found",
            started_at=begun,
            ended_at=now,
            facts={"complete": found.complete, "seen_until": seen},
        )
    return found


def _look(row: Delivery, moment: Moment) -> None:
    if "confirm" not in connect.can(row.account):
        settle.asked(row.pk, "unknown", row.trouble_said, by=BY, now=moment.now())
        return
    found = _attempted(row, moment)
    now = moment.now()
    if isinstance(found, Posted):
        settle.published(row.pk, found, by=BY, now=now, facts={"read_back": True})
        return
    complete = found is not None and found.complete
    looks = row.confirms + (1 if complete else 0)
    over = row.claimed_at is None or now - row.claimed_at > timedelta(
        seconds=lease.SECONDS["sending"]
    )
    with transaction.atomic():
        mine = settle.mine(row.pk, row.lease_token, "confirming")
        if mine is None:
            return
        if looks < LOOKS or not over:
            wait = settle.READ_BACKS[min(max(looks, 1), LOOKS - 1)]
            move(
                mine,
                "unknown",
                by=BY,
                now=now,
                confirms=looks,
                retry_at=now + timedelta(seconds=wait),
                **lease.none(),
            )
        elif mine.resent_by_machine:
            move(
                mine,
                "asked",
                by=BY,
                now=now,
                facts={"looks": looks},
                confirms=looks,
                retry_at=now + settle.SPACE,
                **lease.none(),
            )
        else:
            move(
                mine,
                "queued",
                by=BY,
                now=now,
                facts={"looks": looks, "again": True},
                confirms=looks,
                resent_by_machine=True,
                retry_at=None,
                unknown_since=None,
                trouble="again",
                trouble_said="",
                **lease.none(),
            )


def _asked(now: datetime) -> list[Delivery]:
    """What a person was asked about may still turn up by itself."""
    with transaction.atomic():
        rows = list(
            Delivery.objects.filter(
                state="asked",
                trouble="unknown",
                retry_at__lte=now,
                claimed_at__gt=now - FOR,
                account__state="connected",
            )
            .order_by("retry_at", "pk")
            .select_for_update(of=["self"], skip_locked=True)[:20]
        )
        Delivery.objects.filter(pk__in=[row.pk for row in rows]).update(retry_at=now + settle.SPACE)
    return rows


def _look_again(row: Delivery, moment: Moment) -> None:
    if "confirm" not in connect.can(row.account):
        return
    found = _attempted(row, moment)
    if isinstance(found, Posted):
        settle.published(row.pk, found, by=BY, now=moment.now(), facts={"read_back": True})


def _first(now: datetime) -> list[Delivery]:
    """After a restore: it waits here, but the installation that this one is a copy of may have sent
    it, before its time too when somebody there gave it an earlier one.

    A part of a thread is found below the part before it, so it is looked up after that one.
    """
    with transaction.atomic():
        rows = list(
            Delivery.objects.filter(
                state__in=["queued", "ready", "held", "late"],
                confirm_first=True,
                account__state="connected",
            )
            .filter(Q(retry_at=None) | Q(retry_at__lte=now))
            .filter(Q(follows=None) | Q(follows__state="published"))
            .order_by("due_at", "pk")
            .select_for_update(of=["self"], skip_locked=True)[:20]
        )
        Delivery.objects.filter(pk__in=[row.pk for row in rows]).update(
            retry_at=now + timedelta(seconds=60)
        )
    return rows


def _look_first(row: Delivery, moment: Moment) -> None:
    can = "confirm" in connect.can(row.account)
    row.claimed_at = row.claimed_at or min(
        row.due_at, start.sent_before(row.account_id) or row.queued_at
    )
    found = _attempted(row, moment) if can else None
    now = moment.now()
    if isinstance(found, Posted):
        settle.published(row.pk, found, by=BY, now=now, facts={"read_back": True})
    elif found is not None and found.complete:
        Delivery.objects.filter(pk=row.pk).update(confirm_first=False, retry_at=None)
    elif (not can or found is not None) and row.due_at <= now:
        # The network cannot tell. When its time has come a person looks.
        settle.asked(row.pk, "restored", "", by=BY, now=now)
