"""Today: the title is a finding, every number is a door, each role sees its own work."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tanggap import messages
from tanggap.execution.followup.models import Case
from tanggap.execution.inbox.models import Conversation, Cursor
from tanggap.messaging.models import Message
from tests.monitoring.test_returns import Desk

pytestmark = pytest.mark.django_db
# What the door itself asks: session, person, scope, savepoints.
FRAME = (
    "SAVEPOINT",
    "set_config",
    "django_session",
    "core_person",
    "core_membership",
    "core_agency",
    "core_practiceclock",
    "tanggap.readable",
    "BEGIN",
    "COMMIT",
    "WITH RECURSIVE",
)


@pytest.fixture(autouse=True)
def words():
    messages.compile_if_stale()


@pytest.fixture
def desk(agency, member):
    return Desk(agency, member("editor"), datetime.now(UTC))


@pytest.fixture
def sign_in(client, member):
    def make(role):
        client.force_login(member(role), backend="django.contrib.auth.backends.ModelBackend")
        return client

    return make


@pytest.fixture
def busy(desk):
    now = desk.now
    Case.objects.create(
        agency=desk.agency,
        number="LBG-7Q4K",
        kind="complaint",
        title="Jembatan Cikaret putus",
        opened_by=desk.editor,
        opened_at=now,
        due_at=now - timedelta(hours=1),
        contributors_count=40,
    )
    item = desk.says("tini", at=now - timedelta(hours=2), kind="service_question")
    Conversation.objects.filter(pk=item.conversation_id).update(
        due_at=now + timedelta(minutes=1), snippet="Kapan KTP bisa diambil?"
    )
    Message.objects.create(
        agency=desk.agency,
        title="Jadwal vaksin",
        core="x",
        state="checked",
        openness="periodic",
        author=desk.editor,
        created_at=now,
        edited_at=now,
    )
    return desk


def text(answer):
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def test_the_title_is_a_finding(busy, sign_in):
    answer = sign_in("lead").get("/")
    heading = re.search(r"<h1>(.*?)</h1>", answer.content.decode()).group(1)
    assert "1 urusan warga lewat batas" in heading
    assert "1 keputusan menunggu Anda" in re.sub(r"<[^>]+>", "", heading)
    said = text(answer)
    assert said.index("Jembatan Cikaret putus") < said.index("Kapan KTP bisa diambil?")
    assert "39 warga lain juga mengalami." in said
    assert "Jadwal vaksin" in said
    assert len(answer.content) < 100_000


def test_an_empty_day_explains_itself(desk, sign_in):
    said = text(sign_in("lead").get("/"))
    assert "Tidak ada yang menunggu Anda." in said
    assert "Tidak ada warga yang menunggu jawaban." in said
    assert "Tidak ada yang menunggu keputusan Anda." in said


@pytest.mark.parametrize(
    "role",
    [
        "head",
        "lead",
        "editor",
        "responder",
        "unit",
        "ppid",
        "integrity",
        "auditor",
        "coordinator",
        "operator",
    ],
)
def test_every_role_has_a_day(busy, sign_in, role):
    answer = sign_in(role).get("/")
    assert answer.status_code == 200
    reads_inbox = role in {"head", "lead", "editor", "responder", "ppid", "auditor"}
    assert ("Kapan KTP bisa diambil?" in text(answer)) is reads_inbox
    assert ("Jadwal vaksin" in text(answer)) is (role in {"head", "lead", "ppid"})


def test_the_voices_open_exactly_what_they_count(busy, sign_in):
    busy.says("asep", at=busy.now - timedelta(hours=3), kind="service_question")
    web = sign_in("lead")
    page = web.get("/").content.decode()
    href = re.search(r'href="([^"]*suara/\?kind=service_question[^"]*)"', page).group(1)
    opened = web.get(href.replace("&amp;", "&"))
    assert "2 pesan dalam 24 jam" in text(opened)
    assert opened.content.decode().count('class="row"') == 2


def test_a_silent_network_is_told_with_what_happens_next(desk, sign_in):
    Cursor.objects.create(
        agency=desk.agency,
        account=desk.account,
        moved_at=desk.now,
        polled_at=desk.now - timedelta(minutes=40),
        failed_at=desk.now,
    )
    said = text(sign_in("lead").get("/"))
    assert "Pesan dari Kominfo tidak masuk" in said
    assert "Tidak ada yang hilang" in said


def test_the_neighbour_sees_nothing(busy, other, client, member):
    stranger = member("lead", agency=other)
    client.force_login(stranger, backend="django.contrib.auth.backends.ModelBackend")
    said = text(client.get("/"))
    assert "Jembatan" not in said
    assert "KTP" not in said


def test_it_asks_little_however_much_there_is(busy, sign_in):
    web = sign_in("lead")
    web.get("/meja/")

    def asked():
        with CaptureQueriesContext(connection) as found:
            web.get("/")
        return [
            one["sql"]
            for one in found.captured_queries
            if not any(word in one["sql"] for word in FRAME)
        ]

    few = asked()
    for n in range(12):
        item = busy.says(f"warga{n}", at=busy.now - timedelta(minutes=n))
        Conversation.objects.filter(pk=item.conversation_id).update(due_at=busy.now)
    assert len(asked()) <= len(few)
    assert len(few) <= 18, few
