"""A triangle mesh over the 84 points of a face and an outer ring, and the smooth warp from one such mesh to another."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from faceswap_cli.faces.landmarks68 import EXTENDED_SHAPE, LOWER_LIP_EDGE, OUTLINE, UPPER_LIP_EDGE
from faceswap_cli.image import FloatArray, Points

RING_SCALE = 1.4
"""The outer ring is the outline, enlarged about its centre: the warp fades to a plain affine one there."""

_FIXED_BITS = 4
"""Fractional bits of OpenCV's polygon coordinates."""

# A far-away point must not fall into a degenerate triangle: each corner is moved by a different thousandth of a pixel.
_JOG = 1e-3 * np.array([[0.0, 0.0], [1.0, 0.3], [0.3, 1.0]])


def with_ring(points: Points) -> Points:
    """84 -> 112 points."""
    centre = points[OUTLINE].mean(0)
    return np.vstack([points, centre + RING_SCALE * (points[OUTLINE] - centre)])


@cache
def triangles() -> npt.NDArray[np.intp]:
    """Delaunay triangles (M, 3) of the frontal mean face with its mouth a little open, over the 112 points."""
    frontal: Points = EXTENDED_SHAPE[:, :2].copy()
    frontal[UPPER_LIP_EDGE, 1] -= 0.03
    frontal[LOWER_LIP_EDGE, 1] += 0.03
    ringed = with_ring(frontal)
    points = np.asarray((ringed - ringed.min(0) + 0.2) * 300, np.float64)
    width, height = (int(side) + 60 for side in points.max(0))
    division = cv2.Subdiv2D((0, 0, width, height))
    for x, y in points:
        division.insert((float(x), float(y)))
    corners = np.asarray(division.getTriangleList(), np.float64).reshape(-1, 3, 2)
    distance = ((corners[:, :, None] - points) ** 2).sum(3)
    inside = distance.min(2).max(1) < 1.0          # the others reach to OpenCV's virtual outer points
    found = distance.argmin(2)[inside]
    first, second = points[found[:, 1]] - points[found[:, 0]], points[found[:, 2]] - points[found[:, 0]]
    area = np.abs(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0])
    # A fixed order, whatever the library's: equal input shall give equal bytes.
    kept = np.sort(found[area > 20], axis=1)
    return np.asarray(kept[np.lexsort(kept.T[::-1])], np.intp)


def fit_affine(source: Points, target: Points) -> npt.NDArray[np.float64]:
    """Least-squares affine (2, 3) that takes `source` to `target`."""
    # By the normal equations about the centroid: as exact as an SVD on points that fill a face, and much faster.
    centre, goal = source.mean(0), target.mean(0)
    spread = source - centre
    linear = np.linalg.solve(spread.T @ spread + 1e-9 * np.eye(2), spread.T @ (target - goal)).T
    return np.hstack([linear, (goal - linear @ centre)[:, None]])


def _inverse(matrices: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Inverses of many 3x3 matrices by their cofactors; 0 where there is none."""
    a, b, c = matrices[:, 0], matrices[:, 1], matrices[:, 2]
    cofactors = np.stack([np.cross(b, c), np.cross(c, a), np.cross(a, b)], 2)
    determinant = np.einsum("ij,ij->i", a, cofactors[:, :, 0])
    inverses: npt.NDArray[np.float64] = np.nan_to_num(cofactors / determinant[:, None, None], posinf=0.0, neginf=0.0)
    return inverses


class FaceMesh:
    """The mesh of the face to be drawn, on a canvas; maps for several sources share its triangles.

    Args:
        points: float64 (84, 2), where the face is drawn, in the canvas's pixels.
        depth: float64 (84,), larger is farther: of overlapping triangles the nearest is seen.
        shape: Height and width of the canvas.
        smooth: Sigma in pixels of the blur that takes the creases out of the map.
    """

    def __init__(self, points: Points, depth: npt.NDArray[np.float64], shape: tuple[int, int], smooth: float) -> None:
        corners = triangles()
        self._points = with_ring(points)
        self._smooth = smooth
        far = np.concatenate([depth, depth[OUTLINE] + 0.4])[corners].mean(1)
        placed = self._points[corners]
        fixed = np.round(placed * (1 << _FIXED_BITS)).astype(np.int32)
        numbers = np.full(shape, len(corners), np.int16)
        for number in np.argsort(-far, kind="stable"):
            cv2.fillConvexPoly(numbers, fixed[number], int(number), cv2.LINE_8, _FIXED_BITS)
        self._numbers = numbers
        # Takes values at a triangle's corners to the plane through them. A triangle seen edge-on covers no pixel.
        with np.errstate(all="ignore"):
            self._planes = _inverse(np.concatenate([placed + _JOG, np.ones((len(corners), 3, 1))], 2))
        self._x = np.arange(shape[1], dtype=np.float32)[None, :]
        self._y = np.arange(shape[0], dtype=np.float32)[:, None]

    def _interpolate(self, corner_values: npt.NDArray[np.float64]) -> FloatArray:
        """Piecewise-linear field (H, W, K) of values (M, 3, K) at the triangles' corners; 0 outside all."""
        planes = np.zeros((len(corner_values) + 1, 3, corner_values.shape[2]), np.float32)
        planes[:-1] = self._planes @ corner_values
        picked = np.ascontiguousarray(planes.transpose(1, 0, 2))
        field: FloatArray = picked[2][self._numbers]
        field += self._x[..., None] * picked[0][self._numbers]
        field += self._y[..., None] * picked[1][self._numbers]
        return field

    def map_from(self, source: Points) -> FloatArray:
        """For each pixel of the canvas, where to look in the source: float32 (H, W, 2), for `cv2.remap`.

        Args:
            source: float64 (84, 2), the same points in the source.
        """
        looked_up = with_ring(source)
        affine = fit_affine(self._points[:68], looked_up[:68])
        residual = looked_up - (self._points @ affine[:, :2].T + affine[:, 2])
        field = self._interpolate(residual[triangles()])
        limit = 0.9 * float(np.abs(residual).max()) + 1e-6
        np.clip(field, -limit, limit, out=field)
        if self._smooth > 0:
            field = cv2.GaussianBlur(field, (0, 0), self._smooth, borderType=cv2.BORDER_REPLICATE)
        plane = affine.astype(np.float32)
        field += self._x[..., None] * plane[:, 0]
        field += self._y[..., None] * plane[:, 1] + plane[:, 2]
        return field

    def spread_values(self, values: npt.NDArray[np.float64]) -> FloatArray:
        """Values 0..1 at the 84 points as a field: float32 (H, W)."""
        all_values = np.concatenate([values, values[OUTLINE]])
        field = self._interpolate(all_values[triangles()][..., None])[..., 0]
        return np.clip(field, 0, 1)
