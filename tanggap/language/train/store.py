"""Writes what was trained: weights in whole numbers of one byte, and what they mean beside them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tanggap.language import MADE_BY
from tanggap.language.train.fit import Head
from tanggap.language.train.matrix import Rarity

MODELS = Path(__file__).resolve().parents[1] / "models"
# Weights beyond this share of the largest are cut: a handful would cost all others their places.
KEPT = 0.9999


@dataclass
class Trained:
    """Heads that share features, how rare each feature is, and the sizes of the tables."""

    heads: list[Head]
    rare: Rarity
    sizes: tuple[int, int, bool]


def write(groups: Sequence[Trained], figures: dict[str, Any]) -> None:
    """`fast.npz` and `fast.json` of the package."""
    arrays: dict[str, np.ndarray] = {}
    about = []
    for at, group in enumerate(groups):
        weights = np.hstack([head.weights for head in group.heads])
        rare = np.concatenate([group.rare.words, group.rare.pieces])
        folded = weights * rare[:, None]
        scale = np.array(
            [
                np.quantile(np.abs(column[column != 0]), KEPT) / 127 if column.any() else 1.0
                for column in folded.T
            ],
            np.float32,
        )
        whole = np.clip(np.rint(folded / scale), -127, 127).astype(np.int8)
        cut = 1 << group.sizes[0]
        most = float((rare**2).max())
        arrays[f"words{at}"], arrays[f"pieces{at}"] = whole[:cut], whole[cut:]
        arrays[f"rare{at}"] = np.rint(rare**2 / most * 65535).astype(np.uint16)
        arrays[f"scale{at}"] = scale
        about.append(
            {
                "pairs": group.sizes[2],
                "rarest": most,
                "heads": [
                    {
                        "name": head.name,
                        "labels": head.labels,
                        "added": [round(float(one), 5) for one in head.added],
                        "heat": round(head.heat, 5),
                        "shift": [round(float(one), 5) for one in head.shift],
                        "bend": head.bend,
                        "unsure_below": head.unsure_below,
                    }
                    for head in group.heads
                ],
            }
        )
    MODELS.mkdir(exist_ok=True)
    packed: Any = arrays
    np.savez_compressed(MODELS / "fast.npz", **packed)
    text = json.dumps({"name": MADE_BY, "groups": about}, indent=1)
    (MODELS / "fast.json").write_text(text + "\n", "utf-8")
