"""Reads and writes animated WebP.

libwebp, through Pillow, decodes and encodes; the container is written here, because Pillow keeps all frames until the
end.

Source of the container: RFC 9649.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import BinaryIO

import numpy as np

from faceswap_cli.errors import InputError, LimitError, OutputError
from faceswap_cli.media.delta import Delta
from faceswap_cli.media.frame import ClipInfo, Frame
from faceswap_cli.media.handles import FileReader, FileWriter, FrameClock
from faceswap_cli.media.headers import first_is_lossless
from faceswap_cli.media.limits import MAX_FRAMES, check_pixels
from faceswap_cli.options import MediaFormat, MediaOptions

_ICC, _ALPHA, _XMP, _ANIMATION = 0x20, 0x10, 0x04, 0x02
"""Flags of the VP8X chunk."""

_NO_BLEND = 0x02
"""Flag of a frame: its pixels replace those of the canvas, transparent ones too."""

_MAX_DURATION = (1 << 24) - 1
_MAX_LOOP = 65535
_MAX_PROFILE = 1 << 24
_BEST = 100

_EFFORT = 2
"""Of libwebp's lossless coder, 0..6: on portraits 2.8 times as fast as its default (4), and 3 % larger."""


@dataclass(slots=True, kw_only=True)
class _Parts:
    width: int = 0
    height: int = 0
    alpha: bool = False
    loop: int | None = None
    durations: list[int] = field(default_factory=list)
    lossless: bool = True
    icc: bytes | None = None


class WebpReader(FileReader):
    """An open animated WebP. Blending and disposal are resolved by libwebp."""

    def _look(self, options: MediaOptions) -> ClipInfo:
        self._parts = parts = _parse(self._file, self._name)
        check_pixels(parts.width, parts.height, len(parts.durations), options, self._name)
        return ClipInfo(format=MediaFormat.WEBP, width=parts.width, height=parts.height,
                        frame_count=len(parts.durations), loop=parts.loop, mode="RGBA" if parts.alpha else "RGB",
                        icc=parts.icc, lossless=parts.lossless)

    def frames(self) -> Iterator[Frame]:
        """All frames in order; may be called once."""
        from PIL import Image

        from faceswap_cli.media.pillow import decoding

        with decoding(self._name, "WebP"):
            self._file.seek(0)
            picture = Image.open(self._file, formats=["WEBP"])
            found = getattr(picture, "n_frames", 1)
            if found != len(self._parts.durations) or picture.size != (self._parts.width, self._parts.height):
                raise ValueError(f"{found} frames instead of {len(self._parts.durations)}")
        with picture:
            for number, duration in enumerate(self._parts.durations):
                with decoding(f"frame {number + 1} of {self._name}", "WebP"):
                    picture.seek(number)
                    pixels = np.asarray(picture)
                alpha = None
                if pixels.shape[2] == 4:
                    alpha = None if pixels[..., 3].min() == 255 else pixels[..., 3].copy()
                yield Frame(pixels=pixels[..., :3].copy(), alpha=alpha, duration=Fraction(duration, 1000))


class WebpWriter(FileWriter):
    """An animated WebP being written.

    Frames are lossless when the source is (GIF, APNG, lossless WebP) or the quality is 100, and lossy else. Only the
    part that changed is written, so that what stands still is not encoded again and again.
    """

    def _begin(self, like: ClipInfo) -> None:
        self._lossless = like.lossless or self._options.image_quality == _BEST
        self._quality = self._options.image_quality
        self._delta = Delta(like.height, like.width, grid=2)  # offsets are stored halved
        self._clock = FrameClock(1000)
        self._alpha = False

    def _add(self, frame: Frame) -> None:
        (rows, columns), mask = self._delta.changed(frame)
        pixels = frame.pixels[rows, columns]
        flags = _NO_BLEND
        if self._lossless and mask is not None:
            pixels = np.dstack([pixels * mask[..., None], mask * np.uint8(255)])
            flags, self._alpha = 0, True
        elif frame.alpha is not None:
            pixels = np.dstack([pixels, frame.alpha[rows, columns]])
            self._alpha = True
        duration = min(self._clock.tick(frame.duration), _MAX_DURATION)
        head = b"".join(value.to_bytes(3, "little") for value in (
            columns.start // 2, rows.start // 2, pixels.shape[1] - 1, pixels.shape[0] - 1, duration))
        data = self._encode(pixels)
        with self._out.writing():
            if not self._frames:
                self._write_head()
            self._out.file.write(_chunk(b"ANMF", head + bytes([flags]) + data))

    def _finish(self) -> None:
        file = self._out.file
        if self._mark is not None:
            file.write(_chunk(b"XMP ", self._mark))
        size = file.seek(0, 2) - 8
        if size >= 1 << 32:
            raise OutputError(f"cannot write {self._out.name}: a WebP has at most 4 GiB",
                              advice="choose another format")
        file.seek(4)
        file.write(size.to_bytes(4, "little"))
        file.seek(12)
        file.write(self._extended())
        file.seek(0, 2)

    def _write_head(self) -> None:
        file = self._out.file
        file.write(b"RIFF\0\0\0\0WEBP" + self._extended())
        if self._like.icc is not None:
            file.write(_chunk(b"ICCP", self._like.icc))
        # Not said means once; 0 is for ever, in WebP too.
        loop = 1 if self._like.loop is None else min(self._like.loop, _MAX_LOOP)
        file.write(_chunk(b"ANIM", b"\0\0\0\0" + loop.to_bytes(2, "little")))

    def _extended(self) -> bytes:
        """The chunk with the flags; alpha is known for certain only at the end."""
        flags = _ANIMATION | (_ALPHA if self._alpha else 0)
        flags |= (_ICC if self._like.icc is not None else 0) | (_XMP if self._mark is not None else 0)
        return _chunk(b"VP8X", bytes([flags, 0, 0, 0]) + (self._like.width - 1).to_bytes(3, "little")
                      + (self._like.height - 1).to_bytes(3, "little"))

    def _encode(self, pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
        """The chunks with the pixels of a still WebP."""
        from PIL import Image

        buffer = io.BytesIO()
        picture = Image.fromarray(np.ascontiguousarray(pixels))
        if self._lossless:
            picture.save(buffer, "WEBP", lossless=True, quality=70, method=_EFFORT, exact=True)
        else:
            picture.save(buffer, "WEBP", quality=self._quality, method=4)
        buffer.seek(12)
        kept = b""
        while len(head := buffer.read(8)) == 8:
            kind, size = struct.unpack("<4sI", head)
            body = buffer.read(size + size % 2)
            if kind in (b"ALPH", b"VP8 ", b"VP8L"):
                kept += head + body
        return kept


def _chunk(kind: bytes, data: bytes) -> bytes:
    return kind + len(data).to_bytes(4, "little") + data + b"\0" * (len(data) % 2)


def _parse(file: BinaryIO, name: str) -> _Parts:
    """Walk over the chunks once, forward.

    Raises:
        InputError: No animated WebP, or it is cut off.
        LimitError: Too many frames.
    """
    head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WEBP":
        raise InputError(f"{name} is not a WebP", advice="get the file again")
    end = file.seek(0, 2)
    at = 12
    # Chunks after the size that the file states belong to nobody.
    stop = min(end, 8 + int.from_bytes(head[4:8], "little"))
    parts = _Parts()
    while at + 8 <= stop:
        file.seek(at)
        kind, size = struct.unpack("<4sI", file.read(8))
        if at + 8 + size > end:
            raise InputError(f"{name} is cut off after frame {len(parts.durations)}", advice="get the file again")
        if kind == b"VP8X" and size >= 10:
            body = file.read(10)
            parts.alpha = bool(body[0] & _ALPHA)
            parts.width = int.from_bytes(body[4:7], "little") + 1
            parts.height = int.from_bytes(body[7:10], "little") + 1
        elif kind == b"ANIM" and size >= 6:
            parts.loop = int.from_bytes(file.read(6)[4:6], "little")
        elif kind == b"ICCP" and size <= _MAX_PROFILE:
            parts.icc = file.read(size)
        elif kind == b"ANMF" and size >= 16:
            if len(parts.durations) >= MAX_FRAMES:
                raise LimitError(f"{name} has more than {MAX_FRAMES} frames", advice="split it")
            parts.durations.append(int.from_bytes(file.read(16)[12:15], "little"))
            parts.lossless &= first_is_lossless(file, at + 8 + size)
        at += 8 + size + size % 2
    if not parts.durations:
        raise InputError(f"{name} is an animated WebP without a frame", advice="get the file again")
    if end < 8 + int.from_bytes(head[4:8], "little"):
        raise InputError(f"{name} is cut off after frame {len(parts.durations)}", advice="get the file again")
    return parts
