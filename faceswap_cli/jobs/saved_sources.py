"""Saved faces as the source of a job: their pictures, with what is known of the faces in them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from faceswap_cli.engine.outcome import KnownFace, SourcePicture
from faceswap_cli.faces.face import Box, Face, Gender, Pose
from faceswap_cli.library.files import read_face
from faceswap_cli.library.saved_face import FaceRecord


def read_pictures(path: Path, name: str) -> list[SourcePicture]:
    """The pictures of a saved face.

    Args:
        path: Its file.
        name: How to call it; of several pictures each is told by its number, from 1.

    Raises:
        InputError: It cannot be read, is no saved face, or is damaged.
    """
    pictures = read_face(path, name).pictures
    return [SourcePicture(name if len(pictures) == 1 else f"{name}, picture {number}", picture.pixels,
                          tuple(KnownFace(record.analyser, face_of(record), record.models)
                                for record in picture.records))
            for number, picture in enumerate(pictures, 1)]


def face_of(record: FaceRecord) -> Face:
    """A record of a saved face as analysers have it."""
    return Face(box=Box(*record.box), score=record.score, landmarks=record.landmarks,
                pose=None if record.pose is None else Pose(*record.pose), spread=record.spread,
                embedding=record.embedding, gender=None if record.gender is None else Gender(record.gender),
                gender_probability=record.gender_probability, age=record.age)


def record_of(face: Face, engine: str, analyser: str, models: Mapping[str, str]) -> FaceRecord:
    """The face as it is saved: without its warnings, which are said again, and its track."""
    return FaceRecord(engine=engine, analyser=analyser, box=face.box, score=face.score, landmarks=face.landmarks,
                      pose=face.pose, spread=face.spread, embedding=face.embedding,
                      gender=None if face.gender is None else face.gender.value,
                      gender_probability=face.gender_probability, age=face.age, models=models)


def write_picture(path: Path, name: str, target: Path) -> int:
    """The first picture of a saved face as a PNG file: for what takes one plain picture.

    Args:
        path: The file of the saved face.
        name: How to call it.
        target: Where the picture goes.

    Returns:
        How many more pictures it has.

    Raises:
        InputError: As `read_pictures`.
        OSError: It cannot be written.
    """
    from PIL import Image

    pictures = read_pictures(path, name)
    Image.fromarray(pictures[0].pixels).save(target, format="PNG")
    return len(pictures) - 1
