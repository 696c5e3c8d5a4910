"""Loads the compiled inner loops of `reader.py` (`kernel.c`), where installing could compile them.

Without a compiler Tanggap installs and reads the same; NumPy does the sums, several times slower.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from tanggap.language import features, normalise

Floats = npt.NDArray[np.float32]
Hashes = npt.NDArray[np.uint32]
Longs = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int8]
Rare = npt.NDArray[np.uint16]
LINE = 64
"""Bytes that a processor fetches at once."""
VERSION = 2
"""As `tanggap_kernel` of `kernel.c` says it."""
STEP = 16
"""Labels that `kernel.c` reads at once, the last ones beyond a row's end."""
WORD, PIECE, PAIR = range(3)


class Tables(Protocol):
    """What the kernel asks of a group of heads; see `reader.Group`."""

    @property
    def words(self) -> Codes: ...
    @property
    def pieces(self) -> Codes: ...
    @property
    def rare_words(self) -> Rare: ...
    @property
    def rare_pieces(self) -> Rare: ...
    @property
    def scale(self) -> Floats: ...
    @property
    def pairs(self) -> bool: ...


class _Group(ctypes.Structure):
    _fields_ = [
        ("words", ctypes.c_void_p),
        ("pieces", ctypes.c_void_p),
        ("scale", ctypes.c_void_p),
        ("word_bits", ctypes.c_int64),
        ("piece_bits", ctypes.c_int64),
        ("labels", ctypes.c_int64),
        ("stride", ctypes.c_int64),
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
        ("shout", ctypes.c_uint64),
        ("seed", ctypes.c_uint64),
        ("shortest", ctypes.c_int64),
        ("longest", ctypes.c_int64),
        ("longest_chunk", ctypes.c_int64),
    ]


class Numbered(ctypes.Structure):
    """What `numbering.Compiled` knows, as `kernel.c` has it (`memory`)."""

    _fields_ = [
        ("places", ctypes.c_void_p),
        ("letters", ctypes.c_void_p),
        ("ends", ctypes.c_void_p),
        ("mask", ctypes.c_int64),
        ("count", ctypes.c_int64),
        ("room", ctypes.c_int64),
        ("letters_room", ctypes.c_int64),
        ("seed", ctypes.c_uint64),
    ]


@cache
def library() -> Any:
    """The compiled loops; None where there are none, or those of another version of the source."""
    for suffix in EXTENSION_SUFFIXES:
        path = Path(__file__).with_name(f"_kernel{suffix}")
        if path.is_file():
            try:
                found = ctypes.CDLL(str(path))
                return found if found.tanggap_kernel() == VERSION else None
            except (OSError, AttributeError):
                return None
    return None


class Kernel:
    """The loops over one model's tables. They change nothing but the arrays that they are given."""

    def __init__(self, groups: Sequence[Tables], seed: int, longest_chunk: int) -> None:
        self._loops = library()
        self._held: list[Any] = []
        told = (_Group * len(groups))()
        for at, one in enumerate(groups):
            scale = np.ascontiguousarray(one.scale, np.float32)
            words, pieces = _packed(one.words, one.rare_words), _packed(one.pieces, one.rare_pieces)
            self._held += [scale, words, pieces]
            told[at] = _Group(
                words.ctypes.data,
                pieces.ctypes.data,
                scale.ctypes.data,
                len(words).bit_length() - 1,
                len(pieces).bit_length() - 1,
                one.words.shape[1],
                words.shape[1],
                one.pairs,
            )
        slang = np.unique(
            np.array([features.word_hash(word) for word in normalise.slang()], np.uint32)
        )
        self._held += [told, slang]
        self._model = _Model(
            ctypes.addressof(told),
            len(groups),
            sum(len(one.scale) for one in groups),
            slang.ctypes.data,
            len(slang),
            features.word_hash("^caps"),
            features.word_hash("^shout"),
            seed,
            features.SHORTEST,
            features.LONGEST,
            longest_chunk,
        )

    def sums(self, numbers: Ints, rows: Floats, first: Longs, last: Longs, found: Floats) -> None:
        """One row a text into `found`; see `Reader.sums`."""
        self._loops.tanggap_sums(
            ctypes.byref(self._model),
            at(numbers),
            ctypes.c_int64(len(numbers)),
            at(rows),
            at(first),
            at(last),
            at(found),
        )

    def learn(
        self, known: Numbered, start: int, rows: Floats, first: Longs, last: Longs
    ) -> npt.NDArray[np.bool_]:
        """Weigh the chunks from number `start` on, into rows of zeros; says which it could read."""
        done = np.zeros(len(rows), np.bool_)
        self._loops.tanggap_learn(
            ctypes.byref(self._model),
            ctypes.byref(known),
            ctypes.c_int64(start),
            ctypes.c_int64(len(rows)),
            at(rows),
            at(first),
            at(last),
            at(done),
        )
        return done

    def add(self, rows: Floats, hashes: Hashes, whose: Ints, kind: int) -> None:
        """Add what each feature weighs to the row of its owner."""
        hashes, whose = np.ascontiguousarray(hashes), np.ascontiguousarray(whose)
        self._loops.tanggap_add(
            ctypes.byref(self._model),
            at(rows),
            at(hashes),
            at(whose),
            ctypes.c_int64(len(hashes)),
            ctypes.c_int64(kind),
        )


def _packed(codes: Codes, rare: Rare) -> npt.NDArray[np.uint8]:
    """A table whose rows never lie across more of the processor's lines than they must: the squared
    weight in two bytes, a byte for each label."""
    rows, labels = codes.shape
    stride = 1 << (labels + 1).bit_length()
    room = np.zeros(rows * stride + LINE + STEP, np.uint8)
    start = -room.ctypes.data % LINE
    table = room[start : start + rows * stride].reshape(rows, stride)
    table[:, :2] = rare.astype("<u2").view(np.uint8).reshape(rows, 2)
    table[:, 2 : 2 + labels] = codes.view(np.uint8)
    return table


class _Worths(ctypes.Structure):
    _fields_ = [("sure", ctypes.c_int64), ("near", ctypes.c_int64), ("capital", ctypes.c_int64)]


class Doubt(NamedTuple):
    """Two chunks whose words decide whether a text may name a place, and the chunk before them."""

    text: int
    before: int
    here: int
    after: int
    several: int
    cue: int


def promising(
    worths: tuple[int, int, int],
    numbers: Ints,
    judged: npt.NDArray[np.int16],
    flags: npt.NDArray[np.uint8],
    signs: Ints,
    said: Ints,
) -> tuple[npt.NDArray[np.bool_], list[Doubt]]:
    """See `scout.Scout.promising`; `said` holds the length of each text."""
    found = np.zeros(len(said), np.bool_)
    doubts = np.empty((len(numbers), len(Doubt._fields)), np.int64)
    loops = library()
    loops.tanggap_promising.restype = ctypes.c_int64
    many = loops.tanggap_promising(
        ctypes.byref(_Worths(*worths)),
        at(numbers),
        ctypes.c_int64(len(numbers)),
        at(judged),
        at(flags),
        at(signs),
        at(said),
        at(found),
        at(doubts),
    )
    return found, [Doubt(*one) for one in doubts[:many].tolist()]


def at(array: npt.NDArray[Any]) -> ctypes.c_void_p:
    assert array.flags.c_contiguous
    return ctypes.c_void_p(array.ctypes.data)
