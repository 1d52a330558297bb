"""Small ONNX graphs for the rewrite, and what both of them compute."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import NodeProto, TensorProto, helper, numpy_helper

from faceswap_cli.runtime.rewritten import Rewritten
from faceswap_cli.runtime.winograd import rewrite

Size = int | str


class Builder:
    """Collects nodes and weights of a graph."""

    def __init__(self, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.nodes: list[NodeProto] = []
        self.initializers: list[TensorProto] = []

    def constant(self, array: Any, dtype: Any = np.float32) -> str:
        name = f"c{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.asarray(array, dtype), name))
        return name

    def node(self, operator: str, *inputs: str, output: str | None = None, **options: Any) -> str:
        name = output or f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **options))
        return name

    def weights(self, outputs: int, channels: int, kernel: int = 3) -> np.ndarray:
        scale = (2 / (channels * kernel**2)) ** 0.5
        return (self.random.standard_normal((outputs, channels, kernel, kernel)) * scale).astype(np.float32)

    def conv(
        self, value: str, channels: int, outputs: int, *, bias: bool = True, kernel: int = 3, **options: Any
    ) -> str:
        inputs = [value, self.constant(self.weights(outputs, channels, kernel))]
        if bias:
            inputs.append(self.constant(self.random.standard_normal(outputs) * 0.1))
        return self.node("Conv", *inputs, **options)

    def pad(self, value: str, pads: Sequence[int], mode: str = "reflect", fill: float | None = None) -> str:
        """`pads`: top, left, bottom, right."""
        top, left, bottom, right = pads
        inputs = [value, self.constant([0, 0, top, left, 0, 0, bottom, right], np.int64)]
        return self.node("Pad", *inputs, *([] if fill is None else [self.constant(fill)]), mode=mode)

    def double(self, value: str, coordinates: str = "half_pixel", mode: str = "linear", **options: Any) -> str:
        scales = self.constant([1, 1, 2, 2])
        return self.node("Resize", value, "", scales, mode=mode, coordinate_transformation_mode=coordinates, **options)

    def model(
        self, inputs: dict[str, Sequence[Size]], outputs: dict[str, Sequence[Size] | None], opset: int = 17
    ) -> onnx.ModelProto:
        described = [
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in values.items()]
            for values in (inputs, outputs)
        ]
        graph = helper.make_graph(self.nodes, "small", *described, self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        model.ir_version = 6 if opset < 13 else 8
        if None not in outputs.values():  # The checker wants every shape, a runtime does not.
            onnx.checker.check_model(model)
        return model


def rewritten(model: onnx.ModelProto, folder: Path) -> Rewritten:
    """Save a model and rewrite it; the original is `folder/original.onnx`."""
    onnx.save(model, folder / "original.onnx")
    made = folder / "made"
    made.mkdir(exist_ok=True)
    return rewrite(folder / "original.onnx", made)


def session(path: Path, *, optimized: bool = True) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    if not optimized:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run(path: Path, batch: int = 1, seed: int = 1, *, optimized: bool = True) -> list[np.ndarray]:
    """All outputs for random inputs; the same inputs for each path."""
    opened = session(path, optimized=optimized)
    random = np.random.default_rng(seed)
    feeds = {}
    for value in opened.get_inputs():
        shape = [size if isinstance(size, int) else batch for size in value.shape]
        feeds[value.name] = random.random(shape, dtype=np.float32)
    return opened.run(None, feeds)


def decibels(expected: np.ndarray, found: np.ndarray) -> float:
    """Signal to noise, of the expected array's own power; nothing but zeros count as a small signal."""
    noise = np.mean((expected.astype(np.float64) - found) ** 2)
    return float(10 * np.log10(max(np.mean(expected.astype(np.float64) ** 2), 1e-3) / max(noise, 1e-30)))


def assert_alike(original: Path, made: Path, batch: int = 1, least: float = 100.0) -> None:
    """Both graphs give the same outputs, to within the rounding of float32."""
    for expected, found in zip(run(original, batch), run(made, batch), strict=True):
        assert found.shape == expected.shape
        assert found.dtype == expected.dtype
        assert decibels(expected, found) > least


def operators(path: Path) -> list[str]:
    """Operators of a graph, sorted."""
    return sorted(node.op_type for node in onnx.load(path, load_external_data=False).graph.node)
