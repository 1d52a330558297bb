"""A generator of the kind of inswapper, narrow, in the ways in which different exporters write it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper
from runtime.winograd.small_graphs import Builder, Size

LATENT = 16


@dataclass(frozen=True)
class Export:
    """How one exporter writes the same network.

    Attributes:
        norm: "primitive": mean, difference, square and so on; "fused": InstanceNormalization, then scale and shift;
            "folded": the style is the scale and shift of InstanceNormalization itself.
        weights: Where convolutions find theirs: "initializer", "node" (a Constant node and an Identity), or "shuffled"
            (stored as float64 with other axes, behind a Cast and a Transpose).
        opset: Of the default domain.
        shuffled: Another valid order of the nodes, and names that say nothing.
        batch: A number, or a name.
    """

    norm: str = "primitive"
    weights: str = "initializer"
    opset: int = 13
    shuffled: bool = False
    batch: Size = 1


class _Network(Builder):
    def __init__(self, export: Export) -> None:
        super().__init__(seed=7)
        self.export = export

    def weight(self, array: np.ndarray) -> str:
        match self.export.weights:
            case "node":
                value = numpy_helper.from_array(array)
                return self.node("Identity", self.node("Constant", value=value))
            case "shuffled":
                stored = self.constant(array.transpose(2, 3, 1, 0), np.float64)
                return self.node("Transpose", self.node("Cast", stored, to=TensorProto.FLOAT), perm=[3, 2, 0, 1])
        return self.constant(array)

    def convolve(self, value: str, channels: int, outputs: int, kernel: int = 3, **options: Any) -> str:
        bias = self.constant(self.random.standard_normal(outputs) * 0.05)
        return self.node("Conv", value, self.weight(self.weights(outputs, channels, kernel)), bias, **options)

    def leaky(self, value: str) -> str:
        return self.node("LeakyRelu", value, alpha=0.2)

    def reflect(self, value: str, by: int) -> str:
        return self.pad(value, [by] * 4)

    def enlarge(self, value: str) -> str:
        roi = self.constant([]) if self.export.opset < 13 else ""
        return self.node(
            "Resize",
            value,
            roi,
            self.constant([1, 1, 2, 2]),
            mode="linear",
            coordinate_transformation_mode="half_pixel",
        )

    def mean(self, value: str) -> str:
        if self.export.opset >= 18:
            return self.node("ReduceMean", value, self.constant([2, 3], np.int64), keepdims=1)
        return self.node("ReduceMean", value, axes=[-2, -1], keepdims=1)

    def style(self, channels: int, shape: list[int]) -> tuple[str, str]:
        weight = self.constant(self.random.standard_normal((2 * channels, LATENT)) * 0.3)
        both = self.node("Gemm", "source", weight, self.constant(np.zeros(2 * channels)), transB=1)
        both = self.node("Reshape", both, self.constant([-1, 2, *shape], np.int64))
        scale = self.node("Gather", both, self.constant(0, np.int64), axis=1)
        scale = self.node("Add", scale, self.constant(1))
        return scale, self.node("Gather", both, self.constant(1, np.int64), axis=1)

    def adain(self, value: str, channels: int) -> str:
        if self.export.norm == "folded":
            styles = self.style(channels, [channels])
            flat = [self.node("Reshape", style, self.constant([-1], np.int64)) for style in styles]
            return self.node("InstanceNormalization", value, *flat, epsilon=1e-8)
        if self.export.norm == "fused":
            ones, zeros = self.constant(np.ones(channels)), self.constant(np.zeros(channels))
            normal = self.node("InstanceNormalization", value, ones, zeros, epsilon=1e-8)
        else:
            difference = self.node("Sub", value, self.mean(value))
            variance = self.mean(self.node("Mul", difference, difference))
            deviation = self.node("Sqrt", self.node("Add", variance, self.constant(1e-8)))
            normal = self.node("Mul", difference, self.node("Div", self.constant(1), deviation))
        scale, shift = self.style(channels, [channels, 1, 1])
        return self.node("Add", self.node("Mul", normal, scale), shift)


def stand_in(export: Export, side: int = 32) -> onnx.ModelProto:
    """The network with random weights, always the same ones, as `export` writes it."""
    net = _Network(export)
    value = net.leaky(net.convolve(net.reflect("target", 3), 3, 4, kernel=7))
    value = net.leaky(net.convolve(value, 4, 5, pads=[1] * 4))
    value = net.leaky(net.convolve(value, 5, 6, pads=[1] * 4, strides=[2, 2]))
    value = net.leaky(net.convolve(value, 6, 7, pads=[1] * 4, strides=[2, 2]))
    for _ in range(2):
        inner = net.node("Relu", net.adain(net.convolve(net.reflect(value, 1), 7, 7), 7))
        value = net.node("Add", value, net.adain(net.convolve(net.reflect(inner, 1), 7, 7), 7))
    value = net.leaky(net.convolve(net.enlarge(value), 7, 6, pads=[1] * 4))
    value = net.leaky(net.convolve(net.enlarge(value), 6, 5, pads=[1] * 4))
    value = net.leaky(net.convolve(value, 5, 4, pads=[1] * 4))
    value = net.node("Tanh", net.convolve(net.reflect(value, 3), 4, 3, kernel=7))
    net.node("Div", net.node("Add", value, net.constant(1)), net.constant(2), output="output")
    net.initializers.append(numpy_helper.from_array(net.random.random((LATENT, LATENT), np.float32), "emap"))
    if export.shuffled:
        _shuffle(net)
    shape: list[Size] = [export.batch, 3, side, side]
    return net.model({"target": shape, "source": [export.batch, LATENT]}, {"output": shape}, export.opset)


def _shuffle(net: Builder) -> None:
    """Put the nodes into another order that is valid too, and rename every inner value and constant."""
    random = np.random.default_rng(3)
    made_by = {name: node for node in net.nodes for name in node.output}
    ordered: list[NodeProto] = []
    waiting = list(net.nodes)
    while waiting:
        done = {name for node in ordered for name in node.output}
        ready = [node for node in waiting if all(name in done or name not in made_by for name in node.input)]
        chosen = ready[int(random.integers(len(ready)))]
        ordered.append(chosen)
        waiting.remove(chosen)
    names = [*made_by, *(tensor.name for tensor in net.initializers if tensor.name != "emap")]
    new = {name: f"x{number}" for number, name in enumerate(random.permutation(names)) if name != "output"}
    net.nodes[:] = [
        helper.make_node(
            node.op_type,
            [new.get(name, name) for name in node.input],
            [new.get(name, name) for name in node.output],
            **{attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute},
        )
        for node in ordered
    ]
    for tensor in net.initializers:
        tensor.name = new.get(tensor.name, tensor.name)
