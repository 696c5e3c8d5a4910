"""The Merkle tree of RFC 6962 (sections 2.1 to 2.1.2), in plain Python over bytes.

`root` and the proofs ask for hashes through `subtree(level, index)`: the hash of the whole
subtree of 2**level leaves that begins at leaf index * 2**level. The caller decides where these
come from; nothing here reads a database.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

Subtree = Callable[[int, int], bytes]

EMPTY = sha256(b"").digest()


def leaf(data: bytes) -> bytes:
    """MTH({d}) = SHA-256(0x00 || d)."""
    return sha256(b"\x00" + data).digest()


def parent(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: roots of its whole subtrees, largest first."""

    def __init__(self) -> None:
        self.size = 0
        self.peaks: list[bytes] = []

    def append(self, leaf_hash: bytes) -> None:
        self.peaks.append(leaf_hash)
        size = self.size
        while size & 1:
            right = self.peaks.pop()
            self.peaks[-1] = parent(self.peaks[-1], right)
            size >>= 1
        self.size += 1

    def root(self) -> bytes:
        if not self.peaks:
            return EMPTY
        result = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            result = parent(peak, result)
        return result


def fold(hashes: Sequence[bytes]) -> bytes:
    """Root of a power-of-two number of neighbours."""
    row = list(hashes)
    while len(row) > 1:
        row = [parent(row[n], row[n + 1]) for n in range(0, len(row), 2)]
    return row[0]


def split(size: int) -> int:
    """The largest power of two below `size` (RFC 6962's k)."""
    return 1 << ((size - 1).bit_length() - 1)


def range_root(start: int, stop: int, subtree: Subtree) -> bytes:
    """MTH(D[start:stop]); `start` is a multiple of a power of two that covers the range."""
    size = stop - start
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return subtree(level, start >> level)
    middle = start + split(size)
    return parent(range_root(start, middle, subtree), range_root(middle, stop, subtree))


def inclusion(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """PATH(index, D[size]): siblings from the leaf up."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    path: list[bytes] = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + split(stop - start)
        if index < middle:
            path.append(range_root(middle, stop, subtree))
            stop = middle
        else:
            path.append(range_root(start, middle, subtree))
            start = middle
    path.reverse()
    return path


def root_from_inclusion(index: int, size: int, leaf_hash: bytes, path: Sequence[bytes]) -> bytes:
    """The root that a proof leads to (RFC 9162, 2.1.3.2). Raises ValueError on a wrong length."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    fn, sn, result = index, size - 1, leaf_hash
    for sibling in path:
        if sn == 0:
            raise ValueError("the proof is too long")
        if fn & 1 or fn == sn:
            result = parent(sibling, result)
            while fn and not fn & 1:
                fn >>= 1
                sn >>= 1
        else:
            result = parent(result, sibling)
        fn >>= 1
        sn >>= 1
    if sn:
        raise ValueError("the proof is too short")
    return result


def consistency(old: int, new: int, subtree: Subtree) -> list[bytes]:
    """PROOF(old, D[new]) for 0 < old <= new."""
    if not 0 < old <= new:
        raise ValueError(f"no consistency proof from {old} to {new}")
    path: list[bytes] = []
    start, stop, whole = 0, new, True
    while old != stop:
        middle = start + split(stop - start)
        if old <= middle:
            path.append(range_root(middle, stop, subtree))
            stop = middle
        else:
            path.append(range_root(start, middle, subtree))
            start, whole = middle, False
    if not whole:
        path.append(range_root(start, stop, subtree))
    path.reverse()
    return path


def is_consistent(
    old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> bool:
    """True when the tree of `new` leaves begins with the tree of `old` (RFC 9162, 2.1.4.2)."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not path and old_root == new_root
    nodes = list(path)
    if old & (old - 1) == 0:
        nodes.insert(0, old_root)
    if not nodes:
        return False
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn >>= 1
        sn >>= 1
    first = second = nodes[0]
    for node in nodes[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            first, second = parent(node, first), parent(node, second)
            while fn and not fn & 1:
                fn >>= 1
                sn >>= 1
        else:
            second = parent(second, node)
        fn >>= 1
        sn >>= 1
    return sn == 0 and first == old_root and second == new_root
