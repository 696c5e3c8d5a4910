"""The guided story's pages: what they show, what they wish for, and where their doors lead."""

from __future__ import annotations

import pytest

from tanggap.core.models import Agency, Person
from tanggap.practice import network as net
from tanggap.practice.story import book
from tanggap.practice.story.table import BEATS

pytestmark = pytest.mark.django_db

NOTES = {
    "agency": "sukamaju",
    "plan": 1,
    "next_plan": 2,
    "case": 3,
    "case_number": "SKM-7Q4K",
    "token": "t" * 32,
    "finding": 4,
    "decision": 5,
    "announcement": 6,
    "announcement_slug": "jembatan",
    "talk_b01": 7,
    "talk_w06": 8,
    "talk_w08": 8,
    "talk_w09": 9,
    "talk_f11": 10,
    "detour": 11,
    "quiz": 12,
    "period": "from=2026-10-11&until=2027-01-07",
}


@pytest.fixture(autouse=True)
def own_home(tmp_path, settings):
    settings.HOME = tmp_path


@pytest.fixture
def told():
    Agency.objects.create(
        slug="sukamaju",
        name="Pemerintah Kabupaten Sukamaju",
        code="SKM",
        short_name="Kab. Sukamaju",
        kind=Agency.Kind.REGENCY,
    )
    page = book.Page()
    book.write(page)
    return page


def test_without_a_story_the_page_says_how_to_begin_one(client):
    answer = client.get("/cerita/")
    assert answer.status_code == 404
    assert b"--story" in answer.content


def test_the_first_page_offers_the_first_beat(client, told):
    words = client.get("/cerita/").content.decode()
    assert "/cerita/next/" in words and str(BEATS[0].title) in words


def test_going_on_is_a_wish_that_the_director_takes_once(client, told):
    assert client.post("/cerita/next/").status_code == 302
    assert book.read().doing == BEATS[0].name
    # A second press while he works changes nothing.
    client.post("/cerita/reset/")
    assert book.take_wish() == "next"
    assert book.take_wish() == ""


def test_every_door_of_every_beat_leads_somewhere():
    closed = [
        (beat.name, str(screen.words))
        for beat in BEATS
        for screen in beat.screens
        if not screen.where(NOTES)
    ]
    assert not closed


def test_a_door_signs_in_as_somebody_of_the_team(client, told):
    person = Person.objects.create_user(email="ratna@sukamaju.example", name="Ratna", password=None)
    answer = client.post("/cerita/sebagai/ratna/", {"where": "/pesan/"})
    assert answer.status_code == 302 and answer["Location"] == "/pesan/"
    assert client.session["_auth_user_id"] == str(person.pk)


def test_a_door_leads_nowhere_else(client, told):
    Person.objects.create_user(email="ratna@sukamaju.example", name="Ratna", password=None)
    answer = client.post("/cerita/sebagai/ratna/", {"where": "https://jahat.example/"})
    assert answer["Location"] == "/"
    assert client.post("/cerita/sebagai/siapa/").status_code == 404


def test_the_bar_stands_on_every_page_while_a_story_is_told(client, told):
    assert b"story-bar" in client.get("/masuk/login/").content
    book.close()
    assert b"story-bar" not in client.get("/masuk/login/").content


def test_the_phone_shows_what_the_network_shows(client, told, tmp_path):
    pytest.importorskip("mastodon_mock")
    network = net.start([net.Profile("tini", "Tini")], [])
    try:
        network.save(tmp_path / "network.json")
        net.say(network, "tini", "Jembatan putus & gelap")
        words = client.get("/cerita/ponsel/tini/").content.decode()
    finally:
        net.stop(network)
    assert "Jembatan putus &amp; gelap" in words
