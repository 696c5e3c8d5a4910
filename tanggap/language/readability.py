"""How easy a text is to read, and plainer words for the hard ones. Hints, never a gate.

Syllables are estimated by vowel groups, which fits Indonesian spelling well enough for a hint:
`ai`, `au`, `oi` count as one at a word's end and two elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from tanggap.language.words import Span, data, find, words

LONG_SENTENCE = 20  # words; above it readers lose the thread
_STOP = re.compile(r"(?<=[.!?…])[\"”’)\]]*\s+(?=[\"“‘(\[]?[A-Z0-9#@])|\n+")
_VOWELS = re.compile("[aeiou]")
_GLIDE = re.compile("(?:ai|au|oi)$")
# Addresses are not read aloud.
_LINK = re.compile(r"https?://\S+|[#@]\w+")


@dataclass(frozen=True, slots=True)
class Hint:
    """A hard word at its place, and a plainer one; empty means: leave it out."""

    span: Span
    plainer: str


@dataclass(frozen=True, slots=True)
class Reading:
    """`words_per_sentence` and `syllables_per_word` are averages, 0 for an empty text.
    `long_sentences` are (start, end, words) of those above LONG_SENTENCE."""

    words: int
    sentences: int
    words_per_sentence: float
    syllables_per_word: float
    long_sentences: tuple[tuple[int, int, int], ...]
    hints: tuple[Hint, ...]


def read(text: str) -> Reading:
    """Measure a text. Offsets are into the text as given."""
    spoken = _LINK.sub(lambda link: " " * len(link.group()), text)
    spans = words(spoken)
    sentences = [
        (start, end, count)
        for start, end in _sentences(spoken)
        if (count := sum(start <= span.start < end for span in spans))
    ]
    total = len(spans)
    return Reading(
        words=total,
        sentences=len(sentences),
        words_per_sentence=round(total / len(sentences), 1) if sentences else 0.0,
        syllables_per_word=round(sum(syllables(span.word) for span in spans) / total, 2)
        if total
        else 0.0,
        long_sentences=tuple(one for one in sentences if one[2] > LONG_SENTENCE),
        hints=_hints(spans),
    )


def syllables(word: str) -> int:
    """An estimate; at least one."""
    glide = 1 if len(word) > 3 and _GLIDE.search(word) else 0
    return max(1, len(_VOWELS.findall(word)) - glide)


def _sentences(text: str) -> list[tuple[int, int]]:
    cuts = [0, *(stop.end() for stop in _STOP.finditer(text)), len(text)]
    return list(pairwise(cuts))


def _hints(spans: list[Span]) -> tuple[Hint, ...]:
    listed = data("hard_words")["words"]
    # The longest phrase wins: "sehubungan dengan hal tersebut" over "sehubungan dengan".
    taken: list[Hint] = []
    for phrase in sorted(listed, key=len, reverse=True):
        for span in find(" ".join(one.word for one in words(phrase)), spans):
            if not any(span.start < one.span.end and one.span.start < span.end for one in taken):
                taken.append(Hint(span, listed[phrase]))
    return tuple(sorted(taken, key=lambda hint: hint.span.start))
