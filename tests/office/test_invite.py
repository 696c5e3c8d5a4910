"""An invitation: one link, once, for two days, for one address."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tanggap.archive.models import Record
from tanggap.core.errors import Refused
from tanggap.core.models import Invitation, Membership, Person
from tanggap.core.scope import NOBODY, enter
from tanggap.office import invite

pytestmark = pytest.mark.django_db
TERMS = {"role": "editor", "decree_number": "SK 12/2026", "valid_from": date(2026, 11, 1)}
GOOD = "kopi-tubruk-manis"


@pytest.fixture
def sent(agency, lead, now, whole):
    with enter(whole):
        return invite.invite(agency, " Dimas@Lumbung.test ", "Dimas", **TERMS, by=lead, now=now)


def test_the_database_keeps_only_a_hash(sent):
    invitation, token = sent
    row = Invitation.objects.values().get()
    assert bytes(row["token_hash"]) == invite.hash_of(token)
    assert not any(token in str(value) for value in row.values())
    assert invitation.email == "dimas@lumbung.test"


def test_accepting_makes_a_person_and_a_membership(sent, agency, now):
    person = invite.accept(sent[1], "Dimas Prasetyo", GOOD, now)
    assert person.check_password(GOOD)
    membership = Membership.objects.get(person=person)
    assert (membership.agency, membership.role) == (agency, "editor")
    assert membership.decree_number == "SK 12/2026"


def test_accepting_works_for_a_stranger_behind_the_wall(sent, now):
    with enter(NOBODY):
        assert Invitation.objects.count() == 0
        person = invite.accept(sent[1], "Dimas", GOOD, now)
        assert Membership.objects.count() == 0
    assert person.memberships.count() == 1


def test_a_link_works_once(sent, now):
    invite.accept(sent[1], "Dimas", GOOD, now)
    with pytest.raises(Refused, match=r"once|satu kali"):
        invite.accept(sent[1], "Orang lain", GOOD, now)
    assert Membership.objects.filter(role="editor").count() == 1


def test_a_link_expires_after_two_days(sent, now):
    assert invite.find(sent[1], now + timedelta(days=2, seconds=-1))
    for when in (now + timedelta(days=2), now + timedelta(days=9)):
        with pytest.raises(Refused):
            invite.accept(sent[1], "Dimas", GOOD, when)
    assert not Person.objects.filter(email="dimas@lumbung.test").exists()


def test_a_withdrawn_or_unknown_link_is_refused(sent, lead, now):
    invite.withdraw(sent[0], by=lead, now=now)
    for token in (sent[1], "", "x" * 400, sent[1][:-1]):
        with pytest.raises(Refused):
            invite.accept(token, "Dimas", GOOD, now)


def test_inviting_again_makes_the_first_link_useless(sent, agency, lead, now):
    _again, token = invite.invite(agency, "dimas@lumbung.test", "Dimas", **TERMS, by=lead, now=now)
    with pytest.raises(Refused):
        invite.find(sent[1], now)
    assert invite.find(token, now)


@pytest.mark.parametrize("password", ["", "pendek", "password123", "dimas@lumbung.test"])
def test_a_weak_password_is_refused_and_the_link_still_works(sent, now, password):
    with pytest.raises(Refused) as refused:
        invite.accept(sent[1], "Dimas", password, now)
    assert refused.value.field == "password"
    assert invite.accept(sent[1], "Dimas", GOOD, now)


def test_a_link_never_sets_the_password_of_somebody_we_know(sent, other, member, now):
    known = member("lead", agency=other, email="dimas@lumbung.test")
    before = known.password
    with pytest.raises(Refused):
        invite.accept(sent[1], "Penyusup", GOOD, now)
    known.refresh_from_db()
    assert known.password == before
    assert invite.accept(sent[1], "", "", now, person=known) == known
    assert {row.agency_id for row in known.memberships.all()} == {other.pk, sent[0].agency_id}


def test_a_link_is_not_for_whoever_happens_to_be_signed_in(sent, lead, now):
    with pytest.raises(Refused, match=r"dimas@lumbung\.test"):
        invite.accept(sent[1], "Ratna", GOOD, now, person=lead)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("email", "bukan-surel"),
        ("name", " "),
        ("role", "raja"),
        ("decree_number", " "),
        ("valid_until", date(2026, 10, 1)),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(agency, lead, now, field, wrong):
    about = {"email": "sari@lumbung.test", "name": "Sari", **TERMS, field: wrong}
    with pytest.raises(Refused) as refused:
        invite.invite(agency, **about, by=lead, now=now)
    assert refused.value.field == field
    assert not Invitation.objects.exists()


def test_a_units_officer_needs_a_unit_of_this_agency(agency, unit, other, make_agency, lead, now):
    stranger = make_agency("dinas-lain", parent=other, autonomous=False, kind="unit")
    about = {**TERMS, "role": "unit"}
    for wrong in (None, stranger, other):
        with pytest.raises(Refused):
            invite.invite(agency, "w@lumbung.test", "Wayan", **about, unit=wrong, by=lead, now=now)
    sent, _token = invite.invite(
        agency, "w@lumbung.test", "Wayan", **about, unit=unit, by=lead, now=now
    )
    assert sent.unit == unit


def test_a_member_is_not_invited_again(agency, lead, now):
    with pytest.raises(Refused) as refused:
        invite.invite(agency, lead.email.upper(), "Ratna", **TERMS, by=lead, now=now)
    assert refused.value.field == "email"


def test_all_of_it_is_on_record_without_a_name_or_an_address(sent, now):
    invite.accept(sent[1], "Dimas", GOOD, now)
    rows = list(Record.objects.order_by("id"))
    assert [row.verb for row in rows] == [
        "invitation.sent",
        "membership.began",
        "invitation.accepted",
    ]
    assert not any("dimas" in str(row.facts).lower() for row in rows)
