"""One axis of a picture as a convolution sees it: padding and resizing as weights over the samples that really exist.

Padding, cropping and bilinear resizing are linear and act on each axis by itself. So what a tile of a convolution
reads is, along one axis, a small matrix times a few stored samples, and nothing in between has to be computed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from faceswap_cli.runtime.winograd.toom_cook import OUTPUTS, SAMPLES

Taps = Mapping[int, float]
"""Stored sample -> weight; empty: the value is zero."""

Axis = tuple[Taps, ...]
"""What each position along one axis is made of."""


class Padding(StrEnum):
    """Modes of ONNX's Pad; `constant` means zero here."""

    CONSTANT = "constant"
    REFLECT = "reflect"
    EDGE = "edge"
    WRAP = "wrap"


class Coordinates(StrEnum):
    """ONNX Resize's `coordinate_transformation_mode`, those that mean something for a plain enlargement."""

    HALF_PIXEL = "half_pixel"
    PYTORCH_HALF_PIXEL = "pytorch_half_pixel"
    ALIGN_CORNERS = "align_corners"
    ASYMMETRIC = "asymmetric"


def plain(size: int) -> Axis:
    """Every position is a stored sample."""
    return tuple({position: 1.0} for position in range(size))


def doubled(axis: Axis, coordinates: Coordinates) -> Axis:
    """The axis enlarged to twice its size with linear interpolation, as ONNX defines it: clamped at both ends."""
    size = len(axis)
    positions: list[Taps] = []
    for position in range(2 * size):
        match coordinates:
            case Coordinates.ALIGN_CORNERS:
                place = position * (size - 1) / (2 * size - 1)
            case Coordinates.ASYMMETRIC:
                place = position / 2
            case Coordinates.HALF_PIXEL | Coordinates.PYTORCH_HALF_PIXEL:
                place = (position + 0.5) / 2 - 0.5
        place = min(max(place, 0.0), size - 1.0)
        low = math.floor(place)
        high = min(low + 1, size - 1)
        mixed: dict[int, float] = {}
        for source, share in ((low, 1 - (place - low)), (high, place - low)):
            for sample, weight in axis[source].items():
                if share * weight:
                    mixed[sample] = mixed.get(sample, 0.0) + share * weight
        positions.append(mixed)
    return tuple(positions)


def padded(axis: Axis, begin: int, end: int, mode: Padding) -> Axis:
    """The axis with `begin` and `end` positions added (negative: taken off).

    Raises:
        ValueError: More is reflected than there is.
    """
    size = len(axis)
    kept = range(-begin, size + end)
    if mode is Padding.REFLECT and max(begin, end) >= size:
        raise ValueError(f"{size} samples cannot be reflected by {max(begin, end)}")
    positions: list[Taps] = []
    for position in kept:
        if 0 <= position < size:
            positions.append(axis[position])
            continue
        match mode:
            case Padding.CONSTANT:
                positions.append({})
            case Padding.REFLECT:
                positions.append(axis[-position if position < 0 else 2 * (size - 1) - position])
            case Padding.EDGE:
                positions.append(axis[0 if position < 0 else size - 1])
            case Padding.WRAP:
                positions.append(axis[position % size])
    return tuple(positions)


def tiles(axis: Axis) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Cut a padded axis into the overlapping tiles of F(4, 3); what lies beyond its end is zero.

    Returns:
        `samples` (tiles, k): the stored samples that each tile reads. `weights` (tiles, 6, k): the tile's six
        positions from them. Where every position is one stored sample, or nothing, k is 6 and `weights` are diagonal,
        so that reflected borders cost an index and no matrix of their own.
    """
    count = -(-(len(axis) - (SAMPLES - OUTPUTS)) // OUTPUTS)
    cut = [[axis[place] if place < len(axis) else {} for place in range(tile * OUTPUTS, tile * OUTPUTS + SAMPLES)]
           for tile in range(count)]
    single = all(list(taps.values()) in ([], [1.0]) for tile in cut for taps in tile)
    if single:
        nearby = [min((min(taps) for taps in tile if taps), default=0) for tile in cut]
        read = [[next(iter(taps), nearby[number]) for taps in tile] for number, tile in enumerate(cut)]
    else:
        read = [sorted({sample for taps in tile for sample in taps}) or [0] for tile in cut]
    width = max(len(samples) for samples in read)
    samples = np.zeros((count, width), np.int64)
    weights = np.zeros((count, SAMPLES, width))
    for number, (tile, wanted) in enumerate(zip(cut, read, strict=True)):
        samples[number] = wanted + wanted[-1:] * (width - len(wanted))
        for position, taps in enumerate(tile):
            for sample, weight in taps.items():
                weights[number, position, position if single else wanted.index(sample)] = weight
    return samples, weights
