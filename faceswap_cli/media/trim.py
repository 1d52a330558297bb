"""Takes a part of an animation: `--trim` for what is not a video."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from faceswap_cli.errors import UsageError
from faceswap_cli.media.frame import Frame, Reader
from faceswap_cli.media.handles import ReaderAround
from faceswap_cli.trim import Trim


class TrimmedReader(ReaderAround):
    """A reader that hands out the frames shown from `trim.start` to `trim.end`.

    A frame that is shown across one of these is shown for that part of its time.
    """

    def __init__(self, reader: Reader, name: str, trim: Trim) -> None:
        """Wrap an open reader, which is closed with this one.

        Args:
            reader: Of a clip.
            name: How to call it in messages.
            trim: The part that is taken.

        Raises:
            UsageError: It is a still.
        """
        if not reader.info.animated:
            raise UsageError(f"--trim: {name} is one picture; drop --trim")
        super().__init__(reader)
        self._name = name
        self._trim = trim

    def frames(self) -> Iterator[Frame]:
        """The frames of the part; UsageError: it begins behind the end."""
        start, end = self._trim.start, self._trim.end
        time, found = Fraction(0), False
        for frame in self._reader.frames():
            stop = time + frame.duration
            if end is not None and time >= end:
                break
            shown = (stop if end is None else min(stop, end)) - max(time, start)
            if shown > 0 or (time >= start and frame.duration == 0):
                found = True
                yield frame if shown == frame.duration else replace(frame, duration=shown)
            time = stop
        if not found:
            raise UsageError(f"--trim begins at {float(start):.2f} seconds and {self._name} plays only "
                             f"{float(time):.2f} seconds")
