"""The fast tier: linear heads over hashed words, pairs of words and pieces of words.

All heads are weighed in one pass (`reader.py`). The files in `models/` hold the weights, rounded to
one byte, and what turns a score into a confidence; `models/CARD.md` says what they were trained on
and how well they do.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from tanggap.language.reader import Floats, Group, Reader
from tanggap.language.words import Span

MOST_REASONS = 4
_CHUNK = re.compile(r"\S+")
_WORD = re.compile(r"[\w#@](?:.*[\w!?])?")
LEAST_SHARE = 0.35
"""A word that spoke less than this share of what the loudest said is no reason."""


@dataclass(frozen=True, slots=True)
class Head:
    """One question: its labels, where its scores stand in a row of sums, and how a score becomes
    a chance and a chance a confidence. Below `unsure_below` the answer is a guess."""

    name: str
    labels: tuple[str, ...]
    first: int
    length: int  # the column of the group's squared weights
    added: Floats
    heat: float
    shift: Floats
    bend: tuple[Floats, Floats]
    unsure_below: float

    def scores(self, sums: Floats) -> Floats:
        """One row a text, one column a label."""
        sizes: Floats = np.sqrt(
            np.maximum(sums[:, self.length : self.length + 1], np.float32(1e-9))
        )
        found: Floats = sums[:, self.first : self.first + len(self.labels)] / sizes + self.added
        return found

    def chances(self, scores: Floats) -> Floats:
        """Calibrated probabilities of scores."""
        warm = scores * np.float32(self.heat) + self.shift
        warm -= warm.max(axis=1, keepdims=True)
        np.exp(warm, out=warm)
        warm /= warm.sum(axis=1, keepdims=True)
        return warm

    def confidence(self, chances: Floats) -> Floats:
        """How often an answer of such a chance was right on messages held back."""
        return np.interp(chances, *self.bend).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Model:
    """The shipped weights."""

    name: str
    groups: tuple[Group, ...]
    heads: dict[str, Head]


@cache
def model() -> Model:
    """Load the weights of the package, once."""
    folder = files(__package__).joinpath("models")
    about = json.loads(folder.joinpath("fast.json").read_text("utf-8"))
    groups, heads, column = [], {}, 0
    with folder.joinpath("fast.npz").open("rb") as file, np.load(file) as arrays:
        for at, group in enumerate(about["groups"]):
            words, rare = arrays[f"words{at}"], arrays[f"rare{at}"]
            groups.append(
                Group(
                    words,
                    arrays[f"pieces{at}"],
                    rare[: len(words)],
                    rare[len(words) :],
                    np.append(arrays[f"scale{at}"], np.float32(group["rarest"] / 65535)),
                    pairs=group["pairs"],
                )
            )
            first, length = column, column + groups[-1].width - 1
            for head in group["heads"]:
                heads[head["name"]] = Head(
                    head["name"],
                    tuple(head["labels"]),
                    first,
                    length,
                    np.array(head["added"], np.float32),
                    head["heat"],
                    np.array(head["shift"], np.float32),
                    (np.array(head["bend"][0]), np.array(head["bend"][1])),
                    head["unsure_below"],
                )
                first += len(head["labels"])
            column = length + 1
    return Model(about["name"], tuple(groups), heads)


def reader() -> Reader:
    """A reader of its own for one thread; it remembers what it reads."""
    return Reader(model().groups)


def reasons(sums_of_chunks: Floats, text: str, head: Head, label: str) -> tuple[Span, ...]:
    """The words that spoke most for a label, in the order of the text, pointing into it."""
    columns = sums_of_chunks[:, head.first : head.first + len(head.labels)]
    chosen = head.labels.index(label)
    others = (columns.sum(axis=1) - columns[:, chosen]) / max(1, len(head.labels) - 1)
    spoke: npt.NDArray[np.float32] = columns[:, chosen] - others
    chunks = list(_CHUNK.finditer(text))
    best = [at for at in np.argsort(-spoke)[:MOST_REASONS] if spoke[at] > 0]
    spans = []
    for at in sorted(one for one in best if spoke[one] >= LEAST_SHARE * spoke[best[0]]):
        said = chunks[at].group()
        word = _WORD.search(said)
        start, end = word.span() if word else (0, len(said))
        shift = chunks[at].start()
        spans.append(Span(shift + start, shift + end, said[start:end].lower()))
    return tuple(spans)
