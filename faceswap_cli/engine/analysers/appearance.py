"""What a followed face looked like when it was last surely seen, and where that look is in the next frame."""

from __future__ import annotations

import cv2
import numpy as np

from faceswap_cli.faces.align import EYE_FRACTION, Matrix, invert, transform, upright_crop, warp_crop
from faceswap_cli.faces.pose import Camera
from faceswap_cli.image import Plane

# An inter-ocular distance is 14 pixels: the look covers 2.9 of them, the search 0.86 to each side.
_UNIT, _LOOK, _REACH = 14.0, 40, 12


def take_look(grey: Plane, camera: Camera) -> Plane:
    """A small upright picture (40, 40) of the face that `camera` sees."""
    return np.ascontiguousarray(warp_crop(grey, _crop(camera, _LOOK), _LOOK))


def find_look(grey: Plane, look: Plane, expected: Camera) -> tuple[Camera, float]:
    """Where a look is best found near `expected`, and how alike it is there.

    Template matching by normalised cross-correlation (Lewis 1995): blind to brightness and contrast. 0.3 ms.

    Returns:
        `expected`, shifted; and the correlation, -1..1: above 0.9 for a face from one frame to the next, below 0.5
        for another thing.
    """
    side = _LOOK + 2 * _REACH
    matrix = _crop(expected, side)
    around = np.ascontiguousarray(warp_crop(grey, matrix, side))
    alike = cv2.matchTemplate(around, look, cv2.TM_CCOEFF_NORMED)
    _, best, _, place = cv2.minMaxLoc(alike)
    middle = np.array([[place[0] + _LOOK / 2, place[1] + _LOOK / 2]])
    offset = transform(invert(matrix), middle)[0]
    return Camera(expected.scale, expected.rotation, offset), float(best) if np.isfinite(best) else 0.0


def _crop(camera: Camera, side: int) -> Matrix:
    zoom = _UNIT / (EYE_FRACTION * side)
    matrix = upright_crop(camera, side) * zoom
    matrix[:, 2] += side / 2 * (1 - zoom)
    return matrix
