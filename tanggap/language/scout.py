"""Tells which of many texts may name a place, so that only those are searched word by word.

`places` weighs what speaks for a place. Here each written chunk is judged once: the most that it
could weigh as a place, and what it lends to the chunks beside it. A text where no chunk can reach
SURE names none. Too many are let through, never too few.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from tanggap.language import kernel
from tanggap.language.places import (
    BASE,
    CAPITAL,
    COMMON,
    LARGE,
    LEVELS,
    LONG,
    NEAR,
    OURS,
    SHORT,
    SURE,
    Place,
    common_words,
    find,
    gazetteer,
)
from tanggap.language.reader import longer
from tanggap.language.words import STRETCHED, Span, data, words

Ints = npt.NDArray[np.int64]

NEVER = -999
_CUE, _NEAR, _SECOND, _FIRST, _CAPITAL, _ALWAYS, _STOP, _SIGN = (1 << at for at in range(8))
_SINGLE, _MULTI, _LAST = range(3)


@lru_cache(maxsize=64)
def _starts(region: str) -> dict[str, tuple[int, frozenset[str]]]:
    """By first word of names of several: the most that such a name weighs, its second words."""
    found: dict[str, tuple[int, set[str]]] = {}
    for key, codes in gazetteer()[0].items():
        if len(key) > 1:
            worth = BASE + LONG + LARGE * (min(map(len, codes)) <= 5)
            worth += OURS * any(bool(region) and code.startswith(region) for code in codes)
            most, seconds = found.setdefault(key[0], (NEVER, set()))
            seconds.add(key[1])
            found[key[0]] = (max(most, worth), seconds)
    return {first: (most, frozenset(seconds)) for first, (most, seconds) in found.items()}


@lru_cache(maxsize=1)
def _levels() -> dict[str, frozenset[str]]:
    """By first word of a name: the levels of the places that may be meant."""
    found: dict[str, set[str]] = {}
    for key, codes in gazetteer()[0].items():
        found.setdefault(key[0], set()).update(LEVELS[len(code)] for code in codes)
    return {first: frozenset(levels) for first, levels in found.items()}


@lru_cache(maxsize=1)
def _seconds() -> frozenset[str]:
    return frozenset(word for _, some in _starts("").values() for word in some)


@lru_cache(maxsize=1)
def _told() -> frozenset[str]:
    """Words that say anything about places."""
    lists = data("place_words")
    return _seconds().union(gazetteer()[2], lists["cues"], lists["near"])


class Scout:
    """Judges the chunks that one reader numbered, for one region."""

    def __init__(self, chunks: list[str], region: str, compiled: bool = True) -> None:
        """`compiled` is False where NumPy is to do it whatever there is."""
        self.chunks, self.region = chunks, region
        self._compiled = compiled and kernel.library() is not None
        self._judged = np.zeros((1024, 3), np.int16)
        self._flags = np.zeros(1024, np.uint8)
        self._signs = np.zeros(1024, np.int64)
        self._learnt = 0

    def find(self, texts: Sequence[str], numbers: Ints) -> list[list[Place]]:
        """Places of each text; `numbers` are its chunks, a 0 before each text and at the end."""
        self._learn()
        found: list[list[Place]] = [[] for _ in texts]
        for at in self.promising(texts, numbers).tolist():
            found[at] = find(texts[at], self.region)
        return found

    def promising(self, texts: Sequence[str], numbers: Ints) -> Ints:
        """Indices of texts that may name a place."""
        if not texts:
            return np.zeros(0, np.int64)
        said = np.fromiter(map(len, texts), np.int64, len(texts))
        if self._compiled:
            worths = SURE, NEAR, CAPITAL
            found = kernel.promising(worths, numbers, self._judged, self._flags, self._signs, said)
        else:
            found = self._promising(numbers, said)
        promising, doubts = found
        for one in doubts:
            if not promising[one.text]:
                promising[one.text] = self._named(one)
        some: Ints = np.flatnonzero(promising)
        return some

    def _named(self, doubt: kernel.Doubt) -> bool:
        """Whether two chunks beside each other may name a place."""
        if doubt.several:
            first, second = self._words(doubt.here)[1], self._words(doubt.after)[0]
            if second in _starts(self.region)[first][1]:
                return True
        if not doubt.cue:
            return False
        level = data("place_words")["cues"][self._words(doubt.before)[1]]
        return level in _levels().get(self._words(doubt.here)[0], ())

    def _words(self, number: int) -> tuple[str, str]:
        """The first and the last word of a chunk."""
        said = words(self.chunks[number]) if number else []
        return (said[0].word, said[-1].word) if said else ("", "")

    def _promising(
        self, numbers: Ints, said: Ints
    ) -> tuple[npt.NDArray[np.bool_], list[kernel.Doubt]]:
        """`kernel.promising` without a compiler."""
        flags = self._flags[numbers]
        # Irregular spaces hide what stands before a capital: such texts are searched.
        starts = np.flatnonzero(numbers == 0)
        signs = np.add.reduceat(self._signs[numbers[:-1]], starts[:-1])
        promising: npt.NDArray[np.bool_] = said != signs + np.maximum(np.diff(starts) - 2, 0)
        promising |= np.logical_or.reduceat(flags[:-1] & _ALWAYS > 0, starts[:-1])
        stopped = np.roll(flags, 1) & _STOP > 0
        # Signs alone part no words.
        kept = np.flatnonzero(flags & _SIGN == 0)
        flags, judged = flags[kept], self._judged[numbers[kept]]
        before, after = np.roll(flags, 1), np.roll(flags, -1)
        lent = (before & (_NEAR | _CUE) > 0) * np.int16(NEAR)
        lent += ((flags & _CAPITAL > 0) & ~stopped[kept]) * np.int16(CAPITAL)
        single = judged[:, _SINGLE] + lent >= SURE
        second = after & _SECOND > 0
        several = second & (judged[:, _MULTI] + lent >= SURE)
        several |= second & (judged[:, _LAST] >= SURE)
        cue = (flags & _FIRST > 0) & (before & _CUE > 0)
        text_of = np.minimum(np.searchsorted(starts, kept, side="right"), len(said)) - 1
        promising[text_of[single]] = True
        chosen = numbers[kept]
        doubts = [
            kernel.Doubt(
                int(text_of[at]),
                int(chosen[at - 1]),
                int(chosen[at]),
                int(chosen[at + 1]),
                bool(several[at]),
                bool(cue[at]),
            )
            for at in np.flatnonzero((several | cue) & ~promising[text_of]).tolist()
        ]
        return promising, doubts

    def _learn(self) -> None:
        if len(self.chunks) > len(self._flags):
            room = 2 * len(self.chunks)
            self._judged = longer(self._judged, room)
            self._flags = longer(self._flags, room)
            self._signs = longer(self._signs, room)
        start, end = self._learnt, len(self.chunks)
        self._learnt = end
        new = self.chunks[start:end]
        if start == 0:
            # The first chunk is what parts texts: after it a text begins.
            new = ["", *new[1:]]
        self._signs[start:end] = np.fromiter(map(len, new), np.int64, len(new))
        self._judged[start:end] = NEVER
        told = _told()
        for at, chunk in enumerate(new, start):
            bare = chunk.rstrip(".,;:!?").lower()
            plain = bare.isascii() and bare.isalpha() and not STRETCHED.search(bare)
            if plain and bare not in told:
                # As nearly all: a word that says nothing of places.
                self._flags[at] = _STOP if chunk[-1] in ".!?" else 0
                continue
            said = [Span(0, len(bare), bare)] if plain else words(chunk)
            self._judged[at], self._flags[at] = self._judge(chunk, said)

    def _judge(self, chunk: str, said: Sequence[Span]) -> tuple[tuple[int, int, int], int]:
        known, _, firsts = gazetteer()
        lists = data("place_words")
        if not said:
            flags = _SIGN * bool(chunk) | _STOP * (not chunk or chunk[-1] in ".!?")
            return (NEVER, NEVER, NEVER), flags
        last = said[-1].word
        flags = _STOP * (chunk[-1] in ".!?")
        flags |= _CUE * (last in lists["cues"]) | _NEAR * (last in lists["near"])
        flags |= _SECOND * (said[0].word in _seconds())
        single = multi = tail = NEVER
        for at, one in enumerate(said):
            if one.word not in firsts:
                continue
            written = chunk[one.start : one.end]
            capital = written[0].isupper() and not written.isupper()
            most, seconds = _starts(self.region).get(one.word, (NEVER, frozenset()))
            alone, ahead = self._alone(known.get((one.word,), ()), one.word), most
            if at + 1 < len(said):
                # What follows is known already.
                alone = max(alone, ahead) if said[at + 1].word in seconds else alone
                ahead = NEVER
            if at == 0:
                flags |= _FIRST | _CAPITAL * capital
                single, multi = alone, ahead
                continue
            lent = CAPITAL * capital + NEAR * (said[at - 1].word in lists["near"])
            if said[at - 1].word in lists["cues"] or alone + lent >= SURE:
                flags |= _ALWAYS
            else:
                tail = ahead + lent
        return (single, multi, tail), flags

    def _alone(self, codes: tuple[str, ...], word: str) -> int:
        if not codes:
            return NEVER
        ours = bool(self.region) and any(code.startswith(self.region) for code in codes)
        worth = BASE + OURS * ours - COMMON * (word in common_words())
        if min(map(len, codes)) <= 5:
            return worth + LARGE
        return worth - SHORT * (len(word) <= 4 or (len(codes) > 3 and not ours))
