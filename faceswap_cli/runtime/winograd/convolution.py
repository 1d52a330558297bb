"""One convolution by tiles: gather, transform, multiply, transform back; and its weights, transformed."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from faceswap_cli.runtime.winograd.axis import Axis, tiles
from faceswap_cli.runtime.winograd.constants import Array
from faceswap_cli.runtime.winograd.graph import Graph
from faceswap_cli.runtime.winograd.layout import Layouts, tile_order, tile_pixels
from faceswap_cli.runtime.winograd.match import Match
from faceswap_cli.runtime.winograd.toom_cook import OUTPUTS, SAMPLES, matrices

POINTS: Final = SAMPLES**2
"""Multiplications of a tile, for each pair of channels."""

PIXELS: Final = OUTPUTS**2

_FEW_TILES: Final = 128
"""Up to here the weights are the left factor of the product: a runtime packs the right one anew at each run, which
for few tiles costs as much as the product itself."""

_CHUNK_BYTES: Final = 4 << 20
"""Of products in float64 at a time: they stay in the cache until they are rounded."""


def transformed_weights(weight: Array, *, output_first: bool) -> NDArray[np.float32]:
    """Weights (out, C, 3, 3) as they are multiplied: (36, out, C), or (36, C, out). Computed in float64."""
    outputs, channels = weight.shape[:2]
    _, taps, _ = matrices()
    both = np.kron(taps, taps)
    made = np.empty((POINTS, outputs, channels) if output_first else (POINTS, channels, outputs), np.float32)
    step = max(1, _CHUNK_BYTES // (8 * POINTS * channels))
    for start in range(0, outputs, step):
        part = weight[start : start + step].astype(np.float64).reshape(-1, both.shape[1])
        product = (both @ part.T).reshape(POINTS, -1, channels)
        if output_first:
            made[:, start : start + step] = product
        else:
            made[:, :, start : start + step] = product.transpose(0, 2, 1)
    return made


def tile_transform(rows: Axis, columns: Axis) -> tuple[Array, Array, Array]:
    """What each tile reads, and the matrices that take it to the 36 products.

    Returns:
        `y` and `x` (tiles, k): coordinates of the samples. `transform` (36, k), or (tiles, 36, k) where tiles differ,
        as those at a border of zeros do.
    """
    _, _, data = matrices()
    row_samples, row_weights = tiles(rows)
    column_samples, column_weights = tiles(columns)
    down, across = data @ row_weights, data @ column_weights
    y = np.repeat(row_samples, column_samples.shape[1], axis=1)
    x = np.tile(column_samples, (1, row_samples.shape[1]))
    y, x = np.repeat(y, len(x), axis=0), np.tile(x, (len(y), 1))
    if (down == down[:1]).all() and (across == across[:1]).all():
        return y, x, np.kron(down[0], across[0]).astype(np.float32)
    each = np.einsum("iak,jbl->ijabkl", down, across)
    return y, x, each.reshape(len(y), POINTS, y.shape[1]).astype(np.float32)


class Convolutions:
    """Writes convolutions into a graph.

    Args:
        graph: Takes nodes and constants.
        layouts: Of the values.
    """

    def __init__(self, graph: Graph, layouts: Layouts) -> None:
        self._graph = graph
        self._layouts = layouts

    def add(self, match: Match, weight: Array, bias: Array | None) -> None:
        """Compute the output of a convolution by pixels.

        Args:
            match: The convolution.
            weight: (out, C, 3, 3) float32.
            bias: (out,), or None.
        """
        graph, stem = self._graph, match.node.output[0]
        outputs, channels = weight.shape[:2]
        source = self._layouts.pixels(match.source)
        y, x, transform = tile_transform(match.rows, match.columns)
        count, reach = y.shape
        place = np.arange(match.height * match.width)
        if source.tiled:
            place[tile_order(match.height, match.width)] = np.arange(match.height * match.width)
        samples = place[y * match.width + x].ravel().astype(np.int32)
        read = graph.node("Gather", [source.name, graph.constant("samples", samples)], stem, axis=1)
        read = graph.reshape(read, (0, count, reach, channels), stem)
        data = graph.node("MatMul", [graph.constant("transform", transform), read], stem)
        back = matrices()[0]
        inverse = graph.constant("inverse", np.kron(back, back).astype(np.float32))
        few = count <= _FEW_TILES
        factor = graph.constant(match.weight, transformed_weights(weight, output_first=few), shared=False)
        # The tiles of all pictures of a batch side by side. A runtime can read both transposed views as they lie.
        data = graph.reshape(data, (-1, POINTS, channels), stem)
        if few:
            data = graph.node("Transpose", [data], stem, perm=[1, 2, 0])
            product = graph.node("MatMul", [factor, data], stem)
        else:
            data = graph.node("Transpose", [data], stem, perm=[1, 0, 2])
            product = graph.node("MatMul", [data, factor], stem)
        made = graph.node("MatMul", [inverse, graph.reshape(product, (POINTS, -1), stem)], stem)
        if few:
            made = graph.node("Transpose", [graph.reshape(made, (PIXELS, outputs, -1), stem)], stem, perm=[0, 2, 1])
        if match.batch != 1:
            made = graph.reshape(made, (PIXELS, -1, count * outputs), stem)
            made = graph.node("Transpose", [made], stem, perm=[1, 0, 2])
        made = graph.reshape(made, (match.batch or -1, PIXELS * count, outputs), stem)
        height, width = match.size
        if height % OUTPUTS or width % OUTPUTS:
            inside = np.flatnonzero(tile_pixels(height, width) >= 0).astype(np.int32)
            made = graph.node("Gather", [made, graph.constant("inside", inside)], stem, axis=1)
        if bias is not None and bias.any():
            made = graph.node("Add", [made, graph.constant("bias", bias.astype(np.float32))], stem)
        self._layouts.made(stem, made)
