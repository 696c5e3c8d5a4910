"""The careful tier's network while it learns. The lower layers stay as they were and read each text
once; what they said is kept, and only the upper layers learn. So two cores can train it.

Needs PyTorch, which nothing else of ours does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as go

from tanggap.language.train.base import Base, Floats, plainly

LINEAR = ("qkv", "ao", "fi", "fo")
NORMS = ("aln", "oln")
HALF = torch.bfloat16
POOL = 1 << 22


class Layers(nn.Module):
    """Some layers of a base, one after another: (texts, words, hidden) to the same."""

    def __init__(self, base: Base, which: Sequence[int]):
        super().__init__()
        self.count, self.heads, self.epsilon = len(which), base.heads, base.epsilon
        self.weights = nn.ParameterDict()
        for at, layer in enumerate(which):
            for part in LINEAR:
                for side in ("weight", "bias"):
                    self._keep(f"{at}_{part}_{side}", base.arrays[f"{layer}.{part}.{side}"])
            for part in NORMS:
                for side in ("scale", "shift"):
                    self._keep(f"{at}_{part}_{side}", base.arrays[f"{layer}.{part}.{side}"])

    def _keep(self, name: str, value: Floats) -> None:
        self.weights[name] = nn.Parameter(torch.tensor(np.array(value, np.float32)))

    def read(self, x: Tensor, mask: Tensor, drop: Drops | None = None) -> Tensor:
        """`mask` (texts, words) is True where there is a word that is seen."""
        texts, size, hidden = x.shape
        unseen = torch.zeros(mask.shape, dtype=HALF).masked_fill(~mask, -1e4)[:, None, None, :]
        x = x.reshape(texts * size, hidden)
        wide = hidden // self.heads
        for at in range(self.count):
            qkv = self._linear(x, f"{at}_qkv").view(texts, size, 3, self.heads, wide)
            q, k, v = qkv.permute(2, 0, 3, 1, 4)
            likely = torch.softmax((q / math.sqrt(wide)) @ k.transpose(-1, -2) + unseen, -1)
            told = (likely @ v).transpose(1, 2).reshape(texts * size, hidden)
            out = self._linear(told, f"{at}_ao")
            x = self._norm(x + (drop(out) if drop else out), f"{at}_aln")
            out = self._linear(go.gelu(self._linear(x, f"{at}_fi")), f"{at}_fo")
            x = self._norm(x + (drop(out) if drop else out), f"{at}_oln")
        return x.view(texts, size, hidden)

    def _linear(self, x: Tensor, name: str) -> Tensor:
        weight, bias = self.weights[f"{name}_weight"], self.weights[f"{name}_bias"]
        return go.linear(x, weight.to(x.dtype), bias.to(x.dtype))

    def _norm(self, x: Tensor, name: str) -> Tensor:
        scale, shift = self.weights[f"{name}_scale"], self.weights[f"{name}_shift"]
        return go.layer_norm(x, x.shape[-1:], scale, shift, self.epsilon)

    def arrays(self) -> dict[str, Floats]:
        """The weights, named as `base.Base` names them, layers counted from 0."""
        return {
            name.replace("_", "."): one.detach().float().numpy()
            for name, one in self.weights.items()
        }


class Drops:
    """Leaves out a part of what is said. Drawing so many numbers anew would cost more than the
    network itself, so one long row of them is drawn and begun elsewhere each time."""

    def __init__(self, share: float, seed: int):
        draw = torch.Generator().manual_seed(seed)
        self.kept = (torch.rand(POOL, generator=draw) >= share).to(HALF) / (1 - share)
        self.start = np.random.default_rng(seed)

    def __call__(self, x: Tensor) -> Tensor:
        many = x.numel()
        if many > POOL:
            return x
        first = int(self.start.integers(0, POOL - many + 1))
        return x * self.kept[first : first + many].view(x.shape)


class Lower(Layers):
    """The table of words and the layers that do not learn."""

    def __init__(self, base: Base, layers: int):
        super().__init__(base, range(layers))
        self._keep("words", plainly(base.codes, base.scales))
        for name in ("places", "start.scale", "start.shift"):
            self._keep(name.replace(".", "_"), base.arrays[name])

    @torch.no_grad()
    def say(self, pieces: Tensor, mask: Tensor) -> Tensor:
        x = go.embedding(pieces, self.weights["words"])
        x = self._norm(x + self.weights["places"][: x.shape[1]], "start").to(HALF)
        return self.read(x, mask)


class Network(Layers):
    """The layers that learn, and on top of them one row of labels for all heads. Each head weighs
    the words of a message by itself: `look` says how much each word counts for it."""

    def __init__(self, base: Base, which: Sequence[int], labels: Sequence[int], seed: int):
        super().__init__(base, which)
        hidden = len(base.arrays["start.scale"])
        draw = np.random.default_rng(seed)
        some = draw.normal(0, 0.02, (sum(labels), hidden))
        self._keep("head_weight", some.astype(np.float32))
        self._keep("head_bias", np.zeros(sum(labels), np.float32))
        self._keep("look_weight", np.zeros((len(labels), hidden), np.float32))
        spread = np.repeat(np.eye(len(labels), dtype=np.float32), labels, axis=0)
        self.spread = torch.from_numpy(spread)

    def forward(self, x: Tensor, mask: Tensor, drop: Drops | None = None) -> Tensor:
        """(texts, labels of all heads)."""
        x = self.read(x, mask, drop).float()
        if drop:
            x = x * torch.empty(len(x), 1, x.shape[-1]).bernoulli_(0.9) / 0.9
        said = go.linear(x, self.weights["head_weight"], self.weights["head_bias"])
        look = go.linear(x, self.weights["look_weight"]).masked_fill(~mask[..., None], -1e4)
        return (said * go.linear(look.softmax(1), self.spread)).sum(1)

    def rates(self, rate: float, less: float, head: float) -> Iterator[dict[str, Any]]:
        """Groups for the optimiser: each layer learns `less` than the one above it, the labels
        `head` times as fast; nothing pulls norms and what is added towards nothing."""
        for name, one in self.weights.items():
            place = name.split("_")[0]
            speed = rate * less ** (self.count - 1 - int(place)) if place.isdigit() else rate * head
            yield {"params": [one], "lr": speed, "weight_decay": 0.01 * name.endswith("weight")}
