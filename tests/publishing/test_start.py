"""A restored or copied installation starts with sending off; a clock that jumps holds sending."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tanggap.archive.models import Record
from tanggap.execution.publishing import deliver, remove, schedule, start, steady
from tanggap.execution.publishing.models import Delivery, Place


def test_the_first_place_sends_at_once_and_stays(scene):
    row = scene.post("Pertama")
    scene.send()
    assert scene.state(row) == "published" and start.stopped() is None
    assert Place.objects.get().allowed_by == "system:first"


def test_a_copy_elsewhere_sends_nothing_until_a_person_says_so(scene, tmp_path, settings):
    scene.send()
    row = scene.post("Mungkin sudah tayang di sana")
    later = scene.post("Nanti", at=("2099-01-01T10:00", "UTC"))
    settings.HOME = tmp_path / "salinan"
    for _ in range(3):
        scene.send()
    place = start.stopped()
    assert place is not None and place.stopped == "copied" and scene.said() == 0
    # The first installation did send it, after the copy was made.
    scene.server.posts.append(
        scene.server._status(scene.server.me, "Mungkin sudah tayang di sana", "public", None, [])
    )
    start.allow(place, by=scene.editor, agency=scene.agency, now=scene.now)
    scene.rounds(2)
    assert scene.state(row) == "published" and scene.said() == 1
    assert scene.server.count("POST", "/api/v1/statuses") == 0
    assert scene.state(later) == "queued" and not later.confirm_first
    assert Record.objects.filter(verb="sending.allowed").exists()


def test_after_a_copy_what_is_surely_not_out_is_sent(scene, tmp_path, settings):
    scene.send()
    row = scene.post("Belum tayang di mana pun")
    settings.HOME = tmp_path / "salinan"
    scene.send()
    start.allow(start.stopped(), by=scene.editor, agency=scene.agency, now=scene.now)
    scene.rounds(3)
    assert scene.state(row) == "published" and scene.said() == 1


def test_an_older_database_in_the_same_home_is_noticed(scene):
    row = scene.post("Sebelum cadangan")
    scene.send()
    scene.send()
    kept = json.loads(start.file().read_text())
    mark = str(Place.objects.get().mark)
    assert kept["marks"][mark][0] > 0
    kept["marks"][mark][0] += 5
    start.file().write_text(json.dumps(kept))
    other = scene.post("Sesudah dipulihkan")
    scene.send()
    assert start.stopped().stopped == "restored" and scene.state(other) == "queued"
    scene.pass_(1)
    start.allow(start.stopped(), by=scene.editor, agency=scene.agency, now=scene.now)
    scene.rounds(3)
    assert scene.state(other) == "published" and scene.said() == 2
    assert scene.state(row) == "published"


def test_after_a_restore_a_thread_is_looked_up_part_by_part(scene):
    """The look at the first part fails once; the second must not be taken for missing meanwhile."""
    first, second = scene.thread("Bagian satu", "Bagian dua")
    server = scene.server
    one = server._status(server.me, "Bagian satu", "public", None, [])
    server.posts.append(one)
    server.posts.append(server._status(server.me, "Bagian dua", "public", one["id"], []))
    Delivery.objects.update(confirm_first=True)
    # The first part was looked at a moment ago, in vain.
    Delivery.objects.filter(pk=first.pk).update(retry_at=scene.now + timedelta(seconds=60))
    scene.rounds(8)
    assert (scene.state(first), scene.state(second)) == ("published", "published")
    assert scene.said("Bagian dua") == 1


def test_another_cluster_below_the_same_home_is_noticed(scene):
    scene.send()
    kept = json.loads(start.file().read_text())
    assert kept["cluster"]
    start.file().write_text(json.dumps({**kept, "cluster": "7000000000000000001"}))
    row = scene.post("Di gugus lain")
    scene.send()
    assert start.stopped().stopped == "restored" and scene.state(row) == "queued"
    scene.pass_(1)
    start.allow(start.stopped(), by="system:command", agency=None, now=scene.now)
    scene.rounds(3)
    assert scene.state(row) == "published" and start.stopped() is None


def test_a_home_of_release_0_1_0_goes_on_sending(scene):
    """It did not keep in which cluster it was."""
    scene.send()
    kept = json.loads(start.file().read_text())
    del kept["cluster"]
    start.file().write_text(json.dumps(kept))
    row = scene.post("Sesudah pembaruan")
    scene.send()
    assert scene.state(row) == "published" and json.loads(start.file().read_text())["cluster"]


def test_an_operator_switches_sending_off_and_on(scene):
    scene.send()
    start.stop(scene.now, by="system:command")
    row, gone = scene.post("Menunggu operator"), scene.post("Dihapus nanti")
    Delivery.objects.filter(pk=gone.pk).update(state="removing", remote_id="77")
    scene.send()
    remove.tick(scene.now)
    assert scene.state(row) == "queued" and scene.state(gone) == "removing"
    assert scene.server.mutations() == [] and start.stopped().stopped == "off"
    scene.pass_(1)
    start.allow(start.stopped(), by="system:command", agency=None, now=scene.now)
    scene.rounds(3)
    assert scene.state(row) == "published" and scene.said("Menunggu") == 1
    verbs = set(Record.objects.filter(verb__startswith="sending.").values_list("verb", flat=True))
    assert verbs == {"sending.stopped", "sending.allowed"}


def test_switched_off_moved_and_switched_on_there_it_is_on(scene, tmp_path, settings):
    """The old machine's row came along in the backup; it says nothing about the new one."""
    scene.send()
    start.stop(scene.now, by="system:command")
    row = scene.post("Pindah mesin")
    settings.HOME = tmp_path / "baru"
    scene.pass_(60)
    scene.send()
    assert start.stopped().stopped == "copied" and scene.said() == 0
    start.allow(start.here(scene.now), by="system:command", agency=None, now=scene.now)
    assert start.stopped() is None
    scene.rounds(3)
    assert scene.state(row) == "published" and scene.said() == 1


def test_what_was_given_an_earlier_time_elsewhere_is_not_sent_again(scene, tmp_path, settings):
    """The copy believes that it is due in a month; the first installation sent it today."""
    scene.post("Yang terakhir diketahui")
    scene.send()
    scene.pass_(60)
    at = (scene.now + timedelta(days=30)).strftime(schedule.TYPED)
    row = scene.post("Dimajukan di sana", at=(at, "UTC"))
    settings.HOME = tmp_path / "salinan"
    scene.send()
    scene.pass_(60)
    server = scene.server
    server.posts.append(server._status(server.me, "Dimajukan di sana", "public", None, []))
    scene.pass_(600)
    start.allow(start.stopped(), by=scene.editor, agency=scene.agency, now=scene.now)
    scene.rounds(3)
    assert scene.state(row) == "published" and scene.said("Dimajukan") == 1


class Two:
    """A wall clock and a monotonic one, both by hand."""

    def __init__(self) -> None:
        self.wall, self.monotonic = 5000.0, 10.0


@pytest.mark.parametrize("jump", [61, 3600, -61])
def test_clocks_that_part_hold_sending_and_say_so(scene, jump, monkeypatch):
    two = Two()
    pair = steady.Pair(lambda: two.wall, lambda: two.monotonic)
    monkeypatch.setattr(steady, "OURS", pair)
    scene.send()
    two.wall += 30
    two.monotonic += 30
    row = scene.post("Jam melompat")
    two.wall += jump
    scene.send()
    assert scene.state(row) == "queued" and scene.said() == 0
    place = start.stopped()
    assert place.stopped == "clock" and abs(place.parted_s - jump) <= 1
    two.wall -= jump
    scene.send()
    assert scene.state(row) == "published" and start.stopped() is None


def test_a_person_says_that_the_time_is_right(scene, monkeypatch):
    two = Two()
    monkeypatch.setattr(steady, "OURS", steady.Pair(lambda: two.wall, lambda: two.monotonic))
    scene.send()
    two.wall += 7200
    row = scene.post("Bangun dari tidur")
    scene.send()
    assert scene.state(row) == "queued"
    scene.pass_(1)
    start.allow(start.stopped(), by=scene.editor, agency=scene.agency, now=scene.now)
    scene.send()
    assert scene.state(row) == "published"
    assert not Delivery.objects.filter(confirm_first=True).exists()


def test_less_than_a_minute_is_nothing(scene, monkeypatch):
    two = Two()
    monkeypatch.setattr(steady, "OURS", steady.Pair(lambda: two.wall, lambda: two.monotonic))
    two.wall += 59
    row = scene.post("Jalan terus")
    deliver.tick(scene.now)
    assert scene.state(row) == "published"
    assert schedule.GRACE.total_seconds() == 120
