"""Reads many texts at once: each written chunk is weighed once and remembered.

People write the same words over and over. So the weights of a chunk (its word, the pieces of its
word, the pairs inside it) are added up the first time it is seen, for all heads together, and a
text is the sum of its chunks' rows plus the pairs of words across them. NumPy does the sums, or
`kernel.c` where it could be compiled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from tanggap.language import features, kernel, normalise, numbering
from tanggap.language.features import Hashes, Longs

Floats = npt.NDArray[np.float32]
Codes = npt.NDArray[np.int8]
Rare = npt.NDArray[np.uint16]
Ints = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]

REMEMBERED = 150_000
"""Chunks kept in mind; above it a reader forgets all and starts anew."""
AT_ONCE = 256
"""Texts summed together: their rows fit the processor's cache."""
LONGEST_CHUNK = 200
"""Signs of a chunk that are read; nobody writes longer words."""
BETWEEN = "\x00"
_WORD_SEED = np.uint64(1 << 40)


@dataclass(frozen=True)
class Group:
    """Heads that share their tables. A table has 2**n rows of one-byte weights, a label a column,
    which `scale` turns into what they weigh; `rare` holds the squared weight of each feature, by
    which a text's length is taken out, and is the last of `scale`. `words` also weighs pairs of
    words; `pairs` is False where only words and pieces count."""

    words: Codes
    pieces: Codes
    rare_words: Rare
    rare_pieces: Rare
    scale: Floats
    pairs: bool

    @property
    def width(self) -> int:
        return len(self.scale)

    @cached_property
    def tables(self) -> tuple[Floats, Floats]:
        """Words and pieces for NumPy: the squared weight is the last column, and one row more is of
        zeros."""
        found = []
        for codes, rare in ((self.words, self.rare_words), (self.pieces, self.rare_pieces)):
            table = np.zeros((len(codes) + 1, self.width), np.float32)
            table[:-1] = np.column_stack([codes, rare]) * self.scale
            found.append(table)
        return found[0], found[1]


@dataclass(frozen=True, slots=True)
class Chunks:
    """Features of new chunks, flat: hashes, and the index of the chunk that each belongs to."""

    words: Hashes
    word_of: Ints
    pairs: Hashes
    pair_of: Ints
    pieces: Hashes
    piece_of: Ints
    first: Longs
    last: Longs


def weigh(chunks: Sequence[str]) -> Chunks:
    """All features of chunks that stand alone; pairs across chunks are the text's."""
    said, marked = [], []
    for chunk in chunks:
        words, marks = normalise.read(chunk[:LONGEST_CHUNK])
        said.append(words)
        marked.append(marks)
    known = {normalise.PAUSE: 0}
    alone, alone_of, left, right, pair_of = [], [], [], [], []
    letters: list[str] = []
    letters_of: list[int] = []
    first, last = np.zeros(len(said), np.uint64), np.zeros(len(said), np.uint64)
    for at, words in enumerate(said):
        before = -1
        for word in words:
            value = known.get(word)
            if value is None:
                value = known[word] = features.word_hash(word)
            if before >= 0 and (before or value):
                left.append(before)
                right.append(value)
                pair_of.append(at)
            before = value
            if value:
                alone.append(value)
                alone_of.append(at)
                if word.isalpha():
                    letters.append(word)
                    letters_of.append(at)
        for mark in marked[at]:
            alone.append(features.word_hash(mark))
            alone_of.append(at)
        if words:
            first[at], last[at] = known[words[0]], known[words[-1]]
    single = features.mixed(np.array(alone, np.uint64) + _WORD_SEED)
    pairs = features.pair_hashes(np.array(left, np.uint64), np.array(right, np.uint64))
    if letters:
        pieces, whose = features.piece_hashes(letters)
        piece_of = np.array(letters_of, np.int64)[whose]
        order = np.argsort(piece_of, kind="stable")
        pieces, piece_of = pieces[order], piece_of[order]
    else:
        pieces, piece_of = np.zeros(0, np.uint32), np.zeros(0, np.int64)
    return Chunks(
        words=single,
        word_of=np.array(alone_of, np.int64),
        pairs=pairs,
        pair_of=np.array(pair_of, np.int64),
        pieces=pieces,
        piece_of=piece_of,
        first=first,
        last=last,
    )


class Reader:
    """Holds what was read. One reader serves one thread."""

    def __init__(self, groups: Sequence[Group], compiled: bool = True) -> None:
        """`compiled` is False where NumPy is to do the sums whatever there is."""
        self.groups = list(groups)
        self.width = sum(group.width for group in groups)
        self._kernel: kernel.Kernel | None = None
        if compiled and kernel.library() is not None:
            self._kernel = kernel.Kernel(self.groups, int(_WORD_SEED), LONGEST_CHUNK)
        self._forget()

    def _forget(self) -> None:
        known = numbering.Plain if self._kernel is None else numbering.Compiled
        self._memory: numbering.Plain | numbering.Compiled = known(BETWEEN)
        self._learnt = 1
        self._rows: Floats = np.zeros((4096, self.width), np.float32)
        self._first: Longs = np.zeros(4096, np.uint64)
        self._last: Longs = np.zeros(4096, np.uint64)
        self._room = 4096

    def numbers(self, texts: Sequence[str]) -> Ints:
        """The chunks of all texts by number, a 0 before each text and one at the end."""
        if len(self._memory.chunks) > REMEMBERED:
            self._forget()
        numbers = self._memory.numbers(texts)
        if len(self._memory.chunks) > self._learnt:
            self._learn()
        return numbers

    @property
    def chunks(self) -> list[str]:
        """What was read, by number; another list once all was forgotten."""
        return self._memory.chunks

    def _learn(self) -> None:
        start, end = self._learnt, len(self._memory.chunks)
        self._learnt = end
        while self._room < end:
            self._room *= 2
        if self._room > len(self._rows):
            self._rows = longer(self._rows, self._room)
            self._first = longer(self._first, self._room)
            self._last = longer(self._last, self._room)
        for at in range(start, end, 2048):
            here = slice(at, min(at + 2048, end))
            rows, first, last = self._rows[here], self._first[here], self._last[here]
            if self._kernel is None:
                self._weigh(self._memory.chunks[here], rows, first, last)
                continue
            assert isinstance(self._memory, numbering.Compiled)
            left = np.flatnonzero(~self._kernel.learn(self._memory.told, at, rows, first, last))
            if not len(left):
                continue
            seen = weigh([self._memory.chunks[at + one] for one in left.tolist()])
            first[left], last[left] = seen.first, seen.last
            self._kernel.add(rows, seen.words, left[seen.word_of], kernel.WORD)
            self._kernel.add(rows, seen.pieces, left[seen.piece_of], kernel.PIECE)
            self._kernel.add(rows, seen.pairs, left[seen.pair_of], kernel.PAIR)

    def _weigh(self, few: Sequence[str], rows: Floats, first: Longs, last: Longs) -> None:
        seen = weigh(few)
        first[:], last[:] = seen.first, seen.last
        column = 0
        for group in self.groups:
            columns = rows[:, column : column + group.width]
            words, pieces = group.tables
            _add(columns, words, seen.words, seen.word_of)
            _add(columns, pieces, seen.pieces, seen.piece_of)
            if group.pairs:
                _add(columns, words, seen.pairs, seen.pair_of)
            column += group.width

    def sums(self, texts: Sequence[str]) -> Floats:
        """One row a text: the sums of all weights, group after group."""
        if not texts:
            return np.zeros((0, self.width), np.float32)
        return self.sums_of(self.numbers(texts), len(texts))

    def sums_of(self, numbers: Ints, count: int) -> Floats:
        """The sums of `count` texts of which `numbers` told the chunks."""
        found = np.empty((count, self.width), np.float32)
        if self._kernel is not None:
            self._kernel.sums(numbers, self._rows, self._first, self._last, found)
            return found
        starts = np.flatnonzero(numbers == 0)
        for at in range(0, count, AT_ONCE):
            few = starts[at : at + AT_ONCE + 1]
            some = numbers[few[0] : few[-1] + 1]
            offsets = few[:-1] - few[0]
            rows = found[at : at + AT_ONCE]
            rows[:] = np.add.reduceat(self._rows[some[:-1]], offsets, axis=0)
            left, right = self._last[some[:-1]], self._first[some[1:]]
            hashes = features.pair_hashes(left, right)
            silent = (left | right) == 0
            column = 0
            for group in self.groups:
                if group.pairs:
                    words = group.tables[0]
                    where = _places(hashes, len(words) - 1)
                    where[silent] = len(words) - 1
                    rows[:, column : column + group.width] += np.add.reduceat(
                        words[where], offsets, axis=0
                    )
                column += group.width
        return found

    def rows(self, text: str) -> Floats:
        """What each chunk of one text weighs, in order: the ground of reasons."""
        return self._rows[self.numbers([text])[1:-1]]


def longer(array: npt.NDArray[Any], rows: int) -> npt.NDArray[Any]:
    """The array with rows of zeros below. `np.resize` would repeat what stands in it."""
    found = np.zeros((rows, *array.shape[1:]), array.dtype)
    found[: len(array)] = array
    return found


def _places(hashes: Hashes, size: int) -> Ints:
    """Rows of a table of 2**n rows: the top bits of a hash."""
    return (hashes >> np.uint32(32 - (size.bit_length() - 1))).astype(np.int64)


def _add(rows: Floats, table: Floats, hashes: Hashes, whose: Ints) -> None:
    """Add the table's rows to those of their owners; `whose` ascends."""
    if len(hashes):
        starts = np.flatnonzero(np.r_[True, whose[1:] != whose[:-1]])
        rows[whose[starts]] += np.add.reduceat(
            table[_places(hashes, len(table) - 1)], starts, axis=0
        )
