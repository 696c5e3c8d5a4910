"""What the heads tell apart, and how what is learnt from is parted to be judged."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from itertools import accumulate

import numpy as np
import numpy.typing as npt

FOLDS = 5
SENTIMENTS = ["negative", "neutral", "positive"]
LANGUAGES = [
    "id",
    "jv",
    "su",
    "min",
    "ban",
    "mad",
    "bug",
    "ace",
    "bjn",
    "nij",
    "bbc",
    "ms",
    "en",
    "mixed",
    "other",
    "id-news",
    "en-news",
]
# Languages of which the careful tier's network had read little before it read our reviews.
REGIONAL = ("jv", "su", "min", "ban", "mad", "bug", "ace", "bjn", "nij", "bbc")
OWN = {
    "intent": [
        "complaint",
        "criticism",
        "aspiration",
        "service_question",
        "public_information",
        "integrity",
        "thanks",
        "spam",
        "gambling",
        "rumour",
        "danger",
        "other",
    ],
    "topic": [
        "roads",
        "utilities",
        "waste",
        "disaster",
        "health",
        "education",
        "population",
        "social",
        "business",
        "tax",
        "transport",
        "order",
        "agriculture",
        "land",
        "employment",
        "government",
        "culture",
        "none",
    ],
    "urgency": ["normal", "urgent", "danger"],
    "abuse": ["none", "abusive", "hate"],
    "claim": ["no", "yes"],
}
HEADS = {"language": LANGUAGES, "sentiment": SENTIMENTS, **OWN}
# Where each question's labels begin in a row of all labels.
STARTS = dict(zip(HEADS, accumulate(map(len, HEADS.values()), initial=0), strict=False))


def fold_of(families: Iterable[str]) -> npt.NDArray[np.int64]:
    """The fold in which each family is judged: always the same, however many lines are added."""
    return np.array([zlib.crc32(one.encode()) % FOLDS for one in families], np.int64)
