"""A worker that dies at any moment loses nothing and doubles nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from django.conf import settings
from django.db import connection
from psycopg.conninfo import make_conninfo

from tanggap.activities.models import Hold
from tanggap.channels.base import Posted
from tanggap.execution.publishing import claim, deliver, lease, prepare, senders, sweep
from tanggap.execution.publishing.models import Attempt
from tanggap.execution.publishing.moment import Moment

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long(3)]


def victim(scene, moment: str) -> None:
    found = connection.settings_dict
    parts = {
        "user": found["USER"],
        "password": found["PASSWORD"],
        "host": found["HOST"],
        "port": found["PORT"],
        "dbname": found["NAME"],
    }
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.publishing.victim",
            moment,
            str(scene.server.port),
            scene.now.isoformat(),
        ],
        env={
            **os.environ,
            "DATABASE_URL": make_conninfo(**{k: v for k, v in parts.items() if v}),
            "DJANGO_SETTINGS_MODULE": "tests.publishing.victim_settings",
            "VICTIM_KEYS": str(settings.KEY_FILE),
            "VICTIM_HOME": str(settings.HOME),
        },
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2000:]


def made_ready(scene) -> None:
    prepare.prepare(claim.to_prepare(scene.now)[0], 0.0, Moment(scene.now, 0.0, scene.hand))


@pytest.mark.parametrize(
    ("moment", "state", "after"),
    [
        ("prepare", "preparing", "queued"),
        ("claimed", "sending", "unknown"),
        ("before_write", "sending", "unknown"),
        ("after_write", "sending", "unknown"),
        ("attempted", "sending", "unknown"),
    ],
)
def test_killed_at(scene, moment, state, after):
    row = scene.post(f"Dimatikan saat {moment}")
    victim(scene, moment)
    assert scene.state(row) == state
    scene.sweep()
    scene.hand.at += lease.SECONDS[state] - 1
    scene.sweep()
    assert scene.state(row) == state, "the lease has not been seen for its whole length"
    scene.hand.at += 2
    scene.sweep()
    assert scene.state(row) == after
    scene.rounds()
    assert scene.state(row) == "published"
    assert scene.said() == 1


def test_a_sweeper_that_has_just_started_waits(scene):
    """A restart with leftovers, and a database clock that says the lease is long over."""
    row = scene.post("Sisa")
    made_ready(scene)
    claim.to_send(scene.now)
    fresh = sweep.Watch(scene.hand)
    assert sweep.tick(scene.now, watch=fresh) == 0
    scene.hand.at += 3600
    assert sweep.tick(scene.now, watch=sweep.Watch(scene.hand)) == 0
    assert scene.state(row) == "sending"
    assert sweep.tick(scene.now, watch=fresh) == 1
    assert scene.state(row) == "unknown"


def test_a_late_success_settles_what_the_sweeper_gave_up(scene):
    row = scene.post("Terlambat menjawab")
    made_ready(scene)
    sent = claim.to_send(scene.now)[0]
    scene.sweep()
    scene.hand.at += 1000
    scene.sweep()
    assert scene.state(row) == "unknown"
    posted = Posted("77", "https://x.example/77")
    deliver.settled([deliver.Outcome(sent, scene.now, scene.now, done=posted)])
    assert scene.state(row) == "published" and row.remote_id == "77"


def test_a_worker_that_was_too_slow_does_not_write(scene):
    row = scene.post("Terlambat menulis")
    made_ready(scene)
    sent = claim.to_send(scene.now)[0]
    scene.hand.at += lease.SEND_WINDOW + 1
    deliver.send(
        sent,
        scene.hand.at - lease.SEND_WINDOW - 1,
        Moment(scene.now, scene.hand.at, scene.hand),
    )
    assert scene.state(row) == "queued" and row.sends == 0 and scene.said() == 0


def test_a_hold_between_claim_and_write_is_kept(scene):
    row = scene.post("Ditahan")
    made_ready(scene)
    sent = claim.to_send(scene.now)[0]
    hold = Hold.objects.create(
        agency=scene.agency,
        subtree=scene.agency,
        reason="Gempa",
        placed_by=scene.editor,
        placed_at=scene.now,
    )
    deliver.send(sent, scene.hand.at, Moment(scene.now, scene.hand.at, scene.hand))
    assert scene.state(row) == "queued" and row.trouble == "hold" and scene.said() == 0
    scene.send()
    assert scene.said() == 0, "the claim leaves held work out"
    hold.lifted_at = scene.now
    hold.save()
    scene.send()
    assert scene.state(row) == "published" and scene.said() == 1


def test_a_hold_of_a_unit_leaves_others_alone_and_the_emergency_free(scene, unit):
    Hold.objects.create(
        agency=scene.agency,
        subtree=unit,
        reason="Duka",
        placed_by=scene.editor,
        placed_at=scene.now,
    )
    scene.post("Tetap jalan")
    scene.send()
    assert scene.said() == 1
    scene.account.owner_unit = unit
    scene.account.save()
    scene.post("Ditahan")
    scene.post("Darurat", emergency=True)
    scene.send()
    assert [one["text"] for one in scene.server.posts] == ["Tetap jalan", "Darurat"]


def test_two_workers_and_many_posts(scene):
    """Two desks with wires of their own, against one account and one queue."""
    rows = [scene.post(f"Nomor {number}") for number in range(12)]
    both = [senders.Senders(3), senders.Senders(3)]
    try:
        for _ in range(3):
            for one in both:
                deliver.tick(scene.now, senders=one)
            for one in both:
                one.wait()
    finally:
        for one in both:
            one.close()
    assert [scene.state(row) for row in rows] == ["published"] * 12
    assert scene.said() == 12
    assert len({post["text"] for post in scene.server.posts}) == 12
    assert Attempt.objects.filter(act="send", outcome="posted").count() == 12
