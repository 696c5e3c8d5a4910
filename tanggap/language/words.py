"""Shared ground: where the words of a text are, and the word lists in `data/`."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

# 08.00 and 1.700.000 are one word each.
WORD = re.compile(r"[0-9]+(?:[.,:][0-9]+)+|[^\W_]+(?:['’][^\W_]+)?")
STRETCHED = re.compile(r"(.)\1{2,}")


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a text: `text[start:end]`, and the words there."""

    start: int
    end: int
    word: str


@cache
def data(name: str) -> Any:
    """One file of `data/`, whose `source` says whose words these are."""
    return json.loads(files(__package__).joinpath("data", f"{name}.json").read_text("utf-8"))


@lru_cache(maxsize=1 << 16)
def plain(word: str) -> str:
    """Lower case, without accents, stretched letters shortened: "Paré" and "pareeee" are "pare"."""
    bare = word.lower()
    if not bare.isascii():
        bare = unicodedata.normalize("NFKD", bare)
        bare = "".join(sign for sign in bare if not unicodedata.combining(sign))
    return STRETCHED.sub(r"\1", bare)


def words(text: str) -> list[Span]:
    """The words of a text, plain, with their places in the text as it was written."""
    return [Span(found.start(), found.end(), plain(found.group())) for found in WORD.finditer(text)]


def find(phrase: str, spans: list[Span]) -> list[Span]:
    """Where a phrase of one or more plain words occurs. A phrase ending in `*` matches a stem:
    "ambrol*" finds "ambrolnya"."""
    wanted = phrase.split()
    found = []
    for at in range(len(spans) - len(wanted) + 1):
        piece = spans[at : at + len(wanted)]
        if all(_same(want, span.word) for want, span in zip(wanted, piece, strict=True)):
            said = " ".join(span.word for span in piece)
            found.append(Span(piece[0].start, piece[-1].end, said))
    return found


def find_all(phrases: tuple[str, ...], spans: list[Span]) -> dict[str, list[Span]]:
    """Where any of many phrases occur, by phrase: `find` for a whole list at once."""
    whole, stems, lengths = _by_first_word(phrases)
    found: dict[str, list[Span]] = {}
    for at, span in enumerate(spans):
        near = [*whole.get(span.word, ())]
        for length in lengths:
            near += stems.get(span.word[:length], ())
        for phrase, count in near:
            hit = find(phrase, spans[at : at + count]) if count > 1 else [span]
            if hit:
                found.setdefault(phrase, []).extend(hit)
    return found


Phrases = dict[str, list[tuple[str, int]]]


@lru_cache(maxsize=512)
def _by_first_word(phrases: tuple[str, ...]) -> tuple[Phrases, Phrases, tuple[int, ...]]:
    whole: Phrases = {}
    stems: Phrases = {}
    for phrase in phrases:
        first, *more = phrase.split()
        into, first = (stems, first[:-1]) if first.endswith("*") else (whole, first)
        into.setdefault(first, []).append((phrase, 1 + len(more)))
    return whole, stems, tuple(sorted({len(stem) for stem in stems}))


def _same(want: str, word: str) -> bool:
    return word.startswith(want[:-1]) if want.endswith("*") else word == want
