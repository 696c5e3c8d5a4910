"""Write a fact. The bytes that are hashed are described in docs/reference/records.md."""

from __future__ import annotations

import hmac
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection, models, transaction

from tanggap.archive import merkle
from tanggap.archive.models import PersonKey, Record
from tanggap.core import secrets
from tanggap.core.models import Agency, Person
from tanggap.core.recordset import recordset

SALT_BYTES = 16
BATCH = 1000
Subject = models.Model | tuple[str, object]

WRITTEN = (
    "agency_id",
    "at",
    "verb",
    "actor",
    "subject_type",
    "subject_id",
    "facts",
    "key_id",
    "salt",
    "content_hash",
    "leaf_hash",
)
# One statement: the facts, and their places in the sealer's queue. `{which}`: a condition on them.
WRITING = """
given AS (
  SELECT * FROM json_to_recordset(%s) AS one(
    agency_id bigint, at timestamptz, verb text, actor text, subject_type text, subject_id text,
    facts jsonb, key_id bigint, salt text, content_hash text, leaf_hash text)
), made AS (
  INSERT INTO archive_record (agency_id, at, verb, actor, subject_type, subject_id, facts, key_id,
                              salt, content_hash, leaf_hash)
  SELECT agency_id, at, verb, actor, subject_type, subject_id, facts, key_id,
         decode(salt, 'hex'), decode(content_hash, 'hex'), decode(leaf_hash, 'hex')
  FROM given WHERE {which}
  RETURNING id, agency_id
), waiting AS (
  INSERT INTO archive_pending (record_id, agency_id) SELECT id, agency_id FROM made
)
"""
WRITE = f"WITH {WRITING.format(which='true')} SELECT id FROM made ORDER BY id"


@dataclass(frozen=True, slots=True)
class Entry:
    """One fact about to be written, for `record_many`. With `key` the content is that person's."""

    agency_id: int
    verb: str
    subject: Subject
    facts: Mapping[str, Any] = field(default_factory=dict)
    content: bytes | None = None
    key: PersonKey | None = None


def record(
    agency: Agency,
    verb: str,
    subject: Subject,
    *,
    by: Person | str,
    now: datetime,
    facts: Mapping[str, Any] | None = None,
    content: bytes | None = None,
    person_key: str | None = None,
) -> Record:
    """Write one Record in the caller's transaction. Takes no lock.

    subject     a saved model instance, or (type, id)
    by          a Person, or the name of a machine or outsider: "system:listen", "citizen"
    facts       ids, counts, codes; never personal content
    content     what the fact speaks of; only its salted hash is kept. For a subject whose model
                defines `evidence()`, it must be exactly `subject.evidence()`: `archive verify`
                compares the two
    person_key  subject key of the person whose words the content is ("account:12:author:345"):
                the salt is locked with their key, so that erasing them leaves a hash that nobody
                can test a guess against
    """
    if content is not None and isinstance(subject, models.Model):
        evidence = getattr(subject, "evidence", None)
        if evidence is not None and evidence() != content:
            raise ValueError(f"{verb}: the content must be what {subject!r}.evidence() returns.")
    key = None
    if content is not None and person_key is not None:
        key = key_for(agency, person_key, now=now)
    row = _row(Entry(agency.pk, verb, subject, facts or {}, content), actor(by), now, key)
    _write([row])
    return row


def record_many(entries: Iterable[Entry], *, by: Person | str, now: datetime) -> list[Record]:
    """The same for many facts at once, in one statement for each thousand of them."""
    who = actor(by)
    rows = [_row(entry, who, now, entry.key) for entry in entries]
    if len(rows) <= BATCH:
        _write(rows)
    else:
        with transaction.atomic():
            for at in range(0, len(rows), BATCH):
                _write(rows[at : at + BATCH])
    return rows


def beside(
    entries: Iterable[Entry], which: str, *, by: Person | str, now: datetime
) -> tuple[str, str]:
    """Common table expressions that write these facts as part of another statement, and their one
    parameter. `which` is that statement's condition on `subject_id`: those that came true."""
    who = actor(by)
    rows = [_row(entry, who, now, entry.key) for entry in entries]
    return WRITING.format(which=which), recordset(rows, WRITTEN)


def actor(by: Person | str) -> str:
    """How a Record names who did it."""
    if isinstance(by, Person):
        if by.pk is None:
            raise ValueError("A person who is not saved cannot be put on record.")
        return f"person:{by.pk}"
    if not by:
        raise ValueError("A fact needs somebody who did it.")
    return by


def name_of(subject: Subject) -> tuple[str, str]:
    """("planning.plan", "12")."""
    if isinstance(subject, models.Model):
        if subject.pk is None:
            raise ValueError(f"{subject!r} must be saved before it is put on record.")
        return subject._meta.label_lower, str(subject.pk)
    return subject[0], str(subject[1])


# --- hashing ---------------------------------------------------------------------------------


def canonical(row: Record) -> bytes:
    """The exact bytes of a Record: JSON, keys sorted, no blanks, UTF-8."""
    return json.dumps(
        {
            "actor": row.actor,
            "agency": row.agency_id,
            "at": stamp(row.at),
            "content_hash": None if row.content_hash is None else bytes(row.content_hash).hex(),
            "facts": row.facts,
            "key": row.key_id,
            "salt": bytes(row.salt).hex(),
            "subject_id": row.subject_id,
            "subject_type": row.subject_type,
            "verb": row.verb,
        },
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    ).encode()


def leaf_hash(row: Record) -> bytes:
    return merkle.leaf(canonical(row))


def content_hash(salt: bytes, content: bytes) -> bytes:
    """HMAC-SHA256 of the content, keyed by the 16-byte salt in clear."""
    return hmac.digest(salt, content, "sha256")


def stamp(at: datetime) -> str:
    """2026-03-17T02:00:00.000000Z, always UTC, always microseconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def plain(value: Any) -> Any:
    """Facts as they come back from jsonb: text, whole numbers, true, false, null, lists, objects.

    Instants, days, decimals, floats and UUIDs become text; anything else is a TypeError.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value.value) if hasattr(value, "value") else str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float | Decimal | UUID):
        return str(value)
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        wrong = [key for key in value if not isinstance(key, str)]
        if wrong:
            raise TypeError(f"Names of facts must be text, not {wrong!r}.")
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(plain(part) for part in value)
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    raise TypeError(f"A fact cannot hold {type(value).__name__}: give an id, a count or a code.")


# --- keys of persons -------------------------------------------------------------------------


def key_for(agency: Agency, subject_key: str, *, now: datetime) -> PersonKey:
    """The living key of a person in an agency; made when there is none."""
    living = PersonKey.objects.filter(agency=agency, subject_key=subject_key, erased_at=None)
    key = living.first()
    if key is None:
        wrapped = secrets.seal(secrets.new_key(), _wrap_aad(agency.pk, subject_key))
        # Two writers at once: the database keeps one of the two.
        PersonKey.objects.bulk_create(
            [PersonKey(agency=agency, subject_key=subject_key, wrapped=wrapped, made_at=now)],
            ignore_conflicts=True,
        )
        key = living.get()
    return key


def keys_for(agency: Agency, names: Iterable[str], *, now: datetime) -> dict[str, PersonKey]:
    """The living keys of many persons by their subject key; made where there are none."""
    wanted = sorted(set(names))
    living = PersonKey.objects.filter(agency=agency, subject_key__in=wanted, erased_at=None)
    found = {key.subject_key: key for key in living}
    missing = [name for name in wanted if name not in found]
    if missing:
        PersonKey.objects.bulk_create(
            [
                PersonKey(
                    agency=agency,
                    subject_key=name,
                    wrapped=secrets.seal(secrets.new_key(), _wrap_aad(agency.pk, name)),
                    made_at=now,
                )
                for name in missing
            ],
            ignore_conflicts=True,
        )
        found = {key.subject_key: key for key in living.all()}
    return found


def unwrap(key: PersonKey) -> bytes:
    """The key itself, in memory only."""
    if key.wrapped is None:
        raise ValueError(f"{key} was erased.")
    return secrets.open_(bytes(key.wrapped), _wrap_aad(key.agency_id, key.subject_key))


def rewrap(key: PersonKey) -> bytes:
    """The wrapped key under the newest master key."""
    if key.wrapped is None:
        raise ValueError(f"{key} was erased.")
    return secrets.reseal(bytes(key.wrapped), _wrap_aad(key.agency_id, key.subject_key))


def salt_of(row: Record) -> bytes | None:
    """The salt in clear; None when the person's key was destroyed."""
    if row.key is None:
        return bytes(row.salt)
    if row.key.wrapped is None:
        return None
    return secrets.unlock(unwrap(row.key), bytes(row.salt), _salt_aad(row.key))


def _row(entry: Entry, who: str, now: datetime, key: PersonKey | None) -> Record:
    salt = os.urandom(SALT_BYTES)
    subject_type, subject_id = name_of(entry.subject)
    row = Record(
        agency_id=entry.agency_id,
        at=now,
        verb=entry.verb,
        actor=who,
        subject_type=subject_type,
        subject_id=subject_id,
        facts=plain(entry.facts),
        key=key,
        salt=salt if key is None else secrets.lock(unwrap(key), salt, _salt_aad(key)),
        content_hash=None if entry.content is None else content_hash(salt, entry.content),
    )
    row.leaf_hash = leaf_hash(row)
    return row


def _write(rows: Sequence[Record]) -> None:
    """Into the database, in their order; each gets its id."""
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(WRITE, [recordset(rows, WRITTEN)])
        for row, (pk,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk = pk
            row._state.adding, row._state.db = False, connection.alias


def _wrap_aad(agency_id: int, subject_key: str) -> bytes:
    return f"personkey:{agency_id}:{subject_key}".encode()


def _salt_aad(key: PersonKey) -> bytes:
    return f"salt:{key.agency_id}:{key.pk}".encode()
