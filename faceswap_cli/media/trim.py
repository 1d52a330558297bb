"""Takes a part of an animation: `--trim` for what is not a video."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from faceswap_cli.errors import UsageError
from faceswap_cli.media.frame import Frame
from faceswap_cli.text import opt
from faceswap_cli.trim import Trim


def trimmed(frames: Iterator[Frame], name: str, trim: Trim) -> Iterator[Frame]:
    """The frames shown from `trim.start` to `trim.end`; one shown across these, for that part of its time.

    Args:
        frames: All of a clip.
        name: How to call it in messages.
        trim: The part that is taken.

    Raises:
        UsageError: The part begins behind the end.
    """
    start, end = trim.start, trim.end
    time, found = Fraction(0), False
    for frame in frames:
        stop = time + frame.duration
        if end is not None and time >= end:
            break
        shown = (stop if end is None else min(stop, end)) - max(time, start)
        if shown > 0 or (time >= start and frame.duration == 0):
            found = True
            yield frame if shown == frame.duration else replace(frame, duration=shown)
        time = stop
    if not found:
        raise UsageError(f"{opt('trim')} begins at {float(start):.2f} seconds and {name} plays only {float(time):.2f} "
                         "seconds")
