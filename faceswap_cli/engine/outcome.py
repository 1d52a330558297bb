"""What goes into a backend and what it reports: floor 2, so that engine, client, jobs and server share it."""

from __future__ import annotations

from dataclasses import dataclass

from faceswap_cli.faces.face import Box, Gender, Pose
from faceswap_cli.image import Image


@dataclass(frozen=True, slots=True)
class SourcePicture:
    """A decoded source picture and the name to report it by."""

    name: str
    pixels: Image


@dataclass(frozen=True, slots=True)
class FaceOutcome:
    """What happened to one face of one frame.

    Attributes:
        frame: Number of the frame, from 0.
        index: Number of the face in the chosen order; a requested index that does not exist is reported too.
        swapped: Whether it was replaced.
        skip_reason: Why not: `not-selected`, `gender-mismatch`, `gender-unknown`, `no-such-face`; None when swapped.
        source: Which of the chosen source faces it got, from 0; None when not swapped.
        source_picture: Which source picture was used, as given; None when not swapped.
        box, score, pose, gender, gender_probability, warnings: As in `faces.face.Face`; None where there is no face.
    """

    frame: int
    index: int
    swapped: bool
    skip_reason: str | None = None
    source: int | None = None
    source_picture: str | None = None
    box: Box | None = None
    score: float | None = None
    pose: Pose | None = None
    gender: Gender | None = None
    gender_probability: float | None = None
    warnings: tuple[str, ...] = ()
