"""Finds texts that are copies of each other, with a word changed here and there. NumPy, in bulk.

Five-letter shingles of the bare letters, hashed; the least hash of each of 64 bins is a text's
signature (one permutation, empty bins borrowing from their neighbours). Texts that agree in four
bins of a band are compared shingle by shingle, and are copies where 60 % are shared.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tanggap.language.features import mixed

BINS, BAND = 64, 4
SHINGLE = 5
LIKE = 0.6
AT_ONCE = 2048
_EMPTY = np.uint32(0xFFFFFFFF)
_BORROWED = np.uint32(0x01000193)
_PRIME = np.uint64(0x100000001B3)
_SPACE = 32

# Letters of any script and digits stay, all else is a space. Byte by byte, after lower().
_KEEP = np.full(256, _SPACE, np.uint8)
for _sign in b"abcdefghijklmnopqrstuvwxyz0123456789":
    _KEEP[_sign] = _sign
_KEEP[128:] = np.arange(128, 256)
_END = 1

Hashes = npt.NDArray[np.uint32]
Ints = npt.NDArray[np.int64]


def groups(texts: Sequence[str]) -> list[list[int]]:
    """Indices of texts that are copies of each other, two or more together, in order."""
    leader = leaders(texts)
    together: dict[int, list[int]] = {}
    for at, first in enumerate(leader.tolist()):
        together.setdefault(first, []).append(at)
    return [found for found in together.values() if len(found) > 1]


def leaders(texts: Sequence[str]) -> Ints:
    """For each text the index of the first text of its group; its own when it has no copy."""
    shingles: list[Hashes] = []
    starts: list[Ints] = []
    signs = []
    for at in range(0, len(texts), AT_ONCE):
        hashes, ends, signature = _read(texts[at : at + AT_ONCE])
        starts.append(ends + sum(map(len, shingles)))
        shingles.append(hashes)
        signs.append(signature)
    if not signs:
        return np.zeros(0, np.int64)
    flat = np.concatenate(shingles)
    bounds = np.concatenate([[0], *starts])
    signature = np.concatenate(signs)
    leader = np.arange(len(texts))
    for band in range(0, BINS, BAND):
        part = signature[:, band : band + BAND].astype(np.uint64)
        keys = part[:, 0]
        for column in range(1, BAND):
            keys = keys * _PRIME + part[:, column]
        keys = np.where((part == _EMPTY).all(axis=1), np.arange(len(texts), dtype=np.uint64), keys)
        order = np.argsort(keys, kind="stable")
        same = np.flatnonzero(keys[order][1:] == keys[order][:-1])
        for left, right in zip(order[same].tolist(), order[same + 1].tolist(), strict=True):
            first, second = _top(leader, left), _top(leader, right)
            if first != second and _alike(flat, bounds, left, right):
                leader[max(first, second)] = min(first, second)
    for at in range(len(leader)):
        leader[at] = _top(leader, at)
    return leader


def _read(texts: Sequence[str]) -> tuple[Hashes, Ints, Hashes]:
    """(shingles of all texts, where each text's end, signatures)."""
    raw = "\x01".join([*(text.lower() for text in texts), ""]).encode("utf-8", "replace")
    letters = np.frombuffer(raw, np.uint8)
    ends = letters == _END
    if int(ends.sum()) != len(texts):  # a text holds the sign that parts them
        raw = "\x01".join([*(text.lower().replace("\x01", " ") for text in texts), ""]).encode(
            "utf-8", "replace"
        )
        letters = np.frombuffer(raw, np.uint8)
        ends = letters == _END
    plain = _KEEP[letters]
    plain[ends] = _END
    # One space between words, no letter more than twice.
    twice = np.zeros(len(plain), bool)
    twice[1:] = (plain[1:] == plain[:-1]) & ((plain[1:] == _SPACE) | ~ends[1:])
    thrice = twice.copy()
    thrice[1:] &= twice[:-1] | (plain[1:] == _SPACE)
    thrice[ends] = False
    plain = plain[~thrice]
    stops = np.flatnonzero(plain == _END)
    owner = np.repeat(np.arange(len(texts)), np.diff(np.concatenate([[-1], stops])))
    wide = plain.astype(np.uint64)
    if len(wide) <= SHINGLE:
        wide = np.concatenate([wide, np.zeros(SHINGLE, np.uint64)])
    rolling = wide
    for size in range(2, SHINGLE + 1):
        rolling = rolling[: len(wide) - size + 1] * _PRIME + wide[size - 1 :]
    count = min(len(rolling), len(owner) - SHINGLE + 1) if len(owner) >= SHINGLE else 0
    rolling = rolling[:count]
    inside = owner[:count] == owner[SHINGLE - 1 : SHINGLE - 1 + count]
    inside &= plain[SHINGLE - 1 : SHINGLE - 1 + count] != _END
    hashes = mixed(rolling[inside])
    whose = owner[:count][inside]
    signature = np.full(len(texts) * BINS, _EMPTY, np.uint32)
    np.minimum.at(signature, whose * BINS + (hashes & np.uint32(BINS - 1)), hashes >> np.uint32(6))
    return (
        hashes,
        np.searchsorted(whose, np.arange(len(texts)), side="right"),
        _filled(signature.reshape(len(texts), BINS)),
    )


def _filled(signature: Hashes) -> Hashes:
    step = 1
    while step < BINS:
        empty = signature == _EMPTY
        if not empty.any():
            break
        lent = np.roll(signature, -step, axis=1)
        signature = np.where(
            empty & (lent != _EMPTY), lent + _BORROWED * np.uint32(step), signature
        )
        step *= 2
    return signature


def _top(leader: Ints, at: int) -> int:
    while leader[at] != at:
        at = int(leader[at])
    return at


def _alike(flat: Hashes, bounds: Ints, left: int, right: int) -> bool:
    mine = set(flat[bounds[left] : bounds[left + 1]].tolist())
    other = set(flat[bounds[right] : bounds[right + 1]].tolist())
    return bool(mine) and len(mine & other) >= LIKE * len(mine | other)
