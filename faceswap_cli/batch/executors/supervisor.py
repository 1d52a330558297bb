"""Keeps worker processes busy and within their limits; replaces those that do not live up to it."""

from __future__ import annotations

import contextlib
import queue
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from faceswap_cli.batch.executors.attempts import START_SECONDS, Attempt, died, too_large, too_long
from faceswap_cli.batch.executors.feeder import Exhausted, Fed, Feeder
from faceswap_cli.batch.executors.messages import Broken, Ready, WorkerSetup
from faceswap_cli.batch.executors.process import Gone, Heard, WorkerProcess
from faceswap_cli.batch.executors.resident_memory import POLL_SECONDS, resident_bytes
from faceswap_cli.batch.executors.scratch import Scratch
from faceswap_cli.batch.executors.table import Limits
from faceswap_cli.batch.items import Failure, FailureKind, Item, ItemResult
from faceswap_cli.errors import FaceswapError
from faceswap_cli.text import opt

_STARTS = 4
"""Times in a row that workers may fail to start before there is no point in going on without any."""

_PAUSE_SECONDS = 0.1
"""Before a start after one that failed, doubled each time: memory may be short for a while."""

_LONGEST_PAUSE = 10.0


@dataclass(slots=True, eq=False, kw_only=True)
class _Worker:
    """What is known of a worker.

    Attributes:
        process: Where it runs.
        ready: It takes items.
        attempt: What it does.
        begun: When it began that.
        reserved: What it was started for, to be its first item.
        condemned: Why it was killed.
        broken: Why it says that it cannot work at all.
    """

    process: WorkerProcess
    ready: bool = False
    attempt: Attempt | None = None
    begun: float = 0.0
    reserved: Attempt | None = None
    condemned: Failure | None = None
    broken: str | None = None


@dataclass(frozen=True, slots=True)
class _Told:
    """The end of the results: why, if not because all was done."""

    error: BaseException | None


@dataclass(frozen=True, slots=True)
class _Taken:
    """The result of the worker with that number was taken."""

    number: int


_Event = Heard | Gone | Fed | Exhausted | _Taken | None


class Supervisor:
    """Runs in a thread of its own, so that limits hold while nobody takes results.

    A worker is given an item when the result of the one before it was taken, and noted where that is asked for: should
    the program be killed, no worker has more than one output that nobody knows of, and that is made again.
    """

    def __init__(self, workers: int, limits: Limits, setup: WorkerSetup) -> None:
        """Nothing is started yet.

        Args:
            workers: Most processes at a time.
            limits: What one item may cost.
            setup: For each process.
        """
        self._number = workers
        self._limits = limits
        self._setup = setup
        # Events come from threads and signal handlers, which must not wait for a lock: `SimpleQueue` needs none.
        self._events: queue.SimpleQueue[_Event] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[ItemResult | _Told] = queue.SimpleQueue()
        self._stopping = False
        self._closed = False
        self._workers: list[_Worker] = []
        self._waiting: deque[Attempt] = deque()
        self._retries: deque[Attempt] = deque()
        self._untaken: set[int] = set()
        """Numbers of workers, or of those they replace, with a result that nobody has taken yet."""
        self._asked = 0
        self._exhausted: Exhausted | None = None
        self._failed_starts = 0
        self._start_again = 0.0
        self._started = 0
        self._weighed = 0.0

    def run(self, items: Iterator[Item]) -> Iterator[ItemResult]:
        """Results as in `Executor.run`; all processes have ended when it ends."""
        thread = threading.Thread(target=self._supervise, args=(items,), name="faceswap-supervisor", daemon=True)
        thread.start()
        try:
            while not isinstance(told := self._results.get(), _Told):
                yield told
                assert told.worker is not None
                self._events.put(_Taken(told.worker))
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
        self._results.put(_Told(error))

    def _go_on(self, feeder: Feeder, scratch: Scratch) -> None:
        while not self._closed:
            if self._stopping:
                self._waiting.clear()
                self._retries.clear()
                for worker in self._workers:
                    worker.reserved = None
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
        if any(worker.attempt is not None for worker in self._workers):
            return False
        return self._stopping or (self._exhausted is not None and not self._waiting and not self._retries
                                  and not any(worker.reserved for worker in self._workers))

    # What goes to the workers

    def _give_out(self, scratch: Scratch) -> None:
        """Items to those who have nothing, then new workers."""
        for worker in self._workers:
            if (worker.ready and worker.attempt is None and worker.condemned is None
                    and worker.process.number not in self._untaken):
                if worker.reserved is not None:
                    attempt, worker.reserved = worker.reserved, None
                    self._send(worker, attempt)
                elif self._waiting:
                    self._send(worker, self._waiting.popleft())
        while self._retries and self._may_start():
            self._start(scratch, self._retries.popleft())
        starting = sum(not worker.ready and worker.reserved is None for worker in self._workers)
        while len(self._waiting) > starting and self._may_start():
            self._start(scratch)
            starting += 1

    def _may_start(self) -> bool:
        return len(self._workers) < self._number and time.monotonic() >= self._start_again

    def _send(self, worker: _Worker, attempt: Attempt) -> None:
        worker.attempt, worker.begun = attempt, time.monotonic()
        worker.process.send(attempt.begin())

    def _start(self, scratch: Scratch, reserved: Attempt | None = None) -> None:
        taken = {worker.process.number for worker in self._workers}
        number = next(number for number in range(self._number) if number not in taken)
        self._started += 1
        try:
            folder = scratch.new_folder(str(self._started))
            process = WorkerProcess(number, self._setup, folder, self._events.put)
        except OSError as error:
            raise FaceswapError(f"cannot start a worker process: {error.strerror or error}",
                                advice=f"run with fewer {opt('workers')}") from error
        self._workers.append(_Worker(process=process, reserved=reserved))
        if self._closed:  # meanwhile, and `close` did not know this one
            process.kill()

    def _ask(self, feeder: Feeder) -> None:
        """As many items as can be begun, and one more for each worker, to be at hand when that has nothing to do."""
        if self._exhausted is not None:
            return
        taken = self._asked + len(self._waiting) + len(self._retries) + len(self._untaken)
        taken += sum((worker.attempt is not None) + (worker.reserved is not None) for worker in self._workers)
        for _ in range(2 * self._number - taken):
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
            case _Taken(number):
                self._untaken.discard(number)
            case Heard(process, message):
                self._hear(self._worker_of(process), message)
            case Gone(process):
                worker = self._worker_of(process)
                self._workers.remove(worker)
                self._bury(worker)
            case None:
                pass

    def _worker_of(self, process: WorkerProcess) -> _Worker:
        return next(worker for worker in self._workers if worker.process is process)

    def _hear(self, worker: _Worker, message: object) -> None:
        match message:
            case Ready():
                worker.ready = True
                self._failed_starts = 0
            case ItemResult():
                attempt, worker.attempt = worker.attempt, None
                assert attempt is not None
                self._tell(attempt.result(message, worker.process.number))
            case Broken(reason):
                worker.broken = reason

    def _tell(self, result: ItemResult) -> None:
        assert result.worker is not None
        self._untaken.add(result.worker)
        self._results.put(result)

    def _bury(self, worker: _Worker) -> None:
        """What a worker that ended leaves to do."""
        if self._closed:
            return
        if not worker.ready:
            self._bury_unborn(worker)
            return
        if worker.reserved is not None:
            self._retries.appendleft(worker.reserved)
        attempt = worker.attempt
        if attempt is None:
            return
        if attempt.lose():
            self._retries.append(attempt)
            return
        failure = worker.condemned or died(attempt.item, f"the worker process {worker.process.describe_end()}")
        self._tell(attempt.failure(failure, worker.process.number, time.monotonic() - worker.begun))

    def _bury_unborn(self, worker: _Worker) -> None:
        """Start another one later, unless there is no hope; raises FaceswapError: workers do not start."""
        now = time.monotonic()
        if worker.process.born >= self._start_again:  # of those started together, one counts
            self._failed_starts += 1
            self._start_again = now + min(_PAUSE_SECONDS * 2**self._failed_starts, _LONGEST_PAUSE)
        if worker.reserved is not None:
            self._retries.appendleft(worker.reserved)
        if worker.broken or (self._failed_starts >= _STARTS and not any(other.ready for other in self._workers)):
            reason = worker.broken or (f"one {worker.process.describe_end()}" if worker.condemned is None
                                       else worker.condemned.message)
            raise FaceswapError(f"worker processes do not start: {reason}",
                                advice=f"if memory is short, run fewer {opt('workers')}")

    # Limits

    def _patience(self) -> float | None:
        """Seconds until something must be looked at, whatever happens; None: there is nothing to look at."""
        seconds, now = self._limits.seconds, time.monotonic()
        ends = [worker.process.born + START_SECONDS for worker in self._workers if not worker.ready]
        if seconds is not None:
            ends += [worker.begun + seconds for worker in self._workers
                     if worker.attempt is not None and worker.condemned is None]
        if self._limits.memory is not None and self._workers:
            ends.append(self._weighed + POLL_SECONDS)
        if self._start_again > now:
            ends.append(self._start_again)
        return max(0.0, min(ends) - now) if ends else None

    def _condemn(self) -> None:
        """Kill workers that are past a limit; what becomes of their items is decided when they are gone."""
        now, memory = time.monotonic(), self._limits.memory
        sizes: dict[int, int] = {}
        if memory is not None and now - self._weighed >= POLL_SECONDS:
            self._weighed = now
            sizes = resident_bytes([worker.process.pid for worker in self._workers])
        for worker in self._workers:
            if worker.condemned is not None:
                continue
            item = None if worker.attempt is None else worker.attempt.item
            size = sizes.get(worker.process.pid, 0)
            if not worker.ready and now - worker.process.born > START_SECONDS:
                worker.condemned = Failure(FailureKind.WORKER_DIED, f"one is not ready after {START_SECONDS:g} s")
            elif item is not None and self._limits.seconds is not None and now - worker.begun > self._limits.seconds:
                worker.condemned = too_long(item, self._limits.seconds)
            elif memory is not None and size > memory:
                worker.condemned = too_large(item, size, memory)
            if worker.condemned is not None:
                worker.process.kill()

    def _end_workers(self) -> None:
        """Those with something to do are killed, the others end by themselves."""
        for worker in self._workers:
            if worker.attempt is not None or self._closed:
                worker.process.kill()
            worker.process.end()
        for worker in self._workers:
            worker.process.wait()
            if worker.attempt is not None:
                worker.attempt.sweep()
