"""The container of GIF: which images, palettes, delays and loops a file holds, found without decoding a pixel.

Source: GIF89a specification (CompuServe, 1990) and, for what it leaves open, what browsers do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import BinaryIO

from faceswap_cli.errors import InputError, LimitError
from faceswap_cli.media.limits import MAX_FRAMES

KEEP, BACKGROUND, PREVIOUS = 1, 2, 3
_LOOP_EXTENSIONS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")


@dataclass(frozen=True, slots=True, kw_only=True)
class GifImage:
    """One image block and the control that precedes it.

    Attributes:
        left, top, width, height: In pixels of the screen; may reach outside it.
        interlaced: The rows come in four passes.
        palette_at: Offset of the local palette in the file; 0: there is none.
        palette_size: Number of its entries.
        code_size: Minimum code size of the data.
        data_at: Offset of the sub-blocks of the data.
        data_size: Their size in bytes, the empty one included.
        cut: The file ends within the data.
        controlled: A graphic control extension precedes the image.
        delay: Centiseconds.
        disposal: 1 keep, 2 background, 3 previous.
        transparent: Index of transparent pixels, or None.
    """

    left: int
    top: int
    width: int
    height: int
    interlaced: bool
    palette_at: int
    palette_size: int
    code_size: int
    data_at: int
    data_size: int
    cut: bool
    controlled: bool = False
    delay: int = 0
    disposal: int = KEEP
    transparent: int | None = None


@dataclass(slots=True, kw_only=True)
class GifBlocks:
    """What a GIF holds.

    Attributes:
        width, height: Of the screen, in pixels.
        palette: The global palette, 3 bytes an entry; empty: there is none.
        repeats: The number in the loop extension (0 = for ever), or None.
        images: In order.
        warnings: What is odd about the file.
    """

    width: int
    height: int
    palette: bytes = b""
    repeats: int | None = None
    images: list[GifImage] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


_Control = tuple[int, int, int | None]
"""Delay, disposal, and the index of transparent pixels."""


class _EndOfFileError(Exception):
    pass


def parse_gif(file: BinaryIO, name: str) -> GifBlocks:
    """Read the structure of a GIF; every step goes forward, so that no file makes this loop for ever.

    Args:
        file: At its start.
        name: How to call the file in messages.

    Raises:
        InputError: No GIF, no image in it, or unknown blocks.
        LimitError: More than `MAX_FRAMES` images.
    """
    header = file.read(13)
    if header[:6] not in (b"GIF87a", b"GIF89a") or len(header) < 13:
        raise InputError(f"{name} is not a GIF, or is cut off in its header", advice="get the file again")
    blocks = GifBlocks(width=int.from_bytes(header[6:8], "little"), height=int.from_bytes(header[8:10], "little"))
    control: _Control | None = None
    try:
        if header[10] & 0x80:
            blocks.palette = _exactly(file, 3 << (header[10] & 7) + 1)
        while (kind := _exactly(file, 1)) != b";":
            if kind == b"!":
                control = _extension(file, blocks) or control
            elif kind == b",":
                if len(blocks.images) >= MAX_FRAMES:
                    raise LimitError(f"{name} has more than {MAX_FRAMES} images", advice="split it")
                blocks.images.append(_image(file, control))
                control = None
                if blocks.images[-1].cut:
                    raise _EndOfFileError
            elif kind != b"\0":  # stray empty sub-blocks do no harm
                raise InputError(f"{name} is damaged after image {len(blocks.images)}: byte {kind[0]:#04x} begins no "
                                 "known block", advice="get the file again")
    except _EndOfFileError:
        blocks.warnings.append("the file ends without its trailer")
    if not blocks.images:
        raise InputError(f"{name} is a GIF without an image", advice="get the file again")
    return blocks


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise _EndOfFileError
    return data


def _extension(file: BinaryIO, blocks: GifBlocks) -> _Control | None:
    label = _exactly(file, 1)
    first = _exactly(file, _exactly(file, 1)[0])
    if not first:
        return None
    control: _Control | None = None
    if label == b"\xf9" and len(first) >= 4:
        disposal = first[0] >> 2 & 7
        # 4 was written by old programs that counted bits; browsers take it for "previous", and 5..7 for "keep".
        disposal = {2: BACKGROUND, 3: PREVIOUS, 4: PREVIOUS}.get(disposal, KEEP)
        control = int.from_bytes(first[1:3], "little"), disposal, first[3] if first[0] & 1 else None
    looping = label == b"\xff" and first in _LOOP_EXTENSIONS
    while size := _exactly(file, 1)[0]:
        data = _exactly(file, size)
        if looping and len(data) >= 3 and data[0] & 7 == 1:
            blocks.repeats = int.from_bytes(data[1:3], "little")
    return control


def _image(file: BinaryIO, control: _Control | None) -> GifImage:
    head = _exactly(file, 9)
    left, top, width, height = (int.from_bytes(head[at:at + 2], "little") for at in (0, 2, 4, 6))
    flags = head[8]
    palette_at = palette_size = 0
    if flags & 0x80:
        palette_at, palette_size = file.tell(), 2 << (flags & 7)
        _exactly(file, 3 * palette_size)
    data_at = code_size = data_size = 0
    cut = False
    try:
        code_size = _exactly(file, 1)[0]
        data_at = file.tell()
        while size := _exactly(file, 1)[0]:
            data_size += 1 + len(_exactly(file, size))
        data_size += 1
    except _EndOfFileError:
        cut = True
        data_size = file.tell() - data_at
    delay, disposal, transparent = control or (0, KEEP, None)
    return GifImage(left=left, top=top, width=width, height=height, interlaced=bool(flags & 0x40),
                    palette_at=palette_at, palette_size=palette_size, code_size=code_size, data_at=data_at,
                    data_size=data_size, cut=cut, controlled=control is not None, delay=delay, disposal=disposal,
                    transparent=transparent)
