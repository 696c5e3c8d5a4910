"""What areas add to the frame around every desk page: counts in the rail, the hold in force.

An area registers a question once, at the end of its desk module:

    @shell.count("inbox")
    def waiting(scope: Scope, now: datetime) -> QuerySet: ...

All counts are one SQL statement, so the frame costs the same with one area or with twelve.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import IntegerField, QuerySet, Value

from tanggap.core.scope import Scope

Question = Callable[[Scope, datetime], QuerySet[Any]]
Finder = Callable[[Scope, datetime], Any]
Q = TypeVar("Q", bound=Question)
F = TypeVar("F", bound=Finder)

COUNTS: dict[str, Question] = {}
HOLDS: list[Finder] = []


def count(area: str) -> Callable[[Q], Q]:
    """Register the rows that `area` counts in the rail: work that waits for this person."""

    def keep(question: Q) -> Q:
        COUNTS[area] = question
        return question

    return keep


def hold(finder: F) -> F:
    """Register the one question "is a hold in force?": the Hold (with reason, by, at) or None."""
    HOLDS[:] = [finder]
    return finder


CAP = 100
"""Counting stops here: "99+" says enough, and to count everything is slow."""


def counts(scope: Scope, now: datetime, areas: set[str]) -> dict[str, int]:
    """How many rows wait in each of `areas`, at most CAP. One query; areas where none waits are
    absent."""
    wanted = [area for area in COUNTS if area in areas]
    asked = [
        COUNTS[area](scope, now)
        .order_by()
        .annotate(area=Value(number, output_field=IntegerField()))
        .values_list("area", "pk")[:CAP]
        for number, area in enumerate(wanted)
    ]
    if not asked:
        return {}
    first, *rest = asked
    found: dict[str, set[int]] = {}
    # A row that a question meets twice is one row.
    for number, pk in first.union(*rest, all=True) if rest else first:
        found.setdefault(wanted[number], set()).add(pk)
    return {area: len(rows) for area, rows in found.items()}


def hold_in_force(scope: Scope, now: datetime) -> Any:
    return HOLDS[0](scope, now) if HOLDS else None
