"""A source face made ready once: measured, and cut to upright crops at the sizes that targets ask for."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from faceswap_cli.engine.swappers.completion import complete
from faceswap_cli.faces.align import EYE_FRACTION, transform, upright_crop, warp_crop
from faceswap_cli.faces.colour import to_lab
from faceswap_cli.faces.expression import eye_openings, mouth_opening
from faceswap_cli.faces.landmarks68 import MIRRORED
from faceswap_cli.faces.occlusion import Cover, measure_cover
from faceswap_cli.faces.pose import Camera, fit_camera
from faceswap_cli.faces.proportions import with_forehead
from faceswap_cli.image import Image, Points

MIN_SIDE, MAX_SIDE = 128, 1024

_LOOK_SIDE = 256


def crop_side(camera: Camera) -> int:
    """Side of a working crop that loses no detail: a multiple of 64 within 128..1024."""
    return int(np.clip(np.ceil(camera.scale / EYE_FRACTION / 64) * 64, MIN_SIDE, MAX_SIDE))


@dataclass(frozen=True, slots=True, eq=False)
class FaceCrop:
    """An upright crop of a source face.

    Attributes:
        points: float64 (68, 2), the landmarks in crop pixels.
        camera: Of `points`.
        texture: uint8 (S, S, 3), where the face is looked up: the crop itself, or, when parts of the face were hidden
            and taken from its mirror image, a frontal drawing of it.
        vertices: float64 (84, 2), landmarks and forehead in `texture`.
    """

    points: Points
    camera: Camera
    texture: Image
    vertices: Points


def cut_crop(image: Image, landmarks: Points, side: int) -> FaceCrop:
    """Cut an upright crop of `side` pixels around 68 landmarks, and complete it."""
    matrix = upright_crop(fit_camera(landmarks), side)
    points = transform(matrix, landmarks)
    camera = fit_camera(points)
    crop = warp_crop(image, matrix, side)
    texture, vertices = complete(crop, with_forehead(points, camera), camera)
    return FaceCrop(points, camera, texture, vertices)


def mirror(points: Points, width: int) -> Points:
    """68 points of a picture `width` pixels wide, as they are on its mirror image."""
    mirrored: Points = points[MIRRORED].copy()
    mirrored[:, 0] = width - 1 - mirrored[:, 0]
    return mirrored


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SourceFace:
    """A source face as the mesh swapper prepares it; may be shared between threads.

    Attributes:
        image: The part of the picture around the face.
        landmarks: float64 (68, 2), in `image`.
        camera: Of the landmarks.
        mouth: Opening of its mouth in inter-ocular distances.
        eyes: Openings of its eyes, picture's left and right.
        cover: Its glasses and beard.
    """

    image: Image
    landmarks: Points
    camera: Camera
    mouth: float
    eyes: tuple[float, float]
    cover: Cover
    _crops: dict[tuple[int, bool], FaceCrop] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled without crops: they are soon made again."""
        return _source_face, (self.image, self.landmarks, self.camera, self.mouth, self.eyes, self.cover)

    def is_same(self, other: SourceFace) -> bool:
        """Whether both are one face of one picture; also when one was pickled with the memory of a clip."""
        if self is other:
            return True
        return np.array_equal(self.landmarks, other.landmarks) and np.array_equal(self.image, other.image)

    def crop(self, side: int, mirrored: bool) -> FaceCrop:
        """The crop of `side` pixels; made at the first call, then reused."""
        key = (side, mirrored)
        with self._lock:
            if key not in self._crops:
                image, landmarks = self.image, self.landmarks
                if mirrored:
                    image = np.ascontiguousarray(image[:, ::-1])
                    landmarks = mirror(landmarks, image.shape[1])
                self._crops[key] = cut_crop(image, landmarks, side)
            return self._crops[key]


def _source_face(image: Image, landmarks: Points, camera: Camera, mouth: float, eyes: tuple[float, float],
                 cover: Cover) -> SourceFace:
    return SourceFace(image=image, landmarks=landmarks, camera=camera, mouth=mouth, eyes=eyes, cover=cover)


def measure_source(image: Image, landmarks: Points) -> SourceFace:
    """Measure a source face; crops follow when a target asks for them.

    Only a neighbourhood of the face is kept, so that a large picture is not held in memory for its face.
    """
    camera = fit_camera(landmarks)
    margin = 4.0 * camera.scale
    x0, y0 = np.maximum(np.floor(camera.offset - margin), 0).astype(int)
    x1, y1 = np.minimum(np.ceil(camera.offset + margin), [image.shape[1], image.shape[0]]).astype(int)
    landmarks = landmarks - [x0, y0]
    part = image[y0:y1, x0:x1].copy()
    return SourceFace(image=part, landmarks=landmarks, camera=fit_camera(landmarks),
                      mouth=mouth_opening(landmarks, camera.scale), eyes=eye_openings(landmarks),
                      cover=look_for_cover(part, landmarks))


def look_for_cover(image: Image, landmarks: Points) -> Cover:
    """Glasses and beard of a face, seen on an upright crop of 256 pixels."""
    matrix = upright_crop(fit_camera(landmarks), _LOOK_SIDE)
    crop = warp_crop(image, matrix, _LOOK_SIDE).astype(np.float32) * np.float32(1 / 255)
    return measure_cover(to_lab(crop), transform(matrix, landmarks), EYE_FRACTION * _LOOK_SIDE)
