"""The way of the frames: decode, plan in order, render in parallel, write in order."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from faceswap_cli.jobs.backend import FramePlan, PreparedSource, SwapBackend
from faceswap_cli.jobs.clock import StageClock
from faceswap_cli.jobs.rendering.pipeline import Background, map_ordered, pending_limit
from faceswap_cli.jobs.resume.checkpoint import Checkpoints
from faceswap_cli.jobs.tally import Tally
from faceswap_cli.media.frame import Frame, Kept, Reader, Writer
from faceswap_cli.runtime.cores import core_count
from faceswap_cli.runtime.machine import give_back

if TYPE_CHECKING:
    from faceswap_cli.jobs.rendering.renderers import Renderers, RenderTicket

OnFrame = Callable[[int, int | None], None]
"""Called after each frame with the number of frames done and, where known, of all frames."""

_BYTES_A_PIXEL = 8
"""RGB before and after, alpha and palette indices."""

_WAITING = 3
"""Frames that wait for the thread that encodes."""


@dataclass(frozen=True, slots=True, eq=False)
class _Planned:
    """A frame and what is to be done to it.

    Attributes:
        snapshot: The backend's memory before it, where that is to be saved with the frames before.
    """

    number: int
    frame: Frame
    plan: FramePlan
    snapshot: bytes | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Rendered:
    planned: _Planned
    frame: Frame
    seconds: float


class ClipSwap:
    """Swaps the frames of one open reader with one prepared source.

    Attributes:
        tally: What happened to the faces of the frames written.
        duration: Seconds of them.
        transparent: Whether one had a pixel that was not opaque.
        saved: How many of them the writer keeps should this run end before the last.
    """

    def __init__(self, backend: SwapBackend, source: PreparedSource, reader: Reader, clock: StageClock,
                 workers: int | None = None, *, details: bool = False, renderers: Renderers | None = None,
                 finish: Callable[[Frame], Frame] | None = None, encode_aside: bool = False) -> None:
        """Nothing is decoded yet.

        Args:
            backend: Finds and swaps faces.
            source: What `backend.prepare_source` returned.
            reader: Its frames have not been taken.
            clock: Gets the seconds of decode, analyse, swap and encode.
            workers: Cores that render; None: all.
            details: Keep every outcome.
            renderers: Processes that render beside this one, not given the source yet; None: threads do.
            finish: Done to every frame after it was rendered, also to those in which nothing is swapped.
            encode_aside: The writer is given its frames by a thread of its own. For those that spend their time outside
                the interpreter and have no such thread themselves.
        """
        self.tally = Tally(details=details)
        self.duration = Fraction(0)
        self.transparent = False
        self.saved = 0
        self._backend = backend
        self._source = source
        self._reader = reader
        self._clock = clock
        self._workers = (workers or core_count()) if reader.info.animated else 1
        self._renderers = renderers
        self._finish = finish
        self._encode_aside = encode_aside and self._workers > 1
        self._first = 0
        self._seek = Fraction(0)
        self._memory: object = None
        self._segment = 0
        self._checkpoints: Checkpoints | None = None

    def go_on(self, kept: Kept) -> None:
        """Begin behind the frames that an earlier run left.

        Raises:
            UnreadableError: Nothing can be made of what it left; the clip still begins at its first frame.
        """
        checkpoints = Checkpoints(self._source)
        progress = checkpoints.read(kept.states)
        self._checkpoints = checkpoints
        self._memory, self.tally = progress.memory, progress.tally
        self.duration, self.transparent = progress.duration, progress.transparent
        self.saved = self._first = kept.frames
        self._seek = kept.time

    def write(self, writer: Writer, on_frame: OnFrame | None = None) -> None:
        """Write every frame, swapped or as it came, and count what happened to its faces."""
        self._segment = writer.segment_frames
        if self._segment and self._checkpoints is None:
            self._checkpoints = Checkpoints(self._source)
        total = self._reader.info.frame_count or None
        if self._first and on_frame is not None:
            on_frame(self._first, total)
        with _sharing_cores(self._workers), self._writing(writer) as write:
            for result in self._rendered():
                planned, frame = result.planned, result.frame
                self._clock.add("swap", result.seconds)
                if planned.snapshot is not None:
                    self._save(writer, planned, planned.snapshot)
                if planned.plan.swaps:
                    with self._clock.stage("analyse"):
                        self._backend.measure(planned.plan, planned.frame.pixels, frame.pixels)
                self._count(planned)
                with self._clock.stage("encode"):
                    frame = frame if self._finish is None else self._finish(frame)
                    write(frame)
                self.duration += frame.duration
                alpha = frame.alpha
                self.transparent = self.transparent or (alpha is not None and int(alpha.min()) < 255)
                if on_frame is not None:
                    on_frame(self.tally.frames, total)

    @contextmanager
    def _writing(self, writer: Writer) -> Iterator[Callable[[Frame], None]]:
        """What takes the frames: the writer, or a thread that hands them to it."""
        if not self._encode_aside:
            yield writer.write
            return
        with Background(writer.write, _WAITING) as background:
            yield background.put
        self._clock.add("encode", background.seconds)

    def look(self) -> None:
        """Analyse the first frame alone; what a dry run does."""
        for planned in self._plans():
            self._count(planned)
            return

    def _frames(self) -> Iterator[Frame]:
        if not self._first:
            return self._reader.frames()
        return self._reader.frames_from(self._first, self._seek)

    def _plans(self) -> Iterator[_Planned]:
        clip = self._memory
        if clip is None and self._reader.info.animated:
            clip = self._backend.open_clip(self._reader.info.frame_count or None)
        for number, frame in enumerate(self._clock.over("decode", self._frames()), self._first):
            snapshot = None
            if self._checkpoints is not None and number > self._first and number % self._segment == 0:
                snapshot = self._checkpoints.snapshot(clip)
            with self._clock.stage("analyse"):
                plan = self._backend.plan(self._source, frame.pixels, clip)
            yield _Planned(number, frame, plan, snapshot)

    def _save(self, writer: Writer, planned: _Planned, snapshot: bytes) -> None:
        """Have all frames before this one kept."""
        assert self._checkpoints is not None
        state = self._checkpoints.pack(snapshot, self.tally, self.duration, transparent=self.transparent)
        time = planned.frame.time
        with self._clock.stage("encode"):
            writer.save(state, self.duration if time is None else time)
        self.saved = planned.number
        give_back()

    def _rendered(self) -> Iterator[_Rendered]:
        if self._renderers is not None:
            return self._rendered_by_processes(self._renderers)
        info = self._reader.info
        pending = pending_limit(self._workers, info.width * info.height * _BYTES_A_PIXEL)
        return map_ordered(self._render, self._plans(), workers=self._workers, pending=pending,
                           heavy=self._backend.heavy)

    def _rendered_by_processes(self, renderers: Renderers) -> Iterator[_Rendered]:
        """Frames go to the processes as long as these have room, and else are rendered here: no core waits."""
        renderers.give(self._source)
        waiting: deque[_Rendered | tuple[_Planned, RenderTicket]] = deque()
        for planned in self._plans():
            ticket = renderers.submit(planned.plan, planned.frame.pixels) if planned.plan.swaps else None
            waiting.append(self._render(planned) if ticket is None else (planned, ticket))
            while waiting and (len(waiting) > renderers.pending or isinstance(first := waiting[0], _Rendered)
                               or renderers.is_done(first[1])):
                yield self._collect(renderers, waiting.popleft())
        while waiting:
            yield self._collect(renderers, waiting.popleft())

    def _collect(self, renderers: Renderers, entry: _Rendered | tuple[_Planned, RenderTicket]) -> _Rendered:
        if isinstance(entry, _Rendered):
            return entry
        planned, ticket = entry
        drawn = renderers.collect(ticket)
        if drawn is None:
            return self._render(planned)
        pixels, seconds = drawn
        return _Rendered(planned, replace(planned.frame, pixels=pixels), seconds)

    def _render(self, planned: _Planned) -> _Rendered:
        """Runs in a worker thread. A frame in which nothing is swapped stays the very same."""
        if not planned.plan.swaps:
            return _Rendered(planned, planned.frame, 0.0)
        start = time.perf_counter()
        pixels = self._backend.render(planned.plan, planned.frame.pixels)
        return _Rendered(planned, replace(planned.frame, pixels=pixels), time.perf_counter() - start)

    def _count(self, planned: _Planned) -> None:
        plan = planned.plan
        self.tally.add(self._backend.outcomes(plan, planned.number), found=plan.found, swapped=plan.swapped)


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
