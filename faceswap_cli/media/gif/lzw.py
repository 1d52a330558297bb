"""The compression of GIF image blocks: Pillow's codec, and a slow one for blocks whose data end early.

Image data are handled as they lie in the file: sub-blocks of up to 255 bytes, each after its length.
"""

from __future__ import annotations

import numpy as np

from faceswap_cli.image import Plane

MAX_BITS = 12
"""Codes never grow beyond this many bits (GIF89a, appendix F)."""

_PASSES = ((0, 8), (4, 8), (2, 4), (1, 2))
"""First row and step of the four passes of an interlaced image."""


def decode(data: bytes, code_size: int, width: int, height: int, interlaced: bool) -> tuple[Plane, Plane | None]:
    """Decode one image block.

    Args:
        data: Sub-blocks, with or without the empty one that ends them.
        code_size: The minimum code size that the block states; 1..8 is sound, up to 11 is tolerated.
        width: Of the block, in pixels.
        height: Likewise.
        interlaced: The rows come in four passes.

    Returns:
        Indices uint8 (height, width), and None when all are there, else uint8 (height, width): 1 where the data
        reached. Missing pixels have index 0.

    Raises:
        ValueError: The data are no LZW codes.
    """
    from PIL import Image

    if code_size <= 8:
        try:
            picture = Image.frombytes("L", (width, height), data, "gif", code_size, int(interlaced), -1)
            return np.asarray(picture), None
        except (ValueError, OSError):
            pass  # damaged, or short: the slow way tells which
    pixels = np.frombuffer(_decode_slowly(data, code_size, width * height), np.uint8)
    there = np.zeros(width * height, np.uint8)
    there[:pixels.size] = 1
    full = np.zeros(width * height, np.uint8)
    full[:pixels.size] = pixels
    order = np.concatenate([np.arange(start, height, step)
                            for start, step in (_PASSES if interlaced else ((0, 1),))])
    indices, known = np.empty((height, width), np.uint8), np.empty((height, width), np.uint8)
    indices[order] = full.reshape(height, width)
    known[order] = there.reshape(height, width)
    return indices, None if pixels.size == width * height else known


def encode(indices: Plane, code_size: int) -> bytes:
    """Encode one image block, not interlaced: the code size, the sub-blocks and the empty one that ends them.

    Args:
        indices: uint8 (H, W), all below ``1 << code_size``.
        code_size: 2..8.
    """
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(indices))
    return bytes([code_size]) + picture.tobytes("gif", "L", code_size, 0) + b"\0"


def _join(data: bytes) -> bytes:
    parts = []
    at = 0
    while at < len(data) and data[at]:
        parts.append(data[at + 1:at + 1 + data[at]])
        at += 1 + data[at]
    return b"".join(parts)


def _decode_slowly(data: bytes, code_size: int, wanted: int) -> bytes:
    """LZW with variable code lengths, at most `wanted` pixels; fewer when the data end or say so."""
    if not 1 <= code_size < MAX_BITS:
        raise ValueError(f"the code size {code_size} is outside 1..8")
    stream = _join(data)
    clear, end = 1 << code_size, (1 << code_size) + 1
    # With a code size above 8 the upper roots are no indices; only their low byte could be kept.
    roots = [bytes([value & 255]) for value in range(clear)] + [b"", b""]
    table, bits, previous = list(roots), code_size + 1, b""
    out: list[bytes] = []
    length = 0
    buffer = held = 0
    for byte in stream:
        buffer |= byte << held
        held += 8
        while held >= bits:
            code = buffer & ((1 << bits) - 1)
            buffer >>= bits
            held -= bits
            if code == clear:
                table, bits, previous = list(roots), code_size + 1, b""
                continue
            if code == end:
                return b"".join(out)
            if code < len(table):
                entry = table[code]
            elif code == len(table) and previous:
                entry = previous + previous[:1]
            else:
                raise ValueError(f"code {code} stands for nothing")
            if previous and len(table) < 1 << MAX_BITS:
                table.append(previous + entry[:1])
            if len(table) == 1 << bits and bits < MAX_BITS:
                bits += 1
            out.append(entry[:wanted - length])
            length += len(out[-1])
            if length >= wanted:
                return b"".join(out)
            previous = entry
    return b"".join(out)
