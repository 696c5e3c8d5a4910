"""Labels many messages at once: `classify(texts, tier)` gives columns, a message a row.

Two tiers share one call. `fast` needs nothing but NumPy. `careful` is a larger model that is heard
beside it; while what it needs is not installed, asking for it says how to. Messages are labelled,
authors never are.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tanggap.language import careful, fast
from tanggap.language.places import Place
from tanggap.language.reader import AT_ONCE, Floats, Reader
from tanggap.language.redact import Found, redact
from tanggap.language.scout import Scout

TIERS = ("fast", "careful")
HEADS = ("language", "sentiment", "intent", "topic", "urgency", "abuse", "claim")
# (label, the one that it is told as). A grumble about the government is a complaint; only the inbox
# tells them apart. A language of news and of talk was learnt as two.
FOLDED = {
    "intent": (("criticism", "complaint"),),
    "language": (("id-news", "id"), ("en-news", "en")),
}
MOST_SCOUTS = 8
_local = threading.local()


class NoSuchTier(Exception):
    """The tier is not known or not installed; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Column:
    """One head's answers. `codes[i]` is an index into `labels` (a dictionary-encoded column, as
    Arrow has it); `confidence` a calibrated probability; `sure` is False where it is below the
    threshold that was chosen on held-back messages: "unsure"."""

    labels: tuple[str, ...]
    codes: npt.NDArray[np.int16]
    confidence: npt.NDArray[np.float32]
    sure: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.codes)

    def value(self, row: int) -> str:
        return self.labels[int(self.codes[row])]


@dataclass(frozen=True, slots=True)
class Reading:
    """All that one pass finds: a column for each head, and places and personal data by message."""

    columns: dict[str, Column]
    places: list[list[Place]]
    pii: list[list[Found]]


def classify(texts: Sequence[str], tier: str = "fast") -> dict[str, Column]:
    """A column for each of HEADS. Raises NoSuchTier."""
    _know(tier)
    return _columns(reader().sums(texts), texts, tier)


def read(
    texts: Sequence[str], tier: str = "fast", region: str = "", allowed: Sequence[str] = ()
) -> Reading:
    """All heads, places (`region`: code of the agency's own) and personal data (`allowed`: public
    numbers and addresses). Raises NoSuchTier."""
    _know(tier)
    mine = reader()
    numbers = mine.numbers(texts)
    return Reading(
        _columns(mine.sums_of(numbers, len(texts)), texts, tier),
        _scout(mine, region).find(texts, numbers),
        [redact(text, allowed) for text in texts],
    )


def _know(tier: str) -> None:
    if tier not in TIERS:
        raise NoSuchTier(f"There is no tier {tier!r}. There are: {', '.join(TIERS)}.")
    if tier == "careful":
        try:
            careful.model()
        except careful.NotInstalled as missing:
            raise NoSuchTier(str(missing)) from missing


def reader() -> Reader:
    """This thread's reader."""
    # What a reader remembers is not for two threads at a time.
    if not hasattr(_local, "reader"):
        _local.reader = fast.reader()
    found: Reader = _local.reader
    return found


def _scout(mine: Reader, region: str) -> Scout:
    """This thread's scout for a region, over what its reader has read."""
    scouts: dict[str, Scout] = _local.__dict__.setdefault("scouts", {})
    if region not in scouts or scouts[region].chunks is not mine.chunks:
        if len(scouts) >= MOST_SCOUTS:
            scouts.clear()
        scouts[region] = Scout(mine.chunks, region)
    return scouts[region]


def _columns(sums: Floats, texts: Sequence[str], tier: str) -> dict[str, Column]:
    if tier == "fast":
        heads = fast.model().heads
        return {name: column(heads[name], heads[name].scores(sums)) for name in HEADS}
    larger = careful.model()
    found = larger.scores(larger.said(texts), sums)
    return {name: column(larger.heads[name].head, found[name]) for name in HEADS}


def column(head: fast.Head, scores: Floats, fold: bool = True) -> Column:
    """A head's answers for rows of scores. `fold` merges what only the inbox tells apart."""
    # The best score answers, however rare its label; calibration says how far to trust it.
    codes = scores.argmax(axis=1)
    chances = head.chances(scores)
    rows = np.arange(len(codes))
    labels = head.labels
    for part, into in FOLDED.get(head.name, ()) if fold else ():
        one, other = labels.index(part), labels.index(into)
        chances[:, other] += chances[:, one]
        codes[codes == one] = other
    confidence = head.confidence(chances[rows, codes])
    if fold and head.name in FOLDED:
        gone = {part for part, _ in FOLDED[head.name]}
        kept = [at for at, label in enumerate(labels) if label not in gone]
        place = np.zeros(len(labels), np.int16)
        place[kept] = np.arange(len(kept))
        codes, labels = place[codes], tuple(labels[at] for at in kept)
    return Column(labels, codes.astype(np.int16), confidence, confidence >= head.unsure_below)


__all__ = ["AT_ONCE", "HEADS", "TIERS", "Column", "NoSuchTier", "Reading", "classify", "read"]
