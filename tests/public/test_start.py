"""The doors of an agency: what citizens may read is found by following links, from anywhere."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from tanggap.core.models import Person
from tanggap.execution.inbox.models import Claim

pytestmark = pytest.mark.django_db


@pytest.fixture
def claim(agency, now) -> Claim:
    judge = Person.objects.create(email="ratna@lumbung.test", name="Ratna")
    return Claim.objects.create(
        agency=agency,
        text="Semua bansos dihapus",
        state="decided",
        verdict="false",
        explanation="Bansos tetap ada.",
        first_seen_at=now,
        decided_at=now,
        decided_by=judge,
        published=True,
    )


def links(client: Client, url: str) -> set[str]:
    answer = client.get(url)
    assert answer.status_code == 200, url
    assert len(answer.content) < 100_000
    return set(re.findall(r'href="(/[^"#?]*)', answer.content.decode()))


def test_the_clarification_is_found_from_the_start_page(agency, claim, client):
    start = reverse("public:start", args=[agency.slug])
    page = reverse("public:clarification", args=[agency.slug, claim.pk])
    found = links(client, start)
    assert page in found
    assert reverse("public:clarifications", args=[agency.slug]) in found
    assert page in links(client, reverse("public:clarifications", args=[agency.slug]))


@pytest.mark.parametrize(
    "name",
    ["start", "case-start", "clarifications", "results", "accountability", "accounts-of"],
)
def test_every_public_page_has_all_doors(agency, client, name):
    found = links(client, reverse(f"public:{name}", args=[agency.slug]))
    for door in ("case-start", "clarifications", "results", "accountability", "accounts-of"):
        assert reverse(f"public:{door}", args=[agency.slug]) in found
    assert reverse("public:start", args=[agency.slug]) in found


def test_who_lands_at_the_sign_in_finds_the_way(agency, client):
    assert reverse("public:accounts") in links(client, "/masuk/login/")


def test_what_is_not_meant_for_the_public_is_not_there(agency, claim, client):
    Claim.objects.update(published=False)
    page = client.get(reverse("public:start", args=[agency.slug])).content.decode()
    assert claim.text not in page


def test_no_agency_no_page(client, db):
    assert client.get("/tidak-ada/").status_code == 404
