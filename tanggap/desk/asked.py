"""What an address asks for, made safe for the database: words and numbers after the "?"."""

from __future__ import annotations

from datetime import UTC, date, datetime

from django.http import QueryDict

LONGEST = 100
DIGITS = 15


def searched(asked: QueryDict, name: str = "q") -> str:
    """The words searched for: at most 100 characters, without what PostgreSQL cannot hold."""
    return asked.get(name, "").replace("\x00", "").strip()[:LONGEST]


def number(text: str) -> int:
    """A whole number, as in a row's id; 0 for anything that is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS else 0


def instant(text: str) -> datetime | None:
    """An instant with its offset, as in a key of a page, in UTC; None for anything that is none."""
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None


def a_day(text: str) -> date | None:
    """A day with room for a year's reckoning before and after it; None for anything else."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 1900 < found.year < 9000 else None
