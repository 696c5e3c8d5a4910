"""The agency's calendar over the nation's, and what it does to a deadline."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from tanggap.archive.models import Record
from tanggap.core import rules, worktime
from tanggap.core.errors import Refused
from tanggap.core.models import DayOverride
from tanggap.core.scope import enter
from tanggap.office import holidays

pytestmark = pytest.mark.django_db
RECEIVED = datetime(2026, 3, 17, 2, 0, tzinfo=UTC)
ELECTION = date(2026, 3, 26)


def due(agency) -> date:
    office = rules.office(agency)
    return worktime.local_day(worktime.add_working_days(RECEIVED, 3, office), office)


def test_a_declared_day_moves_deadlines_of_the_agency_and_its_units_only(
    agency, unit, other, lead, now, whole
):
    assert due(agency) == date(2026, 3, 27)
    with enter(whole):
        changed = holidays.override(
            agency,
            ELECTION,
            working=False,
            reason="Pilkada",
            decree_number="Kep 1",
            by=lead,
            now=now,
        )
    assert changed == [ELECTION]
    assert due(agency) == due(unit) == date(2026, 3, 30)
    assert due(other) == date(2026, 3, 27)


def test_restoring_a_day_moves_them_back(agency, lead, now):
    holidays.override(agency, ELECTION, working=False, reason="Pilkada", by=lead, now=now)
    row = DayOverride.objects.get()
    assert holidays.restore(row, by=lead, now=now) == [ELECTION]
    assert due(agency) == date(2026, 3, 27)
    assert holidays.restore(row, by=lead, now=now) == []


def test_saying_the_same_again_changes_no_deadline(agency, lead, now):
    holidays.override(agency, ELECTION, working=False, reason="Pilkada", by=lead, now=now)
    later = now + timedelta(minutes=1)
    again = holidays.override(
        agency, ELECTION, working=False, reason="Pemilihan bupati", by=lead, now=later
    )
    assert again == []
    assert DayOverride.objects.get().reason == "Pemilihan bupati"


def test_a_day_needs_a_reason(agency, lead, now):
    with pytest.raises(Refused) as refused:
        holidays.override(agency, ELECTION, working=False, reason=" ", by=lead, now=now)
    assert refused.value.field == "reason"
    assert not Record.objects.exists()
