"""Fits linear heads, calibrates them on texts that they have not seen, and rounds the weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.optimize import minimize
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import confusion_matrix, f1_score
from sklearn.naive_bayes import ComplementNB
from sklearn.svm import LinearSVC

from tanggap.language.train.labels import OWN
from tanggap.language.train.settings import BAYES, STRENGTH

SEED = 20261122
# Where a confidence stands below it, one answer in five or more was wrong on held-back texts.
WANTED_RIGHT = 0.8
BINS = 10
# A change of one label's lean that gains less is chance.
LEAST_GAIN = 0.001
# Points of the line that bends a confidence; each stands on that many answers at least.
KNOTS, LEAST_ANSWERS = 12, 40


@dataclass
class Head:
    """Weights (features x labels), what is added, and how scores become probabilities."""

    name: str
    labels: list[str]
    weights: np.ndarray
    added: np.ndarray
    heat: float = 1.0
    shift: np.ndarray = field(default_factory=lambda: np.zeros(0))
    unsure_below: float = 0.5
    bend: list[list[float]] = field(default_factory=lambda: [[0.0, 1.0], [0.0, 1.0]])

    def scores(self, texts: sp.csr_matrix) -> np.ndarray:
        found: np.ndarray = np.asarray(texts @ self.weights) + self.added
        return found


def fit(
    name: str,
    texts: sp.csr_matrix,
    labels: Sequence[str],
    known: Sequence[str],
    strength: float,
    counted: np.ndarray | None = None,
    seed: int = SEED,
) -> Head:
    """One against the rest, rare labels weighing as much as common ones. A label without a single
    example keeps a weight of nothing and is never chosen."""
    present = [label for label in known if label in set(labels)]
    machine = LinearSVC(C=strength, class_weight="balanced", random_state=seed)
    machine.fit(texts, np.array(labels), sample_weight=counted)
    coefficients, added = machine.coef_, machine.intercept_
    if len(machine.classes_) == 2:
        coefficients, added = np.vstack([-coefficients, coefficients]), np.r_[-added, added]
    weights = np.zeros((texts.shape[1], len(known)), np.float32)
    intercepts = np.full(len(known), -2.0, np.float32)
    for at, label in enumerate(machine.classes_):
        weights[:, known.index(label)] = coefficients[at]
        intercepts[known.index(label)] = added[at]
    assert len(present) == len(machine.classes_)
    return Head(name, list(known), weights, intercepts, shift=np.zeros(len(known)))


def fit_bayes(
    name: str,
    counted: sp.csr_matrix,
    rare: np.ndarray,
    labels: Sequence[str],
    known: Sequence[str],
    smooth: float,
) -> Head:
    """Naive Bayes: how much likelier a feature is in a label than on average. `counted` holds how
    often features occur, `rare` what the reader weighs each with, which is taken out here. Better
    than a margin where few texts must tell two close languages apart."""
    truth = np.array(labels)
    logs = []
    for label in known:
        often = np.asarray(counted[truth == label].sum(axis=0)).ravel() + smooth
        logs.append(np.log(often / often.sum()))
    table = np.array(logs, np.float32).T
    table -= table.mean(axis=1, keepdims=True)
    words = np.where(rare > 0, rare, 1)[:, None]
    return Head(
        name,
        list(known),
        table / words,
        np.zeros(len(known), np.float32),
        shift=np.zeros(len(known)),
    )


def fit_complement(
    name: str, texts: sp.csr_matrix, labels: Sequence[str], known: Sequence[str], smooth: float
) -> Head:
    """Naive Bayes by what the other labels' texts lack (Rennie et al. 2003). Alone it is worse than
    a margin; it knows words that a margin has too few texts to weigh."""
    machine = ComplementNB(alpha=smooth).fit(texts, np.array(labels))
    weights = np.zeros((texts.shape[1], len(known)), np.float32)
    learnt = machine.feature_log_prob_ - machine.feature_log_prob_.mean(axis=0)
    for at, label in enumerate(machine.classes_):
        weights[:, known.index(label)] = learnt[at]
    return Head(name, list(known), weights, np.zeros(len(known), np.float32))


def fit_own(name: str, texts: sp.csr_matrix, labels: Sequence[str]) -> Head:
    """A head that only our own lines teach, as it is shipped."""
    head = fit(name, texts, labels, OWN[name], STRENGTH[name])
    if name in BAYES:
        smooth, share = BAYES[name]
        head = added_up(head, fit_complement(name, texts, labels, OWN[name], smooth), share)
    return head


def added_up(first: Head, second: Head, share: float) -> Head:
    """One head that scores as the first and a share of the second together: scores are sums of
    weights, so the weights add up as well."""
    return Head(
        first.name,
        first.labels,
        first.weights + np.float32(share) * second.weights,
        first.added + np.float32(share) * second.added,
        shift=np.zeros(len(first.labels)),
    )


def lean_to_indonesian(
    labels: Sequence[str],
    scores: np.ndarray,
    news: np.ndarray,
    step: float,
    wanted: Sequence[float],
) -> np.ndarray:
    """What is added for Indonesian, so that a share of its lines of news (True in `news`) is found:
    Malay is rare in an Indonesian inbox, and close to it. Chosen on lines that were held out; the
    mean of what each of the shares `wanted` asks for."""
    ours = [at for at, label in enumerate(labels) if label.split("-")[0] == "id"]
    found = []
    for share in wanted:
        added = np.zeros(len(labels), np.float32)
        for more in np.arange(0, 3, step):
            added[ours] = more
            if np.isin((scores[news] + added).argmax(axis=1), ours).mean() >= share:
                break
        found.append(added)
    return np.asarray(np.mean(found, axis=0))


def lean(scores: np.ndarray, right: np.ndarray) -> np.ndarray:
    """What is added to each label's score so that the mean of the labels' F1 is best: a margin that
    was learnt on few examples of a label asks too much of it. A step at a time, small ones."""
    count = scores.shape[1]
    added = np.zeros(count)

    def mean_f1(some: np.ndarray) -> float:
        said = (scores + some).argmax(1)
        hit = np.bincount(right[said == right], minlength=count)
        both = np.bincount(said, minlength=count) + np.bincount(right, minlength=count)
        return float((2 * hit[both > 0] / both[both > 0]).mean())

    best = mean_f1(added)
    for step in (0.2, 0.1, 0.05, 0.05):
        for label in range(count):
            for way in (step, -step):
                tried = added.copy()
                tried[label] += way
                found = mean_f1(tried)
                if found > best + LEAST_GAIN:
                    best, added = found, tried
    return added


def calibrate(
    head: Head,
    scores: np.ndarray,
    truth: Sequence[str],
    folds: Sequence[tuple[str, str]] = (),
) -> None:
    """One heat and one shift a label, fitted on scores of texts that the head has not seen, and a
    rising line that bends the confidence of the answer to how often it was right. The threshold
    below which it says "unsure" is the lowest above which WANTED_RIGHT are right."""
    right = np.array([head.labels.index(label) for label in truth])
    often = np.bincount(right, minlength=len(head.labels)) / len(right)

    def loss(values: np.ndarray) -> float:
        chances = softmax(scores * np.exp(values[0]) + values[1:])
        picked = chances[np.arange(len(right)), right]
        return float(-np.log(np.maximum(picked, 1e-9)).mean() + 0.01 * (values[1:] ** 2).sum())

    start = np.r_[1.0, np.zeros(len(head.labels))]
    found = minimize(loss, start, method="L-BFGS-B").x
    head.heat, head.shift = float(np.exp(found[0])), found[1:] * (often > 0)
    said, chances = answers(head, scores)
    for part, into in folds:
        one, other = head.labels.index(part), head.labels.index(into)
        chances[:, other] += chances[:, one]
        said, right = (np.where(some == one, other, some) for some in (said, right))
    often = np.bincount(right, minlength=len(head.labels)) / len(right)
    sure, good = chances[np.arange(len(said)), said], said == right
    head.bend = _bend(sure, good)
    sure = np.interp(sure, head.bend[0], head.bend[1])
    # Where nearly all messages have one label, saying it proves nothing: the others are judged.
    told = said != often.argmax() if often.max() > 0.8 else np.ones(len(said), bool)
    good, sure = good[told], sure[told]
    head.unsure_below = 1.0
    for level in np.arange(0.3, 0.96, 0.01):
        above = sure >= level
        if above.sum() < 20:
            break
        if good[above].mean() >= WANTED_RIGHT:
            head.unsure_below = float(round(level, 2))
            break


def _bend(sure: np.ndarray, good: np.ndarray) -> list[list[float]]:
    """Points from told to found confidence: means of equal parts, made to rise."""
    order = np.argsort(sure, kind="stable")
    parts = np.array_split(order, max(1, min(KNOTS, len(order) // LEAST_ANSWERS)))
    told = np.array([sure[part].mean() for part in parts])
    right = [good[part].mean() for part in parts]
    found = IsotonicRegression().fit(told, right, [len(part) for part in parts]).predict(told)
    points = [
        [round(float(one), 4) for one in np.r_[0.0, told, 1.0]],
        [round(float(one), 4) for one in np.r_[0.0, found, max(found[-1], 0.999)]],
    ]
    return points


def answers(head: Head, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(index of the answer, chances of all labels): the best score answers, however rare its label
    is; calibration leaves the chances."""
    return scores.argmax(1), softmax(scores * head.heat + head.shift)


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(1, keepdims=True))
    return np.asarray(powers / powers.sum(1, keepdims=True))


def report(
    head: Head,
    scores: np.ndarray,
    truth: Sequence[str],
    folds: Sequence[tuple[str, str]] = (),
) -> dict[str, Any]:
    """Macro F1, accuracy, calibration error and the confusions of one head. `folds` are labels that
    are told as another one."""
    chosen, chances = answers(head, scores)
    names = np.array(head.labels)
    for part, into in folds:
        one, other = head.labels.index(part), head.labels.index(into)
        chances[:, other] += chances[:, one]
        chosen = np.where(chosen == one, other, chosen)
        truth = [into if label == part else label for label in truth]
    sure = np.interp(chances[np.arange(len(chosen)), chosen], head.bend[0], head.bend[1])
    said = names[chosen].tolist()
    present = [label for label in head.labels if label in set(truth)]
    scored = f1_score(truth, said, labels=present, average=None, zero_division=0)
    return {
        "lines": len(truth),
        "macro_f1": round(float(np.mean(scored)), 4),
        "accuracy": round(float(np.mean([a == b for a, b in zip(said, truth, strict=True)])), 4),
        "calibration_error": round(
            calibration_error(sure, np.array([a == b for a, b in zip(said, truth, strict=True)])), 4
        ),
        "unsure": round(float((sure < head.unsure_below).mean()), 3),
        "recall": {
            label: round(
                float(
                    np.mean([a == label for a, b in zip(said, truth, strict=True) if b == label])
                ),
                3,
            )
            for label in present
        },
        "f1": {label: round(float(one), 3) for label, one in zip(present, scored, strict=True)},
        "labels": present,
        "confusion": confusion_matrix(truth, said, labels=present).tolist(),
    }


def calibration_error(sure: np.ndarray, good: np.ndarray) -> float:
    """Expected calibration error over BINS equal bins of confidence."""
    error = 0.0
    for low in np.linspace(0, 1, BINS, endpoint=False):
        here = (sure > low) & (sure <= low + 1 / BINS)
        if here.any():
            error += here.mean() * abs(good[here].mean() - sure[here].mean())
    return float(error)
