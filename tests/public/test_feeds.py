"""Public feeds: what went out, in three forms, read back by an independent reader; the hub."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta

import feedparser
import pytest

from tanggap.core import http, secrets
from tanggap.execution.followup import hubs
from tanggap.execution.inbox.models import HubNews
from tanggap.execution.publishing import deliver
from tests.fakes.mastodon_fixtures import mastodon_fake
from tests.fakes.web import Web
from tests.publishing.conftest import own_files
from tests.publishing.scene import Scene, build

__all__ = ["mastodon_fake", "own_files"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def scene(agency, member, mastodon_fake) -> Scene:
    found = build(agency, member("editor"), mastodon_fake)
    assert secrets.keyring()
    return found


@pytest.fixture
def said(scene: Scene) -> Scene:
    """A post and a thread are out; another waits."""
    scene.post("Jalan Melati dibuka.\nTerima kasih atas <sabarnya> & doanya.")
    scene.thread("Satu dari dua", "Dua dari dua")
    for _ in range(6):
        deliver.tick(scene.now)
        scene.pass_(30)
    later = (scene.now + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    scene.post("Belum waktunya", at=(later, "Asia/Jakarta"))
    return scene


def test_three_forms_say_the_same(said: Scene, client, settings) -> None:
    settings.WEBSUB_HUB = "https://hub.example/"
    seen = []
    for form in ("rss", "atom"):
        page = client.get(f"/{said.agency.slug}/umpan.{form}")
        assert page.status_code == 200 and 'rel="hub"' in page["Link"]
        found = feedparser.parse(io.BytesIO(page.content))
        assert not found.bozo, found.get("bozo_exception")
        links = {one["rel"]: one["href"] for one in found.feed.links}
        assert links["hub"] == "https://hub.example/" and links["self"].endswith(f"umpan.{form}")
        seen.append([(one.id, one.title, one.link) for one in found.entries])
    page = client.get(f"/{said.agency.slug}/umpan.json")
    body = json.loads(page.content)
    assert page["Content-Type"].startswith("application/feed+json")
    assert body["hubs"] == [{"type": "WebSub", "url": "https://hub.example/"}]
    seen.append([(one["id"], one["title"], one["url"]) for one in body["items"]])
    assert seen[0] == seen[1] == seen[2] and len(seen[0]) == 2
    thread, post = body["items"]
    assert thread["content_text"] == "Satu dari dua\n\nDua dari dua"
    assert post["title"] == "Jalan Melati dibuka." and post["url"].startswith(said.server.url)
    assert "Belum waktunya" not in json.dumps(body)


def test_a_reader_that_has_it_gets_nothing(said: Scene, client) -> None:
    page = client.get(f"/{said.agency.slug}/umpan.json")
    assert "max-age" in page["Cache-Control"] and not page.cookies
    again = client.get(f"/{said.agency.slug}/umpan.json", headers={"If-None-Match": page["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_what_is_nobodys_is_not_found(said: Scene, client, other) -> None:
    assert json.loads(client.get(f"/{other.slug}/umpan.json").content)["items"] == []
    assert client.get("/tidak-ada/umpan.rss").status_code == 404
    assert client.get(f"/{said.agency.slug}/umpan.txt").status_code == 404
    assert client.post(f"/{said.agency.slug}/umpan.rss").status_code == 405


def test_the_hub_is_told_once_of_what_is_new(said: Scene, settings) -> None:
    now = datetime.now(UTC)
    assert hubs.tick(now) == 0, "none is configured"
    with Web() as web:
        settings.WEBSUB_HUB, settings.PUBLIC_URL = web.hub, "https://tanggap.example"
        rules = http.rules().private_hosts
        http.configure(private_hosts=[*rules, f"127.0.0.1:{web.port}"])
        assert (hubs.tick(now), hubs.tick(now)) == (1, 0)
        topics = {one["hub.url"] for one in web.forms}
        assert len(web.forms) == len(topics) == 3
        assert f"https://tanggap.example/{said.agency.slug}/umpan.atom" in topics
        assert {one["hub.mode"] for one in web.forms} == {"publish"}
        said.post("Ada yang baru")
        for _ in range(3):
            deliver.tick(said.now)
            said.pass_(30)
        # A hub that is silent is asked again later, not at every tick.
        http.configure(private_hosts=rules)
        assert hubs.tick(now) == 0 and HubNews.objects.get().failed_why == "blocked"
        http.configure(private_hosts=[*rules, f"127.0.0.1:{web.port}"])
        assert hubs.tick(now + timedelta(minutes=1)) == 0
        assert hubs.tick(now + timedelta(minutes=16)) == 1
        assert HubNews.objects.get().failed_why == ""
