"""Keep when each function of the worker last succeeded. Never the reason why one fails."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import connection

from tanggap.health.models import Tick

DONE = """
INSERT INTO health_tick (name, every_s, done_at, took_ms, failures, failed_why)
VALUES (%(name)s, %(every)s, %(now)s, %(took)s, 0, '')
ON CONFLICT (name) DO UPDATE SET every_s = excluded.every_s, done_at = excluded.done_at,
  took_ms = excluded.took_ms, failures = 0, failed_why = ''
"""
FAILED = """
INSERT INTO health_tick (name, every_s, took_ms, failed_at, failures, failed_why)
VALUES (%(name)s, %(every)s, 0, %(now)s, 1, %(why)s)
ON CONFLICT (name) DO UPDATE SET every_s = excluded.every_s, failed_at = excluded.failed_at,
  failures = health_tick.failures + 1, failed_why = excluded.failed_why
"""


def done(name: str, every: int, *, took_ms: int, now: datetime) -> None:
    """The function has run to its end."""
    with connection.cursor() as cursor:
        cursor.execute(DONE, {"name": name, "every": every, "took": took_ms, "now": now})


def failed(name: str, every: int, error: Exception, *, now: datetime) -> None:
    """The function raised `error`. Its class is kept, its words are not: they may be somebody's."""
    with connection.cursor() as cursor:
        cursor.execute(
            FAILED, {"name": name, "every": every, "why": type(error).__name__[:80], "now": now}
        )


def forget_others(names: Iterable[str]) -> None:
    """Forget functions that this version of the worker does not have any more."""
    Tick.objects.exclude(name__in=list(names)).delete()
