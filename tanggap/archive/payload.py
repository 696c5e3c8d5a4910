"""Content under a key per person: kept word for word, erasable without breaking the proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.db import transaction

from tanggap.archive.models import Payload, PersonKey
from tanggap.archive.record import key_for, record, unwrap
from tanggap.core import secrets
from tanggap.core.models import Agency, Person


class Erased(Exception):
    """The person's key was destroyed; the content cannot be read by anybody any more."""


def store(agency: Agency, subject_key: str, content: bytes, *, now: datetime) -> Payload:
    """Lock `content` with the key of `subject_key` (made when there is none) and keep it.

    Put `fact(payload)` into the facts of the Record that speaks of it: the log then vouches for
    the locked bytes too.
    """
    key = key_for(agency, subject_key, now=now)
    locked = secrets.lock(unwrap(key), content, _aad(key))
    return Payload.objects.create(
        agency=agency, key=key, locked=locked, sha256=sha256(locked).digest(), stored_at=now
    )


def store_many(
    agency: Agency,
    contents: Sequence[tuple[str, bytes]],
    keys: Mapping[str, PersonKey],
    *,
    now: datetime,
) -> list[Payload]:
    """The same for many contents of (subject key, bytes), in one INSERT and in their order. `keys`
    are theirs, from `record.keys_for`."""
    rows = []
    for name, content in contents:
        key = keys[name]
        locked = secrets.lock(unwrap(key), content, _aad(key))
        rows.append(
            Payload(
                agency=agency, key=key, locked=locked, sha256=sha256(locked).digest(), stored_at=now
            )
        )
    return Payload.objects.bulk_create(rows)


def fact(payload: Payload) -> dict[str, object]:
    """What a Record says about a payload: its id and the SHA-256 of its locked bytes (hex)."""
    return {"payload": payload.pk, "payload_sha256": bytes(payload.sha256).hex()}


def read(payload: Payload) -> bytes:
    """The content. Raises Erased, or SecretsError when the stored bytes were changed."""
    if payload.key.wrapped is None:
        raise Erased(f"Payload {payload.pk} was erased at {payload.key.erased_at}.")
    return secrets.unlock(unwrap(payload.key), bytes(payload.locked), _aad(payload.key))


def unsealed(vouched: Mapping[str, Any]) -> bytes:
    """The content of the payload that a `fact` names. Raises as `read`, also where the locked bytes
    are not those that the fact vouches for."""
    found = Payload.objects.select_related("key").get(pk=vouched["payload"])
    if sha256(bytes(found.locked)).hexdigest() != vouched["payload_sha256"]:
        raise secrets.SecretsError(f"Payload {found.pk} holds other bytes than were approved.")
    return read(found)


def erase(
    agency: Agency, subject_key: str, *, by: Person | str, now: datetime, reason: str
) -> PersonKey | None:
    """Destroy the person's key, on record. None when there is no living key.

    `reason` is a code ("request", "retention"), never words about the person. Rows of later
    stages that hold the words in clear are emptied by the verb that calls this one.
    """
    with transaction.atomic():
        key = (
            PersonKey.objects.select_for_update()
            .filter(agency=agency, subject_key=subject_key, erased_at=None)
            .first()
        )
        if key is None:
            return None
        key.wrapped, key.erased_at = None, now
        key.save(update_fields=["wrapped", "erased_at"])
        record(agency, "person.erased", key, by=by, now=now, facts={"reason": reason})
    return key


def _aad(key: PersonKey) -> bytes:
    return f"payload:{key.agency_id}:{key.pk}".encode()
