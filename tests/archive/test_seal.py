"""Everything that commits is sealed once, in order, under a head that is signed and anchored."""

from __future__ import annotations

import errno
import json
import os
import threading
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection, transaction

from tanggap.archive import anchor, merkle, proof
from tanggap.archive.head import Head
from tanggap.archive.models import Leaf, Node, Pending, Record, TreeHead
from tanggap.archive.record import Entry, record, record_many
from tanggap.archive.seal import LogChanged, seal
from tests.archive.conftest import NOW, tamper


def many(agency, count):
    return record_many(
        [Entry(agency.pk, "x.y", ("x", n)) for n in range(count)], by="citizen", now=NOW
    )


def anchored():
    return [json.loads(line) for line in settings.ANCHOR_FILE.read_text().splitlines()]


@pytest.mark.django_db
def test_a_log_grows_under_signed_heads(agency, other):
    many(agency, 3)
    many(other, 1)
    assert seal(NOW) == {agency.pk: 3, other.pk: 1}
    many(agency, 600)
    assert seal(NOW + timedelta(seconds=2)) == {agency.pk: 603}
    assert seal(NOW) == {} and not Pending.objects.exists()
    leaves = list(Leaf.objects.filter(agency=agency).order_by("index"))
    assert [leaf.index for leaf in leaves] == list(range(603))
    assert [leaf.record_id for leaf in leaves] == list(
        Record.objects.filter(agency=agency).order_by("pk").values_list("pk", flat=True)
    )
    frontier = merkle.Frontier()
    for leaf in leaves:
        frontier.append(bytes(leaf.leaf_hash))
    newest = TreeHead.objects.get(agency=agency, size=603)
    assert bytes(newest.root_hash) == frontier.root()
    assert all(Head.of(row).is_genuine() for row in TreeHead.objects.all())
    assert Node.objects.count() == 2
    assert [(line["agency"], line["size"]) for line in anchored()] == [
        (agency.pk, 3),
        (other.pk, 1),
        (agency.pk, 603),
    ]
    assert settings.ANCHOR_FILE.stat().st_mode & 0o077 == 0


@pytest.mark.django_db
def test_a_proof_that_anybody_can_check(agency):
    rows = many(agency, 700)
    seal(NOW)
    many(agency, 1)
    seal(NOW)
    for row in (rows[0], rows[255], rows[256], rows[699]):
        given = proof.inclusion(row)
        assert proof.check(given) and given.head.size == 701
        wrong = given.data.replace(b"x.y", b"x.z")
        assert not proof.check(proof.Inclusion(wrong, given.index, given.path, given.head))
    assert proof.check_consistency(proof.consistency(agency.pk, 700, 701))
    with pytest.raises(proof.NotSealed):
        proof.inclusion(record(agency, "x.y", agency, by="citizen", now=NOW))


@pytest.mark.django_db
def test_a_crash_before_anchoring_is_made_good(agency, monkeypatch):
    many(agency, 1)
    with monkeypatch.context() as patch:
        patch.setattr("tanggap.archive.anchor.catch_up", lambda ids: 0)
        seal(NOW)
    assert not settings.ANCHOR_FILE.exists()
    many(agency, 1)
    seal(NOW)
    assert [line["size"] for line in anchored()] == [1, 2]
    assert anchor.catch_up() == 0


@pytest.mark.django_db
def test_a_failed_write_leaves_no_gap_even_of_an_agency_that_stays_quiet(
    agency, other, monkeypatch
):
    """As when the disk is full; half of a line may be there."""
    many(agency, 1)
    many(other, 1)
    seal(NOW)
    many(agency, 1)

    def full(number):
        os.ftruncate(number, os.fstat(number).st_size - 40)
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("tanggap.archive.anchor.os.fsync", full)
        with pytest.raises(OSError, match="space"):
            seal(NOW)
    many(other, 1)
    assert seal(NOW) == {other.pk: 2}
    heads = [line.head for line in anchor.lines()]
    assert [(head.agency_id, head.size) for head in heads if head] == [
        (agency.pk, 1),
        (other.pk, 1),
        *sorted([(agency.pk, 2), (other.pk, 2)]),
    ]
    assert heads.count(None) == 1


@pytest.mark.django_db
def test_a_torn_line_that_one_call_only_reads_is_not_glued_by_the_next(agency):
    many(agency, 1)
    seal(NOW)
    with settings.ANCHOR_FILE.open("a") as file:
        file.write('{"agency":1,"si')
    assert seal(NOW) == {}
    many(agency, 1)
    seal(NOW)
    many(agency, 1)
    seal(NOW)
    heads = [line.head for line in anchor.lines()]
    assert [head and head.size for head in heads] == [1, None, 2, 3]


@pytest.mark.django_db
def test_a_torn_line_does_not_swallow_the_next(agency):
    many(agency, 1)
    seal(NOW)
    with settings.ANCHOR_FILE.open("a") as file:
        file.write('{"agency":1,"si')
    many(agency, 1)
    seal(NOW)
    heads = [line.head for line in anchor.lines()]
    assert [head and head.size for head in heads] == [1, None, 2]


@pytest.mark.django_db
def test_nothing_is_built_on_a_changed_log(agency):
    many(agency, 3)
    seal(NOW)
    tamper(("UPDATE archive_leaf SET leaf_hash = %s WHERE index = 1", b"x" * 32))
    many(agency, 1)
    with pytest.raises(LogChanged, match="archive verify"):
        seal(NOW)
    assert Pending.objects.count() == 1 and TreeHead.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_lower_id_that_commits_late_is_appended_late(agency):
    wrote, go_on = threading.Event(), threading.Event()

    def slow():
        try:
            with transaction.atomic():
                record(agency, "x.slow", agency, by="citizen", now=NOW)
                wrote.set()
                assert go_on.wait(20)
        finally:
            connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    assert wrote.wait(20)
    record(agency, "x.fast", agency, by="citizen", now=NOW)
    assert seal(NOW) == {agency.pk: 1}
    go_on.set()
    thread.join()
    assert seal(NOW) == {agency.pk: 2}
    verbs = Leaf.objects.order_by("index").values_list("record__verb", "record_id")
    (fast, late_id), (slow_verb, early_id) = verbs
    assert (fast, slow_verb) == ("x.fast", "x.slow") and early_id < late_id


@pytest.mark.django_db(transaction=True)
def test_sealers_do_not_wait_for_each_other(agency):
    many(agency, 2)
    held, go_on, result = threading.Event(), threading.Event(), []

    def holder():
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [0x7A4C, agency.pk])
                held.set()
                assert go_on.wait(20)
        finally:
            connection.close()

    thread = threading.Thread(target=holder)
    thread.start()
    assert held.wait(20)
    result.append(seal(NOW))
    go_on.set()
    thread.join()
    assert result == [{}] and seal(NOW) == {agency.pk: 2}
