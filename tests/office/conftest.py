"""Fixtures of the office: a person in charge, and the scope of the whole agency."""

from __future__ import annotations

import pytest

from tanggap.core.models import Agency, Membership, Person
from tanggap.core.scope import Scope


@pytest.fixture
def lead(member) -> Person:
    return member("lead", name="Ratna", email="ratna@lumbung.test")


@pytest.fixture
def whole(agency: Agency, unit: Agency) -> Scope:
    ids = frozenset({agency.pk, unit.pk})
    return Scope(agency=agency, readable=ids, writable=ids)


@pytest.fixture
def membership_of():
    def of(person: Person) -> Membership:
        return Membership.objects.select_related("agency", "person").get(
            person=person, ended_at=None
        )

    return of
