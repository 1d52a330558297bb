"""Masks over an upright face crop: polygons of landmarks, the outline up to the hairline, soft ramps. float32, 0..1."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from faceswap_cli.faces import landmarks68 as at
from faceswap_cli.image import FloatArray, Points

_FIXED_BITS = 4

Shape = tuple[int, int]
"""Height and width."""

_SQUARE = np.ones((3, 3), np.uint8)


def smoothstep(x: FloatArray) -> FloatArray:
    """0 below 0, 1 above 1, and a cubic with flat ends between."""
    clipped = np.clip(x, 0.0, 1.0)
    smooth: FloatArray = clipped * clipped * (3.0 - 2.0 * clipped)
    return smooth


def ramp(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """`smoothstep` for the float64 values at the points of a mesh."""
    clipped = np.clip(x, 0.0, 1.0)
    smooth: npt.NDArray[np.float64] = clipped * clipped * (3.0 - 2.0 * clipped)
    return smooth


def blur(x: FloatArray, sigma: float) -> FloatArray:
    """Gaussian blur, sigma in pixels."""
    blurred: FloatArray = cv2.GaussianBlur(x, (0, 0), sigma)
    return blurred


def grow(x: FloatArray, radius: float) -> FloatArray:
    """Spread the largest values over a square of `radius` pixels."""
    size = 2 * max(1, int(radius)) + 1
    grown: FloatArray = cv2.dilate(x, np.ones((size, size), np.uint8))
    return grown


def polygon_mask(shape: Shape, polygons: Sequence[Points], grow: float = 0.0, soft: float = 0.0) -> FloatArray:
    """Filled polygons, grown (or, below 0, shrunk) by `grow` pixels with round corners, blurred by sigma `soft`."""
    mask = np.zeros(shape, np.uint8)
    fixed = [np.round(polygon * (1 << _FIXED_BITS)).astype(np.int32) for polygon in polygons]
    for polygon in fixed:
        cv2.fillPoly(mask, [polygon], 255, cv2.LINE_AA, _FIXED_BITS)
    width = round(abs(grow))
    if width:
        # A stroke along the edge, twice as wide as the growth, does what a dilation with a disc does, far faster.
        cv2.polylines(mask, fixed, True, 255 if grow > 0 else 0, 2 * width, cv2.LINE_AA, _FIXED_BITS)
    result = mask.astype(np.float32) * np.float32(1 / 255)
    return blur(result, soft) if soft > 0 else result


def stroke_mask(shape: Shape, lines: Sequence[Points], width: float) -> FloatArray:
    """Open lines drawn `width` pixels wide."""
    strokes = np.zeros(shape, np.uint8)
    fixed = [np.round(line * (1 << _FIXED_BITS)).astype(np.int32) for line in lines]
    cv2.polylines(strokes, fixed, False, 255, max(1, int(width)), cv2.LINE_AA, _FIXED_BITS)
    return strokes.astype(np.float32) * np.float32(1 / 255)


def inner_ramp(inside: npt.NDArray[np.uint8], width: float) -> FloatArray:
    """1 inside, falling to 0 exactly at the border over `width` pixels: nothing bleeds outside."""
    distance = cv2.distanceTransform(inside, cv2.DIST_L2, 3)
    return smoothstep(np.asarray(distance, np.float32) * np.float32(1 / max(width, 1.0)))


def features(points: Points, shape: Shape, eye_distance: float) -> FloatArray:
    """Eyes, brows, nostrils and mouth: what is not bare skin in any face. `points`: (>=68, 2)."""
    mask = polygon_mask(shape, [points[at.LEFT_EYE], points[at.RIGHT_EYE], points[at.OUTER_LIPS]],
                        grow=0.06 * eye_distance)
    brows = stroke_mask(shape, [points[at.LEFT_BROW], points[at.RIGHT_BROW]], 0.16 * eye_distance)
    np.maximum(mask, brows, out=mask)
    return np.maximum(mask, stroke_mask(shape, [points[at.NOSTRILS]], 0.10 * eye_distance), out=mask)


def below_brows(points: Points) -> Points:
    """The closed outline of the face without its forehead."""
    return np.vstack([points[at.JAW], points[at.BROWS[::-1]]])


def _brow_and_arc(points: Points) -> tuple[Points, Points]:
    """Two matching lines of 11 points, temple to temple: just above the brows, and the forehead arc."""
    q = points
    brow = np.vstack([q[0], (q[17] + q[0]) / 2, q[18:21], (q[21] + q[22]) / 2, q[23:26], (q[26] + q[16]) / 2, q[16]])
    return brow, q[at.FOREHEAD_ARC]


def outline(points: Points, height: npt.NDArray[np.float64]) -> Points:
    """Closed outline along the jaw and over the forehead at `height` (11 values, 0 brows .. 1 arc)."""
    brow, arc = _brow_and_arc(points)
    top = brow + height[:, None] * (arc - brow)
    return np.vstack([points[at.JAW], top[::-1]])


def skin_height(points: Points, skin: FloatArray, top: float, low: float = 0.22) -> npt.NDArray[np.float64]:
    """How far up skin reaches without interruption, for 11 columns of the forehead: 0 brows .. 1 arc, at most `top`.

    Hair, hats and hands above the brows end it; neighbouring columns are eroded and smoothed together.
    """
    brow, arc = _brow_and_arc(points)
    columns = np.linspace(0, 10, 41)
    heights = np.linspace(low, 1.0, 24)
    steps = np.arange(11)
    base = np.stack([np.interp(columns, steps, brow[:, k]) for k in (0, 1)], 1)
    rise = np.stack([np.interp(columns, steps, arc[:, k]) for k in (0, 1)], 1) - base
    probes = (base + heights[:, None, None] * rise).astype(np.float32)
    probed = cv2.remap(skin, probes[..., 0], probes[..., 1], cv2.INTER_LINEAR)
    unbroken = np.cumprod(probed > 0.5, axis=0).sum(0)
    reach = np.where(unbroken > 0, heights[np.maximum(unbroken - 1, 0)], low).astype(np.float32)
    reach = cv2.erode(reach[None], np.ones((1, 5), np.uint8))[0]
    reach = np.convolve(np.pad(reach, 4, mode="edge"), np.ones(9) / 9, "valid")
    return np.interp(steps, columns, np.minimum(reach, top))


def forehead_fade(points: Points, height: npt.NDArray[np.float64], shape: Shape,
                  soft: float) -> FloatArray:
    """0 above the outline at `height`, rising to 1 just above the brows: a fade wider than the mask's own ramp.

    Args:
        soft: Sigma in pixels that smooths the steps it is drawn in.
    """
    brow, arc = _brow_and_arc(points)
    upper = brow + height[:, None] * (arc - brow)
    lower = brow + 0.10 * (arc - brow)
    levels = 8
    total = np.zeros(shape, np.uint8)
    layer = np.zeros(shape, np.uint8)
    bottom, right = shape
    for level in range(levels):
        edge = upper + (level + 0.5) / levels * (lower - upper)
        below = [[right * 2, edge[-1, 1]], [right * 2, bottom * 2], [-right, bottom * 2], [-right, edge[0, 1]]]
        layer[:] = 0
        fixed = np.round(np.vstack([edge, below]) * (1 << _FIXED_BITS)).astype(np.int32)
        cv2.fillPoly(layer, [fixed], 1, cv2.LINE_8, _FIXED_BITS)
        total += layer
    return smoothstep(blur(total.astype(np.float32) * np.float32(1 / levels), soft))


def dilate_binary(mask: npt.NDArray[np.uint8], radius: float) -> npt.NDArray[np.uint8]:
    """A binary mask grown by about `radius` pixels."""
    grown: npt.NDArray[np.uint8] = cv2.dilate(mask, _SQUARE, iterations=max(1, int(radius)))
    return grown
