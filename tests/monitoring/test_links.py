"""Short links: they count days, never people, and never programs."""

from __future__ import annotations

import pytest

from tanggap.messaging.models import ShortLink, ShortLinkDay

pytestmark = pytest.mark.django_db
READER = {"User-Agent": "Mozilla/5.0 (Linux; Android 13)"}


@pytest.fixture
def link(agency, member, now):
    return ShortLink.objects.create(
        agency=agency,
        code="Im4",
        created_by=member("editor"),
        target="https://lumbung.example/imunisasi",
        created_at=now,
    )


def test_a_reader_is_sent_on_and_counted(client, link):
    for _ in range(2):
        answer = client.get("/k/Im4", headers=READER)
        assert (answer.status_code, answer.url) == (302, link.target)
        assert not answer.cookies
    assert ShortLinkDay.objects.get().clicks == 2


@pytest.mark.parametrize("name", ["", "Mastodon/4.5.2 (http.rb)", "facebookexternalhit/1.1"])
def test_programs_are_sent_on_and_not_counted(client, link, name):
    assert client.get("/k/Im4", headers={"User-Agent": name}).status_code == 302
    assert client.head("/k/Im4", headers=READER).status_code == 302
    assert not ShortLinkDay.objects.exists()


def test_an_unknown_link_says_so(client, link):
    assert client.get("/k/other", headers=READER).status_code == 404
