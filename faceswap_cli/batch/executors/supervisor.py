"""Keeps worker processes busy and within their limits; replaces those that do not live up to it."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from faceswap_cli.batch.executors.base import Limits
from faceswap_cli.batch.executors.feeder import Exhausted, Fed, Feeder
from faceswap_cli.batch.executors.members import Attempt, Member, shown
from faceswap_cli.batch.executors.process import Gone, Heard, WorkerProcess
from faceswap_cli.batch.executors.scratch import Scratch
from faceswap_cli.batch.executors.watch import Watch
from faceswap_cli.batch.items import Failure, Item, ItemResult, Status
from faceswap_cli.errors import FaceswapError
from faceswap_cli.files.leftovers import sweep_beside
from faceswap_cli.names import is_url
from faceswap_cli.processes.protocol import Broken, GiveBack, GivenBack, Noted, Ready, Setup

AHEAD = 1
"""Items that wait in a worker while it does another: the next is there after 0.2 ms instead of 1, on two cores."""

_ATTEMPTS = 2

_STARTS = 4
"""Times in a row that workers may fail to start before there is no point in going on without any."""

_PAUSE_SECONDS = 0.1
"""Before a start after one that failed, doubled each time: memory may be short for a while."""

_LONGEST_PAUSE = 10.0


@dataclass(frozen=True, slots=True)
class Told:
    """The end of the results: why, if not because all was done."""

    error: BaseException | None


@dataclass(frozen=True, slots=True)
class _Taken:
    """The result of a worker's item was taken."""

    process: WorkerProcess


_Event = Heard | Gone | Fed | Exhausted | _Taken | None


class Supervisor:
    """Runs in a thread of its own, so that limits hold while nobody takes results."""

    def __init__(self, workers: int, limits: Limits, setup: Setup) -> None:
        """Nothing is started yet.

        Args:
            workers: Most processes at a time.
            limits: What one item may cost.
            setup: For each process.
        """
        self._number = workers
        self._watch = Watch(limits)
        self._setup = setup
        # Events come from threads and signal handlers, which must not wait for a lock: `SimpleQueue` needs none.
        self._events: queue.SimpleQueue[_Event] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[tuple[ItemResult, WorkerProcess] | Told] = queue.SimpleQueue()
        self._stopping = False
        self._closed = False
        self._workers: list[Member] = []
        self._waiting: deque[Attempt] = deque()
        self._retries: deque[Attempt] = deque()
        self._untaken = [0] * workers
        self._asked = 0
        self._exhausted: Exhausted | None = None
        self._failed_starts = 0
        self._start_again = 0.0
        self._started = 0

    def run(self, items: Iterator[Item]) -> Iterator[ItemResult]:
        """Results as in `Executor.run`; all processes have ended when it ends."""
        thread = threading.Thread(target=self._supervise, args=(items,), name="faceswap-supervisor", daemon=True)
        thread.start()
        try:
            while not isinstance(told := self._results.get(), Told):
                result, process = told
                yield result
                self._events.put(_Taken(process))
            if told.error is not None:
                raise told.error
        finally:
            self.close()
            thread.join()

    def stop(self) -> None:
        """Begin nothing more."""
        self._stopping = True
        self._events.put(None)

    def close(self) -> None:
        """End all workers now; `run` ends soon after."""
        self._closed = True
        for worker in tuple(self._workers):
            worker.process.kill()
        self._events.put(None)

    def _supervise(self, items: Iterator[Item]) -> None:
        """The whole life of a run."""
        if hasattr(signal, "pthread_sigmask"):  # workers are born with these held back, until they ignore them
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        error: BaseException | None = None
        try:
            with contextlib.closing(Scratch()) as scratch, \
                    contextlib.closing(Feeder(items, self._events.put)) as feeder:
                try:
                    self._go_on(feeder, scratch)
                finally:
                    self._end_workers()
            if self._exhausted is not None and not self._stopping and not self._closed:
                error = self._exhausted.error
        except BaseException as failure:
            error = failure
        self._results.put(Told(error))

    def _go_on(self, feeder: Feeder, scratch: Scratch) -> None:
        while not self._closed:
            if self._stopping:
                self._take_back()
            else:
                self._give_out(scratch)
                self._ask(feeder)
            if self._is_done():
                return
            with contextlib.suppress(queue.Empty):
                self._handle(self._events.get(timeout=self._patience()))
                while True:
                    self._handle(self._events.get_nowait())
            self._condemn()

    def _is_done(self) -> bool:
        if any(worker.load for worker in self._workers):
            return False
        return self._stopping or (self._exhausted is not None and not self._waiting and not self._retries
                                  and not any(worker.reserved for worker in self._workers))

    # What goes to the workers

    def _give_out(self, scratch: Scratch) -> None:
        """Items to those who have nothing, then new workers, then items to those who soon have nothing."""
        for worker in self._workers:
            if worker.ready and not worker.load and worker.condemned is None:
                if worker.reserved is not None:
                    attempt, worker.reserved = worker.reserved, None
                    self._send(worker, attempt)
                elif self._waiting and self._room(worker):
                    self._send(worker, self._waiting.popleft())
        while self._retries and self._may_start():
            self._start(scratch, self._retries.popleft())
        starting = sum(not worker.ready and worker.reserved is None for worker in self._workers)
        while len(self._waiting) > starting and self._may_start():
            self._start(scratch)
            starting += 1
        for worker in self._workers:
            if (len(self._waiting) > starting and worker.ready and 0 < len(worker.load) <= AHEAD and self._room(worker)
                    and not worker.asked_back and worker.condemned is None):
                self._send(worker, self._waiting.popleft())
        if not self._waiting and any(worker.ready and not worker.load for worker in self._workers):
            self._ask_one_back()

    def _may_start(self) -> bool:
        return len(self._workers) < self._number and time.monotonic() >= self._start_again

    def _room(self, worker: Member) -> bool:
        """Whether a worker may have one more: when the program is killed, what nobody took will be done again."""
        return len(worker.load) + self._untaken[worker.process.number] <= AHEAD

    def _ask_one_back(self) -> None:
        """An item that waits for a busy worker, while another has nothing to do."""
        busy = [worker for worker in self._workers if len(worker.load) > 1 and not worker.asked_back]
        if busy:
            self._ask_back(max(busy, key=lambda worker: worker.begun))

    def _ask_back(self, worker: Member) -> None:
        worker.asked_back = True
        worker.process.send(GiveBack())

    def _take_back(self) -> None:
        self._waiting.clear()
        self._retries.clear()
        for worker in self._workers:
            worker.reserved = None
            if len(worker.load) > 1 and not worker.asked_back:
                self._ask_back(worker)

    def _send(self, worker: Member, attempt: Attempt) -> None:
        job = attempt.item.job
        if attempt.fresh is None:
            attempt.fresh = not (job.overwrite or job.output_path is None or is_url(job.output)
                                 or os.path.lexists(job.output))
        item = attempt.item
        if attempt.failed and attempt.fresh:  # the first attempt may have died after its output was in place
            item = replace(item, job=replace(job, overwrite=True))
        if not worker.load:
            worker.begun = time.monotonic()
        worker.load.append(attempt)
        worker.process.send(item)

    def _start(self, scratch: Scratch, reserved: Attempt | None = None) -> None:
        taken = {worker.process.number for worker in self._workers}
        number = next(number for number in range(self._number) if number not in taken)
        self._started += 1
        try:
            folder = scratch.new_folder(str(self._started))
            process = WorkerProcess(number, self._setup, folder, self._events.put)
        except OSError as error:
            raise FaceswapError(f"cannot start a worker process: {error.strerror or error}; run with fewer --workers"
                                ) from error
        self._workers.append(Member(process=process, reserved=reserved))
        if self._closed:  # meanwhile, and `close` did not know this one
            process.kill()

    def _ask(self, feeder: Feeder) -> None:
        """As many items as can be begun, or wait in a worker."""
        if self._exhausted is not None:
            return
        room = self._number * (1 + AHEAD) - sum(self._untaken) - len(self._waiting) - self._asked
        room -= len(self._retries) + sum(len(worker.load) + (worker.reserved is not None) for worker in self._workers)
        for _ in range(room):
            feeder.ask()
            self._asked += 1

    # What comes from them

    def _handle(self, event: _Event) -> None:
        match event:
            case Fed(item):
                self._asked -= 1
                self._waiting.append(Attempt(item))
            case Exhausted():
                self._exhausted = event
            case _Taken(process):
                self._untaken[process.number] -= 1
                self._note(process)
            case Heard(process, message, when):
                self._hear(self._worker_of(process), message, when)
            case Gone(process):
                worker = self._worker_of(process)
                self._workers.remove(worker)
                self._bury(worker)
            case None:
                pass

    def _note(self, process: WorkerProcess) -> None:
        """Tell a worker, if it is still there, that a result of it was taken."""
        for worker in self._workers:
            if worker.process is process:
                worker.untaken -= 1
                worker.begun = time.monotonic()
                process.send(Noted())

    def _worker_of(self, process: WorkerProcess) -> Member:
        return next(worker for worker in self._workers if worker.process is process)

    def _hear(self, worker: Member, message: object, when: float) -> None:
        match message:
            case Ready():
                worker.ready = True
                self._failed_starts = 0
            case ItemResult():
                attempt = worker.load.popleft()
                worker.begun = when
                self._tell(attempt, replace(message, attempts=attempt.failed + 1), worker)
            case GivenBack(numbers):
                worker.asked_back = False
                for _ in numbers:  # the last ones that it was given
                    self._waiting.appendleft(worker.load.pop())
            case Broken(reason):
                worker.broken = reason

    def _tell(self, attempt: Attempt, result: ItemResult, worker: Member) -> None:
        number = worker.process.number
        self._untaken[number] += 1
        worker.untaken += 1
        self._results.put((replace(result, item=attempt.item, worker=number), worker.process))

    def _bury(self, worker: Member) -> None:
        """What a worker that ended leaves to do."""
        if self._closed:
            return
        if not worker.ready:
            self._bury_unborn(worker)
            return
        load = worker.load
        done_since = worker.condemned is not None and (not load or worker.condemned[0] is not load[0])
        if load and not done_since:
            attempt = load.popleft()
            attempt.failed += 1
            self._judge(attempt, worker)
        self._waiting.extendleft(reversed(load))
        load.clear()

    def _bury_unborn(self, worker: Member) -> None:
        """Start another one later, unless there is no hope.

        Raises:
            FaceswapError: Workers do not start.
        """
        now = time.monotonic()
        if worker.process.born >= self._start_again:  # of those started together, one counts
            self._failed_starts += 1
            self._start_again = now + min(_PAUSE_SECONDS * 2**self._failed_starts, _LONGEST_PAUSE)
        if worker.reserved is not None:
            self._retries.appendleft(worker.reserved)
        if worker.broken or (self._failed_starts >= _STARTS and not any(other.ready for other in self._workers)):
            reason = worker.broken or (f"one {worker.process.describe_end()}" if worker.condemned is None
                                       else worker.condemned[1].message)
            raise FaceswapError(f"worker processes do not start: {reason}; if memory is short, run fewer --workers")

    def _judge(self, attempt: Attempt, worker: Member) -> None:
        """Once more on a fresh worker, or failed."""
        path = attempt.item.job.output_path
        if path is not None:
            sweep_beside(Path(os.path.realpath(path)))
        if attempt.failed < _ATTEMPTS:
            self._retries.append(attempt)
            return
        failure = worker.condemned[1] if worker.condemned is not None else Failure(
            "WorkerDied", f"{shown(attempt.item)}: the worker process {worker.process.describe_end()}, "
                          f"{_ATTEMPTS} times")
        self._tell(attempt, ItemResult(item=attempt.item, status=Status.FAILED, failure=failure,
                                       attempts=attempt.failed, seconds=time.monotonic() - worker.begun), worker)

    # Limits

    def _patience(self) -> float | None:
        """Seconds until something must be looked at, whatever happens; None: there is nothing to look at."""
        ends = self._watch.ends(self._workers)
        now = time.monotonic()
        if self._start_again > now:
            ends.append(self._start_again)
        return max(0.0, min(ends) - now) if ends else None

    def _condemn(self) -> None:
        """Kill workers that are past a limit; what becomes of their items is decided when they are gone."""
        for worker, failure in self._watch.offenders(self._workers):
            worker.condemned = (worker.load[0] if worker.load else None, failure)
            worker.process.kill()

    def _end_workers(self) -> None:
        """Those with something to do are killed, the others end by themselves."""
        for worker in self._workers:
            if worker.load or self._closed:
                worker.process.kill()
            worker.process.end()
        for worker in self._workers:
            worker.process.wait()
            path = worker.load[0].item.job.output_path if worker.load else None
            if path is not None:
                sweep_beside(Path(os.path.realpath(path)))
