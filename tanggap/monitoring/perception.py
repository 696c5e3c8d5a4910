"""What citizens write about, day by day: counts by kind and urgency, each with its n.

Only what can be counted: no tendency, no mood. Sentiment needs a model that was measured on
Indonesian texts and may answer "not sure"; until there is one, nothing is shown in its place.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

from django.db.models import Count
from django.db.models.functions import TruncDate

from tanggap.monitoring import window as rowsets
from tanggap.monitoring.window import Window


@dataclass(slots=True)
class Day:
    """Messages of one day of the agency's zone. `kinds` "" is "not yet sorted"."""

    day: date
    n: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    urgencies: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Counts:
    """`n` messages in all; days without a message are there with n = 0."""

    days: list[Day]
    n: int
    kinds: dict[str, int]
    urgencies: dict[int, int]


def counts(window: Window) -> Counts:
    """One query. The number of each kind and each urgency adds up to n."""
    days = {
        window.first + timedelta(days=one): Day(window.first + timedelta(days=one))
        for one in range(window.days)
    }
    kinds: dict[str, int] = {}
    urgencies: dict[int, int] = {}
    rows = (
        rowsets.items(window)
        .annotate(on=TruncDate("written_at", tzinfo=window.zone))
        .values_list("on", "conversation__kind", "conversation__urgency")
        .annotate(n=Count("pk"))
        .order_by("on")
    )
    for on, kind, urgency, n in rows:
        day = days[on]
        day.n += n
        day.kinds[kind] = day.kinds.get(kind, 0) + n
        day.urgencies[urgency] = day.urgencies.get(urgency, 0) + n
        kinds[kind] = kinds.get(kind, 0) + n
        urgencies[urgency] = urgencies.get(urgency, 0) + n
    return Counts(
        list(days.values()),
        sum(kinds.values()),
        dict(sorted(kinds.items(), key=lambda pair: -pair[1])),
        urgencies,
    )
