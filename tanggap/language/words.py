"""Shared ground: where the words of a text are, and the word lists in `data/`."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

# 08.00 and 1.700.000 are one word each.
_WORD = re.compile(r"[0-9]+(?:[.,:][0-9]+)+|[^\W_]+(?:['’][^\W_]+)?")
_STRETCHED = re.compile(r"(.)\1{2,}")


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


def plain(word: str) -> str:
    """Lower case, without accents, stretched letters shortened: "Paré" and "pareeee" are "pare"."""
    bare = word.lower()
    if not bare.isascii():
        bare = unicodedata.normalize("NFKD", bare)
        bare = "".join(sign for sign in bare if not unicodedata.combining(sign))
    return _STRETCHED.sub(r"\1", bare)


def words(text: str) -> list[Span]:
    """The words of a text, plain, with their places in the text as it was written."""
    return [
        Span(found.start(), found.end(), plain(found.group())) for found in _WORD.finditer(text)
    ]


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


def _same(want: str, word: str) -> bool:
    return word.startswith(want[:-1]) if want.endswith("*") else word == want
