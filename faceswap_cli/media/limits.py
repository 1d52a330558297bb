"""The bound on the size of a picture, checked on what its header says, before a pixel is decoded."""

from __future__ import annotations

from faceswap_cli.errors import InputError, LimitError
from faceswap_cli.options import MAX_CLIP_PIXELS, MAX_PIXELS, MediaOptions
from faceswap_cli.text import opt

MAX_FRAMES = 100_000
"""No animation that people watch has more; a bound on the memory that the list of frames takes."""


def check_pixels(width: int, height: int, frames: int, options: MediaOptions, name: str) -> None:
    """Refuse a picture or clip that is too large to decode.

    Args:
        width: In pixels, as the header says.
        height: Likewise.
        frames: Number of frames, or as many as are known so far; 1 for a still.
        options: Holds the bounds.
        name: How to call the file in messages.

    Raises:
        LimitError: More pixels than `max_pixels`, or more in all frames than `max_clip_pixels`.
        InputError: A side is 0 or less.
    """
    if width < 1 or height < 1:
        raise InputError(f"{name} is damaged: its size is {width}x{height} pixels")
    pixels = width * height
    if pixels > options.max_pixels:
        raise LimitError(f"{name} is {width}x{height}, {pixels} pixels, more than the limit of {options.max_pixels}",
                         advice=f"add {opt('max-pixels', pixels)} if you trust it")
    if pixels * frames > options.max_clip_pixels:
        needed = -(-pixels * frames * MAX_PIXELS // MAX_CLIP_PIXELS)
        raise LimitError(f"{name} has {frames} frames of {width}x{height}, {pixels * frames} pixels in all, more than "
                         f"the limit of {options.max_clip_pixels}",
                         advice=f"add {opt('max-pixels', needed)} if you trust it")
