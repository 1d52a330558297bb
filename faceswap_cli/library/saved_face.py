"""A face that was saved: pictures of one person, cut around the face, and what each engine said of it.

One safetensors file. Tensors, for each picture N from 0, and each engine's record M of its face:

    picture.N.pixels             uint8 (H, W, 3) RGB, upright
    picture.N.face.M.landmarks   float64 (68, 2) or (5, 2), in pixels of the picture
    picture.N.face.M.embedding   float32 (128,) or (512,)

Its metadata is one JSON text under the key `faceswap.face` (one key, since the package writes several in any order):

    {"format": "faceswap.face", "version": 1, "name": str, "created": "YYYY-MM-DD", "program": str, "note": str | null,
     "pictures": [{"faces": [{"engine": str, "analyser": str, "models": {id: SHA-256}, "box": [x1, y1, x2, y2],
                              "score": float, "pose": [yaw, pitch, roll] | null, "spread": float,
                              "gender": "female" | "male" | "unknown" | null, "gender_probability": float | null,
                              "age": int | null}]}],
     "sha256": str}

`sha256` is that of the rest of the metadata and of all tensors, so that damage is found. What the pictures were called
and where they lay is not in it: people share these files.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from faceswap_cli.image import FloatArray, Image, Points

KEY = "faceswap.face"
"""The key of the metadata, and the name of the format in it."""

VERSION = 1
"""Of the format; raised when older programs could not read it."""

MAX_PICTURES, MAX_SIDE = 40, 4096
"""Bounds on what is read."""

_ENGINES, _POINTS, _NUMBERS = 8, 1000, 4096
_GENDERS = (None, "female", "male", "unknown")

Tensors = dict[str, npt.NDArray[Any]]


class FormatError(ValueError):
    """The content of a file is not that of a saved face; tells why in a few words."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class FaceRecord:
    """What one engine said of the face in one picture.

    Attributes:
        engine: Name of the engine.
        analyser: Name of its analyser.
        box: Left, top, right and bottom, in pixels of the picture.
        score: Of the detection.
        landmarks: float64 (N, 2), in pixels of the picture.
        pose: Yaw, pitch and roll in degrees.
        spread: Disagreement of repeated landmark fits, in inter-ocular distances.
        embedding: float32 (N,).
        gender: `female`, `male`, `unknown`, or None where it was not asked for.
        gender_probability: 0..1.
        age: Years.
        models: SHA-256 of the models that said it, by id.
    """

    engine: str
    analyser: str
    box: tuple[float, float, float, float]
    score: float
    landmarks: Points
    pose: tuple[float, float, float] | None = None
    spread: float = 0.0
    embedding: FloatArray | None = None
    gender: str | None = None
    gender_probability: float | None = None
    age: int | None = None
    models: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class SavedPicture:
    """One picture of the person.

    Attributes:
        pixels: uint8 (H, W, 3) RGB, the part around the face.
        records: What engines said of the face, that of the engine that chose it first; at least one.
    """

    pixels: Image
    records: tuple[FaceRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedFace:
    """A face of one person.

    Attributes:
        name: As it was saved; the file may be called otherwise now.
        created: Day on which it was saved, `YYYY-MM-DD`.
        program: What saved it, with its version.
        note: Where it is from, and who agreed.
        pictures: At least one.
    """

    name: str
    created: str
    program: str
    note: str | None
    pictures: tuple[SavedPicture, ...]

    @property
    def engines(self) -> tuple[str, ...]:
        """The engines that know the face in every picture; others look for it."""
        known = [{record.engine for record in picture.records} for picture in self.pictures]
        return tuple(sorted(set.intersection(*known)))


def pack(face: SavedFace) -> tuple[Tensors, str]:
    """The tensors and the metadata of a face; always the same for the same face."""
    tensors: Tensors = {}
    pictures = []
    for number, picture in enumerate(face.pictures):
        tensors[_pixels(number)] = np.ascontiguousarray(picture.pixels)
        for index, record in enumerate(picture.records):
            tensors[_landmarks(number, index)] = np.ascontiguousarray(record.landmarks, np.float64)
            if record.embedding is not None:
                tensors[_embedding(number, index)] = np.ascontiguousarray(record.embedding, np.float32)
        pictures.append({"faces": [_as_json(record) for record in picture.records]})
    content = {"format": KEY, "version": VERSION, "name": face.name, "created": face.created, "program": face.program,
               "note": face.note, "pictures": pictures}
    return tensors, json.dumps({**content, "sha256": digest(content, tensors)}, sort_keys=True)


def parse(text: str) -> dict[str, Any]:
    """The metadata as an object, of a version that can be read; what is in it is not looked at yet.

    Raises:
        FormatError: It is none.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FormatError("its metadata is no JSON") from error
    if not isinstance(content, dict) or content.get("format") != KEY or not isinstance(content.get("version"), int):
        raise FormatError("its metadata is of another kind")
    if content["version"] > VERSION:
        raise FormatError(f"it is of version {content['version']} of the format, and this program knows version "
                          f"{VERSION}: update faceswap")
    return content


def unpack(content: Mapping[str, Any], tensors: Mapping[str, npt.NDArray[Any]]) -> SavedFace:
    """The face of metadata and tensors, checked.

    Args:
        content: What `parse` returned.
        tensors: As in the file.

    Raises:
        FormatError: Something is missing, of another shape, or not as it was written.
    """
    rest = {key: value for key, value in content.items() if key != "sha256"}
    if digest(rest, tensors) != content.get("sha256"):
        raise FormatError("its content is not what was written")
    listed = content.get("pictures")
    if not isinstance(listed, list) or not 1 <= len(listed) <= MAX_PICTURES:
        raise FormatError("it has no pictures, or too many")
    try:
        pictures = tuple(_picture(number, entry, tensors) for number, entry in enumerate(listed))
        return SavedFace(name=str(content["name"]), created=str(content["created"]), program=str(content["program"]),
                         note=None if content["note"] is None else str(content["note"]), pictures=pictures)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(f"something in it is missing or of another kind ({error})") from error


def digest(content: Mapping[str, Any], tensors: Mapping[str, npt.NDArray[Any]]) -> str:
    """SHA-256 of metadata and tensors, in hexadecimal digits."""
    known = hashlib.sha256(json.dumps(content, sort_keys=True).encode("ascii"))
    for name in sorted(tensors):
        tensor = np.ascontiguousarray(tensors[name])
        known.update(f"{name} {tensor.dtype.str} {tensor.shape}\n".encode())
        known.update(tensor.data)
    return known.hexdigest()


def _pixels(picture: int) -> str:
    return f"picture.{picture}.pixels"


def _landmarks(picture: int, face: int) -> str:
    return f"picture.{picture}.face.{face}.landmarks"


def _embedding(picture: int, face: int) -> str:
    return f"picture.{picture}.face.{face}.embedding"


def _as_json(record: FaceRecord) -> dict[str, Any]:
    return {
        "engine": record.engine, "analyser": record.analyser, "models": dict(record.models),
        "box": [float(side) for side in record.box], "score": float(record.score),
        "pose": None if record.pose is None else [float(angle) for angle in record.pose],
        "spread": float(record.spread), "gender": record.gender,
        "gender_probability": None if record.gender_probability is None else float(record.gender_probability),
        "age": record.age,
    }


def _picture(number: int, entry: Mapping[str, Any], tensors: Mapping[str, npt.NDArray[Any]]) -> SavedPicture:
    pixels = tensors[_pixels(number)]
    if (pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3
            or not all(1 <= side <= MAX_SIDE for side in pixels.shape[:2])):
        raise FormatError(f"picture {number} is of another kind")
    listed = entry["faces"]
    if not isinstance(listed, list) or not 1 <= len(listed) <= _ENGINES:
        raise FormatError(f"picture {number} has no face, or too many")
    size = pixels.shape[1], pixels.shape[0]
    return SavedPicture(pixels, tuple(_record(number, index, face, size, tensors)
                                      for index, face in enumerate(listed)))


def _record(number: int, index: int, entry: Mapping[str, Any], size: tuple[int, int],
            tensors: Mapping[str, npt.NDArray[Any]]) -> FaceRecord:
    landmarks, embedding = tensors[_landmarks(number, index)], tensors.get(_embedding(number, index))
    x1, y1, x2, y2 = _numbers(entry["box"], 4)
    score, spread = _numbers([entry["score"], entry["spread"]], 2)
    pose, gender, probability, age = (entry[key] for key in ("pose", "gender", "gender_probability", "age"))
    if (not _fits(landmarks, (x1, y1, x2, y2), size) or (embedding is not None and not _is_embedding(embedding))
            or gender not in _GENDERS or not isinstance(entry["models"], dict)):
        raise FormatError(f"the face in picture {number} is of another kind")
    angles = None
    if pose is not None:
        yaw, pitch, roll = _numbers(pose, 3)
        angles = yaw, pitch, roll
    return FaceRecord(engine=str(entry["engine"]), analyser=str(entry["analyser"]), box=(x1, y1, x2, y2), score=score,
                      landmarks=landmarks, pose=angles, spread=spread, embedding=embedding, gender=gender,
                      gender_probability=None if probability is None else _numbers([probability], 1)[0],
                      age=None if age is None else int(age),
                      models={str(name): str(value) for name, value in entry["models"].items()})


def _numbers(values: Any, count: int) -> list[float]:
    numbers = [float(value) for value in values]
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise FormatError("a number in it is none")
    return numbers


def _fits(landmarks: npt.NDArray[Any], box: tuple[float, float, float, float], size: tuple[int, int]) -> bool:
    """Whether a face can be drawn from: its points are finite, apart, and about where the picture is."""
    if (landmarks.dtype != np.float64 or landmarks.ndim != 2 or landmarks.shape[1] != 2
            or not 5 <= len(landmarks) <= _POINTS or not np.isfinite(landmarks).all()):
        return False
    room = np.array(size, np.float64)
    inside = (landmarks > -room).all() and (landmarks < 2 * room).all()
    x1, y1, x2, y2 = box
    return bool(inside and (landmarks.std(axis=0) > 0.5).all() and x1 < x2 and y1 < y2
                and 0 <= (x1 + x2) / 2 <= size[0] and 0 <= (y1 + y2) / 2 <= size[1])


def _is_embedding(embedding: npt.NDArray[Any]) -> bool:
    return bool(embedding.dtype == np.float32 and embedding.ndim == 1 and 1 <= len(embedding) <= _NUMBERS
                and np.isfinite(embedding).all())
