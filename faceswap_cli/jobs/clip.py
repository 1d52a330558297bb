"""The way of the frames: decode, plan in order, render in parallel, write in order."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from faceswap_cli.jobs.backend import SwapBackend
from faceswap_cli.jobs.clock import Clock
from faceswap_cli.jobs.pipeline import map_ordered, pending_limit
from faceswap_cli.jobs.tally import Tally
from faceswap_cli.media.frame import Frame, Reader, Writer
from faceswap_cli.runtime.cores import core_count

OnFrame = Callable[[int, int | None], None]
"""Called after each frame with the number of frames done and, where known, of all frames."""

_BYTES_A_PIXEL = 8
"""RGB before and after, alpha and palette indices."""


@dataclass(frozen=True, slots=True, eq=False)
class _Planned:
    number: int
    frame: Frame
    plan: Any


@dataclass(frozen=True, slots=True, eq=False)
class _Rendered:
    planned: _Planned
    frame: Frame
    seconds: float


class ClipSwap:
    """Swaps the frames of one open reader with one prepared source.

    Attributes:
        duration: Seconds of the frames written.
        transparent: Whether a frame written had a pixel that was not opaque.
    """

    def __init__(self, backend: SwapBackend, source: Any, reader: Reader, clock: Clock,
                 workers: int | None = None) -> None:
        """Nothing is decoded yet.

        Args:
            backend: Finds and swaps faces.
            source: What `backend.prepare_source` returned.
            reader: Its frames have not been taken.
            clock: Gets the seconds of decode, analyse, swap and encode.
            workers: Threads that render; None: one for each core.
        """
        self.duration = Fraction(0)
        self.transparent = False
        self._backend = backend
        self._source = source
        self._reader = reader
        self._clock = clock
        self._workers = (workers or core_count()) if reader.info.animated else 1

    def write(self, writer: Writer, tally: Tally, on_frame: OnFrame | None = None) -> None:
        """Write every frame, swapped or as it came, and count what happened to its faces."""
        info = self._reader.info
        pending = pending_limit(self._workers, info.width * info.height * _BYTES_A_PIXEL)
        with _sharing_cores(self._workers):
            rendered = map_ordered(self._render, self._plans(), workers=self._workers, pending=pending,
                                   heavy=self._backend.heavy)
            for result in rendered:
                self._clock.add("swap", result.seconds)
                self._count(result.planned, tally)
                with self._clock.stage("encode"):
                    writer.write(result.frame)
                self.duration += result.frame.duration
                alpha = result.frame.alpha
                self.transparent = self.transparent or (alpha is not None and int(alpha.min()) < 255)
                if on_frame is not None:
                    on_frame(tally.frames, info.frame_count or None)

    def look(self, tally: Tally) -> None:
        """Analyse the first frame alone; what a dry run does."""
        for planned in self._plans():
            self._count(planned, tally)
            return

    def _plans(self) -> Iterator[_Planned]:
        clip = self._backend.open_clip(self._reader.info.frame_count) if self._reader.info.animated else None
        for number, frame in enumerate(self._clock.over("decode", self._reader.frames())):
            with self._clock.stage("analyse"):
                plan = self._backend.plan(self._source, frame.pixels, clip)
            yield _Planned(number, frame, plan)

    def _render(self, planned: _Planned) -> _Rendered:
        """Runs in a worker thread. A frame in which nothing is swapped stays the very same."""
        if not planned.plan.swaps:
            return _Rendered(planned, planned.frame, 0.0)
        start = time.perf_counter()
        pixels = self._backend.render(planned.plan, planned.frame.pixels)
        return _Rendered(planned, replace(planned.frame, pixels=pixels), time.perf_counter() - start)

    def _count(self, planned: _Planned, tally: Tally) -> None:
        plan = planned.plan
        tally.add(self._backend.outcomes(plan, planned.number), found=plan.found, swapped=plan.swapped)


@contextmanager
def _sharing_cores(workers: int) -> Iterator[None]:
    """Set up the process for frames that are rendered in parallel.

    OpenCV's own threads on top of them would only get in the way. A thread comes back from each of its many short calls
    to OpenCV sooner when the others give up the interpreter more often than every 5 ms: 8 % on a clip, on two cores.
    """
    if workers == 1:
        yield
        return
    import cv2

    threads, interval = cv2.getNumThreads(), sys.getswitchinterval()
    cv2.setNumThreads(1)
    sys.setswitchinterval(0.0005)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
        sys.setswitchinterval(interval)
