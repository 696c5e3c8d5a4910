"""The first person of an installation."""

from __future__ import annotations

import pytest

from tanggap.core.errors import Refused
from tanggap.core.models import Agency, Membership
from tanggap.office import admin

pytestmark = pytest.mark.django_db
ABOUT = {
    "email": "Ratna@Lumbung.test",
    "name": "Ratna",
    "agency_name": "Pemerintah Kabupaten Lumbung",
    "short_name": "Kab. Lumbung",
    "decree_number": "SK 1/2026",
}


def test_makes_an_agency_and_its_person_in_charge(now):
    agency, person, path = admin.create(**ABOUT, password="kopi-tubruk-manis", now=now)
    assert (agency.slug, agency.code, path) == ("kab-lumbung", "PEM", "")
    assert person.check_password("kopi-tubruk-manis")
    assert Membership.objects.get(person=person).role == "lead"


def test_without_a_password_a_link_sets_it_once(client, now):
    _agency, person, path = admin.create(**ABOUT, now=now)
    assert not person.has_usable_password()
    page = client.get(path, follow=True)
    assert page.status_code == 200
    sent = client.post(
        page.request["PATH_INFO"],
        {"password1": "kopi-tubruk-manis", "password2": "kopi-tubruk-manis"},
    )
    assert sent.status_code == 302
    assert 'href="/masuk/login/"' in client.get(sent["Location"]).content.decode()
    person.refresh_from_db()
    assert person.check_password("kopi-tubruk-manis")
    again = client.get(path, follow=True).content.decode()
    assert 'href="/masuk/login/"' in again and "password1" not in again


def test_joins_an_agency_that_exists_and_refuses_a_known_address(now):
    admin.create(**ABOUT, password="kopi-tubruk-manis", now=now)
    with pytest.raises(Refused):
        admin.create(**ABOUT, password="kopi-tubruk-manis", now=now)
    again = {**ABOUT, "email": "bayu@lumbung.test", "role": "operator"}
    admin.create(**again, password="kopi-tubruk-manis", now=now)
    assert Agency.objects.count() == 1
    other = {
        **ABOUT,
        "email": "x@lain.test",
        "agency_name": "Pemerintah Kota Lain",
        "short_name": "Kab. Lumbung",
    }
    made, _person, _path = admin.create(**other, password="kopi-tubruk-manis", now=now)
    assert (made.slug, made.code) == ("kab-lumbung-2", "PEM2")


@pytest.mark.parametrize(
    "wrong", [{"email": "x"}, {"password": "123"}, {"zone": "Mars"}, {"decree_number": ""}]
)
def test_makes_nothing_by_halves(now, wrong):
    with pytest.raises(Refused):
        admin.create(**{**ABOUT, "password": "kopi-tubruk-manis", **wrong}, now=now)
    assert not Agency.objects.exists()
