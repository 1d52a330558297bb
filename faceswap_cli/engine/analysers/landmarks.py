"""68 landmarks, refined: repeated fits on an upright crop, jittered and mirrored, then averaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from faceswap_cli.engine.analysers.dlib_weights import LANDMARK_PREDICTOR
from faceswap_cli.engine.analysers.regression_trees import FitBox, RegressionTrees
from faceswap_cli.faces.align import EYE_FRACTION, invert, transform, upright_crop, warp_crop
from faceswap_cli.faces.landmarks68 import MIRRORED
from faceswap_cli.faces.pose import Camera, fit_camera
from faceswap_cli.image import Plane, Points

BOX_WIDTH = 2.33
"""Side of the boxes that dlib's detector draws and its predictor expects, in inter-ocular distances."""

BOX_SHIFT = 0.02
"""How far below the face model's origin those boxes are centred, in inter-ocular distances."""


class Start(NamedTuple):
    """One box to start the predictor from: shift in inter-ocular distances, scale, on the mirror image or not."""

    right: float
    down: float
    scale: float
    mirrored: bool


class Round(NamedTuple):
    """One round of fits: the side of the upright crop and the boxes to start from."""

    side: int
    starts: tuple[Start, ...]


def both_ways(*boxes: tuple[float, float, float]) -> tuple[Start, ...]:
    """Each box (right, down, scale), on the crop and on its mirror image."""
    return tuple(Start(*box, mirrored) for box in boxes for mirrored in (False, True))


APPROACH = Round(256, (Start(0.0, 0.0, 1.0, False),))
"""One fit, to find scale and roll."""

# The predictor answers in whole pixels, so the crop that counts is a large one. On 53 faces, against an average of 40
# fits: 0.0030 inter-ocular distances at a side of 512, 0.0038 at 384, 0.0048 at 256, at the same cost.
AVERAGE = Round(512, both_ways((0.06, 0.03, 0.96), (-0.06, 0.03, 1.04), (0.03, -0.06, 1.05), (-0.03, -0.05, 0.95)))
"""Eight fits, averaged: 0.0030 inter-ocular distances from an average of 40."""

STILL = (APPROACH, APPROACH, AVERAGE)
"""The rounds for a face that a detector found."""


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """Landmarks of one face.

    Attributes:
        points: float64 (68, 2) in the picture.
        spread: Root mean square disagreement of the last round's fits, in inter-ocular distances; 0 for one fit.
            Corrected for their number, so that rounds compare.
        camera: The camera fitted to `points`.
    """

    points: Points
    spread: float
    camera: Camera


def refine(grey: Plane, start: Camera, rounds: Sequence[Round] = STILL) -> Located:
    """Fit landmarks near `start`, each round on the upright crop that the last one gave.

    Args:
        grey: uint8 (H, W).
        start: Where the face is thought to be; scale right within about 20 %, roll within about 20 degrees.
        rounds: At least one.

    Raises:
        ModelError: The weights are missing or damaged.
    """
    camera = start
    for side, starts in rounds:
        matrix = upright_crop(camera, side)
        fits = _fits(np.ascontiguousarray(warp_crop(grey, matrix, side)), starts)
        mean = fits.mean(0)
        points = transform(invert(matrix), mean)
        camera = fit_camera(points)
    variance = ((fits - mean) ** 2).sum(2).sum(0) / max(1, len(fits) - 1)
    spread = float(np.sqrt(variance.mean())) / (EYE_FRACTION * side)
    return Located(points, spread, camera)


def _fits(crop: Plane, starts: Sequence[Start]) -> npt.NDArray[np.float64]:
    """Landmarks (len(starts), 68, 2) in the crop, in whole pixels."""
    side = crop.shape[1]
    unit = EYE_FRACTION * side
    middle = (side - 1) / 2
    boxes = []
    for right, down, scale, mirrored in starts:
        width = BOX_WIDTH * unit * scale
        left = middle + right * unit - width / 2
        top = middle + (BOX_SHIFT + down) * unit - width / 2
        boxes.append(FitBox(round(left), round(top), round(left + width), round(top + width), mirrored))
    predictor: RegressionTrees = LANDMARK_PREDICTOR.get()
    fits = np.floor(predictor.fit(crop, boxes) + 0.5)
    for fit, start in zip(fits, starts, strict=True):
        if start.mirrored:
            fit[:] = fit[MIRRORED]
            fit[:, 0] = side - 1 - fit[:, 0]
    return fits
