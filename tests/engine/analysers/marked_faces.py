"""Faces that are five coloured dots, and a detector that finds them as a network would: upright, of a fitting size."""

from __future__ import annotations

import cv2
import numpy as np

from faceswap_cli.engine.analysers.detectors.base import Detected
from faceswap_cli.faces.face import Box
from faceswap_cli.faces.landmarks68 import MEAN_SHAPE
from faceswap_cli.faces.templates import five_points

# Left eye, right eye, nose, left and right corner of the mouth.
COLOURS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (255, 0, 255))
SHAPE = five_points(MEAN_SHAPE[:, :2])


def marks(x: float, y: float, size: float, roll: float = 0.0) -> np.ndarray:
    """Where the dots of a face are: (5, 2), its eyes `size` apart, leaning `roll` degrees clockwise around (x, y)."""
    cos, sin = np.cos(np.radians(roll)), np.sin(np.radians(roll))
    return size * SHAPE @ np.array([[cos, sin], [-sin, cos]]) + [x, y]


def scene(width: int, height: int, *faces: np.ndarray, ground: int = 110) -> np.ndarray:
    """A picture of these faces."""
    picture = np.full((height, width, 3), ground, np.uint8)
    for points in faces:
        radius = 0.11 * np.linalg.norm(points[1] - points[0])
        for (x, y), colour in zip(points, COLOURS, strict=True):
            cv2.circle(picture, (round(16 * x), round(16 * y)), round(16 * radius), colour, -1, cv2.LINE_AA, 4)
    return picture


class MarkDetector:
    """Finds marked faces that lean less than 60 degrees and whose eyes are 10 to 90 pixels apart as it sees them.

    Attributes:
        asked: Side, least score and clip of every call so far.
        rating: Score of a face that stands upright.
        fixed: Side of its only input, or None.
        bias: Added to landmarks, in inter-ocular distances and picture pixels, of faces that lean more than 30.
    """

    name = "marks"

    def __init__(self, landmarks: bool = True) -> None:
        self.asked: list[tuple[int, float, bool]] = []
        self.rating = 0.9
        self.bias = 0.0
        self.fixed: int | None = None
        self._landmarks = landmarks

    def fixed_side(self, clip):
        return self.fixed

    def detect(self, image, side, score, clip):
        self.asked.append((side, score, clip))
        zoom = side / max(image.shape[:2])
        found = []
        for points in self._faces(image):
            across = points[1] - points[0]
            size, lean = np.linalg.norm(across), abs(np.degrees(np.arctan2(across[1], across[0])))
            if not 10 <= size * zoom <= 90 or lean > 60 or self.rating < score:
                continue
            seen = points + self.bias * size if lean > 30 else points
            middle = points.mean(0)
            low, high = middle - np.array([1.1, 1.6]) * size, middle + np.array([1.1, 1.4]) * size
            box = Box(*low.tolist(), *high.tolist())
            found.append(Detected(box, self.rating - 0.3 * (lean > 30), seen if self._landmarks else None))
        return [one for one in found if one.score >= score]

    @staticmethod
    def _faces(image):
        places = []
        for colour in COLOURS:
            low, high = (tuple(min(max(part + step, 0), 255) for part in colour) for step in (-90, 90))
            mask = cv2.inRange(image, low, high)
            if not mask.any():
                return
            _, _, sizes, centres = cv2.connectedComponentsWithStats(mask)
            places.append([centre for size, centre in zip(sizes[1:, 4], centres[1:], strict=True) if size >= 3])
        for eye in places[0]:
            if all(places):
                yield np.array([eye, *(min(others, key=lambda at: np.linalg.norm(at - eye)) for others in places[1:])])
