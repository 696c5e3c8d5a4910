"""Practice time moves by the agency's working days, and only in practice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tanggap.core import clock
from tanggap.core.errors import Refused
from tanggap.practice import time as practice_time

pytestmark = pytest.mark.django_db


def test_fourteen_working_days_skip_weekends_and_keep_the_hour(agency, now, settings):
    settings.PRACTICE = True
    then = practice_time.advance_working_days(agency, 14, now=now)
    # From Monday 23 November: two whole weeks and four days, none of them a holiday.
    assert then == datetime(2026, 12, 11, 1, 0, tzinfo=UTC)
    assert practice_time.ahead() == then - now


def test_joint_leave_and_christmas_are_skipped(agency, settings):
    settings.PRACTICE = True
    eve = datetime(2026, 12, 23, 2, 0, tzinfo=UTC)
    assert practice_time.advance_working_days(agency, 1, now=eve).date().day == 28


def test_the_offset_adds_up_and_the_clock_obeys(agency, now, settings):
    settings.PRACTICE = True
    practice_time.advance(timedelta(hours=2), now=now)
    practice_time.advance(timedelta(hours=3), now=now)
    assert practice_time.ahead() == timedelta(hours=5)
    difference = clock.now() - datetime.now(UTC)
    assert abs(difference - timedelta(hours=5)) < timedelta(seconds=5)


def test_a_real_installation_refuses(now, settings):
    settings.PRACTICE = False
    with pytest.raises(Refused):
        practice_time.advance(timedelta(days=1), now=now)
    assert practice_time.ahead() == timedelta(0)


def test_time_does_not_run_backwards(settings):
    settings.PRACTICE = True
    with pytest.raises(Refused):
        practice_time.set_ahead(timedelta(seconds=-1))
