"""Take one row of due work, committed, before anything is done with it.

One claim query a stage, and no other way to a claimed state (pains 2: a second query that forgets
`retry_at` defeats the back-off). A claim is one SELECT … FOR UPDATE SKIP LOCKED and one UPDATE
… RETURNING in one short transaction (archive.move.move_many).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from tanggap.accounts import limits
from tanggap.archive.move import move, move_many
from tanggap.execution.publishing import content, late, lease, schedule, settle
from tanggap.execution.publishing.holds import held
from tanggap.execution.publishing.models import IN_FLIGHT, Delivery
from tanggap.messaging.content import contents_of
from tanggap.messaging.models import Message

BY = "system:deliver"
AHEAD = timedelta(minutes=10)
"""How long before its time a delivery's media are uploaded."""
FRESH = timedelta(hours=1)
"""Uploads that are older are made again: networks throw away what nobody attaches."""


def _open(now: datetime) -> QuerySet[Delivery]:
    """Work that may be touched at all: its account works, nothing holds it, its wait is over."""
    return Delivery.objects.filter(
        Q(retry_at=None) | Q(retry_at__lte=now), account__state="connected"
    ).exclude(held())


def to_prepare(now: datetime, *, urgent: bool = False) -> Delivery | None:
    """The next one to make ready: queued → preparing. `urgent`: of the emergency lane only."""
    rows_open = _open(now).filter(lane=Delivery.Lane.EMERGENCY) if urgent else _open(now)
    wanted = (
        rows_open.filter(state="queued", due_at__lte=now + AHEAD)
        .order_by("lane", "due_at", "pk")
        .select_for_update(of=["self"], skip_locked=True)[:1]
    )
    rows = move_many(
        Delivery, wanted, "queued", "preparing", by=BY, now=now, **lease.fields("preparing")
    )
    return rows[0] if rows else None


def refresh(now: datetime) -> int:
    """ready → queued for uploads that have become old. How many."""
    old = (
        Delivery.objects.filter(state="ready", prepared_at__lt=now - FRESH)
        .exclude(prepared__handles=[])
        .select_for_update(skip_locked=True, of=["self"])
    )
    return len(move_many(Delivery, old, "ready", "queued", by=BY, now=now, prepared={}))


def to_send(now: datetime) -> Delivery | None:
    """The next one to send: ready → sending, when it is still word for word what was approved.

    Never a second one for an account that has one in flight, never one whose predecessor is not
    out, none that a spent bucket would see refused.
    """
    elsewhere = Delivery.objects.filter(account=OuterRef("account"), state="sending")
    same = Delivery.objects.filter(
        account=OuterRef("account"),
        reply_target=OuterRef("reply_target"),
        content_hash=OuterRef("content_hash"),
        state__in=IN_FLIGHT,
    )
    due = (
        _open(now)
        .filter(state="ready", due_at__lte=now, confirm_first=False)
        .filter(Q(follows=None) | Q(follows__state="published"))
        .filter(~Exists(elsewhere), ~Exists(same))
        .exclude(account__in=limits.spent(limits.SENDING, now).values("account"))
    )
    first = due.order_by("account", "lane", "due_at", "pk").distinct("account").values("pk")
    # A row whose bucket turns out empty, or whose words changed, must not hide the next.
    passed: list[int] = []
    while True:
        try:
            with transaction.atomic():
                row = (
                    Delivery.objects.filter(pk__in=first, state="ready")
                    .exclude(pk__in=passed)
                    .order_by("lane", "due_at", "pk")
                    .select_for_update(of=["self"], skip_locked=True)
                    .first()
                )
                if row is None:
                    return None
                if not as_approved(row):
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
                    continue
                # It may have become claimable since the tick marked what was late.
                if late.is_late(row, now):
                    late.set_aside(row, now)
                    continue
                if not limits.take(row.account, limits.SENDING, now):
                    passed.append(row.pk)
                    continue
                if row.variant is not None:
                    schedule.release(row.variant.message, by=BY, now=now)
                rows = move_many(
                    Delivery,
                    [row.pk],
                    "ready",
                    "sending",
                    by=BY,
                    now=now,
                    claimed_at=now,
                    sends=F("sends") + 1,
                    confirms=0,
                    **lease.fields("sending"),
                )
                return rows[0] if rows else None
        except IntegrityError:
            # Another worker has just begun a send for the same account.
            return None


def as_approved(row: Delivery) -> bool:
    """Under lock: the words, media, account, audience and target are those that were approved, and
    the approval of its message still stands for them."""
    found = content.digest(row.content, row.account_id, row.reply_target)
    if found != bytes(row.content_hash) or found != bytes(row.approved_hash):
        return False
    if row.variant_id is None:
        return True
    message = Message.objects.select_for_update(no_key=True).get(variants=row.variant_id)
    if message.state not in ("approved", "released"):
        return False
    return any(
        variant.pk == row.variant_id
        and part == row.part
        and content.digest(said, row.account_id, row.reply_target) == found
        for variant, part, said in contents_of(message)
    )


def to_confirm(now: datetime) -> Delivery | None:
    """The next one to look up: unknown → confirming."""
    wanted = (
        Delivery.objects.filter(state="unknown", account__state="connected")
        .filter(Q(retry_at=None) | Q(retry_at__lte=now))
        .order_by("retry_at", "pk")
        .select_for_update(of=["self"], skip_locked=True)[:1]
    )
    rows = move_many(
        Delivery,
        wanted,
        "unknown",
        "confirming",
        by="system:confirm",
        now=now,
        **lease.fields("confirming"),
    )
    return rows[0] if rows else None


def to_remove(now: datetime) -> Delivery | None:
    """The next one to take down: a lease on a row that is `removing` and has none."""
    with transaction.atomic():
        row = (
            Delivery.objects.filter(state="removing", lease_token=None, account__state="connected")
            .filter(Q(retry_at=None) | Q(retry_at__lte=now))
            .order_by("retry_at", "pk")
            .select_for_update(of=["self"], skip_locked=True)
            .first()
        )
        if row is not None:
            Delivery.objects.filter(pk=row.pk).update(**lease.fields("removing"))
            row.refresh_from_db()
        return row
