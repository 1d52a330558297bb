"""The one image type: uint8 (H, W, 3), RGB, C-contiguous. Only adapters to BGR libraries flip."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
"""uint8 (H, W, 3) RGB."""

Plane = npt.NDArray[np.uint8]
"""uint8 (H, W): one channel, e.g. alpha."""

FloatArray = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]
"""float64 (N, 2): x right, y down, in pixels; the centre of the first pixel is (0, 0)."""


def on_white(pixels: Image, alpha: Plane) -> Image:
    """What remains of a transparent picture in a format without transparency: the picture on white."""
    weight = alpha[..., None].astype(np.uint16)
    over = pixels * weight + 255 * (255 - weight)
    return ((over + 127) // 255).astype(np.uint8)
