"""Take rows of due work, committed, before anything is done with them.

One claim query a stage, in SQL because workers ask it all day long, and no other way to a claimed
state (pains 2: a second query that forgets `retry_at` defeats the back-off). A claim is one SELECT
… FOR UPDATE SKIP LOCKED and one UPDATE … RETURNING in one short transaction
(archive.move.move_many). `most` is the number of free hands: no more is claimed than can be worked
on at once, and never two sends of one account.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q

from tanggap.accounts import limits
from tanggap.archive.move import Known, move, move_many
from tanggap.core.together import ask
from tanggap.execution.publishing import content, late, lease, settle
from tanggap.execution.publishing.holds import IN_FORCE, covered
from tanggap.execution.publishing.models import Delivery
from tanggap.messaging.content import contents
from tanggap.messaging.models import Message, Variant

M = TypeVar("M", Message, Variant)
BY = "system:deliver"
AHEAD = timedelta(minutes=10)
"""How long before its time a delivery's media are uploaded."""
FRESH = timedelta(hours=1)
"""Uploads that are older are made again: networks throw away what nobody attaches."""


# Conditions on a delivery `d`. Nothing holds it, and its wait is over.
OPEN = """
  (d.retry_at IS NULL OR d.retry_at <= %(now)s)
  AND d.account_id <> ALL(%(wholly)s::bigint[])
  AND (d.lane = 0 OR d.account_id <> ALL(%(partly)s::bigint[]))
"""
# Ready, due, its predecessor out, and nothing of the same words to the same place open.
SENDABLE = f"""
  d.state = 'ready' AND d.due_at <= %(now)s AND NOT d.confirm_first AND {OPEN}
  AND (d.follows_id IS NULL OR EXISTS (
    SELECT FROM publishing_delivery before WHERE before.id = d.follows_id
    AND before.state = 'published'))
  AND (SELECT same.id FROM publishing_delivery same WHERE same.account_id = d.account_id
    AND same.reply_target = d.reply_target AND same.content_hash = d.content_hash
    AND same.state IN ('sending', 'confirming', 'unknown') LIMIT 1) IS NULL
"""
# From whose bucket for %(scope)s nothing may be taken now: limits.spent().
SPENT = """
  EXISTS (SELECT FROM accounts_bucket bucket WHERE bucket.account_id = {account}
    AND bucket.scope = %(scope)s AND (bucket.blocked_until > %(now)s
      OR bucket.tokens < 1 AND bucket.resets_at > %(now)s))
"""
# The first of each account that works, has nothing in flight and is not spent; then once more, with
# the row held, what may have been changed before.
TO_SEND = f"""
WITH first AS MATERIALIZED (
  SELECT (
    SELECT d.id FROM publishing_delivery d WHERE d.account_id = account.id AND {SENDABLE}
    ORDER BY d.lane, d.due_at, d.id LIMIT 1
  ) AS id
  FROM accounts_account account WHERE account.state = 'connected'
  AND (SELECT sending.id FROM publishing_delivery sending
    WHERE sending.account_id = account.id AND sending.state = 'sending' LIMIT 1) IS NULL
  AND NOT {SPENT.format(account="account.id")}
)
SELECT d.id, d.agency_id, d.account_id, d.variant_id, d.part, d.follows_id, d.state, d.lane,
  d.due_at, d.late_accepted, d.content, d.content_hash, d.approved_hash, d.reply_target,
  variant.message_id AS message_id
FROM first JOIN publishing_delivery d ON d.id = first.id
LEFT JOIN messaging_variant variant ON variant.id = d.variant_id
WHERE d.state = 'ready' AND d.due_at <= %(now)s AND NOT d.confirm_first
AND (d.retry_at IS NULL OR d.retry_at <= %(now)s) AND d.id <> ALL(%(passed)s::bigint[])
ORDER BY d.lane, d.due_at, d.id LIMIT %(most)s
FOR UPDATE OF d SKIP LOCKED
"""
# Words alone: of the next %(hand)s of each account, ready or not, those that are not.
WORDS = f"""
WITH wanted AS MATERIALIZED (
  SELECT next.id, next.place FROM accounts_account account CROSS JOIN LATERAL (
    SELECT one.*, row_number() OVER (ORDER BY one.lane, one.due_at, one.id) AS place FROM (
      (SELECT d.id, d.lane, d.due_at, d.state FROM publishing_delivery d
       WHERE d.account_id = account.id AND {SENDABLE}
       ORDER BY d.lane, d.due_at, d.id LIMIT %(hand)s)
      UNION ALL
      (SELECT d.id, d.lane, d.due_at, d.state FROM publishing_delivery d
       WHERE d.account_id = account.id AND d.state = 'queued' AND d.due_at <= %(ahead)s AND {OPEN}
       AND d.content -> 'media' = '[]' AND (d.lane = 0 OR NOT %(urgent)s)
       ORDER BY d.lane, d.due_at, d.id LIMIT %(hand)s)
    ) one
  ) next
  WHERE account.state = 'connected' AND next.state = 'queued' AND next.place <= %(hand)s
)
SELECT d.id, d.agency_id FROM wanted JOIN publishing_delivery d ON d.id = wanted.id
WHERE d.state = 'queued'
ORDER BY wanted.place, d.lane, d.due_at, d.id LIMIT %(most)s
FOR UPDATE OF d SKIP LOCKED
"""
# What has something to upload, in the order of its time.
FILES = f"""
SELECT d.id, d.agency_id
FROM publishing_delivery d JOIN accounts_account account ON account.id = d.account_id
WHERE account.state = 'connected' AND d.state = 'queued' AND d.due_at <= %(ahead)s AND {OPEN}
AND d.content -> 'media' <> '[]' AND (d.lane = 0 OR NOT %(urgent)s)
AND NOT {SPENT.format(account="d.account_id")}
ORDER BY d.lane, d.due_at, d.id LIMIT %(most)s
FOR UPDATE OF d SKIP LOCKED
"""
HAND = 5
"""So many posts of each account are ready, beside the one that is being sent."""
# In the order of the index, however much has changed since PostgreSQL last counted: the due of one
# account may be thousands, and the first is wanted.
IN_ORDER = "SET LOCAL enable_bitmapscan = off"
# Whoever edits or withdraws one waits until we are done, and we never wait for them: they may be
# waiting for one of our rows.
MESSAGES = """
SELECT id, agency_id, state, core, language, valid_until FROM messaging_message
WHERE id = ANY(%s)
ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
"""
VARIANTS = """
SELECT id, message_id, account_id, detached, parts, visibility, EXISTS (
  SELECT FROM messaging_variantmedia media WHERE media.variant_id = variant.id)
FROM messaging_variant variant WHERE id = ANY(%s)
"""
MESSAGE = ("id", "agency_id", "state", "core", "language", "valid_until")
VARIANT = ("id", "message_id", "account_id", "detached", "parts", "visibility")


def to_prepare(
    now: datetime, *, most: int = 1, media: bool = False, urgent: bool = False
) -> list[Delivery]:
    """The next ones to make ready: queued → preparing.

    Words alone: the next of each account, the first before the second, until it has a few in hand.
    With `media`: what has something to upload, ahead of its time. `urgent`: of the emergency lane
    only.
    """
    given: dict[str, Any] = {
        "now": now,
        "ahead": now + AHEAD,
        "urgent": urgent,
        "scope": "media",
        "hand": HAND,
        "most": most,
    }
    with transaction.atomic():
        given |= _begun()
        with connection.cursor() as cursor:
            cursor.execute(FILES if media else WORDS, given)
            wanted: Known = {pk: (agency, {}) for pk, agency in cursor.fetchall()}
        return move_many(
            Delivery,
            list(wanted),
            "queued",
            "preparing",
            by=BY,
            now=now,
            known=wanted,
            **lease.fields("preparing"),
        )


def _begun() -> dict[str, Any]:
    """What every claim's transaction begins with: whom holds keep back."""
    wholly, partly = covered((IN_ORDER, None), (IN_FORCE, None))
    return {"wholly": wholly, "partly": partly}


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
    given: dict[str, Any] = {"now": now, "scope": limits.SENDING}
    # A row whose bucket turns out empty, or whose words changed, must not hide the next.
    passed: set[int] = set()
    trying: list[Delivery] = []
    while True:
        try:
            with transaction.atomic():
                asked = {**given, **_begun(), "passed": sorted(passed), "most": most}
                trying = list(Delivery.objects.raw(TO_SEND, asked))
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
                    known={row.pk: (row.agency_id, {}) for row in chosen},
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
    free, bare = _words_of(rows)
    fit = []
    known = [row for row in rows if row.variant_id is None or _message_of(row) in free]
    approved = as_approved(known, free, bare)
    aside = late.among(known, now)
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
        elif row.pk in aside:
            # It may have become claimable since the tick marked what was late.
            late.set_aside(row, now)
        else:
            fit.append(row)
    return fit


def _words_of(rows: Iterable[Delivery]) -> tuple[dict[int, Message], set[int]]:
    """The messages of these, those that nobody else holds, under lock; then their variants, put
    into the rows. Also the ids of the variants that have no media."""
    asked = {row.variant_id: pk for row in rows if (pk := _message_of(row)) is not None}
    if not asked:
        return {}, set()
    # One message, yet two statements: words are read when their message is under lock.
    held, worded = ask((MESSAGES, [list(set(asked.values()))]), (VARIANTS, [list(asked)]))
    free = {one[0]: _built(Message, MESSAGE, one) for one in held}
    variants: dict[int | None, Variant] = {}
    bare = set()
    for *fields, has_media in worded:
        fields[VARIANT.index("parts")] = json.loads(fields[VARIANT.index("parts")])
        variant = variants[fields[0]] = _built(Variant, VARIANT, fields)
        if variant.message_id in free:
            variant.message = free[variant.message_id]
        if not has_media:
            bare.add(variant.pk)
    for row in rows:
        if row.variant_id in variants:
            row.variant = variants[row.variant_id]
    return free, bare


def _built(model: type[M], names: Sequence[str], values: Iterable[Any]) -> M:
    """A row of the database of which these fields were asked for."""
    given = dict(zip(names, values, strict=True))
    order = [field.attname for field in model._meta.concrete_fields if field.attname in given]
    return model.from_db(connection.alias, order, [given[name] for name in order])


def _message_of(row: Delivery) -> int | None:
    """As TO_SEND found it."""
    found: int | None = row.message_id  # type: ignore[attr-defined]
    return found


def as_approved(
    rows: Iterable[Delivery], messages: Mapping[int, Message], bare: Collection[int]
) -> set[int]:
    """Under lock: of which rows the words, media, account, audience and target are those that were
    approved, while the approval of their message still stands for them. `bare`: ids of variants
    without media."""
    found = {}
    for row in rows:
        said = content.digest(row.content, row.account_id, row.reply_target)
        if said == bytes(row.content_hash) == bytes(row.approved_hash):
            found[row.pk] = (row, said)
    stands = {pk: one for pk, one in messages.items() if one.state in ("approved", "released")}
    variants = {
        row.variant.pk: row.variant
        for row, _said in found.values()
        if row.variant is not None and row.variant.message_id in stands
    }
    pairs = [(stands[variant.message_id], variant) for variant in variants.values()]
    says = {
        (variant.pk, part): content_now for variant, part, content_now in contents(pairs, bare=bare)
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
    messages = [row.variant.message for row in rows if row.variant is not None]
    whose: Known = {message.pk: (message.agency_id, {}) for message in messages}
    if whose:
        move_many(Message, whose, "approved", "released", by=BY, now=now, wanted=(), known=whose)


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
