"""From each release forwards: its database with data in it, migrated by today's code.

`make.py` tells how the fixtures were made; a release adds one and never changes one.
"""

from __future__ import annotations

import lzma
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.test import Client, override_settings
from django.urls import reverse
from psycopg.conninfo import make_conninfo

from tanggap.archive.verify import verify
from tanggap.core import roles
from tanggap.core import secrets as keys
from tanggap.core.models import Person
from tanggap.execution.followup.models import Case
from tanggap.execution.inbox.models import Conversation
from tanggap.execution.publishing.models import Delivery
from tests.command.test_serve import TANGGAP
from tests.conftest import Clone, _drop, owner_connection
from tests.rules.addresses import every
from tests.stories.regency import working_in

pytestmark = pytest.mark.long(20)

HERE = Path(__file__).resolve().parent
RELEASES = sorted(path.name.removesuffix(".sql.xz") for path in HERE.glob("*.sql.xz"))
# Django's own lists, which grow with the models.
GROWS = {"django_migrations", "django_content_type", "auth_permission"}
# Tables that stand under another name today.
MOVED = {
    "planning_objective_segments": "planning_objectivesegment",
    "activities_activity_segments": "activities_activitysegment",
    "followup_announcement_accounts": "followup_announcementaccount",
    "inbox_claim_items": "inbox_claimitem",
}


@dataclass(frozen=True)
class Upgraded:
    release: str
    clone: Clone
    home: Path
    before: dict[str, int]

    def tanggap(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*TANGGAP, *words],
            env=self.clone.environment(
                DJANGO_SETTINGS_MODULE="tanggap.settings",
                TANGGAP_HOME=str(self.home),
                TANGGAP_KEY_FILE=str(self.home / "keys.json"),
                TANGGAP_ANCHOR_FILE=str(self.home / "anchors.jsonl"),
                TANGGAP_PRACTICE="1",
            ),
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )


def counts(url: str) -> dict[str, int]:
    """Rows of each table, past row-level security: the owner sees all."""
    with psycopg.connect(url) as opened:
        names = [
            row[0]
            for row in opened.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
            )
        ]
        found = {}
        for name in names:
            row = opened.execute(f'SELECT count(*) FROM "{name}"'.encode()).fetchone()
            assert row is not None
            found[name] = row[0]
    return found


@pytest.fixture(scope="module", params=RELEASES)
def upgraded(
    request: pytest.FixtureRequest,
    django_db_setup: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Upgraded]:
    """The release's database, loaded and migrated."""
    release, home = request.param, tmp_path_factory.mktemp("upgraded")
    for name in ("keys.json", "anchors.jsonl"):
        shutil.copyfile(HERE / f"{release}.{name}", home / name)
        (home / name).chmod(0o600)
    name = f"{connection.settings_dict['NAME']}_{secrets.token_hex(3)}"
    about = connection.settings_dict
    parts = {one.lower(): about[one] for one in ("USER", "PASSWORD", "HOST", "PORT") if about[one]}
    clone = Clone(name, make_conninfo(dbname=name, **parts))
    with owner_connection("postgres") as opened:
        opened.execute(f'CREATE DATABASE "{name}"')
    try:
        with psycopg.connect(clone.url, autocommit=True) as opened:
            opened.execute(lzma.decompress((HERE / f"{release}.sql.xz").read_bytes()))
        made = Upgraded(release, clone, home, counts(clone.url))
        done = made.tanggap("migrate")
        assert done.returncode == 0, done.stderr
        yield made
    finally:
        _drop(name)


@pytest.fixture
def inside(upgraded, django_db_blocker) -> Iterator[Upgraded]:
    """This process works in the upgraded database."""
    before = settings.KEY_FILE
    keys.use(upgraded.home / "keys.json")
    try:
        with (
            django_db_blocker.unblock(),
            working_in(upgraded.clone.name),
            override_settings(
                HOME=upgraded.home,
                KEY_FILE=upgraded.home / "keys.json",
                ANCHOR_FILE=upgraded.home / "anchors.jsonl",
            ),
        ):
            yield upgraded
    finally:
        keys.use(before)


def test_there_is_a_fixture_of_the_last_release():
    assert "0.1.0" in RELEASES


def test_no_row_is_lost_and_none_is_invented(upgraded):
    after = counts(upgraded.clone.url)
    changed = {
        table: (count, after.get(MOVED.get(table, table)))
        for table, count in upgraded.before.items()
        if table not in GROWS and after.get(MOVED.get(table, table)) != count
    }
    assert changed == {}
    assert upgraded.before["archive_record"] > 1000 and upgraded.before["inbox_item"] > 60


def test_the_archive_verifies(inside):
    report = verify()
    assert report.intact, [str(one) for one in report.breaks]
    assert report.records == inside.before["archive_record"] and report.anchors > 0


def test_today_the_inbox_and_every_list_open(inside):
    """As the person in charge of the regency, whose plan has gone round once."""
    lead = Person.objects.get(memberships__role="lead", memberships__agency__slug="sukamaju")
    client = Client()
    client.force_login(lead, backend="django.contrib.auth.backends.ModelBackend")
    pages = [reverse("desk:today"), reverse("desk:inbox-list")]
    pages += [
        reverse("desk:inbox-thread", args=[Conversation.objects.filter(sealed=False).last().pk]),
        reverse("desk:followup-case", args=[Case.objects.filter(sealed=False).first().pk]),
        reverse("desk:publishing-one", args=[Delivery.objects.filter(kind="post").first().pk]),
    ]
    pages += [
        f"/{one.route}"
        for one in every()
        if one.name.endswith("-list") and not one.places and roles.allows("lead", one.verb)
    ]
    for page in pages:
        answer = client.get(page)
        assert answer.status_code == 200, f"{page}: {answer.status_code}"
    inbox = client.get(reverse("desk:inbox-list")).content.decode()
    newest = Conversation.objects.filter(sealed=False).order_by("-last_item_at").first()
    assert reverse("desk:inbox-thread", args=[newest.pk]) in inbox
