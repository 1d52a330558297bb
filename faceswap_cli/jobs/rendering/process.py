"""A process that renders frames, from the inside. Started by `renderers.Renderers`, and never outlives it.

Messages go as `processes.protocol` says: pickled records over pipes that nobody else has.
"""

from __future__ import annotations

import os
import pickle
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from faceswap_cli.processes.pickling import SharedObjects
from faceswap_cli.processes.protocol import GREETING, pack, receive
from faceswap_cli.processes.shared_pixels import Handle, open_shared
from faceswap_cli.processes.spawn import die_with, leave_signals_to_parent, take_pipes

COUNTER_BYTES = 64
"""At the beginning of the memory of a process: how many frames it has rendered, as a uint64; room to the next one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """To the process, first of all.

    Attributes:
        memory: Its part begins at `offset` with the counter, the slots follow.
        offset: Where its part begins.
        slots: How many frames fit.
        shape: Of a frame: height, width, 3.
        parent: Process that it must not outlive.
        renderer: Pickled `jobs.backend.Renderer`: of its own, so that it is unpickled when the process is settled.
    """

    memory: Handle
    offset: int
    slots: int
    shape: tuple[int, int, int]
    parent: int
    renderer: bytes


@dataclass(frozen=True, slots=True)
class RenderTask:
    """To the process: render the next slot.

    Attributes:
        plan: Of `SharedObjects.dumps`.
    """

    plan: bytes


@dataclass(frozen=True, slots=True)
class Drawn:
    """From the process, for each task in turn: the slot holds the new pixels.

    Attributes:
        warnings: What the renderer put into `plan.drawn_warnings`.
        seconds: That it took.
    """

    warnings: dict[int, tuple[str, ...]]
    seconds: float


@dataclass(frozen=True, slots=True)
class Failed:
    """From the process, instead: it could not, and the slot is spoilt."""


def main() -> None:
    """Render until the parent closes its end. Does not return."""
    leave_signals_to_parent()
    inbox, outbox = take_pipes()
    try:
        _work(inbox, outbox)
    except (EOFError, BrokenPipeError):  # the parent is done, or gone
        os._exit(0)
    except BaseException:  # it is seen in the exit code; the parent goes on without this process
        os._exit(1)


def _work(inbox: IO[bytes], outbox: IO[bytes]) -> None:
    import time

    outbox.write(GREETING)
    outbox.flush()
    setup = receive(inbox)
    assert isinstance(setup, Setup)
    die_with(setup.parent)
    counter, slots = map_slots(open_shared(setup.memory), setup.offset, setup.slots, setup.shape)
    renderer = pickle.loads(setup.renderer)  # noqa: S301 (from the parent)
    import cv2

    from faceswap_cli.runtime.cores import limit_cores

    limit_cores(1)  # the others are for the other processes
    cv2.setNumThreads(1)
    known = SharedObjects(receive(inbox))
    number = 0
    while True:
        task = receive(inbox)
        assert isinstance(task, RenderTask)
        start = time.perf_counter()
        slot = slots[number % setup.slots]
        answer: Drawn | Failed
        try:
            plan = known.loads(task.plan)
            slot[...] = renderer.render(plan, slot)
            answer = Drawn(plan.drawn_warnings, time.perf_counter() - start)
        except Exception:  # the parent renders the frame again, and meets the same error where it can be told
            answer = Failed()
        number += 1
        counter[0] = number
        outbox.write(pack(answer))
        outbox.flush()


def map_slots(memory: Any, offset: int, slots: int, shape: tuple[int, int, int]) -> tuple[Any, Any]:
    """The counter and the slots of one process, as arrays: uint64 (1,) and uint8 (slots, H, W, 3)."""
    counter = np.frombuffer(memory, np.uint64, 1, offset)
    size = slots * shape[0] * shape[1] * shape[2]
    frames = np.frombuffer(memory, np.uint8, size, offset + COUNTER_BYTES).reshape(slots, *shape)
    return counter, frames
