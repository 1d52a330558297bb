"""Durations in the units of a format, without losing time."""

from __future__ import annotations

from fractions import Fraction


class FrameClock:
    """Rounds durations so that their sum stays: what one frame gets too much, a later one gets less."""

    def __init__(self, rate: int) -> None:
        """Count in units of 1 / `rate` seconds."""
        self._rate = rate
        self._time = Fraction(0)
        self._ticks = 0

    def tick(self, duration: Fraction) -> int:
        """The whole units that the next frame is shown; `duration` is in seconds, 0 or more."""
        self._time += duration
        ticks = round(self._time * self._rate) - self._ticks
        self._ticks += ticks
        return ticks
