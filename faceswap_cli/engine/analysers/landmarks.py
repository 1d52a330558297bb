"""68 landmarks, refined: repeated fits on an upright crop, jittered and mirrored, then averaged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from faceswap_cli.engine.analysers.dlib_weights import LANDMARK_PREDICTOR
from faceswap_cli.faces.align import EYE_FRACTION, invert, transform, upright_crop, warp_crop
from faceswap_cli.faces.landmarks68 import MIRRORED
from faceswap_cli.faces.pose import Camera, fit_camera
from faceswap_cli.image import Plane, Points

BOX_WIDTH = 2.33
"""Side of the boxes that dlib's detector draws and its predictor expects, in inter-ocular distances."""

BOX_SHIFT = 0.02
"""How far below the face model's origin those boxes are centred, in inter-ocular distances."""

CROP_SIDE = 256

# Shifts (inter-ocular distances) and scales of the boxes that the predictor is started from.
_JITTER = ((0.0, 0.0, 1.0), (0.06, 0.03, 0.96), (-0.06, 0.03, 1.04), (0.03, -0.06, 1.05), (-0.03, -0.05, 0.95))


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """Landmarks of one face.

    Attributes:
        points: float64 (68, 2) in the picture.
        spread: Root mean square disagreement of the last fits, in inter-ocular distances.
        camera: The camera fitted to `points`.
    """

    points: Points
    spread: float
    camera: Camera


def refine(grey: Plane, start: Camera, rounds: tuple[int, ...] = (1, 2, 5)) -> Located:
    """Fit landmarks near `start`, each round on the upright crop that the last one gave.

    Args:
        grey: uint8 (H, W).
        start: Where the face is thought to be; scale right within about 20 %, roll within about 20 degrees.
        rounds: Starting boxes per round, 1..5; each is fitted on the crop and on its mirror image.
    """
    camera = start
    for boxes in rounds:
        matrix = upright_crop(camera, CROP_SIDE)
        fits = _fits(warp_crop(grey, matrix, CROP_SIDE), boxes)
        mean = fits.mean(0)
        spread = float(np.sqrt(((fits - mean) ** 2).sum(2).mean())) / (EYE_FRACTION * CROP_SIDE)
        points = transform(invert(matrix), mean)
        camera = fit_camera(points)
    return Located(points, spread, camera)


def _fits(crop: Plane, boxes: int) -> npt.NDArray[np.float64]:
    """(2 * boxes, 68, 2) landmarks in the crop: from `boxes` starting boxes, on the crop and on its mirror image."""
    import dlib

    side = crop.shape[1]
    unit = EYE_FRACTION * side
    mirror = np.ascontiguousarray(crop[:, ::-1])
    fits = np.empty((2 * boxes, 68, 2))
    for number, (right, down, scale) in enumerate(_JITTER[:boxes]):
        width = BOX_WIDTH * unit * scale
        left = side / 2 + right * unit - width / 2
        top = side / 2 + (BOX_SHIFT + down) * unit - width / 2
        box = dlib.rectangle(int(left), int(top), int(left + width), int(top + width))
        fits[2 * number] = predict(crop, box)
        flipped = predict(mirror, box)[MIRRORED]
        flipped[:, 0] = side - 1 - flipped[:, 0]
        fits[2 * number + 1] = flipped
    return fits


def predict(grey: Plane, box: Any) -> Points:
    """One fit of the predictor: (68, 2), whole pixels."""
    shape = LANDMARK_PREDICTOR.run(lambda predictor: predictor(grey, box))
    return np.array([(part.x, part.y) for part in shape.parts()], dtype=np.float64)
