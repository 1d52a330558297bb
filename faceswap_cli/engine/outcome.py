"""What goes into a backend and what it reports: floor 2, so that engine, client, jobs and server share it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from faceswap_cli.faces.face import Box, Face, Gender, Pose
from faceswap_cli.image import Image


@dataclass(frozen=True, slots=True)
class KnownFace:
    """A face of a picture that was found before.

    Attributes:
        analyser: Name of the analyser that found it.
        face: Its record, in pixels of the picture.
        models: SHA-256 of the models that the analyser used, by id; its embedding serves only where they are at hand.
    """

    analyser: str
    face: Face
    models: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourcePicture:
    """A decoded source picture and the name to report it by.

    Attributes:
        name: For warnings and reports.
        pixels: uint8 (H, W, 3) RGB, upright.
        known: What analysers said of the one face that is meant; none: it is looked for.
    """

    name: str
    pixels: Image
    known: tuple[KnownFace, ...] = ()


@dataclass(frozen=True, slots=True)
class Role:
    """One person of the target, and the face that person gets.

    Attributes:
        references: Pictures of the person in the target; none: everybody whom no other role fits.
        sources: Pictures of the face to put on.
    """

    references: tuple[SourcePicture, ...]
    sources: tuple[SourcePicture, ...]


@dataclass(frozen=True, slots=True)
class Similarity:
    """How much a swapped face looks like two others, by the engine's own measure of identity; higher is more alike.

    The neural engine: cosine of ArcFace embeddings, about 0.3 and more for one person. The embedded engine: 1 less the
    distance of dlib's descriptors, 0.45 and more for one person. See `faces.similarity`.

    Attributes:
        source: To the source face (the best of its pictures).
        target: To the face that was there.
    """

    source: float
    target: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceOutcome:
    """What happened to one face of one frame.

    Attributes:
        frame: Number of the frame, from 0.
        index: Number of the face in the chosen order; a requested index that does not exist is reported too.
        swapped: Whether it was replaced.
        skip_reason: Why not: `not-selected`, `gender-mismatch`, `gender-unknown`, `no-such-face`, `other-person` (no
            reference fits), `person-unknown` (too small or turned to tell who it is); None when swapped.
        source: Which of the chosen source faces it got, from 0; None when not swapped.
        source_picture: Which source picture was used, as given; None when not swapped.
        track: Its number in the clip, the same for as long as it is followed; None in a still.
        reference: Name of the reference picture that it fits; None: none was given, or none fits.
        reference_similarity: How like the nearest reference it is, whether that fits or not: in a clip on the average
            of several frames. None: none was given, or it is not known.
        similarity: Of the result, where it was measured.
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
    track: int | None = None
    reference: str | None = None
    reference_similarity: float | None = None
    similarity: Similarity | None = None
