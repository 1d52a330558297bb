"""Maps true colours into a palette: ordered dithering between the two entries that mix best.

Ordered, because the choice depends on the colour and the place alone: what stands still in a clip stays as it is,
where error diffusion would crawl. Colours are compared as the eye weighs them (luma weights of ITU-R BT.601).
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

_PARTNERS = 8
"""How many near entries are tried as the second of a mix."""

_CONTRAST = 0.4
"""Cost of the grain of a mix against its error in the mean; 0 would mix black and white to grey. Measured on portraits:
0.1 gives 34.9 dB, 0.4 36.2, 1.6 37.1; blurred, as the eye sees it, 45.4, 44.8, 43.6."""

_CHUNK = 2048
"""Cells filled at a time; bounds the memory."""


@lru_cache(maxsize=1)
def _bayer() -> Plane:
    """Bayer's 8x8 arrangement of 0..63, as one row: uint8 (64,)."""
    matrix = np.zeros((1, 1), np.int64)
    for _ in range(3):
        matrix = np.block([[4 * matrix, 4 * matrix + 2], [4 * matrix + 3, 4 * matrix + 1]])
    return matrix.astype(np.uint8).ravel()


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
        cells = _LEVELS[0] * _LEVELS[1] * _LEVELS[2]
        self._filled = np.zeros(cells, bool)
        self._first, self._second, self._share = (np.zeros(cells, np.uint8) for _ in range(3))
        self._near = np.zeros((len(entries), min(_PARTNERS, len(entries))), np.intp)
        self._near_known = np.zeros(len(entries), bool)

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
        second = self._share[cells] > _bayer()[place]
        return np.asarray(np.where(second, self._second[cells], self._first[cells]), np.uint8)

    def _fill(self, cells: npt.NDArray[np.intp]) -> None:
        for at in range(0, len(cells), _CHUNK):
            self._fill_chunk(cells[at:at + _CHUNK])

    def _fill_chunk(self, cells: npt.NDArray[np.intp]) -> None:
        rest, blue = np.divmod(cells, _LEVELS[2])
        steps = np.stack([*np.divmod(rest, _LEVELS[1]), blue], axis=1)
        wanted = np.minimum(steps * _STEPS, 255).astype(np.float32) * _SCALE
        first = _nearest(wanted, self._points)[:, 0]
        self._find_neighbours(np.unique(first))
        near = self._near[first]
        origin = self._points[first]
        edge = self._points[near] - origin[:, None]
        length = np.einsum("nkc,nkc->nk", edge, edge)
        away = wanted - origin
        along = np.einsum("nkc,nc->nk", edge, away)
        share = np.clip(along / np.maximum(length, 1e-6), 0, 1)
        error = np.einsum("nc,nc->n", away, away)[:, None] - 2 * share * along + share * share * length
        best = np.argmin(error + _CONTRAST * share * (1 - share) * length, axis=1)
        picked = np.arange(len(cells)), best
        self._first[cells] = self._entries[first]
        self._second[cells] = self._entries[near[picked]]
        self._share[cells] = np.rint(share[picked] * 64)
        self._filled[cells] = True

    def _find_neighbours(self, entries: npt.NDArray[np.intp]) -> None:
        """Fill in the entries next to those given, themselves among them."""
        entries = entries[~self._near_known[entries]]
        if entries.size:
            self._near[entries] = _nearest(self._points[entries], self._points, self._near.shape[1])
            self._near_known[entries] = True


def _nearest(wanted: FloatArray, points: FloatArray, count: int = 1) -> npt.NDArray[np.intp]:
    """The `count` nearest of `points` (N, 3) for each of `wanted` (M, 3): intp (M, count)."""
    import cv2

    # Twice to eight times as fast as numpy, whose matrix product starts threads that wait for each other.
    _, found = cv2.batchDistance(wanted, points, cv2.CV_32F, normType=cv2.NORM_L2SQR, K=count)
    return np.asarray(found, np.intp)


def nearest(pixels: npt.NDArray[np.uint8], palette: Image) -> Plane:
    """The nearest entry of each colour, without dithering: uint8 (M, 3), uint8 (N, 3) -> uint8 (M,)."""
    return _nearest(pixels.astype(np.float32) * _SCALE, palette.astype(np.float32) * _SCALE)[:, 0].astype(np.uint8)


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
    blurred = cv2.blur(difference, (5, 5), borderType=cv2.BORDER_ISOLATED)
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
