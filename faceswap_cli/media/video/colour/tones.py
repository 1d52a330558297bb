"""The two ways between the planes of a video frame and the RGB that faces are drawn in.

`to_rgb` shows a picture; `add_change` brings what was changed in that RGB back into the picture, as a difference: in
the matrix, range and depth that the file has, so that all else keeps its bits.

Sources: ITU-R BT.601, BT.709, BT.2020 (non-constant luminance) and H.273 for their numbers; BT.2100 for high dynamic
range, see `curves`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from faceswap_cli.image import Image
from faceswap_cli.media.video.colour.curves import CODES, HLG, PQ, shown_by_signal, signal_by_shown
from faceswap_cli.media.video.colour.planes import FULL, LIMITED, copy_picture, enlarged, plane_array

_BT709, _FCC, _BT470BG, _SMPTE170M, _SMPTE240M, _BT2020 = 1, 4, 5, 6, 7, 9
"""Numbers of matrices, by H.273, which FFmpeg takes over."""

_UNTOLD = frozenset({0, 2, 3})
_BT2020_PRIMARIES = 9

_LUMA = {
    _BT709: (0.2126, 0.0722),
    _FCC: (0.30, 0.11),
    _BT470BG: (0.299, 0.114),
    _SMPTE170M: (0.299, 0.114),
    _SMPTE240M: (0.212, 0.087),
    _BT2020: (0.2627, 0.0593),
}
"""The shares of red and blue in luma."""

_SWSCALE = {_BT709: 1, _FCC: 4, _BT470BG: 5, _SMPTE170M: 5, _SMPTE240M: 7, _BT2020: 9}
"""libswscale's numbers of them."""

_HD_LINES = 576
_HD_COLUMNS = 1280


def matrix_of(picture: Any) -> int:
    """The matrix by which a picture's luma and chroma are made of RGB: one of those above.

    Told by the file, or else as players guess: BT.2020 where its primaries are, BT.709 from 1280 columns or more than
    576 lines on, BT.601 below. Those of which libswscale knows nothing (YCgCo, constant luminance) are taken for that,
    too.
    """
    told = int(picture.colorspace)
    if told in _LUMA:
        return told
    if picture.color_primaries == _BT2020_PRIMARIES:
        return _BT2020
    long, short = max(picture.width, picture.height), min(picture.width, picture.height)
    return _BT709 if long >= _HD_COLUMNS or short > _HD_LINES else _SMPTE170M


def is_full_range(picture: Any) -> bool:
    """Whether black is 0 and white the largest value: as told, or as usual: RGB and gray are, YUV is not."""
    if picture.color_range in (LIMITED, FULL):
        return bool(picture.color_range == FULL)
    return not picture.format.name.startswith("yuv")


def is_hdr(picture: Any) -> bool:
    """Whether the signal is PQ or HLG."""
    return picture.color_trc in (PQ, HLG)


def to_rgb(picture: Any) -> Image:
    """A picture as RGB.

    Chroma is repeated, not interpolated, so that a change goes back into the very pixels it was made in.

    Args:
        picture: An `av.VideoFrame` in one of `planes.CANONICAL`.

    Returns:
        uint8 (H, W, 3), C-contiguous: exact to a level and a half, HDR through the curve of `curves`.
    """
    if picture.format.name.startswith("gray"):
        depth = int(picture.format.components[0].bits)
        transfer = int(picture.color_trc) if is_hdr(picture) else 0
        import cv2

        gray = _gray_levels(depth, is_full_range(picture), transfer)[plane_array(picture, 0)]
        return np.ascontiguousarray(cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB))
    height, width = picture.height, picture.width
    across, down = _sharing(picture)
    if across * down > 1:
        # A copy in which each chroma value belongs to the middle of its pixels, and has all of them. libswscale would
        # take the place between the pixels that the decoder tells for it, and shift it to a neighbour, and would
        # stretch the chroma of an odd side over the picture. A copy tells nothing.
        picture = enlarged(picture, -(-width // across) * across, -(-height // down) * down)
    if is_hdr(picture):
        shown: Image = shown_by_signal(int(picture.color_trc))[_converted(picture, "rgb48le")]
    else:
        shown = _converted(picture, "rgb24")
    return np.ascontiguousarray(shown[:height, :width])


@cache
def _gray_levels(depth: int, full: bool, transfer: int) -> npt.NDArray[np.uint8]:
    """What each value of a gray picture is shown as: uint8 (2 ** depth,). libswscale takes all gray for full range."""
    values = np.arange(1 << depth)
    black, white = (0, (1 << depth) - 1) if full else (16 << depth - 8, 235 << depth - 8)
    signal = np.clip((values - black) / (white - black), 0, 1)
    if transfer:
        return shown_by_signal(transfer)[np.rint(signal * (CODES - 1)).astype(np.int64)]
    return np.rint(signal * 255).astype(np.uint8)


def _converted(picture: Any, layout: str) -> npt.NDArray[Any]:
    from av.video.reformatter import Interpolation

    matrix = _SWSCALE[matrix_of(picture)]
    flags = Interpolation.POINT | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
    made = picture.reformat(format=layout, interpolation=flags, src_colorspace=matrix, dst_colorspace=matrix,
                            src_color_range=FULL if is_full_range(picture) else LIMITED, dst_color_range=FULL,
                            threads=1)
    plane = made.planes[0]
    kind = np.dtype("<u2" if layout == "rgb48le" else np.uint8)
    rows = np.frombuffer(plane, np.uint8).reshape(made.height, plane.line_size)[:, :made.width * 3 * kind.itemsize]
    return np.ascontiguousarray(rows).view(kind).reshape(made.height, made.width, 3)


def add_change(picture: Any, before: Image, after: Image) -> Any:
    """Bring a change of the RGB of a picture into its planes.

    The difference is turned into the picture's matrix, range and depth and added to the planes; that of chroma is
    averaged over the pixels that share it. Where nothing changed, the planes stay as they are, bit for bit.

    Args:
        picture: An `av.VideoFrame` in one of `planes.CANONICAL`; stays as it is.
        before: uint8 (H, W, 3), what `to_rgb` made of it.
        after: Likewise, with the change.

    Returns:
        A new picture; `picture` itself where nothing changed.
    """
    found = changed_part(before, after)
    if found is None:
        return picture
    made = copy_picture(picture)
    across, down = _sharing(made)
    rows = slice(found[0].start // down * down, min(-(-found[0].stop // down) * down, made.height))
    columns = slice(found[1].start // across * across, min(-(-found[1].stop // across) * across, made.width))
    change = _signal_change(made, before[rows, columns], after[rows, columns])
    depth = int(made.format.components[0].bits)
    if made.format.name.startswith("gbrp"):
        for index, channel in enumerate((1, 2, 0)):
            _add(plane_array(made, index)[rows, columns], change[..., channel] * ((1 << depth) - 1), depth)
        return made
    import cv2

    parts = cv2.transform(change, _yuv(matrix_of(made), is_full_range(made), depth))
    _add(plane_array(made, 0)[rows, columns], parts[..., 0], depth)
    if len(made.planes) == 3:
        # A block at the edge of a picture with an odd side has but one line or column: it is the mean of that.
        parts = cv2.copyMakeBorder(parts[..., 1:], 0, -parts.shape[0] % down, 0, -parts.shape[1] % across,
                                   cv2.BORDER_REPLICATE)
        size = parts.shape[1] // across, parts.shape[0] // down
        if (across, down) != (1, 1):
            parts = cv2.resize(parts, size, interpolation=cv2.INTER_AREA)
        top, left = rows.start // down, columns.start // across
        for index in (1, 2):
            plane = plane_array(made, index)[top:top + size[1], left:left + size[0]]
            _add(plane, parts[..., index - 1], depth)
    return made


def changed_part(before: Image, after: Image) -> tuple[slice, slice] | None:
    """Rows and columns of the smallest rectangle that holds all pixels that differ; None where none does."""
    if before is after:
        return None
    height, width = before.shape[:2]
    differs = before.reshape(height, width * 3) != after.reshape(height, width * 3)
    rows = np.flatnonzero(differs.any(axis=1))
    if not rows.size:
        return None
    down = slice(int(rows[0]), int(rows[-1]) + 1)
    columns = np.flatnonzero(differs[down].any(axis=0)) // 3
    return down, slice(int(columns[0]), int(columns[-1]) + 1)


def _signal_change(picture: Any, before: Image, after: Image) -> npt.NDArray[np.float32]:
    """The change of the signals R', G' and B', 1 = full: float32 (H, W, 3)."""
    if is_hdr(picture):
        signal = signal_by_shown(int(picture.color_trc))
        return signal[after] - signal[before]
    return (after.astype(np.float32) - before) * np.float32(1 / 255)


@cache
def _yuv(matrix: int, full: bool, depth: int) -> npt.NDArray[np.float32]:
    """What makes Y, Cb and Cr, in the units of the planes, of R', G' and B': float32 (3, 3)."""
    red, blue = _LUMA[matrix]
    luma = np.array([red, 1 - red - blue, blue])
    chroma = np.array([(np.array([0, 0, 1]) - luma) / (2 * (1 - blue)), (np.array([1, 0, 0]) - luma) / (2 * (1 - red))])
    units = ((1 << depth) - 1, (1 << depth) - 1) if full else (219 << depth - 8, 224 << depth - 8)
    return np.vstack([luma * units[0], chroma * units[1]]).astype(np.float32)


def _sharing(picture: Any) -> tuple[int, int]:
    """How many pixels across and down share one chroma value."""
    if len(picture.planes) < 3 or not picture.format.name.startswith("yuv"):
        return 1, 1
    return 64 // picture.format.chroma_width(64), 64 // picture.format.chroma_height(64)


def _add(plane: npt.NDArray[Any], change: npt.NDArray[np.float32], depth: int) -> None:
    """Add to a plane in place, within what `depth` bits hold."""
    np.copyto(plane, np.clip(np.rint(change) + plane, 0, (1 << depth) - 1), casting="unsafe")
