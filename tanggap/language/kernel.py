"""Loads the compiled inner loops of `reader.py` (`kernel.c`), where installing could compile them.

Without a compiler Tanggap installs and reads the same; NumPy does the sums, several times slower.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tanggap.language import features, normalise

Floats = npt.NDArray[np.float32]
Hashes = npt.NDArray[np.uint32]
Longs = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]
WORD, PIECE, PAIR = range(3)


class Tables(Protocol):
    """What the kernel asks of a group of heads; see `reader.Group`."""

    @property
    def words(self) -> Floats: ...
    @property
    def pieces(self) -> Floats: ...
    @property
    def pairs(self) -> bool: ...
    @property
    def width(self) -> int: ...


class _Group(ctypes.Structure):
    _fields_ = [
        ("words", ctypes.c_void_p),
        ("pieces", ctypes.c_void_p),
        ("word_bits", ctypes.c_int64),
        ("piece_bits", ctypes.c_int64),
        ("width", ctypes.c_int64),
        ("pairs", ctypes.c_int64),
    ]


class _Model(ctypes.Structure):
    _fields_ = [
        ("groups", ctypes.c_void_p),
        ("count", ctypes.c_int64),
        ("width", ctypes.c_int64),
        ("slang", ctypes.c_void_p),
        ("slang_count", ctypes.c_int64),
        ("caps", ctypes.c_uint64),
        ("seed", ctypes.c_uint64),
        ("shortest", ctypes.c_int64),
        ("longest", ctypes.c_int64),
        ("longest_chunk", ctypes.c_int64),
    ]


@cache
def library() -> Any:
    """The compiled loops, or None."""
    for suffix in EXTENSION_SUFFIXES:
        path = Path(__file__).with_name(f"_kernel{suffix}")
        if path.is_file():
            try:
                return ctypes.CDLL(str(path))
            except OSError:
                return None
    return None


class Kernel:
    """The loops over one model's tables. They change nothing but the arrays that they are given."""

    def __init__(self, groups: Sequence[Tables], seed: int, longest_chunk: int) -> None:
        self._loops = library()
        self._held: list[Any] = [np.ascontiguousarray(one.words) for one in groups]
        self._held += [np.ascontiguousarray(one.pieces) for one in groups]
        told = (_Group * len(groups))()
        for at, one in enumerate(groups):
            words, pieces = self._held[at], self._held[len(groups) + at]
            told[at] = _Group(
                words.ctypes.data,
                pieces.ctypes.data,
                (len(words) - 1).bit_length() - 1,
                (len(pieces) - 1).bit_length() - 1,
                one.width,
                one.pairs,
            )
        slang = np.unique(
            np.array([features.word_hash(word) for word in normalise.slang()], np.uint32)
        )
        self._held += [told, slang]
        self._model = _Model(
            ctypes.addressof(told),
            len(groups),
            sum(one.width for one in groups),
            slang.ctypes.data,
            len(slang),
            features.word_hash("^caps"),
            seed,
            features.SHORTEST,
            features.LONGEST,
            longest_chunk,
        )

    def sums(self, numbers: Ints, rows: Floats, first: Longs, last: Longs, found: Floats) -> None:
        """One row a text into `found`; see `Reader.sums`."""
        self._loops.tanggap_sums(
            ctypes.byref(self._model),
            _at(numbers),
            ctypes.c_int64(len(numbers)),
            _at(rows),
            _at(first),
            _at(last),
            _at(found),
        )

    def learn(
        self, chunks: Sequence[str], rows: Floats, first: Longs, last: Longs
    ) -> npt.NDArray[np.bool_]:
        """Weigh what is plain letters, into rows of zeros; says which chunks that were."""
        spelled = [chunk.encode("utf-8", "replace") for chunk in chunks]
        ends = np.cumsum(np.fromiter(map(len, spelled), np.int64, len(spelled)))
        done = np.zeros(len(chunks), np.bool_)
        self._loops.tanggap_learn(
            ctypes.byref(self._model),
            b"".join(spelled),
            _at(ends),
            ctypes.c_int64(len(chunks)),
            _at(rows),
            _at(first),
            _at(last),
            _at(done),
        )
        return done

    def add(self, rows: Floats, hashes: Hashes, whose: Ints, kind: int) -> None:
        """Add what each feature weighs to the row of its owner."""
        hashes, whose = np.ascontiguousarray(hashes), np.ascontiguousarray(whose)
        self._loops.tanggap_add(
            ctypes.byref(self._model),
            _at(rows),
            _at(hashes),
            _at(whose),
            ctypes.c_int64(len(hashes)),
            ctypes.c_int64(kind),
        )


def _at(array: npt.NDArray[Any]) -> ctypes.c_void_p:
    assert array.flags.c_contiguous
    return ctypes.c_void_p(array.ctypes.data)
