"""What the careful tier learns from: every source at once, each text with the labels that it has,
and the fold in which it is judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tanggap.language.train import sources
from tanggap.language.train.fit import SEED
from tanggap.language.train.labels import HEADS, LANGUAGES, OWN, SENTIMENTS, fold_of
from tanggap.language.train.settings import ARTICLE

NONE = -1
# Reviews, and messages to an office.
REGISTERS = 2
# What is told from Indonesian at a glance needs few lines.
NEWS = {"en": 300, "other": 300}
WEIGHT = {"ntrex": 0.5, "lexicon": 0.2}


@dataclass(frozen=True)
class Text:
    """A message, the code of each head's label (NONE where it has none), its source, and its
    family, which is never parted between what is learnt and what is judged."""

    text: str
    labels: tuple[int, ...]
    source: str
    family: str

    @property
    def weight(self) -> float:
        return WEIGHT.get(self.source, 1.0)


@dataclass(frozen=True)
class Lesson:
    """What one network learns: how many labels each of its questions has, and the code of each
    text's label, (texts, questions), NONE where it has none."""

    counts: tuple[int, ...]
    truth: npt.NDArray[np.int64]


def every(texts: Sequence[Text]) -> Lesson:
    """All heads."""
    return Lesson(tuple(map(len, HEADS.values())), np.array([text.labels for text in texts]))


def opinion(texts: Sequence[Text]) -> Lesson:
    """Sentiment, and whether a review or a message to an office is read: the same words are praise
    in the one and mockery in the other. The sentiments of a review come first."""
    code = np.array([text.labels[list(HEADS).index("sentiment")] for text in texts])
    ours = np.array([text.source == "own" for text in texts])
    truth = np.where((code != NONE) & ours, code + len(SENTIMENTS), code)
    return Lesson((REGISTERS * len(SENTIMENTS),), truth[:, None])


def gather(data: Path) -> list[Text]:
    """Everything that may be learnt from, without what stands in a validation split."""
    draw = np.random.default_rng(SEED)
    smsa, held = sources.smsa(data, "train"), sources.smsa(data, "valid")
    nusax, nusax_held = sources.nusax(data, "train"), sources.nusax(data, "valid")
    drop = sources.overlapping(smsa, [*held, *nusax_held["id"]])
    drop_nusax = sources.overlapping(nusax["id"], held)
    smsa = [row for row in smsa if row.group not in drop]
    found = [
        Text(row.text, _labels(sentiment=row.label, language="id"), "smsa", row.group)
        for row in smsa
    ]
    for code, rows in nusax.items():
        found += [
            Text(row.text, _labels(sentiment=row.label, language=code), "nusax", row.group)
            for row in rows
            if row.group not in drop_nusax
        ]
    for code, lines in sources.ntrex(data).items():
        label = f"{code}-news" if f"{code}-news" in LANGUAGES else code
        found += [
            Text(line, _labels(language=label), "ntrex", f"ntrex:{at // ARTICLE}")
            for at, line in enumerate(lines[: NEWS.get(code, sources.NTREX_TRAIN)])
        ]
    found += [
        Text(text, _labels(language="mixed"), "mixed", group)
        for text, group in sources.mixed(nusax, smsa, draw)
    ]
    for one in sources.own():
        said: dict[str, object] = {name: one[name] for name in OWN}
        said["claim"] = "yes" if one["claim"] else "no"
        labels = _labels(language=one["language"], sentiment=one.get("sentiment"), **said)
        found.append(Text(one["text"], labels, "own", "own:" + one["scenario"]))
    for name in OWN:
        for label, words in sources.lexicon(name).items():
            found += [
                Text(word, _labels(**{name: label}), "lexicon", f"lexicon:{word}") for word in words
            ]
    return found


def _labels(**said: object) -> tuple[int, ...]:
    return tuple(
        known.index(str(said[name])) if said.get(name) is not None else NONE
        for name, known in HEADS.items()
    )


def judged(data: Path) -> dict[str, list[tuple[str, str]]]:
    """The validation splits: (text, label) by the name of the figure."""
    found = {"sentiment_smsa": [(row.text, row.label) for row in sources.smsa(data, "valid")]}
    nusax = sources.nusax(data, "valid")
    for code, rows in nusax.items():
        found[f"sentiment_nusax_{code}"] = [(row.text, row.label) for row in rows]
    lines = [(row.text, code) for code, rows in nusax.items() for row in rows]
    found["language_nusax"] = lines
    found["language_nusax_six_words"] = [(" ".join(t.split()[:6]), code) for t, code in lines]
    found["language_ntrex"] = [
        (line, code)
        for code, written in sources.ntrex(data).items()
        if code != "other"
        for line in written[sources.NTREX_TRAIN :]
    ]
    return found


def folds(texts: Sequence[Text]) -> npt.NDArray[np.int64]:
    """The fold of each text; NONE for words of the lexicon, which all learn."""
    lexicon = np.array([text.source == "lexicon" for text in texts])
    return np.where(lexicon, NONE, fold_of([text.family for text in texts]))


def learnt(texts: Sequence[Text], fold: npt.NDArray[np.int64], out: int) -> npt.NDArray[np.int64]:
    """The rows that may be learnt from when a fold is judged (NONE: no fold is), without reviews
    of SmSA that stand in NusaX, too, on the other side."""
    if out == NONE:
        return np.arange(len(texts))
    stays = fold != out
    code = LANGUAGES.index("id")

    def rows(source: str, inside: bool) -> list[sources.Row]:
        return [
            sources.Row(text.text, "", str(at), source)
            for at, text in enumerate(texts)
            if text.source == source and text.labels[0] == code and inside == (fold[at] == out)
        ]

    for learns, judges in (("smsa", "nusax"), ("nusax", "smsa")):
        for at in sources.overlapping(rows(learns, False), rows(judges, True)):
            family = texts[int(at)].family
            stays &= np.array([text.family != family for text in texts])
    return np.flatnonzero(stays)
