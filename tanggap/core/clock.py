"""The one place that asks what time it is. Only the top layer calls it and passes `now` down."""

from __future__ import annotations

from datetime import UTC, datetime

from django.conf import settings


def now() -> datetime:
    """The instant, in UTC. The practice network may run ahead of the wall clock."""
    instant = datetime.now(UTC)
    if not settings.PRACTICE:
        return instant
    from tanggap.core.models import PracticeClock

    clock = PracticeClock.objects.first()
    return instant + clock.offset if clock else instant
