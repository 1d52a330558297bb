"""The planes of video frames as arrays, and the few layouts that readers hand out.

Decoders give some eighty layouts. Those of `CANONICAL` are kept as they are; all others are turned into one of them,
without loss but where the bits are more than twelve.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

PlaneArray = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
"""uint8 or uint16 (H, W): one plane of a picture; values have as many bits as its pixel format."""

CANONICAL = frozenset({
    *(f"yuv{chroma}p{depth}" for chroma in (420, 422, 440, 444) for depth in ("", "10le", "12le")),
    *(f"gray{depth}" for depth in ("", "10le", "12le")),
    *(f"gbrp{depth}" for depth in ("", "10le", "12le")),
})
"""Layouts of `Native.picture`: planes, 8, 10 or 12 bits, little endian, no alpha."""

FULL, LIMITED = 2, 1
"""FFmpeg's numbers of colour ranges."""


def plane_array(picture: Any, index: int) -> PlaneArray:
    """One plane of a picture in a `CANONICAL` layout, not copied.

    A picture from a decoder must not be written into: the decoder still looks at it.
    """
    plane = picture.planes[index]
    wide = picture.format.components[0].bits > 8
    rows = np.frombuffer(plane, np.uint8).reshape(plane.height, abs(plane.line_size))
    if plane.line_size < 0:  # stored bottom-up
        rows = rows[::-1]
    if wide:
        return rows[:, :2 * plane.width].view("<u2")
    return rows[:, :plane.width]


def new_picture(like: Any, width: int | None = None, height: int | None = None, layout: str | None = None) -> Any:
    """An empty picture with the colour facts and time of `like`; size and layout of `like` where none are given."""
    import av

    picture = av.VideoFrame(width or like.width, height or like.height, layout or like.format.name)
    copy_facts(like, picture)
    return picture


def copy_facts(like: Any, picture: Any) -> None:
    """Give a picture the colour facts and the time of another."""
    picture.pts = like.pts
    picture.duration = like.duration
    if like.time_base is not None:
        picture.time_base = like.time_base
    picture.colorspace = like.colorspace
    picture.color_range = like.color_range
    picture.color_trc = like.color_trc
    picture.color_primaries = like.color_primaries


def copy_picture(picture: Any, layout: str | None = None) -> Any:
    """A copy whose planes may be written into.

    Args:
        picture: In one of `CANONICAL`, or in a layout that has the same planes first.
        layout: One of `CANONICAL`, with planes of the same size; None: that of the picture.
    """
    made = new_picture(picture, layout=layout)
    for index in range(len(made.planes)):
        plane_array(made, index)[:] = plane_array(picture, index)
    return made


def enlarged(picture: Any, width: int, height: int) -> Any:
    """A copy of a larger size: the last row and column of each plane are repeated."""
    made = new_picture(picture, width, height)
    for index in range(len(made.planes)):
        plane, old = plane_array(made, index), plane_array(picture, index)
        missing = ((0, plane.shape[0] - old.shape[0]), (0, plane.shape[1] - old.shape[1]))
        plane[:] = np.pad(old, missing, mode="edge") if any(map(sum, missing)) else old
    return made


def canonical_layout(layout: Any) -> str:
    """Which of `CANONICAL` holds a pixel format.

    Args:
        layout: An `av.VideoFormat`.
    """
    if layout.name in CANONICAL:
        return str(layout.name)
    depth = max((part.bits for part in layout.components if not part.is_alpha), default=8)
    bits = "" if depth <= 8 else "10le" if depth <= 10 else "12le"
    if layout.has_palette or layout.name.startswith("pal"):
        return "gbrp"
    if layout.is_rgb or layout.name.startswith(("bayer", "xyz")):
        return "gbrp" + bits
    if sum(not part.is_alpha for part in layout.components) < 3:
        return "gray" + bits
    wide, high = layout.chroma_width(64), layout.chroma_height(64)
    chroma = {(64, 64): 444, (32, 64): 422, (16, 64): 422, (32, 32): 420, (16, 16): 420, (64, 32): 440}
    return f"yuv{chroma.get((wide, high), 444)}p{bits}"


def make_canonical(picture: Any) -> Any:
    """A picture in the layout that `canonical_layout` names; the same where it has it already."""
    target = canonical_layout(picture.format)
    name = picture.format.name
    full = name.startswith("yuvj")
    if name == target:
        return picture
    if full or name in (f"yuva{target[3:]}", f"gbra{target[3:]}"):  # the planes are there as they are wanted
        made = copy_picture(picture, target)
    else:
        made = convert(picture, target)
    if full or name in ("pal8",):
        made.color_range = FULL
    return made


def convert(picture: Any, layout: str, *, matrix: int | None = None, size: tuple[int, int] = (0, 0)) -> Any:
    """A picture in another layout, by libswscale; range and matrix stay.

    Args:
        picture: As decoded.
        layout: FFmpeg's name.
        matrix: libswscale's number of the matrix of both; None: as the picture says. Of no use where none is crossed.
        size: Width and height to which it is scaled; zeros: its own.
    """
    from av.video.reformatter import Interpolation

    flags = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
    told = picture.color_range if picture.color_range in (LIMITED, FULL) else None
    made = picture.reformat(size[0] or None, size[1] or None, layout, interpolation=flags, src_color_range=told,
                            dst_color_range=told, src_colorspace=matrix, dst_colorspace=matrix, threads=1)
    copy_facts(picture, made)
    return made
