"""What the page of health and `tanggap doctor` find: each trouble made for real, then mended."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import translation

from tanggap.accounts.models import Account, Credential
from tanggap.archive import seal
from tanggap.archive.record import record
from tanggap.execution.inbox.models import Cursor
from tanggap.execution.publishing import start, steady
from tanggap.execution.publishing.models import Delivery
from tanggap.health import beat, figures
from tanggap.health.examine import examine
from tanggap.health.findings import Finding


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


def told(scene, code: str) -> Finding:
    """The finding of this check: the one that is ill, when there are several."""
    found = [one for one in examine({scene.agency.pk}, scene.now) if one.code == code]
    assert all(one.fix for one in found if not one.well), "no way out is told"
    return min(found, key=lambda one: one.well)


def test_a_post_that_does_not_leave(scene):
    scene.send()
    row = scene.post("Tertahan")
    assert told(scene, "queue").well, "it has just become due"
    scene.pass_(300)
    assert "1 post is due and has not left for 5 minutes" in told(scene, "queue").text
    scene.send()
    assert scene.state(row) == "published"
    found = told(scene, "queue")
    assert found.well and "In the last hour 1 left" in found.text


@pytest.mark.parametrize("held", ["paused", "later", "held"])
def test_what_is_kept_back_on_purpose_is_not_late(scene, held):
    scene.send()
    row = scene.post("Menunggu")
    scene.pass_(300)
    if held == "paused":
        Account.objects.update(state="paused", paused_reason="x", paused_code="person")
    elif held == "later":
        Delivery.objects.update(retry_at=scene.now + timedelta(minutes=5))
    else:
        Delivery.objects.update(state="held")
    assert figures.overdue({row.agency_id}, scene.now).count == 0


def test_a_send_that_nobody_looks_up(scene):
    row = scene.post("Tak jelas")
    since = scene.now - timedelta(hours=1)
    Delivery.objects.filter(pk=row.pk).update(state="unknown", unknown_since=since)
    assert "60 minutes" in told(scene, "unsettled").text


def test_an_account_that_is_refused_or_deaf(scene):
    assert told(scene, "account").well
    cursor = Cursor.objects.create(
        agency=scene.agency, account=scene.account, moved_at=scene.now, polled_at=scene.now
    )
    assert told(scene, "account").well
    scene.pass_(3600)
    assert "cannot be heard (late)" in told(scene, "account").text
    Cursor.objects.filter(pk=cursor.pk).update(failed_at=scene.now, failed_why="silent")
    assert "cannot be heard (silent)" in told(scene, "account").text
    Account.objects.update(state="paused", paused_reason="x", paused_code="credentials")
    assert "refuses our credentials" in told(scene, "account").text


def test_records_that_nobody_seals(scene):
    seal.seal(scene.now)
    assert told(scene, "sealer").well
    record(scene.agency, "test.said", scene.account, by="system:test", now=scene.now)
    assert told(scene, "sealer").well, "the sealer comes in two seconds"
    scene.pass_(300)
    assert "1 record has waited for its seal for 5 minutes" in told(scene, "sealer").text
    seal.seal(scene.now)
    assert told(scene, "sealer").well


def test_a_backup_that_is_old(scene):
    assert "no backup yet" in told(scene, "backup").text
    record(scene.agency, "backup.made", scene.agency, by="system:command", now=scene.now)
    assert told(scene, "backup").well
    scene.pass_(27 * 3600)
    assert "27 hours old" in told(scene, "backup").text


def test_the_backup_of_another_agency_is_not_ours(scene, other):
    record(other, "backup.made", other, by="system:command", now=scene.now)
    assert not told(scene, "backup").well


def test_keys_that_are_not_this_databases(scene):
    assert told(scene, "keys").well
    Credential.objects.update(key_id="0123456789abcdef")
    assert "missing" in told(scene, "keys").text


def test_sending_that_is_off(scene):
    scene.send()
    assert told(scene, "sending").well
    start.stop(scene.now, by="system:command")
    assert "operator" in told(scene, "sending").text


def test_a_clock_that_jumps(scene, monkeypatch):
    assert told(scene, "clock").well
    wall = iter([0.0, 500.0])
    monkeypatch.setattr(steady, "OURS", steady.Pair(lambda: next(wall), lambda: 0.0))
    assert "jumped by 500 seconds" in told(scene, "clock").text


def test_a_disk_that_is_full(scene, monkeypatch):
    assert told(scene, "disk").well
    monkeypatch.setattr("tanggap.health.machine.LEAST_FREE_PART", 1.0)
    monkeypatch.setattr("tanggap.health.machine.LEAST_FREE_BYTES", 10**18)
    assert not told(scene, "disk").well


def test_a_function_that_fails_while_the_others_go_on(scene):
    name = "tanggap.worker.hear"
    beat.done(name, 10, took_ms=5, now=scene.now)
    scene.pass_(600)
    beat.done("tanggap.archive.seal.seal", 2, took_ms=1, now=scene.now)
    for _ in range(3):
        beat.failed(name, 10, ValueError("NIK 3299014507900001"), now=scene.now)
    found = told(scene, "worker")
    assert "Listening: last success 10 minutes ago, 3 failures in a row (ValueError)" in found.text
    beat.done(name, 10, took_ms=5, now=scene.now)
    assert told(scene, "worker").well
    beat.forget_others([name])
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM health_tick")
        assert cursor.fetchall() == [(name,)]


def test_the_worker_keeps_each_success_and_failure(scene, monkeypatch):
    from tanggap import worker
    from tanggap.health.models import Tick

    assert worker.tick("tanggap.worker.tidy", scene.now)
    row = Tick.objects.get()
    assert (row.name, row.every_s, row.done_at) == ("tanggap.worker.tidy", 3600, scene.now)
