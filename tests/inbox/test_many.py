"""A flood goes in all at once, and leaves exactly what item by item leaves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tanggap.accounts.models import Account
from tanggap.archive import payload
from tanggap.archive.models import Record
from tanggap.archive.record import content_hash, salt_of
from tanggap.channels.base import Author, Fetched, IncomingItem, IncomingMedia
from tanggap.execution.inbox import listen, many
from tanggap.execution.inbox.models import Conversation, Cursor, Item, Suggestion

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


@pytest.fixture
def two(agency) -> list[Account]:
    """Two connected accounts of one agency."""
    return [
        Account.objects.create(
            agency=agency,
            kind="institution",
            channel="website",
            state="connected",
            handle=f"situs{n}.example",
            display_name=f"Situs {n}",
            server=f"https://situs{n}.example",
            owner_unit=agency,
            decree_number="SK/1/2026",
            recovery_contact="pos@lumbung.test",
        )
        for n in range(2)
    ]


def items() -> list[IncomingItem]:
    words = (
        "Jalan Melati berlubang, tolong diperbaiki",
        "Ada kebakaran di gudang, tolong!",
        "Terima kasih, loket cepat sekali",
        "Petugas loket minta uang pelicin",
        "Hubungi saya di 081234567890",
        "Apakah puskesmas buka hari Sabtu?",
    )
    made = [
        IncomingItem(
            remote_id=f"i{n}",
            kind="comment",
            author=Author(id=f"w{n % 7}" if n % 5 else "", handle=f"warga{n % 7}"),
            text=f"{words[n % len(words)]} ({n})",
            at=NOW - timedelta(minutes=n * 7 % 50),
            url=f"https://situs.example/{n}",
            root=f"halaman-{n % 3}" if n % 4 else "",
            visibility="direct" if n % 11 == 0 else "public",
            media=(IncomingMedia("https://situs.example/a.jpg", "image", "foto"),) * (n % 2),
            raw=f'{{"n": {n}}}'.encode(),
        )
        for n in range(40)
    ]
    # What does not go in plainly: an answer to another, the same id again, words no row can hold.
    made.append(IncomingItem("i40", "reply", made[1].author, "Benar", NOW, in_reply_to="i1"))
    made.append(IncomingItem("i2", "comment", made[2].author, "Sudah saya ubah", NOW))
    made.append(IncomingItem("i41", "comment", made[3].author, "rusak \0 di sini", NOW))
    return made


def left(account: Account) -> list[tuple[object, ...]]:
    """Everything that a batch leaves, without the numbers of rows."""
    found: list[tuple[object, ...]] = []
    for row in Item.objects.filter(account=account).select_related("author", "conversation"):
        talk = row.conversation
        suggested = Suggestion.objects.filter(item=row).exclude(field="group")
        fact = Record.objects.filter(subject_type="inbox.item", subject_id=str(row.pk)).get()
        assert row.payload is not None
        told = ("account", "conversation", "payload", "payload_sha256")
        if talk is not None:
            salt = salt_of(fact)
            assert salt is not None
            assert bytes(fact.content_hash) == content_hash(salt, row.evidence())
        found.append(
            (
                row.remote_id,
                row.text,
                row.author and (row.author.remote_id, row.author.handle),
                row.url,
                row.written_at,
                row.visibility,
                str(row.personal),
                str(row.media),
                row.fingerprint,
                row.quarantined,
                row.revisions_count,
                payload.read(row.payload),
                fact.verb,
                sorted(fact.facts.keys() - set(told)),
                sorted(suggested.values_list("field", "value", "confidence")),
                talk
                and (
                    talk.thread_id,
                    talk.visibility,
                    talk.state,
                    talk.kind,
                    talk.urgency,
                    talk.sealed,
                    talk.due_at,
                    talk.snippet,
                    talk.items_count,
                    talk.first_item_at,
                    talk.last_item_at,
                    talk.unread,
                    Item.objects.get(pk=talk.last_item_id).remote_id,
                ),
            )
        )
    return sorted(found, key=lambda one: str(one[0]))


def pour(account: Account, *batches: list[IncomingItem]) -> None:
    for batch in batches:
        listen.arrived(account, Fetched(tuple(batch), ""), now=NOW)


def test_both_ways_leave_the_same(two: list[Account], monkeypatch: pytest.MonkeyPatch) -> None:
    made = items()
    pour(two[0], made[:25], made[20:])
    monkeypatch.setattr(listen, "FLOOD", 1_000_000)
    pour(two[1], made[:25], made[20:])
    first, second = left(two[0]), left(two[1])
    assert len(first) == 42 and sum(bool(one[9]) for one in first) == 1
    for one, other in zip(first, second, strict=True):
        assert one == other
    received = Cursor.objects.filter(account__in=two).values_list("received", flat=True)
    assert list(received) == [42, 42]


def test_words_wake_a_conversation_that_was_laid_to_rest(two: list[Account]) -> None:
    made = items()
    pour(two[0], made[:20])
    Conversation.objects.update(state="quiet", snoozed_until=NOW + timedelta(days=1))
    pour(two[0], made[20:40])
    woken = Conversation.objects.filter(items__remote_id__in=[f"i{n}" for n in range(20, 40)])
    assert {(one.state, one.snoozed_until) for one in woken} == {("new", None)}


def test_a_flood_costs_few_queries_an_item(two: list[Account]) -> None:
    made = [
        IncomingItem(f"b{n}", "comment", Author(f"w{n}", f"warga{n}"), f"Halo {n}", NOW)
        for n in range(100)
    ]
    listen.arrived(two[0], Fetched((), ""), now=NOW)
    with CaptureQueriesContext(connection) as seen:
        pour(two[0], made)
    assert Item.objects.count() == 100
    assert len(seen.captured_queries) < 100 * 8


def test_what_the_database_refuses_as_a_whole_goes_one_by_one(
    two: list[Account], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many, "_holds", lambda one: True)
    pour(two[0], items())
    assert Item.objects.filter(quarantined="").count() == 41
    assert Item.objects.exclude(quarantined="").count() == 1
