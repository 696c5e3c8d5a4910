"""Whoever changes the past is found: by SQL, with the triggers off, as the owner of the tables."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection

from tanggap.archive import merkle, payload
from tanggap.archive.head import Head
from tanggap.archive.models import Leaf, Node, Record, TreeHead
from tanggap.archive.record import leaf_hash, record
from tanggap.archive.seal import seal
from tanggap.archive.verify import main, verify
from tanggap.core import secrets
from tests.archive.conftest import NOW, as_owner, tamper
from tests.archive.things import Thing

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows(agency):
    """Nine records under heads of 3, 6 and 9."""
    made = []
    for number in range(9):
        at = NOW + timedelta(minutes=number)
        made.append(
            record(agency, f"x.n{number}", ("x", number), by="citizen", now=at, facts={"n": number})
        )
        if number % 3 == 2:
            seal(at)
    return made


def only_break(report):
    assert not report.intact and len(report.breaks) == 1
    return report.breaks[0]


def recompute(agency, start):
    """The attacker makes leaves, nodes and the roots of heads from `start` on fit the records."""
    statements = []
    frontier = merkle.Frontier()
    for leaf in Leaf.objects.filter(agency=agency).order_by("index").select_related("record"):
        fresh = leaf_hash(leaf.record)
        frontier.append(fresh)
        if leaf.index >= start:
            statements += [
                ("UPDATE archive_leaf SET leaf_hash = %s WHERE id = %s", fresh, leaf.pk),
                ("UPDATE archive_record SET leaf_hash = %s WHERE id = %s", fresh, leaf.record_id),
                (
                    "UPDATE archive_treehead SET root_hash = %s WHERE agency_id = %s AND size = %s",
                    frontier.root(),
                    agency.pk,
                    frontier.size,
                ),
            ]
    return statements


def test_an_intact_log(agency, rows):
    record(agency, "x.waits", agency, by="citizen", now=NOW)
    seen = []
    report = verify(progress=lambda done, total: seen.append((done, total)))
    assert report.intact and not report.notes
    assert (report.records, report.heads, report.anchors, report.waiting) == (9, 3, 3, 1)
    assert seen[-1] == (9, 10)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("facts", '{"n": 99}'),
        ("actor", "person:1"),
        ("verb", "x.n5x"),
        ("subject_id", "6"),
        ("at", "2026-03-17T02:05:00.000001Z"),
        ("salt", b"\0" * 16),
        ("content_hash", b"\0" * 32),
        ("leaf_hash", b"\0" * 32),
    ],
)
def test_an_edited_byte(agency, rows, column, value):
    tamper((f"UPDATE archive_record SET {column} = %s WHERE id = %s", value, rows[5].pk))
    found = only_break(verify())
    assert found.record == rows[5].pk and found.at.startswith("2026-03-17T02:05:00")
    assert found.verb.startswith("x.n5") and "changed afterwards" in found.what
    assert str(rows[5].pk) in str(found) and agency.short_name in str(found)


def test_the_first_of_several_is_named(agency, rows):
    tamper(("UPDATE archive_record SET actor = 'x' WHERE id = ANY(%s)", [rows[7].pk, rows[2].pk]))
    assert only_break(verify()).record == rows[2].pk


def test_a_deleted_tail(agency, rows):
    gone = [rows[7].pk, rows[8].pk]
    tamper(
        ("DELETE FROM archive_leaf WHERE record_id = ANY(%s)", gone),
        ("DELETE FROM archive_record WHERE id = ANY(%s)", gone),
    )
    found = only_break(verify())
    assert found.record == rows[6].pk and "2 sealed records are missing" in found.what


def test_a_deleted_tail_with_its_heads(agency, rows):
    gone = [row.pk for row in rows[6:]]
    tamper(
        ("DELETE FROM archive_leaf WHERE record_id = ANY(%s)", gone),
        ("DELETE FROM archive_record WHERE id = ANY(%s)", gone),
        ("DELETE FROM archive_treehead WHERE size > 6",),
    )
    found = only_break(verify())
    assert found.record == rows[5].pk and "3 sealed records are missing" in found.what
    assert "the anchor file" in found.what


def test_everything_deleted(agency, rows):
    tamper(
        ("DELETE FROM archive_leaf",),
        ("DELETE FROM archive_record",),
        ("DELETE FROM archive_treehead",),
    )
    assert "9 sealed records are missing" in only_break(verify()).what


def test_a_record_deleted_from_the_middle(agency, rows):
    tamper(
        ("DELETE FROM archive_leaf WHERE record_id = %s", rows[4].pk),
        ("DELETE FROM archive_record WHERE id = %s", rows[4].pk),
    )
    found = only_break(verify())
    assert found.record == rows[5].pk and "place 4 of the log is empty" in found.what


def test_a_recomputed_suffix(agency, rows):
    tamper(("UPDATE archive_record SET actor = 'person:1' WHERE id = %s", rows[5].pk))
    tamper(*recompute(agency, 5))
    found = only_break(verify())
    assert found.record == rows[3].pk and "not signed" in found.what
    assert f"record {rows[5].pk} (x.n5" in found.what and "up to 3 records" in found.what


def test_a_recomputed_suffix_with_heads_dropped(agency, rows):
    tamper(("UPDATE archive_record SET actor = 'person:1' WHERE id = %s", rows[5].pk))
    tamper(*recompute(agency, 5), ("DELETE FROM archive_treehead WHERE size IN (6, 9)",))
    found = only_break(verify())
    assert "line 2 of the anchor file" in found.what and "recomputed" in found.what
    assert f"record {rows[5].pk} (x.n5" in found.what


def test_a_recomputed_suffix_that_our_own_sealer_signed_again(agency, rows):
    """Heads dropped, queue refilled: the sealer signs what it finds, the anchors do not."""
    gone = [row.pk for row in rows[3:]]
    tamper(
        ("UPDATE archive_record SET actor = 'person:1' WHERE id = %s", rows[5].pk),
    )
    tamper(
        *recompute(agency, 5),
        ("DELETE FROM archive_leaf WHERE record_id = ANY(%s)", gone),
        ("DELETE FROM archive_treehead WHERE size > 3",),
        (
            "INSERT INTO archive_pending (record_id, agency_id)"
            " SELECT id, agency_id FROM archive_record"
            " WHERE id = ANY(%s)",
            gone,
        ),
    )
    assert seal(NOW) == {agency.pk: 9}
    found = only_break(verify())
    assert "line 2 of the anchor file" in found.what and "recomputed" in found.what


def test_a_forged_head_beyond_the_log(agency, rows):
    tamper(
        (
            "INSERT INTO archive_treehead (agency_id, size, root_hash, at, signer, signature)"
            " SELECT agency_id, 20, root_hash, at, signer, signature FROM archive_treehead"
            " WHERE size = 9",
        ),
    )
    assert "not signed" in only_break(verify()).what


def test_a_record_slipped_in(agency, rows):
    tamper(
        (
            "INSERT INTO archive_record"
            " (agency_id, at, verb, actor, subject_type, subject_id, facts,"
            " salt, leaf_hash) SELECT agency_id, at, verb, actor, subject_type, subject_id, facts,"
            " salt, leaf_hash FROM archive_record WHERE id = %s",
            rows[0].pk,
        ),
    )
    assert "slipped in" in only_break(verify()).what


def test_a_record_added_to_the_log_without_the_sealer(agency, rows):
    late = record(agency, "x.late", agency, by="citizen", now=NOW)
    tamper(
        (
            "INSERT INTO archive_leaf (agency_id, index, record_id, leaf_hash)"
            " VALUES (%s, 9, %s, %s)",
            agency.pk,
            late.pk,
            late.leaf_hash,
        ),
        ("DELETE FROM archive_pending",),
    )
    found = only_break(verify())
    assert found.record == late.pk and "without the sealer" in found.what


def test_changed_before_it_was_sealed(agency):
    row = record(agency, "x.y", agency, by="citizen", now=NOW)
    tamper(("UPDATE archive_record SET actor = 'person:1'",))
    found = only_break(verify())
    assert found.record == row.pk and "before it was sealed" in found.what


def test_only_the_tampered_agency_is_named(agency, other, rows):
    record(other, "x.y", other, by="citizen", now=NOW)
    seal(NOW)
    tamper(("UPDATE archive_record SET actor = 'x' WHERE id = %s", rows[1].pk))
    assert verify([other]).intact
    report = verify()
    assert only_break(report).agency == agency.short_name and report.agencies >= 2


def test_no_anchor_file_is_said(agency, rows):
    settings.ANCHOR_FILE.unlink()
    report = verify()
    assert report.intact and "no anchor file" in report.notes[0]


def test_keys_rotate_and_old_heads_still_verify(agency, rows):
    secrets.rotate()
    record(agency, "x.y", agency, by="citizen", now=NOW)
    seal(NOW)
    assert verify().intact
    assert len({row.signer for row in TreeHead.objects.all()}) == 2


def test_the_command_says_it(agency, rows, capsys):
    assert main() == 0 and "Intact" in capsys.readouterr().out
    assert main(agency=agency.slug) == 0
    assert main(agency="nobody") == 1
    tamper(("UPDATE archive_record SET actor = 'x' WHERE id = %s", rows[1].pk))
    capsys.readouterr()
    assert main() == 1
    said = capsys.readouterr().out
    assert f"BROKEN: {agency.short_name}: record {rows[1].pk} (x.n1, 2026-03-17T02:01" in said


def test_without_the_key_file_heads_cannot_be_genuine(agency, rows, tmp_path):
    secrets.use(tmp_path / "other.json")
    assert "not signed by a key of this installation" in only_break(verify()).what


# --- evidence and payloads ---------------------------------------------------------------------


@pytest.fixture
def thing(agency, monkeypatch):
    with as_owner(), connection.schema_editor() as editor:
        editor.create_model(Thing)
    # Thing belongs to no installed app, so it is not found by itself.
    monkeypatch.setattr("tanggap.archive.verify.evidence_models", lambda: [Thing])
    return Thing.objects.create(agency_id=agency.pk, note="Jembatan ambruk")


def test_edited_evidence(agency, thing):
    row = record(agency, "thing.kept", thing, by="citizen", now=NOW, content=thing.evidence())
    seal(NOW)
    assert verify().contents == 1
    with connection.cursor() as cursor:
        cursor.execute("UPDATE archive_tests_thing SET note = 'Jembatan Ambruk'")
    found = only_break(verify())
    assert found.record == row.pk and found.verb == "thing.kept"
    assert f"archive_tests.thing {thing.pk} is not what was recorded" in found.what
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM archive_tests_thing")
    assert "no longer there" in only_break(verify()).what


def test_only_the_newest_content_is_compared(agency, thing):
    record(agency, "thing.kept", thing, by="citizen", now=NOW, content=thing.evidence())
    thing.note = "Jembatan ambruk, sudah diperbaiki"
    thing.save()
    record(agency, "thing.edited", thing, by="citizen", now=NOW, content=thing.evidence())
    seal(NOW)
    assert verify().intact


def test_content_that_is_not_the_evidence_is_refused(agency, thing):
    with pytest.raises(ValueError, match="evidence"):
        record(agency, "thing.kept", thing, by="citizen", now=NOW, content=b"other words")


def test_erasing_a_person_keeps_the_proof(agency, thing):
    who = "account:12:author:345"
    record(
        agency, "thing.kept", thing, by="citizen", now=NOW, content=thing.evidence(), person_key=who
    )
    seal(NOW)
    assert verify().contents == 1
    key = payload.erase(agency, who, by="citizen", now=NOW, reason="request")
    Thing.objects.update(note="")
    seal(NOW)
    report = verify()
    assert report.intact and (report.contents, report.erased) == (0, 1)
    kept = Record.objects.get(verb="thing.kept")
    assert kept.key == key and b"Jembatan" not in bytes(kept.salt)


def test_a_key_destroyed_in_silence(agency, thing):
    row = record(
        agency,
        "thing.kept",
        thing,
        by="citizen",
        now=NOW,
        content=thing.evidence(),
        person_key="a:1",
    )
    seal(NOW)
    tamper(("UPDATE archive_personkey SET wrapped = NULL, erased_at = now()",))
    found = only_break(verify())
    assert found.record == row.pk and "without a record" in found.what


def test_a_changed_payload(agency):
    kept = payload.store(agency, "a:1", b"raw body", now=NOW)
    row = record(agency, "item.received", ("x", 1), by="citizen", now=NOW, facts=payload.fact(kept))
    seal(NOW)
    assert verify().payloads == 1
    spoilt = bytes(kept.locked)[:-1] + b"\0"
    tamper(
        (
            "UPDATE archive_payload SET locked = %s, sha256 = %s",
            spoilt,
            hashlib.sha256(spoilt).digest(),
        )
    )
    found = only_break(verify())
    assert found.record == row.pk and "was changed" in found.what
    tamper(("DELETE FROM archive_payload",))
    assert "is missing" in only_break(verify()).what


def test_the_heads_are_what_was_signed(agency, rows):
    assert {row.size for row in TreeHead.objects.all()} == {3, 6, 9}
    assert all(Head.of(row).is_genuine() for row in TreeHead.objects.all())
    assert not Node.objects.exists()
