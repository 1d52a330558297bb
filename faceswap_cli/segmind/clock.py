"""Time as the client sees it: replaceable, so that waiting can be tested and a batch can be woken up."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """What tells the time and waits. A `sleep` may raise to end the waiting of an interrupted batch."""

    def monotonic(self) -> float:
        """Seconds since some point in time; never runs backwards."""

    def now(self) -> float:
        """Seconds since 1970, UTC."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's own."""

    def monotonic(self) -> float:
        """As `time.monotonic`."""
        return time.monotonic()

    def now(self) -> float:
        """As `time.time`."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """As `time.sleep`."""
        time.sleep(seconds)


class Deadline:
    """A point in time that all steps of one job share.

    Attributes:
        seconds: How long the job may take in all.
        end: On the clock's `monotonic`.
    """

    __slots__ = ("_clock", "end", "seconds")

    def __init__(self, seconds: float, clock: Clock) -> None:
        self.seconds = seconds
        self.end = clock.monotonic() + seconds
        self._clock = clock

    def left(self) -> float:
        """Seconds left; 0 or less when it is over."""
        return self.end - self._clock.monotonic()

    @property
    def shown(self) -> str:
        """`seconds` as messages show them."""
        return show_seconds(self.seconds)


def show_seconds(seconds: float) -> str:
    """Seconds without digits that mean nothing."""
    return f"{round(seconds, 1):g}" if seconds < 1e5 else f"{seconds:.0f}"
