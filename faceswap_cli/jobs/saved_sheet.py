"""A saved face to look at: its pictures side by side, the face marked in each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from faceswap_cli.image import Image
from faceswap_cli.jobs.annotate import annotate
from faceswap_cli.jobs.saved_sources import face_of
from faceswap_cli.library.saved_face import SavedFace, SavedPicture
from faceswap_cli.media.frame import ClipInfo, Frame
from faceswap_cli.options import MediaFormat, MediaOptions

_CELL, _GAP, _COLUMNS = 320, 8, 4
_GROUND = 32


def draw_sheet(face: SavedFace) -> Image:
    """The pictures in rows of four, numbered from 1, each fitted into 320 pixels: uint8 (H, W, 3)."""
    cells = [_cell(number, picture) for number, picture in enumerate(face.pictures, 1)]
    columns = min(len(cells), _COLUMNS)
    rows = -(-len(cells) // columns)
    step = _CELL + _GAP
    sheet = np.full((rows * step + _GAP, columns * step + _GAP, 3), _GROUND, np.uint8)
    for place, cell in enumerate(cells):
        height, width = cell.shape[:2]
        y = _GAP + place // columns * step + (_CELL - height) // 2
        x = _GAP + place % columns * step + (_CELL - width) // 2
        sheet[y:y + height, x:x + width] = cell
    return sheet


def write_sheet(face: SavedFace, path: Path, *, overwrite: bool = False) -> None:
    """Write the sheet; its suffix gives the format. It is not marked as altered: nothing in it is.

    Raises:
        UsageError: The file exists and `overwrite` is not set, or the suffix is of no still.
        OutputError: It cannot be written.
    """
    from faceswap_cli.media.open import create_media

    sheet = draw_sheet(face)
    like = ClipInfo(format=MediaFormat.PNG, width=sheet.shape[1], height=sheet.shape[0])
    with create_media(path, like, MediaOptions(provenance=False), overwrite=overwrite) as writer:
        writer.write(Frame(pixels=sheet))
        writer.commit()


def _cell(number: int, picture: SavedPicture) -> Image:
    zoom = _CELL / max(picture.pixels.shape[:2])
    size = tuple(max(1, round(side * zoom)) for side in picture.pixels.shape[1::-1])
    small = np.asarray(cv2.resize(picture.pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    face = face_of(picture.records[0])
    points = (face.landmarks + 0.5) * zoom - 0.5
    box = type(face.box)(*(side * zoom for side in face.box))
    return annotate(Frame(pixels=small), [(number, replace(face, landmarks=points, box=box))]).pixels
