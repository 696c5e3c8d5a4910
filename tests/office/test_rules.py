"""Settings by name: default, the agency's own, inherited by its units, changed on record."""

from __future__ import annotations

import pytest

from tanggap.archive.models import Record
from tanggap.core import rules, worktime
from tanggap.core.errors import Refused
from tanggap.core.rules_data import RULES
from tanggap.office.rules import change

pytestmark = pytest.mark.django_db


def test_every_default_is_a_value_that_a_person_could_type(agency):
    for rule in RULES:
        typed = rule.default
        if isinstance(typed, list):
            typed = ", ".join(map(str, typed))
        assert rules.read(rule, "on" if typed is True else str(typed)) == rule.default
        assert rules.value(agency, rule.name) == rule.default


def test_an_unknown_setting_fails_loudly(agency):
    with pytest.raises(KeyError):
        rules.value(agency, "first_respons_minutes")


def test_a_change_reaches_units_and_not_neighbours(agency, unit, other, lead, now):
    changed = change(agency, {"first_response_minutes": "60"}, by=lead, now=now)
    assert changed == {"first_response_minutes": [240, 60]}
    assert rules.number(unit, "first_response_minutes") == 60
    assert rules.number(other, "first_response_minutes") == 240
    assert Record.objects.get().facts == {"changed": {"first_response_minutes": [240, 60]}}


def test_a_province_does_not_rule_its_regencies(province, agency, lead, now):
    change(province, {"first_response_minutes": "60"}, by=lead, now=now)
    assert rules.number(agency, "first_response_minutes") == 240


def test_a_six_day_week_opens_saturday(agency, lead, now):
    change(agency, {"working_week": "6"}, by=lead, now=now)
    assert rules.office(agency).days == worktime.SIX_DAYS


def test_nothing_new_leaves_no_record(agency, lead, now):
    assert change(agency, {"saved_answer_alone": "on"}, by=lead, now=now) == {}
    assert not Record.objects.exists()


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("first_response_minutes", ""),
        ("first_response_minutes", "-5"),
        ("first_response_minutes", "9" * 30),
        ("first_response_minutes", "²"),
        ("working_week", "7"),
        ("hours_friday", "pagi"),
        ("hours_friday", ""),
        ("measurement_hours", "1, x"),
        ("deputy_days", "0"),
    ],
)
def test_nonsense_is_refused_at_its_field_and_nothing_is_kept(agency, lead, now, name, typed):
    with pytest.raises(Refused) as refused:
        change(agency, {"invitation_days": "3", name: typed}, by=lead, now=now)
    assert refused.value.field == name
    agency.refresh_from_db()
    assert agency.rules == {}
