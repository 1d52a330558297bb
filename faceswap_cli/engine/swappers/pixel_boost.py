"""More pixels than a model has: a large crop is dealt out to interleaved small ones, which are swapped and collected.

Each small crop takes every k-th pixel of the large one from a start of its own. All show the whole face, shifted by
less than one of their pixels, so a model draws k * k faces that fit together. FaceFusion calls it pixel boost.
"""

from __future__ import annotations

from typing import Any

import numpy.typing as npt


def deal(crop: npt.NDArray[Any], times: int) -> npt.NDArray[Any]:
    """The small crops of a large one.

    Args:
        crop: (side * times, side * times, channels).
        times: Small pixels along a large crop's side, for each of a small one's.

    Returns:
        (times * times, side, side, channels); the start of number `n` is row `n // times`, column `n % times`.
    """
    side = crop.shape[0] // times
    cells = crop.reshape(side, times, side, times, -1)
    return cells.transpose(1, 3, 0, 2, 4).reshape(times * times, side, side, -1)


def collect(crops: npt.NDArray[Any], times: int) -> npt.NDArray[Any]:
    """The large crop of small ones; undoes `deal`."""
    side = crops.shape[1]
    cells = crops.reshape(times, times, side, side, -1)
    return cells.transpose(2, 0, 3, 1, 4).reshape(side * times, side * times, -1)
