"""Processes that render the frames of a clip while this one decodes, plans and encodes.

Threads get little out of a second core where most of the work is many short calls, because of the interpreter's lock:
1.1 to 1.35 times the frames with the embedded engine. A process has a lock of its own. Pixels go back and forth through
shared memory, plans through a pipe, without the prepared source, which each process is sent once.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from faceswap_cli.files.closing import Closing
from faceswap_cli.image import Image
from faceswap_cli.jobs.backend import FramePlan, PreparedSource, Renderer
from faceswap_cli.jobs.rendering.process import COUNTER_BYTES, Drawn, RenderTask, Setup, map_slots
from faceswap_cli.processes.pickling import SharedObjects
from faceswap_cli.processes.protocol import pack, pass_greeting, receive
from faceswap_cli.processes.shared_pixels import SharedMemory
from faceswap_cli.processes.spawn import STOPS, python_command, thread_environment

LEAST_FRAMES = 60
"""Frames from which on processes pay: one takes 0.3 s of a core to start."""

MOST = 4
"""Processes: planning, which is done in one, takes about a third of the time of a frame with one face."""

_SLOTS = 3
"""Frames that a process has at a time: one is rendered, one waits, and one is being collected or sent."""

_MOST_BYTES = 256 * 2**20
"""Of shared memory; there are fewer processes for very large frames."""

_CHILD = "faceswap_cli.jobs.rendering.process"

_END_SECONDS = 2.0

_LOST = (EOFError, OSError, ValueError, pickle.UnpicklingError)
"""What reading from, or writing to, a process that is gone raises."""


@dataclass(frozen=True, slots=True, eq=False)
class RenderTicket:
    """A frame that a process renders."""

    process: _Process
    number: int
    plan: FramePlan


class Renderers(Closing):
    """Processes that render. They start at once, and are useful when they have been given the source.

    Attributes:
        pending: How many frames they have at a time, at most.
    """

    def __init__(self, renderer: Renderer[Any], width: int, height: int, count: int) -> None:
        """Start the processes.

        Args:
            renderer: What renders.
            width, height: Of every frame.
            count: How many processes, at least 1.

        Raises:
            OSError: The system starts no more processes, or has no more memory.
        """
        self._shape = (height, width, 3)
        frame_bytes = height * width * 3
        part = -(-(COUNTER_BYTES + _SLOTS * frame_bytes) // COUNTER_BYTES) * COUNTER_BYTES
        count = max(1, min(count, MOST, _MOST_BYTES // part))
        self.pending = count * _SLOTS
        self._known: SharedObjects | None = None
        self._processes: list[_Process] = []
        self._memory = SharedMemory(count * part)
        try:
            for number in range(count):
                setup = Setup(memory=self._memory.handle, offset=number * part, slots=_SLOTS, shape=self._shape,
                              parent=os.getpid(), renderer=pickle.dumps(renderer, protocol=5))
                self._processes.append(_Process(setup, self._memory))
        except BaseException:
            self.close()
            raise

    @property
    def lost(self) -> tuple[str, ...]:
        """How processes ended that should not have, in words."""
        return tuple(process.end for process in self._processes if process.end)

    def give(self, source: PreparedSource) -> None:
        """Send the prepared source to every process."""
        self._known = SharedObjects(source)
        data = pack(source)
        for process in self._processes:
            process.feed(data)

    def submit(self, plan: FramePlan, pixels: Image) -> RenderTicket | None:
        """Have a frame rendered.

        Returns:
            For `collect`; None: every process has enough to do, or none is there.
        """
        assert self._known is not None
        free = [process for process in self._processes if process.is_ready and process.held < _SLOTS]
        if not free or pixels.shape != self._shape:
            return None
        process = min(free, key=lambda one: one.busy)
        process.slots[process.sent % _SLOTS] = pixels
        number = process.sent
        if not process.send(pack(RenderTask(self._known.dumps(plan)))):
            return self.submit(plan, pixels)
        process.sent += 1
        return RenderTicket(process, number, plan)

    def is_done(self, ticket: RenderTicket) -> bool:
        """Whether `collect` would not have to wait."""
        return bool(ticket.process.end) or int(ticket.process.counter[0]) > ticket.number

    def collect(self, ticket: RenderTicket) -> tuple[Image, float] | None:
        """The pixels of a frame, and the seconds that they took. Tickets are collected in their order.

        What rendering noted is in the plan then. None: the process failed, and the frame is to be rendered here.
        """
        process = ticket.process
        answer = process.receive()
        process.collected += 1
        if not isinstance(answer, Drawn):
            return None
        ticket.plan.drawn_warnings.update(answer.warnings)
        return process.slots[ticket.number % _SLOTS].copy(), answer.seconds

    def close(self) -> None:
        """End the processes."""
        for process in self._processes:
            process.close()
        self._memory.close()


class _Process:
    """One process from the outside.

    Attributes:
        counter: How many frames it has rendered, as it tells while it works.
        slots: Of its frames.
        sent, collected: Number of frames.
        end: How it ended, in words; empty: it has not.
    """

    def __init__(self, setup: Setup, memory: SharedMemory) -> None:
        self.counter, self.slots = map_slots(memory.view, setup.offset, setup.slots, setup.shape)
        self.sent = self.collected = 0
        self.end = ""
        self._greeted = False
        with _holding_back_signals():
            self._process = subprocess.Popen(
                python_command(_CHILD), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=thread_environment(1),
                pass_fds=memory.inherited)
        self.send(pack(setup))
        self._feeding: threading.Thread | None = None

    @property
    def is_ready(self) -> bool:
        """Whether it takes tasks."""
        return not self.end and self._feeding is not None and not self._feeding.is_alive()

    @property
    def held(self) -> int:
        """Frames that were sent and not collected."""
        return self.sent - self.collected

    @property
    def busy(self) -> int:
        """Frames that it has still to render, about."""
        return self.sent - int(self.counter[0])

    def feed(self, data: bytes) -> None:
        """Send what is more than a pipe holds, and so has to wait until the process has settled."""
        self._feeding = threading.Thread(target=self.send, args=(data,), name="faceswap-feed", daemon=True)
        self._feeding.start()

    def send(self, data: bytes) -> bool:
        """Whether it could be sent."""
        if self.end:
            return False
        try:
            stream = _stream(self._process.stdin)
            stream.write(data)
            stream.flush()
        except _LOST:
            self._lose()
            return False
        return True

    def receive(self) -> object:
        """What it says next; None: it is gone."""
        if self.end:
            return None
        try:
            stream = _stream(self._process.stdout)
            if not self._greeted:
                pass_greeting(stream)
                self._greeted = True
            return receive(stream)
        except _LOST:
            self._lose()
            return None

    def close(self) -> None:
        """End it; it has nothing that is worth waiting for."""
        self._process.kill()
        self._process.wait()
        if self._feeding is not None:
            self._feeding.join()
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # of what could not be written
                _stream(stream).close()
        # The memory cannot be closed while arrays lie over it.
        self.counter, self.slots = np.zeros(1, np.uint64), np.zeros((0, 0, 0, 3), np.uint8)

    def _lose(self) -> None:
        try:
            code = self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self.end = f"ended with exit code {code}"
        if code < 0:
            with contextlib.suppress(ValueError):
                self.end = f"was ended by {signal.Signals(-code).name}"


def can_start() -> bool:
    """Whether this interpreter can be started anew: not where the program was packed into one file."""
    return bool(sys.executable) and not getattr(sys, "frozen", False)


def _stream(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream


@contextlib.contextmanager
def _holding_back_signals() -> Iterator[None]:
    """A child is born with them held back, and ignores them before it lets them come."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
