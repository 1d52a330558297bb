"""dlib's detectors, run at a chosen scale and angle: HOG on the upright or turned picture or on tiles, and the CNN."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from faceswap_cli.engine.analysers.dlib_weights import CNN_DETECTOR, FRONTAL_DETECTOR
from faceswap_cli.engine.analysers.landmarks import BOX_SHIFT, BOX_WIDTH
from faceswap_cli.faces.align import Matrix, invert, transform
from faceswap_cli.faces.pose import Camera
from faceswap_cli.image import Plane

WINDOW = 80
"""Side in pixels of the smallest square that the HOG detector sees."""

LARGEST = 200
"""Side of the largest square that `detect_small` looks for; larger ones are seen at smaller scales."""

FLAT = 6.0
"""A tile is skipped when its 99th percentile of grey-level steps between neighbours is below this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HogDetection:
    """A square where a face may be.

    Attributes:
        x, y: Centre, in pixels of the picture.
        width: Side of the square, in pixels: 2.33 inter-ocular distances of a frontal face.
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


def detect_upright(grey: Plane, scale: float, threshold: float) -> list[HogDetection]:
    """Faces that lean less than about 30 degrees and are `WINDOW / scale` pixels wide or more.

    Args:
        grey: uint8 (H, W).
        scale: By how much the picture is enlarged first.
        threshold: Lowest score returned.
    """
    return [HogDetection(x=x / scale, y=y / scale, width=width / scale, roll=0.0, score=score)
            for x, y, width, score in _hog(resize(grey, scale), threshold)]


def detect_turned(grey: Plane, roll: float, scale: float, threshold: float) -> list[HogDetection]:
    """As `detect_upright`, for faces that lean `roll` degrees clockwise, give or take 30."""
    found: list[HogDetection] = []
    if min(grey.shape) * scale < WINDOW // 2:
        return found
    for x0, y0, piece in _pieces(resize(grey, scale)):
        turned, back = _turn(piece, roll)
        for x, y, width, score in _hog(turned, threshold):
            centre = transform(back, np.array([[x, y]]))[0]
            found.append(HogDetection(x=(float(centre[0]) + x0) / scale, y=(float(centre[1]) + y0) / scale,
                                   width=width / scale, roll=roll, score=score))
    return found


def _turn(grey: Plane, roll: float) -> tuple[Plane, Matrix]:
    """The picture turned so that faces leaning `roll` degrees are upright, and the matrix back."""
    height, width = grey.shape
    matrix = np.asarray(cv2.getRotationMatrix2D((width / 2, height / 2), roll, 1.0), dtype=np.float64)
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    wide, high = round(height * sin + width * cos), round(height * cos + width * sin)
    matrix[:, 2] += [(wide - width) / 2, (high - height) / 2]
    return np.asarray(cv2.warpAffine(grey, matrix, (wide, high)), dtype=np.uint8), invert(matrix)


def _pieces(grey: Plane) -> Iterator[tuple[int, int, Plane]]:
    """Left, top and pixels of overlapping parts, none much longer than wide: a strip, turned, would fill a square."""
    height, width = grey.shape
    short = max(min(height, width), WINDOW // 2)
    if max(height, width) <= 3 * short:
        yield 0, 0, grey
        return
    for start in range(0, max(height, width) - short, short):
        if width > height:
            yield start, 0, np.ascontiguousarray(grey[:, start:start + 2 * short])
        else:
            yield 0, start, np.ascontiguousarray(grey[start:start + 2 * short])


def detect_small(grey: Plane, scale: float, threshold: float, tile: int = 1280) -> list[HogDetection]:
    """As `detect_upright` for large scales: tile by tile, flat tiles skipped, only faces below `LARGEST` enlarged.

    Args:
        grey: uint8 (H, W).
        scale: By how much the picture is enlarged.
        threshold: Lowest score returned.
        tile: Side of a tile in enlarged pixels.
    """
    found: list[HogDetection] = []
    if min(grey.shape) * scale < WINDOW // 2:
        return found
    for x0, y0, part in _tiles(grey, max(8, round(tile / scale)), overlap=round(LARGEST / scale)):
        for one in detect_upright(part, scale, threshold):
            if one.width * scale <= LARGEST:
                found.append(HogDetection(x=one.x + x0, y=one.y + y0, width=one.width, roll=0.0, score=one.score))
    return found


def detect_by_network(grey: Plane, scale: float) -> list[HogDetection]:
    """Faces found by the CNN, profiles and odd angles too: slow, about 3 s a megapixel after scaling.

    Scores are its confidence, above 0; a sure one is about 1.
    """
    picture = np.ascontiguousarray(np.repeat(resize(grey, scale)[:, :, None], 3, axis=2))
    found: list[HogDetection] = []
    if min(picture.shape[:2]) < WINDOW // 2:  # its convolutions need a few cells to each side
        return found
    for hit in CNN_DETECTOR.run(lambda model: model(picture, 0)):
        x, y = (hit.rect.left() + hit.rect.right()) / 2, (hit.rect.top() + hit.rect.bottom()) / 2
        found.append(HogDetection(
            x=x / scale, y=y / scale, width=hit.rect.width() / scale, roll=0.0, score=float(hit.confidence)))
    return found


def resize(grey: Plane, scale: float) -> Plane:
    """The picture `scale` times as large, averaged where it shrinks; as it came when that changes less than 2 %."""
    if abs(scale - 1) < 0.02:
        return grey
    size = max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC if scale > 3 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(grey, size, interpolation=way), dtype=np.uint8)


def _tiles(grey: Plane, side: int, overlap: int) -> Iterator[tuple[int, int, Plane]]:
    """Left, top and pixels of overlapping tiles that are not flat."""
    height, width = grey.shape
    for y0 in range(0, max(1, height - overlap), side - overlap):
        for x0 in range(0, max(1, width - overlap), side - overlap):
            part = np.ascontiguousarray(grey[y0:y0 + side, x0:x0 + side])
            if min(part.shape) > 4 and not _flat(part):
                yield x0, y0, part


def _flat(part: Plane) -> bool:
    """Whether fewer than one in a hundred steps from pixel to pixel reach `FLAT`."""
    across = np.asarray(cv2.absdiff(part[:, 1:], part[:, :-1]))
    return int(np.count_nonzero(across >= FLAT)) < 0.01 * across.size


def _hog(grey: Plane, threshold: float) -> list[tuple[float, float, float, float]]:
    """Centre x, centre y, width and score of every hit."""
    if min(grey.shape) < WINDOW // 2:
        return []
    boxes, scores, _ = FRONTAL_DETECTOR.run(lambda model: model.run(np.ascontiguousarray(grey), 0, threshold))
    return [((box.left() + box.right()) / 2, (box.top() + box.bottom()) / 2, float(box.width()), float(score))
            for box, score in zip(boxes, scores, strict=True)]
