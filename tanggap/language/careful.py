"""The careful tier: a small transformer, beside what the fast tier says.

Slower by three orders of magnitude and better where words mean nothing alone. It needs onnxruntime
and sentencepiece, which come with the extra `careful`; the weights are in the package, nothing is
fetched. One message is read at a time, so that an answer does not depend on what stands beside it.
`models/CARD-careful.md` says what it was trained on and how well it does.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from typing import Any

import numpy as np

from tanggap.language import fast
from tanggap.language.reader import Floats, Marks

LONGEST = 128
"""Pieces of words that are read of a message, two marks among them: its first and its last half."""
SIGNS = 4000
"""Signs that are looked at, first and last half too: pieces are never longer than sixteen signs."""
_STRETCHED = re.compile(r"([^\W\d_])\1{2,}")
_BEGIN, _END = 0, 2


class NotInstalled(Exception):
    """What the tier needs is not here; the message says what to type."""


@dataclass(frozen=True, slots=True)
class Share:
    """How far the network's scores and the fast tier's count, and what each label gets on top."""

    own: float
    fast: float
    added: Floats

    def of(self, said: Floats, beside: Floats) -> Floats:
        found: Floats = (said * self.own + beside * self.fast + self.added).astype(np.float32)
        return found


@dataclass(frozen=True, slots=True)
class Beside:
    """One question: where the network's scores stand, what they weigh, and what the fast tier's
    weigh beside them. In a regional language, which the network hardly knows, they may weigh
    otherwise (`regional`)."""

    head: fast.Head
    first: int
    share: Share
    regional: Share | None

    def scores(self, said: Floats, sums: Floats, regional: Marks) -> Floats:
        """`said` by the network, `sums` of the fast tier, and whether its language is a regional
        one: a row a text."""
        here = said[:, self.first : self.first + len(self.head.labels)]
        other = fast.model().heads[self.head.name]
        beside = other.scores(sums) - other.added
        found = self.share.of(here, beside)
        if self.regional is not None:
            found[regional] = self.regional.of(here[regional], beside[regional])
        return found


@dataclass(frozen=True, slots=True)
class Model:
    """What is shipped: what cuts a text into pieces, what reads them, and the questions."""

    name: str
    splitter: Any
    session: Any
    heads: dict[str, Beside]
    regional: frozenset[str]

    def said(self, texts: Sequence[str]) -> Floats:
        """The network's scores, a row a text."""
        return answers(self.session, split(self.splitter, texts))

    def scores(self, said: Floats, sums: Floats) -> dict[str, Floats]:
        """All questions: what the network `said` and the fast tier's `sums`, a row a text."""
        nowhere = np.zeros(len(said), np.bool_)
        language = self.heads["language"]
        found = language.scores(said, sums, nowhere).argmax(1)
        regional = np.array([one in self.regional for one in language.head.labels])[found]
        return {name: one.scores(said, sums, regional) for name, one in self.heads.items()}


def how_to_install() -> str:
    """What to type. An environment that uv made has no pip of its own."""
    if find_spec("pip"):
        return f"{sys.executable} -m pip install onnxruntime sentencepiece"
    return f"uv pip install --python {sys.executable} onnxruntime sentencepiece"


@cache
def model() -> Model:
    """Load it, once. Raises NotInstalled."""
    try:
        import onnxruntime
        import sentencepiece
    except ImportError as missing:
        raise NotInstalled(
            f"The careful tier needs {missing.name}, which is not installed. "
            f"Type: {how_to_install()}. "
            "Or use the fast tier."
        ) from missing
    folder = files(__package__).joinpath("models")
    if not folder.joinpath("careful.json").is_file():
        raise NotInstalled(
            "This version of Tanggap comes without the careful tier's weights. Use the fast tier, "
            "or train them: ./run train --tier careful --help."
        )
    about = json.loads(folder.joinpath("careful.json").read_text("utf-8"))
    splitter = sentencepiece.SentencePieceProcessor(
        model_proto=folder.joinpath("careful.spm").read_bytes()
    )
    heads = {}
    for one in about["heads"]:
        head = fast.Head(
            one["name"],
            tuple(one["labels"]),
            0,
            0,
            np.array(one["added"], np.float32),
            one["heat"],
            np.array(one["shift"], np.float32),
            (np.array(one["bend"][0]), np.array(one["bend"][1])),
            one["unsure_below"],
        )
        share = Share(one["own"], one["fast"], head.added)
        there = one.get("regional")
        apart = there and Share(there["own"], there["fast"], np.array(there["added"], np.float32))
        heads[head.name] = Beside(head, one["first"], share, apart)
    weights = folder.joinpath("careful.onnx").read_bytes()
    regional = frozenset(about["regional"])
    return Model(about["name"], splitter, session(onnxruntime, weights), heads, regional)


def session(onnxruntime: Any, weights: bytes) -> Any:
    """A network that reads on one core: who has more reads more messages at once."""
    how = onnxruntime.SessionOptions()
    how.intra_op_num_threads = how.inter_op_num_threads = 1
    how.log_severity_level = 3
    return onnxruntime.InferenceSession(weights, how, providers=["CPUExecutionProvider"])


def split(splitter: Any, texts: Sequence[str]) -> list[list[int]]:
    """The pieces of each text between its marks."""
    half = (LONGEST - 2) // 2
    return [
        [_BEGIN, *(ids if len(ids) <= 2 * half else [*ids[:half], *ids[-half:]]), _END]
        for ids in splitter.encode([spelt(text) for text in texts], num_threads=1)
    ]


def spelt(text: str) -> str:
    """As the network is given it: small letters, none more than twice in a row."""
    if len(text) > SIGNS:
        text = text[: SIGNS // 2] + text[-SIGNS // 2 :]
    # Half of a pair of signs cannot be written as UTF-8.
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return _STRETCHED.sub(r"\1\1", whole.lower().replace("\x00", " "))


def answers(session: Any, ids: Sequence[Sequence[int]]) -> Floats:
    """Scores of all heads' labels, a row a message."""
    rows = [session.run(None, {"pieces": np.array([one], np.int64)})[0] for one in ids]
    if not rows:
        return np.zeros((0, session.get_outputs()[0].shape[1]), np.float32)
    return np.concatenate(rows)
