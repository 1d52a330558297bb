"""Upright face crops: similarity transforms as 2x3 matrices, applied to points and, without aliasing, to pictures."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from faceswap_cli.faces.pose import Camera
from faceswap_cli.image import Points

Matrix = npt.NDArray[np.float64]
"""float64 (2, 3): `x @ M[:, :2].T + M[:, 2]`."""

EYE_FRACTION = 0.26
"""Inter-ocular distance as a fraction of the side of an upright crop."""


def transform(matrix: Matrix, points: Points) -> Points:
    """Apply a 2x3 matrix to points (N, 2)."""
    return points @ matrix[:, :2].T + matrix[:, 2]


def invert(matrix: Matrix) -> Matrix:
    """The inverse of a 2x3 matrix."""
    return np.asarray(cv2.invertAffineTransform(matrix), np.float64)


def matrix_scale(matrix: Matrix) -> float:
    """By how much a similarity enlarges."""
    return float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))


def upright_crop(camera: Camera, side: int) -> Matrix:
    """The similarity from the picture to a square crop: face upright and centred, eyes `EYE_FRACTION * side` apart."""
    k = EYE_FRACTION * side / camera.scale
    cos, sin = k * np.cos(-camera.roll), k * np.sin(-camera.roll)
    linear = np.array([[cos, -sin], [sin, cos]])
    return np.hstack([linear, (side / 2 - linear @ camera.offset)[:, None]])


def crop_bounds(matrix: Matrix, crop: tuple[int, int], picture: tuple[int, int],
                margin: int = 0) -> tuple[int, int, int, int]:
    """The part x0, y0, x1, y1 of a picture that a crop sees; x1 <= x0 or y1 <= y0 when it sees nothing.

    Args:
        matrix: From picture to crop.
        crop, picture: Width and height.
        margin: Pixels added on each side, within the picture.
    """
    width, height = crop
    corners = transform(invert(matrix), np.array([[0.0, 0.0], [width, 0.0], [0.0, height], [width, height]]))
    x0, y0 = np.maximum(np.floor(corners.min(0)).astype(int) - margin, 0)
    x1, y1 = np.minimum(np.ceil(corners.max(0)).astype(int) + 1 + margin, picture)
    return int(x0), int(y0), int(x1), int(y1)


def warp_crop(picture: npt.NDArray[Any], matrix: Matrix, size: int | tuple[int, int],
              interpolation: int | None = None) -> npt.NDArray[Any]:
    """Resample `picture` (H, W[, C]) into a crop; edge pixels are repeated outside it.

    When the crop is smaller than what it shows, the region is first shrunk by area averaging, so nothing aliases.

    Args:
        picture: Any dtype that OpenCV warps.
        matrix: From picture to crop.
        size: Width and height of the crop, or its side.
        interpolation: How OpenCV is to resample; None: cubic, and linear what was shrunk first.
    """
    if isinstance(size, int):
        size = (size, size)
    k = matrix_scale(matrix)
    if k < 0.6:
        x0, y0, x1, y1 = crop_bounds(matrix, size, (picture.shape[1], picture.shape[0]), margin=8)
        if x1 - x0 > 4 and y1 - y0 > 4:
            shrunk = cv2.resize(picture[y0:y1, x0:x1], None, fx=k * 1.25, fy=k * 1.25, interpolation=cv2.INTER_AREA)
            fx, fy = shrunk.shape[1] / (x1 - x0), shrunk.shape[0] / (y1 - y0)
            back = np.array([[1 / fx, 0, x0 + 0.5 / fx - 0.5], [0, 1 / fy, y0 + 0.5 / fy - 0.5], [0, 0, 1]])
            matrix = matrix @ back
            picture = shrunk
    if interpolation is None:
        interpolation = cv2.INTER_CUBIC if k > 0.6 else cv2.INTER_LINEAR
    crop: npt.NDArray[Any] = cv2.warpAffine(picture, matrix, size, flags=interpolation,
                                            borderMode=cv2.BORDER_REPLICATE)
    return crop
