"""The registry: a decree, a way back, two custodians; and the question of citizens."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tanggap.accounts import queries, registry
from tanggap.accounts.models import Account
from tanggap.archive.models import Record
from tanggap.core.errors import Refused
from tanggap.public import accounts as public_accounts
from tests.pages import walk

pytestmark = pytest.mark.django_db


def fields(agency, **more):
    return {
        "channel": "manual",
        "preset": "instagram",
        "kind": "institution",
        "handle": "lumbung.ig",
        "display_name": "Lumbung di Instagram",
        "owner_unit": agency,
        "decree_number": "SK/1/2026",
        "recovery_contact": "0811 0000",
        **more,
    }


@pytest.mark.parametrize(
    ("missing", "field"),
    [({"decree_number": " "}, "decree_number"), ({"recovery_contact": ""}, "recovery_contact")],
)
def test_what_is_missing_is_named(agency, member, clock, missing, field):
    people = [member("lead"), member("editor")]
    with pytest.raises(Refused) as refusal:
        registry.register(
            agency, custodians=people, by=people[0], now=clock, **fields(agency, **missing)
        )
    assert refusal.value.field == field and refusal.value.why and refusal.value.next
    assert not Account.objects.exists()


def test_one_custodian_is_none(agency, member, clock):
    person = member("lead")
    with pytest.raises(Refused) as refusal:
        registry.register(
            agency, custodians=[person, person], by=person, now=clock, **fields(agency)
        )
    assert refusal.value.field == "custodian_2"


def test_the_same_account_twice_is_refused(agency, member, clock):
    people = [member("lead"), member("editor")]
    for turn in range(2):
        if turn:
            with pytest.raises(Refused) as refusal:
                registry.register(
                    agency, custodians=people, by=people[0], now=clock, **fields(agency)
                )
            assert refusal.value.field == "handle"
        else:
            registry.register(agency, custodians=people, by=people[0], now=clock, **fields(agency))


def test_an_edit_names_what_changed(account, member, clock):
    people = [member("lead"), member("editor")]
    registry.edit(
        account,
        custodians=people,
        by=people[0],
        now=clock,
        decree_number="SK/99/2026",
        recovery_contact=account.recovery_contact,
        owner_unit=account.owner_unit,
        kind=account.kind,
        handle=account.handle,
        display_name=account.display_name,
    )
    last = Record.objects.filter(verb="account.edited").get()
    assert set(last.facts["fields"]) == {"decree_number", "custodians"}
    assert {one.person for one in account.custodians.all()} == set(people)


def test_retire_needs_a_reason_and_leaves_the_list(account, member, clock):
    with pytest.raises(Refused):
        registry.retire(account, reason=" ", by=member("lead"), now=clock)
    registry.retire(account, reason="Digabung", by=member("lead"), now=clock)
    assert account.state == "retired" and not queries.official().exists()


@pytest.mark.parametrize(
    ("asked", "known"),
    [
        ("diskominfo", True),
        ("@diskominfo", True),
        ("@DISKOMINFO", True),
        ("diskominfo@sosial.example", True),
        ("https://sosial.example/@diskominfo", True),
        ("https://sosial.example/@diskominfo/", True),
        ("diskominfo@palsu.example", False),
        ("https://palsu.example/@diskominfo", False),
        ("diskominf0", False),
        ("disk", False),
        ("", False),
        ("https://sosial.example/", False),
        ("http://[", False),
    ],
)
def test_is_this_official(account, asked, known):
    Account.objects.update(
        server="https://sosial.example", url="https://sosial.example/@diskominfo"
    )
    assert (queries.is_official(asked, queries.official()) is not None) is known


def test_the_public_page_and_its_json(client, account):
    Account.objects.update(
        server="https://sosial.example", url="https://sosial.example/@diskominfo"
    )
    page = client.get(reverse("public:accounts"), {"q": "@diskominfo"}).content.decode()
    assert "Ya, ini resmi." in page and "SK/12/2026" in page
    page = client.get(reverse("public:accounts"), {"q": "<b>palsu</b>"}).content.decode()
    assert "tidak kami kenal" in page and "<b>palsu</b>" not in page
    answer = client.get(reverse("public:accounts-json"), {"q": "palsu"}).json()
    assert answer == {"asked": "palsu", "official": False, "account": None}
    whole = client.get(reverse("public:accounts-json"))
    assert whole.json()["accounts"][0]["handle"] == "diskominfo"
    assert whole["Access-Control-Allow-Origin"] == "*"
    assert client.get(reverse("public:accounts-of", args=["tidak-ada"])).status_code == 404
    assert client.get(reverse("public:accounts-of", args=[account.agency.slug])).status_code == 200


def test_an_unlisted_account_is_not_shown(client, account):
    Account.objects.update(listed=False)
    assert "diskominfo" not in client.get(reverse("public:accounts")).content.decode()


def test_the_public_list_goes_to_the_very_last_account(client, agency, other, monkeypatch):
    monkeypatch.setattr(public_accounts, "PAGE", 2)
    for number in range(5):
        owner = other if number % 2 else agency
        Account.objects.create(
            agency=owner,
            owner_unit=owner,
            kind="institution",
            channel="manual",
            handle=f"unit{number}",
            display_name="Unit",
            decree_number="SK/1/2026",
            listed=True,
        )
    seen = [
        line["row"].pk
        for page in walk(client, reverse("public:accounts"), "sebelum")
        for _owner, lines in page.context["groups"]
        for line in lines
    ]
    assert len(seen) == len(set(seen)) == 5
