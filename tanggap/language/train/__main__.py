"""Rebuilds the shipped model from the data sets and our own lines: `./run train`.

Seeds are fixed. Prints validation figures, writes `models/fast.npz`, `models/fast.json` and the
model card `models/CARD.md`. With `--figures` it only measures. `--tier careful` trains the other
tier, which has options of its own (`--tier careful --help`).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from tanggap.language.classify import FOLDED
from tanggap.language.train import card, gazetteer, sources, store, vocabulary
from tanggap.language.train.fit import (
    SEED,
    Head,
    added_up,
    calibrate,
    fit,
    fit_bayes,
    fit_own,
    lean,
    lean_to_indonesian,
    report,
)
from tanggap.language.train.labels import FOLDS, LANGUAGES, OWN, SENTIMENTS, fold_of
from tanggap.language.train.matrix import WORDS_WEIGH, Counts, counts, rarity, stacked, weighed
from tanggap.language.train.settings import (
    ARTICLE,
    LEANING,
    NUSAX_WEIGHS,
    OURS_WEIGH,
    SECOND,
    SIZES,
    SMOOTH,
    SMSA_LINES,
    STRENGTH,
    WANTED_INDONESIAN,
)

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"


def main(words: list[str] | None = None) -> int:
    given = sys.argv[1:] if words is None else words
    which = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    which.add_argument("--tier", choices=["fast", "careful"], default="fast")
    tier, rest = which.parse_known_args(given)
    if tier.tier == "careful":
        # Needs PyTorch, which the fast tier's training does without.
        from tanggap.language.train import careful

        return careful.main(rest, DATA)
    return train_fast(given)


def train_fast(words: list[str]) -> int:
    arguments = argparse.ArgumentParser(prog="./run train", description=__doc__)
    arguments.add_argument("--data", type=Path, default=DATA, help="folder of the data sets")
    arguments.add_argument("--figures", action="store_true", help="measure, write nothing")
    arguments.add_argument("--only", choices=["sentiment", "language", "own"], nargs="*")
    arguments.add_argument("--tier", choices=["fast", "careful"], default="fast")
    asked = arguments.parse_args(words)
    if not (asked.data / "smsa").is_dir():
        print(
            f"train: there are no data sets in {asked.data}; name their folder with --data.",
            file=sys.stderr,
        )
        return 1
    began = time.monotonic()
    if not asked.figures and not asked.only:
        read = [row.text for row in sources.smsa(asked.data, "train")]
        read += [row.text for row in sources.nusax(asked.data, "train")["id"]]
        print(
            "places: {} names, {} of them common words".format(*gazetteer.build(asked.data, read))
        )
    groups: list[store.Trained] = []
    figures: dict[str, Any] = {}
    for name, train in (("sentiment", sentiment), ("language", language), ("own", own_heads)):
        if asked.only and name not in asked.only:
            continue
        groups.append(train(asked.data, figures))
        print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    print(json.dumps({name: _short(one) for name, one in figures.items()}, indent=1))
    if not asked.figures and not asked.only:
        store.write(groups, figures)
        card.write(figures)
    return 0


def _short(one: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in one.items() if key not in {"confusion", "labels"}}


# ---- sentiment ----------------------------------------------------------------------------


def sentiment(data: Path, figures: dict[str, Any]) -> store.Trained:
    train, held = sources.smsa(data, "train"), sources.smsa(data, "valid")
    nusax, nusax_held = sources.nusax(data, "train"), sources.nusax(data, "valid")
    ours = sources.own()
    drop = sources.overlapping(train, [*held, *nusax_held["id"]])
    drop_nusax = sources.overlapping(nusax["id"], held)
    rows = [row for row in train if row.group not in drop]
    many = [row for code in nusax for row in nusax[code] if row.group not in drop_nusax]
    figures["left_out"] = {"smsa_rows": len(drop), "nusax_sentences": len(drop_nusax)}

    sizes = (*SIZES["sentiment"], True)
    parts = [
        counts([row.text for row in rows], *sizes),
        counts([row.text for row in many], *sizes),
        counts([one["text"] for one in ours], *sizes),
    ]
    labels = [
        [row.label for row in rows],
        [row.label for row in many],
        [one["sentiment"] for one in ours],
    ]
    reviews = np.concatenate([np.ones(len(rows)), np.full(len(many), NUSAX_WEIGHS)])
    weighs = [np.r_[reviews, np.full(len(ours), ours_weigh)] for ours_weigh in OURS_WEIGH]
    every = stacked(parts)
    truth = np.array([label for part in labels for label in part])
    family = np.array(
        [row.group for row in rows]
        + [row.group for row in many]
        + ["own:" + one["scenario"] for one in ours]
    )
    rare = rarity(stacked(parts[:2]))
    texts = weighed(every, rare)

    f1 = []
    for seed in (SEED, SEED + 1, SEED + 2):
        head = _opinion(texts, truth, weighs, seed)
        if seed == SEED:
            shipped = head
            scores, has = _unseen(texts, truth, family, 2, weighs)
            calibrate(shipped, scores[has], truth[has].tolist())
            ours_too = has & np.char.startswith(family, "own:")
            figures["sentiment_own"] = report(shipped, scores[ours_too], truth[ours_too].tolist())
            unread = _on(shipped, rare, [one["text"] for one in sources.held()], sizes)
            figures["sentiment_held_set"] = report(
                shipped, unread, [one["sentiment"] for one in sources.held()]
            )
        shown = _on(head, rare, [row.text for row in held], sizes)
        f1.append(report(head, shown, [row.label for row in held])["macro_f1"])
    figures["sentiment_smsa"] = report(
        shipped, _on(shipped, rare, [row.text for row in held], sizes), [row.label for row in held]
    ) | {"macro_f1_three_seeds": f1}
    by_language = {}
    for code, lines in nusax_held.items():
        by_language[code] = report(
            shipped,
            _on(shipped, rare, [row.text for row in lines], sizes),
            [row.label for row in lines],
        )["macro_f1"]
    figures["sentiment_nusax"] = {
        "mean": round(float(np.mean(list(by_language.values()))), 4),
        **by_language,
    }
    return store.Trained([shipped], rare, sizes)


def _opinion(texts: Any, truth: Any, weighs: Sequence[Any], seed: int = SEED) -> Head:
    """Both learners of the sentiment in one head."""
    first, second = (
        fit("sentiment", texts, truth.tolist(), SENTIMENTS, STRENGTH["sentiment"], counted, seed)
        for counted in weighs
    )
    return added_up(first, second, SECOND)


def _unseen(
    texts: Any, truth: Any, family: Any, folds: int, weighs: Sequence[Any]
) -> tuple[Any, Any]:
    """(scores, which rows have them): of the first folds, by heads that saw none of the family."""
    scores = np.zeros((len(truth), len(SENTIMENTS)), np.float32)
    has = np.zeros(len(truth), bool)
    for train, test in islice(_folds(family), folds):
        head = _opinion(texts[train], truth[train], [counted[train] for counted in weighs])
        scores[test], has[test] = head.scores(texts[test]), True
    return scores, has


def _folds(family: Iterable[str]) -> Iterator[tuple[Any, Any]]:
    """(rows to learn from, rows to judge) for each fold."""
    fold = fold_of(family)
    for one in range(FOLDS):
        yield np.flatnonzero(fold != one), np.flatnonzero(fold == one)


def _on(head: Head, rare: Any, texts: list[str], sizes: Any) -> Any:
    return head.scores(weighed(counts(texts, *sizes), rare))


# ---- language -----------------------------------------------------------------------------


def language(data: Path, figures: dict[str, Any]) -> store.Trained:
    draw = np.random.default_rng(SEED)
    nusax, nusax_held = sources.nusax(data, "train"), sources.nusax(data, "valid")
    ntrex = sources.ntrex(data)
    drop = sources.overlapping(sources.smsa(data, "train"), nusax_held["id"])
    smsa = [row for row in sources.smsa(data, "train") if row.group not in drop]
    pool: list[tuple[str, str, str]] = []
    for code, rows in nusax.items():
        pool += [(row.text, code, row.group) for row in rows]
    for code, written in ntrex.items():
        # News is another language than talk; learnt apart, neither pulls the other to Malay.
        label = f"{code}-news" if f"{code}-news" in LANGUAGES else code
        some = written[: sources.NTREX_TRAIN]
        pool += [(text, label, f"ntrex:{at // ARTICLE}") for at, text in enumerate(some)]
    pool += [
        (smsa[at].text, "id", smsa[at].group)
        for at in draw.choice(len(smsa), SMSA_LINES, replace=False)
    ]
    pool += [(one["text"], one["language"], "own:" + one["scenario"]) for one in sources.own()]
    own = len(pool)
    pool += [(text, "mixed", group) for text, group in sources.mixed(nusax, smsa, draw)]

    sizes = (*SIZES["language"], False)
    counted = counts([text for text, _, _ in pool], *sizes)
    rare = rarity(counted)
    texts = weighed(counted, rare)
    often = sp.hstack([counted.words * WORDS_WEIGH, counted.pieces]).tocsr()
    rareness = np.concatenate([rare.words, rare.pieces])
    truth = np.array([code for _, code, _ in pool])
    family = np.array([family for _, _, family in pool])
    listed, listed_as = vocabulary.rows(*SIZES["language"])
    scores = np.zeros((len(truth), len(LANGUAGES)), np.float32)

    def learnt(lines: np.ndarray) -> Head:
        read = sp.vstack([often[lines], listed]).tocsr()
        labels = [*truth[lines].tolist(), *listed_as]
        return fit_bayes("language", read, rareness, labels, LANGUAGES, SMOOTH)

    for train, test in _folds(family):
        scores[test] = learnt(train).scores(texts[test])
    shipped = learnt(np.arange(len(truth)))
    shipped.added[:] = lean_to_indonesian(
        LANGUAGES, scores, truth == "id-news", 0.02, WANTED_INDONESIAN["fast"]
    )
    scores += shipped.added
    calibrate(shipped, scores, truth.tolist(), FOLDED["language"])

    news = [
        (line, code)
        for code, written in ntrex.items()
        if code != "other"
        for line in written[sources.NTREX_TRAIN :]
    ]
    lines = [(row.text, code) for code, rows in nusax_held.items() for row in rows]
    short = [(" ".join(line.split()[:6]), code) for line, code in lines]
    for name, shown in (
        ("language_nusax", lines),
        ("language_nusax_six_words", short),
        ("language_ntrex", news),
    ):
        figures[name] = report(
            shipped,
            _on(shipped, rare, [line for line, _ in shown], sizes),
            [code for _, code in shown],
            FOLDED["language"],
        )
    ours = np.char.startswith(family, "own:") & (np.arange(len(family)) < own)
    figures["language_own"] = report(
        shipped, scores[ours], truth[ours].tolist(), FOLDED["language"]
    )
    return store.Trained([shipped], rare, sizes)


# ---- what citizens want: our own sets --------------------------------------------------------


def own_heads(data: Path, figures: dict[str, Any]) -> store.Trained:
    ours = sources.own()
    sizes = (*SIZES["own"], True)
    counted: Counts = counts([one["text"] for one in ours], *sizes)
    rare = rarity(counted)
    texts = weighed(counted, rare)
    held = sources.held()
    unread = weighed(counts([one["text"] for one in held], *sizes), rare)
    family = ["own:" + one["scenario"] for one in ours]
    of_set = np.array([sources.set_of(one) for one in ours])
    heads = []
    for name, labels in OWN.items():
        truth = np.array([sources.label(one, name) for one in ours])
        words = [(word, label) for label, some in sources.lexicon(name).items() for word in some]
        said = weighed(counts([word for word, _ in words], *sizes), rare) if words else texts[:0]
        both = sp.vstack([texts, said]).tocsr()
        every = np.concatenate([truth, np.array([label for _, label in words], truth.dtype)])
        head = fit_own(name, both, every.tolist())
        scores = np.zeros((len(truth), len(labels)), np.float32)
        folds = list(_folds(family))
        for train, test in folds:
            rows = np.r_[train, np.arange(len(truth), len(every))]
            part = fit_own(name, both[rows], every[rows].tolist())
            scores[test] = part.scores(texts[test])
        if name in LEANING:
            right = np.array([labels.index(label) for label in truth])
            head.added += lean(scores, right)
            # Each fold is judged with what the others lean to.
            scores = scores + sum(
                np.isin(np.arange(len(truth)), test)[:, None] * lean(scores[train], right[train])
                for train, test in folds
            )
        calibrate(head, scores, truth.tolist(), FOLDED.get(name, ()))
        figures[name] = report(head, scores, truth.tolist())
        shown = head.scores(unread)
        right_there = [sources.label(one, name) for one in held]
        figures[f"{name}_held_set"] = report(head, shown, right_there)
        for called in ("first", "second", "third", "fourth"):
            rows = of_set == called
            figures[f"{name}_{called}_set"] = report(head, scores[rows], truth[rows].tolist())
        if name in FOLDED:
            folded = report(head, scores, truth.tolist(), FOLDED[name])
            figures[f"{name}_as_classified"] = folded
            folded = report(head, shown, right_there, FOLDED[name])
            figures[f"{name}_as_classified_held_set"] = folded
        heads.append(head)
    return store.Trained(heads, rare, sizes)


if __name__ == "__main__":
    sys.exit(main())
