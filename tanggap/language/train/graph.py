"""Writes the two trained networks as one ONNX graph: the table of words in four bits, products in
eight. Both read what the lower layers say.

What goes in are `pieces` (1, words), what comes out are `scores` (1, labels of all heads). One
message at a time: the scale of what is rounded to eight bits is found anew in each run, so a
message beside another would be answered a little differently than alone. The nodes are those that
onnxruntime has fused kernels for (`com.microsoft`).

All that goes into a product is rounded by one scale, and some of its numbers are ten times as
large as the rest. So they are evened out first, by as much as their weights then make up for
(SmoothQuant: Xiao et al. 2022, arXiv 2211.10438). What rounding changes in the scores was a tenth
of what parts them and is a twentieth.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from tanggap.language.train.base import BLOCK, Base, Floats
from tanggap.language.train.labels import HEADS, SENTIMENTS, STARTS
from tanggap.language.train.material import REGISTERS

FUSED = "com.microsoft"
LONGEST = 128
"""Pieces of a message that are read, the two marks among them."""


EVEN = 0.8
"""How much of the unevenness goes over to the weights: 1 is all."""
Arrays = Mapping[str, Floats]


def write(
    base: Base,
    lower: Arrays,
    every: Arrays,
    opinion: Arrays,
    samples: Sequence[Sequence[int]],
    path: Path,
) -> None:
    """Arrays as `network` names them, layers counted from 0 in each; `samples`: pieces of some
    texts, which tell how large numbers become."""
    assert base.codes.shape[1] == len(lower["start.scale"])
    labels = [len(known) for known in HEADS.values()]
    graph = Graph(base.heads, base.epsilon)
    read = graph.layers(graph.start(base, lower), lower, "lower")
    all_heads = graph.answers(graph.layers(read, every, "every"), every, "every", labels)
    felt = graph.answers(
        graph.layers(read, opinion, "opinion"), opinion, "opinion", [REGISTERS * len(SENTIMENTS)]
    )
    graph.sentiment(all_heads, felt)
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder, "plain.onnx")
        graph.even(samples)
        onnx.save(graph.model(), plain)
        # Seven bits: older processors add pairs of products in sixteen, and eight would overflow.
        quantize_dynamic(
            plain,
            path,
            op_types_to_quantize=["MatMul", "Attention"],
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            nodes_to_exclude=graph.plain,
            extra_options={"DefaultTensorType": TensorProto.FLOAT},
        )


class Graph:
    """Nodes and weights that grow; each method returns the name of what it made."""

    def __init__(self, heads: int, epsilon: float):
        self.heads, self.epsilon = heads, epsilon
        self.nodes: list[onnx.NodeProto] = []
        self.held: dict[str, Any] = {}
        self.rounded: dict[str, tuple[str, str]] = {}
        """By what evens it out: what goes into a product that is rounded, and its weights."""
        self.plain: list[str] = []
        """Products that are not rounded."""

    def have(self, name: str, value: npt.NDArray[Any]) -> str:
        self.held[name] = np.ascontiguousarray(value)
        return name

    def node(self, kind: str, given: list[str], made: str, domain: str = "", **how: object) -> str:
        self.nodes.append(helper.make_node(kind, given, [made], name=made, domain=domain, **how))
        return made

    def model(self, also: Sequence[str] = ()) -> onnx.ModelProto:
        """`also`: what else comes out."""
        number, labels = TensorProto.FLOAT, sum(map(len, HEADS.values()))
        out = [helper.make_tensor_value_info("scores", number, [1, labels])]
        out += [helper.make_tensor_value_info(name, number, None) for name in also]
        held = [
            one if isinstance(one, TensorProto) else numpy_helper.from_array(one, name)
            for name, one in self.held.items()
        ]
        given = [helper.make_tensor_value_info("pieces", TensorProto.INT64, [1, "words"])]
        return helper.make_model(
            helper.make_graph(self.nodes, "careful", given, out, held),
            opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid(FUSED, 1)],
            ir_version=10,
        )

    # ---- parts ----------------------------------------------------------------------------------

    def start(self, base: Base, arrays: Arrays) -> str:
        """The words, each in its place."""
        low, high = base.codes[:, 0::2] & 15, base.codes[:, 1::2] & 15
        packed = (low | (high << 4)).astype(np.uint8).tobytes()
        self.held["words"] = helper.make_tensor(
            "words", TensorProto.INT4, base.codes.shape, packed, raw=True
        )
        said = self.node(
            "GatherBlockQuantized",
            ["words", "pieces", self.have("words.scale", base.scales.astype(np.float16))],
            "said",
            FUSED,
            gather_axis=0,
            quantize_axis=1,
            block_size=BLOCK,
        )
        said = self.node("Cast", [said], "said.plain", to=TensorProto.FLOAT)
        size = self.node("Shape", ["pieces"], "size", start=1, end=2)
        zero = np.array([0], np.int64)
        first, rows = self.have("first", zero), self.have("rows", zero)
        places = self.have("places", arrays["places"][:LONGEST].astype(np.float32))
        there = self.node("Slice", [places, first, size, rows], "there")
        x = self.node("Add", [said, there], "placed")
        norm = [self.have(name, arrays[name]) for name in ("start.scale", "start.shift")]
        return self.node("LayerNormalization", [x, *norm], "start", epsilon=self.epsilon)

    def layers(self, x: str, arrays: Arrays, part: str) -> str:
        def plain(name: str) -> str:
            return self.have(f"{part}.{name}", arrays[name].astype(np.float32))

        def product(x: str, name: str) -> list[str]:
            weights = self.have(f"{part}.{name}", arrays[f"{name}.weight"].T)
            evens = self.have(f"{part}.{name}.evens", np.ones(len(self.held[weights]), np.float32))
            self.rounded[evens] = x, weights
            return [self.node("Mul", [x, evens], f"{part}.{name}.evened"), weights]

        def normed(said: str, x: str, bias: str, norm: str, made: str) -> str:
            given = [said, x, plain(f"{norm}.scale"), plain(f"{norm}.shift"), plain(bias)]
            return self.node("SkipLayerNormalization", given, made, FUSED, epsilon=self.epsilon)

        for at in range(1 + max(int(name.split(".")[0]) for name in arrays if name[0].isdigit())):
            here = f"{part}.{at}"
            qkv = [*product(x, f"{at}.qkv"), plain(f"{at}.qkv.bias")]
            seen = self.node("Attention", qkv, f"{here}.attention", FUSED, num_heads=self.heads)
            out = self.node("MatMul", product(seen, f"{at}.ao"), f"{here}.out")
            x = normed(out, x, f"{at}.ao.bias", f"{at}.aln", f"{here}.seen")
            wide = self.node("MatMul", product(x, f"{at}.fi"), f"{here}.wide")
            bent = self.node("BiasGelu", [wide, plain(f"{at}.fi.bias")], f"{here}.bent", FUSED)
            back = self.node("MatMul", product(bent, f"{at}.fo"), f"{here}.back")
            x = normed(back, x, f"{at}.fo.bias", f"{at}.oln", f"{here}.read")
        return x

    def answers(self, x: str, arrays: Arrays, part: str, labels: Sequence[int]) -> str:
        """What each word says of each label, the words weighed by each question for itself."""
        each, looks, spread = (f"{part}.{name}" for name in ("each", "looks", "spread"))
        self.plain += [each, looks, f"{spread}.shares"]
        each = self.node("MatMul", [x, self.have(f"{part}.head", arrays["head.weight"].T)], each)
        bias = self.have(f"{part}.head.bias", arrays["head.bias"])
        each = self.node("Add", [each, bias], f"{part}.each.added")
        look = self.node("MatMul", [x, self.have(f"{part}.look", arrays["look.weight"].T)], looks)
        look = self.node("Softmax", [look], f"{part}.shares", axis=1)
        wide = np.repeat(np.eye(len(labels), dtype=np.float32), labels, axis=0).T
        look = self.node("MatMul", [look, self.have(spread, wide)], f"{spread}.shares")
        heard = self.node("Mul", [each, look], f"{part}.heard")
        along = self.have(f"{part}.along", np.array([1], np.int64))
        return self.node("ReduceSum", [heard, along], f"{part}.scores", keepdims=0)

    def sentiment(self, all_heads: str, felt: str) -> str:
        """The scores of all heads. A review's sentiment is the second network's. How the writer of
        a message to an office feels the first knows better, as it knows what the message is about.
        What is said is the sum over both, by how likely each is."""
        first, many = STARTS["sentiment"], len(SENTIMENTS)
        rest = sum(map(len, HEADS.values())) - first - many

        def parts(x: str, axis: int, sizes: Sequence[int], made: list[str]) -> list[str]:
            split = self.have(f"{made[0]}.parts", np.array(sizes, np.int64))
            self.nodes.append(helper.make_node("Split", [x, split], made, name=made[0], axis=axis))
            return made

        before, ours, after = parts(all_heads, 1, [first, many, rest], ["before", "ours", "after"])
        review, office = parts(felt, 1, [many] * REGISTERS, ["review", "office"])
        along = self.have("sentiments", np.array([1], np.int64))
        office = self.node("ReduceLogSumExp", [office, along], "office.likely", keepdims=1)
        ours = self.node("LogSoftmax", [ours], "ours.likely", axis=1)
        ours = self.node("Add", [ours, office], "ours.there")
        both = self.node("Concat", [review, ours], "registers", axis=0)
        over = self.have("registers.over", np.array([0], np.int64))
        both = self.node("ReduceLogSumExp", [both, over], "sentiment", keepdims=1)
        return self.node("Concat", [before, both, after], "scores", axis=1)

    # ---- rounding -------------------------------------------------------------------------------

    def even(self, samples: Sequence[Sequence[int]]) -> None:
        """Choose by how much the numbers that go into each product are evened out."""
        names = sorted({x for x, _ in self.rounded.values()})
        run = onnxruntime.InferenceSession(
            self.model(names).SerializeToString(), providers=["CPUExecutionProvider"]
        )
        largest: dict[str, Any] = dict.fromkeys(names, 1e-3)
        for pieces in samples:
            said = run.run(names, {"pieces": np.array([pieces], np.int64)})
            for name, value in zip(names, said, strict=True):
                largest[name] = np.maximum(largest[name], np.abs(value[0]).max(0))
        for evens, (x, weights) in self.rounded.items():
            value = self.held[weights]
            weigh = np.maximum(np.abs(value).max(1), 1e-4)
            scale = largest[x] ** EVEN / weigh ** (1 - EVEN)
            scale = np.maximum(scale / np.exp(np.log(scale).mean()), 1e-2).astype(np.float32)
            self.held[weights] = np.ascontiguousarray(value * scale[:, None])
            self.held[evens] = 1 / scale
