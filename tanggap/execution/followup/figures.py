"""The figures that citizens see, each with the rows that it counts: no number without its evidence.

Rows of a span of time of one agency and its units, sealed reports left out. A page shows rows by
what may be public of them, never who wrote.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, QuerySet

from tanggap.core.models import Agency
from tanggap.execution.followup.models import Case, Clock, Contributor, Telling
from tanggap.execution.followup.queries import family
from tanggap.execution.inbox.models import Reply


@dataclass(frozen=True, slots=True)
class Span:
    """An agency (its own id and its units') from `since` up to, not including, `until`."""

    ids: tuple[int, ...]
    since: datetime
    until: datetime

    @classmethod
    def of(cls, agency: Agency, since: datetime, until: datetime) -> Span:
        return cls(tuple(family(agency)), since, until)


@dataclass(frozen=True, slots=True)
class Figures:
    """What one table column says. None is "not available", never zero."""

    opened: int
    people: int
    resolved: int
    reopened: int
    median_answer: timedelta | None
    on_time: float | None
    terms: int
    told: int


def figures(span: Span) -> Figures:
    terms, kept = terms_ended(span).count(), terms_kept(span).count()
    return Figures(
        opened=opened(span).count(),
        people=people(span).count(),
        resolved=resolved(span).count(),
        reopened=reopened(span).count(),
        median_answer=median(answers(span)),
        on_time=kept / terms if terms else None,
        terms=terms,
        told=told(span).count(),
    )


def opened(span: Span) -> QuerySet[Case]:
    return _cases(span).filter(opened_at__gte=span.since, opened_at__lt=span.until)


def people(span: Span) -> QuerySet[Contributor]:
    return Contributor.objects.filter(case__in=opened(span)).select_related("case__unit")


def resolved(span: Span) -> QuerySet[Case]:
    return _cases(span).filter(resolved_at__gte=span.since, resolved_at__lt=span.until)


def reopened(span: Span) -> QuerySet[Case]:
    """Of those that were opened in the span."""
    return opened(span).filter(reopened_count__gt=0)


def answers(span: Span) -> QuerySet[Reply]:
    return Reply.objects.filter(
        agency__in=span.ids,
        delivery__published_at__gte=span.since,
        delivery__published_at__lt=span.until,
        conversation__sealed=False,
    ).select_related("delivery", "item")


def wait(row: Reply) -> timedelta:
    """From when the message arrived until our answer was published."""
    assert row.delivery is not None and row.delivery.published_at is not None
    return row.delivery.published_at - row.item.received_at


def median(rows: QuerySet[Reply]) -> timedelta | None:
    waits = rows.values_list("delivery__published_at", "item__received_at")
    seconds = [(out - came).total_seconds() for out, came in waits if out is not None]
    return timedelta(seconds=statistics.median(seconds)) if seconds else None


def terms_ended(span: Span) -> QuerySet[Clock]:
    """Legal terms of SP4N that ran out in the span, kept or not."""
    return Clock.objects.filter(
        agency__in=span.ids,
        case__sealed=False,
        due_at__gte=span.since,
        due_at__lt=span.until,
        rule__startswith="sp4n_",
    ).select_related("case__unit")


def terms_kept(span: Span) -> QuerySet[Clock]:
    return terms_ended(span).filter(kept_at__lte=F("due_at"))


def told(span: Span) -> QuerySet[Telling]:
    return Telling.objects.filter(
        agency__in=span.ids,
        delivery__published_at__gte=span.since,
        delivery__published_at__lt=span.until,
    ).select_related("delivery", "announcement")


BEHIND: Mapping[str, Callable[[Span], QuerySet[Any]]] = {
    "opened": opened,
    "people": people,
    "resolved": resolved,
    "reopened": reopened,
    "median_answer": answers,
    "on_time": terms_ended,
    "told": told,
}
"""The rows behind each figure, by its name."""


def _cases(span: Span) -> QuerySet[Case]:
    return Case.objects.filter(agency__in=span.ids, sealed=False).select_related("unit")
