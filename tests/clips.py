"""Clips that the tests draw themselves, and files built byte by byte, so that odd ones can be had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from faceswap_cli.media.frame import ClipInfo, Frame, Indexed
from faceswap_cli.media.open import create_as, open_as
from faceswap_cli.options import MediaFormat, MediaOptions

Bytes = npt.NDArray[np.uint8]
OPTIONS = MediaOptions(provenance=False)


@dataclass
class Block:
    """One image of a GIF, as it lies in the file."""

    indices: Bytes
    left: int = 0
    top: int = 0
    palette: Bytes | None = None
    transparent: int | None = None
    disposal: int = 0
    delay: int | None = 10
    interlaced: bool = False


def gif_bytes(width: int, height: int, blocks: Sequence[Block], palette: Bytes | None = None,
              repeats: int | None = None, trailer: bytes = b";") -> bytes:
    """A GIF of exactly these blocks; `delay` None leaves out the control."""
    flags = 0 if palette is None else 0x80 | _bits(palette) - 1
    data = b"GIF89a" + _u16(width) + _u16(height) + bytes([flags, 0, 0])
    data += b"" if palette is None else palette.tobytes()
    if repeats is not None:
        data += b"\x21\xff\x0bNETSCAPE2.0\x03\x01" + _u16(repeats) + b"\0"
    for block in blocks:
        if block.delay is not None:
            data += (b"\x21\xf9\x04" + bytes([block.disposal << 2 | (block.transparent is not None)])
                     + _u16(block.delay) + bytes([block.transparent or 0]) + b"\0")
        rows, columns = block.indices.shape
        local = 0 if block.palette is None else 0x80 | _bits(block.palette) - 1
        data += (b"," + _u16(block.left) + _u16(block.top) + _u16(columns) + _u16(rows)
                 + bytes([local | 0x40 * block.interlaced]))
        data += b"" if block.palette is None else block.palette.tobytes()
        indices = block.indices
        if block.interlaced:
            order = [row for start, step in ((0, 8), (4, 8), (2, 4), (1, 2)) for row in range(start, rows, step)]
            indices = indices[order]
        data += b"\x08" + Image.fromarray(np.ascontiguousarray(indices)).tobytes("gif", "L", 8, 0) + b"\0"
    return data + trailer


def composite(width: int, height: int, blocks: Sequence[Block], palette: Bytes | None) -> list[Bytes]:
    """What a browser shows after each block: uint8 (H, W, 4). Slow and plain, to check the fast one against."""
    canvas = np.zeros((height, width, 4), np.uint8)
    shown = []
    for block in blocks:
        table = block.palette if block.palette is not None else palette
        assert table is not None
        before = canvas.copy()
        touched = []
        for row, line in enumerate(block.indices):
            for column, index in enumerate(line):
                at = (block.top + row, block.left + column)
                if at[0] < height and at[1] < width:
                    touched.append(at)
                    if index != block.transparent:
                        canvas[at] = (*table[index], 255)
        shown.append(canvas.copy())
        if block.disposal == 2:
            for at in touched:
                canvas[at] = 0
        elif block.disposal == 3:
            canvas = before
    return shown


def rgba(frame: Frame) -> Bytes:
    """Pixels and alpha: uint8 (H, W, 4); black where fully transparent."""
    alpha = np.full(frame.pixels.shape[:2], 255, np.uint8) if frame.alpha is None else frame.alpha
    return np.dstack([frame.pixels * (alpha[..., None] > 0), alpha])


def read(path: Path, kind: MediaFormat = MediaFormat.GIF, options: MediaOptions = OPTIONS) -> tuple[ClipInfo,
                                                                                                    list[Frame]]:
    """The facts and all frames of a clip."""
    with open_as(path, path.name, kind, options, moving=True) as reader:
        return reader.info, list(reader.frames())


def write(path: Path, frames: Sequence[Frame], info: ClipInfo, kind: MediaFormat = MediaFormat.GIF,
          options: MediaOptions = OPTIONS) -> Path:
    """Write a clip in one go."""
    with create_as(path, kind, info, options, overwrite=True, moving=True) as writer:
        for frame in frames:
            writer.write(frame)
        writer.commit()
    return path


def info_for(frames: Sequence[Frame], kind: MediaFormat = MediaFormat.APNG, **facts: object) -> ClipInfo:
    """Facts that suit a list of frames."""
    height, width = frames[0].pixels.shape[:2]
    return ClipInfo(format=kind, width=width, height=height, frame_count=len(frames), mode="RGBA", lossless=True,
                    **facts)


def pillow_frames(path: Path) -> list[Bytes]:
    """What Pillow shows: uint8 (H, W, 4); black where fully transparent."""
    shown = []
    with Image.open(path) as picture:
        for number in range(getattr(picture, "n_frames", 1)):
            picture.seek(number)
            pixels = np.asarray(picture.convert("RGBA"))
            shown.append(pixels * (pixels[..., 3:] > 0))
    return shown


def grey_frames(count: int, height: int = 24, width: int = 32, colours: int = 200) -> list[Frame]:
    """Full opaque frames in one grey palette that move a little, with uneven durations."""
    palette = np.repeat(np.arange(colours, dtype=np.uint8)[:, None], 3, axis=1)
    rows, columns = np.mgrid[0:height, 0:width]
    frames = []
    for number in range(count):
        indices = ((rows * 5 + columns * 3 + number * 2) % colours).astype(np.uint8)
        frames.append(
            Frame(pixels=palette[indices], alpha=None, duration=Fraction(4 + number % 3, 100),
                  indexed=Indexed(indices, palette)))
    return frames


def _bits(palette: Bytes) -> int:
    bits = (len(palette) - 1).bit_length()
    assert len(palette) == 1 << bits
    return bits


def _u16(value: int) -> bytes:
    return value.to_bytes(2, "little")
