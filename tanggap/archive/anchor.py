"""Signed tree heads outside the database: one JSON line each, in a file that only grows.

Whoever changes the database and even drops its heads still faces these. Copy the file to another
machine now and then (docs/how-to/backup.md); `archive verify` reads it in full.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db.models import Max

from tanggap.archive.head import Head
from tanggap.archive.models import TreeHead


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file: `head` is None when it cannot be read as one."""

    number: int
    head: Head | None


@dataclass(slots=True)
class _Seen:
    """How far this process has read the file, and the largest size of each agency in it."""

    inode: int
    offset: int
    sizes: dict[int, int]


_seen: dict[Path, _Seen] = {}


def catch_up(agency_ids: set[int] | None = None) -> int:
    """Append every head that the file lacks; returns how many. None means all agencies.

    A crash between the commit of a head and this, or a write that failed (a full disk), leaves a
    gap that the next call closes, whatever agencies that call is for.
    """
    path = Path(settings.ANCHOR_FILE)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        # Put back when all went well: a call that fails leaves nothing known, so that the next one
        # reads the file anew and looks for gaps of all agencies.
        found, known = os.fstat(file.fileno()), _seen.pop(path, None)
        # A file that was set aside or cut is read anew.
        if known and (known.inode, True) == (found.st_ino, found.st_size >= known.offset):
            first, seen = False, known
        else:
            first, seen = True, _Seen(found.st_ino, 0, {})
        file.seek(seen.offset)
        torn = b""
        for raw in file:
            head = _parse(raw)
            if not raw.endswith(b"\n"):
                # Read again until somebody has ended it: the next line must not be glued to it.
                torn = raw
            else:
                seen.offset += len(raw)
            if head:
                seen.sizes[head.agency_id] = max(seen.sizes.get(head.agency_id, 0), head.size)
        # After the first reading in this process, gaps of all agencies are closed.
        heads = list(_missing(seen.sizes, None if first else agency_ids))
        fresh = b"".join(_line(head) for head in heads)
        if fresh:
            file.write(b"\n" + fresh if torn else fresh)
            file.flush()
            os.fsync(file.fileno())
            seen.offset += len(fresh) + (len(torn) + 1 if torn else 0)
            for head in heads:
                seen.sizes[head.agency_id] = max(seen.sizes.get(head.agency_id, 0), head.size)
        _seen[path] = seen
    return len(heads)


def lines() -> Iterator[Line]:
    """Every line of the file; nothing when there is no file."""
    path = Path(settings.ANCHOR_FILE)
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            if raw.strip():
                yield Line(number, _parse(raw))


def _missing(sizes: dict[int, int], agency_ids: set[int] | None) -> Iterator[Head]:
    heads = TreeHead.objects.all()
    if agency_ids is not None:
        heads = heads.filter(agency_id__in=agency_ids)
    newest = heads.order_by("agency_id").values_list("agency_id").annotate(newest=Max("size"))
    for agency_id, size in newest:
        anchored = sizes.get(agency_id, 0)
        if size > anchored:
            rows = TreeHead.objects.filter(agency_id=agency_id, size__gt=anchored)
            for row in rows.order_by("size").iterator():
                yield Head.of(row)


def _line(head: Head) -> bytes:
    body = {**head.said(), "signer": head.signer, "signature": head.signature.hex()}
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def _parse(raw: bytes) -> Head | None:
    try:
        body = json.loads(raw)
        return Head(
            agency_id=int(body["agency"]),
            size=int(body["size"]),
            root=bytes.fromhex(body["root"]),
            at=str(body["at"]),
            signer=str(body["signer"]),
            signature=bytes.fromhex(body["signature"]),
        )
    except (ValueError, KeyError, TypeError):
        return None
