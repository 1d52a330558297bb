"""What the headers of PNG, WebP and TIFF say that Pillow does not report, or only after it has allocated.

Written from the specifications: PNG (third edition), the WebP container (RFC 9649), TIFF 6.0 and BigTIFF.
Damage shows as ValueError or struct.error.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, field, replace
from typing import BinaryIO

_MAX_CHUNKS = 10_000
"""PNG chunks before the first pixel; real files have a few dozen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PngHeader:
    """IHDR, and whether an animation is announced.

    Attributes:
        width: In pixels.
        height: In pixels.
        depth: Bits per sample: 1, 2, 4, 8 or 16.
        colour: 0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGBA.
        animated: An acTL chunk comes before the pixels.
    """

    width: int
    height: int
    depth: int
    colour: int
    animated: bool


def read_png(file: BinaryIO) -> PngHeader:
    """Read the chunks before the first pixel, without their contents."""
    file.seek(8)
    header: PngHeader | None = None
    for _ in range(_MAX_CHUNKS):
        length, kind = struct.unpack(">I4s", file.read(8))
        if header is None:
            if kind != b"IHDR":
                raise ValueError("no IHDR chunk")
            width, height, depth, colour = struct.unpack(">IIBB", file.read(10))
            header = PngHeader(width=width, height=height, depth=depth, colour=colour, animated=False)
            length -= 10
        elif kind == b"acTL":
            return replace(header, animated=True)
        elif kind in (b"IDAT", b"IEND"):
            return header
        file.seek(length + 4, os.SEEK_CUR)
    raise ValueError("too many chunks before the picture")


@dataclass(frozen=True, slots=True)
class WebpHeader:
    """Canvas of a WebP file.

    Attributes:
        width: In pixels.
        height: In pixels.
        animated: The animation flag is set.
        lossless: The first picture is VP8L.
    """

    width: int
    height: int
    animated: bool
    lossless: bool


def read_webp(file: BinaryIO) -> WebpHeader:
    """Read the size of the canvas and find the first picture."""
    file.seek(12)
    kind, length = struct.unpack("<4sI", file.read(8))
    head = file.read(10)
    if kind == b"VP8X":
        animated = bool(head[0] & 2)
        width = int.from_bytes(head[4:7], "little") + 1
        height = int.from_bytes(head[7:10], "little") + 1
        file.seek(20 + length + length % 2)
        return WebpHeader(width, height, animated, lossless=first_is_lossless(file))
    if kind == b"VP8L":
        if len(head) < 5 or head[0] != 0x2F:
            raise ValueError("bad VP8L header")
        bits = int.from_bytes(head[1:5], "little")
        return WebpHeader((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, animated=False, lossless=True)
    if kind == b"VP8 ":
        if head[3:6] != b"\x9d\x01\x2a":
            raise ValueError("bad VP8 header")
        width, height = struct.unpack("<HH", head[6:10])
        return WebpHeader(width & 0x3FFF, height & 0x3FFF, animated=False, lossless=False)
    raise ValueError("no picture chunk")


def first_is_lossless(file: BinaryIO, stop: int | None = None) -> bool:
    """Whether the first picture of a WebP among the chunks that begin here, and before `stop`, is VP8L."""
    for _ in range(_MAX_CHUNKS):
        head = file.read(8)
        if len(head) < 8 or (stop is not None and file.tell() > stop):
            return False
        kind, length = struct.unpack("<4sI", head)
        if kind in (b"VP8L", b"VP8 "):
            return bool(kind == b"VP8L")
        # Into a frame, whose picture follows its own header; over all else.
        file.seek(16 if kind == b"ANMF" else length + length % 2, os.SEEK_CUR)
    return False


@dataclass(frozen=True, slots=True)
class TiffHeader:
    """The first page of a TIFF file.

    Attributes:
        width: In pixels.
        height: In pixels.
        tags: Short numeric tags of the page, by number.
        more_pages: Another page follows.
    """

    width: int
    height: int
    tags: dict[int, tuple[int, ...]] = field(default_factory=dict)
    more_pages: bool = False

    def tag(self, number: int, default: int) -> int:
        """The first value of a tag."""
        values = self.tags.get(number)
        return values[0] if values else default

    @property
    def bits(self) -> int:
        """Bits of the first sample."""
        return self.tag(258, 1)

    @property
    def lossless(self) -> bool:
        """Whether the compression keeps pixels exactly: not JPEG (6, 7), JPEG 2000, lossy WebP or JPEG XL."""
        return self.tag(259, 1) in (1, 2, 3, 4, 5, 8, 32771, 32773, 32946, 34925, 50000)


_TIFF_INTEGERS = {1: "B", 3: "H", 4: "I", 16: "Q"}
_TIFF_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_KEPT_VALUES = 16


def read_tiff(file: BinaryIO) -> TiffHeader:
    """Read the first directory.

    Raises:
        ValueError: There is none, it has no size, or its entries claim more bytes than the file has: readers keep a
            copy of each, so that overlapping entries would take many times the memory that the file has.
    """
    total = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(16)
    order = "<" if start[:2] == b"II" else ">"
    big = b"+" in start[2:4]
    if big:
        offset, count_code, entry_code, next_code = struct.unpack(order + "Q", start[8:16])[0], "Q", "HHQ8s", "Q"
    else:
        offset, count_code, entry_code, next_code = struct.unpack(order + "I", start[4:8])[0], "H", "HHI4s", "I"
    file.seek(offset)
    (count,) = struct.unpack(order + count_code, file.read(8 if big else 2))
    entry_size = struct.calcsize(order + entry_code)
    if not 0 < count * entry_size <= total:
        raise ValueError("no directory of tags")
    entries = file.read(count * entry_size)
    following = file.read(8 if big else 4)
    tags: dict[int, tuple[int, ...]] = {}
    claimed = 0
    for number, kind, values, inline in struct.iter_unpack(order + entry_code, entries):
        size = _TIFF_SIZES.get(kind, 0) * values
        claimed += size
        if claimed > total + 65536:
            raise ValueError("tags larger than the file")
        if kind in _TIFF_INTEGERS and 0 < values <= _KEPT_VALUES:
            raw = inline[:size]
            if size > len(inline):
                file.seek(struct.unpack(order + next_code, inline)[0])
                raw = file.read(size)
            if len(raw) == size:
                tags[number] = struct.unpack(f"{order}{values}{_TIFF_INTEGERS[kind]}", raw)
    if 256 not in tags or 257 not in tags:
        raise ValueError("no width or height")
    more = len(following) == struct.calcsize(next_code) and any(following)
    return TiffHeader(tags[256][0], tags[257][0], tags, more_pages=more)
