"""Figures of the running installation, read from the database: what metrics and findings stand on.

`agencies` limits them to some agencies (the desk); None means all that the connection may see.
Every count is capped, so that asking often stays cheap whatever the size.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import connection, models
from django.db.models import Max, Min, QuerySet

from tanggap.accounts.models import Account
from tanggap.archive import queries as archive
from tanggap.core.models import Agency
from tanggap.execution.inbox.models import Conversation, Cursor, Item
from tanggap.execution.publishing.holds import held
from tanggap.execution.publishing.models import WAITING, Delivery

Agencies = Collection[int] | None
M = TypeVar("M", bound=models.Model)

MOST = 100_000
"""Nothing is counted further."""
HOUR, WEEK, MONTH = timedelta(hours=1), timedelta(days=7), timedelta(days=31)
OPEN_DELIVERIES = (*WAITING, "sending", "unknown", "confirming", "asked", "removing", "failed")


def of(model: type[M], agencies: Agencies) -> QuerySet[M]:
    """Rows of these agencies."""
    rows = model._default_manager.all()
    return rows if agencies is None else rows.filter(agency_id__in=agencies)


def by_state(rows: QuerySet[Any], states: Collection[str]) -> dict[str, int]:
    """How many are in each state, each counted no further than MOST."""
    return {state: rows.filter(state=state)[:MOST].count() for state in states}


def deliveries(agencies: Agencies) -> dict[str, int]:
    """Every delivery that is not over, by state."""
    return by_state(of(Delivery, agencies), OPEN_DELIVERIES)


@dataclass(frozen=True, slots=True)
class Lateness:
    """How late posts of the last hour left, in seconds; None where none did."""

    published: int
    p50: float | None
    p95: float | None
    most: float | None


def lateness(agencies: Agencies, now: datetime) -> Lateness:
    """Published in the last hour, against the instant that was wanted."""
    rows = of(Delivery, agencies).filter(
        state="published", due_at__gt=now - WEEK, published_at__gt=now - HOUR
    )
    sql, params = rows.values("published_at", "due_at").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), percentile_cont(ARRAY[0.5, 0.95, 1.0]) WITHIN GROUP"
            " (ORDER BY greatest(0, extract(epoch FROM published_at - due_at)))"
            f" FROM ({sql}) late",
            params,
        )
        count, found = cursor.fetchone()
    return (
        Lateness(count, *(float(one) for one in found)) if count else Lateness(0, None, None, None)
    )


@dataclass(frozen=True, slots=True)
class Overdue:
    """What should have left and did not, though nothing holds it: how many, and since when."""

    count: int
    since: datetime | None


def overdue(agencies: Agencies, now: datetime) -> Overdue:
    """Due, on a connected account, under no hold, and not waiting for a network that asked for
    patience."""
    rows = (
        of(Delivery, agencies)
        .filter(
            state__in=["queued", "preparing", "ready"],
            due_at__lt=now,
            account__state="connected",
            retry_at=None,
            confirm_first=False,
        )
        .filter(models.Q(follows=None) | models.Q(follows__state="published"))
        .exclude(held())
    )
    return Overdue(rows[:MOST].count(), rows.aggregate(at=Min("due_at"))["at"])


def unsettled_since(agencies: Agencies) -> datetime | None:
    """Since when the oldest send waits for its read-back."""
    rows = of(Delivery, agencies).filter(state__in=["unknown", "confirming"])
    found: datetime | None = rows.aggregate(at=Min("unknown_since"))["at"]
    return found


@dataclass(frozen=True, slots=True)
class Heard:
    """One account: when each of its works last succeeded, and what is wrong now (codes)."""

    account: Account
    sent: datetime | None
    heard: datetime | None
    verified: datetime | None
    deaf: str


def accounts(agencies: Agencies, now: datetime) -> list[Heard]:
    """Every account that is in use, by agency and name. `sent` within the last month."""
    rows = list(
        of(Account, agencies)
        .filter(state__in=["connected", "paused"])
        .select_related("agency")
        .order_by("agency__short_name", "display_name", "pk")
    )
    ids = [row.pk for row in rows]
    sent = dict(
        Delivery.objects.filter(account__in=ids, published_at__isnull=False, due_at__gt=now - MONTH)
        .values_list("account")
        .annotate(at=Max("published_at"))
    )
    cursors: dict[int, list[Cursor]] = {}
    for cursor in Cursor.objects.filter(account__in=ids):
        cursors.setdefault(cursor.account_id, []).append(cursor)
    found = []
    for row in rows:
        mine = cursors.get(row.pk, [])
        well = [one.polled_at for one in mine if one.failed_at is None]
        deaf = next((one.failed_why or "silent" for one in mine if one.failed_at), "")
        found.append(
            Heard(row, sent.get(row.pk), min(well) if well else None, row.verified_at, deaf)
        )
    return found


def conversations(agencies: Agencies) -> dict[str, int]:
    """Conversations by state."""
    return by_state(of(Conversation, agencies), list(Conversation.STATES.moves))


def quarantined(agencies: Agencies) -> int:
    return of(Item, agencies).exclude(quarantined="")[:MOST].count()


def sealing(agencies: Agencies) -> archive.Sealing:
    return archive.sealing(agencies)


def backed_up(agencies: Agencies) -> datetime | None:
    """When `tanggap backup` last came to its end."""
    return archive.last("backup.made", agencies)


def slugs() -> dict[int, str]:
    return dict(Agency.objects.values_list("pk", "slug"))


def database_bytes() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])
