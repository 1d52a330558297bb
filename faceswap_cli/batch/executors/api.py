"""Items done by the API: threads that wait for it, under one bound on what is asked.

An item that the API cannot do because it is down or out of credits may be done on this machine, where the user said so.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from faceswap_cli.api_jobs.swap import Remote, Spent, check_remote, check_source, falls_back, swap_remote
from faceswap_cli.batch.executors.base import Executor
from faceswap_cli.batch.executors.table import ApiBounds, Assignment, ExecutorOptions
from faceswap_cli.batch.items import FailureKind, Item, ItemResult
from faceswap_cli.batch.worker import Findings, Worker
from faceswap_cli.errors import ExitCode
from faceswap_cli.jobs.job import Outcome, SwapJob
from faceswap_cli.jobs.resume.stamps import stamp_sources, stamp_target
from faceswap_cli.options import EngineOptions, RemoteOptions
from faceswap_cli.segmind.address import Addresses
from faceswap_cli.segmind.clock import SystemClock
from faceswap_cli.segmind.faults import ApiError, Retry
from faceswap_cli.text import as_flag

TICKETS = ".requests"
"""What follows the name of the journal in that of the folder of open requests."""

_IN_A_ROW = 3
"""So many items in a row that found the API down: the others do not try it any more."""

_NAP = 0.2
_PARTING = 1.0


class InterruptedWaitError(Exception):
    """The batch was ended while a thread waited."""


class _BatchClock(SystemClock):
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


class _ApiWorker(Worker):
    """Does one item after the other by the API.

    Attributes:
        spent: On the last item.
        error: Of the API, about the last item.
    """

    def __init__(self, remote: Remote, models: dict[str, str]) -> None:
        super().__init__()
        self._remote = remote
        self._models = models
        self._forget()

    def run(self, item: Item) -> ItemResult:
        """As `Worker.run`."""
        self._forget()
        result = super().run(item)
        if result.failure is None or self.error is None:
            return result
        return replace(result, failure=replace(result.failure, type=_kind(self.error)))

    def _forget(self) -> None:
        self.spent = Spent()
        self.error: ApiError | None = None

    def _swap_here(self, job: SwapJob, findings: Findings) -> Outcome:
        findings.models = self._models
        findings.target = stamp_target(job.target)
        findings.sources = stamp_sources(job.spec.pictures, {})
        try:
            return swap_remote(job, self._remote, self.spent)
        except ApiError as error:
            self.error = error
            raise


def _kind(error: ApiError) -> FailureKind:
    if error.status in (400, 413, 422):
        return FailureKind.REFUSED
    if error.retry is Retry.UNKNOWN and error.ticket is None:
        return FailureKind.PERHAPS_BILLED
    return FailureKind.API


class ApiExecutor(Executor):
    """Runs items in threads. What makes them wait is the API."""

    def __init__(self, options: RemoteOptions, bounds: ApiBounds | None = None, *, tickets: Path | None = None,
                 local: Callable[[], Worker] = Worker, say: Callable[[str], None] = lambda line: None,
                 detail: Callable[[str], None] = lambda line: None) -> None:
        """Nothing is started, and no key read.

        Args:
            options: How the API is called.
            bounds: How many requests are made.
            tickets: The folder of open requests; None: that of single swaps.
            local: Makes what does items on this machine.
            say: Told that all others are done on this machine.
            detail: Told what the API makes a thread wait for.

        Raises:
            UsageError: An address that is none.
        """
        self._options = options
        self._bounds = bounds or ApiBounds()
        self._tickets = tickets
        self._make_local = local
        self._say = say
        self._detail = detail
        self._models = {"api": Addresses.of(options.base_url, options.upload_url).root}
        self._clock = _BatchClock()
        self._remote: Remote | None = None
        self._local: Worker | None = None
        self._local_turn = threading.Lock()
        self._stopped = False
        self._changed = threading.Condition()
        self._taking = threading.Lock()
        self._requests = 0
        self._fallbacks = 0
        self._reserved = 0
        """Requests that the items being taken or done may yet cost."""
        self._running = 0
        self._ended = False
        """Results are no longer looked for."""
        self._in_a_row = 0
        """Items that found the API down, one after the other."""
        self._given_up: str | None = None
        """Why all others are done on this machine."""

    def check(self, items: Iterable[Item]) -> None:
        """See `Executor.check`: an option that the API has no parameter for, a picture that cannot be read."""
        seen: set[tuple[str, ...]] = set()
        for item in items:
            if item.problem is None:
                check_remote(item.job)
                if item.job.spec.sources not in seen:
                    seen.add(item.job.spec.sources)
                    check_source(item.job)

    def open(self, engines: Iterable[EngineOptions]) -> tuple[str, ...]:
        """See `Executor.open`: the key is read, nothing is sent.

        Raises:
            RemoteError: There is no key and one is needed, or it cannot be read.
        """
        self._remote = Remote(self._options, tickets=self._tickets, clock=self._clock, say=self._detail)
        return self._remote.notes

    def models(self, options: EngineOptions) -> dict[str, str]:
        """See `Executor.models`: the API at an address; versions of its models it does not tell."""
        return self._models

    def explain(self, job: SwapJob) -> None:
        """See `Executor.explain`: the API judges pictures."""

    def facts(self) -> dict[str, Any]:
        """See `Executor.facts`: what was asked of the API."""
        cost = None if self._bounds.cost is None else round(self._requests * self._bounds.cost, 6)
        return {"remote": {"requests": self._requests, "cost": cost, "fallbacks": self._fallbacks}}

    def told(self) -> str:
        """See `Executor.told`."""
        spent = self.facts()["remote"]
        cost = "" if spent["cost"] is None else f" for {spent['cost']:g}"
        here = f", {self._fallbacks} items done on this machine" if self._fallbacks else ""
        return f"{self._requests} request{'' if self._requests == 1 else 's'} made{cost}{here}"

    def run(self, items: Iterator[Item]) -> Iterator[ItemResult]:
        """As `Executor.run`; after `open`."""
        if self._is_over():
            return
        assert self._remote is not None
        results: queue.SimpleQueue[ItemResult | BaseException | None] = queue.SimpleQueue()
        for number in range(self._bounds.jobs):
            worker = _ApiWorker(self._remote, self._models)
            threading.Thread(target=self._work, args=(number, worker, items, results), name=f"faceswap-api-{number}",
                             daemon=True).start()
        ended, error = 0, None
        while ended < self._bounds.jobs:
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
        if self._remote is not None:
            self._remote.close()

    def _is_over(self) -> bool:
        """Whether nothing more is begun."""
        return self._stopped or self.reason is not None

    def _work(self, number: int, worker: _ApiWorker, items: Iterator[Item],
              results: queue.SimpleQueue[ItemResult | BaseException | None]) -> None:
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
                        self._requests += spent.requests
                        self._changed.notify_all()
        except BaseException as error:
            end = error
        results.put(end)

    def _take(self, items: Iterator[Item]) -> Item | None:
        """The next item, once it is sure that what it may cost is within the bound."""
        most = self._bounds.max_requests
        with self._taking:
            with self._changed:
                while most is not None and self._requests + self._reserved >= most and self._given_up is None:
                    if not self._reserved:
                        self.reason = self.reason or f"{self._bounds.limit} is reached ({self._requests} requests)"
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

    def _do(self, worker: _ApiWorker, item: Item, spent: Spent) -> ItemResult:
        if self._given_up is not None:
            return self._do_here(item, self._given_up)
        result = worker.run(item)
        spent.requests = worker.spent.requests
        error = worker.error
        with self._changed:
            self._in_a_row = self._in_a_row + 1 if error is not None and error.out_of_order else 0
        if error is None:
            return result
        if falls_back(error, self._options):
            if error.status == 406 or self._in_a_row >= _IN_A_ROW:
                self._give_up(error.text(as_flag))
            return self._do_here(item, error.text(as_flag))
        if error.stops_batch:
            self.refusal = ExitCode.REMOTE
            self.reason = self.reason or f"the API refuses all requests: {error.text(as_flag)}"
        return result

    def _give_up(self, reason: str) -> None:
        with self._changed:
            first, self._given_up = self._given_up is None, reason
            self._changed.notify_all()
        if first:
            self._say(f"{reason}; the rest is swapped on this machine (--fallback local)")

    def _do_here(self, item: Item, reason: str) -> ItemResult:
        """Do an item on this machine, one at a time; it counts as done by the API, so that it is not done again."""
        with self._local_turn:
            if self._local is None:
                self._local = self._make_local()
            result = self._local.run(replace(item, job=replace(item.job, spec=replace(item.job.spec, remote=None))))
            self._fallbacks += 1
        warning = f"{reason}; swapped on this machine instead (--fallback local)"
        outcome, failure = result.outcome, result.failure
        if outcome is not None:
            outcome = replace(outcome, warnings=(warning, *outcome.warnings))
        if failure is not None:
            failure = replace(failure, message=f"{failure.message} (on this machine, because {reason})")
        return replace(result, item=item, outcome=outcome, failure=failure, models=self._models)


def make_api(options: ExecutorOptions, batch: Assignment) -> ApiExecutor:
    """The API, with open requests noted beside the journal."""
    assert batch.request.spec.remote is not None
    tickets = None if batch.journal is None else batch.journal.with_name(batch.journal.name + TICKETS)
    return ApiExecutor(batch.request.spec.remote, options.bounds, tickets=tickets, say=batch.say, detail=batch.detail)
