"""Where the five landmarks lie in the crops that neural models take, and the similarity that puts a face there."""

from __future__ import annotations

import numpy as np

from faceswap_cli.faces.align import Matrix
from faceswap_cli.faces.landmarks68 import LEFT_EYE, RIGHT_EYE
from faceswap_cli.image import Points

_NOSE_TIP, _MOUTH_LEFT, _MOUTH_RIGHT = 30, 48, 54

# The picture's left eye, its right eye, nose tip, left and right corner of the mouth.
ARCFACE_112 = np.array([
    (38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041),
])
"""float64 (5, 2), in a crop of 112 pixels: `arcface_dst` of insightface's `utils/face_align.py`."""

FFHQ_512 = np.array([
    (192.98138, 239.94708), (318.90277, 240.1936), (256.63416, 314.01935), (201.26117, 371.41043),
    (313.08905, 371.15118),
])
"""float64 (5, 2), in a crop of 512 pixels: the mean of FFHQ's aligned faces, as in facexlib's
`utils/face_restoration_helper.py`."""


def arcface(side: int) -> Points:
    """The ArcFace template (5, 2) for a crop of `side` pixels, as insightface's `norm_crop2` scales it.

    Multiples of 112 enlarge the crop of 112; all others enlarge the crop of 128, which is that of 112 with 8 pixels
    more at its left, its right, and 16 below.
    """
    ratio = side / 112 if side % 112 == 0 else side / 128
    shift = 0.0 if side % 112 == 0 else 8 * ratio
    return np.asarray(ARCFACE_112 * ratio + [shift, 0.0], np.float64)


def ffhq(side: int) -> Points:
    """The FFHQ template (5, 2) for a crop of `side` pixels."""
    return np.asarray(FFHQ_512 * (side / 512), np.float64)


TEMPLATES = {"arcface": arcface, "ffhq": ffhq}
"""The templates by the names that the catalogue of models gives them."""


def five_points(landmarks: Points) -> Points:
    """Five points (5, 2): eyes, nose tip, corners of the mouth, from themselves or from 68 landmarks.

    Args:
        landmarks: float (5, 2), or (68, 2) in the iBUG scheme: each eye is then the middle of its six points.
    """
    if len(landmarks) == 5:
        return np.asarray(landmarks, np.float64)
    if len(landmarks) != 68:
        raise ValueError(f"5 or 68 landmarks are needed, not {len(landmarks)}")
    return np.vstack([landmarks[LEFT_EYE].mean(0), landmarks[RIGHT_EYE].mean(0),
                      landmarks[[_NOSE_TIP, _MOUTH_LEFT, _MOUTH_RIGHT]]]).astype(np.float64)


def similarity(points: Points, wanted: Points) -> Matrix:
    """The similarity without reflection that brings `points` closest to `wanted`, in least squares (Umeyama 1991).

    In the plane it is one complex number, rotation and scale at once: the regression of one set on the other.

    Args:
        points, wanted: float (N, 2).

    Returns:
        float64 (2, 3). Points that all coincide have none: their matrix is not finite.
    """
    here, there = (np.ascontiguousarray(side, np.float64).view(np.complex128)[:, 0] for side in (points, wanted))
    middle, goal = here.mean(), there.mean()
    centred = here - middle
    spread = np.vdot(centred, centred).real
    turn = np.vdot(centred, there - goal) / spread if spread > 0 else complex(np.nan, np.nan)
    shift = goal - turn * middle
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def estimate(landmarks: Points, template: str, side: int) -> Matrix:
    """The similarity from the picture to a crop.

    For `arcface` it is that of insightface's `face_align.estimate_norm`.

    Args:
        landmarks: float (5, 2), or (68, 2), in the picture.
        template: A name of `TEMPLATES`.
        side: Of the crop, in pixels.
    """
    return similarity(five_points(landmarks), TEMPLATES[template](side))


def enlarged(matrix: Matrix, factor: float) -> Matrix:
    """The same crop with `factor` times as many pixels along each side, of the same part of the picture.

    Pixel centres are at whole numbers at both sizes: for a whole factor, `factor**2` small pixels share the place of
    one large one, and every `factor`-th of them, from any start, makes a crop that is off by less than half a pixel.
    """
    half = np.array([[0.0, 0.0, 0.5]])
    return np.asarray((matrix + half) * factor - half, np.float64)
