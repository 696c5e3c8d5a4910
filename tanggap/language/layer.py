"""An agency's own layer: what its officers corrected, learnt on top of the shipped model.

A layer adds a weight a word to the shipped model's chances, for one question. It is small, made
with NumPy in seconds from the agency's own corrections, and never leaves its database. How much it
helps is measured on corrections that it has not seen; nothing uses it before a person accepts it.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tanggap.language.reader import weigh

BITS = 15
ROUNDS = 30
RATE = 0.5
SHRINK = 0.002
"""Each round weights lose this share: a word seen once proves little."""
HELD_BACK = 3
"""Every third family of corrections is held back from learning and measures it."""
LEAST = 30
"""Fewer corrections than this teach nothing that could be measured."""
LEAST_CHANCE = 1e-3

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Example:
    """A message, what a person said it is, and its family (a conversation): a family is either
    learnt from or held back, never both."""

    text: str
    label: str
    family: str


@dataclass(frozen=True, slots=True)
class Layer:
    """Weights of words by bucket, one for each of `labels`."""

    labels: tuple[str, ...]
    weights: dict[int, list[float]]

    def added(self, text: str) -> Floats:
        """What the words of a text add to each label's log chance."""
        found = np.zeros(len(self.labels))
        buckets = _buckets(text)
        for bucket in buckets:
            if bucket in self.weights:
                found += self.weights[bucket]
        return found / max(1.0, float(np.sqrt(len(buckets))))

    def chances(self, text: str, shipped: Floats) -> Floats:
        """Chances of the labels when the layer speaks after the shipped model."""
        logs = np.log(np.maximum(shipped, LEAST_CHANCE)) + self.added(text)
        powers = np.exp(logs - logs.max())
        return np.asarray(powers / powers.sum())

    def as_json(self) -> dict[str, Any]:
        return {
            "labels": list(self.labels),
            "weights": {str(bucket): one for bucket, one in sorted(self.weights.items())},
        }


def from_json(kept: dict[str, Any]) -> Layer:
    """A layer as it was kept by `as_json`."""
    return Layer(
        tuple(kept["labels"]), {int(bucket): one for bucket, one in kept["weights"].items()}
    )


@dataclass(frozen=True, slots=True)
class Report:
    """Shares of held-back corrections that are right, before and after, and how many there were."""

    learnt_from: int
    held_back: int
    before: float
    after: float


def is_held_back(family: str) -> bool:
    """The same families each time, whatever came since."""
    return zlib.crc32(family.encode()) % HELD_BACK == 0


def learn(
    examples: Sequence[Example], labels: Sequence[str], shipped: Floats
) -> tuple[Layer, Report]:
    """A layer and its report. `shipped` holds the shipped model's chances, a row an example."""
    known = {label: at for at, label in enumerate(labels)}
    told = [at for at, one in enumerate(examples) if not is_held_back(one.family)]
    held = [at for at, one in enumerate(examples) if is_held_back(one.family)]
    buckets = [np.array(_buckets(one.text), np.int64) for one in examples]
    logs = np.log(np.maximum(shipped, LEAST_CHANCE))
    weights = np.zeros((1 << BITS, len(labels)))
    draw = np.random.default_rng(0)
    for _ in range(ROUNDS):
        for at in draw.permutation(told):
            mine = buckets[at]
            if not len(mine):
                continue
            share = 1 / np.sqrt(len(mine))
            score = logs[at] + weights[mine].sum(axis=0) * share
            powers = np.exp(score - score.max())
            step = -powers / powers.sum()
            step[known[examples[at].label]] += 1
            weights[mine] += RATE * share * step
        weights *= 1 - SHRINK
    used = sorted({int(one) for at in told for one in buckets[at]})
    layer = Layer(tuple(labels), {at: [round(float(one), 4) for one in weights[at]] for at in used})
    before = [labels[int(shipped[at].argmax())] == examples[at].label for at in held]
    after = [
        labels[int(layer.chances(examples[at].text, shipped[at]).argmax())] == examples[at].label
        for at in held
    ]
    return layer, Report(len(told), len(held), _share(before), _share(after))


def _share(right: list[bool]) -> float:
    return round(sum(right) / len(right), 4) if right else 0.0


def _buckets(text: str) -> list[int]:
    seen = weigh(text.split() or ["."])
    return sorted({int(one) >> (32 - BITS) for one in seen.words.tolist()})
