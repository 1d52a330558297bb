"""The container of APNG: which frames a file holds, found without decoding a pixel.

Source: PNG specification, third edition (W3C), chapters 5 and 11.3.2.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from fractions import Fraction
from typing import BinaryIO

from faceswap_cli.errors import InputError, LimitError
from faceswap_cli.media.limits import MAX_FRAMES

SIGNATURE = b"\x89PNG\r\n\x1a\n"

NONE, BACKGROUND, PREVIOUS = 0, 1, 2
"""How a frame makes room for the next one."""

SOURCE, OVER = 0, 1
"""How a frame is put on the canvas."""

_SHARED = (b"PLTE", b"tRNS", b"sBIT")
"""Chunks that every frame needs to be decoded."""

_MAX_SHARED = 1 << 16
_MAX_PROFILE = 1 << 24
_METRE = 0.0254


def chunk(kind: bytes, data: bytes) -> bytes:
    """A whole chunk: length, type, data, CRC."""
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


@dataclass(slots=True, kw_only=True)
class PngFrame:
    """One frame.

    Attributes:
        left, top, width, height: In pixels of the canvas, within it.
        duration: Seconds.
        disposal: NONE, BACKGROUND or PREVIOUS.
        blend: SOURCE or OVER.
        data: Offset and size of each piece of compressed pixels.
    """

    left: int
    top: int
    width: int
    height: int
    duration: Fraction = Fraction(0)
    disposal: int = NONE
    blend: int = SOURCE
    data: list[tuple[int, int]] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class PngChunks:
    """What an APNG holds.

    Attributes:
        header: The data of IHDR.
        shared: Whole chunks that every frame needs.
        plays: Times the animation plays, 0 = for ever; None: it is no animation after all.
        frames: Those of the animation, in order.
        transparent: A tRNS chunk gives a palette or a colour transparency.
        icc: The profile, or None.
        dpi: Resolution, or None.
        warnings: What is odd about the file.
    """

    header: bytes
    shared: bytes = b""
    plays: int | None = None
    frames: list[PngFrame] = field(default_factory=list)
    transparent: bool = False
    icc: bytes | None = None
    dpi: tuple[float, float] | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def width(self) -> int:
        """Of the canvas, in pixels."""
        return int.from_bytes(self.header[:4], "big")

    @property
    def height(self) -> int:
        """Of the canvas, in pixels."""
        return int.from_bytes(self.header[4:8], "big")


class _Parser:
    """Walks over the chunks once, forward."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._name = name
        self._sequence = 0
        self._promised = 0
        self._controls = 0
        self._default: PngFrame | None = None
        self._current: PngFrame | None = None

    def parse(self) -> PngChunks:
        if self._file.read(8) != SIGNATURE:
            raise InputError(f"{self._name} is not a PNG", advice="get the file again")
        head = self._file.read(8)
        if head != b"\0\0\0\x0dIHDR":
            raise self._damage("it has no header")
        header = self._body(b"IHDR", 13)
        found = PngChunks(header=header)
        self._default = PngFrame(left=0, top=0, width=found.width, height=found.height)
        ended = False
        while not ended and len(head := self._file.read(8)) == 8:
            size, kind = int.from_bytes(head[:4], "big"), head[4:]
            ended = kind == b"IEND"
            self._take(kind, size, found)
        self._finish(found, ended)
        return found

    def _take(self, kind: bytes, size: int, found: PngChunks) -> None:
        assert self._default is not None
        if kind == b"acTL" and not self._default.data and size == 8:
            body = self._body(kind, size)
            self._controls += 1
            self._promised, found.plays = int.from_bytes(body[:4], "big"), int.from_bytes(body[4:], "big")
        elif kind == b"fcTL" and size == 26:
            self._control(self._body(kind, size), found)
        elif kind == b"IDAT":
            target = self._current or self._default
            self._data(target, size)
            if target is not self._default:
                self._default.data.append(target.data[-1])
        elif kind == b"fdAT" and size >= 4:
            if self._current is None:
                raise self._damage("pixels come before their frame control")
            self._count(self._file.read(4))
            self._data(self._current, size - 4)
        elif kind in _SHARED and size <= _MAX_SHARED and not self._default.data:
            found.shared += chunk(kind, self._body(kind, size))
            found.transparent |= kind == b"tRNS"
        elif kind == b"iCCP" and size <= _MAX_PROFILE:
            found.icc = _profile(self._body(kind, size))
        elif kind == b"pHYs" and size == 9:
            body = self._body(kind, size)
            if body[8] == 1:
                found.dpi = (int.from_bytes(body[:4], "big") * _METRE, int.from_bytes(body[4:8], "big") * _METRE)
        else:
            self._file.seek(size + 4, 1)

    def _control(self, body: bytes, found: PngChunks) -> None:
        self._count(body[:4])
        if self._current is not None and not self._current.data:
            raise self._damage(f"frame {len(found.frames)} has no pixels")
        if len(found.frames) >= MAX_FRAMES:
            raise LimitError(f"{self._name} has more than {MAX_FRAMES} frames", advice="split it")
        width, height, left, top = (int.from_bytes(body[at:at + 4], "big") for at in (4, 8, 12, 16))
        if not width or not height or left + width > found.width or top + height > found.height:
            raise self._damage(f"frame {len(found.frames) + 1} lies outside the picture")
        number, rate = int.from_bytes(body[20:22], "big"), int.from_bytes(body[22:24], "big")
        self._current = PngFrame(left=left, top=top, width=width, height=height, duration=Fraction(number, rate or 100),
                                 disposal=min(body[24], PREVIOUS), blend=min(body[25], OVER))
        found.frames.append(self._current)

    def _count(self, number: bytes) -> None:
        if int.from_bytes(number, "big") != self._sequence:
            raise self._damage("its frames are out of order")
        self._sequence += 1

    def _data(self, frame: PngFrame, size: int) -> None:
        at = self._file.tell()
        frame.data.append((at, size))
        self._file.seek(size + 4, 1)

    def _body(self, kind: bytes, size: int) -> bytes:
        body, check = self._file.read(size), self._file.read(4)
        if len(check) < 4:
            raise self._damage("it is cut off")
        if zlib.crc32(kind + body).to_bytes(4, "big") != check:
            raise self._damage(f"a {kind.decode('latin1')} chunk has a wrong checksum")
        return body

    def _finish(self, found: PngChunks, ended: bool) -> None:
        assert self._default is not None
        if found.plays is None or self._controls != 1 or not 0 < self._promised < 1 << 31 \
                or not found.frames:
            # What the specification asks for: show the still picture.
            found.plays, found.frames = None, [self._default]
            found.warnings.append("its animation is invalid; the still picture was taken")
        else:
            if not found.frames[-1].data:
                raise self._damage(f"frame {len(found.frames)} has no pixels")
            if len(found.frames) < self._promised and not ended:
                raise self._damage(f"{len(found.frames)} of {self._promised} frames are there")
            if len(found.frames) != self._promised:
                found.warnings.append(f"{self._promised} frames announced, {len(found.frames)} there")
        if not found.frames[0].data:
            raise self._damage("it has no pixels")
        if not ended:
            end = self._file.seek(0, 2)
            at, size = found.frames[-1].data[-1]
            if at + size > end:
                raise self._damage(f"it is cut off within frame {len(found.frames)}")
            found.warnings.append("the file ends without its end mark")

    def _damage(self, what: str) -> InputError:
        return InputError(f"{self._name} is damaged: {what}", advice="get the file again")


def parse_apng(file: BinaryIO, name: str) -> PngChunks:
    """Read the structure of an APNG.

    Args:
        file: At its start.
        name: How to call the file in messages.

    Raises:
        InputError: No PNG, cut off, frames out of order, without pixels or outside the picture.
        LimitError: Too many frames.
    """
    return _Parser(file, name).parse()


def _profile(body: bytes) -> bytes | None:
    """The ICC profile of an iCCP chunk; None when it is damaged: the picture is still good."""
    compressed = body.partition(b"\0")[2][1:]
    try:
        return zlib.decompressobj().decompress(compressed, _MAX_PROFILE) or None
    except zlib.error:
        return None
