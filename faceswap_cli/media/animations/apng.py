"""Reads and writes APNG, one frame at a time; Pillow packs and unpacks the pixels of each.

Reading composites here, because Pillow blends "over" without keeping partial transparency right. Writing lays out the
chunks here, because Pillow keeps all frames until the end.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from faceswap_cli.errors import InputError, OutputError
from faceswap_cli.media.animations.apng_chunks import (
    BACKGROUND,
    NONE,
    OVER,
    PREVIOUS,
    SIGNATURE,
    SOURCE,
    PngChunks,
    PngFrame,
    chunk,
    parse_apng,
)
from faceswap_cli.media.delta import Delta
from faceswap_cli.media.frame import ClipInfo, Frame
from faceswap_cli.media.handles import FileReader, FileWriter
from faceswap_cli.media.limits import check_pixels
from faceswap_cli.media.marks.provenance import png_xmp_chunk
from faceswap_cli.options import MediaFormat, MediaOptions

_MAX_PLAYS = (1 << 31) - 1
_MAX_NUMBER = 65535
"""Durations are fractions of two 16-bit numbers."""

_COMPRESSION = 6
_OPAQUE_MODES = frozenset({"RGB", "L", "1", "I;16", "I", "F", "CMYK", "YCbCr"})
"""Pixel layouts of a source that cannot have transparent pixels."""

_MODES = {0: "L", 2: "RGB", 3: "P", 4: "LA", 6: "RGBA"}

_Pixels = npt.NDArray[np.uint8]


class ApngReader(FileReader):
    """An open APNG. A default image that is no part of the animation is left out."""

    def _look(self, options: MediaOptions) -> ClipInfo:
        self._chunks = chunks = parse_apng(self._file, self._name)
        check_pixels(chunks.width, chunks.height, len(chunks.frames), options, self._name)
        return _info(chunks, self._name)

    def frames(self) -> Iterator[Frame]:
        """All frames in order; may be called once."""
        import cv2

        chunks = self._chunks
        canvas = np.zeros((chunks.height, chunks.width, 4), np.uint8)
        for number, frame in enumerate(chunks.frames):
            window = (slice(frame.top, frame.top + frame.height), slice(frame.left, frame.left + frame.width))
            # There is nothing to go back to before the first frame.
            before = canvas[window].copy() if frame.disposal == PREVIOUS and number else None
            drawn = self._decode(number, frame)
            canvas[window] = drawn if frame.blend == SOURCE else _over(canvas[window], drawn)
            alpha = canvas[..., 3]
            pixels = np.asarray(cv2.cvtColor(canvas, cv2.COLOR_RGBA2RGB), np.uint8)
            yield Frame(pixels=pixels, alpha=None if alpha.min() == 255 else alpha.copy(), duration=frame.duration)
            if frame.disposal == BACKGROUND or (frame.disposal == PREVIOUS and not number):
                canvas[window] = 0
            elif before is not None:
                canvas[window] = before

    def _decode(self, number: int, frame: PngFrame) -> _Pixels:
        """The pixels of one frame as a PNG of its own: uint8 (h, w, 4)."""
        from PIL import Image
        from PIL.PngImagePlugin import PngImageFile

        from faceswap_cli.media.pillow import decoding

        with decoding(f"frame {number + 1} of {self._name}", "PNG"):
            parts = []
            for at, size in frame.data:
                self._file.seek(at)
                parts.append(self._file.read(size))
            size_ = frame.width.to_bytes(4, "big") + frame.height.to_bytes(4, "big")
            still = (SIGNATURE + chunk(b"IHDR", size_ + self._chunks.header[8:]) + self._chunks.shared
                     + chunk(b"IDAT", b"".join(parts)) + chunk(b"IEND", b""))
            with Image.open(io.BytesIO(still), formats=["PNG"]) as picture:
                assert isinstance(picture, PngImageFile)
                picture.load()
                return _rgba(picture)


class ApngWriter(FileWriter):
    """An APNG being written; keeps loop, profile and resolution."""

    def _begin(self, like: ClipInfo) -> None:
        self._alpha = like.mode not in _OPAQUE_MODES
        self._delta = Delta(like.height, like.width)
        self._owed = Fraction(0)
        self._sequence = 0
        self._control_at = 0

    def _add(self, frame: Frame) -> None:
        if not self._frames:
            self._alpha |= frame.alpha is not None
        if frame.alpha is not None and not self._alpha:
            raise OutputError(f"cannot write {self._out.name}: frame {self._frames + 1} has alpha, the clip has none")
        (rows, columns), mask = self._delta.changed(frame)
        blend = SOURCE
        pixels = frame.pixels[rows, columns]
        if self._alpha:
            alpha = np.full(pixels.shape[:2], 255, np.uint8) if frame.alpha is None else frame.alpha[rows, columns]
            pixels = np.dstack([pixels, alpha])
            if mask is not None:
                pixels[~mask] = 0
                blend = OVER
        number, rate = self._fraction(frame.duration)
        control = b"".join(value.to_bytes(4, "big") for value in (
            pixels.shape[1], pixels.shape[0], columns.start, rows.start))
        control += number.to_bytes(2, "big") + rate.to_bytes(2, "big") + bytes([NONE, blend])
        data = _compress(pixels)
        with self._out.writing():
            if not self._frames:
                self._write_head()
            self._out.file.write(chunk(b"fcTL", self._next() + control))
            if not self._frames:
                self._out.file.write(chunk(b"IDAT", data))
            else:
                self._out.file.write(chunk(b"fdAT", self._next() + data))

    def _finish(self) -> None:
        self._out.file.write(chunk(b"IEND", b""))
        self._out.file.seek(self._control_at)
        self._out.file.write(self._animation_control())
        self._out.file.seek(0, 2)

    def _write_head(self) -> None:
        import zlib

        like, file = self._like, self._out.file
        size = like.width.to_bytes(4, "big") + like.height.to_bytes(4, "big")
        file.write(SIGNATURE + chunk(b"IHDR", size + bytes([8, 6 if self._alpha else 2, 0, 0, 0])))
        if like.icc is not None:
            file.write(chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(like.icc, 9)))
        if like.dpi is not None:
            metre = b"".join(round(value / 0.0254).to_bytes(4, "big") for value in like.dpi)
            file.write(chunk(b"pHYs", metre + b"\1"))
        if self._mark is not None:
            file.write(png_xmp_chunk(self._mark))
        self._control_at = file.tell()
        file.write(self._animation_control())

    def _animation_control(self) -> bytes:
        """The chunk with the number of frames, not known before the end, and of plays: not said means once."""
        plays = 1 if self._like.loop is None else min(self._like.loop, _MAX_PLAYS)
        return chunk(b"acTL", self._frames.to_bytes(4, "big") + plays.to_bytes(4, "big"))

    def _next(self) -> bytes:
        self._sequence += 1
        return (self._sequence - 1).to_bytes(4, "big")

    def _fraction(self, duration: Fraction) -> tuple[int, int]:
        """The duration as two 16-bit numbers; what is lost is given to the next frame."""
        wanted = max(duration + self._owed, Fraction(0))
        limit = _MAX_NUMBER if wanted <= 1 else max(1, int(_MAX_NUMBER / wanted))
        made = min(wanted.limit_denominator(limit), Fraction(_MAX_NUMBER))
        self._owed = wanted - made
        return made.numerator, made.denominator


def _info(chunks: PngChunks, name: str) -> ClipInfo:
    depth, colour = chunks.header[8], chunks.header[9]
    if colour not in _MODES:
        raise InputError(f"{name} is damaged: colour type {colour} is unknown", advice="get the file again")
    warnings = list(chunks.warnings)
    if depth == 16:
        warnings.append("16 bits a channel were reduced to 8")
    mode = _MODES[colour]
    if chunks.transparent and mode in ("L", "RGB"):
        mode += "A"  # one colour is transparent: as good as an alpha channel
    return ClipInfo(format=MediaFormat.APNG, width=chunks.width, height=chunks.height, frame_count=len(chunks.frames),
                    loop=chunks.plays, mode=mode, icc=chunks.icc, dpi=chunks.dpi, lossless=True,
                    warnings=tuple(warnings))


def _rgba(picture: Any) -> _Pixels:
    """uint8 (h, w, 4) of a decoded PNG; 16-bit samples keep their upper byte."""
    from PIL import Image

    if picture.mode.startswith("I"):
        grey = np.asarray(picture).astype(np.int64)
        levels = (grey >> 8).astype(np.uint8)
        transparent = picture.info.get("transparency")
        alpha = np.where(grey == transparent, 0, 255) if isinstance(transparent, int) else np.full(grey.shape, 255)
        return np.dstack([levels, levels, levels, alpha.astype(np.uint8)])
    converted: Image.Image = picture.convert("RGBA")
    return np.asarray(converted, np.uint8)


def _over(below: _Pixels, above: _Pixels) -> _Pixels:
    """`above` put over `below`, both with straight alpha: uint8 (h, w, 4)."""
    from PIL import Image

    mixed = Image.alpha_composite(Image.fromarray(np.ascontiguousarray(below)), Image.fromarray(above))
    return np.asarray(mixed, np.uint8)


def _compress(pixels: _Pixels) -> bytes:
    """The content of the IDAT chunks of a PNG of these pixels: uint8 (h, w, 3 or 4)."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG", compress_level=_COMPRESSION)
    png = buffer.getvalue()
    at, parts = len(SIGNATURE), []
    while at < len(png):
        size = int.from_bytes(png[at:at + 4], "big")
        if png[at + 4:at + 8] == b"IDAT":
            parts.append(png[at + 8:at + 8 + size])
        at += size + 12
    return b"".join(parts)


