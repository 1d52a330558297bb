"""The geometry of a swap: where the landmarks of the result shall be, and a forehead for a scheme that has none."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faceswap_cli.faces import landmarks68 as at
from faceswap_cli.faces.expression import eye_openings, mouth_opening
from faceswap_cli.faces.pose import Camera
from faceswap_cli.image import Points

LIPS_TOUCH = 0.045
"""Gap between the lips, in inter-ocular distances, below which a mouth counts as shut."""

_MAX_SHIFT = 0.22
# Weight of the temples' residual at each point of the forehead arc, falling towards its middle.
_TEMPLE_FALLOFF = np.array([0.75, 0.5, 0.25, 0.1, 0, 0, 0, 0, 0, 0, 0])


def with_forehead(points: Points, camera: Camera) -> Points:
    """68 -> 84 points: the forehead of the mean face, seen with the face's own pose and moved along with its brows."""
    projected = camera.project(at.EXTENDED_SHAPE)
    residual = points - projected[:68]
    brows, left, right = residual[at.BROWS].mean(0), residual[0], residual[16]
    forehead = projected[68:].copy()
    forehead += brows
    forehead[:11] += _TEMPLE_FALLOFF[:, None] * (left - brows) + _TEMPLE_FALLOFF[::-1, None] * (right - brows)
    return np.vstack([points, forehead])


def _in_model_frame(points: Points, camera: Camera) -> npt.NDArray[np.float64]:
    """What the mean face leaves unexplained, un-projected with least norm: (68, 3) in inter-ocular distances."""
    residual: npt.NDArray[np.float64] = ((points - camera.project(at.MEAN_SHAPE)) / camera.scale) @ camera.rotation[:2]
    return residual


def blend_proportions(target: Points, target_camera: Camera, source: Points, source_camera: Camera,
                      strength: float = 0.8) -> Points:
    """Landmarks that the swapped face shall have: the target's pose, contour and expression, the source's proportions.

    Brows, eyes, nose and mouth move by `strength` of the difference to the source, taken in the 3-D frame of the mean
    face so that it holds under any pose. What is expression stays the target's: the opening of the lips wholly, the
    opening of the eyes unless both are about equally open, most of the mouth's width.

    Args:
        target, source: float64 (68, 2), each in the coordinates of its own camera.
        strength: 0 keeps the target's geometry, 1 takes the source's.

    Returns:
        float64 (68, 2) in the target's coordinates.
    """
    difference = _in_model_frame(source, source_camera) - _in_model_frame(target, target_camera)
    shift = np.zeros((68, 3))
    shift[at.NOSE] = difference[at.NOSE]
    for brow in (at.LEFT_BROW, at.RIGHT_BROW):
        shift[brow] = 0.8 * difference[brow]
    openings = zip(eye_openings(target), eye_openings(source), strict=True)
    for eye, (open_target, open_source) in zip((at.LEFT_EYE, at.RIGHT_EYE), openings, strict=True):
        centre = difference[eye].mean(0)
        lids = 0.6 * np.exp(-((np.log((open_target + 0.02) / (open_source + 0.02)) / 0.3) ** 2))
        shift[eye] = centre + (difference[eye] - centre) * np.array([0.6, lids, 0.6])
    centre = difference[at.OUTER_LIPS].mean(0)
    shift[at.MOUTH] = centre * np.array([0.6, 0.8, 0.5]) + 0.3 * (difference[at.MOUTH] - centre) * np.array([1.0, 0, 0])
    # Depth is only guessed: on the far side of a turned head its error must not move points far.
    length = np.linalg.norm(shift, axis=1, keepdims=True)
    shift *= np.minimum(1.0, _MAX_SHIFT / np.maximum(length, 1e-6))
    wanted: Points = target + strength * target_camera.scale * shift @ target_camera.rotation[:2].T
    gap = mouth_opening(target, target_camera.scale)
    if gap < LIPS_TOUCH and mouth_opening(source, source_camera.scale) > gap:
        # Lips that touch in the target: no strip of squeezed teeth between them.
        middle = 0.5 * (wanted[at.UPPER_LIP_EDGE] + wanted[at.LOWER_LIP_EDGE])
        wanted[at.UPPER_LIP_EDGE] = middle
        wanted[at.LOWER_LIP_EDGE] = middle
    return wanted
