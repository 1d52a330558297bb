"""A face that is known, looked at again: in an upright crop, whose size does not depend on the picture's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from faceswap_cli.engine.analysers.detectors.base import Detected, Detector
from faceswap_cli.faces.align import Matrix, invert, transform, warp_crop
from faceswap_cli.faces.face import Box
from faceswap_cli.faces.five_points import fit_five
from faceswap_cli.faces.pose import Camera
from faceswap_cli.image import Image

_LOOK, _SMALL_LOOK = 192, 128
"""Sides of the upright crop in which a known face is looked at again, and of that for small faces."""

_LOOK_EYES = 5.2
"""What it shows, in inter-ocular distances: a face is about 113 pixels high in it, and may move by half its width."""

_LOOK_ENLARGED = 1.5
"""How much small faces are enlarged for it; at 3 their landmarks are a third less steady."""

# The crop moves, grows and turns in steps: a network sees a little different things when it moves by less than a cell,
# and landmarks of a face at rest would tremble with it.
_STEP, _ZOOM_STEP, _ROLL_STEP = 16, 0.5, float(np.radians(20.0))


def look(detector: Detector, image: Image, expected: Camera, score: float, clip: bool) -> Detected | None:
    """The face that should be where `expected` sees one, as the detector sees it in an upright crop.

    Returns:
        The face nearest to that place, in pixels of the picture; None when there is none within half its width.
        Its box is that of an ellipse leaning with it.
    """
    (seen,) = look_at_all(detector, image, [expected], score, clip)
    return seen


def look_at_all(detector: Detector, image: Image, expected: Sequence[Camera], score: float,
                clip: bool) -> list[Detected | None]:
    """As `look`, for several faces: where the input of a network is fixed, nine of them share one run."""
    crops = [_upright(camera) for camera in expected]
    pictures = [np.ascontiguousarray(warp_crop(image, matrix, side)) for matrix, side in crops]
    found = _detect_in_all(detector, pictures, score, clip)
    return [_nearest(faces, invert(matrix), camera)
            for faces, (matrix, _), camera in zip(found, crops, expected, strict=True)]


def _nearest(faces: list[Detected], back: Matrix, expected: Camera) -> Detected | None:
    """The face of a crop that is nearest to where one should be, in pixels of the picture."""
    best, least = None, 1.0
    for one in faces:
        if one.landmarks is None or not is_sound(one):
            continue
        seen = replace(one, landmarks=transform(back, one.landmarks), box=box_behind(one.box, back))
        camera = camera_of(seen)
        apart = float(np.linalg.norm(camera.offset - expected.offset)) / expected.scale
        if apart < least and 0.6 < camera.scale / expected.scale < 1.6:
            best, least = seen, apart
    return best


def _detect_in_all(detector: Detector, crops: Sequence[Image], score: float, clip: bool) -> list[list[Detected]]:
    """The faces of each crop."""
    side = detector.fixed_side(clip) or 0
    across = side // _LOOK
    if across < 2 or len(crops) < 2:
        return [detector.detect(crop, len(crop), score, clip) for crop in crops]
    found: list[list[Detected]] = [[] for _ in crops]
    for start in range(0, len(crops), across * across):
        sheet = np.zeros((side, side, 3), np.uint8)
        for cell, crop in enumerate(crops[start:start + across * across]):
            top, left = (_LOOK * place for place in divmod(cell, across))
            sheet[top:top + len(crop), left:left + len(crop)] = crop
        for one in detector.detect(sheet, side, score, clip):
            x, y = (one.box.x1 + one.box.x2) / 2, (one.box.y1 + one.box.y2) / 2
            column, row = int(max(x, 0) // _LOOK), int(max(y, 0) // _LOOK)
            number = start + row * across + column
            if max(column, row) < across and number < len(crops):
                found[number].append(moved(one, -_LOOK * column, -_LOOK * row))
    return found


def moved(face: Detected, right: float, down: float) -> Detected:
    """The face so many pixels farther right and down."""
    box = Box(face.box.x1 + right, face.box.y1 + down, face.box.x2 + right, face.box.y2 + down)
    points = None if face.landmarks is None else face.landmarks + np.array([right, down])
    return replace(face, box=box, landmarks=points)


def camera_of(face: Detected) -> Camera:
    """The camera fitted to the landmarks of a face that has them."""
    assert face.landmarks is not None
    return fit_five(face.landmarks)


def _upright(camera: Camera) -> tuple[Matrix, int]:
    """From the picture to the crop in which the face is looked at, and the side of that."""
    zoom = min(_LOOK / (_LOOK_EYES * camera.scale), _LOOK_ENLARGED)
    side = _LOOK if _LOOK_EYES * camera.scale * zoom > _SMALL_LOOK else _SMALL_LOOK
    zoom = float(2 ** (_ZOOM_STEP * np.round(np.log2(zoom) / _ZOOM_STEP)))
    roll = _ROLL_STEP * np.round(camera.roll / _ROLL_STEP)
    cos, sin = zoom * np.cos(roll), zoom * np.sin(roll)
    linear = np.array([[cos, sin], [-sin, cos]])
    corner = _STEP * np.round((linear @ camera.offset - (side - 1) / 2) / _STEP)
    return np.hstack([linear, -corner[:, None]]), side


def box_behind(box: Box, matrix: Matrix) -> Box:
    """The box around the ellipse in a box, after a similarity: heads have no corners."""
    centre = transform(matrix, np.array([[(box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2]]))[0]
    half = np.hypot(matrix[:, 0] * box.width, matrix[:, 1] * box.height) / 2
    (x1, y1), (x2, y2) = (centre - half).tolist(), (centre + half).tolist()
    return Box(x1, y1, x2, y2)


def is_sound(face: Detected) -> bool:
    """Whether it has landmarks and its numbers can be those of a face: a broken network gives others."""
    if face.landmarks is None or not np.isfinite(face.landmarks).all() or not np.isfinite(face.box).all():
        return False
    return bool(np.ptp(face.landmarks, axis=0).min() > 0)
