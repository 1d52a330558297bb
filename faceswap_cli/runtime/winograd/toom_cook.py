"""The matrices of Winograd's F(4, 3): four outputs of a three-tap correlation with six multiplications.

For data `d` (6) and taps `w` (3): `output @ ((taps @ w) * (data @ d))` equals `[d[i:i + 3] @ w for i in range(4)]`.

Source: the Toom-Cook construction (A. L. Toom 1963, S. A. Cook 1966) in the form of S. Winograd, "Arithmetic
Complexity of Computations" (1980), and A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks"
(2015): evaluate at the points 0, 1, -1, 2, -2 and infinity, multiply, interpolate.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.polynomial.polynomial import polyfromroots
from numpy.typing import NDArray

OUTPUTS: Final = 4
"""Outputs of one tile along one axis."""

TAPS: Final = 3

SAMPLES: Final = OUTPUTS + TAPS - 1
"""Inputs of one tile along one axis, and multiplications."""

POINTS: Final = (0, 1, -1, 2, -2)

Matrix = NDArray[np.float64]


def matrices() -> tuple[Matrix, Matrix, Matrix]:
    """The three matrices of F(4, 3).

    Each row of the data matrix is divided by a power of two near its largest entry, and the row of the taps multiplied
    by it: both keep a like scale, so that float32 loses less in between, and nothing is rounded by it.

    Returns:
        `output` (4, 6), `taps` (6, 3), `data` (6, 6), float64.
    """
    output = np.zeros((OUTPUTS, SAMPLES))
    taps = np.zeros((SAMPLES, TAPS))
    data = np.zeros((SAMPLES, SAMPLES))
    for row, point in enumerate(POINTS):
        others = [other for other in POINTS if other != point]
        weight = math.prod(point - other for other in others)
        output[:, row] = [point**power for power in range(OUTPUTS)]
        taps[row] = [point**power / weight for power in range(TAPS)]
        data[row, : len(POINTS)] = polyfromroots(others)  # small whole numbers, and so exact
    output[-1, -1] = taps[-1, -1] = 1
    data[-1] = polyfromroots(POINTS)
    scale = 2.0 ** np.round(np.log2(np.abs(data).max(axis=1)))
    return output, taps * scale[:, None], data / scale[:, None]
