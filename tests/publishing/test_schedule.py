"""Step 2: times that mean what was written, threads, taking off, and what a colleague would say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tanggap.archive.models import Record
from tanggap.core.errors import Refused
from tanggap.execution.publishing import ask, content, precheck, remove, schedule
from tanggap.execution.publishing.models import Delivery

pytestmark = pytest.mark.time


@pytest.mark.parametrize(
    ("wall", "zone", "meant"),
    [
        ("2026-11-24T10:00", "Asia/Jakarta", "2026-11-24T03:00"),
        ("2026-11-24T10:00", "Asia/Makassar", "2026-11-24T02:00"),
        ("2026-11-24T00:30", "Asia/Jayapura", "2026-11-23T15:30"),
        # Comes twice in the autumn of St John's: the first one is meant.
        ("2026-11-01T01:30", "America/St_Johns", "2026-11-01T04:00"),
    ],
)
def test_a_wall_time_means_one_instant(wall, zone, meant):
    assert schedule.instant(wall, zone) == datetime.fromisoformat(meant).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("wall", "zone"),
    [
        ("2026-03-08T02:30", "America/St_Johns"),
        ("2026-02-30T10:00", "Asia/Jakarta"),
        ("besok", "Asia/Jakarta"),
        ("2026-11-24T10:00", "Asia/Ngawur"),
    ],
)
def test_a_time_that_is_none_is_refused_at_its_field(wall, zone):
    with pytest.raises(Refused) as refusal:
        schedule.instant(wall, zone)
    assert refusal.value.field == "at" and refusal.value.next


def test_intent_is_kept_beside_the_instant(scene):
    row = scene.post("Nanti", at=("2099-01-05T08:00", "Asia/Jayapura"))
    assert (row.wall_time, row.zone) == ("2099-01-05T08:00", "Asia/Jayapura")
    assert row.due_at == datetime(2099, 1, 4, 23, tzinfo=UTC)
    written = Record.objects.get(verb="delivery.queued")
    assert written.facts["hash"] == bytes(row.content_hash).hex() and written.content_hash


def test_what_is_not_approved_is_not_queued(scene):
    message = scene.message("Draf")
    message.state = "checked"
    message.save()
    with pytest.raises(Refused):
        schedule.queue(message, by=scene.editor, now=scene.now)
    assert not Delivery.objects.exists()


def test_the_past_and_a_second_time_are_refused(scene):
    message = scene.message("Sekali")
    with pytest.raises(Refused):
        schedule.queue(message, by=scene.editor, now=scene.now, at=("2020-01-01T10:00", "UTC"))
    schedule.queue(message, by=scene.editor, now=scene.now)
    with pytest.raises(Refused):
        schedule.queue(message, by=scene.editor, now=scene.now)
    assert Delivery.objects.count() == 1


def test_a_refused_post_is_scheduled_anew_with_its_new_words(scene):
    message = scene.message("x" * 501)
    row = schedule.queue(message, by=scene.editor, now=scene.now)[0]
    scene.send()
    assert scene.state(row) == "failed"
    message.core = "Pendek"
    message.state = "approved"
    message.save()
    again = schedule.queue(message, by=scene.editor, now=scene.now)[0]
    scene.send()
    assert again.pk == row.pk and scene.state(row) == "published" and scene.said("Pendek") == 1


@pytest.mark.parametrize(
    "change",
    [
        {"text": "b"},
        {"visibility": "unlisted"},
        {"language": "en"},
        {"reply_handle": "sari"},
        {"media": [{"id": 1, "sha256": "00", "alt": "lain", "mime": "image/png"}]},
    ],
)
def test_the_hash_covers_everything_that_is_sent(change):
    media = [{"id": 1, "sha256": "00", "alt": "jembatan", "mime": "image/png"}]
    made = content.make("a", media=media)
    found = content.digest(made, 7, "1")
    assert content.digest({**made, **change}, 7, "1") != found
    assert content.digest(made, 8, "1") != found and content.digest(made, 7, "2") != found
    renumbered = [{**media[0], "id": 9}]
    assert content.digest({**made, "media": renumbered}, 7, "1") == found


def test_cancel_is_compare_and_swap(scene):
    row = scene.post("Batal")
    stale = Delivery.objects.get(pk=row.pk)
    scene.send()
    with pytest.raises(Refused):
        schedule.cancel(stale, by=scene.editor, now=scene.now)
    assert scene.state(row) == "published"
    with pytest.raises(Refused, match="Hapus dari jejaring"):
        schedule.cancel(row, by=scene.editor, now=scene.now)


def test_cancelling_a_part_takes_the_rest_along(scene):
    rows = scene.thread("Satu", "Dua", "Tiga", at=("2099-01-01T10:00", "UTC"))
    schedule.cancel(rows[1], by=scene.editor, now=scene.now)
    assert [scene.state(row) for row in rows] == ["queued", "cancelled", "cancelled"]


def test_rescheduling_moves_the_whole_thread(scene):
    rows = scene.thread("Satu", "Dua", at=("2099-01-01T10:00", "UTC"))
    schedule.reschedule(rows[0], at=("2099-02-01T10:00", "UTC"), by=scene.editor, now=scene.now)
    assert {row.due_at.month for row in Delivery.objects.all()} == {2}


def test_a_removal_goes_on_until_it_is_gone(scene):
    row = scene.post("Keliru")
    scene.send()
    row.refresh_from_db()
    with pytest.raises(Refused):
        remove.remove(row, reason=" ", by=scene.editor, now=scene.now)
    remove.remove(row, reason="Salah", by=scene.editor, now=scene.now)
    scene.server.statuses.pop(row.remote_id)
    remove.tick(scene.now)
    assert scene.state(row) == "removed", "a 404 means done"


def test_a_colleague_warns(scene):
    first = scene.message("Posyandu besok pukul 08.00.")
    assert precheck.look(first, due_at=scene.now, now=scene.now) == []
    schedule.queue(first, by=scene.editor, now=scene.now)
    rules = {note.rule for note in precheck.look(first, due_at=scene.now, now=scene.now)}
    assert rules == {"scheduled_already"}
    same = scene.message("POSYANDU  besok pukul 08.00")
    assert [n.rule for n in precheck.look(same, due_at=scene.now, now=scene.now)] == ["same_hour"]
    other = scene.message("Kabar lain")
    assert [n.rule for n in precheck.look(other, due_at=scene.now, now=scene.now)] == ["close"]


def test_a_late_thread_asks_about_its_first_part(scene):
    rows = scene.thread("Satu", "Dua")
    scene.pass_(3600)
    scene.send()
    assert [scene.state(row) for row in rows] == ["late", "ready"]
    ask.still_send(Delivery.objects.get(pk=rows[0].pk), by=scene.editor, now=scene.now)
    scene.send()
    assert [scene.state(row) for row in rows] == ["published", "published"] and scene.said() == 2


def test_a_reply_stays_welcome_for_a_day(scene):
    asked = scene.server.says("sari", "Kapan buka?", notify=False)["id"]
    row = scene.reply("Pukul 08.00, Kak.", asked)
    scene.pass_(5 * 3600)
    scene.send()
    assert scene.state(row) == "published"
    assert scene.server.posts[0]["in_reply_to_id"] == asked
    assert scene.server.posts[0]["text"].startswith("@sari ")


def test_words_past_their_validity_are_asked_about(scene):
    row = scene.post("Berlaku sampai kemarin", valid_until=scene.now.date().replace(year=2020))
    scene.pass_(120)
    scene.send()
    assert scene.state(row) == "late" and scene.said() == 0


def test_a_private_answer_is_private(scene):
    asked = scene.server.says("sari", "NIK saya ...", notify=False)["id"]
    row = scene.reply("Mohon hapus NIK.", asked, private=True)
    scene.send()
    assert scene.state(row) == "published"
    assert scene.server.posts[0]["visibility"] == "direct"


def test_a_thread_whose_rest_was_cancelled_can_be_scheduled_again(scene):
    message = scene.message("Bagian satu", "Bagian dua")
    first, second = schedule.queue(message, by=scene.editor, now=scene.now)
    Delivery.objects.filter(pk=first.pk).update(state="failed", trouble="rejected")
    schedule.cancel(second, by=scene.editor, now=scene.now)
    again = schedule.queue(message, by=scene.editor, now=scene.now)
    assert again[0].pk == first.pk and again[1].pk != second.pk
    assert again[1].follows_id == first.pk
    scene.rounds(3)
    assert (scene.state(first), scene.state(again[1])) == ("published", "published")
    assert scene.said("Bagian dua") == 1
