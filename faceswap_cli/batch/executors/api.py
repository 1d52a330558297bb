"""Items done by the API: threads that wait for it, under one bound on what is asked.

An item that the API cannot do because it is down or out of credits may be done on this machine, where the user said so.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from faceswap_cli.api_jobs.swap import Remote, Spent, falls_back, swap_remote
from faceswap_cli.batch.items import Failure, Item, ItemResult
from faceswap_cli.batch.worker import Findings, Worker
from faceswap_cli.jobs.job import Outcome, SwapJob
from faceswap_cli.jobs.resume.stamps import stamp_sources, stamp_target
from faceswap_cli.segmind.clock import SystemClock
from faceswap_cli.segmind.faults import ApiError, Retry

REFUSED = "ApiRefusal"
"""Failures that the API has judged: it would judge the same again."""

PERHAPS_BILLED = "PerhapsBilled"
"""Failures after which a job may exist at the API: to ask again may be billed again."""

_IN_A_ROW = 3
"""So many items in a row that found the API down: the others do not try it any more."""

_NAP = 0.2
_PARTING = 1.0


class InterruptedWaitError(Exception):
    """The batch was ended while a thread waited."""


class BatchClock(SystemClock):
    """The machine's clock, whose sleepers can be woken for good."""

    def __init__(self) -> None:
        self._ended = threading.Event()

    def end(self) -> None:
        """Let nobody sleep any more: who does, or tries to, gets an `InterruptedWaitError`."""
        self._ended.set()

    def sleep(self, seconds: float) -> None:
        """As `time.sleep`."""
        if self._ended.wait(max(0.0, seconds)):
            raise InterruptedWaitError("the batch was ended")


def remote_models(root: str) -> dict[str, str]:
    """What `ItemResult.models` says of the API at an address: versions of its models it does not tell."""
    return {"api": root}


class RemoteWorker(Worker):
    """Does one item after the other by the API.

    Attributes:
        spent: On the last item.
    """

    def __init__(self, remote: Remote) -> None:
        """Nothing is sent.

        Args:
            remote: Shared with other workers.
        """
        super().__init__()
        self._remote = remote
        self.spent = Spent()
        self._errors: list[ApiError] = []

    @property
    def error(self) -> ApiError | None:
        """Of the API, about the last item."""
        return self._errors[-1] if self._errors else None

    def run(self, item: Item) -> ItemResult:
        """As `Worker.run`."""
        self.spent = Spent()
        self._errors.clear()
        result = super().run(item)
        if result.failure is None or not self._errors:
            return result
        return replace(result, failure=replace(result.failure, type=_kind(self._errors[-1])))

    def _swap_here(self, job: SwapJob, findings: Findings) -> Outcome:
        findings.models = remote_models(self._remote.client.addresses.root)
        findings.target = stamp_target(job.target)
        findings.sources = stamp_sources(job.spec.pictures, {})
        try:
            return swap_remote(job, self._remote, self.spent)
        except ApiError as error:
            self._errors.append(error)
            raise


def _kind(error: ApiError) -> str:
    if error.status in (400, 413, 422):
        return REFUSED
    if error.retry is Retry.UNKNOWN and error.ticket is None:
        return PERHAPS_BILLED
    return type(error).__name__


@dataclass(slots=True)
class _Trouble:
    """What keeps the API from being asked any more.

    Attributes:
        in_a_row: Items that found it down, one after the other.
        reason: Why all others are done on this machine.
    """

    in_a_row: int = 0
    reason: str | None = None


class RemoteExecutor:
    """Runs items in threads; follows `Executor`. What makes them wait is the API.

    Attributes:
        reason: Why no more items were begun; None: no reason of the executor's own.
        refused: The API refuses every request: no key, no credits.
        requests: Asked of the API and accepted, or perhaps accepted.
        fallbacks: Items that were done on this machine.
    """

    def __init__(self, remote: Remote, jobs: int, *, clock: BatchClock, max_requests: int | None = None,
                 limit: str = "--max-requests", local: Callable[[], Worker] = Worker,
                 say: Callable[[str], None] = lambda line: None) -> None:
        """Nothing is started yet.

        Args:
            remote: Shared by all threads.
            jobs: Items at a time.
            clock: That of `remote`.
            max_requests: Begin no item that could make it more; None: any number.
            limit: What is named as the reason then.
            local: Makes what does items on this machine.
            say: Told that all others are done on this machine.
        """
        self.reason: str | None = None
        self.refused = False
        self.requests = 0
        self.fallbacks = 0
        self._remote = remote
        self._jobs = jobs
        self._clock = clock
        self._max_requests = max_requests
        self._limit = limit
        self._make_local = local
        self._local: Worker | None = None
        self._local_turn = threading.Lock()
        self._say = say
        self._stopped = False
        self._changed = threading.Condition()
        self._reserved = 0
        """Requests that the items being taken or done may yet cost."""
        self._running = 0
        self._ended = False
        """Results are no longer looked for."""
        self._taking = threading.Lock()
        self._trouble = _Trouble()

    def run(self, items: Iterator[Item]) -> Iterator[ItemResult]:
        """As `Executor.run`."""
        if self._is_over():
            return
        results: queue.SimpleQueue[ItemResult | BaseException | None] = queue.SimpleQueue()
        for number in range(self._jobs):
            threading.Thread(target=self._work, args=(number, items, results), name=f"faceswap-remote-{number}",
                             daemon=True).start()
        ended, error = 0, None
        while ended < self._jobs:
            try:
                result = results.get(timeout=_NAP)
            except queue.Empty:
                with self._changed:
                    # A thread may still wait for a name from a pipe; what then comes is not begun.
                    self._ended = self._is_over() and not self._running and results.empty()
                if self._ended:
                    return
                continue
            if isinstance(result, ItemResult):
                yield result
                continue
            ended += 1
            error = error or result
        if error is not None:
            raise error

    def stop(self) -> None:
        """As `Executor.stop`."""
        self._stopped = True

    def close(self) -> None:
        """End all waiting at once. Requests that are open go on at the API, and their tickets stay."""
        self._stopped = True
        self._clock.end()
        with self._changed:  # who is woken so clears up behind itself
            self._changed.wait_for(lambda: not self._running, timeout=_PARTING)

    def _is_over(self) -> bool:
        """Whether nothing more is begun."""
        return self._stopped or self.reason is not None

    def _work(self, number: int, items: Iterator[Item],
              results: queue.SimpleQueue[ItemResult | BaseException | None]) -> None:
        worker = RemoteWorker(self._remote)
        end: BaseException | None = None
        try:
            while (item := self._take(items)) is not None:
                spent = Spent()
                try:
                    results.put(replace(self._do(worker, item, spent), worker=number))
                finally:
                    with self._changed:
                        self._running -= 1
                        self._reserved -= 1
                        self.requests += spent.requests
                        self._changed.notify_all()
        except BaseException as error:
            end = error
        results.put(end)

    def _take(self, items: Iterator[Item]) -> Item | None:
        """The next item, once it is sure that what it may cost is within the bound."""
        with self._taking:
            with self._changed:
                while self._max_requests is not None and self.requests + self._reserved >= self._max_requests \
                        and self._trouble.reason is None:
                    if not self._reserved:
                        self.reason = self.reason or f"{self._limit} is reached ({self.requests} requests)"
                        return None
                    self._changed.wait()
                if self._is_over():
                    return None
                self._reserved += 1
            item: Item | None = None
            try:
                item = next(items, None)
            finally:
                with self._changed:
                    if self._ended:
                        item = None
                    if item is None:
                        self._reserved -= 1
                        self._changed.notify_all()
                    else:
                        self._running += 1
            return item

    def _do(self, worker: RemoteWorker, item: Item, spent: Spent) -> ItemResult:
        if self._trouble.reason is not None:
            return self._do_here(item, self._trouble.reason)
        result = worker.run(item)
        spent.requests = worker.spent.requests
        error = worker.error
        with self._changed:
            self._trouble.in_a_row = self._trouble.in_a_row + 1 if error is not None and error.out_of_order else 0
        if error is None:
            return result
        if falls_back(error, self._remote.options):
            if error.status == 406 or self._trouble.in_a_row >= _IN_A_ROW:
                self._give_up(str(error))
            return self._do_here(item, str(error))
        if error.stops_batch:
            self.refused = True
            self.reason = self.reason or f"the API refuses all requests: {error}"
        return result

    def _give_up(self, reason: str) -> None:
        with self._changed:
            first, self._trouble.reason = self._trouble.reason is None, reason
            self._changed.notify_all()
        if first:
            self._say(f"{reason}; the rest is swapped on this machine (--fallback local)")

    def _do_here(self, item: Item, reason: str) -> ItemResult:
        """Do an item on this machine, one at a time; it counts as done by the API, so that it is not done again."""
        with self._local_turn:
            if self._local is None:
                self._local = self._make_local()
            result = self._local.run(replace(item, job=replace(item.job, spec=replace(item.job.spec, remote=None))))
            self.fallbacks += 1
        warning = f"{reason}; swapped on this machine instead (--fallback local)"
        outcome, failure = result.outcome, result.failure
        if outcome is not None:
            outcome = replace(outcome, warnings=(warning, *outcome.warnings))
        if failure is not None:
            failure = Failure(failure.type, f"{failure.message} (on this machine, because {reason})", failure.exit_code)
        return replace(result, item=item, outcome=outcome, failure=failure,
                       models=remote_models(self._remote.client.addresses.root))
