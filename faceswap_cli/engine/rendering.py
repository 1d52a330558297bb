"""Carrying out decided swaps: in this process, or in processes of its own for the many frames of a clip.

Python runs the bytecode of one thread at a time, and a swap of a small face is some hundred short calls: on two cores
two threads took as long as one, and a second process takes half of it away. A process is a plain child that reads
requests from its standard input and ends with it, so that none outlives the program however that ends.
"""

from __future__ import annotations

import io
import os
import pickle
import queue
import struct
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Any, BinaryIO

import numpy as np

from faceswap_cli.engine.parts import Swapper
from faceswap_cli.faces.face import Face
from faceswap_cli.image import Image

Warnings = dict[int, tuple[str, ...]]
"""What the swapper said, by number of the face."""

MOST_PROCESSES = 3
"""More are no use: decoding, analysing and encoding, which stay in the parent, take about half as long as rendering."""

ENOUGH_FRAMES = 24
"""Frames from which a clip is worth a process: one takes 0.3 s to start, mostly while the source is prepared."""

_HEAD = struct.Struct("<Q")


@dataclass(frozen=True, slots=True)
class Swap:
    """One face to be replaced.

    Attributes:
        index: Number of the face.
        face: The target face.
        person: Which of the chosen source faces it gets, from 0.
        picture: Name of the source picture.
        prepared: What the swapper prepared of that picture.
        decision: What the swapper decided.
    """

    index: int
    face: Face
    person: int
    picture: str
    prepared: Any
    decision: Any


def render_swaps(swapper: Swapper, swaps: Sequence[Swap], image: Image) -> tuple[Image, Warnings]:
    """Replace the faces in a copy of `image` (uint8 (H, W, 3) RGB); pure, so frames may be rendered in parallel."""
    result = np.array(image, order="C")
    warnings = {swap.index: swapper.swap(result, swap.face, swap.decision) for swap in swaps}
    return result, warnings


class Renderers:
    """Processes that render; `render` may be called from several threads.

    Args:
        part: The swapper, as "module:Class".
        swapper: The same, for when no process is left.
        count: Number of processes.
    """

    def __init__(self, part: str, swapper: Swapper, count: int) -> None:
        self._swapper = swapper
        self._idle: queue.SimpleQueue[_Process] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._running: list[_Process] = []
        for _ in range(count):
            try:
                process = _Process(part)
            except OSError:  # no memory, too many processes: fewer will do
                break
            self._running.append(process)
            self._idle.put(process)

    def render(self, swaps: Sequence[Swap], image: Image) -> tuple[Image, Warnings]:
        """As `render_swaps`, by the next idle process. One that dies is left, and its frame rendered here."""
        while self._running:
            try:
                process = self._idle.get(timeout=0.1)
            except queue.Empty:
                continue
            try:
                answer = process.ask(swaps, image)
            except (OSError, EOFError, pickle.PickleError):
                with self._lock:
                    self._running.remove(process)
                process.end()
                break
            self._idle.put(process)
            if isinstance(answer, BaseException):
                raise answer
            return answer
        return render_swaps(self._swapper, swaps, image)

    def close(self) -> None:
        """End all processes."""
        with self._lock:
            running, self._running = self._running, []
        for process in running:
            process.end()


class _Process:
    """The parent's end of one process."""

    def __init__(self, part: str) -> None:
        # A session of its own: Ctrl-C is for the parent, which lets the child finish or closes its input.
        self._child = subprocess.Popen(
            [sys.executable, "-m", "faceswap_cli.engine.rendering", part], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=os.name == "posix")
        self._known: dict[int, Any] = {}

    def ask(self, swaps: Sequence[Swap], image: Image) -> tuple[Image, Warnings] | BaseException:
        """Send one frame and wait for it. What was prepared of the sources goes over once."""
        to, back = self._child.stdin, self._child.stdout
        if to is None or back is None:
            raise EOFError
        for swap in swaps:
            if id(swap.prepared) not in self._known:
                _send(to, (id(swap.prepared), swap.prepared), {})
                self._known[id(swap.prepared)] = swap.prepared
        _send(to, (tuple(swaps), image), self._known)
        answer: tuple[Image, Warnings] | BaseException = _receive(back, {})
        return answer

    def end(self) -> None:
        """Let it end, and wait for it."""
        for stream in (self._child.stdin, self._child.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:
                    continue  # what was buffered for a process that is gone
        self._child.wait()


class _Pickler(pickle.Pickler):
    """Names the objects that the other side has instead of sending them."""

    def __init__(self, file: BinaryIO, known: dict[int, Any]) -> None:
        super().__init__(file, protocol=5)
        self._known = known

    def persistent_id(self, obj: Any) -> int | None:
        return id(obj) if id(obj) in self._known else None


class _Unpickler(pickle.Unpickler):
    """Finds the objects that were sent before."""

    def __init__(self, file: BinaryIO, known: dict[int, Any]) -> None:
        super().__init__(file)
        self._known = known

    def persistent_load(self, pid: int) -> Any:
        return self._known[pid]


def _send(stream: IO[bytes], message: Any, known: dict[int, Any]) -> None:
    buffer = io.BytesIO()
    _Pickler(buffer, known).dump(message)
    stream.write(_HEAD.pack(buffer.tell()))
    stream.write(buffer.getbuffer())
    stream.flush()


def _receive(stream: IO[bytes], known: dict[int, Any]) -> Any:
    """The next message. It comes from this program's own child or parent, so pickle is safe here.

    Raises:
        EOFError: The other side is gone.
    """
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        raise EOFError
    (size,) = _HEAD.unpack(head)
    body = stream.read(size)
    if len(body) < size:
        raise EOFError
    return _Unpickler(io.BytesIO(body), known).load()


def serve(part: str, requests: BinaryIO, answers: BinaryIO) -> None:
    """The child's side: answer requests until they end."""
    import cv2

    from faceswap_cli.engine.registry import load_part

    cv2.setNumThreads(1)
    swapper = load_part(part)
    known: dict[int, Any] = {}
    while True:
        try:
            first, second = _receive(requests, known)
        except EOFError:
            return
        if isinstance(first, int):
            known[first] = second
            continue
        try:
            answer: Any = render_swaps(swapper, first, second)
        except Exception as error:  # whatever it is, it is the parent's to tell
            answer = error
        _send(answers, answer, {})


def _main() -> None:
    # What libraries print must not get among the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        serve(sys.argv[1], sys.stdin.buffer, answers)
    except BrokenPipeError:
        os._exit(0)  # the parent is gone


if __name__ == "__main__":
    _main()
