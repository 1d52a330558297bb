"""How open mouth and eyes are: the part of a face that belongs to the moment, not to the person."""

from __future__ import annotations

import numpy as np

from faceswap_cli.faces.landmarks68 import LEFT_EYE, LOWER_LIP_EDGE, RIGHT_EYE, UPPER_LIP_EDGE
from faceswap_cli.image import Points


def mouth_opening(points: Points, eye_distance: float) -> float:
    """Mean gap between the inner edges of the lips, in inter-ocular distances (`eye_distance` in pixels)."""
    gaps = np.linalg.norm(points[UPPER_LIP_EDGE] - points[LOWER_LIP_EDGE], axis=1)
    return float(gaps.mean()) / eye_distance


def eye_openings(points: Points) -> tuple[float, float]:
    """Eye aspect ratios, picture's left and right: height over width, about 0.3 open and below 0.16 shut.

    Soukupova & Cech 2016, "Real-time eye blink detection using facial landmarks".
    """

    def ratio(eye: Points) -> float:
        height = np.linalg.norm(eye[1] - eye[5]) + np.linalg.norm(eye[2] - eye[4])
        return float(height / (2 * np.linalg.norm(eye[0] - eye[3]) + 1e-6))

    return ratio(points[LEFT_EYE]), ratio(points[RIGHT_EYE])
