"""The screens of team, rules and invitation, as different people meet them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from tanggap.core import clock, rules
from tanggap.core.models import Agency, DayOverride, Invitation, Membership, Person
from tanggap.core.roles import ROLES, allows
from tanggap.desk import team
from tanggap.office import invite
from tests.pages import walk

pytestmark = pytest.mark.django_db
GOOD = "kopi-tubruk-manis"
ABOUT = {
    "name": "Dimas",
    "email": "dimas@lumbung.test",
    "role": "editor",
    "unit": "",
    "decree_number": "SK 12/2026",
    "valid_from": "2026-01-01",
    "valid_until": "",
}


@pytest.fixture
def desk(lead) -> Client:
    client = Client()
    client.force_login(lead)
    return client


def link_of(page) -> str:
    return page.context["link"].split("localhost:8000", 1)[-1]


PAGES = {
    "desk:team-list": "people.read",
    "desk:team-invite": "people.write",
    "desk:rules-list": "rules.write",
    "desk:rules-calendar": "rules.write",
    "desk:rules-clocks": "rules.write",
}


@pytest.mark.parametrize("role", ROLES)
def test_a_page_opens_to_those_who_hold_its_verb_only(member, role):
    client = Client()
    client.force_login(member(role))
    for page, verb in PAGES.items():
        expected = 200 if allows(role, verb) else 403
        assert client.get(reverse(page)).status_code == expected, page


def test_nobody_gets_in_without_signing_in(lead, membership_of):
    pk = membership_of(lead).pk
    for page in PAGES:
        assert Client().get(reverse(page)).status_code == 302
    for page in ("team-edit", "team-deputy", "team-end"):
        assert Client().post(reverse(f"desk:{page}", args=[pk])).status_code == 302


def test_another_agencys_people_are_not_found(desk, member, other, membership_of):
    stranger = member("operator", agency=other)
    pk = membership_of(stranger).pk
    for page in ("team-edit", "team-deputy", "team-end"):
        for ask in (desk.get, desk.post):
            assert ask(reverse(f"desk:{page}", args=[pk])).status_code == 404
    assert stranger.email not in desk.get(reverse("desk:team-list")).content.decode()
    assert Membership.objects.get(pk=pk).ended_at is None


def test_a_second_factor_is_asked_of_who_changes_the_team(desk, settings):
    settings.SECOND_FACTOR = True
    assert desk.get(reverse("desk:team-list")).status_code == 200
    assert desk.get(reverse("desk:team-invite")).status_code == 403


def test_from_invitation_to_desk(desk):
    page = desk.post(reverse("desk:team-invite"), ABOUT)
    assert page.status_code == 200
    link = link_of(page)
    assert link in mail.outbox[0].body
    assert mail.outbox[0].to == ["dimas@lumbung.test"]
    assert link in page.content.decode()
    assert link not in desk.get(reverse("desk:team-list")).content.decode()

    guest = Client()
    assert guest.get(link).status_code == 200
    begun = guest.post(link, {"name": "Dimas Prasetyo", "password": GOOD}, follow=True)
    assert begun.status_code == 200
    assert begun.redirect_chain == [("/", 302)]
    later = Client().post(
        reverse("account_login"), {"login": "dimas@lumbung.test", "password": GOOD}
    )
    assert (later.status_code, later.headers["Location"]) == (302, "/")
    assert "Dimas Prasetyo" in desk.get(reverse("desk:team-list")).content.decode()
    assert guest.get(link).status_code == 410


@pytest.mark.parametrize("backend", ["smtp", "console"])
def test_a_dead_or_missing_mail_server_loses_no_invitation(desk, settings, backend):
    settings.EMAIL_BACKEND = f"django.core.mail.backends.{backend}.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    page = desk.post(reverse("desk:team-invite"), ABOUT)
    assert page.status_code == 200
    assert page.context["sent"] is False
    assert Client().get(link_of(page)).status_code == 200


def test_wrong_input_keeps_what_was_typed(desk, lead):
    for wrong in (
        {"decree_number": " "},
        {"valid_until": "2025-01-01"},
        {"email": lead.email},
        {"valid_from": "kemarin"},
        {"role": "raja"},
    ):
        page = desk.post(reverse("desk:team-invite"), {**ABOUT, **wrong})
        assert page.status_code == 422
        assert "Dimas" in page.content.decode()
        assert set(wrong) & set(page.context["form"].errors)
    assert not Invitation.objects.exists()


def test_a_weak_password_is_explained_and_the_name_kept(desk):
    link = link_of(desk.post(reverse("desk:team-invite"), ABOUT))
    page = Client().post(link, {"name": "Dimas P", "password": "pendek"})
    assert page.status_code == 422
    assert "Dimas P" in page.content.decode()
    assert "password" in page.context["form"].errors


def test_dead_links_say_why(desk, agency, lead):
    now = clock.now()
    _row, token = invite.invite(
        agency, "d@lumbung.test", "D", "editor", "SK", date(2026, 1, 1), by=lead, now=now
    )
    Invitation.objects.update(expires_at=now - timedelta(seconds=1))
    for dead in (token, "tidak-ada"):
        for ask in (Client().get, Client().post):
            page = ask(reverse("desk:join", args=[dead]))
            assert page.status_code == 410
            assert page.context["refusal"].next
    assert not Person.objects.filter(email="d@lumbung.test").exists()


def test_somebody_we_know_signs_in_and_says_yes(desk, member, other):
    known = member("lead", agency=other, email="dimas@lumbung.test")
    link = link_of(desk.post(reverse("desk:team-invite"), ABOUT))
    stranger = Client().post(link, {"name": "Penyusup", "password": GOOD})
    assert stranger.status_code == 422
    assert desk.post(link).status_code == 422
    client = Client()
    client.force_login(known)
    assert client.get(link).status_code == 200
    assert client.post(link, follow=True).status_code == 200
    assert known.memberships.count() == 2
    page = client.get(reverse("desk:team-list"))
    assert page.status_code == 403


def test_withdrawing_an_invitation(desk):
    link = link_of(desk.post(reverse("desk:team-invite"), ABOUT))
    row = Invitation.objects.get()
    assert desk.get(reverse("desk:team-withdraw", args=[row.pk])).status_code == 405
    assert desk.post(reverse("desk:team-withdraw", args=[row.pk])).status_code == 302
    assert Client().get(link).status_code == 410


def test_changing_naming_a_deputy_and_ending(desk, member, membership_of):
    person = member("editor", name="Dimas")
    row = membership_of(person)
    decree = {
        "role": "responder",
        "unit": "",
        "decree_number": "SK 2",
        "valid_from": "2026-01-01",
        "valid_until": "",
    }
    assert desk.post(reverse("desk:team-edit", args=[row.pk]), decree).status_code == 302
    until = (clock.now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    deputy = reverse("desk:team-deputy", args=[row.pk])
    assert desk.post(deputy, {"until": until}).status_code == 302
    row.refresh_from_db()
    assert (row.role, row.deputy_until is not None) == ("responder", True)
    assert desk.post(deputy, {"until": "2020-01-01T00:00"}).status_code == 422
    assert desk.post(deputy, {"relieve": "yes", "until": ""}).status_code == 302

    theirs = Client()
    theirs.force_login(person)
    assert theirs.get(reverse("desk:today")).status_code == 200
    end = reverse("desk:team-end", args=[row.pk])
    assert desk.get(end).status_code == 200
    assert desk.post(end).status_code == 302
    assert theirs.get(reverse("desk:today")).status_code == 302
    assert desk.get(end).status_code == 404


def test_the_last_one_who_appoints_cannot_leave(desk, lead, membership_of):
    page = desk.post(reverse("desk:team-end", args=[membership_of(lead).pk]))
    assert page.status_code == 422
    assert membership_of(lead).ended_at is None


def test_the_list_goes_to_the_very_last_person(desk, member):
    for number in range(120):
        member("unit", name=f"Orang {number:03}")
    seen, after = [], ""
    for _page in range(10):
        page = desk.get(reverse("desk:team-list"), {"after": after})
        assert len(page.content) < 100_000
        seen += [person["row"].person.name for person in page.context["people"]]
        after = page.context["page"].after
        if not after:
            break
    assert len(seen) == len(set(seen)) == 121
    found = desk.get(reverse("desk:team-list"), {"q": "orang 07"}).context["people"]
    assert len(found) == 10


def test_invitations_go_to_the_very_last_one(desk, agency, lead, monkeypatch):
    monkeypatch.setattr(team, "PAGE", 2)
    now = clock.now()
    for number in range(5):
        Invitation.objects.create(
            agency=agency,
            email=f"x{number}@lumbung.test",
            name="Dimas",
            role="editor",
            decree_number="SK",
            valid_from=now.date(),
            token_hash=bytes([number]) * 32,
            invited_by=lead,
            invited_at=now,
            expires_at=now + timedelta(days=1),
        )
    pages = walk(desk, reverse("desk:team-list"), "invited")
    seen = [row.pk for page in pages for row in page.context["invitations"].rows]
    assert len(seen) == len(set(seen)) == 5


def test_today_names_decrees_that_end_to_who_may_renew_them(desk, member):
    member("editor", name="Dimas", valid_until=clock.now().date() + timedelta(days=9))
    editor = Client()
    editor.force_login(member("editor", name="Tuti"))
    today = reverse("desk:today")
    assert "Dimas" in desk.get(today).content.decode()
    assert "Dimas" not in editor.get(today).content.decode()


def test_rules_are_changed_on_the_page(desk, agency):
    page = desk.get(reverse("desk:rules-list"))
    form = page.context["form"]
    # As a browser sends it: a box that is ticked says "on", one that is not says nothing.
    said = {name: form.initial[name] for name in form.fields}
    sent = {name: "on" if one is True else one for name, one in said.items() if one is not False}
    sent["first_response_minutes"] = "60"
    del sent["saved_answer_alone"]
    assert desk.post(reverse("desk:rules-list"), sent).status_code == 302
    agency.refresh_from_db()
    assert agency.rules == {"first_response_minutes": 60, "saved_answer_alone": False}
    wrong = desk.post(reverse("desk:rules-list"), {**sent, "hours_friday": "pagi-pagi"})
    assert wrong.status_code == 422
    assert "pagi-pagi" in wrong.content.decode()
    assert list(wrong.context["form"].errors) == ["hours_friday"]


def test_a_day_is_declared_and_taken_back(desk, agency):
    calendar = reverse("desk:rules-calendar")
    about = {"day": "2026-11-25", "working": "off", "reason": "Pilkada", "decree_number": ""}
    assert desk.post(calendar, about).status_code == 302
    row = DayOverride.objects.get()
    assert rules.office(agency).overrides == {date(2026, 11, 25): False}
    page = desk.get(calendar, {"year": "2026"}).content.decode()
    assert "Pilkada" in page
    assert "Cuti Bersama Hari Suci Nyepi" in page
    assert desk.post(calendar, {**about, "reason": ""}).status_code == 422
    assert desk.post(calendar, {**about, "day": "besok"}).status_code == 422
    assert desk.post(reverse("desk:rules-restore", args=[row.pk])).status_code == 302
    assert not DayOverride.objects.exists()


@pytest.mark.parametrize("year", ["", "abc", "99999", "0001", "²²²²", "2027"])
def test_any_year_in_the_address_is_answered(desk, year):
    assert desk.get(reverse("desk:rules-calendar"), {"year": year}).status_code == 200


def test_another_agencys_day_is_not_found(desk, other):
    row = DayOverride.objects.create(
        agency=other, day=date(2026, 11, 25), working=False, reason="x"
    )
    assert desk.post(reverse("desk:rules-restore", args=[row.pk])).status_code == 404
    assert DayOverride.objects.exists()


def test_every_clock_is_shown_with_its_law(desk):
    page = desk.get(reverse("desk:rules-clocks")).content.decode()
    for words in ("Permen PAN-RB 62/2018", "UU 14/2008", "UU 27/2022", "SP4N-LAPOR!"):
        assert words in page
    assert Agency.objects.exists()
