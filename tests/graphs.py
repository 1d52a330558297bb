"""Small ONNX graphs that stand in for the models: their inputs, outputs and shapes; little inside, nobody's weights.

Each `write_*` writes one file and returns its path; the same arguments give the same bytes. What they compute is
simple enough to be foretold, so that tests see whether pictures and identities arrive as they should.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

_TYPES = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.float16): TensorProto.FLOAT16,
          np.dtype(np.float64): TensorProto.DOUBLE}

Shape = Sequence[int | str]


class Graph:
    """Nodes and constants, written down in the order of their calls."""

    def __init__(self, dtype: Any = np.float32) -> None:
        self.dtype = np.dtype(dtype)
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def constant(self, values: Any, name: str | None = None, dtype: Any = None) -> str:
        array = np.asarray(values)
        kept = array if array.dtype.kind in "iu" else array.astype(dtype or self.dtype)
        name = name or f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(kept).reshape(array.shape), name))
        return name

    def op(self, kind: str, *inputs: str, out: str | None = None, **attributes: Any) -> str:
        out = out or f"{kind.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [out], name=f"node_{len(self._nodes)}", **attributes))
        return out

    def write(self, path: Path, inputs: dict[str, Shape], outputs: dict[str, Shape], *, external: bool = False,
              types: dict[str, Any] | None = None) -> Path:
        def info(name: str, shape: Shape) -> onnx.ValueInfoProto:
            return helper.make_tensor_value_info(name, _TYPES[np.dtype((types or {}).get(name, self.dtype))], shape)

        graph = helper.make_graph(self._nodes, "stand_in", [info(*item) for item in inputs.items()],
                                  [info(*item) for item in outputs.items()], self._constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        model.ir_version = 8
        onnx.checker.check_model(model)
        if external:
            onnx.save_model(model, path, save_as_external_data=True, location=f"{path.name}.data", size_threshold=64)
        else:
            onnx.save_model(model, path)
        return path


@cache
def emap(length: int = 512, seed: int = 0) -> np.ndarray:
    """A matrix that, like that of inswapper, turns identities without lengthening them: float32 (length, length)."""
    turned, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((length, length)))
    return turned.astype(np.float32)


def identity(seed: int, length: int = 512) -> np.ndarray:
    """An embedding of no one: float32 (length,), of length 1."""
    vector = np.random.default_rng(seed).standard_normal(length).astype(np.float32)
    return vector / np.linalg.norm(vector)


def _colour(graph: Graph, source: str, length: int, seed: int) -> str:
    """A colour (N, 3, 1, 1), 0..1, that depends on the identity alone."""
    weights = np.random.default_rng(seed).standard_normal((length, 3)) * 3
    colour = graph.op("Sigmoid", graph.op("MatMul", source, graph.constant(weights, "colours")))
    return graph.op("Unsqueeze", colour, graph.constant(np.array([2, 3])))


def _mixed(graph: Graph, target: str, drawn: str, echo: float, out: str) -> str:
    """`echo` of the target and the rest of what was drawn."""
    return graph.op("Add", graph.op("Mul", target, graph.constant(echo)),
                    graph.op("Mul", drawn, graph.constant(1 - echo)), out=out)


def write_inswapper(path: Path, *, side: int = 128, length: int = 512, batch: int | str = 1, echo: float = 0.0,
                    dtype: Any = np.float32, external: bool = False, last: bool = True, seed: int = 0) -> Path:
    """inswapper: `target` (N, 3, side, side) RGB 0..1, `source` (N, length); `output` RGB 0..1; `emap` comes last.

    What it draws is a soft copy of the target in a colour that depends on the source.

    Args:
        echo: Share of the target that shows through, 1: the target itself.
        dtype: Of inputs, outputs and weights.
        external: The weights lie in a file beside it.
        last: Whether `emap` is the last initializer, as it must be.
    """
    graph = Graph(dtype)
    if not last:
        graph.constant(emap(length, seed), "emap")
    soft = graph.op("AveragePool", "target", kernel_shape=[5, 5], pads=[2, 2, 2, 2])
    drawn = graph.op("Mul", soft, _colour(graph, "source", length, seed))
    _mixed(graph, "target", graph.op("Sqrt", drawn), echo, "output")
    if last:
        graph.constant(emap(length, seed), "emap")
    picture: Shape = (batch, 3, side, side)
    return graph.write(path, {"target": picture, "source": (batch, length)}, {"output": picture}, external=external)


def write_hyperswap(path: Path, *, side: int = 256, batch: int | str = 1, echo: float = 0.0, seed: int = 0) -> Path:
    """hyperswap: `source` (N, 512), `target` (N, 3, side, side) RGB -1..1; `output` RGB -1..1 and `mask` 0..1."""
    graph = Graph()
    colour = _colour(graph, "source", 512, seed)
    drawn = graph.op("Sub", graph.op("Mul", colour, graph.constant(2.0)), graph.constant(1.0))
    _mixed(graph, "target", graph.op("Mul", drawn, graph.op("Abs", "target")), echo, "output")
    graph.op("Sigmoid", graph.op("ReduceMean", "target", axes=[1]), out="mask")
    picture: Shape = (batch, 3, side, side)
    return graph.write(path, {"source": (batch, 512), "target": picture},
                       {"output": picture, "mask": (batch, 1, side, side)})


def write_arcface(path: Path, *, length: int = 512, seed: int = 0) -> Path:
    """ArcFace: `input.1` (N, 3, 112, 112) RGB (x - 127.5) / 127.5; `683` (1, length), from 8x8 means of the picture."""
    graph = Graph()
    small = graph.op("AveragePool", "input.1", kernel_shape=[14, 14], strides=[14, 14])
    weights = np.random.default_rng(seed).standard_normal((3 * 8 * 8, length))
    graph.op("Gemm", graph.op("Flatten", small), graph.constant(weights), graph.constant(np.full(length, 0.01)),
             out="683")
    return graph.write(path, {"input.1": ("None", 3, 112, 112)}, {"683": (1, length)})


def write_genderage(path: Path) -> Path:
    """genderage: `data` (N, 3, 96, 96) RGB 0..255; `fc1` (1, 3): female, male, age / 100.

    More red than blue is female, less is male; the age is 100 times the mean brightness, white being 100.
    """
    graph = Graph()
    # As in the true graph, the names of the first nodes tell insightface that pixels are taken as they are.
    scaled = graph.op("Mul", graph.op("Sub", "data", graph.constant(0.0)), graph.constant(1 / 255))
    graph._nodes[0].name, graph._nodes[1].name = "_minusscalar0", "_mulscalar0"
    means = graph.op("Flatten", graph.op("GlobalAveragePool", scaled))
    weights = np.array([[1.0, 0.0, 1 / 3], [0.0, 0.0, 1 / 3], [0.0, 1.0, 1 / 3]])
    graph.op("MatMul", means, graph.constant(weights), out="fc1")
    return graph.write(path, {"data": ("None", 3, 96, 96)}, {"fc1": (1, 3)})


FACE_IN_SQUARE = np.array([(0.34, 0.46), (0.66, 0.46), (0.5, 0.64), (0.37, 0.82), (0.63, 0.82)])
"""Where `write_scrfd` sees the five landmarks in a bright square: (5, 2), fractions of its width and height."""


def write_scrfd(path: Path, *, score: float = 0.9) -> Path:
    """SCRFD: `input.1` (1, 3, H, W) RGB (x - 127.5) / 128; nine outputs for strides 8, 16, 32, two anchors a place.

    It sees one face: the box around all pixels whose mean is above 200, with landmarks at `FACE_IN_SQUARE`.
    """
    graph = Graph()
    bright = graph.op("Greater", graph.op("ReduceMean", "input.1", axes=[1], keepdims=0),
                      graph.constant((200 - 127.5) / 128))
    lit = graph.op("Cast", bright, to=TensorProto.FLOAT)
    size = graph.op("Shape", "input.1")
    zero, one, far = graph.constant(0.0), graph.constant(1.0), graph.constant(1e4)
    low, high, extent = [], [], []
    for axis in (3, 2):
        length = graph.op("Cast", graph.op("Gather", size, graph.constant(np.array(axis))), to=TensorProto.FLOAT)
        along = graph.op("Range", zero, length, one)
        line = graph.op("ReduceMax", lit, axes=[4 - axis], keepdims=0)
        seen = graph.op("Greater", graph.op("Reshape", line, graph.constant(np.array([-1]))), zero)
        low.append(graph.op("ReduceMin", graph.op("Where", seen, along, far), axes=[0], keepdims=0))
        last = graph.op("ReduceMax", graph.op("Where", seen, along, zero), axes=[0], keepdims=0)
        high.append(graph.op("Add", last, one))
        extent.append(length)
    outputs: dict[str, Shape] = {}
    for name in ("score", "bbox", "kps"):
        for stride in (8, 16, 32):
            outputs[f"{name}_{stride}"] = ("N", {"score": 1, "bbox": 4, "kps": 10}[name])
    for stride in (8, 16, 32):
        step, two = graph.constant(float(stride)), graph.constant(np.array([1, 1, 2]))
        x, y = (graph.op("Range", zero, length, step) for length in extent)
        columns = graph.op("Unsqueeze", x, graph.constant(np.array([0, 2])))
        rows = graph.op("Unsqueeze", y, graph.constant(np.array([1, 2])))
        nothing = graph.op("Mul", graph.op("Add", columns, rows), zero)
        flat = graph.constant(np.array([-1, 1]))
        x = graph.op("Reshape", graph.op("Tile", graph.op("Add", columns, nothing), two), flat)
        y = graph.op("Reshape", graph.op("Tile", graph.op("Add", rows, nothing), two), flat)

        def away(anchor: str, to: str, step: str = step) -> str:
            return graph.op("Div", graph.op("Sub", to, anchor), step)

        half = graph.constant(0.5)
        middle = [graph.op("Mul", graph.op("Add", a, b), half) for a, b in zip(low, high, strict=True)]
        near = [graph.op("LessOrEqual", graph.op("Abs", away(anchor, at)), half)
                for anchor, at in zip((x, y), middle, strict=True)]
        there = graph.op("Cast", graph.op("And", *near), to=TensorProto.FLOAT)
        any_lit = graph.op("Cast", graph.op("Less", low[0], far), to=TensorProto.FLOAT)
        graph.op("Mul", graph.op("Mul", there, any_lit), graph.constant(score), out=f"score_{stride}")
        graph.op("Concat", graph.op("Neg", away(x, low[0])), graph.op("Neg", away(y, low[1])), away(x, high[0]),
                 away(y, high[1]), axis=1, out=f"bbox_{stride}")
        points = []
        for fractions in FACE_IN_SQUARE:
            for axis, anchor in enumerate((x, y)):
                width = graph.op("Sub", high[axis], low[axis])
                at = graph.op("Add", low[axis], graph.op("Mul", width, graph.constant(float(fractions[axis]))))
                points.append(away(anchor, at))
        graph.op("Concat", *points, axis=1, out=f"kps_{stride}")
    return graph.write(path, {"input.1": (1, 3, "height", "width")}, outputs)


def write_restorer(path: Path, *, side: int = 512, gain: float = 0.5, weight: bool = False) -> Path:
    """A restorer: `input` (1, 3, side, side) RGB -1..1; `output` the same, `gain` times as far from grey.

    Args:
        weight: As CodeFormer: a second input `weight`, float64 (1,), that multiplies the result too.
    """
    graph = Graph()
    drawn = graph.op("Mul", "input", graph.constant(gain), out=None if weight else "output")
    picture: Shape = (1, 3, side, side)
    inputs: dict[str, Shape] = {"input": picture}
    if weight:
        graph.op("Mul", drawn, graph.op("Cast", "weight", to=TensorProto.FLOAT), out="output")
        inputs["weight"] = (1,)
    return graph.write(path, inputs, {"output": picture}, types={"weight": np.float64})


def write_xseg(path: Path, *, channels_last: bool = False) -> Path:
    """XSeg: `in_face:0` (1, 3, 256, 256), or with its channels last, 0..1; `out_mask:0` 1 on the face.

    What is clearly greener than red is not the face.
    """
    graph = Graph()
    axis = 3 if channels_last else 1
    # DeepFaceLab's own export takes BGR with channels last; the one with channels first takes RGB.
    red, green = (graph.op("Gather", "in_face:0", graph.constant(np.array([channel])), axis=axis)
                  for channel in (2 if channels_last else 0, 1))
    over = graph.op("Mul", graph.op("Sub", graph.op("Sub", green, red), graph.constant(0.3)), graph.constant(50.0))
    graph.op("Sigmoid", graph.op("Neg", over), out="out_mask:0")
    if channels_last:
        return graph.write(path, {"in_face:0": (1, 256, 256, 3)}, {"out_mask:0": (1, 256, 256, 1)})
    return graph.write(path, {"in_face:0": (1, 3, 256, 256)}, {"out_mask:0": (1, 1, 256, 256)})
