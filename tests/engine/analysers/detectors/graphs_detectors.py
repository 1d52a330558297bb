"""Small graphs that answer like detectors: their heads are constants, whatever picture they are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from faceswap_cli.options import RuntimeOptions
from faceswap_cli.runtime.session import SharedSession

Size = tuple[int | str, int | str]
OPEN: Size = ("height", "width")


def constant_graph(path: Path, outputs: Mapping[str, np.ndarray], size: Size = OPEN) -> SharedSession:
    """A graph with these outputs, in this order.

    Args:
        path: Of the file.
        outputs: float32 arrays by name.
        size: Height and width of the input (1, 3, H, W); words leave them open.
    """
    nodes = [helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value.astype(np.float32)))
             for name, value in outputs.items()]
    shapes = [helper.make_tensor_value_info(name, TensorProto.FLOAT, value.shape) for name, value in outputs.items()]
    return save(path, nodes, shapes, size)


def echo_graph(path: Path, size: Size = OPEN) -> SharedSession:
    """A graph whose output is its input."""
    shape = helper.make_tensor_value_info("seen", TensorProto.FLOAT, (1, 3, *size))
    return save(path, [helper.make_node("Identity", ["input"], ["seen"])], [shape], size)


def save(path: Path, nodes: Sequence[onnx.NodeProto], outputs: Sequence[onnx.ValueInfoProto], size: Size,
         initializers: Sequence[onnx.TensorProto] = ()) -> SharedSession:
    """Write a graph with the input `input` (1, 3, H, W)."""
    picture = helper.make_tensor_value_info("input", TensorProto.FLOAT, (1, 3, *size))
    graph = helper.make_graph(list(nodes), "test", [picture], list(outputs), list(initializers))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return SharedSession(path, RuntimeOptions(), name=path.stem)


def open_input(source: Path, path: Path) -> Path:
    """A copy of a detector with a fixed input that takes pictures of any size."""
    model = onnx.load(str(source))
    for number, name in enumerate(OPEN, 2):
        model.graph.input[0].type.tensor_type.shape.dim[number].dim_param = str(name)
    for output in model.graph.output:
        output.type.tensor_type.shape.dim[1].dim_param = f"rows_{output.name}"
    onnx.save(model, str(path))
    return path


def watch(session: SharedSession, monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """Where the inputs of all later runs (for stills) are put."""
    opened, seen = session.get(False), []
    run = opened.run

    def watched(names, feeds):
        seen.extend(feeds.values())
        return run(names, feeds)

    monkeypatch.setattr(opened, "run", watched)
    return seen


class ScrfdHeads:
    """The outputs of SCRFD for an input of one size: nothing anywhere, until faces are put in."""

    def __init__(self, side: int, batched: bool = True) -> None:
        self.side = side
        self.batched = batched
        self.grids = [(side // step) ** 2 * 2 for step in (8, 16, 32)]
        self.scores = [np.zeros((rows, 1)) for rows in self.grids]
        self.boxes = [np.zeros((rows, 4)) for rows in self.grids]
        self.points = [np.zeros((rows, 10)) for rows in self.grids]

    def put(self, step: int, row: int, column: int, anchor: int, score: float, box: Sequence[float],
            points: Sequence[float]) -> None:
        """Place a face: distances of the box's sides, and offsets of the landmarks, from its cell, in steps."""
        level = (8, 16, 32).index(step)
        place = (row * (self.side // step) + column) * 2 + anchor
        self.scores[level][place] = score
        self.boxes[level][place] = box
        self.points[level][place] = points

    def outputs(self, landmarks: bool = True) -> dict[str, np.ndarray]:
        tables = [*self.scores, *self.boxes, *(self.points if landmarks else [])]
        return {f"out{number}": table[None] if self.batched else table for number, table in enumerate(tables)}
