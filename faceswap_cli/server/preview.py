"""What the page shows of a picture: its faces, numbered in every order, with small pictures of them."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from faceswap_cli.errors import InputError
from faceswap_cli.faces.face import Face
from faceswap_cli.faces.select import order_faces
from faceswap_cli.image import Image
from faceswap_cli.jobs.annotate import crop_face
from faceswap_cli.jobs.backend import ClipT, FaceFinder
from faceswap_cli.media.formats import FORMATS
from faceswap_cli.media.frame import Frame
from faceswap_cli.media.open import open_media
from faceswap_cli.options import MediaOptions, Order

THUMBNAIL_SIDE = 128
PREVIEW_SIDE = 1280

_QUALITY = 85


@dataclass(frozen=True, slots=True)
class SeenFace:
    """One face.

    Attributes:
        box: x1, y1, x2, y2 in pixels.
        gender: `female`, `male` or `unknown`.
        thumbnail: `data:` URI of a small picture of it.
    """

    box: tuple[float, float, float, float]
    gender: str
    thumbnail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What there is to see.

    Attributes:
        width, height: In pixels.
        animated: More than one frame.
        frame: The frame that was looked at, from 0: of an animation the first one with a face.
        faces: From large to small.
        orders: For every order the places of its faces in `faces`: the number that the API takes for a face is its
            place in this list.
        preview: `data:` URI of that frame, of an animation and of what browsers do not show; else None.
    """

    width: int
    height: int
    animated: bool
    frame: int
    faces: tuple[SeenFace, ...]
    orders: dict[str, list[int]]
    preview: str | None


def look(path: Path, name: str, max_pixels: int, finder: FaceFinder[ClipT], seconds: float, *, source: bool) -> Sight:
    """Find the faces of a picture, or of the first frame of an animation that shows one.

    Args:
        path: The picture.
        name: How to call it in messages.
        max_pixels: Bound on its size.
        finder: Numbers faces from large to small.
        seconds: After which no further frame is looked at.
        source: Faces are taken from it: then its first frame alone counts, as in a swap.

    Raises:
        InputError: It cannot be read, or is too large.
        ModelError: The finder failed.
    """
    end = time.monotonic() + seconds
    with open_media(path, MediaOptions(max_pixels=max_pixels), name=name) as reader:
        info = reader.info
        clip = finder.open_clip(info.frame_count) if info.animated and not source else None
        shown: Frame | None = None
        faces: list[Face] = []
        place = 0
        for number, frame in enumerate(reader.frames()):
            faces = finder.find(frame.pixels, clip, describe=True)
            if faces or shown is None:
                shown, place = frame, number
            if faces or source or time.monotonic() > end:
                break
    if shown is None:
        raise InputError(f"{name} has no frame that can be read")
    needed = info.animated or not FORMATS[info.format].browsers
    return Sight(
        width=info.width, height=info.height, animated=info.animated, frame=place,
        faces=tuple(_see(shown.pixels, face) for face in faces),
        orders={order.value: _places(faces, order) for order in Order},
        preview=_uri(_shrink(_opaque_or_not(shown), PREVIEW_SIDE)) if needed else None)


def _places(faces: list[Face], order: Order) -> list[int]:
    place = {id(face): number for number, face in enumerate(faces)}
    return [place[id(face)] for face in order_faces(faces, order)]


def _see(image: Image, face: Face) -> SeenFace:
    x1, y1, x2, y2 = (round(float(value), 1) for value in face.box)
    gender = "unknown" if face.gender is None else face.gender.value
    return SeenFace((x1, y1, x2, y2), gender, _uri(_shrink(crop_face(image, face, THUMBNAIL_SIDE), THUMBNAIL_SIDE)))


def _opaque_or_not(frame: Frame) -> Image:
    """The pixels, with their alpha where there is one."""
    return frame.pixels if frame.alpha is None else np.dstack((frame.pixels, frame.alpha))


def _shrink(pixels: Image, side: int) -> Image:
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _uri(pixels: Image) -> str:
    """A `data:` URI of WebP."""
    flip = cv2.COLOR_RGBA2BGRA if pixels.shape[2] == 4 else cv2.COLOR_RGB2BGR
    done, data = cv2.imencode(".webp", cv2.cvtColor(pixels, flip), [cv2.IMWRITE_WEBP_QUALITY, _QUALITY])
    assert done
    return f"data:image/webp;base64,{base64.b64encode(data.tobytes()).decode('ascii')}"
