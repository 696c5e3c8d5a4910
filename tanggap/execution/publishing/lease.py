"""How long a worker may hold a row, in seconds. Leases are in the database's time.

    claim ──── SEND_WINDOW ──── last moment to begin writing ──── HTTP_DEADLINE ──── MARGIN ──── end

A worker measures by its own monotonic clock from before the claim, so it stops writing long before
anybody else may touch the row.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.postgres.functions import RandomUUID
from django.db.models import DateTimeField, Func

SEND_WINDOW = 10.0
HTTP_DEADLINE = 30.0
MARGIN = 20.0
SECONDS = {
    "sending": SEND_WINDOW + HTTP_DEADLINE + MARGIN,
    "preparing": 300.0,  # uploads of films over thin lines
    "confirming": 120.0,
    "removing": 60.0,
}


class DatabaseTime(Func):
    """clock_timestamp(): the database's own clock, not the start of the transaction."""

    function = "clock_timestamp"
    output_field = DateTimeField()


def fields(state: str) -> dict[str, Any]:
    """What a claim sets on its rows."""
    return {
        "lease_token": RandomUUID(),
        "leased_at": DatabaseTime(),
        "lease_until": DatabaseTime() + timedelta(seconds=SECONDS[state]),
    }


def none() -> dict[str, Any]:
    """What a settled row is left with."""
    return {"lease_token": None, "leased_at": None, "lease_until": None}


def budget(state: str) -> float:
    """Seconds after the claim at which everything must have stopped."""
    return SECONDS[state] - MARGIN
