"""A fact is written once, hashed as documented, and cannot be changed afterwards."""

from __future__ import annotations

import hashlib
import json
from datetime import date, timedelta, timezone
from decimal import Decimal

import pytest
from django.db import Error, connection, transaction

from tanggap.archive.models import Pending, Record
from tanggap.archive.record import canonical, content_hash, leaf_hash, record, salt_of
from tanggap.archive.seal import seal
from tanggap.core.scope import Scope, enter
from tests.archive.conftest import NOW

pytestmark = pytest.mark.django_db


def test_the_documented_bytes(agency, person):
    wit = NOW.astimezone(timezone(timedelta(hours=9)))
    row = record(
        agency, "plan.approved", ("planning.plan", 12), by=person, now=wit, facts={"é": [1, None]}
    )
    expected = (
        f'{{"actor":"person:{person.pk}","agency":{agency.pk},"at":"2026-03-17T02:00:00.000000Z",'
        f'"content_hash":null,"facts":{{"é":[1,null]}},"key":null,"salt":"{row.salt.hex()}",'
        '"subject_id":"12","subject_type":"planning.plan","verb":"plan.approved"}'
    ).encode()
    assert canonical(row) == expected
    assert row.leaf_hash == hashlib.sha256(b"\x00" + expected).digest()


def test_it_hashes_the_same_after_the_database_had_it(agency):
    facts = {
        "ids": [3, 1],
        "big": 10**30,
        "ratio": 0.1,
        "money": Decimal("1.50"),
        "day": date(2026, 3, 27),
        "at": NOW,
        "ok": True,
        "none": None,
        "text": 'Ḍ "\\ \u2028',
        "deep": {"b": {"a": 1}},
        "set": {2, 1},
    }
    row = record(agency, "x.y", agency, by="system:test", now=NOW, facts=facts, content=b"words")
    fresh = Record.objects.get(pk=row.pk)
    assert leaf_hash(fresh) == row.leaf_hash == bytes(fresh.leaf_hash)
    assert json.loads(canonical(fresh))["facts"]["ratio"] == "0.1"
    assert bytes(fresh.content_hash) == content_hash(salt_of(fresh), b"words")
    assert Pending.objects.get().record_id == row.pk


def test_two_equal_facts_do_not_look_equal(agency):
    one, two = (record(agency, "x.y", agency, by="citizen", now=NOW) for _ in range(2))
    assert one.leaf_hash != two.leaf_hash


@pytest.mark.parametrize("facts", [{"x": object()}, {"x": b"bytes"}, {1: "x"}])
def test_facts_that_are_no_facts(agency, facts):
    with pytest.raises(TypeError):
        record(agency, "x.y", agency, by="citizen", now=NOW, facts=facts)


def test_somebody_must_have_done_it(agency):
    with pytest.raises(ValueError):
        record(agency, "x.y", agency, by="", now=NOW)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE archive_record SET actor = 'person:2'",
        "DELETE FROM archive_record",
        "TRUNCATE archive_record CASCADE",
        "DELETE FROM archive_leaf",
        "UPDATE archive_treehead SET size = 0",
        "TRUNCATE archive_leaf",
        "TRUNCATE archive_treehead",
    ],
)
@pytest.mark.parametrize("role", ["none", "tanggap_app", "tanggap_worker"])
def test_nobody_changes_or_removes_it(agency, sql, role):
    record(agency, "x.y", agency, by="citizen", now=NOW)
    seal(NOW)
    with (
        pytest.raises(Error, match=r"Cannot (update|delete|truncate)|permission denied") as caught,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"SET LOCAL ROLE {role}")
        cursor.execute(sql)
    assert ("permission denied" in str(caught.value)) == (role != "none")


def test_the_app_writes_only_for_its_own_agency(agency, other):
    scope = Scope(agency=agency, readable=frozenset({agency.pk}), writable=frozenset({agency.pk}))
    with enter(scope):
        record(agency, "x.y", agency, by="citizen", now=NOW, content=b"a", person_key="author:1")
    with pytest.raises(Error, match="row-level security"), enter(scope):
        record(other, "x.y", other, by="citizen", now=NOW)
