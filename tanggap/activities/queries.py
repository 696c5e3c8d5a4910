"""Questions about the calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from tanggap.activities.models import Activity
from tanggap.core.scope import Scope, scoped


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a calendar, with what happens on it."""

    day: date
    activities: list[Activity]


def activities(scope: Scope) -> QuerySet[Activity]:
    return scoped(Activity, scope).select_related("objective__plan", "person_in_charge", "agency")


def between(scope: Scope, start: datetime, end: datetime) -> QuerySet[Activity]:
    """Activities that touch the span, in order of beginning."""
    return (
        activities(scope)
        .filter(starts_at__lt=end, ends_at__gt=start)
        .exclude(state="cancelled")
        .order_by("starts_at", "pk")
    )


def days(scope: Scope, first: date, count: int, zone: str) -> list[Day]:
    """`count` days from `first` in the zone; an activity stands on each day that it touches."""
    local = ZoneInfo(zone)
    start = datetime.combine(first, time.min, local)
    end = datetime.combine(first + timedelta(days=count), time.min, local)
    rows = list(between(scope, start, end))
    found = []
    for offset in range(count):
        day = first + timedelta(days=offset)
        opens = datetime.combine(day, time.min, local)
        closes = datetime.combine(day + timedelta(days=1), time.min, local)
        found.append(
            Day(day, [row for row in rows if row.starts_at < closes and row.ends_at > opens])
        )
    return found


def upcoming(scope: Scope, now: datetime, text: str = "") -> QuerySet[Activity]:
    """From now on, soonest first; page by (starts_at, pk)."""
    rows = activities(scope).filter(ends_at__gte=now).exclude(state="cancelled")
    if text:
        rows = rows.filter(Q(title__icontains=text) | Q(place__icontains=text))
    return rows.order_by("starts_at", "pk")


def conflicts(activity: Activity) -> QuerySet[Activity]:
    """Others of the agency at the same time that ask for the same people or the same officer."""
    same_time = Activity.objects.filter(
        agency_id=activity.agency_id,
        starts_at__lt=activity.ends_at,
        ends_at__gt=activity.starts_at,
        state__in=["planned", "running"],
    ).exclude(pk=activity.pk)
    crowd = Q(segments__in=activity.segments.all())
    officer = Q(person_in_charge_id=activity.person_in_charge_id)
    return same_time.filter(crowd | officer).distinct().order_by("starts_at", "pk")
