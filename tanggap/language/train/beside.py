"""What the fast tier says of lines that it has not read, so that how far it is heard beside the
careful one is chosen on nothing that either has learnt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from tanggap.language.train import vocabulary
from tanggap.language.train.fit import SEED, added_up, fit, fit_bayes, fit_own
from tanggap.language.train.labels import HEADS
from tanggap.language.train.material import NONE, Text
from tanggap.language.train.matrix import WORDS_WEIGH, Counts, Rarity, counts, rarity, weighed
from tanggap.language.train.settings import (
    NUSAX_WEIGHS,
    OURS_WEIGH,
    SECOND,
    SIZES,
    SMOOTH,
    SMSA_LINES,
    STRENGTH,
)

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
REVIEWS = {"smsa": 1.0, "nusax": NUSAX_WEIGHS}


def unseen(
    texts: Sequence[Text],
    fold: Rows,
    learnt: dict[int, Rows],
    kept: Path,
    until: Callable[[], bool],
) -> dict[str, Floats] | None:
    """By head: a row a text, of numbers where its fold was judged and NaN elsewhere; what the fast
    tier adds to all alike is left out. None where there was no time for all."""
    source = np.array([text.source for text in texts])
    truth = np.array([text.labels for text in texts])
    draw = np.random.default_rng(SEED)
    some = np.zeros(len(texts), bool)
    some[draw.permutation(np.flatnonzero(source == "smsa"))[:SMSA_LINES]] = True
    uses = {
        "sentiment": np.isin(source, ["smsa", "nusax", "own"]),
        "language": np.isin(source, ["nusax", "ntrex", "own", "mixed"]) | some,
        "own": np.isin(source, ["own", "lexicon"]),
    }
    ready: dict[str, tuple[Rows, Any, Any]] = {}
    found = {}
    for head, (name, known) in enumerate(HEADS.items()):
        scores = np.full((len(texts), len(known)), np.nan, np.float32)
        for out, may in learnt.items():
            file = kept / f"beside-{name}-{out}.npy"
            here = fold == out
            if not file.exists():
                if until():
                    return None
                group = name if name in SIZES else "own"
                if group not in ready:
                    ready = {group: _read(texts, np.flatnonzero(uses[group]), group)}
                rows, read, often = ready[group]
                has = truth[rows, head] != NONE
                learns, judges = has & np.isin(rows, may), has & here[rows]
                labels = [known[code] for code in truth[rows[learns], head]]
                if name == "language":
                    counted, rare = often
                    listed, listed_as = vocabulary.rows(*SIZES["language"])
                    lines = sp.vstack([counted[learns], listed]).tocsr()
                    part = fit_bayes(name, lines, rare, [*labels, *listed_as], known, SMOOTH)
                elif name == "sentiment":
                    first, second = (
                        fit(
                            name,
                            read[learns],
                            labels,
                            known,
                            STRENGTH[name],
                            np.array([REVIEWS.get(one, ours) for one in source[rows[learns]]]),
                        )
                        for ours in OURS_WEIGH
                    )
                    part = added_up(first, second, SECOND)
                else:
                    part = fit_own(name, read[learns], labels)
                scores[rows[judges]] = part.scores(read[judges]) - part.added
                np.save(file, scores[here])
            scores[here] = np.load(file)
        found[name] = scores
    return found


def _read(texts: Sequence[Text], rows: Rows, group: str) -> tuple[Rows, Any, Any]:
    pairs = group != "language"
    counted: Counts = counts([texts[at].text for at in rows], *SIZES[group], pairs)
    # As in the tier that is shipped: how rare a word is, messages tell and not the lexicon.
    told = np.array([texts[at].source != "lexicon" for at in rows])
    rare: Rarity = rarity(counted[told])
    often = None
    if not pairs:
        table = sp.hstack([counted.words * WORDS_WEIGH, counted.pieces]).tocsr()
        often = table, np.concatenate([rare.words, rare.pieces])
    return rows, weighed(counted, rare), often
