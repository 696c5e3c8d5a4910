"""Scopes come from memberships in force, and from nothing else."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from tanggap.core.membership import agency_by_slug, memberships_of, scope_of
from tanggap.core.models import Membership
from tanggap.core.roles import DEPUTY
from tanggap.core.scope import NOBODY, enter

pytestmark = pytest.mark.django_db


def test_a_scope_holds_the_tenant_and_not_its_neighbours(
    member, agency, unit, other, province, now
):
    scope = scope_of(member("lead"), agency.slug, now)
    assert scope.agency == agency
    assert scope.readable == scope.writable == {agency.pk, unit.pk}
    assert scope_of(member("coordinator", province), None, now).readable == {province.pk}


def test_a_subunit_of_a_unit_belongs_to_the_tenant(member, make_agency, agency, unit, now):
    below = make_agency("upt", parent=unit, kind="subunit", autonomous=False)
    assert below.pk in scope_of(member("lead"), None, now).readable


def test_another_agencys_slug_gives_nothing(member, other, now):
    assert scope_of(member("lead"), other.slug, now) is NOBODY
    assert scope_of(member("lead"), "no-such", now) is NOBODY


def test_sign_in_finds_memberships_before_a_scope_exists(member, now):
    person = member("editor")
    with enter(NOBODY):
        assert Membership.objects.count() == 0
        assert [found.person_id for found in memberships_of(person, now)] == [person.pk]


def test_validity_is_counted_in_the_agencys_zone(member, agency):
    """Until 23 November in Jakarta is over when it is still 17.30 UTC of that day."""
    person = member("lead", valid_until=date(2026, 11, 23))
    assert scope_of(person, None, datetime(2026, 11, 23, 16, 30, tzinfo=UTC)) is not NOBODY
    assert scope_of(person, None, datetime(2026, 11, 23, 17, 30, tzinfo=UTC)) is NOBODY


def test_not_before_the_first_day(member, now):
    assert scope_of(member("lead", valid_from=date(2026, 11, 24)), None, now) is NOBODY


def test_ended_or_inactive_gives_nothing(member, now):
    assert scope_of(member("lead", ended_at=now), None, now) is NOBODY
    person = member("lead")
    person.is_active = False
    assert scope_of(person, None, now) is NOBODY


def test_a_deputy_holds_more_verbs_for_a_time(member, now):
    person = member("editor", deputy_until=now + timedelta(hours=8))
    assert scope_of(person, None, now).verbs >= DEPUTY
    assert not scope_of(person, None, now + timedelta(hours=8)).may("message.review")
    assert scope_of(person, None, now + timedelta(hours=8)).may("message.write")


def test_agencies_are_found_by_slug(agency):
    assert agency_by_slug("lumbung") == agency
    assert agency_by_slug("x") is None
