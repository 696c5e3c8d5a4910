"""Does a citizen say that what was called finished is not? Words that anybody can read, no guess.

The list and its counter-examples are `data/not_done.json`. A person decides what follows from it.
"""

from __future__ import annotations

import re

from tanggap.language.words import Span, data, find, words

_SENTENCE = re.compile(r"[.!?\n]+")


def says_not_done(text: str) -> tuple[Span, ...]:
    """The words that say so, in the order of the text; none when nothing does."""
    lists, spans = data("not_done"), words(text)
    covered = [hit for phrase in lists["unless"] for hit in find(phrase, spans)]
    found = {
        (hit.start, hit.end): hit
        for phrase in lists["says"]
        for hit in find(phrase, spans)
        if not any(one.start < hit.end and hit.start < one.end for one in covered)
        and not (hit.word in lists["closing"] and _asks(hit, text, spans, lists["asked"]))
    }
    return tuple(found[at] for at in sorted(found))


def _asks(hit: Span, text: str, spans: list[Span], asked: list[str]) -> bool:
    """ "Sudah selesai belum?": the last word of a sentence that asks whether it is done."""
    ends = [one.end() for one in _SENTENCE.finditer(text, 0, hit.start)]
    begin = ends[-1] if ends else 0
    rest = text[hit.end :].lstrip()
    closes = not rest or rest[0] in "?.!"
    return closes and any(begin <= one.start < hit.start and one.word in asked for one in spans)
