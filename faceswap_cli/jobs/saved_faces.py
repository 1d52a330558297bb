"""Saving a face: pictures of one person become one file that serves as SOURCE without the pictures."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np

from faceswap_cli.engine.engine import Engine
from faceswap_cli.engine.finder import Finder
from faceswap_cli.engine.known import face_at, find_source
from faceswap_cli.engine.outcome import SourcePicture
from faceswap_cli.errors import NoFaceError, OutputError, UsageError
from faceswap_cli.faces.face import Box, Face
from faceswap_cli.faces.five_points import camera_of
from faceswap_cli.faces.quality import face_warnings
from faceswap_cli.faces.select import judge_sources
from faceswap_cli.faces.similarity import ONE_PERSON, Measure, similarity, trust
from faceswap_cli.files.atomic import AtomicFile
from faceswap_cli.image import Image
from faceswap_cli.jobs.inputs import Inputs
from faceswap_cli.jobs.saved_sources import record_of
from faceswap_cli.jobs.sources import read_sources
from faceswap_cli.library.files import encode
from faceswap_cli.library.library import Library
from faceswap_cli.library.saved_face import MAX_PICTURES, FaceRecord, SavedFace, SavedPicture
from faceswap_cli.models.spec import ModelRole
from faceswap_cli.options import EngineName, EngineOptions, GenderFilter, MediaOptions
from faceswap_cli.text import opt

MARGIN = 4.0
"""How far around the face pixels are kept, in inter-ocular distances: what the mesh swapper itself keeps of a source,
so that a saved face is drawn bit for bit as the picture it is from."""

MAX_SIDE = 2048
"""Side in pixels above which a picture is kept smaller; its eyes are then 256 pixels apart, as far as the mesh swapper
ever draws them."""

_NOTE_LENGTH = 1000
_LOOKING = (ModelRole.DETECTOR, ModelRole.RECOGNISER, ModelRole.ATTRIBUTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveRequest:
    """What `faceswap faces save NAME PICTURE...` asks for.

    Attributes:
        name: What to call the face.
        pictures: Of one person: as sources of a `SwapJob`.
        note: Where it is from, and who agreed.
        engine: Which engine looks, and which face it takes. `auto`: every engine that is installed notes the face.
        media: Limits of reading.
        overwrite: Replace a face of that name.
        allow_private_urls: As in `SwapJob`.
    """

    name: str
    pictures: tuple[str, ...]
    note: str | None = None
    engine: EngineOptions = field(default_factory=EngineOptions)
    media: MediaOptions = field(default_factory=MediaOptions)
    overwrite: bool = False
    allow_private_urls: bool = False


@dataclass(frozen=True, slots=True)
class Saved:
    """What came of a `SaveRequest`.

    Attributes:
        face: What was saved.
        path: Its file.
        warnings: Of reading, and of faces that make a poor source.
    """

    face: SavedFace
    path: Path
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Looker:
    """An engine as far as it looks at faces.

    Attributes:
        finder: Finds and describes.
        models: SHA-256 of the models with which it does, by id.
    """

    finder: Finder
    models: dict[str, str]

    def complete(self, image: Image, face: Face) -> Face:
        """The face with gender and embedding."""
        described = self.finder.analyser.describe(image, face)
        return described if described.embedding is not None else self.finder.analyser.embed(image, described)

    def record(self, face: Face) -> FaceRecord:
        """The face as it is saved."""
        return record_of(face, self.finder.name, self.finder.analyser.name, self.models)


def check_save(request: SaveRequest, library: Library) -> Path:
    """Find out before any work whether a face can be saved under its name, and where it goes.

    Raises:
        UsageError: It cannot have the name, or has it already and `overwrite` is not set; a note that is too long.
    """
    path = library.location(request.name)
    if path.exists() and not request.overwrite:
        raise UsageError(f"there is a saved face {request.name} already",
                         advice=f"choose another name, or add {opt('overwrite')}")
    if request.note is not None and len(request.note) > _NOTE_LENGTH:
        raise UsageError(f"{opt('note')} has {len(request.note)} characters", advice=f"at most {_NOTE_LENGTH} are kept")
    return path


def open_lookers(options: EngineOptions) -> list[Looker]:
    """The engines that look: the one that the options choose, and with `auto` whatever else needs no download.

    Raises:
        ModelError, UsageError: As `engine.build.build_engine`.
    """
    from faceswap_cli.engine.build import build_engine

    lookers = [_looker(build_engine(options), options)]
    if options.engine is EngineName.AUTO and lookers[0].finder.name != EngineName.EMBEDDED:
        embedded = EngineOptions(engine=EngineName.EMBEDDED, select=options.select)
        lookers.append(_looker(build_engine(embedded), embedded))
    return lookers


def _looker(engine: Engine, options: EngineOptions) -> Looker:
    if not engine.models:
        return Looker(engine.finder, {})
    from faceswap_cli.engine.neural import models_folder

    store = models_folder(options)
    return Looker(engine.finder, {name: digest for name, digest in engine.models.items()
                                  if store.find(name).role in _LOOKING})


def save_face(request: SaveRequest, lookers: Sequence[Looker], library: Library | None = None,
              on_picture: Callable[[int, int | None], None] | None = None) -> Saved:
    """Find the face in each picture, and save it.

    Args:
        request: What is saved.
        lookers: What `open_lookers` returned for `request.engine`; the first one chooses the face.
        library: Where; None: the user's.
        on_picture: Told the number of pictures looked at, and of all.

    Raises:
        InputError: A picture cannot be read.
        ModelError: An engine failed.
        NoFaceError: No picture shows a face that passes the selection.
        OutputError: The file cannot be written.
        UsageError: As `check_save`; an index that a picture has not; more pictures than a file holds.
    """
    from faceswap_cli.jobs.resume.versions import pixel_versions

    library = library or Library()
    path = check_save(request, library)
    with Inputs(allow_private=request.allow_private_urls) as inputs:
        pictures, warnings = read_sources(inputs.resolve_sources(request.pictures), request.media)
    if len(pictures) > MAX_PICTURES:
        raise UsageError(f"{len(pictures)} pictures are more than a saved face holds",
                         advice=f"choose the {MAX_PICTURES} best, a few are enough")
    chosen: list[tuple[str, Face]] = []
    saved = []
    for number, picture in enumerate(pictures, 1):
        face = _choose(picture, lookers[0], request.engine)
        if face is None:
            warnings.append(f"{picture.name}: {_no_face(request.engine)} found, picture not used")
        else:
            warnings += [f"{picture.name}: {text}" for text in face_warnings(face, "source")]
            chosen.append((picture.name, face))
            saved.append(_save_picture(picture, face, lookers))
        if on_picture is not None:
            on_picture(number, len(pictures))
    if not saved:
        raise NoFaceError(_nothing(pictures, request.engine))
    warnings += _strangers(chosen)
    face_saved = SavedFace(name=request.name, created=datetime.now(UTC).date().isoformat(),
                           program=f"faceswap-cli {pixel_versions().get('faceswap', '?')}", note=request.note or None,
                           pictures=tuple(saved))
    _write(path, encode(face_saved), overwrite=request.overwrite)
    return Saved(face_saved, path, tuple(dict.fromkeys(warnings)))


def _choose(picture: SourcePicture, looker: Looker, options: EngineOptions) -> Face | None:
    """The face that is meant, complete; None: there is none."""
    describe = options.select.source_gender is not GenderFilter.NO
    faces = find_source(looker.finder, picture, looker.models, describe=describe)
    try:
        choices = [choice for choice in judge_sources(faces, options.select) if choice.selected]
    except UsageError as error:
        raise error.about(picture.name) from error
    if len(choices) > 1:
        raise UsageError(f"{picture.name}: {len(choices)} faces are chosen, and a saved face is one person",
                         advice=f"give {opt('source-index')} one number")
    if not choices or choices[0].face is None:
        return None
    return looker.complete(picture.pixels, choices[0].face)


def _strangers(chosen: Sequence[tuple[str, Face]]) -> list[str]:
    """What is to be said where pictures seem to show different people; those that tell too little are passed over."""
    (first, one), *others = chosen
    measure = Measure.DLIB if one.embedding is not None and len(one.embedding) == 128 else Measure.ARCFACE
    found = []
    for name, other in others:
        if one.embedding is None or other.embedding is None or not (trust(one) and trust(other)):
            continue
        alike = similarity(measure, one.embedding, other.embedding)
        if alike < ONE_PERSON[measure]:
            found.append(f"{name} may show somebody else than {first} (similarity {alike:.2f}); a saved face is one "
                         f"person, choose with {opt('source-index')}")
    return found


def _save_picture(picture: SourcePicture, face: Face, lookers: Sequence[Looker]) -> SavedPicture:
    """The part around the face, with what all engines say of it."""
    seen = [(lookers[0], face)]
    for looker in lookers[1:]:
        other = face_at(find_source(looker.finder, picture, looker.models, describe=False), [face.box])
        if other is not None:
            seen.append((looker, looker.complete(picture.pixels, other)))
    pixels, faces = cut_picture(picture.pixels, [one for _, one in seen])
    records = (looker.record(one) for (looker, _), one in zip(seen, faces, strict=True))
    return SavedPicture(pixels, tuple(records))


def cut_picture(image: Image, faces: Sequence[Face]) -> tuple[Image, list[Face]]:
    """The part of a picture around several records of one face, in whole pixels, made smaller only above `MAX_SIDE`.

    Args:
        image: uint8 (H, W, 3) RGB.
        faces: With 68 or five landmarks each.

    Returns:
        The part, a copy, and the records in its pixels.
    """
    cameras = [camera_of(face.landmarks) for face in faces]
    reach = [MARGIN * camera.scale for camera in cameras]
    low = np.min([camera.offset - far for camera, far in zip(cameras, reach, strict=True)], axis=0)
    high = np.max([camera.offset + far for camera, far in zip(cameras, reach, strict=True)], axis=0)
    x0, y0 = np.maximum(np.floor(low), 0).astype(int).tolist()
    x1, y1 = np.minimum(np.ceil(high), [image.shape[1], image.shape[0]]).astype(int).tolist()
    part = image[y0:y1, x0:x1].copy()
    shrink = min(1.0, MAX_SIDE / max(part.shape[:2]))
    if shrink < 1:
        part = np.asarray(cv2.resize(part, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA), np.uint8)
    zoom = np.array([part.shape[1] / (x1 - x0), part.shape[0] / (y1 - y0)])
    return part, [_moved(face, np.array([x0, y0], np.float64), zoom) for face in faces]


def _moved(face: Face, corner: np.ndarray[tuple[int], np.dtype[np.float64]],
           zoom: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Face:
    """The record in a part of the picture; whole pixels move without a rounding error."""
    shift = (zoom - 1) / 2 - corner * zoom  # the centre of the first pixel is (0, 0)
    x1, y1, x2, y2 = (np.array(face.box).reshape(2, 2) * zoom + shift).ravel().tolist()
    return replace(face, box=Box(x1, y1, x2, y2), landmarks=face.landmarks * zoom + shift)


def _no_face(options: EngineOptions) -> str:
    wanted = options.select.source_gender
    return "no face" if wanted is GenderFilter.NO else f"no {wanted.value} face"


def _nothing(pictures: Sequence[SourcePicture], options: EngineOptions) -> str:
    where = pictures[0].name if len(pictures) == 1 else f"any of the {len(pictures)} pictures"
    return (f"{where}: {_no_face(options)} found, nothing was saved; take a picture that shows the face from the "
            "front, larger than 40 pixels")


def _write(path: Path, data: bytes, *, overwrite: bool) -> None:
    """Write the file for nobody else to read: it is somebody's face."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {path.parent}: {error.strerror or error}") from error
    with AtomicFile(path, overwrite=overwrite) as file:
        with file.writing():
            change: Callable[[int, int], None] | None = getattr(os, "fchmod", None)
            if change is not None:  # Windows has no such permissions
                change(file.file.fileno(), 0o600)
            file.file.write(data)
        file.commit()


def remove_face(path: Path) -> int:
    """Delete a saved face, and return the bytes that it had.

    Raises:
        OutputError: It cannot be deleted.
    """
    try:
        size = path.stat().st_size
        path.unlink()
    except OSError as error:
        raise OutputError(f"cannot remove {path}: {error.strerror or error}") from error
    return size
