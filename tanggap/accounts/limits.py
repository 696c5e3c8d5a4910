"""What a network still lets us do: one token bucket an account and scope, in the database.

Seeded from what the network's own headers say. A scope that the network never spoke about has no
bucket and is not limited here; the network's first refusal makes one. Being limited is no attempt.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import F, Q, QuerySet

from tanggap.accounts.models import Account, Bucket
from tanggap.channels.base import Rate
from tanggap.core.recordset import recordset

SENDING = "posts"
WINDOW_S = 300
"""Seconds over which an unexplained bucket fills."""
UNTOLD = 300
"""Requests in that time where a network refuses one without ever having said how many it allows:
one a second, as one of ours documents. It refuses again where that is too many; a smaller guess
would stay, because such a network never corrects it."""

FIELDS = (
    "agency_id",
    "account_id",
    "scope",
    "capacity",
    "window_s",
    "tokens",
    "updated_at",
    "resets_at",
)
PUT = """
INSERT INTO accounts_bucket
  (agency_id, account_id, scope, capacity, window_s, tokens, updated_at, resets_at)
SELECT * FROM json_to_recordset(%s) AS one(
  agency_id bigint, account_id bigint, scope text, capacity integer, window_s integer,
  tokens double precision, updated_at timestamptz, resets_at timestamptz)
ON CONFLICT (account_id, scope) DO UPDATE SET capacity = EXCLUDED.capacity,
  window_s = EXCLUDED.window_s, tokens = EXCLUDED.tokens, updated_at = EXCLUDED.updated_at,
  resets_at = EXCLUDED.resets_at
"""
# One request of each bucket that has one, in one order; `level` below says the same in Python.
TAKE = """
WITH held AS MATERIALIZED (
  SELECT * FROM accounts_bucket WHERE account_id = ANY(%(asked)s) AND scope = %(scope)s
  ORDER BY account_id FOR UPDATE
), levels AS (
  SELECT id, account_id,
    (blocked_until IS NULL OR blocked_until <= %(now)s) AND tokens >= 1 AS may, tokens
  FROM (SELECT id, account_id, blocked_until, CASE
      WHEN resets_at <= %(now)s THEN capacity
      WHEN resets_at IS NOT NULL THEN tokens
      ELSE least(capacity, tokens + greatest(0, extract(epoch FROM %(now)s - updated_at))::float8
        * capacity / window_s)
    END AS tokens FROM held) one
), taken AS (
  UPDATE accounts_bucket bucket SET tokens = levels.tokens - 1, updated_at = %(now)s,
    resets_at = CASE WHEN resets_at > %(now)s THEN resets_at END
  FROM levels WHERE bucket.id = levels.id AND levels.may
)
SELECT account_id FROM levels WHERE NOT may
"""


def seed(account: Account, rate: Rate | None, now: datetime) -> None:
    """Take over what the network said of one bucket. Nothing said, nothing changed."""
    seed_each([(account, rate)], now)


def seed_each(said: Iterable[tuple[Account, Rate | None]], now: datetime) -> None:
    """The same for what was said to several accounts, in one statement."""
    buckets: dict[tuple[int, str], Bucket] = {}
    for account, rate in said:
        if rate is None or not rate.limit or rate.remaining is None:
            continue
        left = (rate.reset_at - now).total_seconds() if rate.reset_at else 0.0
        buckets[account.pk, rate.scope] = Bucket(
            agency_id=account.agency_id,
            account_id=account.pk,
            scope=rate.scope,
            capacity=rate.limit,
            window_s=max(WINDOW_S, int(left)),
            tokens=float(min(rate.remaining, rate.limit)),
            updated_at=now,
            resets_at=rate.reset_at if left > 0 else None,
        )
    if buckets:
        # In one order, so that two who write at once wait for each other and do not lock up.
        rows = [buckets[key] for key in sorted(buckets)]
        with connection.cursor() as cursor:
            cursor.execute(PUT, [recordset(rows, FIELDS)])


def take(account: Account, scope: str, now: datetime) -> bool:
    """Use one request of the bucket. False when the network would refuse it: wait instead."""
    return bool(take_each([account.pk], scope, now))


def take_each(account_ids: Collection[int], scope: str, now: datetime) -> set[int]:
    """Use one request of each account's bucket: the accounts that may go. The network would refuse
    the others: wait instead."""
    if not account_ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(TAKE, {"asked": list(account_ids), "scope": scope, "now": now})
        return set(account_ids) - {row[0] for row in cursor.fetchall()}


def block(account: Account, scope: str, until: datetime, now: datetime) -> None:
    """The network said: nothing before `until`."""
    bucket, made = Bucket.objects.get_or_create(
        account=account,
        scope=scope,
        defaults={
            "agency_id": account.agency_id,
            "capacity": UNTOLD,
            "window_s": WINDOW_S,
            "tokens": float(UNTOLD),
            "updated_at": now,
            "blocked_until": until,
        },
    )
    if not made:
        # Full or not, the network's word on when to come back is the one that counts.
        Bucket.objects.filter(pk=bucket.pk).update(
            blocked_until=until, tokens=F("capacity"), updated_at=now, resets_at=None
        )


def level(bucket: Bucket, now: datetime) -> float:
    """Requests left at `now`."""
    if bucket.resets_at is not None:
        return float(bucket.capacity) if bucket.resets_at <= now else bucket.tokens
    passed = max(0.0, (now - bucket.updated_at).total_seconds())
    return min(float(bucket.capacity), bucket.tokens + passed * bucket.capacity / bucket.window_s)


def free_at(account: Account, scope: str, now: datetime) -> datetime | None:
    """When the next request may go; None when at once."""
    bucket = Bucket.objects.filter(account=account, scope=scope).first()
    if bucket is None:
        return None
    if bucket.blocked_until is not None and bucket.blocked_until > now:
        return bucket.blocked_until
    missing = 1 - level(bucket, now)
    if missing <= 0:
        return None
    if bucket.resets_at is not None:
        return bucket.resets_at
    return now + timedelta(seconds=missing * bucket.window_s / bucket.capacity)


def spent(scope: str, now: datetime) -> QuerySet[Bucket]:
    """Buckets from which nothing may be taken now: whose accounts a claim leaves out.

    A bucket that fills evenly and is between 0 and 1 is looked at again when it is taken from.
    """
    return Bucket.objects.filter(scope=scope).filter(
        Q(blocked_until__gt=now) | Q(tokens__lt=1, resets_at__gt=now)
    )
