"""Small pictures of files, as text for a page."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from faceswap_cli.errors import InputError
from faceswap_cli.media.formats import FORMATS, HEAD_BYTES, sniff
from faceswap_cli.options import MediaFormat, MediaOptions

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    from faceswap_cli.media.frame import Frame

SIDE = 160
"""Longest side in pixels."""

MAX_PIXELS = 50_000_000
"""Larger pictures are not opened for a thumbnail."""

MAX_JPEG_PIXELS = 200_000_000
"""Likewise for JPEG, which is decoded at a fraction of its size."""

_MAX_CLIP_PIXELS = 60_000_000
"""Pixels of a clip that are decoded to get at a middle frame; of a longer clip it is an earlier one."""

_QUALITY = 78
_BACKGROUND = (190, 190, 190)
"""Behind what is transparent: neither of a light page nor of a dark one."""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """One picture.

    Attributes:
        uri: A JPEG as a data URI.
        width, height: In pixels.
    """

    uri: str
    width: int
    height: int


def make_thumbnails(path: Path) -> tuple[Thumbnail, ...]:
    """The picture; of an animation the first frame and one of the middle; () for what cannot be read.

    Colours are shown as if they were sRGB.
    """
    try:
        return tuple(map(_thumbnail, _pictures(path)))
    except (InputError, OSError, ValueError):  # ValueError: a NUL in the name
        return ()


def _pictures(path: Path) -> Iterator[Picture]:
    if path.is_file():
        with path.open("rb") as file:
            kind = sniff(file.read(HEAD_BYTES))
        if kind is MediaFormat.JPEG:
            yield _jpeg(path)
            return
    from faceswap_cli.media.open import open_media

    with open_media(path, MediaOptions(max_pixels=MAX_PIXELS)) as reader:
        info = reader.info
        middle = min(info.frame_count // 2, _MAX_CLIP_PIXELS // (info.width * info.height))
        for number, frame in enumerate(reader.frames()):
            if number in (0, middle):
                yield _picture(frame)
            if number >= middle:
                return


def _jpeg(path: Path) -> Picture:
    """A JPEG decoded at a fraction of its size, which takes a tenth of the time."""
    from PIL import Image, ImageOps

    from faceswap_cli.media.limits import check_pixels
    from faceswap_cli.media.pillow import decoding

    with decoding(str(path), FORMATS[MediaFormat.JPEG].label), Image.open(path, formats=("JPEG", "MPO")) as image:
        check_pixels(*image.size, 1, MediaOptions(max_pixels=MAX_JPEG_PIXELS), str(path))
        image.draft("RGB", (2 * SIDE, 2 * SIDE))
        return ImageOps.exif_transpose(image.convert("RGB"))


def _picture(frame: Frame) -> Picture:
    from PIL import Image

    picture = Image.fromarray(frame.pixels)
    if frame.alpha is None:
        return picture
    ground = Image.new("RGB", picture.size, _BACKGROUND)
    ground.paste(picture, mask=Image.fromarray(frame.alpha))
    return ground


def _thumbnail(picture: Picture) -> Thumbnail:
    picture.thumbnail((SIDE, SIDE), reducing_gap=2.0)
    file = BytesIO()
    picture.save(file, "JPEG", quality=_QUALITY, optimize=True)
    return Thumbnail(f"data:image/jpeg;base64,{b64encode(file.getvalue()).decode('ascii')}", *picture.size)
