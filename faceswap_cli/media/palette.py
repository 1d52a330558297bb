"""Maps true colours into a palette: ordered dithering between the few entries that mix best.

Ordered, because the choice depends on the colour and the place alone: what stands still in a clip stays as it is,
where error diffusion would crawl. Colours are compared as the eye weighs them (luma weights of ITU-R BT.601).
The mixes are found as in T. Knoll's pattern dithering: each entry is the nearest to the colour and what the entries
before it left over.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from faceswap_cli.image import FloatArray, Image, Plane
from faceswap_cli.media.delta import Mask, Window

WEIGHTS = (0.299, 0.587, 0.114)
"""Weight of the squared error in red, green and blue."""

_SCALE: FloatArray = np.sqrt(np.array(WEIGHTS, np.float32))
"""Scaled by this, plain distances are weighted ones."""

_STEPS = (6, 4, 8)
_LEVELS = (44, 65, 33)
"""Cells of the lookup: colours on a grid that is finest in green, where the eye is, both ends included. Dithering
between grid points hides the grid. Half the cells of steps of 4 throughout, for 0.4 dB."""

_MIX = 4
"""How many entries, some perhaps the same, stand for a colour. 8 look a little better and take twice as long."""

_STRENGTH = 0.5
"""How much of the error of the entries so far the next one has to make good: 0 would be no dithering, 1 the nearest
mean and the most grain. Measured on portraits in 256 colours, for 0.3, 0.5, 1: 35.6, 34.9, 33.8 dB; blurred, as the eye
sees it, 45.3, 45.6, 45.7; in 32 colours 29.0, 28.5, 27.4 and 35.4, 35.9, 36.3."""

_CHUNK = 2048
"""Cells filled at a time; bounds the memory."""

_THRESHOLDS = 64


@lru_cache(maxsize=1)
def _bayer() -> npt.NDArray[np.intp]:
    """Bayer's 8x8 arrangement of 0..63, as one row: intp (64,)."""
    matrix = np.zeros((1, 1), np.int64)
    for _ in range(3):
        matrix = np.block([[4 * matrix, 4 * matrix + 2], [4 * matrix + 3, 4 * matrix + 1]])
    return matrix.astype(np.intp).ravel()


@lru_cache(maxsize=1)
def _cells() -> npt.NDArray[np.int32]:
    """What each channel adds to the number of a cell, by place and value: int32 (3, 64, 256).

    Adding 0..step-1 before cutting to whole steps lands on the next grid point as often as it is near. The arrangement
    is Bayer's, turned so that it does not move together with the mixing of entries.
    """
    turned = np.roll(_bayer().reshape(8, 8)[::-1].T, (3, 1), axis=(0, 1)).ravel().astype(np.int32) % 8
    values = np.arange(256, dtype=np.int32)
    weights = (_LEVELS[1] * _LEVELS[2], _LEVELS[2], 1)
    return np.stack([(values + (turned * step // 8)[:, None]) // step * weight
                     for step, weight in zip(_STEPS, weights, strict=True)])


class PaletteMap:
    """A palette and what is known by now about the way colours go into it."""

    def __init__(self, palette: Image, usable: npt.NDArray[np.bool_] | None = None) -> None:
        """Prepare; the lookup fills as colours come.

        Args:
            palette: uint8 (N, 3), 1 <= N <= 256.
            usable: bool (N,): the entries that may be taken; None: all. At least one.
        """
        entries = np.arange(len(palette)) if usable is None else np.flatnonzero(usable)
        self._entries = entries.astype(np.uint8)
        self._points: FloatArray = palette[entries].astype(np.float32) * _SCALE
        self._light = self._points @ _SCALE
        cells = _LEVELS[0] * _LEVELS[1] * _LEVELS[2]
        self._filled = np.zeros(cells, bool)
        self._mixes = np.zeros((cells, _MIX), np.uint8)

    def map(self, pixels: npt.NDArray[np.uint8], place: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Indices of pixels.

        Args:
            pixels: uint8 (M, 3).
            place: uint8 (M,), from `places`: where they lie in the frame.

        Returns:
            uint8 (M,).
        """
        red, green, blue = _cells()
        cells = red[place, pixels[:, 0]] + green[place, pixels[:, 1]] + blue[place, pixels[:, 2]]
        wanted = np.zeros(self._filled.shape, bool)
        wanted[cells] = True
        missing = np.flatnonzero(wanted & ~self._filled)
        if missing.size:
            self._fill(missing)
        return np.asarray(self._mixes[cells, _bayer()[place] * _MIX // _THRESHOLDS], np.uint8)

    def _fill(self, cells: npt.NDArray[np.intp]) -> None:
        for at in range(0, len(cells), _CHUNK):
            self._fill_chunk(cells[at:at + _CHUNK])

    def _fill_chunk(self, cells: npt.NDArray[np.intp]) -> None:
        rest, blue = np.divmod(cells, _LEVELS[2])
        steps = np.stack([*np.divmod(rest, _LEVELS[1]), blue], axis=1)
        wanted = np.minimum(steps * _STEPS, 255).astype(np.float32) * _SCALE
        owed: FloatArray = np.zeros_like(wanted)
        mix = np.empty((len(cells), _MIX), np.intp)
        for number in range(_MIX):
            mix[:, number] = _nearest(wanted + np.float32(_STRENGTH) * owed, self._points)
            owed += wanted - self._points[mix[:, number]]
        # From dark to light, so that neighbouring thresholds give like entries wherever the mix is like.
        order = np.argsort(self._light[mix], axis=1, kind="stable")
        self._mixes[cells] = self._entries[np.take_along_axis(mix, order, axis=1)]
        self._filled[cells] = True


def _nearest(wanted: FloatArray, points: FloatArray) -> npt.NDArray[np.intp]:
    """The nearest of `points` (N, 3) for each of `wanted` (M, 3): intp (M,)."""
    import cv2

    # Twice to eight times as fast as numpy, whose matrix product starts threads that wait for each other.
    _, found = cv2.batchDistance(wanted, points, cv2.CV_32F, normType=cv2.NORM_L2SQR, K=1)
    return np.asarray(found, np.intp)[:, 0]


def nearest(pixels: npt.NDArray[np.uint8], palette: Image) -> Plane:
    """The nearest entry of each colour, without dithering: uint8 (M, 3), uint8 (N, 3) -> uint8 (M,)."""
    return _nearest(pixels.astype(np.float32) * _SCALE, palette.astype(np.float32) * _SCALE).astype(np.uint8)


def places(window: Window, mask: Mask) -> npt.NDArray[np.uint8]:
    """Where the pixels of a mask (h, w), which lies at `window` in the frame, fall in the pattern: uint8 (M,)."""
    rows, columns = (np.arange(part.start, part.stop, dtype=np.uint8) & 7 for part in window)
    return np.asarray((rows[:, None] * np.uint8(8) + columns)[mask], np.uint8)


def seen_error(wanted: Image, shown: Image, mask: npt.NDArray[np.bool_]) -> float:
    """How far two pictures are apart for an eye that does not see single pixels.

    Args:
        wanted: uint8 (H, W, 3).
        shown: Likewise.
        mask: bool (H, W): where to look; outside it the pictures must be equal.

    Returns:
        Root of the mean, over the mask, of the weighted squared difference of the pictures blurred by a box of 5x5
        pixels; 0..255. Dithering hides below 1.5, 3 is soft banding, 6 a wrong colour.
    """
    import cv2

    # Times 16, so that the blur, which is rounded, keeps a fraction.
    difference = cv2.subtract(shown, wanted, dtype=cv2.CV_16S) * 16
    blurred = cv2.blur(difference, (5, 5), borderType=cv2.BORDER_REPLICATE)
    mean, deviation = cv2.meanStdDev(blurred, mask=mask.view(np.uint8))
    squares = (mean * mean + deviation * deviation).ravel()
    return float(np.sqrt(squares @ np.array(WEIGHTS))) / 16


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
