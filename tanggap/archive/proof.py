"""Proofs that anybody can check without our database: this record is in the log, and the log
of yesterday is the beginning of today's."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from tanggap.archive import merkle
from tanggap.archive.head import Head
from tanggap.archive.models import Leaf, Record, TreeHead
from tanggap.archive.record import canonical
from tanggap.archive.tiles import Stored


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Record bytes, place, siblings from the leaf up, and the signed head that they lead to."""

    data: bytes
    index: int
    path: tuple[bytes, ...]
    head: Head


@dataclass(frozen=True, slots=True)
class Consistency:
    """Two signed heads and the hashes that lead from one to the other."""

    old: Head
    new: Head
    path: tuple[bytes, ...]


class NotSealed(Exception):
    """The record was written a moment ago; its proof is ready when the sealer has passed."""


def inclusion(record: Record) -> Inclusion:
    """The proof for one record under the newest signed head. Raises NotSealed."""
    leaf = Leaf.objects.filter(record=record).first()
    newest = _heads(record.agency_id).order_by("-size").first()
    if leaf is None or newest is None or leaf.index >= newest.size:
        raise NotSealed(f"Record {record.pk} waits for the sealer.")
    path = merkle.inclusion(leaf.index, newest.size, Stored(record.agency_id))
    return Inclusion(canonical(record), leaf.index, tuple(path), Head.of(newest))


def check(proof: Inclusion) -> bool:
    """True when the record bytes are in the log of a head that our key signed."""
    try:
        root = merkle.root_from_inclusion(
            proof.index, proof.head.size, merkle.leaf(proof.data), proof.path
        )
    except ValueError:
        return False
    return root == proof.head.root and proof.head.is_genuine()


def consistency(agency_id: int, old: int, new: int) -> Consistency:
    """The proof between the heads of two sizes. Raises TreeHead.DoesNotExist."""
    first, second = _heads(agency_id).get(size=old), _heads(agency_id).get(size=new)
    path = merkle.consistency(old, new, Stored(agency_id))
    return Consistency(Head.of(first), Head.of(second), tuple(path))


def check_consistency(proof: Consistency) -> bool:
    """True when both heads are signed and the newer log begins with the older one."""
    return (
        proof.old.agency_id == proof.new.agency_id
        and proof.old.is_genuine()
        and proof.new.is_genuine()
        and merkle.is_consistent(
            proof.old.size, proof.new.size, proof.old.root, proof.new.root, proof.path
        )
    )


def _heads(agency_id: int) -> QuerySet[TreeHead]:
    return TreeHead.objects.filter(agency_id=agency_id)
