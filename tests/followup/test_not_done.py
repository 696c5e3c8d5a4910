""" "Belum" in a thread after the report was called finished: read by itself, opened by a press."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from tanggap.archive.move import move
from tanggap.archive.queries import Record  # type: ignore[attr-defined]
from tanggap.core import clock
from tanggap.core.errors import Refused
from tanggap.execution.followup import cases
from tanggap.execution.followup.models import Case
from tanggap.execution.inbox.models import Conversation, Item

pytestmark = pytest.mark.django_db
NOT_YET = "Belum, Pak. Yang dipasang baru papan. Hubungi 0812-0000-4711"


def web(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def finished(town) -> Case:
    town.scene.now = clock.now() - timedelta(hours=2)
    case = town.case(2, tell=False)
    cases.resolve(case, resolution="Sudah dipasang.", evidence_note="-", by=town.sari, now=town.now)
    for one in Conversation.objects.all():
        move(one, "answered", by="system:test", now=town.now)
    town.scene.now = clock.now()
    return case


def writes(town, case: Case, text: str, personal: list | None = None) -> Item:
    """The first citizen of a report, once more in their own thread."""
    who = case.contributors.select_related("conversation", "author").order_by("pk").first()
    talk = who.conversation
    remote = town.scene.server.says(who.author.handle, text)["id"]
    made = Item.objects.create(
        agency=case.agency,
        account=talk.account,
        author=who.author,
        conversation=talk,
        remote_id=remote,
        visibility="public",
        text=text,
        written_at=town.now,
        received_at=town.now,
        personal=personal or [],
    )
    if talk.state == "answered":
        move(talk, "new", by="system:test", now=town.now)
    Conversation.objects.filter(pk=talk.pk).update(last_item_id=made.pk)
    return made


def said(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


READS = escape("Ini terbaca sebagai “belum”")


def test_it_is_shown_beside_the_thread_on_the_report_and_on_today(town, finished):
    at = NOT_YET.index("0812")
    item = writes(town, finished, NOT_YET, [{"start": at, "end": at + 14, "kind": "phone"}])
    client = web(town.sari)
    page = reverse("desk:followup-case", args=[finished.pk])
    for url in (page, reverse("desk:inbox-thread", args=[item.conversation_id])):
        told = said(client, url)
        assert READS in told
        assert "0812" not in told
    today = said(client, "/")
    assert "1 warga menyatakan belum beres" in today
    assert finished.number in today and page in today
    assert "0812" not in today
    finished.refresh_from_db()
    assert finished.state == "resolved"  # no machine changes it


@pytest.mark.parametrize("text", ["Terima kasih, sudah bisa lewat.", "Sudah selesai belum?"])
def test_other_words_are_no_doubt(town, finished, text):
    item = writes(town, finished, text)
    client = web(town.sari)
    for url in (
        "/",
        reverse("desk:followup-case", args=[finished.pk]),
        reverse("desk:inbox-thread", args=[item.conversation_id]),
    ):
        assert READS not in said(client, url)
        assert "menyatakan belum beres" not in said(client, url)


def test_what_was_written_before_it_was_finished_is_none(town, finished):
    item = writes(town, finished, "Belum juga")
    Item.objects.filter(pk=item.pk).update(received_at=town.now - timedelta(hours=9))
    assert READS not in said(web(town.sari), reverse("desk:followup-case", args=[finished.pk]))


def test_one_press_beside_the_thread_opens_it_in_the_citizens_name(town, finished):
    at = NOT_YET.index("0812")
    item = writes(town, finished, NOT_YET, [{"start": at, "end": at + 14, "kind": "phone"}])
    thread = reverse("desk:inbox-thread", args=[item.conversation_id])
    client = web(town.sari)
    form = re.search(r'<form method="post" action="([^"]+/not-done/)">', said(client, thread))
    done = client.post(form.group(1), {"item": item.pk, "thread": item.conversation_id})
    assert done["Location"] == thread
    finished.refresh_from_db()
    assert (finished.state, finished.reopened_count) == ("reopened", 1)
    who = finished.contributors.get(author=item.author)
    assert who.not_fixed_words.startswith("Belum, Pak.")
    assert "0812" not in who.not_fixed_words
    facts = Record.objects.get(verb="case.reopened").facts
    assert facts["contributor"] == who.pk
    assert READS not in said(client, thread)


def test_it_goes_away_when_the_citizen_was_answered(town, finished):
    item = writes(town, finished, "Belum pak")
    move(
        Conversation.objects.get(pk=item.conversation_id),
        "answered",
        by="system:test",
        now=town.now,
    )
    assert "menyatakan belum beres" not in said(web(town.sari), "/")


def test_a_sealed_report_stays_sealed_on_today(town, member):
    town.scene.now = clock.now() - timedelta(hours=2)
    item = town.item("Ada pungli", visibility="direct", sealed=True)
    sealed = cases.open_case(
        [item], kind="integrity", title="Pungli", by=town.lead, now=town.now, tell=False
    )
    cases.resolve(sealed, resolution="Selesai.", by=town.lead, now=town.now)
    town.scene.now = clock.now()
    writes(town, sealed, "Belum, masih ditarik")
    for person in (town.sari, town.lead):
        assert "menyatakan belum beres" not in said(web(person), "/")


def test_words_of_somebody_else_open_nothing(town, finished):
    stranger = town.item("Belum beres!")
    with pytest.raises(Refused):
        cases.reopen_by_words(finished, stranger, by=town.sari, now=town.now)
