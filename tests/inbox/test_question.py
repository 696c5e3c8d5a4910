"""An answer that went no further is decided by those who answer, a sealed one by who handles it."""

from __future__ import annotations

import re

import pytest
from django.db.models import F

from tanggap.archive.models import Record
from tanggap.core.membership import scope_of
from tanggap.desk.inbox import question
from tanggap.execution.inbox import reply
from tanggap.execution.inbox.models import Reply
from tanggap.execution.publishing.models import Delivery
from tanggap.monitoring import queries as monitoring
from tests.inbox.test_screens import client_of, form_of, here, ratna, sari, url
from tests.pages import walk

__all__ = ["here", "ratna", "sari"]
pytestmark = pytest.mark.django_db
WORDS = "KTP Bapak selesai besok."


@pytest.fixture
def answered(here) -> Reply:
    """An answer of Sari's that is approved and on its way."""
    talk = here.heard("budi", "Kapan KTP saya bisa diambil?")
    row = reply.write(talk, here.last(talk), WORDS, by=here.sari, now=here.now)
    reply.approve(row, by=here.ratna, now=here.now)
    row.refresh_from_db()
    return row


def lost(here, row: Reply, fault: str | int) -> None:
    here.server.knobs.next_post = fault
    here.send()
    row.refresh_from_db()


def test_a_responder_sends_the_refused_answer_again(here, answered, sari):
    lost(here, answered, 422)
    assert answered.delivery.state == "failed"
    there = url("inbox-question", answered.pk)
    assert there in sari.get(url("inbox-thread", answered.conversation_id)).content.decode()
    assert there in sari.get(url("today")).content.decode()
    page = sari.get(there).content.decode()
    assert WORDS in page and 'value="again"' in page
    done = sari.post(there, {"answer": "again"})
    assert done["Location"] == url("inbox-thread", answered.conversation_id)
    here.send()
    assert sum(WORDS in text for text in here.sent) == 1
    assert there not in sari.get(url("today")).content.decode()


def test_a_responder_says_that_it_is_out(here, answered, sari):
    lost(here, answered, "reset")
    Delivery.objects.filter(pk=answered.delivery_id).update(
        state="asked", trouble="unknown", remote_id=None, published_at=None
    )
    there = url("inbox-question", answered.pk)
    wrong = sari.post(there, {"answer": "published", "link": "https://lain.example/1"})
    assert wrong.status_code == 422 and "https://lain.example/1" in wrong.content.decode()
    link = f"{here.server.url}/@diskominfo/4711"
    assert sari.post(there, {"answer": "published", "link": link}).status_code == 302
    answered.delivery.refresh_from_db()
    assert (answered.delivery.state, answered.delivery.remote_id) == ("published", "4711")


def test_what_was_decided_meanwhile_is_not_decided_twice(here, answered, sari):
    lost(here, answered, 422)
    there = url("inbox-question", answered.pk)
    sari.post(there, {"answer": "cancel"})
    assert sari.post(there, {"answer": "again"}).status_code == 422
    assert sari.post(there, {"answer": ""}).status_code == 422
    here.send()
    assert not any(WORDS in text for text in here.sent)


def test_all_that_wait_for_a_word_stand_on_one_list(here, answered, sari, monkeypatch):
    monkeypatch.setattr(question, "PAGE", 2)
    rows = [answered]
    for number in range(4):
        talk = here.heard(f"warga{number}", "Kapan KTP saya bisa diambil?")
        row = reply.write(talk, here.last(talk), WORDS, by=here.sari, now=here.now)
        reply.approve(row, by=here.ratna, now=here.now)
        rows.append(row)
    Delivery.objects.update(state="failed", trouble="rejected")
    there = url("inbox-questions")
    assert there in sari.get(url("today")).content.decode()
    seen = [row.href for page in walk(sari, there) for row in page.context["rows"]]
    assert len(seen) == len(set(seen)) == 5
    assert set(seen) == {url("inbox-question", row.pk) for row in rows}


def test_who_does_not_answer_citizens_does_not_decide(here, answered, member):
    lost(here, answered, 422)
    for role in ("editor", "auditor", "integrity", "unit"):
        there = url("inbox-question", answered.pk)
        assert client_of(member(role)).get(there).status_code == 403


def test_a_sealed_answer_is_decided_by_who_handles_it(here, sari, ratna, member):
    talk = here.heard("anonim", "Petugas loket minta pungli, ini korupsi dan suap di Dukcapil")
    watcher = client_of(member("integrity"))
    thread = url("inbox-sealed-thread", talk.pk)
    given = {**form_of(watcher.get(thread)), "text": "Laporan Anda kami periksa."}
    watcher.post(url("inbox-sealed-reply", talk.pk), given)
    row = Reply.objects.get()
    lost(here, row, 422)
    there = url("inbox-sealed-question", row.pk)
    assert there in watcher.get(thread).content.decode()
    today = watcher.get(url("today")).content.decode()
    assert there in today and "kami periksa" not in today
    looks = Record.objects.filter(verb="conversation.read").count()
    page = watcher.get(there).content.decode()
    assert "kami periksa" in page and "anonim" not in page
    assert Record.objects.filter(verb="conversation.read").count() == looks + 1
    for client in (sari, ratna):
        assert client.get(there).status_code == 403
        assert client.get(url("inbox-question", row.pk)).status_code == 404
        assert there not in client.get(url("today")).content.decode()
    assert watcher.post(there, {"answer": "again"})["Location"] == thread
    here.send()
    assert sum("kami periksa" in text for text in here.sent) == 1


@pytest.fixture
def sealed_answer(here, member) -> Reply:
    """A private answer to a sealed report that the network refused."""
    talk = here.heard("anonim", "Petugas loket minta pungli, ini korupsi dan suap di Dukcapil")
    watcher = client_of(member("integrity"))
    given = form_of(watcher.get(url("inbox-sealed-thread", talk.pk)))
    watcher.post(
        url("inbox-sealed-reply", talk.pk), {**given, "text": "Laporan Anda kami periksa."}
    )
    return Reply.objects.get()


def test_the_switch_counts_what_it_stops_sealed_answers_too(here, sealed_answer, ratna):
    page = ratna.get(url("hold"))
    assert page.context["waiting"] == 1
    Delivery.objects.update(state="sending", approved_hash=F("content_hash"))
    page = ratna.get(url("hold"))
    assert (page.context["waiting"], page.context["flying"]) == (0, 1)


def test_today_asks_whoever_publishes_about_what_they_can_open_only(
    here, sealed_answer, answered, ratna
):
    Delivery.objects.update(state="failed", trouble="rejected")
    lead = scope_of(here.ratna, None, here.now)
    found = monitoring.questions(lead)
    assert (found.n, found.failed) == (1, 1)
    said = ratna.get(url("today")).content.decode()
    href = re.search(r'href="([^"]*group=needs[^"]*)"', said).group(1).replace("&amp;", "&")
    assert dict(ratna.get(href).context["groups"])["needs"] == 1


def test_the_words_of_a_sealed_answer_name_no_figure(here, sealed_answer, ratna):
    """A figure may be about one post; the number of an answer is none."""
    Delivery.objects.update(content={**sealed_answer.delivery.content, "text": "RAHASIA-7"})
    page = ratna.get(url("monitoring-list"), {"post": sealed_answer.delivery_id})
    assert page.status_code == 404 and "RAHASIA-7" not in page.content.decode()
