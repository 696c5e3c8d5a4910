"""Each list of the inbox's screens is walked by its links to its very last row."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from tanggap.desk import answers, claims
from tanggap.desk.inbox import approvals, intake, thread
from tanggap.execution.inbox import queries
from tanggap.execution.inbox.models import Claim, ClaimItem, Conversation, Item, Reply, SavedAnswer
from tanggap.messaging.models import Message
from tests.pages import walk

pytestmark = pytest.mark.django_db


@pytest.fixture
def web(desk):
    client = Client()
    client.force_login(desk.ratna)
    return client


@pytest.fixture
def items(desk):
    """Five of one citizen."""
    first = desk.last(desk.heard("warga", "Kapan loket buka?"))
    return [first] + [
        Item.objects.create(
            agency=desk.agency,
            account=desk.account,
            author=first.author,
            conversation=first.conversation,
            remote_id=f"x{number}",
            text=f"Halo? ({number})",
            written_at=desk.now + timedelta(seconds=number),
            received_at=desk.now,
        )
        for number in range(4)
    ]


def once(found, wanted):
    """Without a gap and without a repeat."""
    assert len(found) == len(set(found))
    assert set(found) == set(wanted)


def test_answers_that_wait(desk, web, items, monkeypatch):
    monkeypatch.setattr(approvals, "PAGE", 2)
    made = [
        Reply.objects.create(
            agency=desk.agency,
            conversation=item.conversation,
            item=item,
            state="awaiting",
            text="Pukul 8.",
            written_by=desk.sari,
            written_at=desk.now,
        )
        for item in items
    ]
    pages = list(walk(web, reverse("desk:inbox-approvals")))
    once([card["row"].pk for page in pages for card in page.context["cards"]], [m.pk for m in made])
    assert {page.context["waiting"] for page in pages} == {5}


def test_what_is_kept_apart(desk, web, monkeypatch):
    monkeypatch.setattr(intake, "PAGE", 2)
    made = [
        Item.objects.create(
            agency=desk.agency,
            account=desk.account,
            remote_id=f"x{number}",
            quarantined="unreadable",
            written_at=desk.now,
            received_at=desk.now,
        )
        for number in range(5)
    ]
    pages = walk(web, reverse("desk:inbox-quarantine"))
    once([row.pk for page in pages for row in page.context["page"].rows], [m.pk for m in made])


def test_saved_answers(desk, web, monkeypatch):
    monkeypatch.setattr(answers, "PAGE", 2)
    for number in range(5):
        SavedAnswer.objects.create(
            agency=desk.agency,
            title=f"KTP ~{number % 2}",
            text="Di loket 3.",
            unit=desk.agency,
            source="SOP",
            valid_until=desk.now.date() - timedelta(days=9),
            confirmed_at=desk.now,
            confirmed_by=desk.ratna,
            used=number % 3,
        )
    pages = list(walk(web, reverse("desk:answers-list") + "?q=ktp"))
    seen = [row.pk for page in pages for row, _good in page.context["rows"]]
    once(seen, SavedAnswer.objects.values_list("pk", flat=True))
    assert all("5" in page.context["finding"] for page in pages)


def test_doubtful_news_what_is_open_first(desk, web, monkeypatch):
    monkeypatch.setattr(claims, "PAGE", 2)
    for number in range(6):
        decided = number % 2
        Claim.objects.create(
            agency=desk.agency,
            text=f"Air keruh {number}",
            first_seen_at=desk.now,
            state="decided" if decided else "noticed",
            verdict="false" if decided else "",
            decided_by=desk.ratna if decided else None,
            decided_at=desk.now if decided else None,
        )
    pages = list(walk(web, reverse("desk:claims-list")))
    seen = [row for page in pages for row in page.context["rows"]]
    once([row.pk for row in seen], Claim.objects.values_list("pk", flat=True))
    assert [row.state for row in seen] == ["noticed"] * 3 + ["decided"] * 3
    assert all("3" in page.context["finding"] for page in pages)


def test_where_a_claim_stands_and_what_may_correct_it(desk, web, items, monkeypatch):
    monkeypatch.setattr(claims, "PLACES", 2)
    claim = Claim.objects.create(
        agency=desk.agency,
        text="Air keruh",
        first_seen_at=desk.now,
        state="decided",
        verdict="false",
        decided_by=desk.ratna,
        decided_at=desk.now,
    )
    for item in items:
        ClaimItem.objects.create(agency=desk.agency, claim=claim, item=item)
    for number in range(5):
        Message.objects.create(
            agency=desk.agency,
            title=f"Kabar {number}",
            core="x",
            openness="none",
            author=desk.sari,
            created_at=desk.now,
            edited_at=desk.now,
        )
    there = reverse("desk:claims-one", args=[claim.pk])
    seen = [
        place["item"].pk for page in walk(web, there, "places") for place in page.context["places"]
    ]
    once(seen, [item.pk for item in items])
    seen = [one.pk for page in walk(web, there, "posts") for one in page.context["posts"].rows]
    once(seen, Message.objects.values_list("pk", flat=True))


def test_what_was_said_to_the_very_first_word(desk, web, items, monkeypatch):
    monkeypatch.setattr(queries, "SHOWN", 2)
    talk = items[0].conversation
    for item in items:
        Reply.objects.create(
            agency=desk.agency,
            conversation=talk,
            item=item,
            state="withdrawn",
            text="Pukul 8.",
            written_by=desk.sari,
            written_at=item.written_at + timedelta(milliseconds=1),
        )
    pages = list(walk(web, reverse("desk:inbox-thread", args=[talk.pk]), "lama"))
    said = [one for page in pages for one in page.context["entries"]]
    once([one.item.pk for one in said if one.item], [item.pk for item in items])
    answered = [one.reply.pk for one in said if one.reply]
    once(answered, Reply.objects.values_list("pk", flat=True))
    # On every page it is the newest that is answered.
    newest = {page.context["form"]["item"].value() for page in pages}
    assert newest == {max(items, key=lambda one: (one.written_at, one.pk)).pk}


def test_other_conversations_of_a_citizen_and_answers_to_insert(desk, web, items, monkeypatch):
    monkeypatch.setattr(queries, "OTHERS", 2)
    monkeypatch.setattr(thread, "ANSWERS", 2)
    first = items[0].conversation
    others = [
        Conversation.objects.create(
            agency=desk.agency,
            account=desk.account,
            author=first.author,
            thread_id=f"t{number}",
            due_at=desk.now,
            first_item_at=desk.now,
            last_item_at=desk.now,
        )
        for number in range(5)
    ]
    there = reverse("desk:inbox-thread", args=[first.pk])
    seen = [row.pk for page in walk(web, there, "lain") for row in page.context["others"].rows]
    once(seen, [row.pk for row in others])
    for number in range(5):
        SavedAnswer.objects.create(
            agency=desk.agency,
            title=f"KTP {number}",
            text="Di loket 3.",
            unit=desk.agency,
            source="SOP",
            valid_until=desk.now.date(),
            confirmed_at=desk.now,
            confirmed_by=desk.ratna,
        )
    pages = walk(web, there + "?jawaban=ktp", "lanjut")
    seen = [row.pk for page in pages for row, _good in page.context["answers"]]
    once(seen, SavedAnswer.objects.values_list("pk", flat=True))
