"""How far the fast tier is heard beside the network, and how far to trust the two together. Both
are chosen on lines that neither had read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from sklearn.metrics import f1_score

from tanggap.language.classify import FOLDED
from tanggap.language.train.fit import Head, calibrate, lean, lean_to_indonesian, report, softmax
from tanggap.language.train.labels import OWN
from tanggap.language.train.settings import LEANING, WANTED_INDONESIAN

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]
# Scores far from the mean label's are drawn in a little, so that few lines cannot shift much.
CALM = 0.01
# How many times its likeliest share the fast tier is heard: on what is unlike what they read the
# networks are surer of themselves than right. Chosen on the validation splits.
MORE = {"language": 1.5, "sentiment": 1.75}


@dataclass
class Blend:
    """A question's answer: `own` times the network's scores and `fast` times the fast tier's, and
    `head.added`; `head` turns the sum into a confidence. `regional`, if any, is what counts in
    regional languages instead."""

    head: Head
    own: float
    fast: float
    regional: Blend | None = None

    def scores(self, said: Floats, beside: Floats, regional: Marks) -> Floats:
        found: Floats = said * self.own + beside * self.fast + self.head.added
        if self.regional is not None:
            apart = self.regional.scores(said[regional], beside[regional], regional[regional])
            found[regional] = apart
        return found


def blend(
    name: str,
    labels: list[str],
    said: Floats,
    beside: Floats,
    right: Rows,
    weigh: Floats,
    only: str = "",
    more: float = 1.0,
) -> Blend:
    """`right`: the code of each line's label. Labels weigh by the root of how rare they are, as
    when the network learnt; calibration gives the chances back. `only`: hear one of the two;
    `more`: hear the fast tier so many times as much as is likeliest."""
    count = len(labels)
    often = np.bincount(right, weigh, count)
    each = weigh / np.sqrt(np.maximum(often, 1))[right]
    each /= each.sum()
    rows = np.arange(len(right))

    def loss(values: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        chances = softmax(said * values[0] + beside * values[1] + values[2:])
        missed = chances.copy()
        missed[rows, right] -= 1
        missed *= each[:, None]
        steps = np.r_[(missed * said).sum(), (missed * beside).sum(), missed.sum(0)]
        steps[2:] += 2 * CALM * values[2:]
        likely = np.log(np.maximum(chances[rows, right], 1e-9))
        return float(-(each * likely).sum() + CALM * (values[2:] ** 2).sum()), steps

    start = np.r_[1.0, 0.5, np.zeros(count)]
    least, most = 0.0, 20.0
    mine, theirs = (0.0 if only == "fast" else most), (0.0 if only == "own" else most)
    bounds = [(least, mine), (least, theirs), *[(-4.0, 4.0)] * count]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    added = np.where(np.bincount(right, minlength=count) > 0, found[2:], -4.0)
    head = Head(name, labels, np.zeros((0, count), np.float32), added, shift=np.zeros(count))
    made = Blend(head, float(found[0]), float(found[1]) * more)
    scores = made.scores(said, beside, np.zeros(len(said), np.bool_))
    if name in LEANING:
        head.added = head.added + lean(scores, right)
    if name == "language":
        news = right == labels.index("id-news")
        head.added = head.added + lean_to_indonesian(
            labels, scores, news, 0.01, WANTED_INDONESIAN["careful"]
        )
    return made


def _f1(scores: Floats, right: Rows, shown: Marks) -> float:
    return float(f1_score(right[shown], scores[shown].argmax(1), average="macro"))


def blends(
    name: str,
    labels: list[str],
    said: Floats,
    beside: Floats,
    right: Rows,
    weigh: Floats,
    regional: Marks,
    only: str = "",
) -> Blend:
    """Sentiment is chosen for regional languages and the others by themselves: no network has read
    much of the former."""
    more = MORE.get(name, 1.0)
    if name != "sentiment":
        return blend(name, labels, said, beside, right, weigh, only, more)
    made, apart = (
        blend(name, labels, said[rows], beside[rows], right[rows], weigh[rows], only, times)
        for rows, times in ((~regional, more), (regional, 1.0))
    )
    made.regional = apart
    return made


def judge(
    name: str,
    labels: list[str],
    said: Floats,
    beside: Floats,
    right: Rows,
    weigh: Floats,
    regional: Marks,
    half: Rows,
    shown: Marks,
) -> tuple[Blend, dict[str, Any]]:
    """The blend that is shipped, calibrated, and figures of the lines that are `shown`: each half
    is judged by what was chosen on the other."""
    made = blends(name, labels, said, beside, right, weigh, regional)
    heard = {}
    for only in ("", "own", "fast"):
        heard[only] = np.zeros(said.shape, np.float32)
        for one in np.unique(half):
            here, rest = half == one, half != one
            some = (said[rest], beside[rest], right[rest], weigh[rest], regional[rest])
            other = blends(name, labels, *some, only)
            heard[only][here] = other.scores(said[here], beside[here], regional[here])
    truth = np.array(labels)[right]
    unseen = heard[""]
    if name in OWN and _f1(heard["fast"], right, shown) > _f1(unseen, right, shown):
        # Never worse than the fast tier alone.
        made, unseen = blend(name, labels, said, beside, right, weigh, "fast"), heard["fast"]
    calibrate(made.head, unseen, truth.tolist(), FOLDED.get(name, ()))
    folds = FOLDED.get(name, ()) if name == "language" else ()
    figures = {name: report(made.head, unseen[shown], truth[shown].tolist(), folds)}
    for only, called in (("own", "alone"), ("fast", "fast")):
        one = report(made.head, heard[only][shown], truth[shown].tolist(), folds)
        figures[name][called] = one["macro_f1"]
    if name == "intent":
        figures["intent_as_classified"] = report(
            made.head, unseen[shown], truth[shown].tolist(), FOLDED[name]
        )
    return made, figures
