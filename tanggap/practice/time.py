"""The practice network's time: it may run ahead of the wall clock, never behind it.

`core/clock.now()` adds the offset kept here. Nothing sleeps: a story of three weeks is told by
moving this clock and letting the worker's ticks see what has become due.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from tanggap.core import rules, worktime
from tanggap.core.errors import Refused
from tanggap.core.models import Agency, PracticeClock
from tanggap.practice import network as net


def ahead() -> timedelta:
    """How far practice time runs ahead of the wall clock."""
    clock = PracticeClock.objects.first()
    return clock.offset if clock else timedelta(0)


def set_ahead(offset: timedelta, *, network: net.Network | None = None) -> timedelta:
    """Set the practice clock, and the practice network's with it when it is given.

    Raises Refused outside a practice installation and for an offset into the past.
    """
    if not settings.PRACTICE:
        raise Refused(
            _("The clock was not moved."),
            _("This is a real installation: its time is the real time."),
            _("Use ./run demo to try what happens later."),
        )
    if offset < timedelta(0):
        raise Refused(
            _("The clock was not moved."),
            _("Practice time does not run behind the real time."),
            _("Reset the practice network to begin again."),
        )
    with transaction.atomic():
        PracticeClock.objects.update_or_create(pk=1, defaults={"offset": offset})
        # Inside the transaction: when the network cannot follow, neither clock moves.
        if network is not None:
            net.set_clock(network, offset)
    return offset


def advance(by: timedelta, *, now: datetime, network: net.Network | None = None) -> datetime:
    """Let `by` pass. Returns the new `now`."""
    set_ahead(ahead() + by, network=network)
    return now + by


def advance_working_days(
    agency: Agency, count: int, *, now: datetime, network: net.Network | None = None
) -> datetime:
    """Let `count` working days of the agency pass and arrive at the same hour of the last of them.

    Working days are the agency's own: weekends, holidays, joint leave and overrides are skipped.
    Returns the new `now`.
    """
    office = rules.office(agency)
    zone = ZoneInfo(office.zone)
    end = worktime.add_working_days(now, count, office)
    hour = now.astimezone(zone).time()
    then = datetime.combine(end.astimezone(zone).date(), hour, zone)
    return advance(then - now, now=now, network=network)
