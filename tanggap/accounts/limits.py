"""What a network still lets us do: one token bucket an account and scope, in the database.

Seeded from what the network's own headers say. A scope that the network never spoke about has no
bucket and is not limited here; the network's first refusal makes one. Being limited is no attempt.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet

from tanggap.accounts.models import Account, Bucket
from tanggap.channels.base import Rate

SENDING = "posts"
WINDOW_S = 300
"""Seconds over which an unexplained bucket fills: the documented 300 requests in 5 minutes."""


def seed(account: Account, rate: Rate | None, now: datetime) -> None:
    """Take over what the network said of one bucket. Nothing said, nothing changed."""
    if rate is None or not rate.limit or rate.remaining is None:
        return
    left = (rate.reset_at - now).total_seconds() if rate.reset_at else 0.0
    Bucket.objects.update_or_create(
        account=account,
        scope=rate.scope,
        defaults={
            "agency_id": account.agency_id,
            "capacity": rate.limit,
            "window_s": max(WINDOW_S, int(left)),
            "tokens": float(min(rate.remaining, rate.limit)),
            "updated_at": now,
            "resets_at": rate.reset_at if left > 0 else None,
        },
    )


def take(account: Account, scope: str, now: datetime) -> bool:
    """Use one request of the bucket. False when the network would refuse it: wait instead."""
    with transaction.atomic():
        bucket = Bucket.objects.select_for_update().filter(account=account, scope=scope).first()
        if bucket is None:
            return True
        tokens = level(bucket, now)
        if tokens < 1 or (bucket.blocked_until is not None and bucket.blocked_until > now):
            return False
        bucket.tokens, bucket.updated_at = tokens - 1, now
        if bucket.resets_at is not None and bucket.resets_at <= now:
            bucket.resets_at = None
        bucket.save(update_fields=["tokens", "updated_at", "resets_at"])
    return True


def block(account: Account, scope: str, until: datetime, now: datetime) -> None:
    """The network said: nothing before `until`."""
    bucket, made = Bucket.objects.get_or_create(
        account=account,
        scope=scope,
        defaults={
            "agency_id": account.agency_id,
            "capacity": 1,
            "window_s": WINDOW_S,
            "tokens": 1.0,
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
