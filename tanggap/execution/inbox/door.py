"""Step 4: the door at which networks leave what they have for us. Verify, store, answer.

`knock` sees the raw bytes only: whether they are genuine is said by the channel, by the signature.
What is genuine is sealed and stored, once for the same body, and committed before the network gets
its answer; nothing is parsed here. What is not is counted and forgotten. arrivals.py does the work.
Bodies that wait at the same moment share one statement and one commit.
"""

from __future__ import annotations

import json
import secrets as random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.db import connection, transaction

from tanggap.accounts import connect
from tanggap.accounts.models import Account
from tanggap.archive.record import record
from tanggap.core import secrets
from tanggap.core.models import Person
from tanggap.execution.inbox.models import Door

MOST = 1 << 20
"""Bytes of one body; a larger one is turned away unread."""
HEADERS = ("content-type", "link", "content-language")
"""What is kept of a body's headers: what says how to read it."""
LONGEST = timedelta(days=90)
"""A promise of a network to send for longer is taken as this."""


@dataclass(frozen=True)
class Answer:
    """What the network is told: an HTTP status and a text."""

    status: int
    text: str = ""


NOBODY = Answer(404)


def open_door(
    account: Account, kept: Mapping[str, str], *, by: Person | str, now: datetime
) -> tuple[Door, dict[str, str]]:
    """A new door of the account, and what is kept for it: `kept`, by which the channel tells
    genuine bodies, and its "token", which nobody but the network learns. An older one is closed."""
    token = random.token_urlsafe(32)
    kept = {**kept, "token": token}
    with transaction.atomic():
        Door.objects.filter(account=account, closed_at=None).update(closed_at=now)
        door = Door.objects.create(
            agency_id=account.agency_id,
            account=account,
            token_hash=digest(token),
            sealed=seal(kept),
            opened_at=now,
        )
        record(
            account.agency,
            "account.door_opened",
            account,
            by=by,
            now=now,
            facts={"door": door.pk},
        )
    return door, kept


def close_door(account: Account, *, by: Person | str, now: datetime) -> bool:
    """Nothing more is taken. False when there was no open door."""
    with transaction.atomic():
        closed = Door.objects.filter(account=account, closed_at=None).update(closed_at=now)
        if closed:
            record(account.agency, "account.door_closed", account, by=by, now=now)
    return bool(closed)


@dataclass(frozen=True, slots=True)
class Knock:
    """A body that somebody brought to a door. Header names in small letters."""

    kind: str
    token: str
    headers: Mapping[str, str]
    body: bytes


def knock(knocks: Sequence[Knock], *, now: datetime) -> list[Answer]:
    """Bodies at doors: what is genuine is stored in one statement and one commit. An answer each:
    202 once it is stored, also when it was before; 403 when it is not genuine, 413 when it is too
    large, 404 where there is no such door."""
    answers = [NOBODY] * len(knocks)
    genuine: list[tuple[bytes, bytes, bytes, int]] = []
    refused: list[bytes] = []
    for at, one in enumerate(knocks):
        hashed = digest(one.token)
        found = _find(hashed, one.kind)
        if found is None:
            continue
        door, kept = found
        large = len(one.body) > MOST
        if large or not connect.genuine(one.kind, one.headers, one.body, kept):
            answers[at] = Answer(413 if large else 403)
            refused.append(hashed)
            continue
        head = {name: one.headers[name][:1000] for name in HEADERS if name in one.headers}
        locked = secrets.seal(json.dumps(head).encode() + b"\n" + one.body, body_aad(door))
        genuine.append((hashed, sha256(one.body).digest(), locked, at))
    # In one order for everybody, so that two who bring the same bodies never wait for each other.
    genuine.sort()
    for at, open_ in _run(TAKE, [list(part) for part in zip(*genuine, strict=True)], now):
        if open_:
            answers[at] = Answer(202)
        else:
            # It was closed since we looked.
            _known.pop(digest(knocks[at].token), None)
    # Last: what is asked again because the database went away counts no refusal twice.
    _run(REFUSE, [sorted(refused)] if refused else [], now)
    return answers


def asked(kind: str, token: str, query: Mapping[str, str], *, now: datetime) -> Answer:
    """A network asks whether a subscription is ours: the text that it wants to hear, or 404."""
    hashed = digest(token)
    _known.pop(hashed, None)
    found = _find(hashed, kind)
    said = connect.welcome(kind, query, found[1]) if found is not None else None
    if said is None:
        return NOBODY
    until = now + min(timedelta(seconds=max(0, min(said.lease_s, 10**9))), LONGEST)
    with connection.cursor() as cursor:
        cursor.execute("SELECT inbox_door_lease(%s, %s)", [hashed, until])
    return Answer(200, said.text)


def reseal(now: datetime) -> int:
    """Seal what the open doors hold under the newest master key (key rotation). How many changed;
    bodies that wait are worked on within seconds."""
    changed = 0
    with transaction.atomic():
        for row in Door.objects.filter(closed_at=None).select_for_update():
            fresh = secrets.reseal(bytes(row.sealed), b"door")
            if fresh != bytes(row.sealed):
                changed += Door.objects.filter(pk=row.pk).update(sealed=fresh)
    return changed


def digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogatepass")).digest()


def seal(kept: Mapping[str, str]) -> bytes:
    return secrets.seal(json.dumps(dict(kept), sort_keys=True).encode(), b"door")


def unseal(sealed: bytes) -> dict[str, str]:
    return dict(json.loads(secrets.open_(sealed, b"door")))


def body_aad(door: int) -> bytes:
    return f"arrival:{door}".encode()


# What stands at a door never changes, and whether it is open is asked again on taking: each process
# looks a door up once.
_known: dict[bytes, tuple[int, str, dict[str, str]]] = {}
KNOWN = 256


def _find(hashed: bytes, kind: str) -> tuple[int, dict[str, str]] | None:
    found = _known.get(hashed)
    if found is None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT door, channel, sealed FROM inbox_door_find(%s)", [hashed])
            row = cursor.fetchone()
        if row is None:
            return None
        if len(_known) >= KNOWN:
            _known.clear()
        found = _known[hashed] = (int(row[0]), str(row[1]), unseal(bytes(row[2])))
    return (found[0], found[2]) if found[1] == kind else None


TAKE = """
SELECT k.number, inbox_door_take(k.asked, k.given, k.body, %s)
FROM unnest(%s::bytea[], %s::bytea[], %s::bytea[], %s::int[]) AS k (asked, given, body, number)
"""
REFUSE = "SELECT 0, inbox_door_refuse(k.asked, %s) FROM unnest(%s::bytea[]) AS k (asked)"


def _run(sql: str, columns: Sequence[list[Any]], now: datetime) -> list[tuple[int, Any]]:
    """One statement over columns of equal length; none where there is nothing."""
    if not columns:
        return []
    with connection.cursor() as cursor:
        cursor.execute(sql, [now, *columns])
        found: list[tuple[int, Any]] = cursor.fetchall()
    return found
