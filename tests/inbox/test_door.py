"""The door: genuine bodies are stored once and worked on later; others are only counted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from tanggap.accounts import connect, registry
from tanggap.accounts.models import Account
from tanggap.api.door import before
from tanggap.core import http
from tanggap.core.scope import Scope, enter
from tanggap.execution.inbox import arrivals, door, listen, subscribe
from tanggap.execution.inbox.models import Arrival, Door, Item
from tests.fakes.web import Web, signature

pytestmark = pytest.mark.django_db


def feed(*items: dict[str, Any], hub: str = "", topic: str = "") -> bytes:
    made: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Komentar",
        "items": [{"content_text": "x", "authors": [{"name": "Siti"}], **one} for one in items],
    }
    if hub:
        made |= {"hubs": [{"type": "WebSub", "url": hub}], "feed_url": topic}
    return json.dumps(made).encode()


@dataclass
class Porch:
    """A website that is connected and whose hub has been answered."""

    web: Web
    account: Account
    client: Any
    now: datetime
    path: str = ""

    def subscribed(self) -> Porch:
        assert subscribe.tick(self.now) == 1
        self.path, query = self.web.question()
        answer = self.client.get(f"{self.path}?{query}")
        assert (answer.status_code, answer.content) == (200, b"tantangan")
        return self

    def leaves(self, body: bytes, **headers: str) -> int:
        given = headers or self.web.signed(body)
        answer = self.client.post(
            self.path, body, content_type="application/feed+json", headers=given
        )
        return int(answer.status_code)


@pytest.fixture
def porch(agency, member, client, settings) -> Iterator[Porch]:
    settings.PUBLIC_URL = "https://tanggap.example"
    now, people = datetime.now(UTC), [member("lead"), member("operator")]
    rules = http.rules()
    with Web() as web:
        web.feed = feed(hub=web.hub, topic=web.address)
        http.configure(private_hosts=[f"127.0.0.1:{web.port}"])
        account = registry.register(
            agency,
            channel="website",
            server=web.url,
            kind="institution",
            handle="lumbung.example",
            display_name="Situs Lumbung",
            owner_unit=agency,
            custodians=people,
            decree_number="SK/12/2026",
            recovery_contact="kominfo@lumbung.test",
            by=people[0],
            now=now,
        )
        account = connect.connect(account, {"feed": web.address}, by=people[0], now=now)
        yield Porch(web, account, client, now)
    http.configure(private_hosts=rules.private_hosts, proxy=rules.proxy)


def test_a_hub_is_asked_answered_and_believed(porch: Porch) -> None:
    porch.subscribed()
    row = Door.objects.get()
    assert row.lease_until is not None
    assert timedelta(days=9) < row.lease_until - porch.now < timedelta(days=11)
    assert subscribe.tick(porch.now + timedelta(days=1)) == 0, "the promise still holds"
    assert subscribe.tick(porch.now + timedelta(days=9)) == 1
    assert porch.web.question()[0] == porch.path, "the same address, so that nothing is lost"
    # A subscription that is not ours is nobody's.
    wrong = porch.client.get(f"{porch.path}?hub.mode=subscribe&hub.topic=x&hub.challenge=y")
    assert (wrong.status_code, wrong.content) == (404, b"")


def test_a_genuine_body_is_stored_once_and_worked_on_later(porch: Porch) -> None:
    porch.subscribed()
    body = feed({"id": "7", "content_text": "Lampu mati", "url": "https://l.example/a#k"})
    assert [porch.leaves(body) for _ in range(3)] == [202, 202, 202]
    row = Arrival.objects.get()
    assert b"Lampu" not in bytes(row.sealed) and Item.objects.count() == 0
    assert arrivals.tick(porch.now) == 1 and arrivals.tick(porch.now) == 0
    item = Item.objects.get()
    assert (item.text, item.remote_id) == ("Lampu mati", "7")
    assert item.conversation is not None and item.conversation.thread_id == "https://l.example/a"
    row.refresh_from_db()
    assert row.worked_at is not None and bytes(row.sealed) == b""
    # The same words in another body are known by their id.
    assert porch.leaves(body + b"\n") == 202 and arrivals.tick(porch.now) == 1
    assert Item.objects.count() == 1 and arrivals.tidy(porch.now + timedelta(days=8)) == 2


def test_what_is_not_genuine_is_only_counted(porch: Porch) -> None:
    porch.subscribed()
    body = feed({"id": "7"})
    for headers in ({"X-Hub-Signature": "sha256=00"}, {"X-Other": "1"}, signature(body, "lain")):
        assert porch.leaves(body, **headers) == 403
    assert porch.leaves(b"x" * (door.MOST + 1)) == 413
    assert porch.client.post("/pintu/website/tidakada", b"x", content_type="x/y").status_code == 404
    other = porch.path.replace("website", "mastodon")
    assert porch.client.post(other, body, content_type="x/y").status_code == 404
    assert porch.client.delete(porch.path).status_code == 405
    row = Door.objects.get()
    assert (row.refused, Arrival.objects.count()) == (3, 0)


def test_what_cannot_be_read_is_kept_apart(porch: Porch) -> None:
    porch.subscribed()
    assert porch.leaves(b"<html>rusak</html>") == 202
    assert porch.leaves(feed({"id": "1"}, {"id": None})) == 202
    arrivals.tick(porch.now)
    assert Item.objects.filter(quarantined="").count() == 1
    assert Item.objects.exclude(quarantined="").count() == 2
    assert Arrival.objects.filter(worked_at=None).count() == 0


def test_one_body_that_fails_stops_no_other(porch: Porch, monkeypatch: pytest.MonkeyPatch) -> None:
    porch.subscribed()
    for n in range(3):
        porch.leaves(feed({"id": str(n)}))
    reads = listen.receive

    def breaks(opened: Any, headers: Any, body: bytes) -> Any:
        if b'"id": "1"' in body:
            raise RuntimeError("rusak")
        return reads(opened, headers, body)

    monkeypatch.setattr(listen, "receive", breaks)
    now = porch.now
    # In a test's transaction a batch cannot be taken back by itself: one by one, as after it.
    for pk in Arrival.objects.values_list("pk", flat=True):
        arrivals._alone(pk, now)
    assert set(Item.objects.values_list("remote_id", flat=True)) == {"0", "2"}
    left = Arrival.objects.get(worked_at=None)
    assert left.tries == 1 and left.retry_at is not None and left.retry_at > now
    for _ in range(arrivals.TRIES):
        now += timedelta(hours=1)
        arrivals._alone(left.pk, now)
    assert Item.objects.exclude(quarantined="").count() == 1
    assert not Arrival.objects.filter(worked_at=None).exists()


def test_a_token_opens_one_door_and_the_app_sees_no_other(porch: Porch, other) -> None:
    porch.subscribed()
    with enter(Scope(agency=other, readable=frozenset({other.pk}), writable=frozenset({other.pk}))):
        assert Door.objects.count() == 0
        token = porch.path.rpartition("/")[2]
        (answer,) = door.knock([door.Knock("website", token, {}, b"x")], now=porch.now)
        assert answer.status == 403
        body = feed({"id": "1"})
        headers = {name.lower(): value for name, value in porch.web.signed(body).items()}
        (answer,) = door.knock([door.Knock("website", token, headers, body)], now=porch.now)
        assert answer.status == 202
        assert Arrival.objects.count() == 0, "left, and not to be seen"
    assert Arrival.objects.get().agency_id == porch.account.agency_id


def test_bodies_of_one_moment_are_told_apart(porch: Porch) -> None:
    porch.subscribed()
    token = porch.path.rpartition("/")[2]
    bodies = [feed({"id": str(n)}) for n in (1, 2, 1)]

    def brought(body: bytes, token: str = token, **more: str) -> door.Knock:
        signed = {name.lower(): value for name, value in porch.web.signed(body).items()}
        return door.Knock("website", token, {**signed, **more}, body)

    wrong = brought(b"x", **{"x-hub-signature": "sha256=00"})
    knocks = [*map(brought, bodies), wrong, brought(b"x", "tidakada"), wrong]
    answers = door.knock([*knocks, brought(b"x" * (door.MOST + 1))], now=porch.now)
    assert [one.status for one in answers] == [202, 202, 202, 403, 404, 403, 413]
    assert (Arrival.objects.count(), Door.objects.get().refused) == (2, 3)
    assert door.knock([], now=porch.now) == []


def test_a_closed_door_takes_nothing(porch: Porch, member) -> None:
    porch.subscribed()
    assert porch.leaves(feed({"id": "9"})) == 202
    assert door.close_door(porch.account, by=member("lead"), now=porch.now)
    assert not door.close_door(porch.account, by="system:test", now=porch.now)
    # Also for a process that has known it open.
    assert porch.leaves(feed({"id": "0"})) == 404
    assert porch.leaves(feed({"id": "1"})) == 404


def test_a_site_without_a_hub_is_asked_again_later(porch: Porch) -> None:
    porch.web.feed = feed()
    assert subscribe.tick(porch.now) == 0
    assert Door.objects.get().failed_why == "no_hub"
    asked = len(porch.web.requests)
    assert subscribe.tick(porch.now + timedelta(hours=1)) == 0
    assert len(porch.web.requests) == asked, "not before its time"
    porch.web.feed = feed(hub=porch.web.hub, topic=porch.web.address)
    assert subscribe.tick(porch.now + timedelta(hours=7)) == 1


def test_pulling_and_the_door_agree(porch: Porch) -> None:
    porch.subscribed()
    body = feed({"id": "7", "content_text": "Lampu mati"})
    porch.leaves(body)
    arrivals.tick(porch.now)
    porch.web.feed, porch.web.etag = body, '"dua"'
    taken = listen.pull(porch.account, porch.now)
    assert (taken.new, taken.known) == (0, 1)
    # A feed is asked for every quarter of an hour, not every twenty seconds.
    assert listen.tick(porch.now + timedelta(minutes=10)) == 0
    assert [one.pk for one in listen.due(porch.now + timedelta(minutes=16))] == [porch.account.pk]


def test_keys_that_rotate_take_the_doors_along(porch: Porch) -> None:
    from tanggap.core import secrets

    porch.subscribed()
    secrets.rotate()
    assert door.reseal(porch.now) == 1
    assert porch.leaves(feed({"id": "1"})) == 202


# --- straight, past Django ------------------------------------------------------------------------


class Wire:
    """An ASGI server's side of one request."""

    def __init__(self, method: str, path: str, *parts: bytes, query: str = "", **headers: str):
        self.scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
        }
        self.parts = list(parts or (b"",))
        self.read = 0
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        self.read += 1
        body = self.parts.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(self.parts)}

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])


async def elsewhere(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 299, "headers": []})


def straight(*wires: Wire) -> Wire:
    """All at once, through one application."""
    import asyncio

    async def all_of() -> None:
        application = before(elsewhere)
        await asyncio.gather(*(application(one.scope, one.receive, one.send) for one in wires))

    asyncio.run(all_of())
    return wires[0]


@pytest.mark.django_db(transaction=True)
def test_the_straight_way_leads_to_the_same_door(porch: Porch) -> None:
    porch.subscribed()
    body = feed({"id": "1"})
    half = len(body) // 2
    signed = porch.web.signed(body)
    assert straight(Wire("POST", porch.path, body[:half], body[half:], **signed)).status == 202
    assert straight(Wire("POST", porch.path, body)).status == 403
    assert straight(Wire("POST", "/pintu/website/a/b", body)).status == 404
    assert straight(Wire("PUT", porch.path)).status == 405
    _path, query = porch.web.question("lagi")
    said = straight(Wire("GET", porch.path, query=query))
    assert (said.status, said.sent[1]["body"]) == (200, b"lagi")
    assert straight(Wire("GET", "/hari-ini/")).status == 299
    large = straight(Wire("POST", porch.path, *[b"x" * 400_000] * 9, **signed))
    assert large.status == 413 and large.read == 3, "no more is read than a body may hold"
    assert Arrival.objects.count() == 1 and Door.objects.get().refused == 1
    _let_go()


@pytest.mark.django_db(transaction=True)
def test_a_crowd_goes_in_together_and_none_is_lost_for_another(
    porch: Porch, monkeypatch: pytest.MonkeyPatch
) -> None:
    porch.subscribed()
    bodies = [feed({"id": str(n % 50)}) for n in range(60)]
    wires = [Wire("POST", porch.path, body, **porch.web.signed(body)) for body in bodies]
    wires.append(Wire("POST", porch.path, b"x", **{"X-Hub-Signature": "sha256=00"}))
    knock, batches = door.knock, []

    def breaks(knocks: Any, *, now: datetime) -> Any:
        batches.append(len(knocks))
        if len(knocks) > 1 and any(b'"id": "7"' in one.body for one in knocks):
            raise RuntimeError("rusak")
        return knock(knocks, now=now)

    monkeypatch.setattr(door, "knock", breaks)
    straight(*wires)
    assert [one.status for one in wires] == [202] * 60 + [403]
    assert max(batches) > 1, "what waited went in together"
    assert (Arrival.objects.count(), Door.objects.get().refused) == (50, 1)
    _let_go()


@pytest.mark.django_db(transaction=True)
def test_who_finds_too_many_waiting_is_told_to_come_again(
    porch: Porch, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tanggap.api import door as api

    porch.subscribed()
    monkeypatch.setattr(api, "MOST_WAITING", 5)
    bodies = [feed({"id": str(n)}) for n in range(40)]
    wires = [Wire("POST", porch.path, body, **porch.web.signed(body)) for body in bodies]
    straight(*wires)
    taken = [one.status for one in wires].count(202)
    assert {one.status for one in wires} == {202, 503} and taken == Arrival.objects.count()
    _let_go()


def _let_go() -> None:
    """The door's threads keep their connections; a test database must be free of them."""
    from threading import Barrier

    from django.db import connections

    from tanggap.api import door as api

    # Each thread takes one: none goes on before all have met.
    met = Barrier(api.THREADS)

    def let_go() -> None:
        met.wait(30)
        connections.close_all()

    for one in [api._threads.submit(let_go) for _ in range(api.THREADS)]:
        one.result()
    assert connection is not None
