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

from django.db.models import CharField, Count, QuerySet, Value

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


def counts(scope: Scope, now: datetime, areas: set[str]) -> dict[str, int]:
    """How many rows wait in each of `areas`. One query; areas that count nothing are absent."""
    asked = [
        question(scope, now)
        .order_by()
        .annotate(area=Value(area, output_field=CharField()))
        .values("area")
        .annotate(waiting=Count("pk", distinct=True))
        .values_list("area", "waiting")
        for area, question in COUNTS.items()
        if area in areas
    ]
    if not asked:
        return {}
    first, *rest = asked
    return dict(first.union(*rest, all=True) if rest else first)


def hold_in_force(scope: Scope, now: datetime) -> Any:
    return HOLDS[0](scope, now) if HOLDS else None
