"""One face, as an analyser saw it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from faceswap_cli.image import Points


class Gender(StrEnum):
    """Two labels that the API asks for, guessed from appearance; `unknown` when the guess is not sure."""

    FEMALE = "female"
    MALE = "male"
    UNKNOWN = "unknown"


class Box(NamedTuple):
    """Axis-aligned box in pixels, x right, y down; may reach outside the picture."""

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def width(self) -> float:
        """Width in pixels."""
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        """Height in pixels."""
        return self.y2 - self.y1

    @property
    def area(self) -> float:
        """Area in square pixels."""
        return self.width * self.height


class Pose(NamedTuple):
    """Head pose in degrees: yaw > 0 looks to the picture's right, pitch > 0 up, roll > 0 leans clockwise."""

    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Face:
    """One face of one picture.

    Attributes:
        box: Where the face is, brows to chin and ear to ear.
        score: Detection score; larger is surer; comparable within one analyser.
        landmarks: float64 (68, 2) for the embedded analyser, (5, 2) for insightface.
        pose: Head pose, or None when the analyser does not tell.
        spread: Disagreement of repeated landmark fits, in inter-ocular distances; above 0.03 is unreliable.
        embedding: float32 (128,) or (512,), or None when not asked for.
        gender: What the analyser guesses, or None when not asked for.
        gender_probability: 0..1, of `gender`; for `unknown` the probability of `female`.
        age: Years, or None when the analyser does not tell.
        warnings: Reasons why a swap of this face may look bad, each one short sentence.
        track: Number of the face in its clip, the same over frames; None in stills.
    """

    box: Box
    score: float
    landmarks: Points
    pose: Pose | None = None
    spread: float = 0.0
    embedding: npt.NDArray[np.float32] | None = None
    gender: Gender | None = None
    gender_probability: float | None = None
    age: int | None = None
    warnings: tuple[str, ...] = ()
    track: int | None = None
