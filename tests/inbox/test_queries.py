from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import ProgrammingError, connection
from django.test.utils import CaptureQueriesContext

from tanggap.core.scope import NOBODY, enter
from tanggap.execution.inbox import assign, presence, promise, queries, snooze
from tanggap.execution.inbox.models import Author, Conversation, Item
from tests.inbox.conftest import NIK

pytestmark = pytest.mark.django_db


def walk(scope, wanted, size=7):
    seen, after = [], None
    while True:
        page = queries.page(scope, wanted, after=after, size=size)
        seen += [row.pk for row in page.rows]
        after = page.after
        if after is None:
            return seen


def test_every_conversation_is_reached_once_what_breaks_first_on_top(desk):
    author = Author.objects.create(
        agency=desk.agency, account=desk.account, remote_id="1", handle="a", first_seen_at=desk.now
    )
    Conversation.objects.bulk_create(
        [
            Conversation(
                agency=desk.agency,
                account=desk.account,
                author=author,
                thread_id=str(n),
                visibility="public",
                first_item_at=desk.now,
                last_item_at=desk.now,
                # Many share one due time, and many owe nothing.
                due_at=promise.NEVER if n % 3 else desk.now + timedelta(hours=n % 5),
            )
            for n in range(61)
        ]
    )
    seen = walk(desk.scope(), queries.wanted(desk.scope(), now=desk.now))
    rows = Conversation.objects.order_by("due_at", "pk").values_list("pk", flat=True)
    assert seen == list(rows)


def test_filters_and_search(desk, unit):
    one = desk.heard("budi", "Jalan di Margasari perlu diperbaiki")
    two = desk.heard("ani", "Kapan KTP jadi?")
    assign.assign(two, desk.sari, by=desk.ratna, now=desk.now)

    def found(**more):
        rows = queries.conversations(desk.scope(), now=desk.now, **more)
        return set(rows.values_list("pk", flat=True))

    assert found() == {one.pk, two.pk}
    assert found(group="mine") == {two.pk}
    assert found(group="unassigned") == {one.pk}
    # The stem of an Indonesian word, with its affixes.
    assert found(text="perbaikan") == {one.pk}
    assert found(text="@ani") == {two.pk}
    assert found(text="tidakada") == set()
    snooze.snooze(one, desk.now + timedelta(minutes=1), by=desk.sari, now=desk.now)
    assert found() == {two.pk}
    assert found(group="snoozed") == {one.pk}
    counts = queries.counts(desk.scope(), desk.now)
    assert counts == {
        "mine": 1,
        "unassigned": 0,
        "open": 1,
        "snoozed": 1,
        "answered": 0,
        "quiet": 0,
    }


def test_the_neighbours_see_nothing_and_may_write_nothing(desk, member, other):
    found = desk.heard("budi", "rahasia kami")
    stranger = desk.scope(member("lead", other))
    with enter(stranger):
        assert not queries.conversations(stranger, now=desk.now, group="", text="rahasia").exists()
        # The second wall: without the first one.
        assert Conversation.objects.count() == Item.objects.count() == 0
        assert Conversation.objects.filter(pk=found.pk).update(unread=False) == 0
    assert not queries.conversations(NOBODY, now=desk.now).exists()
    with pytest.raises(ProgrammingError), enter(stranger):
        presence.beat(found, desk.sari, now=desk.now)


def test_a_list_and_a_thread_take_few_queries(desk):
    for number in range(8):
        found = desk.heard(f"warga{number}", f"pesan {number} {NIK}")
    scope = desk.scope()
    with CaptureQueriesContext(
        connection,
    ) as asked:
        rows = queries.page(scope, queries.wanted(scope, now=desk.now)).rows
        _names = [(row.author.handle, row.assigned_to) for row in rows]
        queries.counts(scope, desk.now)
        opened = queries.opened(scope, found.pk)
        assert opened is not None
        _words = [list(item.revisions.all()) for item in opened[1].items]
    assert len(asked) == 3


def test_presence_is_a_heartbeat(desk):
    found = desk.heard("budi", "halo")
    presence.beat(found, desk.ratna, now=desk.now, writing=True)
    assert [row.person for row in presence.others(found, desk.sari, desk.now)] == [desk.ratna]
    assert presence.others(found, desk.ratna, desk.now) == []
    assert presence.others(found, desk.sari, desk.now + timedelta(minutes=2)) == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT relpersistence FROM pg_class WHERE relname = 'inbox_presence'")
        assert cursor.fetchone() == ("u",)
