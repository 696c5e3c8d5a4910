"""Working days and hours. Marked `time`: runs again under other zones of the process."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanggap.core import worktime
from tanggap.core.worktime import FIVE_DAYS, SIX_DAYS, Office

pytestmark = pytest.mark.time

WIB = ZoneInfo("Asia/Jakarta")
OFFICE = Office()
WITHOUT_JOINT_LEAVE = Office(joint_leave=False)
MARCH_17 = datetime(2026, 3, 17, 9, 0, tzinfo=WIB)

instants = st.datetimes(
    min_value=datetime(2024, 1, 1), max_value=datetime(2027, 6, 1), timezones=st.just(UTC)
)
days = st.dates(min_value=date(2024, 1, 1), max_value=date(2027, 6, 1))
offices = st.builds(
    Office,
    zone=st.sampled_from(["Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"]),
    days=st.sampled_from([FIVE_DAYS, SIX_DAYS]),
    overrides=st.dictionaries(days, st.booleans(), max_size=8),
    joint_leave=st.booleans(),
)


def due_day(start: datetime, count: int, office: Office) -> date:
    return worktime.local_day(worktime.add_working_days(start, count, office), office)


def test_three_working_days_over_nyepi_and_lebaran() -> None:
    assert due_day(MARCH_17, 3, OFFICE) == date(2026, 3, 27)
    assert due_day(MARCH_17, 3, WITHOUT_JOINT_LEAVE) == date(2026, 3, 23)


def test_a_deadline_is_the_last_second_of_the_day_in_the_offices_zone() -> None:
    due = worktime.add_working_days(MARCH_17, 3, OFFICE)
    assert due == datetime(2026, 3, 27, 23, 59, 59, tzinfo=WIB)
    assert due.tzinfo is UTC


def test_the_day_of_receipt_is_the_offices_day_not_utcs() -> None:
    late_evening_utc = datetime(2026, 6, 8, 16, 30, tzinfo=UTC)
    assert due_day(late_evening_utc, 1, OFFICE) == date(2026, 6, 9)
    assert due_day(late_evening_utc, 1, Office(zone="Asia/Jayapura")) == date(2026, 6, 10)


def test_a_six_day_office_works_on_saturday() -> None:
    friday = datetime(2026, 6, 12, 10, 0, tzinfo=WIB)
    assert due_day(friday, 1, OFFICE) == date(2026, 6, 15)
    assert due_day(friday, 1, Office(days=SIX_DAYS)) == date(2026, 6, 13)


def test_an_override_wins_over_the_calendar_both_ways() -> None:
    election = date(2026, 3, 26)
    assert due_day(MARCH_17, 3, Office(overrides={election: False})) == date(2026, 3, 30)
    assert due_day(MARCH_17, 1, Office(overrides={date(2026, 3, 20): True})) == date(2026, 3, 20)


def test_guessed_days_are_marked() -> None:
    assert worktime.estimated(date(2027, 3, 10))
    assert not worktime.estimated(date(2026, 3, 21))
    assert not worktime.estimated(date(2026, 3, 17))
    assert not worktime.provisional(date(2026, 1, 1), date(2026, 12, 31))
    assert worktime.provisional(date(2027, 3, 1), date(2027, 3, 31))
    assert not worktime.joint_leave_known(2028)
    assert worktime.provisional(date(2028, 7, 1), date(2028, 7, 10))


def test_a_promise_counts_office_hours_only() -> None:
    monday_15 = datetime(2026, 6, 8, 15, 0, tzinfo=WIB)
    assert worktime.add_working_minutes(monday_15, 60, OFFICE) == monday_15 + timedelta(hours=1)
    assert worktime.add_working_minutes(monday_15, 120, OFFICE) == datetime(
        2026, 6, 9, 8, 30, tzinfo=WIB
    )
    before_lebaran = datetime(2026, 3, 17, 15, 0, tzinfo=WIB)
    assert worktime.add_working_minutes(before_lebaran, 120, OFFICE) == datetime(
        2026, 3, 25, 8, 30, tzinfo=WIB
    )


def test_lunch_is_not_working_time() -> None:
    noon = datetime(2026, 6, 8, 11, 45, tzinfo=WIB)
    after = datetime(2026, 6, 8, 13, 15, tzinfo=WIB)
    assert worktime.add_working_minutes(noon, 30, OFFICE) == after
    assert not worktime.is_open(datetime(2026, 6, 8, 12, 30, tzinfo=WIB), OFFICE)
    assert worktime.is_open(datetime(2026, 6, 8, 13, 0, tzinfo=WIB), OFFICE)


def test_a_week_of_standard_hours_is_thirty_seven_and_a_half() -> None:
    monday = datetime(2026, 6, 8, 0, 0, tzinfo=WIB)
    minutes = worktime.working_minutes_between(monday, monday + timedelta(days=7), OFFICE)
    assert minutes == 37.5 * 60


def test_a_saturday_declared_working_has_hours() -> None:
    saturday = date(2026, 6, 13)
    assert worktime.open_hours(saturday, Office(overrides={saturday: True}))


@pytest.mark.parametrize(
    ("text", "periods"),
    [
        ("", ()),
        ("07.30-12.00", ((time(7, 30), time(12)),)),
        ("13:00–16:00, 07:30–12:00", ((time(7, 30), time(12)), (time(13), time(16)))),
    ],
)
def test_hours_are_read_as_officials_write_them(text: str, periods: object) -> None:
    assert worktime.parse_periods(text) == periods


@pytest.mark.parametrize("text", ["7-", "pagi", "16.00-07.30", "07.30-12.00, 11.00-13.00"])
def test_hours_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        worktime.parse_periods(text)


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError):
        worktime.add_working_days(MARCH_17, 0, OFFICE)
    with pytest.raises(ValueError):
        worktime.add_working_days(datetime(2026, 3, 17), 1, OFFICE)
    with pytest.raises(ValueError):
        Office(days=frozenset())
    with pytest.raises(ValueError):
        Office(hours={})


@settings(max_examples=150, deadline=None)
@given(instants, st.integers(1, 60), offices)
def test_never_due_on_a_day_off_and_counts_back(
    start: datetime, count: int, office: Office
) -> None:
    day = due_day(start, count, office)
    assert worktime.is_working_day(day, office)
    assert worktime.working_days_between(worktime.local_day(start, office), day, office) == count


@settings(max_examples=100, deadline=None)
@given(instants, instants, st.integers(1, 30), offices)
def test_who_writes_earlier_is_never_due_later(
    one: datetime, other: datetime, count: int, office: Office
) -> None:
    first, second = sorted((one, other))
    assert worktime.add_working_days(first, count, office) <= worktime.add_working_days(
        second, count, office
    )
    assert worktime.add_working_minutes(first, count, office) <= worktime.add_working_minutes(
        second, count, office
    )


@settings(max_examples=100, deadline=None)
@given(instants, st.integers(1, 30), st.integers(1, 30), offices)
def test_days_add_up(start: datetime, some: int, more: int, office: Office) -> None:
    halfway = worktime.add_working_days(start, some, office)
    assert worktime.add_working_days(halfway, more, office) == worktime.add_working_days(
        start, some + more, office
    )


@settings(max_examples=100, deadline=None)
@given(instants, st.integers(0, 3000), st.integers(1, 3000), offices)
def test_minutes_add_up_and_count_back(
    start: datetime, some: int, more: int, office: Office
) -> None:
    start = start.replace(second=0, microsecond=0)
    halfway = worktime.add_working_minutes(start, some, office)
    end = worktime.add_working_minutes(start, some + more, office)
    assert worktime.add_working_minutes(halfway, more, office) == end
    assert worktime.working_minutes_between(start, end, office) == some + more


@pytest.mark.parametrize("zone", ["Asia/Jayapura", "America/St_Johns", "UTC"])
def test_the_zone_of_the_process_does_not_matter(zone: str) -> None:
    program = (
        "from datetime import datetime, UTC\n"
        "from tanggap.core.worktime import Office, add_working_days, add_working_minutes\n"
        "start = datetime(2026, 3, 17, 16, 30, tzinfo=UTC)\n"
        "print(add_working_days(start, 3, Office()), add_working_minutes(start, 90, Office()))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "TZ": zone},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == "2026-03-27 16:59:59+00:00 2026-03-25 02:00:00+00:00"
