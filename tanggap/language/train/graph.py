"""Writes a trained network as ONNX: the table of words in four bits, products in eight.

What goes in are `pieces` (1, words), what comes out are `scores` (1, labels of all heads). One
message at a time: the scale of what is rounded to eight bits is found anew in each run, so a
message beside another would be answered a little differently than alone. The nodes are those that
onnxruntime has fused kernels for (`com.microsoft`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from tanggap.language.train.base import BLOCK, Base, Floats

FUSED = "com.microsoft"
LONGEST = 128
"""Pieces of a message that are read, the two marks among them."""


def write(
    base: Base,
    arrays: Mapping[str, Floats],
    layers: int,
    labels: Sequence[int],
    path: Path,
) -> None:
    """`arrays` as `network` names them, layers counted from 0; `labels`: how many each head has."""
    hidden = base.codes.shape[1]
    nodes: list[onnx.NodeProto] = []
    held: list[onnx.TensorProto] = []

    def have(name: str, value: npt.NDArray[np.generic]) -> str:
        held.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(kind: str, given: list[str], made: str, domain: str = "", **how: object) -> str:
        nodes.append(helper.make_node(kind, given, [made], name=made, domain=domain, **how))
        return made

    def array(name: str) -> str:
        return have(name, arrays[name].astype(np.float32))

    low, high = base.codes[:, 0::2] & 15, base.codes[:, 1::2] & 15
    packed = (low | (high << 4)).astype(np.uint8).tobytes()
    held.append(helper.make_tensor("words", TensorProto.INT4, base.codes.shape, packed, raw=True))
    said = node(
        "GatherBlockQuantized",
        ["words", "pieces", have("words.scale", base.scales.astype(np.float16))],
        "said",
        FUSED,
        gather_axis=0,
        quantize_axis=1,
        block_size=BLOCK,
    )
    said = node("Cast", [said], "said.plain", to=TensorProto.FLOAT)
    size = node("Shape", ["pieces"], "size", start=1, end=2)
    first, rows = have("first", np.array([0], np.int64)), have("rows", np.array([0], np.int64))
    there = node("Slice", [array("places"), first, size, rows], "there")
    x = node("Add", [said, there], "placed")
    norm = [array("start.scale"), array("start.shift")]
    x = node("LayerNormalization", [x, *norm], "start", epsilon=base.epsilon)
    for at in range(layers):
        qkv = [have(f"{at}.qkv", arrays[f"{at}.qkv.weight"].T), array(f"{at}.qkv.bias")]
        seen = node("Attention", [x, *qkv], f"{at}.attention", FUSED, num_heads=base.heads)
        out = node("MatMul", [seen, have(f"{at}.ao", arrays[f"{at}.ao.weight"].T)], f"{at}.out")
        x = node(
            "SkipLayerNormalization",
            [out, x, *(array(f"{at}.{part}") for part in ("aln.scale", "aln.shift", "ao.bias"))],
            f"{at}.seen",
            FUSED,
            epsilon=base.epsilon,
        )
        wide = node("MatMul", [x, have(f"{at}.fi", arrays[f"{at}.fi.weight"].T)], f"{at}.wide")
        bent = node("BiasGelu", [wide, array(f"{at}.fi.bias")], f"{at}.bent", FUSED)
        back = node("MatMul", [bent, have(f"{at}.fo", arrays[f"{at}.fo.weight"].T)], f"{at}.back")
        x = node(
            "SkipLayerNormalization",
            [back, x, *(array(f"{at}.{part}") for part in ("oln.scale", "oln.shift", "fo.bias"))],
            f"{at}.read",
            FUSED,
            epsilon=base.epsilon,
        )
    each = node("MatMul", [x, have("head", arrays["head.weight"].T)], "each")
    each = node("Add", [each, array("head.bias")], "each.added")
    look = node("MatMul", [x, have("look", arrays["look.weight"].T)], "looks")
    look = node("Softmax", [look], "shares", axis=1)
    spread = np.repeat(np.eye(len(labels), dtype=np.float32), labels, axis=0).T
    look = node("MatMul", [look, have("spread", spread)], "shares.spread")
    heard = node("Mul", [each, look], "heard")
    node("ReduceSum", [heard, have("along", np.array([1], np.int64))], "scores", keepdims=0)
    graph = helper.make_graph(
        nodes,
        "careful",
        [helper.make_tensor_value_info("pieces", TensorProto.INT64, [1, "words"])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, sum(labels)])],
        held,
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid(FUSED, 1)],
        ir_version=10,
    )
    assert hidden == len(arrays["start.scale"])
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder, "plain.onnx")
        onnx.save(model, plain)
        # Seven bits: older processors add pairs of products in sixteen, and eight would overflow.
        quantize_dynamic(
            plain,
            path,
            op_types_to_quantize=["MatMul", "Attention"],
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            nodes_to_exclude=["each", "looks", "shares.spread"],
            extra_options={"DefaultTensorType": TensorProto.FLOAT},
        )
