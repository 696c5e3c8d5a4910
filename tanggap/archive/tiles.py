"""Hashes of whole subtrees, read from the log: 256 neighbours at a time, tier upon tier.

Tier 0 are the leaves; a Node of tier t covers 256 of tier t-1. A log of n leaves keeps n/255
nodes, and any proof reads a few rows of 256 hashes.
"""

from __future__ import annotations

from tanggap.archive.merkle import EMPTY, fold, parent
from tanggap.archive.models import Leaf, Node

WIDTH, BITS = 256, 8


def hashes(agency_id: int, tier: int, start: int, stop: int) -> list[bytes]:
    """Hashes [start, stop) of a tier. Raises LookupError when the log has a gap there."""
    if start >= stop:
        return []
    if tier == 0:
        found = list(
            Leaf.objects.filter(agency_id=agency_id, index__gte=start, index__lt=stop)
            .order_by("index")
            .values_list("leaf_hash", flat=True)
        )
    else:
        found = list(
            Node.objects.filter(agency_id=agency_id, tier=tier, index__gte=start, index__lt=stop)
            .order_by("index")
            .values_list("hash", flat=True)
        )
    if len(found) != stop - start:
        raise LookupError(f"The log of agency {agency_id} has a gap in tier {tier}.")
    return [bytes(one) for one in found]


class Stored:
    """`subtree(level, index)` for merkle.py, from the rows of one agency's log."""

    def __init__(self, agency_id: int) -> None:
        self.agency_id = agency_id
        self.rows: dict[tuple[int, int, int], list[bytes]] = {}

    def __call__(self, level: int, index: int) -> bytes:
        tier, rest = divmod(level, BITS)
        start = index << rest
        place = (tier, start, start + (1 << rest))
        if place not in self.rows:
            self.rows[place] = hashes(self.agency_id, *place)
        return fold(self.rows[place])


class Edge:
    """The right edge of a growing log: in each tier, the hashes that do not yet fill a node."""

    def __init__(self, agency_id: int, size: int) -> None:
        self.agency_id, self.size = agency_id, size
        self.tails: list[list[bytes]] = []
        count, tier = size, 0
        while count:
            self.tails.append(hashes(agency_id, tier, count - count % WIDTH, count))
            count //= WIDTH
            tier += 1

    def append(self, leaf_hash: bytes) -> list[Node]:
        """Take one leaf; returns the nodes that it completed, to be stored."""
        made: list[Node] = []
        self.size += 1
        tier, current = 0, leaf_hash
        while True:
            if tier == len(self.tails):
                self.tails.append([])
            self.tails[tier].append(current)
            if len(self.tails[tier]) < WIDTH:
                return made
            current = fold(self.tails[tier])
            self.tails[tier] = []
            tier += 1
            index = (self.size >> (BITS * tier)) - 1
            made.append(Node(agency_id=self.agency_id, tier=tier, index=index, hash=current))

    def root(self) -> bytes:
        peaks: list[bytes] = []
        for tail in reversed(self.tails):
            start = 0
            for bit in reversed(range(BITS)):
                if len(tail) & (1 << bit):
                    peaks.append(fold(tail[start : start + (1 << bit)]))
                    start += 1 << bit
        if not peaks:
            return EMPTY
        result = peaks[-1]
        for peak in reversed(peaks[:-1]):
            result = parent(peak, result)
        return result
