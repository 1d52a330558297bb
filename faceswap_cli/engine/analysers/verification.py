"""Is it a face? Candidates are located, cut out upright and shown to the detector again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceswap_cli.engine.analysers.dlib_weights import CNN_DETECTOR, FRONTAL_DETECTOR
from faceswap_cli.engine.analysers.hog import HogDetection
from faceswap_cli.engine.analysers.landmarks import BOX_SHIFT, BOX_WIDTH, Located, refine
from faceswap_cli.faces.align import EYE_FRACTION, Matrix, invert, matrix_scale, transform, upright_crop, warp_crop
from faceswap_cli.faces.pose import Camera
from faceswap_cli.image import Image, Plane

SIDE = 160
"""Side of the upright crop in which a face is a square of 97 pixels, a little above the detector's smallest."""

NOTHING = -2.0
"""Score of a crop in which the detector sees nothing at the face's place, however faintly."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceCandidate:
    """A located candidate.

    Attributes:
        located: Its landmarks.
        score: The better of the detector's two opinions: on the picture and on the upright crop.
        margin: How far it is on the side of faces: see `margin`.
    """

    located: Located
    score: float
    margin: float


def examine(grey: Plane, hit: HogDetection) -> FaceCandidate:
    """Locate a detection and judge it."""
    located = refine(grey, hit.camera())
    upright = upright_score(grey, located.camera)
    return FaceCandidate(located, max(hit.score, upright), margin(upright, located.spread))


def margin(upright: float, spread: float) -> float:
    """How far a candidate is on the side of faces: above `ACCEPTED` it is taken for one, above `SURE` it surely is.

    On 228 pictures and frames, 90 of them without a face, searched at every angle and scale down to scores of -0.6,
    the 108 candidates that were no faces had at most -0.61; two of 10 and 20 pixels, seen since, -0.07 and 0.01. Faces
    of 12 to 20 pixels have -0.1 to 0.6, larger ones 0.6 to 3. Faces taken upside down or at a wrong angle have up to
    0.5: they are why a search goes on below `SURE`. Those not accepted may still be confirmed by `network_opinion`.

    Args:
        upright: `upright_score` at its refined camera.
        spread: Disagreement of its landmark fits, in inter-ocular distances.
    """
    return upright + 25.0 * (0.03 - spread)


ACCEPTED = 0.1
SURE = 0.6

LOST = 0.1
"""Spread above which landmarks are somewhere else than the face, whoever says that there is one."""


def upright_score(grey: Plane, camera: Camera) -> float:
    """The detector's score of the face that `camera` sees, in an upright crop: about 2 for a face, below 0 for none."""
    return max((score for _, score in _hits(grey, camera, SIDE, reach=0.25)), default=NOTHING)


def look_again(grey: Plane, expected: Camera) -> tuple[Camera | None, float]:
    """Where the face that should be at `expected` is now, up to half a face aside, and the detector's score.

    Costs about 2 ms. The camera keeps the expected roll; None when there is nothing like a face.
    """
    hits = _hits(grey, expected, _WIDE_SIDE, reach=0.6)
    return max(hits, key=lambda hit: hit[1], default=(None, NOTHING))


_WIDE_SIDE = 200


def _hits(grey: Plane, camera: Camera, side: int, reach: float) -> list[tuple[Camera, float]]:
    """What the detector sees on an upright crop, face-sized and not farther aside than `reach` face widths."""
    matrix = _wide_crop(camera, side)
    crop = np.ascontiguousarray(warp_crop(grey, matrix, side))
    boxes, scores, _ = FRONTAL_DETECTOR.run(lambda model: model.run(crop, 0, -1.0))
    zoom = matrix_scale(matrix)
    width = BOX_WIDTH * camera.scale * zoom
    found = []
    for box, score in zip(boxes, scores, strict=True):
        middle = np.array([[box.left() + box.right(), box.top() + box.bottom()]]) / 2
        middle[0, 1] -= BOX_SHIFT * width / BOX_WIDTH
        size = box.width() / width
        if np.linalg.norm(middle - side / 2) < reach * width and 0.7 < size < 1.4:
            seen = Camera(camera.scale * size, camera.rotation, transform(invert(matrix), middle)[0])
            found.append((seen, float(score)))
    return found


def network_opinion(image: Image, camera: Camera) -> float:
    """The CNN's confidence, 0..1.1, that `camera` sees a face; costs about 90 ms.

    Of 554 candidates that the HOG detector left in doubt, those that were no faces had at most 0.15, faces mostly 0.9
    to 1.1; faces upside down have 0.

    Args:
        image: uint8 (H, W, 3) RGB.
        camera: The refined camera of the candidate.
    """
    crop = np.ascontiguousarray(warp_crop(image, _wide_crop(camera, SIDE, _NETWORK_WIDTH), SIDE))
    best = 0.0
    for hit in CNN_DETECTOR.run(lambda model: model(crop, 0)):
        aside = (hit.rect.left() + hit.rect.right()) / 2 - SIDE / 2
        below = (hit.rect.top() + hit.rect.bottom()) / 2 - SIDE / 2
        if np.hypot(aside, below) < 0.35 * _NETWORK_WIDTH:
            best = max(best, float(hit.confidence))
    return best


CONFIRMED = 0.5
"""`network_opinion` from which a doubtful candidate is a face."""

_HOG_WIDTH, _NETWORK_WIDTH = 97.0, 82.0
"""Pixels that the detector's square around a face has in the upright crops for HOG, and for the CNN."""


def _wide_crop(camera: Camera, side: int, width: float = _HOG_WIDTH) -> Matrix:
    """An upright crop in which the detector's square around the face is `width` pixels wide."""
    zoom = width / (BOX_WIDTH * EYE_FRACTION * side)
    matrix = upright_crop(camera, side) * zoom
    matrix[:, 2] += side / 2 * (1 - zoom)
    return matrix
