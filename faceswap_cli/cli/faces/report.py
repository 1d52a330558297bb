"""The JSON of `faceswap faces`; the shapes are a contract, as in `report`.

`faceswap faces save --json` and `faces show --json`:

    {"schema": 1,
     "face": {"name": str, "file": str, "bytes": int, "created": "YYYY-MM-DD", "program": str, "note": str | null,
              "engines": [str],
              "pictures": [{"width": int, "height": int,
                            "faces": [{"engine": str, "analyser": str, "models": {id: SHA-256},
                                       "box": [x1, y1, x2, y2], "score": float, "eye_distance": float,
                                       "pose": {"yaw": float, "pitch": float, "roll": float} | null,
                                       "gender": "female" | "male" | "unknown" | null,
                                       "gender_probability": float | null, "age": int | null,
                                       "landmarks": int, "embedding": int | null}]}]},
     "warnings": [str]}

`engines` know the face in all pictures; another engine looks for it when it is used. `landmarks` and `embedding` are
how many points and numbers there are. Boxes and the distance of the eyes are in pixels of the picture. `show` has no
`warnings`, and with `--picture` it has "picture": str.

`faceswap faces list --json`:

    {"schema": 1, "folder": str,
     "faces": [{"name": str, "file": str, "bytes": int, "created": str | null, "program": str | null,
                "note": str | null, "pictures": int | null, "face": {"width": int, "height": int} | null,
                "engines": [str], "error": str | null}]}

`face` is the largest one. A file that cannot be read has an `error`, and null for what is not known.

`faceswap faces remove --json`: `{"schema": 1, "faces": [{"name": str, "file": str, "bytes": int}], "bytes": int}`.

`faceswap faces path --json`: `{"schema": 1, "name": str | null, "path": str}`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceswap_cli.cli.output import SCHEMA
from faceswap_cli.errors import InputError
from faceswap_cli.faces.quality import eye_distance
from faceswap_cli.jobs.saved_sources import face_of
from faceswap_cli.library.files import FaceSummary, read_summary
from faceswap_cli.library.library import Library
from faceswap_cli.library.saved_face import FaceRecord, SavedFace
from faceswap_cli.text import as_flag


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedFace:
    """One saved face as `faces list` tells of it.

    Attributes:
        summary: What its header says; None: it cannot be read, and `error` says why.
    """

    name: str
    path: Path
    bytes: int
    summary: FaceSummary | None
    error: str | None = None


def list_faces(library: Library) -> list[ListedFace]:
    """All saved faces by name; their pictures are not read."""
    return [_listed(name, library.location(name)) for name in library.names()]


def _listed(name: str, path: Path) -> ListedFace:
    size = path.stat().st_size
    try:
        return ListedFace(name=name, path=path, bytes=size, summary=read_summary(path, name))
    except InputError as error:
        return ListedFace(name=name, path=path, bytes=size, summary=None, error=error.text(as_flag))


def list_report(library: Library, listed: Sequence[ListedFace]) -> dict[str, Any]:
    """What `faces list --json` prints."""
    return {"schema": SCHEMA, "folder": str(library.folder), "faces": [_entry(one) for one in listed]}


def _entry(one: ListedFace) -> dict[str, Any]:
    known = one.summary
    entry: dict[str, Any] = {"name": one.name, "file": str(one.path), "bytes": one.bytes, "created": None,
                             "program": None, "note": None, "pictures": None, "face": None, "engines": [],
                             "error": one.error}
    if known is not None:
        entry |= {"created": known.created, "program": known.program, "note": known.note, "pictures": known.pictures,
                  "face": {"width": known.face[0], "height": known.face[1]}, "engines": list(known.engines)}
    return entry


def face_report(face: SavedFace, name: str, path: Path) -> dict[str, Any]:
    """What `faces show --json` prints, and `faces save --json` beside its warnings."""
    pictures = [{"width": picture.pixels.shape[1], "height": picture.pixels.shape[0],
                 "faces": [_record(record) for record in picture.records]} for picture in face.pictures]
    return {"schema": SCHEMA, "face": {
        "name": name, "file": str(path), "bytes": path.stat().st_size, "created": face.created,
        "program": face.program, "note": face.note, "engines": list(face.engines), "pictures": pictures}}


def _record(record: FaceRecord) -> dict[str, Any]:
    pose = record.pose
    return {
        "engine": record.engine, "analyser": record.analyser, "models": dict(record.models),
        "box": [round(side, 2) for side in record.box], "score": round(record.score, 4),
        "eye_distance": round(eye_distance(face_of(record)), 1),
        "pose": None if pose is None else {axis: round(angle, 1) for axis, angle
                                           in zip(("yaw", "pitch", "roll"), pose, strict=True)},
        "gender": record.gender,
        "gender_probability": None if record.gender_probability is None else round(record.gender_probability, 4),
        "age": record.age, "landmarks": len(record.landmarks),
        "embedding": None if record.embedding is None else len(record.embedding),
    }
