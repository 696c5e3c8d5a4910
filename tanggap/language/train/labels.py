"""What the heads tell apart, and how what is learnt from is parted to be judged."""

from __future__ import annotations

from itertools import accumulate

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
