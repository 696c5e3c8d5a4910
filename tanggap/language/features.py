"""Turns words into numbers: hashes of words, of pairs of words, and of pieces of words.

A hash has 32 bits and depends on nothing but the word, so a model trained today reads the words
of another machine. Tables of any size use the top bits of it.
"""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint32]
Longs = npt.NDArray[np.uint64]

SHORTEST, LONGEST = 2, 6
"""Pieces of words: this many letters, the space around a word being one."""

_PRIME = np.uint64(0x100000001B3)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_LEFT = np.uint64(0xD6E8FEB86659FD93)
_RIGHT = np.uint64(0xCA5A826395121157)
_HALF = np.uint64(32)


def word_hash(word: str) -> int:
    """A word alone; a pause (the empty word) is 0."""
    return (zlib.crc32(word.encode("utf-8", "replace")) or 1) if word else 0


def mixed(values: Longs) -> Hashes:
    """Any numbers, spread over 32 bits."""
    spread = values * _MIX
    spread ^= spread >> _HALF
    spread *= _LEFT
    return (spread >> _HALF).astype(np.uint32)


def pair_hashes(left: Longs, right: Longs) -> Hashes:
    """Two words beside each other."""
    spread = left * _LEFT + right * _RIGHT
    spread ^= spread >> _HALF
    spread *= _MIX
    return (spread >> _HALF).astype(np.uint32)


def piece_hashes(words: list[str]) -> tuple[Hashes, npt.NDArray[np.int64]]:
    """(hashes, whose) of all pieces of the words; `whose` is the index of the word."""
    spaced = [f" {word} ".encode("utf-8", "replace") for word in words]
    letters = np.frombuffer(b"".join(spaced), np.uint8).astype(np.uint64)
    lengths = np.fromiter(map(len, spaced), np.int64, len(spaced))
    owner = np.repeat(np.arange(len(words)), lengths)
    ends = np.cumsum(lengths)
    room = ends[owner] - np.arange(len(letters))
    rolling = letters + np.uint64(1)
    hashes, whose = [], []
    for size in range(2, LONGEST + 1):
        rolling = rolling[: len(letters) - size + 1] * _PRIME + letters[size - 1 :]
        if size < SHORTEST:
            continue
        inside = room[: len(rolling)] >= size
        hashes.append(mixed(rolling[inside] + np.uint64(size << 56)))
        whose.append(owner[: len(rolling)][inside])
    return np.concatenate(hashes), np.concatenate(whose)
