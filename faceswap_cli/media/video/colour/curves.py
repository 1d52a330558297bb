"""Tone curves between high dynamic range signals and the eight bits that faces are drawn in.

Each channel goes through one rising curve by itself, so that it can be undone: what is drawn into a picture goes back
into its own signal. Light is counted in multiples of the reference white, 203 cd/m2, which for HLG is a signal of 0.75
on a display of 1000 cd/m2. Up to near white the curve is the gamma of an ordinary display; highlights above are rolled
off towards 255.

Sources: ITU-R BT.2100 (the transfer functions of PQ and HLG), BT.2408 (reference white), BT.1886 (gamma 2.4).
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

PQ, HLG = 16, 18
"""FFmpeg's numbers of the transfer characteristics SMPTE ST 2084 and ARIB STD-B67."""

CODES = 1 << 16
"""Signals are taken with 16 bits: 0 is none, the last is full."""

_WHITE = 203.0
_HLG_WHITE = 0.75
_HLG_GAMMA = 1.2
_DISPLAY_GAMMA = 2.4

_KNEE = 0.7
"""Of the display's signal: where the roll-off begins; reference white comes out near 0.86."""


@cache
def shown_by_signal(transfer: int) -> npt.NDArray[np.uint8]:
    """What is handed out for each signal: uint8 (CODES,), never falling."""
    return np.rint(_shown(transfer) * 255).astype(np.uint8)


@cache
def signal_by_shown(transfer: int) -> npt.NDArray[np.float32]:
    """The signal, 0..1, that each value stands for: float32 (256,), rising."""
    signal = np.linspace(0.0, 1.0, CODES)
    return np.interp(np.arange(256), _shown(transfer) * 255, signal).astype(np.float32)


def _shown(transfer: int) -> npt.NDArray[np.float64]:
    return _roll_off(_light(np.linspace(0.0, 1.0, CODES), transfer))


def _light(signal: npt.NDArray[np.float64], transfer: int) -> npt.NDArray[np.float64]:
    """Light on the display, 1 = reference white."""
    if transfer == PQ:
        m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
        root = signal ** (1 / m2)
        light: npt.NDArray[np.float64] = (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1) * (10_000 / _WHITE)
        return light
    # The display's gamma belongs to the luminance of a pixel; by channel it stays within what one curve can undo.
    relative: npt.NDArray[np.float64] = (_scene(signal) / _scene(np.array(_HLG_WHITE))) ** _HLG_GAMMA
    return relative


def _scene(signal: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(signal <= 0.5, signal ** 2 / 3, (np.exp((signal - c) / a) + b) / 12)


def _roll_off(light: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A display's signal, 0..1, for light that rises from 0 to the most that there is.

    Gamma, and from the knee on a hyperbola that meets it without a kink and ends at 1.
    """
    signal = light ** (1 / _DISPLAY_GAMMA)
    above = np.maximum(signal - _KNEE, 0) / (1 - _KNEE)
    return np.where(signal <= _KNEE, signal, _KNEE + (1 - _KNEE) * above / (1 + above * (1 - 1 / above.max())))
