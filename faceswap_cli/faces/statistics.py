"""Medians and percentiles of plain arrays. numpy's own import its masked arrays, 20 ms, before they do the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt


def middle(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The upper median along the first axis of at least one sample."""
    half = len(samples) // 2
    upper: npt.NDArray[np.float32] = np.partition(samples, half, axis=0)[half]
    return upper


def percentiles(samples: npt.NDArray[Any], percents: Sequence[float] | npt.NDArray[np.float64]) -> list[float]:
    """Percentiles 0..100 of the samples, interpolated between neighbours as numpy does by default."""
    ordered = np.sort(samples, axis=None)
    places = np.asarray(percents, np.float64) / 100 * (len(ordered) - 1)
    return [float(value) for value in np.interp(places, np.arange(len(ordered)), ordered)]
