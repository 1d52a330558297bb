"""Convolutions with very few output channels, done for four pixels at once.

Processors compute eight or sixteen output channels at a time, so a convolution to RGB leaves most of that idle. The
same kernel at the four places of a 2x2 block, as four times as many output channels of one kernel that is a row and a
column larger, with stride 2, uses it; DepthToSpace puts the pixels back. No product is added or left out, but zeros.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from onnx import NodeProto, TensorProto

from faceswap_cli.runtime.winograd.constants import Array, Constants, attributes, standard
from faceswap_cli.runtime.winograd.graph import Graph
from faceswap_cli.runtime.winograd.shapes import TensorKind

_BLOCK: Final = 2

_MOST_OUTPUTS: Final = 4
"""Times four pixels fills the sixteen lanes of the widest vectors."""

_LEAST_KERNEL: Final = 5
"""Below, the additional row and column of zeros cost more than what is won."""


@dataclass(frozen=True, slots=True)
class Narrow:
    """A convolution with stride, dilation and group 1, an even output size and constant weights.

    Attributes:
        weight, bias: Names of constants; `bias` None where there is none.
        pads: Top, left, bottom, right.
    """

    node: NodeProto
    weight: str
    bias: str | None
    pads: tuple[int, ...]


def match_narrow(node: NodeProto, constants: Constants, kinds: Mapping[str, TensorKind]) -> Narrow | None:
    """The convolution, if it is one that gains."""
    if node.op_type != "Conv" or not standard(node) or any(name not in constants for name in node.input[1:] if name):
        return None
    options = attributes(node)
    weight, made = kinds.get(node.input[1]), kinds.get(node.output[0])
    if weight is None or weight.dtype != TensorProto.FLOAT or made is None or len(made.shape) != 4:
        return None
    outputs, _, *kernel = (size or 0 for size in weight.shape)
    even = all(size is not None and size % _BLOCK == 0 for size in made.shape[2:])
    if outputs > _MOST_OUTPUTS or min(kernel) < _LEAST_KERNEL or not even:
        return None
    plain = all(step == 1 for step in (*options.get("strides", ()), *options.get("dilations", ())))
    if not plain or options.get("group", 1) != 1 or options.get("auto_pad", "NOTSET") != "NOTSET":
        return None
    return Narrow(node=node, weight=node.input[1],
                  bias=node.input[2] if len(node.input) > 2 and node.input[2] else None,
                  pads=tuple(options.get("pads", (0, 0, 0, 0))))


def add_narrow(graph: Graph, match: Narrow, weight: Array, bias: Array | None) -> None:
    """Write the convolution; its output keeps its name.

    Args:
        graph: Takes the nodes.
        match: The convolution; its input exists.
        weight: (out, C, height, width) float32.
        bias: (out,) or None.
    """
    stem = match.node.output[0]
    outputs, channels, height, width = weight.shape
    larger = np.zeros((_BLOCK, _BLOCK, outputs, channels, height + 1, width + 1), np.float32)
    for y in range(_BLOCK):
        for x in range(_BLOCK):
            larger[y, x, :, :, y : y + height, x : x + width] = weight
    inputs = [match.node.input[0], graph.constant(match.weight, larger.reshape(-1, *larger.shape[3:]))]
    if bias is not None:
        inputs.append(graph.constant("bias", np.tile(bias, _BLOCK**2)))
    made = graph.node("Conv", inputs, stem, strides=[_BLOCK] * 2, pads=list(match.pads))
    graph.node("DepthToSpace", [made], stem, output=stem, blocksize=_BLOCK)
