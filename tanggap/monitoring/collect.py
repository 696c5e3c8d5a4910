"""Ask the networks for the numbers of what was published, at set ages (setting measurement_hours).

A number that a network does not give makes no Measurement: absent, never zero. A failure is kept
on the Collection and said; the next tick asks again. Where a network was silent past an age, that
age stays empty: a number taken much later is not passed off as that of the first hour.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import F

from tanggap.accounts import connect, limits, pause
from tanggap.channels.base import Metrics, Posted
from tanggap.channels.errors import ChannelError, NotAuthorised, RateLimited, Unavailable
from tanggap.core import rules
from tanggap.core.rules_data import Value
from tanggap.execution.publishing.models import Delivery
from tanggap.monitoring.models import Collection, Measurement

BY = "system:collect"
READS = "reads"
BATCH = 50
SECONDS = 20.0
"""What one question to a network may take, all in all."""
LEASE = timedelta(minutes=10)
"""A killed worker's rows are due again after this."""
WAITS = (5, 15, 60, 180)
"""Minutes before asking again, by failures in a row."""
GONE = frozenset({404, 410})
OUT = ("published", "removing")


def tick(now: datetime, *, monotonic: Callable[[], float] = time.monotonic) -> int:
    """Take up what was published since, then ask for everything that is due. How many answered."""
    begin(now)
    answered = 0
    silent: set[int] = set()
    while rows := _claim(now):
        for row in rows:
            account_id = row.delivery.account_id
            if account_id in silent:
                # One question tells that a network is down; the others wait with it.
                _later(row, now + timedelta(minutes=WAITS[0]))
                continue
            try:
                answered += _ask(row, now, monotonic)
            except _Silent:
                silent.add(account_id)
    return answered


class _Silent(Exception):
    """The account's network does not answer for now."""


def begin(now: datetime) -> int:
    """A Collection for every published delivery that has none. How many were made."""
    with transaction.atomic():
        rows = list(
            Delivery.objects.filter(
                state__in=OUT,
                collection=None,
                remote_id__isnull=False,
                published_at__isnull=False,
                kind=Delivery.Kind.POST,
            )
            .select_related("account__agency__parent")
            .order_by("pk")[:500]
        )
        made = []
        for row in rows:
            age = next_age(row, now) if "metrics" in connect.can(row.account) else None
            made.append(
                Collection(
                    agency_id=row.agency_id, delivery=row, next_age_h=age, next_at=_at(row, age)
                )
            )
        Collection.objects.bulk_create(made, ignore_conflicts=True)
    return len(made)


def ages(row: Delivery) -> list[int]:
    """The set ages in hours, rising."""
    found: Value = rules.value(row.account.agency, "measurement_hours")
    assert isinstance(found, list)
    return found


def next_age(row: Delivery, now: datetime, after: int = 0) -> int | None:
    """The age to measure next: the oldest one that has come, else the first to come; None when
    all are behind."""
    assert row.published_at is not None
    old = (now - row.published_at).total_seconds() / 3600
    left = [age for age in ages(row) if age > after]
    come = [age for age in left if age <= old]
    return come[-1] if come else (left[0] if left else None)


def _at(row: Delivery, age: int | None) -> datetime | None:
    if age is None:
        return None
    assert row.published_at is not None
    return row.published_at + timedelta(hours=age)


def _claim(now: datetime) -> list[Collection]:
    """Due rows of accounts that work, put off so that nobody else asks for them meanwhile."""
    with transaction.atomic():
        rows = list(
            Collection.objects.filter(next_at__lte=now, delivery__account__state="connected")
            .select_related("delivery__account__agency__parent")
            .order_by("next_at", "pk")
            .select_for_update(of=["self"], skip_locked=True)[:BATCH]
        )
        Collection.objects.filter(pk__in=[row.pk for row in rows]).update(next_at=now + LEASE)
    return rows


def _ask(row: Collection, now: datetime, monotonic: Callable[[], float]) -> bool:
    """One question (network), outside any transaction. True when the network answered."""
    delivery = row.delivery
    account = delivery.account
    if delivery.state not in OUT:
        _end(row, now, "gone", "")
        return False
    if not limits.take(account, READS, now):
        free = limits.free_at(account, READS, now) or now + timedelta(minutes=WAITS[0])
        _later(row, max(free, now + timedelta(seconds=1)))
        return False
    try:
        found = _numbers(delivery, now, monotonic() + SECONDS)
    except ChannelError as error:
        _failed(row, error, now)
        return False
    except Exception as error:
        # A channel from outside this repository must not stop the others.
        _failed(row, Unavailable(type(error).__name__), now)
        return False
    limits.seed(account, found.rate, now)
    keep(row, found, now)
    return True


def _numbers(delivery: Delivery, now: datetime, until: float) -> Metrics:
    opened = connect.channel(delivery.account, now, until=until)
    found: Metrics = opened.metrics(  # type: ignore[attr-defined]
        Posted(delivery.remote_id or "", delivery.remote_url, delivery.published_at)
    )
    return found


def keep(row: Collection, found: Metrics, now: datetime) -> int:
    """Store what the network gave for the age that was due. How many numbers are new."""
    delivery = row.delivery
    with transaction.atomic():
        age = next_age(delivery, now, after=(row.next_age_h or 1) - 1) or row.next_age_h
        made = Measurement.objects.bulk_create(
            [
                Measurement(
                    agency_id=delivery.agency_id,
                    metric=name,
                    value=Decimal(value),
                    delivery=delivery,
                    account=delivery.account,
                    age_h=age,
                    measured_at=now,
                    source="channel",
                )
                for name, value in sorted(found.values.items())
            ],
            ignore_conflicts=True,
        )
        following = next_age(delivery, now, after=age or 0)
        Collection.objects.filter(pk=row.pk).update(
            next_age_h=following,
            next_at=_at(delivery, following),
            asked_at=now,
            failures=0,
            failed_code="",
            failed_why="",
        )
    return len(made)


def _failed(row: Collection, error: ChannelError, now: datetime) -> None:
    account = row.delivery.account
    if error.status in GONE and error.said:
        # In the network's own shape: a page of a proxy says nothing about the post.
        _end(row, now, "gone", error.said)
        return
    if isinstance(error, NotAuthorised):
        pause.refused(account.pk, error.said or error.code, by=BY, now=now)
    wait = now + timedelta(minutes=WAITS[min(row.failures, len(WAITS) - 1)])
    if isinstance(error, RateLimited):
        limits.block(account, error.scope, error.retry_at, now)
        wait = max(error.retry_at, now + timedelta(seconds=1))
    Collection.objects.filter(pk=row.pk).update(
        next_at=wait,
        asked_at=now,
        failures=F("failures") + 1,
        failed_code=error.code,
        failed_why=error.said,
    )
    raise _Silent


def _later(row: Collection, at: datetime) -> None:
    Collection.objects.filter(pk=row.pk).update(next_at=at)


def _end(row: Collection, now: datetime, code: str, said: str) -> None:
    """Never ask again; why is kept."""
    Collection.objects.filter(pk=row.pk).update(
        next_age_h=None, next_at=None, asked_at=now, failed_code=code, failed_why=said
    )
