"""The search of a still with a neural detector: once as it is; more only for what that leaves open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from faceswap_cli.engine.analysers.detectors.base import Detected, Detector
from faceswap_cli.engine.analysers.detectors.boxes import OVERLAP, STRIDE, distinct
from faceswap_cli.engine.analysers.neural_look import box_behind, camera_of, is_sound, look, moved
from faceswap_cli.errors import ModelError
from faceswap_cli.faces.align import Matrix, invert, transform
from faceswap_cli.faces.pose import Camera
from faceswap_cli.image import Image
from faceswap_cli.text import opt

# SCRFD-2.5G on 22 portraits, turned; errors of its landmarks in inter-ocular distances, as found and as seen again in
# an upright crop: 0.05 and 0.03 at 30 degrees, 0.10 and 0.03 at 45, 0.15 and 0.03 at 60, 0.41 and 0.04 at 90. Faces
# upside down are mostly found, the wrong way up: scores are 0.62 then, against 0.86.
_LEANING = np.radians(20.0)
_DOUBTFUL = 0.75
_TURNED_MARGIN = 0.05

_QUARTERS = (90.0, 180.0, 270.0)
_LEANS = (40.0, -40.0)

# Tiles: about twice so many, since they overlap; enlarged at most so much; worth it from such a gain in size.
_TILES, _ENLARGED, _GAIN = 8, 2.0, 1.3

# More looks see more that is no face: on 180 pictures without one they found one, at 0.57; the first look four, at 0.52
# to 0.67.
_RETRY_MARGIN = 0.1


def search(detector: Detector, image: Image, side: int, score: float) -> list[Detected]:
    """All faces of a still, best score first.

    As `detect`; then faces that lean are looked at again upright, since detectors place their landmarks badly.

    Args:
        detector: The network.
        image: uint8 (H, W, 3) RGB.
        side: Of the square that the picture is fitted into, a multiple of 32.
        score: Least score.

    Raises:
        ModelError: The model is damaged, finds no landmarks, or failed.
    """
    found = detect(detector, image, side, score, clip=False, thorough=True)
    return _unique([straighten(detector, image, one, score, clip=False) for one in found])


def detect(detector: Detector, image: Image, side: int, score: float, *, clip: bool, thorough: bool) -> list[Detected]:
    """All faces of a picture, best score first, as they were first seen.

    As it is; then, while nothing is found, at half the size (for a face that fills the picture), turned, and in tiles
    (for small ones).

    Args:
        detector, image, side, score: As for `search`.
        clip: Whether the picture is a frame of a clip.
        thorough: False: only as it is.
    """
    found = detector.detect(image, side, score, clip)
    if thorough:
        for attempt in (_smaller, _turned, _tiled):
            if found:
                break
            found = attempt(detector, image, side, score + _RETRY_MARGIN, clip)
    if any(one.landmarks is None for one in found):
        raise ModelError(f"{detector.name} finds no landmarks, and without them no face can be swapped",
                         advice=f"take another one with {opt('detector')}")
    return [one for one in found if is_sound(one)]


def straighten(detector: Detector, image: Image, face: Detected, score: float, clip: bool) -> Detected:
    """The face, seen again upright if it leans, or may be the wrong way up, and is then surer."""
    best = _lean(detector, image, face, score, clip)
    if best.score < _DOUBTFUL:
        camera = _turn(camera_of(best), np.pi)
        turned = look(detector, image, camera, score, clip)
        if turned is not None and turned.score > best.score + _TURNED_MARGIN:
            best = _lean(detector, image, turned, score, clip)
    return best


def _lean(detector: Detector, image: Image, face: Detected, score: float, clip: bool) -> Detected:
    camera = camera_of(face)
    seen_at = 0.0
    for _ in range(3):
        if abs(_angle(camera.roll - seen_at)) < _LEANING:
            break
        again = look(detector, image, camera, score, clip)
        if again is None:
            break
        seen_at, face = camera.roll, again
        camera = camera_of(face)
    return face


def _smaller(detector: Detector, image: Image, side: int, score: float, clip: bool) -> list[Detected]:
    return detector.detect(image, max(STRIDE, side // 2 // STRIDE * STRIDE), score, clip)


def _turned(detector: Detector, image: Image, side: int, score: float, clip: bool) -> list[Detected]:
    found = []
    small, unit = _shrink(image, 1.5 * side)
    for roll in _QUARTERS + _LEANS:
        turned, back = _turn_picture(small, roll)
        back = unit[:, None] * back + np.array([[0.0, 0.0, 0.5]]) * (unit[:, None] - 1)
        for one in detector.detect(turned, side, score, clip):
            points = None if one.landmarks is None else transform(back, one.landmarks)
            found.append(replace(one, landmarks=points, box=box_behind(one.box, back)))
    return _unique(found)


def _shrink(image: Image, longest: float) -> tuple[Image, npt.NDArray[np.float64]]:
    """A picture no longer than it is seen, and pixels per pixel of it: turning all of a large one takes long."""
    height, width = image.shape[:2]
    part = min(1.0, longest / max(height, width))
    wide, high = max(1, round(width * part)), max(1, round(height * part))
    small = image if part == 1.0 else cv2.resize(image, (wide, high), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8), np.array([width / wide, height / high])


def _turn_picture(image: Image, roll: float) -> tuple[Image, Matrix]:
    """The picture turned so that faces leaning `roll` degrees clockwise are upright, and the matrix back."""
    height, width = image.shape[:2]
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    cos, sin = np.cos(np.radians(roll)), np.sin(np.radians(roll))
    linear = np.array([[cos, sin], [-sin, cos]])
    wide, high = (round(float(side)) for side in np.abs(linear) @ [width, height])
    matrix = np.hstack([linear, (np.array([(wide - 1) / 2, (high - 1) / 2]) - linear @ middle)[:, None]])
    turned = cv2.warpAffine(image, matrix, (wide, high), flags=cv2.INTER_LINEAR)
    return np.asarray(turned, np.uint8), invert(matrix)


def _tiled(detector: Detector, image: Image, side: int, score: float, clip: bool) -> list[Detected]:
    """Faces too small to be seen in the whole picture."""
    height, width = image.shape[:2]
    length = round(max(np.sqrt(height * width / _TILES), side / _ENLARGED))
    if max(height, width) < _GAIN * length:
        return []
    found = []
    for x0, y0 in _corners(width, height, length):
        tile = np.ascontiguousarray(image[y0:y0 + length, x0:x0 + length])
        for one in detector.detect(tile, side, score, clip):
            whole = moved(one, x0, y0)
            cut = ((one.box.x1 < 0 < x0) or (one.box.y1 < 0 < y0) or (x0 + tile.shape[1] < min(whole.box.x2, width))
                   or (y0 + tile.shape[0] < min(whole.box.y2, height)))
            if not cut:
                found.append(whole)
    return _unique(found)


def _corners(width: int, height: int, length: int) -> Iterator[tuple[int, int]]:
    """Where tiles begin that overlap by a quarter."""
    step = max(1, length * 3 // 4)
    for y0 in range(0, max(1, height - length // 4), step):
        for x0 in range(0, max(1, width - length // 4), step):
            yield x0, y0


def _unique(found: list[Detected]) -> list[Detected]:
    """Each face once, best score first."""
    boxes = np.array([one.box for one in found], np.float64).reshape(-1, 4)
    return [found[number] for number in distinct(boxes, np.array([one.score for one in found]), OVERLAP)]


def _turn(camera: Camera, angle: float) -> Camera:
    """The camera of a face at the same place that leans `angle` (radians) more."""
    cos, sin = np.cos(angle), np.sin(angle)
    turned = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]]) @ camera.rotation
    return Camera(camera.scale, turned, camera.offset)


def _angle(radians: float) -> float:
    """Within -pi..pi."""
    return float(np.arctan2(np.sin(radians), np.cos(radians)))
