"""Appointments stand on a decree; nobody appoints themselves; somebody can always appoint."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tanggap.archive.models import Record
from tanggap.core.errors import Refused, Stale
from tanggap.core.models import Membership
from tanggap.office import appoint, end

pytestmark = pytest.mark.django_db


def changed(membership, by, now, **terms):
    about = {
        "role": membership.role,
        "unit": membership.unit,
        "decree_number": membership.decree_number,
        "valid_from": membership.valid_from,
        "valid_until": membership.valid_until,
        **terms,
    }
    return appoint.change(membership, **about, by=by, now=now)


def test_a_new_decree_changes_role_and_dates(lead, member, membership_of, now):
    editor = membership_of(member("editor"))
    row = changed(
        editor, lead, now, role="responder", decree_number="SK 9/2026", valid_until=date(2027, 1, 1)
    )
    assert (row.role, row.valid_until) == ("responder", date(2027, 1, 1))
    facts = Record.objects.get(verb="membership.changed").facts
    assert facts["changed"]["role"] == ["editor", "responder"]
    assert facts["decree"] == "SK 9/2026"


def test_the_same_decree_again_leaves_no_record(lead, member, membership_of, now):
    changed(membership_of(member("editor")), lead, now)
    assert not Record.objects.exists()


def test_nobody_appoints_themselves(member, lead, membership_of, now):
    operator = member("operator")
    with pytest.raises(Refused):
        changed(membership_of(operator), operator, now, role="lead")
    with pytest.raises(Refused):
        appoint.deputize(membership_of(operator), now + timedelta(hours=3), by=operator, now=now)


def test_an_agency_keeps_somebody_who_appoints(lead, member, membership_of, now):
    only = membership_of(lead)
    auditor = member("auditor")
    for attempt in (
        lambda: changed(only, auditor, now, role="editor"),
        lambda: changed(only, auditor, now, valid_until=date(2026, 11, 22)),
        lambda: changed(only, auditor, now, valid_from=date(2026, 12, 1)),
        lambda: end.end(only, by=lead, now=now),
    ):
        with pytest.raises(Refused):
            attempt()
    only.refresh_from_db()
    assert (only.role, only.ended_at, only.valid_until) == ("lead", None, None)
    member("operator")
    assert end.end(only, by=lead, now=now).membership.ended_at == now


def test_a_deputy_serves_until_an_instant(lead, member, membership_of, now):
    editor = membership_of(member("editor"))
    tonight = now + timedelta(hours=14)
    assert appoint.deputize(editor, tonight, by=lead, now=now).deputy_until == tonight
    assert appoint.relieve(editor, by=lead, now=now).deputy_until is None
    assert list(Record.objects.order_by("id").values_list("verb", flat=True)) == [
        "membership.deputized",
        "membership.relieved",
    ]


@pytest.mark.parametrize("hours", [-1, 0, 24 * 15])
def test_a_deputyship_has_an_end_within_reason(lead, member, membership_of, now, hours):
    with pytest.raises(Refused) as refused:
        appoint.deputize(
            membership_of(member("editor")), now + timedelta(hours=hours), by=lead, now=now
        )
    assert refused.value.field == "until"


def test_a_new_role_ends_the_deputyship(lead, member, membership_of, now):
    editor = membership_of(member("editor"))
    appoint.deputize(editor, now + timedelta(days=1), by=lead, now=now)
    assert changed(editor, lead, now, role="auditor").deputy_until is None


def test_who_has_left_cannot_be_changed(lead, member, membership_of, now):
    editor = membership_of(member("editor"))
    end.end(editor, by=lead, now=now)
    with pytest.raises(Stale):
        changed(editor, lead, now, role="auditor")
    with pytest.raises(Refused):
        end.end(editor, by=lead, now=now)


def test_a_membership_that_ran_out_makes_room_for_a_new_one(agency, lead, member, now):
    person = member("editor", valid_until=date(2026, 11, 22))
    appoint.appoint(
        agency,
        person,
        "responder",
        unit=None,
        decree_number="SK 2",
        valid_from=date(2026, 11, 23),
        valid_until=None,
        by=lead,
        now=now,
    )
    assert Membership.objects.filter(person=person, ended_at=None).get().role == "responder"
    assert Membership.objects.filter(person=person).count() == 2
