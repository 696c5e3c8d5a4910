"""A clock that ran ahead and was set right: what it dated is looked for from early enough."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tanggap.execution.publishing import steady
from tanggap.execution.publishing.models import Delivery

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("lost", ["accept_reset", "reset"])
@pytest.mark.parametrize("later_s", [0, 8 * 3600])
def test_seven_hours_ahead(scene, lost, later_s):
    """Local time taken for UTC: sent, the answer lost, and then the clock is set right."""
    row = scene.post("Kabar dari jam yang salah")
    right, ahead = scene.now, scene.now + timedelta(hours=7)
    scene.server.knobs.next_post = lost
    scene.now = ahead
    Delivery.objects.update(late_accepted=True)
    scene.send()
    assert scene.state(row) == "unknown" and row.claimed_at == ahead
    scene.now = right
    scene.look()
    # A worker that is away meanwhile, until the wrong date has become a past one.
    scene.pass_(later_s)
    scene.rounds()
    if later_s and lost == "reset":
        # Ten minutes have long passed: a person is asked. It is not sent again unseen.
        assert scene.state(row) == "asked" and scene.said() == 0
    else:
        assert scene.state(row) == "published" and scene.said() == 1


def test_what_a_wrong_clock_swept_is_looked_for_today(scene):
    """Sent by a right clock, given up by another worker whose clock ran ahead: the deliver bench
    found one that would have been looked for seven hours later."""
    row = scene.post("Disapu jam yang salah")
    scene.server.knobs.next_post = "accept_reset"
    scene.send()
    ahead = scene.now + timedelta(hours=7)
    Delivery.objects.filter(pk=row.pk).update(
        unknown_since=ahead, retry_at=ahead + timedelta(minutes=3), confirms=1
    )
    scene.look()
    assert scene.state(row) == "published" and scene.said() == 1


def test_the_last_look_comes_before_the_question(scene):
    """Two looks in vain, then a machine that was off for an hour: it looks before it asks."""
    row = scene.post("Terlambat terlihat")
    scene.server.knobs.next_post = "accept_reset"
    scene.send()
    long_ago = scene.now - timedelta(hours=1)
    Delivery.objects.filter(pk=row.pk).update(unknown_since=long_ago, retry_at=long_ago, confirms=2)
    scene.look()
    assert scene.state(row) == "published" and scene.said() == 1


def test_while_the_clock_is_wrong_nobody_is_asked(scene, monkeypatch):
    row = scene.post("Jawaban hilang")
    waits = scene.post("Menunggu", at=None)
    Delivery.objects.filter(pk=waits.pk).update(due_at=scene.now + timedelta(minutes=5))
    scene.server.knobs.next_post = "accept_reset"
    scene.send()
    assert scene.state(row) == "unknown"
    pair = steady.Pair()
    monkeypatch.setattr(steady, "OURS", pair)
    steady.in_step(scene.now)
    pair._wall -= 7 * 3600
    right = scene.now
    scene.now += timedelta(hours=7)
    scene.send()
    scene.look()
    assert (scene.state(row), scene.state(waits)) == ("unknown", "ready")
    pair._wall += 7 * 3600
    scene.now = right
    scene.rounds(8, step=60)
    assert (scene.state(row), scene.state(waits)) == ("published", "published")


def test_waits_that_were_reckoned_by_it_are_over(scene):
    row = scene.post("Jaringan mati sebentar")
    Delivery.objects.filter(pk=row.pk).update(
        trouble="unreachable", retry_at=scene.now + timedelta(hours=7)
    )
    scene.look()
    scene.send()
    assert scene.state(row) == "published"
