"""Teaches the upper layers, a fold or a seed at a time. What is done is kept in a folder, so that a
training that was interrupted goes on where it was, to the same weights."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as go

from tanggap.language.train.base import Base
from tanggap.language.train.fit import SEED
from tanggap.language.train.material import NONE, Lesson, Text
from tanggap.language.train.network import HALF, Drops, Lower, Network

Rows = npt.NDArray[np.int64]
FROZEN = 4
"""Layers that do not learn, and that both networks stand on."""


@dataclass(frozen=True)
class Plan:
    """How it learns. `rate` is of the uppermost layer; `often` is how many times a round of all
    rounds reads a source; a batch has up to `words` pieces and `most` texts. From `twice` of all
    rounds on each text is read twice, other words hidden and other numbers dropped, and what the
    two readings say must `agree` (R-Drop: Liang et al. 2021, arXiv 2106.14448)."""

    layers: int = 8
    rate: float = 1.5e-4
    less: float = 0.9
    head: float = 10.0
    rounds: int = 10
    twice: float = 0.5
    agree: float = 1.0
    words: int = 1536
    most: int = 64
    drop: float = 0.1
    unseen: float = 0.1  # words that are hidden from the others
    smooth: float = 0.05
    warm: float = 0.08
    often: tuple[tuple[str, float], ...] = ()


EVERY = Plan(
    often=(
        ("smsa", 0.8),
        ("nusax", 0.8),
        ("ntrex", 0.6),
        ("mixed", 1.0),
        ("own", 1.7),
        ("lexicon", 0.5),
    )
)
OPINION = Plan(rounds=5, twice=0.6, often=(("smsa", 1.0), ("nusax", 0.5), ("own", 0.7)))


class Heard:
    """What the lower layers said of each text, in one row of all texts' words."""

    def __init__(self, path: Path, lengths: npt.NDArray[np.int64], hidden: int):
        self.lengths, self.ends = lengths, np.cumsum(lengths)
        rows = np.memmap(path, np.int16, "r", shape=(int(self.ends[-1]), hidden))
        self.rows = torch.from_numpy(np.array(rows)).view(HALF)

    def batch(self, which: Rows) -> tuple[torch.Tensor, torch.Tensor]:
        size = int(self.lengths[which].max())
        x = torch.zeros(len(which), size, self.rows.shape[1], dtype=HALF)
        mask = torch.zeros(len(which), size, dtype=torch.bool)
        for row, at in enumerate(which):
            length = int(self.lengths[at])
            x[row, :length] = self.rows[self.ends[at] - length : self.ends[at]]
            mask[row, :length] = True
        return x, mask


def hear(base: Base, layers: int, ids: Sequence[Sequence[int]], path: Path) -> None:
    """Run each text through the lower layers once."""
    lengths = np.array([len(one) for one in ids])
    ends = np.cumsum(lengths)
    half = path.with_suffix(".part")
    rows = np.memmap(half, np.int16, "w+", shape=(int(ends[-1]), base.codes.shape[1]))
    lower = Lower(base, layers).eval()
    for which in batches(np.arange(len(ids)), lengths, 4096, 256, np.random.default_rng(0)):
        size = int(lengths[which].max())
        pieces = torch.ones(len(which), size, dtype=torch.long)
        for row, at in enumerate(which):
            pieces[row, : lengths[at]] = torch.tensor(ids[at])
        mask = torch.arange(size)[None] < torch.from_numpy(lengths[which])[:, None]
        said = lower.say(pieces, mask).view(torch.int16).numpy()
        for row, at in enumerate(which):
            rows[ends[at] - lengths[at] : ends[at]] = said[row, : lengths[at]]
    rows.flush()
    half.replace(path)


def batches(
    rows: Rows, lengths: npt.NDArray[np.int64], words: int, most: int, draw: np.random.Generator
) -> list[Rows]:
    """The rows in an order of chance, texts of like length together."""
    found = []
    mixed = draw.permutation(rows)
    for first in range(0, len(mixed), 2048):
        block = mixed[first : first + 2048]
        block = block[np.argsort(lengths[block], kind="stable")]
        start = 0
        for end in range(1, len(block) + 1):
            if (
                end == len(block)
                or (end + 1 - start) * lengths[block[end]] > words
                or end - start == most
            ):
                found.append(block[start:end])
                start = end
    order = draw.permutation(len(found))
    return [found[at] for at in order]


@dataclass(frozen=True)
class Step:
    """Texts that are read at once, and how much of all rounds was done before, 0 to 1."""

    rows: Rows
    done: float


def course(
    plan: Plan, texts: Sequence[Text], lengths: npt.NDArray[np.int64], may: Rows, seed: int
) -> list[Step]:
    """All batches of all rounds."""
    sources = np.array([text.source for text in texts])
    found: list[Step] = []
    for one in range(plan.rounds):
        draw = np.random.default_rng((SEED, seed, one))
        rows = []
        for source, often in plan.often:
            here = may[sources[may] == source]
            whole, part = divmod(often, 1)
            rows += [here] * int(whole)
            rows.append(draw.permutation(here)[: int(part * len(here))])
        read = batches(np.concatenate(rows), lengths, plan.words, plan.most, draw)
        found += [Step(rows, (one + at / len(read)) / plan.rounds) for at, rows in enumerate(read)]
    return found


def learn(
    base: Base,
    plan: Plan,
    lesson: Lesson,
    texts: Sequence[Text],
    heard: Heard,
    may: Rows,
    seed: int,
    kept: Path,
    until: float,
) -> Network | None:
    """A network that has read the rows it may; None where time (of the monotonic clock) ran out
    before it had: what it knew is in `kept`, and the next call goes on."""
    counts = lesson.counts
    network = Network(base, range(FROZEN, plan.layers), counts, seed)
    machine = torch.optim.AdamW(
        list(network.rates(plan.rate, plan.less, plan.head)), betas=(0.9, 0.98), fused=True
    )
    steps = course(plan, texts, heard.lengths, may, seed)
    pace = torch.optim.lr_scheduler.LambdaLR(
        machine, lambda at: _pace(plan.warm, steps[min(at, len(steps) - 1)].done)
    )
    truth = torch.from_numpy(lesson.truth)
    weight = torch.tensor([text.weight for text in texts])
    rarity = [_rarity(lesson.truth[may, head], count) for head, count in enumerate(counts)]
    drop, done = Drops(plan.drop, seed), 0
    if kept.exists():
        state = torch.load(kept, weights_only=True)
        network.load_state_dict(state["network"])
        machine.load_state_dict(state["machine"])
        pace.load_state_dict(state["pace"])
        done = state["done"]
    began, lost = time.monotonic(), 0.0
    for at in range(done, len(steps)):
        if time.monotonic() > until:
            break
        torch.manual_seed(SEED + 7919 * seed + at)
        drop.start = np.random.default_rng((seed, at))
        rows = steps[at].rows
        x, mask = heard.batch(rows)
        scores = network(x, _seen(mask, plan.unseen), drop)
        loss = _loss(scores, truth[rows], weight[rows], rarity, counts, plan.smooth)
        if steps[at].done >= plan.twice:
            again = network(x, _seen(mask, plan.unseen), drop)
            other = _loss(again, truth[rows], weight[rows], rarity, counts, plan.smooth)
            loss = (loss + other) / 2 + plan.agree * _apart(scores, again, counts)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        machine.step()
        machine.zero_grad(set_to_none=True)
        pace.step()
        done = at + 1
        lost += (float(loss.detach()) - lost) / min(done, 100)
        if done % 50 == 0:
            spent = time.monotonic() - began
            print(f"  {done} of {len(steps)}, loss {lost:.3f}, {spent:.0f} s", flush=True)
    half = kept.with_suffix(".part")
    state = {
        "network": network.state_dict(),
        "machine": machine.state_dict(),
        "pace": pace.state_dict(),
        "done": done,
    }
    torch.save(state, half)
    half.replace(kept)
    return network if done == len(steps) else None


def _seen(mask: torch.Tensor, unseen: float) -> torch.Tensor:
    """Hides some words. Each text keeps its first mark, so that something is seen."""
    hidden = torch.rand(mask.shape) < unseen
    hidden[:, 0] = False
    return mask & ~hidden


def _pace(warm: float, done: float) -> float:
    return min((done + 1e-3) / warm, (1 - done) / (1 - warm))


def _rarity(codes: Rows, count: int) -> torch.Tensor:
    """What an example of each label weighs: half way between all alike and all labels alike."""
    many = np.bincount(codes[codes != NONE], None, count)
    weight = np.sqrt(many.sum() / np.maximum(many, 1) / max(1, int((many > 0).sum())))
    return torch.tensor(np.minimum(weight, 6) * (many > 0), dtype=torch.float32)


def _loss(
    scores: torch.Tensor,
    truth: torch.Tensor,
    weight: torch.Tensor,
    rare: Sequence[torch.Tensor],
    counts: Sequence[int],
    smooth: float,
) -> torch.Tensor:
    total = torch.zeros(())
    for head, here in enumerate(scores.split(list(counts), 1)):
        has = truth[:, head] != NONE
        if has.any():
            each = go.cross_entropy(
                here[has],
                truth[has, head],
                weight=rare[head],
                reduction="none",
                label_smoothing=smooth,
            )
            total = total + (each * weight[has]).sum() / len(truth)
    return total


def _apart(one: torch.Tensor, other: torch.Tensor, counts: Sequence[int]) -> torch.Tensor:
    """How far two readings of the same texts are apart, over all heads, whether a text has a label
    or not: the mean of the divergence each way (Kullback and Leibler), a text."""
    total = torch.zeros(())
    for here, there in zip(one.split(list(counts), 1), other.split(list(counts), 1), strict=True):
        p, q = here.log_softmax(1), there.log_softmax(1)
        total = total + ((p.exp() - q.exp()) * (p - q)).sum() / (2 * len(one))
    return total
