"""The restore drill: a small world, a backup, a life that goes on, and a disaster.

The backup is loaded into a cluster of its own in a home of its own, as on another machine. What
went out is counted in the network's own log, which forgets nothing and never removes a double.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client, override_settings
from django.urls import reverse
from psycopg.conninfo import conninfo_to_dict

from tanggap.archive import seal
from tanggap.archive.models import Record
from tanggap.archive.verify import verify
from tanggap.core import http, secrets
from tanggap.core.models import Agency, Membership, Person
from tanggap.execution.publishing import schedule, start
from tests.command.test_serve import TANGGAP
from tests.fakes.mastodon_fixtures import mastodon_fake
from tests.publishing import scene as scenes

__all__ = ["mastodon_fake"]

BEFORE, DOUBTFUL = "Sudah tayang sebelum cadangan", "Tidak pasti saat cadangan"
SOON, EARLY = "Tayang sesudah cadangan", "Dimajukan sesudah cadangan"
NEVER = "Belum pernah tayang"


@dataclass(frozen=True)
class Place:
    """One installation: a home, and the database that it names. Without a url it is the home's."""

    home: Path
    url: str = ""

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        named = {"DATABASE_URL": self.url} if self.url else {}
        return (
            kept
            | named
            | {
                "DJANGO_SETTINGS_MODULE": "tanggap.settings",
                "TANGGAP_HOME": str(self.home),
                "TANGGAP_KEY_FILE": str(self.home / "keys.json"),
                "TANGGAP_ANCHOR_FILE": str(self.home / "anchors.jsonl"),
                "TANGGAP_MEDIA": str(self.home / "media"),
            }
        )

    def tanggap(self, *words: str, status: int = 0) -> str:
        done = subprocess.run(
            [*TANGGAP, *words],
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == status, done.stdout
        return done.stdout

    @contextmanager
    def inside(self, url: str = "") -> Iterator[None]:
        """This process works here, as the worker's role."""
        parts: dict[str, Any] = dict(conninfo_to_dict(url or self.url))
        about, before = connection.settings_dict, dict(connection.settings_dict)
        names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host"}
        connection.close()
        about |= {one: parts.get(other, "") for one, other in names.items()}
        about["PORT"] = str(parts.get("port", ""))
        secrets.use(self.home / "keys.json")
        here = override_settings(
            HOME=self.home,
            KEY_FILE=self.home / "keys.json",
            ANCHOR_FILE=self.home / "anchors.jsonl",
            MEDIA_ROOT=self.home / "media",
        )
        try:
            with here:
                yield
        finally:
            connection.close()
            about.update(before)


def hashes(url: str) -> dict[str, str]:
    """Of each table, over all its rows."""
    with psycopg.connect(url) as opened:
        names = [
            row[0]
            for row in opened.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
            )
        ]
        found = {}
        for name in names:
            row = opened.execute(
                f"SELECT md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), ''))"
                f' FROM "{name}" t'.encode()
            ).fetchone()
            assert row is not None
            found[name] = row[0]
    return found


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def play(scene: scenes.Scene) -> None:
    """What there is at the moment of the backup."""
    scene.server.knobs.idempotent = False
    scene.post(BEFORE)
    scene.send()
    scene.post(DOUBTFUL)
    scene.server.knobs.next_post = "accept_reset"
    scene.send()
    scene.thread(SOON, f"{SOON}, bagian dua", at=_in(scene, 10))
    scene.post(EARLY, at=_in(scene, 600))
    scene.post(NEVER, at=_in(scene, 30))
    seal.seal(scene.now)


def _in(scene: scenes.Scene, minutes: int) -> tuple[str, str]:
    at = scene.now + scenes.timedelta(minutes=minutes)
    return at.strftime(schedule.TYPED), "UTC"


def go_on(scene: scenes.Scene) -> None:
    """The life that the backup does not know of: ten minutes, and one post earlier than planned."""
    row = scene.post_of(EARLY)
    scene.pass_(9 * 60)
    schedule.reschedule(row, at=_in(scene, 1), by=scene.editor, now=scene.now)
    scene.rounds(6)


@pytest.fixture
def first(database_clone, tmp_path) -> Place:
    home = tmp_path / "first"
    (home / "media" / "a").mkdir(parents=True)
    (home / "media" / "a" / "foto.png").write_bytes(os.urandom(5000))
    return Place(home, database_clone.url)


@pytest.fixture
def second(tmp_path) -> Iterator[Place]:
    """Another machine: a home without anything, whose database starts by itself."""
    place = Place(tmp_path / "second")
    yield place
    place.tanggap("database", "stop")


@pytest.mark.long(30)
def test_the_drill(first, second, mastodon_fake, django_db_blocker, tmp_path, settings):
    before = http.rules(), settings.KEY_FILE
    try:
        with django_db_blocker.unblock():
            drill(first, second, mastodon_fake, tmp_path)
    finally:
        http.configure(private_hosts=before[0].private_hosts, proxy=before[0].proxy)
        secrets.use(before[1])


def drill(first: Place, second: Place, server: Any, tmp_path: Path) -> None:
    with first.inside():
        agency = Agency.objects.create(
            kind="regency",
            name="Kabupaten Lumbung",
            short_name="Lumbung",
            slug="lumbung",
            code="LBG",
        )
        editor, lead = person(agency, "editor"), person(agency, "lead")
        scene = scenes.build(agency, editor, server)
        play(scene)
        kept, media = hashes(first.url), files(first.home / "media")

    said = first.tanggap("backup", str(tmp_path / "to"), "--keys", str(tmp_path / "keys"))
    (backup,) = (tmp_path / "to").iterdir()
    assert str(backup) in said
    with first.inside():
        go_on(scene)
    one_each = {BEFORE: 1, DOUBTFUL: 1, SOON: 2, EARLY: 1, NEVER: 0}
    assert sent(server) == one_each

    # The disaster. Another machine, another cluster; the keys come from where they were kept.
    url = second.tanggap("database", "start").strip().splitlines()[-1]
    second.tanggap("restore", str(backup))
    (keys,) = (tmp_path / "keys").iterdir()
    shutil.copyfile(keys, second.home / "keys.json")
    (second.home / "keys.json").chmod(0o600)
    assert hashes(url) == kept
    assert files(second.home / "media") == media
    with second.inside(url):
        report = verify()
        assert report.intact and report.heads and report.anchors, report
        scene.rounds(4)
        seal.seal(scene.now)
        assert sent(server) == one_each, "sending starts off"
        assert start.stopped().stopped == "copied"
        assert "Pengiriman mati" in today(lead)
    assert "tanggap sending on" in second.tanggap("doctor", status=1)

    second.tanggap("sending", "on")
    scene.now = scenes.datetime.now(scenes.UTC)
    with second.inside(url):
        assert "Pengiriman mati" not in today(lead)
        scene.pass_(30 * 60)
        scene.rounds(12)
        assert sent(server) == one_each | {NEVER: 1}
        assert scene.state(scene.post_of(EARLY)) == "published"
        assert Record.objects.filter(verb="sending.allowed", actor="system:command").exists()
        seal.seal(scene.now)
        assert verify().intact


def sent(server: Any) -> dict[str, int]:
    """How often the network really published each: thread parts begin alike."""
    texts = [post["text"] for post in server.posts]
    return {
        words: sum(text.startswith(words) for text in texts)
        for words in (BEFORE, DOUBTFUL, SOON, EARLY, NEVER)
    }


def person(agency: Agency, role: str) -> Person:
    made = Person.objects.create_user(f"{role}@lumbung.test", "rahasia-latihan-7", name=role)
    Membership.objects.create(
        agency=agency, person=made, role=role, decree_number="SK/1", valid_from="2026-01-01"
    )
    return made


def today(somebody: Person) -> str:
    client = Client()
    client.force_login(somebody, backend="django.contrib.auth.backends.ModelBackend")
    return client.get(reverse("desk:today")).content.decode()
