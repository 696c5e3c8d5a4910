"""What areas add to the frame around every desk page: counts in the rail, the hold in force.

An area registers a question once, at the end of its desk module:

    @shell.count("inbox")
    def waiting(scope: Scope, now: datetime) -> QuerySet: ...

All are one SQL statement, so the frame costs the same with one area or with twelve.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import IntegerField, QuerySet, Value

from tanggap.core.scope import Scope

Question = Callable[[Scope, datetime], QuerySet[Any]]
Q = TypeVar("Q", bound=Question)

COUNTS: dict[str, Question] = {}
HOLDS: list[Question] = []
HOLD = "a hold in force"


def count(area: str) -> Callable[[Q], Q]:
    """Register the rows that `area` counts in the rail: work that waits for this person."""

    def keep(question: Q) -> Q:
        COUNTS[area] = question
        return question

    return keep


def hold(question: Q) -> Q:
    """Register the one question "which holds are in force?": rows with reason, placed_by and
    placed_at, the oldest first."""
    HOLDS[:] = [question]
    return question


CAP = 100
"""Counting stops here: "99+" says enough, and to count everything is slow."""


def frame(scope: Scope, now: datetime, areas: set[str]) -> tuple[dict[str, int], Any]:
    """How many rows wait in each of `areas`, at most CAP, and the oldest hold in force or None.

    One query, and another for the hold where there is one. Areas where nothing waits are absent.
    """
    asked = {area: COUNTS[area](scope, now) for area in COUNTS if area in areas}
    for question in HOLDS:
        asked[HOLD] = question(scope, now)
    found = _counted(asked)
    return found, hold_in_force(scope, now) if found.pop(HOLD, 0) else None


def hold_in_force(scope: Scope, now: datetime) -> Any:
    return HOLDS[0](scope, now).first() if HOLDS else None


def _counted(asked: dict[str, QuerySet[Any]]) -> dict[str, int]:
    areas = list(asked)
    numbered = [
        rows.order_by()
        .annotate(area=Value(number, output_field=IntegerField()))
        .values_list("area", "pk")[:CAP]
        for number, rows in enumerate(asked.values())
    ]
    if not numbered:
        return {}
    first, *rest = numbered
    found: dict[str, set[int]] = {}
    # A row that a question meets twice is one row.
    for number, pk in first.union(*rest, all=True) if rest else first:
        found.setdefault(areas[number], set()).add(pk)
    return {area: len(rows) for area, rows in found.items()}
