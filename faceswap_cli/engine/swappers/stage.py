"""The geometry of one swap: where the target's face is cut, and where each of its pixels looks in the source."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faceswap_cli.engine.swappers.face_crop import FaceCrop, SourceFace, crop_side
from faceswap_cli.faces.align import EYE_FRACTION, Matrix, transform, upright_crop, warp_crop
from faceswap_cli.faces.landmarks68 import EXTENDED_SHAPE, OUTLINE
from faceswap_cli.faces.mesh import FaceMesh
from faceswap_cli.faces.pose import fit_camera
from faceswap_cli.faces.proportions import blend_proportions, with_forehead
from faceswap_cli.image import FloatArray, Image, Points

STUDY_SIDES = (128, 256)
"""Smallest and largest side of the upright crop on which masks, colour and tone are computed.

Half the working crop between them: on 66 pairs that gave the same pictures to the eye as the whole crop, a distance to
the source 0.02 smaller (more of its own detail is left), and took less than half the time.
"""

_MARGIN = 0.25
"""Room around the outline of the face, in inter-ocular distances."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Stage:
    """One target face, cut out upright at full size and at study size.

    Attributes:
        matrix: From the picture to `full`.
        full: uint8 (H, W, 3).
        study: uint8 (h, w, 3), the same picture, at most as large.
        eye_distance: In study pixels.
        target: float64 (84, 2), the target's points in study pixels.
        wanted: float64 (84, 2), the points of the result in study pixels.
        mesh: Over `wanted`.
        source: What is looked up.
    """

    matrix: Matrix
    full: Image
    study: Image
    eye_distance: float
    target: Points
    wanted: Points
    mesh: FaceMesh
    source: FaceCrop

    @property
    def enlarged(self) -> float:
        """Full pixels per study pixel."""
        return float(self.full.shape[0] / self.study.shape[0])

    @property
    def full_size(self) -> tuple[int, int]:
        """Width and height of `full`."""
        return self.full.shape[1], self.full.shape[0]

    def target_map(self) -> FloatArray:
        """Where each study pixel of the result looks in `study`."""
        return self.mesh.map_from(self.target)

    def source_map(self) -> FloatArray:
        """Where each study pixel of the result looks in the source's texture."""
        return self.mesh.map_from(self.source.vertices)


def study_side(side: int) -> int:
    """Side of the crop that is studied, for a working crop of `side` pixels (a multiple of 64, from 128)."""
    smallest, largest = STUDY_SIDES
    return min(max(side // 2, smallest), largest)


def set_stage(image: Image, landmarks: Points, source: SourceFace, mirrored: bool) -> Stage:
    """Decide the geometry and cut the target's face out of `image`."""
    camera = fit_camera(landmarks)
    side = crop_side(camera)
    small = study_side(side)
    enlarged = side / small
    eye_distance = EYE_FRACTION * small
    crop = source.crop(side, mirrored)

    # Pixel centres are at whole numbers at both sizes, hence the halves.
    matrix = upright_crop(camera, side)
    half = np.array([[0.0, 0.0, 0.5]])
    to_study = (matrix + half) / enlarged - half
    points = transform(to_study, landmarks)
    study_camera = camera.seen_through(to_study)
    target = with_forehead(points, study_camera)
    wanted = target.copy()
    wanted[:68] = blend_proportions(points, study_camera, crop.points, crop.camera)

    # The window: multiples of 4, so that it has a whole number of pixels at full size too.
    edge = np.vstack([wanted[OUTLINE], target[OUTLINE]])
    low = np.maximum(np.floor((edge.min(0) - _MARGIN * eye_distance) / 4), 0).astype(int) * 4
    high = np.minimum(np.ceil((edge.max(0) + _MARGIN * eye_distance) / 4).astype(int) * 4, small)
    width, height = (int(extent) for extent in np.maximum(high - low, 32))
    target -= low
    wanted -= low
    matrix[:, 2] -= np.asarray(low) * enlarged
    full = warp_crop(image, matrix, (round(width * enlarged), round(height * enlarged)))
    study: Image = full
    if enlarged > 1:
        study = np.asarray(cv2.resize(full, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    mesh = FaceMesh(wanted, study_camera.depth(EXTENDED_SHAPE), (height, width), smooth=0.035 * eye_distance)
    return Stage(matrix=matrix, full=full, study=study, eye_distance=eye_distance, target=target, wanted=wanted,
                 mesh=mesh, source=crop)
