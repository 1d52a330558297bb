"""Landmarks without jitter: a filter that holds still faces still and follows moving ones at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faceswap_cli.faces.pose import Camera
from faceswap_cli.image import Points


class OneEuro:
    """The one-euro filter (Casiez, Roussel & Vogel 2012) over an array of 2-D points, one step per frame.

    A low-pass whose cutoff rises with speed. Speeds below `noise` count as rest, so that jitter does not open it.
    """

    def __init__(self, rest: float, gain: float, noise: float) -> None:
        """Set up.

        Args:
            rest: Weight of a new value at rest, 0..1; smaller is stiller.
            gain: Cutoff, in cycles a frame, gained per unit of speed.
            noise: Speed, in units a frame, that is put down to jitter.
        """
        self._floor = rest / (2 * np.pi * (1 - rest))
        self._gain = gain
        self._noise = noise
        self._value: npt.NDArray[np.float64] | None = None
        self._speed: npt.NDArray[np.float64] = np.zeros(1)

    def __call__(self, value: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The filtered value (N, 2); the first one comes as it is."""
        if self._value is None:
            self._value, self._speed = value, np.zeros_like(value)
            return value
        # The speed is that of the raw values against the filtered ones: a lag shows as speed and opens the filter.
        # Where motion turns back, the averaged speed is small while the lag is not: twice the jitter counts at once.
        lag = value - self._value
        self._speed = self._speed + 0.5 * (lag - self._speed)
        moving = np.maximum(_length(self._speed) - self._noise, _length(lag) - 2 * self._noise).clip(min=0.0)
        cutoff = 2 * np.pi * (self._floor + self._gain * moving)
        self._value = self._value + cutoff / (1 + cutoff) * (value - self._value)
        return self._value


class LandmarkSmoother:
    """Smooths the place of a face and the shape of its landmarks apart: places are known better than single points."""

    def __init__(self) -> None:
        self._place = OneEuro(rest=0.35, gain=40.0, noise=0.008)
        self._size = OneEuro(rest=0.3, gain=40.0, noise=0.01)
        self._shape = OneEuro(rest=0.3, gain=12.0, noise=0.012)
        self._unit = 0.0

    def __call__(self, points: Points, camera: Camera) -> Points:
        """The smoothed landmarks.

        Args:
            points: float64 (68, 2), as located in this frame.
            camera: The camera fitted to them.
        """
        # Places and sizes are measured in the first frame's inter-ocular distances, shapes in this frame's.
        self._unit = self._unit or camera.scale
        axis = camera.scale * np.array([np.cos(camera.roll), np.sin(camera.roll)])
        shape = _turn(points - camera.offset, axis, inverse=True)
        place = self._place(camera.offset[None] / self._unit)[0] * self._unit
        axis = self._size(axis[None] / self._unit)[0] * self._unit
        smoothed: Points = place + _turn(self._shape(shape), axis)
        return smoothed


def _length(vectors: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    length: npt.NDArray[np.float64] = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return length


def _turn(points: Points, axis: npt.NDArray[np.float64], inverse: bool = False) -> Points:
    """Scale and rotate points by the complex number `axis`, or back."""
    factor = complex(axis[0], axis[1])
    turned = (points[:, 0] + 1j * points[:, 1]) * (1 / factor if inverse else factor)
    return np.stack([turned.real, turned.imag], axis=1)
