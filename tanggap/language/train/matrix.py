"""Texts as sparse matrices of the very features that the shipped reader weighs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from tanggap.language import features
from tanggap.language.reader import Floats, weigh

WORDS_WEIGH = 2.0
"""A word or a pair of words counts this much more than a piece of a word."""


@dataclass(frozen=True)
class Counts:
    """How often each feature stands in each text: rows are texts, columns table rows."""

    words: sp.csr_matrix
    pieces: sp.csr_matrix

    def __getitem__(self, rows: object) -> Counts:
        return Counts(self.words[rows], self.pieces[rows])


def stacked(parts: Sequence[Counts]) -> Counts:
    return Counts(
        sp.vstack([part.words for part in parts]).tocsr(),
        sp.vstack([part.pieces for part in parts]).tocsr(),
    )


def counts(texts: Sequence[str], word_bits: int, piece_bits: int, pairs: bool) -> Counts:
    """Features of each text, hashed into tables of 2**bits rows."""
    number: dict[str, int] = {}
    flat, pointers = [], [0]
    for text in texts:
        flat += [number.setdefault(chunk, len(number)) for chunk in text.split()]
        pointers.append(len(flat))
    seen = weigh(list(number))
    size = len(number)
    words = _table(seen.words, seen.word_of, size, word_bits)
    if pairs:
        words = words + _table(seen.pairs, seen.pair_of, size, word_bits)
    pieces = _table(seen.pieces, seen.piece_of, size, piece_bits)
    of_text = sp.csr_matrix(
        (np.ones(len(flat), np.float32), np.array(flat, np.int32), pointers), (len(texts), size)
    )
    all_words = of_text @ words
    if pairs:
        left, right, whose = [], [], []
        zero = np.zeros(1, np.uint64)
        for at in range(len(texts)):
            here = np.array(flat[pointers[at] : pointers[at + 1]], np.int64)
            left.append(np.concatenate([zero, seen.last[here]]))
            right.append(np.concatenate([seen.first[here], zero]))
            whose.append(np.full(len(here) + 1, at))
        lefts, rights = np.concatenate(left), np.concatenate(right)
        spoken = (lefts | rights) != 0
        hashes = features.pair_hashes(lefts[spoken], rights[spoken])
        all_words = all_words + _table(hashes, np.concatenate(whose)[spoken], len(texts), word_bits)
    return Counts(all_words.tocsr(), (of_text @ pieces).tocsr())


def _table(hashes: np.ndarray, whose: np.ndarray, rows: int, bits: int) -> sp.csr_matrix:
    columns = (hashes >> np.uint32(32 - bits)).astype(np.int32)
    return sp.csr_matrix((np.ones(len(columns), np.float32), (whose, columns)), (rows, 1 << bits))


@dataclass(frozen=True)
class Rarity:
    """What each feature weighs, by how few texts have it."""

    words: Floats
    pieces: Floats


def rarity(counted: Counts) -> Rarity:
    return Rarity(_idf(counted.words) * WORDS_WEIGH, _idf(counted.pieces))


def _idf(matrix: sp.csr_matrix) -> Floats:
    have = np.bincount(matrix.indices, minlength=matrix.shape[1])
    found: Floats = (np.log((1 + matrix.shape[0]) / (1 + have)) + 1).astype(np.float32)
    return found


def weighed(counted: Counts, rare: Rarity) -> sp.csr_matrix:
    """Words beside pieces, each feature by its weight, each text's length taken out."""
    squares = counted.words @ (rare.words**2) + counted.pieces @ (rare.pieces**2)
    length = sp.diags((1 / np.sqrt(np.maximum(squares, 1e-9))).astype(np.float32))
    both = sp.hstack([counted.words @ sp.diags(rare.words), counted.pieces @ sp.diags(rare.pieces)])
    return (length @ both).tocsr().astype(np.float32)
