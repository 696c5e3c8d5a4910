from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from tanggap.accounts import connect, verify
from tanggap.accounts.models import Account, Credential
from tanggap.archive import payload
from tanggap.archive.models import Record
from tanggap.channels.base import Fetched
from tanggap.execution.inbox import listen, queries
from tanggap.execution.inbox.models import Author, Conversation, Cursor, Item, Revision
from tests.inbox.conftest import NIK

pytestmark = pytest.mark.django_db


def test_words_are_kept_as_they_were_written(desk):
    said = desk.says("euis", "Sasak Cikaret  rubuh euy!\n\nKumaha ieu min? 😡")
    desk.listen()
    item = Item.objects.get(remote_id=said["id"])
    assert item.text.endswith("Sasak Cikaret  rubuh euy!\n\nKumaha ieu min? 😡")
    assert json.loads(payload.read(item.payload))["id"] == said["id"]
    row = Record.objects.get(verb="item.received")
    assert row.facts["payload"] == item.payload_id
    assert row.key.subject_key == f"account:{desk.account.pk}:author:{item.author.remote_id}"
    assert "Sasak" not in json.dumps(row.facts)


def test_the_same_again_changes_nothing(desk):
    desk.heard("budi", "Kapan KTP saya jadi?")
    again = desk.listen()
    assert (again.new, again.revised) == (0, 0)
    assert Item.objects.count() == Conversation.objects.count() == Author.objects.count() == 1


def test_an_edit_is_a_revision_and_the_first_words_stay(desk):
    # The overlap of pulls begins after the oldest notification that is remembered.
    desk.heard("ani", "halo")
    found = desk.heard("budi", "jembatan rusak")
    item = desk.last(found)
    desk.server.edit(item.remote_id, "@diskominfo jembatan ambrol total")
    desk.pass_(seconds=30)
    for _turn in range(4):
        desk.listen()
    item.refresh_from_db()
    assert item.text.endswith("jembatan rusak")
    assert [row.text for row in Revision.objects.all()] == ["@diskominfo jembatan ambrol total"]
    found.refresh_from_db()
    assert "ambrol" in found.snippet


def test_a_thread_of_one_citizen_is_one_conversation(desk):
    first = desk.says("budi", "Jalan bolong di Margasari")
    desk.listen()
    desk.says("budi", "ini fotonya", reply_to=first["id"])
    desk.listen()
    assert Conversation.objects.count() == 1
    assert Conversation.objects.get().items_count == 2


def test_private_words_are_a_conversation_of_their_own(desk):
    first = desk.says("budi", "Jalan bolong di Margasari")
    desk.says("budi", "nomor saya menyusul", reply_to=first["id"], visibility="direct")
    desk.listen()
    assert sorted(Conversation.objects.values_list("visibility", flat=True)) == [
        "private",
        "public",
    ]


def test_the_cursor_moves_with_the_words_or_not_at_all(desk, monkeypatch):
    desk.says("budi", "satu")
    monkeypatch.setattr(listen.triage, "group", lambda *args, **more: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        desk.listen()
    assert Item.objects.count() == 0
    assert Cursor.objects.get().value == {"cursor": ""}
    monkeypatch.undo()
    assert desk.listen().new == 1
    assert Cursor.objects.get().value["cursor"]


def test_a_failed_poll_says_so_and_moves_nothing(desk):
    desk.heard("budi", "satu")
    before = Cursor.objects.get().value
    desk.says("budi", "dua")
    desk.server.__exit__(None, None, None)
    desk.listen()
    row = Cursor.objects.get()
    assert row.value == before
    assert row.failed_at == desk.now
    assert row.failed_why


def test_refused_credentials_pause_the_account(desk):
    connect.keep(desk.account, {"access_token": "wrong"}, by=desk.ratna, now=desk.now)
    desk.listen()
    desk.account.refresh_from_db()
    assert (desk.account.state, desk.account.paused_code) == ("paused", "credentials")
    assert listen.tick(desk.now + timedelta(hours=1)) == 0


def test_what_cannot_be_read_is_kept_apart_with_why(desk):
    listen._cursor(desk.account, listen.MAIN, desk.now)
    for _twice in range(2):
        listen.keep(
            desk.account, Fetched((), "c1", unreadable=(b'{"id": 1}',)), now=desk.now, before=""
        )
    row = Item.objects.get()
    assert (row.quarantined, row.conversation) == ("unreadable", None)
    assert payload.read(row.payload) == b'{"id": 1}'
    assert [
        (one.received, one.quarantined, one.even) for one in queries.balances(desk.scope())
    ] == [(1, 1, True)]


def test_what_the_database_refuses_is_kept_apart_and_the_rest_comes_in(desk):
    desk.says("budi", "baik")
    desk.says("budi", "buruk")
    fetched = connect.channel(desk.account, desk.now).fetch("")
    bad = replace(fetched.items[1], text="a\0b")
    listen._cursor(desk.account, listen.MAIN, desk.now)
    taken = listen.keep(
        desk.account, replace(fetched, items=(fetched.items[0], bad)), now=desk.now, before=""
    )
    assert (taken.new, taken.quarantined) == (1, 1)
    (balance,) = queries.balances(desk.scope())
    assert (balance.received, balance.shown, balance.quarantined) == (2, 1, 1)


def test_an_edit_that_the_database_refuses_is_kept_apart_and_the_rest_comes_in(desk):
    desk.says("budi", "halo")
    fetched = connect.channel(desk.account, desk.now).fetch("")
    listen._cursor(desk.account, listen.MAIN, desk.now)
    listen.keep(desk.account, fetched, now=desk.now, before="")
    desk.says("euis", "sehat")
    both = connect.channel(desk.account, desk.now).fetch("")
    bad = [replace(one, text="a\0b") if "halo" in one.text else one for one in both.items]
    for _twice in range(2):
        listen.keep(desk.account, replace(both, items=tuple(bad)), now=desk.now, before="")
    (balance,) = queries.balances(desk.scope())
    assert (balance.received, balance.shown, balance.quarantined) == (3, 2, 1)
    assert Item.objects.exclude(quarantined="").count() == 1


def test_an_account_that_cannot_be_opened_stops_no_other(desk):
    broken = Account.objects.get(pk=desk.account.pk)
    broken.pk, broken.handle, broken.remote_id = None, "lain", "999"
    broken.save(force_insert=True)
    Credential.objects.create(
        agency=desk.agency, account=broken, sealed=b"spoilt", key_id="k", created_at=desk.now
    )
    # The one that works comes last.
    Account.objects.filter(pk=desk.account.pk).update(opened_on=desk.account.opened_on)
    desk.says("budi", "Kapan KTP saya jadi?")
    assert listen.tick(desk.now) == 1
    row = Cursor.objects.get(account=broken)
    assert row.failed_at == desk.now and row.failed_why
    assert verify.tick(desk.now + timedelta(days=2)) == 2
    broken.refresh_from_db()
    desk.account.refresh_from_db()
    assert broken.trouble == "silent" and desk.account.trouble == ""


def test_the_balance_finds_a_lost_item(desk):
    desk.heard("budi", "satu")
    Cursor.objects.update(received=7)
    assert not queries.balances(desk.scope())[0].even


def test_the_audit_takes_in_what_the_pulls_missed(desk):
    desk.heard("budi", "satu")
    # A server that never notifies of a mention, and a cursor that is already past it.
    desk.says("tono", "dua", notify=True)
    Cursor.objects.update(value={"cursor": json.dumps({"n": ["999999"], "r": {}, "t": 0})})
    desk.server.notifications[-1]["id"] = "1"
    assert listen.audit(desk.account, desk.now) == 1
    row = Cursor.objects.get()
    assert (row.audit_missing, row.audited_at) == (1, desk.now)
    assert Item.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_listeners_at_once_make_one_conversation(desk):
    for number in range(6):
        said = desk.says("budi", f"foto {number}")
        desk.says("budi", f"lanjutan {number}", reply_to=said["id"])
    ready, wrong = threading.Barrier(2), []

    def run() -> None:
        try:
            fetched = connect.channel(desk.account, desk.now).fetch("")
            listen._cursor(desk.account, listen.MAIN, desk.now)
            ready.wait(20)
            listen.keep(desk.account, fetched, now=desk.now, before="")
        except BaseException as error:
            wrong.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert wrong == []
    assert (Author.objects.count(), Conversation.objects.count(), Item.objects.count()) == (
        1,
        6,
        12,
    )
    assert Cursor.objects.get().received == 12


# --- by hand -------------------------------------------------------------------------------------


def test_a_paste_is_in_with_its_source(desk, by_hand):
    taken = listen.paste(
        by_hand,
        "air mati 3 hari",
        by=desk.sari,
        now=desk.now,
        name="Bu Imas",
        source="screenshot",
        note="tangkapan layar grup RW 03",
    )
    item = Item.objects.get()
    assert (taken.new, item.source, item.source_note) == (
        1,
        "screenshot",
        "tangkapan layar grup RW 03",
    )
    assert item.author.name == "Bu Imas"
    at = datetime(2026, 11, 20, 2, tzinfo=UTC)
    listen.paste(by_hand, "sama", by=desk.sari, now=desk.now, at=at, handle="imas")
    assert listen.paste(by_hand, "sama", by=desk.sari, now=desk.now, at=at, handle="imas").known


def test_bad_rows_of_a_file_are_told_and_the_others_are_in(desk, by_hand):
    data = "nama;isi;waktu\nBudi;jalan rusak;21/11/2026 09.30\nTono;;\nAni;halo;kemarin\n"
    taken = listen.table(by_hand, data.encode(), by=desk.sari, now=desk.now)
    assert taken.new == 1
    assert [(row.number, row.why) for row in taken.bad_rows] == [(3, "no_text"), (4, "bad_time")]


def test_an_account_that_listens_takes_no_paste(desk):
    with pytest.raises(listen.Refused):
        listen.paste(desk.account, "halo", by=desk.sari, now=desk.now)


def test_people_without_a_name_are_not_taken_for_one(desk, by_hand):
    listen.paste(by_hand, "satu", by=desk.sari, now=desk.now)
    listen.paste(by_hand, "dua", by=desk.sari, now=desk.now)
    assert Conversation.objects.count() == Author.objects.count() == 2


def test_snippets_are_masked(desk):
    found = desk.heard("budi", f"NIK saya {NIK} kok belum jadi")
    assert NIK not in found.snippet
    assert "████" in found.snippet
