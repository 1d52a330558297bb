"""Maps true colours into a palette: ordered dithering between the few entries that mix best.

Ordered, because the choice depends on the colour and the place alone: what stands still in a clip stays as it is,
where error diffusion would crawl. Colours are compared as the eye weighs them (about the luma weights of ITU-R BT.601).
The mixes are found as in T. Knoll's pattern dithering: each entry is the nearest to the colour and what the entries
before it left over.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from faceswap_cli.image import FloatArray, Image, Plane
from faceswap_cli.media.delta import Mask, Window

WEIGHTS = (5, 10, 2)
"""Weight of the squared error in red, green and blue: 0.294, 0.588, 0.118 of the sum. Whole numbers, so that every
distance is exact in single precision, whatever the order of the sum, and ties fall alike on every machine."""

_BITS = 6
_CELLS = 1 << 3 * _BITS
"""Cells of the lookup: colours cut to 6 bits a channel. Dithering between grid points hides the grid; 5 bits of red
and blue would cost portraits 0.9 dB, blurred 0.5."""

_MIX = 4
"""How many entries, some perhaps the same, stand for a colour. 8 look a little better and take twice as long."""

_STRENGTH = np.float32(0.75)
"""How much of the error of the entries so far the next one has to make good: 0 would be no dithering, 1 the nearest
mean and the most grain. Measured on faces in clips, for 0.5, 0.75, 1: in the clips' 256 colours 34.6, 34.1, 33.7 dB;
blurred, as the eye sees it, 43.4, 43.7, 44.1; in 24 colours 31.5, 30.7, 30.0 and 39.3, 39.7, 39.9."""

_CHUNK = 240
"""Colours compared with a palette at a time: the product stays in the cache, and is too small for a BLAS to start
threads, which would wait for each other."""


@lru_cache(maxsize=1)
def _bayer() -> npt.NDArray[np.intp]:
    """Bayer's 8x8 arrangement of 0..63: intp (8, 8)."""
    matrix = np.zeros((1, 1), np.int64)
    for _ in range(3):
        matrix = np.block([[4 * matrix, 4 * matrix + 2], [4 * matrix + 3, 4 * matrix + 1]])
    return matrix.astype(np.intp)


@lru_cache(maxsize=1)
def _stretch() -> Plane:
    """Levels such that the last cell is 255, and adding a step less one does not overflow: uint8 (256,)."""
    values = np.arange(256)
    return np.asarray(np.rint(values * (256 - (256 >> _BITS)) / 255), np.uint8)


@lru_cache(maxsize=1)
def _offsets() -> Plane:
    """What is added to a level before it is cut to whole steps, by place: uint8 (8, 8).

    Adding 0..step-1 lands on the next grid point as often as it is near. The arrangement is Bayer's, turned so that it
    does not move together with the mixing of entries.
    """
    turned = np.roll(_bayer()[::-1].T, (3, 1), axis=(0, 1)) % 8
    return np.asarray(turned * (256 >> _BITS) // 8, np.uint8)


@lru_cache(maxsize=64)
def _offsets_across(first: int, times: int) -> Image:
    """The offsets from a column on, for as many patterns and three channels: uint8 (8, 8 * times, 3)."""
    pattern = np.tile(np.roll(_offsets(), -first, axis=1), (1, times))
    return np.repeat(pattern, 3, axis=1).reshape(8, -1, 3)


@dataclass(frozen=True, slots=True)
class Spots:
    """The colours of a part of a frame as a palette's lookup takes them; the same for every palette.

    Attributes:
        cells: uint32 (h, w).
        used: intp (K,): the cells that are looked up, rising.
        corner: Row and column of the part in the frame.
    """

    cells: npt.NDArray[np.uint32]
    used: npt.NDArray[np.intp]
    corner: tuple[int, int]


def spots(pixels: Image, window: Window, mask: Mask) -> Spots:
    """Prepare a part of a frame for `PaletteMap.map`.

    Args:
        pixels: uint8 (h, w, 3).
        window: Where it lies in the frame: dithering follows the frame, so that parts fit each other.
        mask: bool (h, w): the pixels that matter.
    """
    import cv2

    top, left = window[0].start, window[1].start
    height, width = mask.shape
    levels = np.asarray(cv2.LUT(pixels, _stretch()))
    across = _offsets_across(left % 8, width // 8 + 1)
    for row in range(min(8, height)):
        levels[row::8] += across[(top + row) % 8, :width]
    packed = np.asarray(cv2.cvtColor(levels, cv2.COLOR_RGB2RGBA)).view(np.uint32)[..., 0]
    cells = np.zeros(packed.shape, np.uint32)
    for channel in range(3):
        low = _BITS * channel
        cells |= packed >> np.uint32(8 * (channel + 1) - _BITS - low) & np.uint32((1 << _BITS) - 1 << low)
    there = np.zeros(_CELLS, bool)
    there[cells[mask]] = True
    return Spots(cells, np.flatnonzero(there), (top, left))


class PaletteMap:
    """A palette and what is known by now about the way colours go into it."""

    def __init__(self, palette: Image, usable: npt.NDArray[np.bool_] | None = None) -> None:
        """Prepare; the lookup fills as colours come.

        Args:
            palette: uint8 (N, 3), 1 <= N <= 256.
            usable: bool (N,): the entries that may be taken; None: all. At least one.
        """
        entries = np.arange(len(palette)) if usable is None else np.flatnonzero(usable)
        # From dark to light, so that neighbouring thresholds give like entries wherever the mix is like.
        entries = entries[np.argsort(palette[entries].astype(np.int64) @ WEIGHTS, kind="stable")]
        self._entries = entries.astype(np.uint8)
        self._points = _padded(palette[entries], 0)
        self._form = _form(self._points)
        self._filled = np.zeros(_CELLS, bool)
        self._mixes = np.zeros((_CELLS, _MIX), np.uint8)

    def map(self, where: Spots) -> Plane:
        """Indices of the pixels of a part of a frame: uint8 (h, w); of pixels outside its mask, any number."""
        missing = where.used[~self._filled[where.used]]
        if missing.size:
            self._fill(missing)
        mixes = np.take(self._mixes.view(np.uint32)[:, 0], where.cells).view(np.uint8)
        mixes = mixes.reshape(*where.cells.shape, _MIX)
        found = np.empty(where.cells.shape, np.uint8)
        # Four entries need a pattern of 2x2 places only.
        for row in range(2):
            for column in range(2):
                place = _bayer()[(where.corner[0] + row) % 8, (where.corner[1] + column) % 8]
                found[row::2, column::2] = mixes[row::2, column::2, place * _MIX // 64]
        return found

    def _fill(self, cells: npt.NDArray[np.intp]) -> None:
        steps = cells[:, None] >> np.arange(0, 3 * _BITS, _BITS) & (1 << _BITS) - 1
        levels = np.rint(np.arange(1 << _BITS) * (255 / ((1 << _BITS) - 1)))
        wanted, asked = _padded(levels[steps], 0), _padded(levels[steps], 1)
        mix = np.empty((_MIX, len(cells)), np.intp)
        for found in mix:
            _nearest(asked, self._form, found)
            # Quarters: still exact in single precision.
            asked += _STRENGTH * (wanted - self._points.take(found, axis=0))
        mix.sort(axis=0)
        self._mixes[cells] = self._entries[mix.T]
        self._filled[cells] = True


def _padded(colours: npt.NDArray[Any], last: int) -> FloatArray:
    """Colours (M, 3) with a fourth number: float32 (M, 4)."""
    padded = np.full((len(colours), 4), last, np.float32)
    padded[:, :3] = colours
    return padded


def _form(points: FloatArray) -> FloatArray:
    """The matrix (4, N) whose product with a colour and 1 ranks points (N, 4) by their distance to the colour."""
    weighted = points[:, :3] * np.array(WEIGHTS, np.float32)
    return np.concatenate([-2 * weighted.T, (weighted * points[:, :3]).sum(axis=1)[None]])


def _nearest(wanted: FloatArray, form: FloatArray, found: npt.NDArray[np.intp]) -> None:
    """Find the nearest of the points of a form (4, N) for each of `wanted` (M, 4), of which the last number is 1."""
    ranks = np.empty((min(_CHUNK, len(wanted)), form.shape[1]), np.float32)
    for at in range(0, len(wanted), _CHUNK):
        part = wanted[at:at + _CHUNK]
        np.matmul(part, form, out=ranks[:len(part)])
        ranks[:len(part)].argmin(axis=1, out=found[at:at + _CHUNK])


def nearest(pixels: npt.NDArray[np.uint8], palette: Image) -> Plane:
    """The nearest entry of each colour, without dithering: uint8 (M, 3), uint8 (N, 3) -> uint8 (M,)."""
    found = np.empty(len(pixels), np.intp)
    _nearest(_padded(pixels, 1), _form(_padded(palette, 0)), found)
    return found.astype(np.uint8)


def seen_error(wanted: Image, shown: Image, mask: Mask) -> float:
    """How far two pictures are apart for an eye that does not see single pixels.

    Args:
        wanted: uint8 (H, W, 3).
        shown: Likewise.
        mask: bool (H, W): where to look; outside it the pictures count as equal.

    Returns:
        Root of the mean, over the mask, of the weighted squared difference of the pictures blurred by a box of 5x5
        pixels; 0..255. Dithering hides below 1.5, 3 is soft banding, 6 a wrong colour.
    """
    import cv2

    inside = mask.view(np.uint8)
    difference = np.zeros(wanted.shape, np.int16)
    cv2.subtract(shown, wanted, dst=difference, mask=inside, dtype=cv2.CV_16S)
    # Sums of 25 fit, and nothing is rounded.
    sums = cv2.boxFilter(difference, -1, (5, 5), normalize=False, borderType=cv2.BORDER_REPLICATE)
    mean, deviation = cv2.meanStdDev(sums, mask=inside)
    squares = (mean * mean + deviation * deviation).ravel()
    return float(np.sqrt(squares @ WEIGHTS / sum(WEIGHTS))) / 25


def quantise(pixels: npt.NDArray[np.uint8], count: int) -> Image:
    """At most `count` colours that stand for many: Pillow's fast octree.

    Measured on portraits against its median cut, dithered and blurred as the eye sees it: 45.9 against 42.6 dB for 256
    colours, 36.6 against 35.1 for 32, in a thirtieth of the time.

    Args:
        pixels: uint8 (M, 3).
        count: 2..256.

    Returns:
        uint8 (N, 3), N <= count.
    """
    from PIL import Image as Pillow

    picture = Pillow.frombuffer("RGB", (len(pixels), 1), np.ascontiguousarray(pixels), "raw", "RGB", 0, 1)
    made = picture.quantize(count, Pillow.Quantize.FASTOCTREE, dither=Pillow.Dither.NONE)
    raw = made.getpalette("RGB")
    assert raw is not None
    palette = np.array(raw, np.uint8).reshape(-1, 3)
    return palette[:int(np.asarray(made).max()) + 1]
