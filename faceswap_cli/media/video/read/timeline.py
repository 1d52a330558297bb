"""When frames are shown, and for how long: pure functions over times, in seconds, as exact fractions.

Each works on a stream of `Timed`, in the order in which they are shown, and holds one or two of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from math import floor
from typing import Any, TypeVar

from faceswap_cli.media.frame import Frame
from faceswap_cli.trim import Trim

LOWEST_KEPT_RATE = 30
"""Frames a second that are left without `--keep-fps`."""

_EARLY = Fraction(1, 20)
"""Of a tick, that a frame may come too early: the times of many containers are rounded to milliseconds."""

_JUMP = Fraction(1, 4)
"""Seconds: a longer step back is a clock that was set anew; a shorter one, a time told wrong."""


@dataclass(frozen=True, slots=True, eq=False)
class Timed:
    """A decoded picture with its place on the clock of its file.

    Attributes:
        picture: An `av.VideoFrame`.
        time: At which it is shown.
        duration: For how long.
    """

    picture: Any
    time: Fraction
    duration: Fraction = Fraction(0)


Shown = TypeVar("Shown", Timed, Frame)


def placed(pictures: Iterable[Any], time_base: Fraction, step: Fraction) -> Iterator[Timed]:
    """Give each picture the time that its file tells, and one that is later than that of the picture before.

    Args:
        pictures: Decoded, in the order in which they are shown; `pts` and `duration` count in `time_base`, None and 0
            where the file tells none.
        time_base: In seconds.
        step: Seconds from one to the next where nothing is told.

    Yields:
        With the duration that the file tells for the picture by itself, or `step`.
    """
    shift, last = Fraction(0), None
    for picture in pictures:
        own = picture.duration * time_base if picture.duration else Fraction(0)
        if picture.pts is None:
            time = Fraction(0) if last is None else last.time + last.duration
        else:
            time = picture.pts * time_base + shift
            if last is not None and time <= last.time:
                if last.time - time > _JUMP:
                    shift += last.time + last.duration - time
                    time = last.time + last.duration
                else:
                    time = last.time + time_base
        last = Timed(picture, time, own if own > 0 else step)
        yield last


def lasting(frames: Iterable[Timed], end: Fraction | None = None,
            unit: Fraction = Fraction(1, 1000)) -> Iterator[Timed]:
    """Let each frame last until the next one; the last one keeps its own duration, or goes at `end` if that is earlier.

    What a file tells for a packet by itself is the time until the next one in the order of decoding, which for the last
    one is often another picture's. `end` is rounded to `unit`.
    """
    waiting: Timed | None = None
    for frame in frames:
        if waiting is not None:
            yield replace(waiting, duration=frame.time - waiting.time)
        waiting = frame
    if waiting is not None:
        if end is not None and waiting.time + unit < end < waiting.time + waiting.duration - unit:
            waiting = replace(waiting, duration=end - waiting.time)
        yield waiting


def trimmed(frames: Iterable[Timed], trim: Trim | None, beginning: Fraction) -> Iterator[Timed]:
    """The frames that are shown in a part of a clip; times count from where that begins.

    Args:
        frames: As `lasting` gives them.
        trim: The part; None: all.
        beginning: The time of the first frame of the file.
    """
    start = beginning + (trim.start if trim is not None else 0)
    end = beginning + trim.end if trim is not None and trim.end is not None else None
    for frame in frames:
        stop = frame.time + frame.duration
        if end is not None:
            if frame.time >= end:
                return
            stop = min(stop, end)
        if stop <= start:
            continue
        time = max(frame.time, start)
        yield Timed(frame.picture, time - start, stop - time)
        if end is not None and stop >= end:
            return


def thinned(frames: Iterable[Shown], rate: int = LOWEST_KEPT_RATE) -> Iterator[Shown]:
    """Drop frames so that at most `rate` a second are left; those that stay last longer.

    Which stay depends on their times alone: of those between two ticks of a clock with that rate, the first.

    Args:
        frames: `Timed`, or frames of a video, which have times too.
        rate: Frames a second.
    """
    waiting: Shown | None = None
    last = -1
    for frame in frames:
        assert frame.time is not None
        tick = floor(frame.time * rate + _EARLY)
        if waiting is None or tick > last:
            if waiting is not None:
                yield waiting
            waiting, last = frame, tick
        else:
            assert waiting.time is not None
            waiting = replace(waiting, duration=frame.time + frame.duration - waiting.time)
    if waiting is not None:
        yield waiting
