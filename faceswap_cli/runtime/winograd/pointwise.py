"""What lies between convolutions, done by pixels: activations, sums, and instance norms in one node or in many."""

from __future__ import annotations

from typing import Final

import numpy as np
from onnx import NodeProto, TensorProto

from faceswap_cli.runtime.winograd.constants import Constants, attributes, standard
from faceswap_cli.runtime.winograd.graph import Graph
from faceswap_cli.runtime.winograd.layout import Layouts
from faceswap_cli.runtime.winograd.match import spatial_mean
from faceswap_cli.runtime.winograd.shapes import TensorKind

ONE_INPUT: Final = frozenset(
    {"Abs", "Celu", "Clip", "Elu", "Erf", "Exp", "Gelu", "HardSigmoid", "HardSwish", "Identity", "LeakyRelu", "Log"}
    | {"Mish", "Neg", "Reciprocal", "Relu", "Selu", "Sigmoid", "Softplus", "Softsign", "Sqrt", "Tanh"}
)
"""Operators that treat every number by itself; further inputs of theirs are single numbers."""

BROADCAST: Final = frozenset({"Add", "Div", "Max", "Min", "Mul", "PRelu", "Pow", "Sub", "Sum"})
"""Operators of several inputs that are broadcast against each other."""


class Pointwise:
    """Computes nodes by pixels where their inputs are.

    Args:
        graph: Takes the nodes.
        layouts: Of the values.
        constants: Those of the original graph.
        kinds: Inferred types and shapes of the original graph.
    """

    def __init__(self, graph: Graph, layouts: Layouts, constants: Constants, kinds: dict[str, TensorKind]) -> None:
        self._graph = graph
        self._layouts = layouts
        self._constants = constants
        self._kinds = kinds

    def follow(self, node: NodeProto) -> bool:
        """Add a node by pixels if its input is there and the operator is understood; False: nothing was done."""
        if not standard(node) or len([name for name in node.output if name]) != 1 or not node.input:
            return False
        made = self._kinds.get(node.output[0])
        if made is None or made.dtype != TensorProto.FLOAT or len(made.shape) != 4 or None in made.shape[2:]:
            return False
        if node.op_type in BROADCAST:
            return self._broadcast(node)
        value = node.input[0]
        if not self._layouts.by_pixels(value):
            return False
        if node.op_type in ONE_INPUT:
            for name in node.input[1:]:
                self._layouts.plain(name)
            self._same(node, [self._layouts.tiled(value), *node.input[1:]])
            return True
        if spatial_mean(node, self._constants):
            self._layouts.made(node.output[0], self._mean(self._layouts.tiled(value), value))
            return True
        if node.op_type == "InstanceNormalization":
            self._instance_norm(node)
            return True
        return False

    def _same(self, node: NodeProto, inputs: list[str]) -> None:
        """The same operator on other tensors."""
        made = self._graph.node(node.op_type, inputs, node.output[0])
        self._graph.nodes[-1].attribute.extend(node.attribute)
        self._layouts.made(node.output[0], made)

    def _broadcast(self, node: NodeProto) -> bool:
        """By pixels if the map-sized operands are there, or, among single pixels, any of them is."""
        size = self._layouts.size(node.output[0])
        maps = []
        for name in node.input:
            own, rank = self._layouts.size(name), len(self._layouts.shape(name) or ())
            if own is None or (own != (1, 1) and (own != size or (rank < 4 and name not in self._constants))):
                return False
            if own == size and name not in self._constants:
                maps.append(name)
        if not any(self._layouts.by_pixels(name) for name in maps):
            return False
        self._same(node, [self._layouts.operand(name) for name in node.input])
        return True

    def _mean(self, rows: str, value: str) -> str:
        """The mean of each channel, (N, 1, C); as a product with a row it is much faster than ReduceMean."""
        height, width = self._layouts.size(value) or (1, 1)
        share = np.full((1, height * width), 1 / (height * width), np.float32)
        return self._graph.node("MatMul", [self._graph.constant("mean", share), rows], value)

    def _instance_norm(self, node: NodeProto) -> None:
        """`(x - mean) / sqrt(variance + epsilon) * scale + shift`, by channel."""
        value, scale, shift = node.input
        graph, stem = self._graph, node.output[0]
        for name in (scale, shift):
            self._layouts.plain(name)
        rows = self._layouts.tiled(value)
        epsilon = graph.constant("epsilon", np.array(attributes(node).get("epsilon", 1e-5), np.float32))
        difference = graph.node("Sub", [rows, self._mean(rows, value)], stem)
        variance = self._mean(graph.node("Mul", [difference, difference], stem), value)
        deviation = graph.node("Sqrt", [graph.node("Add", [variance, epsilon], stem)], stem)
        scaled = graph.node("Mul", [difference, graph.node("Div", [scale, deviation], stem)], stem)
        self._layouts.made(stem, graph.node("Add", [scaled, shift], stem))
