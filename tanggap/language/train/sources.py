"""Reads what may be trained on: each source with its licence, and what must not meet in one run.

NusaX was made from SmSA, so a sentence of one may stand in the other. Rows of a training split that
share 60 % or more of their four-word runs with a validation split are left out.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

LIKE = 0.6
RUN = 4
NTREX_TRAIN = 1400
SETS = Path(__file__).with_name("sets")
HELD = Path(__file__).with_name("held")

LICENCES = [
    {
        "name": "SmSA (IndoNLU)",
        "origin": "github.com/IndoNLP/indonlu, data set by Prosa.ai",
        "licence": "Apache-2.0",
        "for": ["sentiment", "language"],
    },
    {
        "name": "NusaX-senti",
        "origin": "github.com/IndoNLP/nusax, Winata et al. 2023",
        "licence": "CC BY-SA 4.0",
        "for": ["sentiment", "language"],
    },
    {
        "name": "NTREX-128",
        "origin": "github.com/MicrosoftTranslator/NTREX, Federmann et al. 2022",
        "licence": "CC BY-SA 4.0",
        "for": ["language"],
    },
    {
        "name": "wordfreq",
        "origin": "github.com/rspeer/wordfreq, Speer 2022: how often words are written",
        "licence": "CC BY-SA 4.0",
        "for": ["language"],
    },
    {
        "name": "Tanggap's own sets",
        "origin": "tanggap/language/train/sets, written by Tanggap's authors",
        "licence": "Apache-2.0",
        "for": ["intent", "topic", "urgency", "abuse", "claim", "sentiment", "language"],
    },
]

NUSAX = {
    "acehnese": "ace",
    "balinese": "ban",
    "banjarese": "bjn",
    "buginese": "bug",
    "english": "en",
    "indonesian": "id",
    "javanese": "jv",
    "madurese": "mad",
    "minangkabau": "min",
    "ngaju": "nij",
    "sundanese": "su",
    "toba_batak": "bbc",
}
NTREX = {"ref.ind": "id", "ref.msa": "ms", "src.eng": "en", "ref.fil": "other"}


@dataclass(frozen=True)
class Row:
    """A text with one label, the group that must not be split, and where it came from."""

    text: str
    label: str
    group: str
    source: str


def smsa(data: Path, split: str) -> list[Row]:
    lines = (data / "smsa" / f"{split}_preprocess.tsv").read_text("utf-8").splitlines()
    pairs = [line.rsplit("\t", 1) for line in lines if "\t" in line]
    return [
        Row(text, label, f"smsa:{split}:{at}", "smsa") for at, (text, label) in enumerate(pairs)
    ]


def nusax(data: Path, split: str) -> dict[str, list[Row]]:
    """By language; a sentence has the same group in all twelve."""
    found = {}
    for folder, code in NUSAX.items():
        with (data / "nusax" / folder / f"{split}.csv").open(encoding="utf-8", newline="") as file:
            found[code] = [
                Row(one["text"], one["label"], f"nusax:{one['id']}", f"nusax:{code}")
                for one in csv.DictReader(file)
            ]
    return found


def ntrex(data: Path) -> dict[str, list[str]]:
    """Lines by language, in the order of the file: the first NTREX_TRAIN are for training."""
    return {
        code: (data / "ntrex" / f"newstest2019-{name}.txt").read_text("utf-8").splitlines()
        for name, code in NTREX.items()
    }


def own() -> list[dict[str, str]]:
    """Our own lines: id, scenario, language, intent, topic, urgency, abuse, claim, sentiment,
    text."""
    return _lines(SETS)


def held() -> list[dict[str, str]]:
    """Lines of ours that no shipped model has read and by which nothing was chosen."""
    return _lines(HELD)


def _lines(folder: Path) -> list[dict[str, str]]:
    found = []
    for path in sorted(folder.glob("*.jsonl")):
        found += [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]
    return found


def set_of(one: Mapping[str, str]) -> str:
    """The set that a line of ours is of. Scenarios of the second (many a word points elsewhere), of
    the third (an ordinary week) and of the fourth (one situation, several labels) have two letters
    and a number of three digits."""
    named = re.fullmatch(r"(y[a-i]|z[a-i]|z[j-z])\d{3}", one["scenario"])
    if not named:
        return "first"
    return "second" if named[1][0] == "y" else "third" if named[1][1] < "j" else "fourth"


def label(one: Mapping[str, Any], head: str) -> str:
    """What a head should say of a line of ours."""
    return ("yes" if one["claim"] else "no") if head == "claim" else str(one[head])


def lexicon(head: str) -> dict[str, list[str]]:
    """Words and phrases that speak for each label of a head."""
    heads = json.loads((SETS / "lexicon.json").read_text("utf-8"))["heads"]
    found: dict[str, list[str]] = heads.get(head, {})
    return found


def mixed(
    nusax: Mapping[str, Sequence[Row]], smsa: Sequence[Row], draw: np.random.Generator
) -> Iterator[tuple[str, str]]:
    """(text, group) of lines in two languages: a sentence's beginning and a review's."""
    for code in ("jv", "su", "min", "ban", "bjn", "en"):
        for row, at in zip(nusax[code][:80], draw.permutation(len(smsa))[:80], strict=True):
            yield " ".join([*row.text.split()[:9], *smsa[at].text.split()[:9]]), row.group


def overlapping(rows: Sequence[Row], held: Sequence[Row]) -> set[str]:
    """Groups of the rows that share LIKE or more of their runs of words with what is held back."""
    known = set().union(*(_runs(row.text) for row in held))
    return {row.group for row in rows if len((runs := _runs(row.text)) & known) >= LIKE * len(runs)}


def _runs(text: str) -> set[tuple[str, ...]]:
    words = re.sub(r"\W+", " ", text.lower()).split()
    return {tuple(words[at : at + RUN]) for at in range(max(1, len(words) - RUN + 1))}
