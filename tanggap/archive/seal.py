"""The sealer: append what was recorded to each agency's log and sign the new head.

The worker calls `seal` every two seconds, outside any transaction. Writers never wait for it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import connection, transaction

from tanggap.archive import anchor, head
from tanggap.archive.models import Leaf, Node, Pending, TreeHead
from tanggap.archive.tiles import Edge

# First half of the advisory lock's key; the agency is the second.
LOCK = 0x7A4C
BATCH = 5000

# One statement: takes the oldest waiting records out of the queue and gives each its place.
APPEND = """
WITH waiting AS (
  DELETE FROM archive_pending WHERE record_id IN (
    SELECT record_id FROM archive_pending WHERE agency_id = %(agency)s
    ORDER BY record_id LIMIT %(batch)s)
  RETURNING record_id
), appended AS (
  INSERT INTO archive_leaf (agency_id, index, record_id, leaf_hash)
  SELECT %(agency)s, %(size)s + row_number() OVER (ORDER BY record.id) - 1, record.id,
         record.leaf_hash
  FROM waiting JOIN archive_record record ON record.id = waiting.record_id
  RETURNING index, leaf_hash
)
SELECT leaf_hash FROM appended ORDER BY index
"""


class LogChanged(Exception):
    """The stored log no longer gives the root that was signed. Nothing is sealed on top of it."""


def seal(now: datetime, progress: Callable[[int], None] | None = None) -> dict[int, int]:
    """Seal everything that waits. Returns the new size of each log that grew, by agency id.

    An agency that another sealer holds is left to it. `progress` is told how many records were
    sealed so far. Raises LogChanged, after sealing the other agencies, when a log was tampered
    with: run `tanggap archive verify`.
    """
    grown: dict[int, int] = {}
    changed: list[str] = []
    done = 0
    waiting = Pending.objects.order_by("agency_id").values_list("agency_id", flat=True).distinct()
    for agency_id in list(waiting):
        try:
            while size := _seal_some(agency_id, now):
                done += size - grown.get(agency_id, size)
                grown[agency_id] = size
                if progress:
                    progress(done)
        except LogChanged as error:
            changed.append(str(error))
    anchor.catch_up(set(grown))
    if changed:
        raise LogChanged(" ".join(changed))
    return grown


def _seal_some(agency_id: int, now: datetime) -> int:
    """Append one batch; returns the log's new size, or 0 when nothing was to be done."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [LOCK, agency_id])
            if not cursor.fetchone()[0]:
                return 0
        edge = _edge(agency_id)
        with connection.cursor() as cursor:
            cursor.execute(APPEND, {"agency": agency_id, "size": edge.size, "batch": BATCH})
            fresh = [bytes(row[0]) for row in cursor.fetchall()]
        if not fresh:
            return 0
        nodes: list[Node] = []
        for leaf_hash in fresh:
            nodes += edge.append(leaf_hash)
        Node.objects.bulk_create(nodes)
        signed = head.sign(agency_id, edge.size, edge.root(), now)
        TreeHead.objects.create(
            agency_id=agency_id,
            size=signed.size,
            root_hash=signed.root,
            at=now,
            signer=signed.signer,
            signature=signed.signature,
        )
    return edge.size


def _edge(agency_id: int) -> Edge:
    """Where the log ends now; refuses to build on an end that was not signed."""
    last = TreeHead.objects.filter(agency_id=agency_id).order_by("-size").first()
    size = last.size if last else 0
    try:
        edge = Edge(agency_id, size)
    except LookupError as error:
        raise LogChanged(f"{error} Run: tanggap archive verify") from error
    beyond = Leaf.objects.filter(agency_id=agency_id, index__gte=size).exists()
    if beyond or (last and edge.root() != bytes(last.root_hash)):
        raise LogChanged(
            f"The log of agency {agency_id} is not what was signed at {size} records. "
            "Run: tanggap archive verify"
        )
    return edge
