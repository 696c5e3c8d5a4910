"""Live screens: who may listen, what a look at the Records tells whom, which parts come again."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse

from tanggap.archive.record import record
from tanggap.core.scope import Scope, enter
from tanggap.desk.live import grant, hub
from tanggap.execution.inbox import assign, events, notes, presence
from tanggap.execution.inbox.models import Conversation, Presence
from tanggap.office import end
from tests.inbox.test_screens import client_of, here, sari

__all__ = ["here", "sari"]
pytestmark = pytest.mark.django_db


class Loop:
    """Stands for an event loop: does at once what it is asked."""

    def call_soon_threadsafe(self, function, *told):
        function(*told)


def stream(desk, person, **more) -> hub.Stream:
    scope = desk.scope(person)
    given = {
        "person": person.pk,
        "membership": scope.membership.pk,
        "session": "none",
        "agencies": scope.readable,
        "hears": scope.may("inbox.read"),
        "hears_sealed": scope.may("integrity"),
    }
    return hub.Stream(grant.Grant(**{**given, **more}), Loop(), ready=Ready())


class Ready:
    def set(self):
        pass

    clear = set


def heard(one: hub.Stream) -> set[tuple[str, int]]:
    return {event for event, _version in one.take()}


@pytest.fixture
def reader(here, monkeypatch):
    """A hub's reader that has begun before anything happens."""
    found = hub._Reader()
    # Sessions are looked at in a test of their own.
    found.at["check"] = float("inf")
    monkeypatch.setattr(hub, "PRESENCE_EVERY_S", 0)
    found.look([stream(here, here.sari)], [])
    return found


def test_each_hears_their_agency_and_only_those_who_handle_it_hear_a_sealed_report(
    here, reader, member, other
):
    found = here.heard("budi", "Jalan di Margasari rusak")
    hidden = here.heard("anonim", "Petugas loket minta pungli, ini korupsi dan suap di Dukcapil")
    assert Conversation.objects.get(pk=hidden.pk).sealed
    stranger = member("lead", other)
    streams = {
        name: stream(here, person)
        for name, person in (
            ("sari", here.sari),
            ("integrity", member("integrity")),
            ("operator", member("operator")),
            ("stranger", stranger),
        )
    }
    reader.look(list(streams.values()), [])
    assert heard(streams["sari"]) == {("conversation", found.pk)}
    assert heard(streams["integrity"]) == {("conversation", hidden.pk)}
    assert heard(streams["operator"]) == heard(streams["stranger"]) == set()
    # Once told, not told again; and what happens later is.
    reader.look(list(streams.values()), [])
    assert heard(streams["sari"]) == set()
    notes.add(found, "sudah ditelepon", by=here.sari, now=here.now)
    assign.assign(found, here.sari, by=here.ratna, now=here.now)
    reader.look(list(streams.values()), [])
    assert heard(streams["sari"]) == {("conversation", found.pk)}


def test_what_commits_late_is_not_missed(here):
    found = here.heard("budi", "halo")
    scope = Scope(readable=frozenset([here.agency.pk]), writable=frozenset([here.agency.pk]))
    with enter(scope):
        place = events.begin(here.now)
        number = place.newest
        with connection.cursor() as cursor:
            # Somebody has taken a number and not committed yet.
            cursor.execute("SELECT nextval('archive_record_id_seq')")
            (held,) = cursor.fetchone()
        record(here.agency, "conversation.read", found, by=here.sari, now=here.now)
        assert [one.conversation for one in events.read(place, here.now)] == [found.pk]
        assert place.newest > held > number and held in place.missing
        assert events.read(place, here.now) == []
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO archive_record (id, agency_id, at, verb, actor, subject_type,"
                " subject_id, facts, salt, leaf_hash) SELECT %s, agency_id, at, verb, actor,"
                " subject_type, subject_id, facts, salt, leaf_hash FROM archive_record"
                " WHERE id > %s",
                [held, held],
            )
        assert [one.record for one in events.read(place, here.now)] == [held]
        assert held not in place.missing
        # What never comes is forgotten.
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval('archive_record_id_seq')")
        record(here.agency, "conversation.read", found, by=here.sari, now=here.now)
        events.read(place, here.now)
        assert place.missing
        events.read(place, here.now + events.PATIENCE + timedelta(seconds=1))
        assert not place.missing


def test_other_agencies_are_a_number_without_a_name(here, other, member):
    found = here.heard("budi", "halo")
    scope = Scope(readable=frozenset([other.pk]), writable=frozenset())
    with enter(scope):
        told = events.read(events.Place(0), here.now)
    assert told and {(one.agency, one.conversation) for one in told} == {(None, None)}
    assert found.pk


def test_who_looks_is_told_and_gone_when_they_leave(here, reader):
    found = here.heard("budi", "halo")
    one = stream(here, here.sari, conversation=found.pk)
    two = stream(here, here.ratna, conversation=found.pk)
    presence.beat(found, here.sari, now=here.now)
    reader.look([one], [])
    heard(one)
    presence.beat(found, here.ratna, now=here.now)
    reader.look([one, two], [])
    assert ("presence", found.pk) in heard(one)
    # A second page of hers stays open: she is still there.
    reader.look([one, two], [two.grant])
    assert Presence.objects.filter(person=here.ratna).exists()
    heard(one)
    reader.look([one], [two.grant])
    assert not Presence.objects.filter(person=here.ratna).exists()
    assert ("presence", found.pk) in heard(one)


def test_a_stream_ends_with_the_membership_and_with_the_session(here, reader, sari):
    one = stream(here, here.sari, session=sari.session.session_key)
    two = stream(here, here.ratna, session="gone")
    assert hub._over([one, two], here.now) == [two]
    sari.logout()
    assert hub._over([one], here.now) == [one]
    membership = here.scope(here.sari).membership
    end.end(membership, by=here.ratna, now=here.now)
    reader.look([one], [])
    assert one.ended


def test_the_door_says_who_may_listen_and_to_what(here, sari, member, other):
    found = here.heard("budi", "halo")
    address = reverse("desk:live")
    # Where nothing streams: a stream that ends at once and asks to come back.
    answer = sari.get(address, {"percakapan": found.pk})
    assert answer["Content-Type"] == "text/event-stream" and b"retry: 15000" in answer.content
    assert Presence.objects.filter(person=here.sari, conversation=found).exists()
    with grant.taking() as granted:
        assert b"retry: 2000" in sari.get(address, {"percakapan": found.pk}).content
    (given,) = granted
    assert given.conversation == found.pk and given.hears and not given.hears_sealed
    stranger = client_of(member("lead", other))
    assert stranger.get(address, {"percakapan": found.pk}).status_code == 404
    assert sari.get(address, {"percakapan": "x"}).status_code == 404
    hidden = here.heard("anonim", "Petugas loket minta pungli, ini korupsi dan suap di Dukcapil")
    assert sari.get(address, {"percakapan": hidden.pk}).status_code == 404
    handler = client_of(member("integrity"))
    with grant.taking() as granted:
        assert handler.get(address, {"percakapan": hidden.pk}).status_code == 200
    assert granted[0].hears_sealed and not granted[0].conversation
    sari.logout()
    assert sari.get(address).status_code == 302


def test_a_slow_reader_is_told_that_too_much_happened():
    one = hub.Stream(grant.Grant(1, 1, "s", frozenset([1]), True, False), asyncio.new_event_loop())
    one.put([(("conversation", pk), pk) for pk in range(1, hub.MOST + 2)])
    assert one.take() == [(hub.ALL, hub.MOST + 1)]


def test_the_parts_of_a_page_come_alone(here, sari):
    found = here.heard("budi", "Jalan di Margasari rusak")
    address = reverse("desk:inbox-thread", args=[found.pk])
    whole = sari.get(address).content.decode()
    assert f'data-live="/peristiwa/?percakapan={found.pk}"' in whole
    said = sari.get(address, {"bagian": "said"}).content.decode()
    assert "Margasari" in said and "<html" not in said
    assert "data-keep" not in said, "what one types is not touched"
    rows = sari.get(reverse("desk:inbox-list"), {"bagian": "list", "group": "open"})
    text = rows.content.decode()
    assert "<html" not in text and f"/pesan/{found.pk}/" in text and "bagian" not in text
    # The old way of asking for the whole page is the whole page.
    assert "<html" in sari.get(address, {"bagian": "x"}).content.decode()
