"""After an older backup was restored: the loss is named, set aside on record, and life goes on."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from django.conf import settings

from tanggap.archive import anchor
from tanggap.archive.aside import set_aside
from tanggap.archive.models import Record
from tanggap.archive.record import record
from tanggap.archive.seal import seal
from tanggap.archive.verify import verify
from tests.archive.conftest import NOW, tamper

pytestmark = pytest.mark.django_db


@pytest.fixture
def restored(agency):
    """Heads of 3, 6 and 9 are anchored; the database is back at 6."""
    rows = []
    for number in range(9):
        at = NOW + timedelta(minutes=number)
        rows.append(record(agency, f"x.n{number}", ("x", number), by="citizen", now=at))
        if number % 3 == 2:
            seal(at)
    gone = [row.pk for row in rows[6:]]
    tamper(
        ("DELETE FROM archive_leaf WHERE record_id = ANY(%s)", gone),
        ("DELETE FROM archive_record WHERE id = ANY(%s)", gone),
        ("DELETE FROM archive_treehead WHERE size > 6",),
    )
    return agency


def test_the_loss_is_named_then_set_aside_on_record(restored):
    assert "3 sealed records are missing" in verify().breaks[0].what
    before = settings.ANCHOR_FILE.read_bytes()
    kept = set_aside(by="system:command", now=NOW)
    assert kept.read_bytes() == before and not settings.ANCHOR_FILE.exists()
    said = Record.objects.get(verb="archive.continued")
    assert said.agency == restored
    assert said.facts == {"anchored": 9, "anchors_sha256": hashlib.sha256(before).hexdigest()}
    seal(NOW + timedelta(hours=1))
    assert [line.head.size for line in anchor.lines()] == [3, 6, 7]
    assert verify().intact


def test_the_loss_is_named_after_the_log_went_on_too(restored):
    for number in range(5):
        record(restored, "x.later", ("x", number), by="citizen", now=NOW + timedelta(hours=1))
    seal(NOW + timedelta(hours=1))
    assert "another root" in verify().breaks[0].what or "missing" in verify().breaks[0].what
    set_aside(by="system:command", now=NOW)
    seal(NOW + timedelta(hours=2))
    assert verify().intact


def test_an_attack_is_not_hidden_by_it(restored):
    tamper(("UPDATE archive_record SET actor = 'nobody' WHERE verb = 'x.n1'",))
    set_aside(by="system:command", now=NOW)
    seal(NOW + timedelta(hours=1))
    assert not verify().intact


def test_nothing_is_set_aside_when_nothing_was_lost(agency):
    record(agency, "x.n", ("x", 1), by="citizen", now=NOW)
    seal(NOW)
    assert set_aside(by="system:command", now=NOW) is None
    assert settings.ANCHOR_FILE.exists()
    assert not Record.objects.filter(verb="archive.continued").exists()
