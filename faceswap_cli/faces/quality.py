"""Why a swap of a face may look bad: limits measured on the embedded engine, said in plain sentences."""

from __future__ import annotations

from typing import Literal

import numpy as np

from faceswap_cli.faces.face import Face
from faceswap_cli.faces.landmarks68 import LEFT_EYE, RIGHT_EYE

Role = Literal["source", "target"]

TURNED: dict[Role, float] = {"source": 25.0, "target": 38.0}
"""Yaw in degrees beyond which cheeks that a source does not show, or a target's far side, look wrong."""

SMALL: dict[Role, float] = {"source": 40.0, "target": 12.0}
"""Pixels between the eyes below which a source lacks detail, and a target's landmarks are guesses."""

UNSURE = 0.03
"""Spread of repeated landmark fits, in inter-ocular distances, beyond which they cannot be trusted."""


def eye_distance(face: Face) -> float:
    """Pixels between the centres of the eyes, as if the face looked straight ahead when its pose is known."""
    points = face.landmarks
    left, right = (points[LEFT_EYE].mean(0), points[RIGHT_EYE].mean(0)) if len(points) == 68 else points[:2]
    turned = 0.0 if face.pose is None else min(abs(face.pose.yaw), 75.0)
    return float(np.linalg.norm(right - left) / np.cos(np.radians(turned)))


def face_warnings(face: Face, role: Role) -> tuple[str, ...]:
    """Reasons why this face makes a poor source or a poor target; empty when there is none.

    Args:
        face: As an analyser returned it; pose and spread are used where they are known.
        role: A source is held to tighter limits: what it hides cannot be invented.
    """
    warnings = []
    if face.spread > UNSURE:
        warnings.append("landmarks unsure: profile, covered or blurred face")
    if face.pose is not None and abs(face.pose.yaw) > TURNED[role]:
        side = "right" if face.pose.yaw > 0 else "left"
        warnings.append(f"head turned {abs(face.pose.yaw):.0f} degrees to the {side}")
    between = eye_distance(face)
    if between < SMALL[role]:
        warnings.append(f"face small: {between:.0f} px between the eyes")
    return tuple(warnings)
