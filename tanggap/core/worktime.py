"""Working days and hours of an office, from the national calendar and the office's own days.

Pure Python: no Django, no clock, no time zone of the process. The national calendar is the library
`holidays` (ID): public holidays, and joint leave (cuti bersama, its category "government"). It runs
late or guesses in places: moon-dated days far ahead are marked "(perkiraan)", joint leave is known
only for decreed years, and election days and regional days are missing. Hence every agency has
overrides, and open deadlines are computed again when one changes.

Two kinds of clock, never mixed:
- a legal clock counts whole working days. The day on which it starts does not count, and it ends
  with the last second (23:59:59) of the last day in the office's zone: `add_working_days`.
- a promise counts minutes of office hours: `add_working_minutes`.

Instants are aware datetimes; results are in UTC. Days are dates in the office's zone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from types import MappingProxyType
from zoneinfo import ZoneInfo

from holidays import country_holidays

Period = tuple[time, time]
Hours = Mapping[int, tuple[Period, ...]]

ESTIMATED = "(perkiraan)"
# A promise or a clock that finds no working day in so many days has a broken calendar.
HORIZON_DAYS = 3660


def _periods(*texts: str) -> tuple[Period, ...]:
    return tuple(parse_period(text) for text in texts)


def parse_period(text: str) -> Period:
    """`"07.30-12.00"` -> two times. Raises ValueError when it is not a period of one day."""
    first, dash, last = text.replace("–", "-").replace(":", ".").partition("-")
    if not dash:
        raise ValueError(f"Not a period: {text!r}. Write it like 07.30-12.00.")
    starts, ends = _time(first), _time(last)
    if starts >= ends:
        raise ValueError(f"The period {text!r} ends before it begins.")
    return starts, ends


def _time(text: str) -> time:
    hour, _dot, minute = text.strip().partition(".")
    return time(int(hour), int(minute))


def parse_periods(text: str) -> tuple[Period, ...]:
    """`"07.30-12.00, 13.00-16.00"` -> periods in order; an empty text is a closed day."""
    found = sorted(parse_period(part) for part in text.split(",") if part.strip())
    for (_, ends), (starts, _) in pairwise(found):
        if starts < ends:
            raise ValueError("Two periods overlap.")
    return tuple(found)


# Office hours of Perpres 21/2023 art. 4 as commonly applied (37.5 hours a week): a default only.
STANDARD_HOURS: Hours = MappingProxyType(
    {
        **{weekday: _periods("07.30-12.00", "13.00-16.00") for weekday in (1, 2, 3, 4)},
        5: _periods("07.30-11.30", "13.00-16.30"),
    }
)


@dataclass(frozen=True, slots=True)
class Office:
    """What an office's time depends on.

    `zone` is an IANA name. `days` are ISO weekdays (Monday is 1): five or six. `hours` has the
    periods of each weekday. `overrides` maps a day to True (working) or False (off), over what the
    calendar says. `joint_leave` is False for an office that works through cuti bersama.
    """

    zone: str = "Asia/Jakarta"
    days: frozenset[int] = frozenset({1, 2, 3, 4, 5})
    hours: Hours = field(default_factory=lambda: STANDARD_HOURS)
    overrides: Mapping[date, bool] = field(default_factory=dict)
    joint_leave: bool = True

    def __post_init__(self) -> None:
        if not self.days or not self.days <= {1, 2, 3, 4, 5, 6, 7}:
            raise ValueError("An office works on at least one day of the week, numbered 1 to 7.")
        if not any(self.hours.get(weekday) for weekday in self.days):
            raise ValueError("An office is open at some hour of its working week.")

    def periods(self, day: date) -> tuple[Period, ...]:
        """Hours of a day by its weekday; a weekday without any borrows the week's first ones."""
        own = self.hours.get(day.isoweekday(), ())
        return own or next(found for weekday in range(1, 8) if (found := self.hours.get(weekday)))


FIVE_DAYS = frozenset({1, 2, 3, 4, 5})
SIX_DAYS = frozenset({1, 2, 3, 4, 5, 6})


@lru_cache(maxsize=64)
def holidays_of(year: int, joint_leave: bool = True) -> Mapping[date, str]:
    """Days off of a year with their Indonesian names, from the library."""
    categories = ("public", "government") if joint_leave else ("public",)
    found = country_holidays("ID", years=year, categories=categories, language="id")
    return MappingProxyType({day: name for day, name in sorted(found.items()) if day.year == year})


def holiday_name(day: date, office: Office) -> str:
    """The national holiday on this day, or an empty text."""
    return holidays_of(day.year, office.joint_leave).get(day, "")


def estimated(day: date) -> bool:
    """True where the library only guesses a holiday's date."""
    return ESTIMATED in holidays_of(day.year).get(day, "")


def joint_leave_known(year: int) -> bool:
    """False for years whose cuti bersama is not decreed yet (or not in the library yet)."""
    return len(holidays_of(year, True)) > len(holidays_of(year, False))


def provisional(first: date, last: date) -> bool:
    """True when a count of days over this span may still move: guessed days, or no decree yet."""
    years = range(first.year, last.year + 1)
    if not all(joint_leave_known(year) for year in years):
        return True
    return any(
        first <= day <= last and estimated(day) for year in years for day in holidays_of(year)
    )


def is_working_day(day: date, office: Office) -> bool:
    """The agency's own word first, then the working week, then the national calendar."""
    override = office.overrides.get(day)
    if override is not None:
        return override
    return day.isoweekday() in office.days and not holiday_name(day, office)


def local_day(instant: datetime, office: Office) -> date:
    """The date on the office's wall at this instant."""
    return _aware(instant).astimezone(ZoneInfo(office.zone)).date()


def end_of_day(day: date, office: Office) -> datetime:
    """The last second of a day in the office's zone, in UTC: still in time."""
    return datetime.combine(day, time(23, 59, 59), ZoneInfo(office.zone)).astimezone(UTC)


def add_working_days(start: datetime, count: int, office: Office) -> datetime:
    """The end of the `count`-th working day after the day of `start`. `count` is at least 1."""
    if count < 1:
        raise ValueError("A clock of working days needs at least one day.")
    for day in _days_after(local_day(start, office)):
        count -= is_working_day(day, office)
        if not count:
            return end_of_day(day, office)
    raise ValueError("The calendar has no working days left in ten years.")


def add_days(start: datetime, count: int, office: Office) -> datetime:
    """The end of the `count`-th calendar day after the day of `start`, worked or not."""
    return end_of_day(local_day(start, office) + timedelta(days=count), office)


def working_days_between(first: date, last: date, office: Office) -> int:
    """Working days after `first` up to and with `last`; negative when `last` is earlier."""
    if last < first:
        return -working_days_between(last, first, office)
    span = (last - first).days
    return sum(
        is_working_day(first + timedelta(days=ahead), office) for ahead in range(1, span + 1)
    )


def is_open(instant: datetime, office: Office) -> bool:
    """True within office hours."""
    day = local_day(instant, office)
    return any(starts <= instant < ends for starts, ends in open_hours(day, office))


def open_hours(day: date, office: Office) -> list[tuple[datetime, datetime]]:
    """The periods of one day as instants in UTC; none on a day off."""
    if not is_working_day(day, office):
        return []
    zone = ZoneInfo(office.zone)
    return [
        (
            datetime.combine(day, starts, zone).astimezone(UTC),
            datetime.combine(day, ends, zone).astimezone(UTC),
        )
        for starts, ends in office.periods(day)
    ]


def add_working_minutes(start: datetime, minutes: int, office: Office) -> datetime:
    """The instant at which `minutes` of office hours have passed since `start`.

    A promise that is used up exactly at closing time ends at closing time. 0 gives `start`.
    """
    if minutes < 0:
        raise ValueError("A promise does not run backwards.")
    instant, left = _aware(start).astimezone(UTC), timedelta(minutes=minutes)
    if not left:
        return instant
    for starts, ends in _open_from(instant, office):
        begin = max(starts, instant)
        if left <= ends - begin:
            return begin + left
        left -= ends - begin
    raise ValueError("The calendar has no working hours left in ten years.")


def working_minutes_between(start: datetime, end: datetime, office: Office) -> int:
    """Whole minutes of office hours from `start` to `end`; negative when `end` is earlier."""
    if end < start:
        return -working_minutes_between(end, start, office)
    total = timedelta()
    for starts, ends in _open_from(start, office):
        if starts >= end:
            break
        total += min(ends, end) - max(starts, start)
    return int(total.total_seconds() // 60)


def _open_from(start: datetime, office: Office) -> Iterator[tuple[datetime, datetime]]:
    first = local_day(start, office)
    for day in _days_after(first - timedelta(days=1)):
        for starts, ends in open_hours(day, office):
            if ends > start:
                yield starts, ends


def _days_after(day: date) -> Iterator[date]:
    for ahead in range(1, HORIZON_DAYS + 1):
        yield day + timedelta(days=ahead)


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("An instant needs a time zone.")
    return instant
