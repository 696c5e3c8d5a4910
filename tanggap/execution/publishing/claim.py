"""Take rows of due work, committed, before anything is done with them.

One claim query a stage, and no other way to a claimed state (pains 2: a second query that forgets
`retry_at` defeats the back-off). A claim is one SELECT … FOR UPDATE SKIP LOCKED and one UPDATE
… RETURNING in one short transaction (archive.move.move_many). `most` is the number of free hands:
no more is claimed than can be worked on at once, and never two sends of one account.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery

from tanggap.accounts import limits
from tanggap.accounts.models import Account
from tanggap.archive.move import move, move_many
from tanggap.execution.publishing import content, late, lease, settle
from tanggap.execution.publishing.holds import held
from tanggap.execution.publishing.models import IN_FLIGHT, Delivery
from tanggap.messaging.content import contents
from tanggap.messaging.models import Message, Variant

BY = "system:deliver"
AHEAD = timedelta(minutes=10)
"""How long before its time a delivery's media are uploaded."""
FRESH = timedelta(hours=1)
"""Uploads that are older are made again: networks throw away what nobody attaches."""
ORDER = ("lane", "due_at", "pk")


def _open(now: datetime, kept: Q) -> QuerySet[Delivery]:
    """Work that may be touched at all: its account works, nothing holds it, its wait is over."""
    return Delivery.objects.filter(
        Q(retry_at=None) | Q(retry_at__lte=now), account__state="connected"
    ).exclude(kept)


def _sendable(now: datetime, kept: Q) -> QuerySet[Delivery]:
    """Ready, due, its predecessor out, and nothing of the same words to the same place open."""
    same = Delivery.objects.filter(
        account=OuterRef("account"),
        reply_target=OuterRef("reply_target"),
        content_hash=OuterRef("content_hash"),
        state__in=IN_FLIGHT,
    )
    return (
        _open(now, kept)
        .filter(state="ready", due_at__lte=now, confirm_first=False)
        .filter(Q(follows=None) | Q(follows__state="published"))
        .filter(~Exists(same))
    )


def _first_of_each(accounts: QuerySet[Account], rows: QuerySet[Delivery]) -> QuerySet[Account]:
    """Ids of the first of these rows for each account; a look in the index for each."""
    head = rows.filter(account=OuterRef("pk")).order_by(*ORDER).values("pk")[:1]
    return accounts.values_list(Subquery(head))


def to_prepare(
    now: datetime, *, most: int = 1, media: bool = False, urgent: bool = False
) -> list[Delivery]:
    """The next ones to make ready: queued → preparing.

    Words alone: the first of each account that has nothing before it to send. With `media`: what
    has something to upload, ahead of its time. `urgent`: of the emergency lane only.
    """
    kept = held()
    due = _open(now, kept).filter(state="queued", due_at__lte=now + AHEAD)
    if urgent:
        due = due.filter(lane=Delivery.Lane.EMERGENCY)
    if media:
        due = due.exclude(content__media=[]).exclude(
            account__in=limits.spent("media", now).values("account")
        )
    else:
        working = Account.objects.filter(state="connected")
        before = _sendable(now, kept).filter(
            Q(lane__lt=OuterRef("lane"))
            | Q(lane=OuterRef("lane"), due_at__lt=OuterRef("due_at"))
            | Q(lane=OuterRef("lane"), due_at=OuterRef("due_at"), pk__lt=OuterRef("pk")),
            account=OuterRef("account"),
        )
        first = _first_of_each(working, due.filter(content__media=[]))
        due = Delivery.objects.filter(pk__in=first, state="queued").filter(~Exists(before))
    wanted = due.order_by(*ORDER).select_for_update(of=["self"], skip_locked=True)[:most]
    return move_many(
        Delivery, wanted, "queued", "preparing", by=BY, now=now, **lease.fields("preparing")
    )


def refresh(now: datetime) -> int:
    """ready → queued for uploads that have become old. How many."""
    old = (
        Delivery.objects.filter(state="ready", prepared_at__lt=now - FRESH)
        .exclude(prepared__handles=[])
        .select_for_update(skip_locked=True, of=["self"])
    )
    return len(move_many(Delivery, old, "ready", "queued", by=BY, now=now, prepared={}))


def to_send(now: datetime, *, most: int = 1) -> list[Delivery]:
    """The next ones to send: ready → sending, when they are still word for word what was approved.

    Never a second one for an account that has one in flight, never one whose predecessor is not
    out, none that a spent bucket would see refused.
    """
    sending = Delivery.objects.filter(account=OuterRef("pk"), state="sending")
    free = (
        Account.objects.filter(state="connected")
        .filter(~Exists(sending))
        .exclude(pk__in=limits.spent(limits.SENDING, now).values("account"))
    )
    first = _first_of_each(free, _sendable(now, held()))
    # A row whose bucket turns out empty, or whose words changed, must not hide the next.
    passed: set[int] = set()
    trying: list[Delivery] = []
    while True:
        try:
            with transaction.atomic():
                trying = list(
                    # Once more what may have been changed before we held the row.
                    Delivery.objects.filter(pk__in=first, state="ready", due_at__lte=now)
                    .filter(Q(retry_at=None) | Q(retry_at__lte=now), confirm_first=False)
                    .exclude(pk__in=passed)
                    .order_by(*ORDER)
                    .select_for_update(of=["self"], skip_locked=True)
                    .select_related("variant")[:most]
                )
                if not trying:
                    return []
                fit = _fit(trying, now)
                # A message that is held: not this time.
                passed |= {row.pk for row in trying if row.state == "ready"} - {
                    row.pk for row in fit
                }
                allowed = limits.take_each({row.account_id for row in fit}, limits.SENDING, now)
                passed |= {row.pk for row in fit if row.account_id not in allowed}
                chosen = [row for row in fit if row.account_id in allowed]
                if not chosen:
                    continue
                _release(chosen, now)
                return move_many(
                    Delivery,
                    [row.pk for row in chosen],
                    "ready",
                    "sending",
                    by=BY,
                    now=now,
                    claimed_at=now,
                    sends=F("sends") + 1,
                    confirms=0,
                    **lease.fields("sending"),
                )
        except IntegrityError:
            # Another worker has just begun a send for one of these accounts: find which.
            if most > 1:
                most = 1
            else:
                passed |= {row.pk for row in trying}


def _fit(rows: list[Delivery], now: datetime) -> list[Delivery]:
    """Under lock: those that may go as they are. What changed, or is late by now, is set aside;
    whose message somebody holds at this moment waits for the next claim."""
    asked = {row.variant.message_id for row in rows if row.variant is not None}
    # Whoever edits or withdraws one waits until we are done, and we never wait for them: they
    # may be waiting for one of our rows.
    free = {
        message.pk: message
        for message in Message.objects.select_for_update(no_key=True, skip_locked=True)
        .filter(pk__in=asked)
        .order_by("pk")
    }
    fit = []
    known = [row for row in rows if row.variant is None or row.variant.message_id in free]
    approved = as_approved(known, free)
    for row in known:
        if row.pk not in approved:
            move(
                row,
                "failed",
                by=BY,
                now=now,
                facts={"code": "changed"},
                trouble="changed",
                trouble_said="",
            )
            settle.hold_rest(row, by=BY, now=now)
        elif late.is_late(row, now):
            # It may have become claimable since the tick marked what was late.
            late.set_aside(row, now)
        else:
            fit.append(row)
    return fit


def as_approved(rows: Iterable[Delivery], messages: Mapping[int, Message]) -> set[int]:
    """Under lock: of which rows the words, media, account, audience and target are those that were
    approved, while the approval of their message still stands for them."""
    found = {}
    for row in rows:
        said = content.digest(row.content, row.account_id, row.reply_target)
        if said == bytes(row.content_hash) == bytes(row.approved_hash):
            found[row.pk] = (row, said)
    stands = {pk: one for pk, one in messages.items() if one.state in ("approved", "released")}
    variants = Variant.objects.filter(
        pk__in={row.variant_id for row, _said in found.values()}, message__in=stands
    )
    says = {
        (variant.pk, part): content_now
        for variant, part, content_now in contents(
            (stands[variant.message_id], variant) for variant in variants
        )
    }
    fit = set()
    for pk, (row, said) in found.items():
        if row.variant_id is not None:
            content_now = says.get((row.variant_id, row.part))
            if content_now is None or (
                content.digest(content_now, row.account_id, row.reply_target) != said
            ):
                continue
        fit.add(pk)
    return fit


def _release(rows: list[Delivery], now: datetime) -> None:
    """approved → released, when the first of a message leaves: its words are history from then."""
    ids = {row.variant.message_id for row in rows if row.variant is not None}
    if ids:
        waiting = Message.objects.filter(pk__in=ids, state="approved")
        move_many(Message, waiting, "approved", "released", by=BY, now=now)


def to_confirm(now: datetime, *, most: int = 1) -> list[Delivery]:
    """The next ones to look up, the oldest first: unknown → confirming."""
    wanted = (
        Delivery.objects.filter(state="unknown", account__state="connected")
        .filter(Q(retry_at=None) | Q(retry_at__lte=now))
        .exclude(account__in=limits.spent("reads", now).values("account"))
        .order_by("retry_at", "pk")
        .select_for_update(of=["self"], skip_locked=True)[:most]
    )
    return move_many(
        Delivery,
        wanted,
        "unknown",
        "confirming",
        by="system:confirm",
        now=now,
        **lease.fields("confirming"),
    )


def to_remove(now: datetime) -> Delivery | None:
    """The next one to take down: a lease on a row that is `removing` and has none."""
    with transaction.atomic():
        row = (
            Delivery.objects.filter(state="removing", lease_token=None, account__state="connected")
            .filter(Q(retry_at=None) | Q(retry_at__lte=now))
            .exclude(account__in=limits.spent("removals", now).values("account"))
            .order_by("retry_at", "pk")
            .select_for_update(of=["self"], skip_locked=True)
            .first()
        )
        if row is not None:
            Delivery.objects.filter(pk=row.pk).update(**lease.fields("removing"))
            row.refresh_from_db()
        return row
