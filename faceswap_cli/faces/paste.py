"""Crops that neural models take, cut and pasted back: only the part of the picture that a crop covers is touched.

The border of a crop fades as insightface fades it: the crop's outline in the picture, eroded by a tenth of its size and
blurred by a twentieth. For a crop that lies in the picture whole, that mask has a closed form in the crop, where its
sides are straight: a product of two ramps. It is warped with the colours, as their fourth channel. Where the picture
cuts the crop off, or steps of a pixel matter, the mask is computed in the picture, but in the region of the crop alone.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from faceswap_cli.faces.align import Matrix, invert, matrix_scale, transform
from faceswap_cli.image import Image, Plane

SMALL = 160
"""Pixels of the picture below which a crop's mask is computed there: as fast, and steps of a pixel matter."""

_INSIDE = 20 / 255
"""insightface counts a pixel to the crop when more than this of it is covered, after bilinear interpolation."""

_ALIASES = 3.0
"""Pixels of the crop in one of the picture above which bilinear sampling leaves too many out."""

_ROWS = 32
"""Rows that are blended at a time, so that they stay in the cache."""

_Z = np.linspace(-4, 4, 513)
_NORMAL = np.array([0.5 + 0.5 * math.erf(z / math.sqrt(2)) for z in _Z])


class Region(NamedTuple):
    """The pixels x0 <= x < x1, y0 <= y < y1 of a picture.

    `whole`: all of the crop lies in the picture.
    """

    x0: int
    y0: int
    x1: int
    y1: int
    whole: bool

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.x1 - self.x0, self.y1 - self.y0


def cut(image: Image, matrix: Matrix, side: int) -> Image:
    """A crop, uint8 (side, side, 3): bilinear, black beyond the picture; that of insightface's `norm_crop2`.

    Args:
        image: uint8 (H, W, 3).
        matrix: From picture to crop.
        side: Of the crop.
    """
    return np.asarray(cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_LINEAR), np.uint8)


def covered(matrix: Matrix, side: int, picture: tuple[int, int]) -> Region:
    """The part of a picture that a crop shows; of no pixels when it shows nothing.

    Args:
        matrix: From picture to crop. One that is not finite shows nothing, nor does one of two pixels or fewer.
        side: Of the crop.
        picture: Width and height.
    """
    if not np.isfinite(matrix).all() or not 0 < matrix_scale(matrix) < side / 2:
        return Region(0, 0, 0, 0, False)
    # Interpolation reaches one pixel beyond the crop.
    corners = transform(invert(matrix), np.array([[-1.0, -1.0], [side, -1.0], [-1.0, side], [side, side]]))
    low, high = np.floor(corners.min(0)), np.ceil(corners.max(0)) + 1
    size = np.asarray(picture, np.float64)
    whole = bool((low >= 0).all() and (high <= size).all())
    x0, y0 = (int(value) for value in np.clip(low, 0, size))
    x1, y1 = (int(value) for value in np.clip(high, 0, size))
    return Region(x0, y0, x1, y1, whole)


def paste(image: Image, crop: Image, matrix: Matrix, mask: Plane | None = None) -> None:
    """Put a crop back where it was cut from, in place. Where its weight is 0 no pixel changes.

    Args:
        image: uint8 (H, W, 3).
        crop: uint8 (side, side, 3).
        matrix: From picture to crop.
        mask: uint8 (side, side), the weight of the crop's pixels; None: the feathered box of the whole crop. The
            outermost pixels count as 0, since beyond them there is nothing to interpolate with.
    """
    side = crop.shape[0]
    picture = (image.shape[1], image.shape[0])
    region = covered(matrix, side, picture)
    if min(region.size) <= 0:
        return
    scale = matrix_scale(matrix)
    if scale > _ALIASES:
        crop = np.asarray(cv2.GaussianBlur(crop, (0, 0), 0.35 * scale), np.uint8)
    if mask is not None:
        _paste_layers(image, crop, matrix, region, mask)
    elif region.whole and min(region.size) >= SMALL:
        _paste_layers(image, crop, matrix, region, box_mask(matrix, side, picture))
    else:
        _paste_exactly(image, crop, matrix, region)


def box_mask(matrix: Matrix, side: int, picture: tuple[int, int]) -> Plane:
    """The weight of a crop's pixels: 255, falling to 0 towards its border; uint8 (side, side).

    Args:
        matrix: From picture to crop.
        side: Of the crop.
        picture: Width and height; of a crop that the picture cuts off, what is seen counts for the feather.
    """
    low, high = _INSIDE - 1, side - _INSIDE
    first, last = _extent(matrix, side, picture)
    erosion, radius = _feather(*(last - first))
    before = erosion // 2
    after = erosion - 1 - before
    scale = matrix_scale(matrix)
    ramps = []
    for row, (across, along) in zip(matrix, ((0, 1), (1, 0)), strict=True):
        if abs(row[across]) < abs(row[along]):
            across, along = along, across
        places = np.arange(first[along], last[along] + 1)
        # A pixel stays when the whole square around it is within; here, between two sides of the crop.
        start = low - np.minimum(-before * row[:2], after * row[:2]).sum()
        end = high - np.maximum(-before * row[:2], after * row[:2]).sum()
        start += _step(row[across], row[along], start - row[2], places)
        end -= _step(-row[across], -row[along], row[2] - end, places)
        ramps.append(_plateau(side, start, end, radius, scale))
    return np.rint(np.outer(ramps[1], ramps[0]) * 255).astype(np.uint8)


def _extent(matrix: Matrix, side: int, picture: tuple[int, int]) -> tuple[npt.NDArray[np.float64], ...]:
    """First and last column and row, float64 (2,) each, of the pixels that count to a crop."""
    back = invert(matrix)
    corners = transform(back, np.array([[0.0, 0.0], [side - 1.0, 0.0], [0.0, side - 1.0], [side - 1.0, side - 1.0]]))
    # A pixel beyond the crop's last ones by p and q of its pixels is covered by (1 - p)(1 - q): the corners are round.
    small, large = np.sort(np.abs(back[:, :2]), axis=1).T
    kept = np.where(small > _INSIDE * large, 2 * np.sqrt(_INSIDE * small * large), _INSIDE * large + small)
    reach = small + large - kept
    first = np.maximum(np.ceil(corners.min(0) - reach), 0)
    last = np.minimum(np.floor(corners.max(0) + reach), np.asarray(picture) - 1.0)
    return first, last


def _step(across: float, along: float, edge: float, places: npt.NDArray[np.float64]) -> float:
    """How much further in than an edge its pixels begin, on average, as seen from the middle of a pixel.

    The pixels within are those with `across * x + along * y >= edge`. Along an edge that leans they begin now sooner,
    now later, and it is nothing; of an edge that runs with the pixels it can be half of one.
    """
    if not len(places) or abs(along) * len(places) > 8 * abs(across):
        return 0.0
    begin = (edge - along * places) / across
    whole = np.ceil(begin) if across > 0 else np.floor(begin)
    return float((whole - begin).mean() * across - abs(across) / 2)


def _feather(width: float, height: float) -> tuple[int, int]:
    """Side of the square that erodes an outline of that width and height, and radius of the kernel: insightface's."""
    size = int(np.sqrt(max(width, 0.0) * max(height, 0.0)))
    return max(size // 10, 10), max(size // 20, 5)


def _sigma(radius: int) -> float:
    """Of a Gaussian kernel of that radius, when OpenCV is left to choose it."""
    return 0.3 * (radius - 1) + 0.8


def _plateau(side: int, low: float, high: float, radius: int, scale: float) -> npt.NDArray[np.float64]:
    """1 between two places of a line of `side` pixels of the crop, blurred by `radius` pixels of the picture."""
    at = np.arange(side)
    reach = (radius + 0.5) / _sigma(radius)
    floor = np.interp(-reach, _Z, _NORMAL)

    def rise(edge: float) -> npt.NDArray[np.float64]:
        z = np.clip((at - edge) / (scale * _sigma(radius)), -reach, reach)
        # The kernel ends at its radius, and so does the blurred edge.
        return np.asarray((np.interp(z, _Z, _NORMAL) - floor) / (1 - 2 * floor), np.float64)

    return np.maximum(rise(low) - rise(high), 0.0)


def _paste_layers(image: Image, crop: Image, matrix: Matrix, region: Region, mask: Plane) -> None:
    """One warp of colours and weight, one blend."""
    layers = np.zeros((*crop.shape[:2], 4), np.uint8)
    layers[..., :3] = crop
    layers[1:-1, 1:-1, 3] = mask[1:-1, 1:-1]
    warped = cv2.warpAffine(layers, _into(matrix, region), region.size, flags=cv2.INTER_LINEAR)
    weight = warped[..., 3].astype(np.float32)
    part = image[region.y0:region.y1, region.x0:region.x1]
    part[:] = cv2.blendLinear(cv2.cvtColor(warped, cv2.COLOR_RGBA2RGB), np.ascontiguousarray(part), weight,
                              np.float32(255) - weight)


def _paste_exactly(image: Image, crop: Image, matrix: Matrix, region: Region) -> None:
    """With the mask computed in the picture, as insightface does, to the rounding."""
    into = _into(matrix, region)
    colours = cv2.warpAffine(crop, into, region.size, flags=cv2.INTER_LINEAR)
    white = np.full(crop.shape[:2], 255, np.float32)
    cover = cv2.warpAffine(white, into, region.size, flags=cv2.INTER_LINEAR)
    weight = np.where(cover > 255 * _INSIDE, np.float32(255), cover)
    inside = weight == 255
    across, down = np.flatnonzero(inside.any(0)), np.flatnonzero(inside.any(1))
    if not across.size:
        return
    erosion, radius = _feather(float(across[-1] - across[0]), float(down[-1] - down[0]))
    # What lies beyond the picture counts as covered: a face that leaves it does not fade there.
    weight = cv2.erode(weight, np.ones((erosion, erosion), np.uint8))
    width = 2 * radius + 1
    weight = cv2.GaussianBlur(weight, (width, width), 0) / np.float32(255)
    part = image[region.y0:region.y1, region.x0:region.x1]
    for first in range(0, len(part), _ROWS):
        rows = slice(first, first + _ROWS)
        # Three equal channels: broadcasting one over them would be six times as slow.
        weights = cv2.merge([weight[rows]] * 3)
        blended = weights * colours[rows]
        blended += (1 - weights) * part[rows]
        part[rows] = blended


def _into(matrix: Matrix, region: Region) -> Matrix:
    """From the crop to the region."""
    back = invert(matrix)
    back[:, 2] -= [region.x0, region.y0]
    return back
