"""What an address asks for, made safe for the database: words and numbers after the "?"."""

from __future__ import annotations

from django.http import QueryDict

LONGEST = 100
DIGITS = 15


def searched(asked: QueryDict, name: str = "q") -> str:
    """The words searched for: at most 100 characters, without what PostgreSQL cannot hold."""
    return asked.get(name, "").replace("\x00", "").strip()[:LONGEST]


def number(text: str) -> int:
    """A whole number, as in a row's id; 0 for anything that is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS else 0
