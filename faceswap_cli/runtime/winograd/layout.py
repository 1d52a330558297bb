"""Values in two layouts: as the graph has them, (N, C, height, width), and by pixels, (N, height * width, C).

Convolutions by tiles read rows of pixels, whole channels at a time, and leave them tile by tile; what lies between
them is done in the same layout, so that values are turned around only where another kind of node needs them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto

from faceswap_cli.runtime.winograd.constants import Constants
from faceswap_cli.runtime.winograd.graph import Graph, reads
from faceswap_cli.runtime.winograd.shapes import Shape, TensorKind
from faceswap_cli.runtime.winograd.toom_cook import OUTPUTS


def tile_pixels(height: int, width: int) -> NDArray[np.int64]:
    """What tiles leave, as row * width + column in a map, and -1 where a tile sticks out of that.

    First the top left pixel of every tile, then the one to its right of every tile, and so on.
    """
    y, x = np.mgrid[: -(-height // OUTPUTS) * OUTPUTS, : -(-width // OUTPUTS) * OUTPUTS]
    padded = np.where((y < height) & (x < width), y * width + x, -1)
    down, across = padded.shape[0] // OUTPUTS, padded.shape[1] // OUTPUTS
    return padded.reshape(down, OUTPUTS, across, OUTPUTS).transpose(1, 3, 0, 2).ravel()


def tile_order(height: int, width: int) -> NDArray[np.int64]:
    """The pixels of a map in the order in which tiles leave them."""
    rows = tile_pixels(height, width)
    return rows[rows >= 0]


@dataclass(frozen=True, slots=True)
class Pixels:
    """A value by pixels.

    Attributes:
        name: Of the tensor (N, height * width, C).
        tiled: Rows are in tile order, else line by line.
    """

    name: str
    tiled: bool


class Layouts:
    """Knows which value exists in which layout, and turns it around when asked.

    Args:
        graph: Takes the nodes that turn values around.
        kinds: Inferred types and shapes of the original graph.
        constants: Those of the original graph.
        present: Names that exist as they are from the start: inputs and initializers.
    """

    def __init__(self, graph: Graph, kinds: Mapping[str, TensorKind], constants: Constants,
                 present: Collection[str]) -> None:
        self._graph = graph
        self._kinds = kinds
        self._constants = constants
        self._plain = set(present)
        self._pixels: dict[str, Pixels] = {}
        self._waiting: dict[str, NodeProto] = {}

    def shape(self, name: str) -> Shape | None:
        """The shape of a value in the original graph."""
        kind = self._kinds.get(name)
        return kind.shape if kind is not None else None

    def size(self, name: str) -> tuple[int, int] | None:
        """Height and width of a value, which count as 1 below four axes; None where they are not known."""
        shape = self.shape(name)
        if shape is None or len(shape) > 4:
            return None
        height, width = ((1,) * (4 - len(shape)) + shape)[2:]
        return (height, width) if height and width else None

    def keep(self, node: NodeProto) -> None:
        """Add a node as it is."""
        for name in sorted(reads(node)):
            self.plain(name)
        self._graph.nodes.append(node)
        self.added(node)

    def added(self, node: NodeProto) -> None:
        """Note that what a node makes exists under its own name, in its own layout."""
        self._plain.update(node.output)

    def postpone(self, node: NodeProto) -> None:
        """Add a node only if somebody should need what it makes."""
        for name in node.output:
            self._waiting[name] = node

    def made(self, name: str, tensor: str) -> None:
        """Note that a value was computed by pixels, in tile order."""
        self._pixels[name] = Pixels(tensor, tiled=True)

    def by_pixels(self, name: str) -> bool:
        """Whether a value exists by pixels only, as nothing has needed it otherwise yet."""
        return name in self._pixels and name not in self._plain

    def plain(self, name: str) -> None:
        """See that a value exists under its own name, in its own layout."""
        if name in self._plain:
            return
        if name in self._waiting:
            self.keep(self._waiting.pop(name))
            return
        if name not in self._pixels:
            return  # A name of an outer scope, or one that the graph itself does not define.
        size, shape, graph = self.size(name), self.shape(name), self._graph
        assert size is not None and shape is not None, "what was computed by pixels has a known size"
        height, width = size
        rows = self._pixels[name].name
        if size != (1, 1):
            order = np.empty(height * width, np.int32)
            order[tile_order(height, width)] = np.arange(height * width, dtype=np.int32)
            rows = graph.node("Gather", [rows, graph.constant("order", order)], name, axis=1)
        picture = graph.reshape(rows, (0, height, width, shape[1] or -1), name)
        graph.node("Transpose", [picture], name, output=name, perm=[0, 3, 1, 2])
        self._plain.add(name)

    def pixels(self, name: str) -> Pixels:
        """See that a value (N, C, height, width) exists by pixels, in whatever order it has."""
        if name not in self._pixels:
            self.plain(name)
            height, width = self.size(name) or (1, 1)
            shape, graph = self.shape(name) or (), self._graph
            channels = shape[1] or -1
            if height == width == 1:
                rows = graph.reshape(name, (-1 if channels > 0 else 0, 1, channels), name)
            else:
                turned = graph.node("Transpose", [name], name, perm=[0, 2, 3, 1])
                rows = graph.reshape(turned, (0, height * width, channels), name)
            self._pixels[name] = Pixels(rows, tiled=height == width == 1)
        return self._pixels[name]

    def tiled(self, name: str) -> str:
        """See that a value exists by pixels in tile order, and return that tensor."""
        found = self.pixels(name)
        if not found.tiled:
            height, width = self.size(name) or (1, 1)
            order = self._graph.constant("order", tile_order(height, width).astype(np.int32))
            found = Pixels(self._graph.node("Gather", [found.name, order], name, axis=1), tiled=True)
            self._pixels[name] = found
        return found.name

    def operand(self, name: str) -> str:
        """An operand that is broadcast against values by pixels: the tensor to use in its place.

        Constants are laid out now; other values of fewer than four axes may have one pixel only.
        """
        shape = self.shape(name) or ()
        if name in self._constants and name not in self._pixels:
            array = self._constants.array(name)
            if array.size == 1 and array.ndim < 4:
                self.plain(name)
                return name
            height, width = self.size(name) or (1, 1)
            full = array.reshape((1,) * (4 - array.ndim) + array.shape)
            rows = full.transpose(0, 2, 3, 1).reshape(full.shape[0], height * width, full.shape[1])
            rows = rows[:, tile_order(height, width)] if height * width > 1 else rows
            return self._graph.constant(name, np.ascontiguousarray(rows))
        if len(shape) == 4:
            return self.tiled(name)
        if all(size == 1 for size in shape):
            self.plain(name)
            return name
        self.plain(name)
        return self._graph.reshape(name, (1, 1, -1), name)
