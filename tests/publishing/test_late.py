"""What is late waits for a person's word, however much waits before it."""

from __future__ import annotations

from datetime import timedelta

from tanggap.channels.base import Posted
from tanggap.execution.publishing import claim, late, settle
from tanggap.execution.publishing.models import Delivery


def test_many_that_are_not_late_hide_none_that_is(scene, monkeypatch):
    monkeypatch.setattr(late, "BATCH", 3)
    for number in range(4):
        scene.reply(f"Jawaban {number}", str(number))
    row = scene.post("Jalan ditutup pagi ini")
    scene.pass_(5 * 3600)
    late.mark(scene.now)
    assert scene.state(row) == "late"
    assert Delivery.objects.filter(state="late").count() == 1


def test_the_claim_itself_sends_nothing_late(scene):
    row = scene.post("Jalan ditutup pagi ini")
    Delivery.objects.filter(pk=row.pk).update(
        due_at=scene.now - timedelta(hours=5), confirm_first=True
    )
    scene.send()
    # Looked up after a restore, and surely not out: between two rounds a slot may be at work.
    Delivery.objects.filter(pk=row.pk).update(confirm_first=False)
    assert claim.to_send(scene.now) == []
    assert scene.state(row) == "late" and scene.said() == 0


def test_a_success_counts_even_after_a_second_try_was_refused(scene):
    """The first answer was lost, a person said "send it again", the network refused that, and then
    the first answer came after all."""
    row = scene.post("Terlanjur tayang")
    Delivery.objects.filter(pk=row.pk).update(state="failed", trouble="rejected")
    posted = Posted("77", "https://x.test/77", scene.now)
    assert settle.published(row.pk, posted, by="system:deliver", now=scene.now) == "published"
    assert scene.state(row) == "published" and row.remote_id == "77"
