"""Where the faces are: dlib's HOG detector at the right scales and angles, its small CNN as a last resort."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from faceswap_cli.engine.analysers.dlib_weights import CNN_DETECTOR, FRONTAL_DETECTOR
from faceswap_cli.engine.analysers.landmarks import BOX_SHIFT, BOX_WIDTH
from faceswap_cli.faces.align import invert, transform
from faceswap_cli.faces.pose import Camera
from faceswap_cli.image import Plane

DOUBTFUL = 0.4
"""Scores below this are often wrong, or right places at the wrong angle."""


@dataclass(frozen=True, slots=True)
class Detection:
    """A square where a face was detected.

    Attributes:
        x, y: Centre, in pixels of the picture.
        width: Side of the square, in pixels, 2.33 inter-ocular distances of a frontal face.
        roll: Degrees by which the face leans clockwise.
        score: Distance from the detector's decision plane: above 0 is a detection, above 1 a sure one.
    """

    x: float
    y: float
    width: float
    roll: float
    score: float

    def camera(self) -> Camera:
        """The camera that sees a frontal face here."""
        angle = np.radians(self.roll)
        cos, sin = float(np.cos(angle)), float(np.sin(angle))
        rotation = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
        scale = self.width / BOX_WIDTH
        return Camera(scale, rotation, np.array([self.x, self.y]) - scale * BOX_SHIFT * np.array([-sin, cos]))


def detect(grey: Plane) -> list[Detection]:
    """All faces of a still, best first.

    Args:
        grey: uint8 (H, W).
    """
    found = detect_upright(grey, area=1.0e6, threshold=0.0)
    if not found or found[0].score < DOUBTFUL:
        for roll in (30.0, -30.0, 90.0, -90.0, 180.0):
            found += detect_rotated(grey, roll, area=0.5e6, threshold=0.15)
    if not found:
        found = _detect_by_network(grey)
    return merge(found)


def detect_upright(grey: Plane, area: float, threshold: float, enlarge: float = 3.0) -> list[Detection]:
    """Faces that lean less than about 25 degrees, at least 80 px wide once the picture has `area` pixels."""
    small, scale = _to_area(grey, area, enlarge)
    return [Detection(x / scale, y / scale, width / scale, 0.0, score) for x, y, width, score in _hog(small, threshold)]


def detect_rotated(grey: Plane, roll: float, area: float, threshold: float) -> list[Detection]:
    """Faces that lean `roll` degrees clockwise, give or take 25."""
    small, scale = _to_area(grey, area, 3.0)
    height, width = small.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), roll, 1.0)
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    wide, high = int(height * sin + width * cos), int(height * cos + width * sin)
    matrix[:, 2] += [(wide - width) / 2, (high - height) / 2]
    back = invert(matrix)
    found = []
    turned = np.asarray(cv2.warpAffine(small, matrix, (wide, high)), dtype=np.uint8)
    for x, y, side, score in _hog(turned, threshold):
        centre = transform(back, np.array([[x, y]]))[0] / scale
        found.append(Detection(float(centre[0]), float(centre[1]), side / scale, roll, score))
    return found


def merge(found: Iterable[Detection]) -> list[Detection]:
    """One detection per face, the best, best first: centres nearer than half a width are the same face."""
    kept: list[Detection] = []
    for one in sorted(found, key=lambda detection: -detection.score):
        if all(np.hypot(one.x - other.x, one.y - other.y) > 0.5 * max(one.width, other.width) for other in kept):
            kept.append(one)
    return kept


def _to_area(grey: Plane, area: float, enlarge: float) -> tuple[Plane, float]:
    scale = min(float(np.sqrt(area / grey.size)), enlarge)
    if abs(scale - 1) < 0.02:
        return grey, 1.0
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=way), dtype=np.uint8), scale


def _hog(grey: Plane, threshold: float) -> Sequence[tuple[float, float, float, float]]:
    """Centre x, centre y, width and score of every hit."""
    boxes, scores, _ = FRONTAL_DETECTOR.run(lambda model: model.run(np.ascontiguousarray(grey), 0, threshold))
    return [((box.left() + box.right()) / 2, (box.top() + box.bottom()) / 2, float(box.width()), float(score))
            for box, score in zip(boxes, scores, strict=True)]


def _detect_by_network(grey: Plane) -> list[Detection]:
    small, scale = _to_area(grey, 0.3e6, 3.0)
    picture = cv2.cvtColor(small, cv2.COLOR_GRAY2RGB)
    found = []
    for hit in CNN_DETECTOR.run(lambda model: model(picture, 0)):
        box = hit.rect
        found.append(Detection((box.left() + box.right()) / 2 / scale, (box.top() + box.bottom()) / 2 / scale,
                               box.width() / scale, 0.0, float(hit.confidence) - 1.0))
    return found
