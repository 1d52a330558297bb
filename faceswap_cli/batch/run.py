"""A batch from beginning to end: what is current is reported, the rest run, every result recorded first."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from faceswap_cli.batch.entry import Entry
from faceswap_cli.batch.executors.base import Executor
from faceswap_cli.batch.interruption import Interruption
from faceswap_cli.batch.items import Failure, FailureKind, Item, ItemResult, Status
from faceswap_cli.batch.journal import Entries, Journal
from faceswap_cli.batch.resume import Standing
from faceswap_cli.errors import ExitCode, UsageError
from faceswap_cli.files.leftovers import sweep_beside
from faceswap_cli.names import Kind, kind_of, shown
from faceswap_cli.options import EngineOptions, OnError

__all__ = ["BatchReport", "Interruption", "Policy", "run_batch"]

ORDER_WINDOW = 256
"""How many results may wait for an earlier one to be told before no more items are begun."""

_UNTOLD = 10_000
"""How many items that need not be run may wait to be told, which is done when a result comes from a worker."""

_NAP = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How a batch goes about its items.

    Attributes:
        on_error: What happens when an item fails in this run.
        max_failures: Stop when so many items have failed in this run; None: never.
        ordered: Tell results in the order of the items, not as they finish.
        resume: Leave out what the journal has as done and is unchanged. False: do everything again; outputs that the
            journal knows are replaced either way.
        retry_failed: Try again what failed in an earlier run, though nothing has changed. Failures that do not lie in
            the item (see `FailureKind.lasting`) are always tried again.
    """

    on_error: OnError = OnError.CONTINUE
    max_failures: int | None = None
    ordered: bool = False
    resume: bool = True
    retry_failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchReport:
    """How a batch ended.

    Attributes:
        counts: Items by status; every status has a number.
        seconds: Wall time.
        stopped: Why not all items were done; None: they were.
        warnings: About the batch as a whole, one line each.
        signal: The number of the signal that stopped it; None: none did.
        refusal: `Executor.refusal`.
    """

    counts: dict[Status, int]
    seconds: float
    stopped: str | None = None
    warnings: tuple[str, ...] = ()
    signal: int | None = None
    refusal: ExitCode | None = None

    @property
    def exit_code(self) -> int:
        """0: all done; 7: an item failed, now or earlier, or was not begun; 128 + the signal: interrupted."""
        if self.signal is not None:
            return 128 + self.signal
        partial = self.counts[Status.FAILED] or self.counts[Status.STOPPED]
        return int(self.refusal or (ExitCode.PARTIAL if partial else ExitCode.OK))


def run_batch(items: Iterable[Item], executor: Executor, journal: Journal | None, policy: Policy,
              on_result: Callable[[ItemResult], None], *, models: Callable[[EngineOptions], dict[str, str]],
              say: Callable[[str], None] | None = None) -> BatchReport:
    """Do what is to be done of a batch.

    `job.overwrite` of an item says whether the user lets an output be replaced that this batch did not make; those
    that the journal knows are replaced without it. Told without being run, with `attempts` 0, are items that are
    current, that failed before and are not to be retried, that carry a problem, and whose output is in the way.
    Signals are taken care of, see `Interruption`. The caller holds the lock (`locks.hold`), and closes journal and
    executor.

    Args:
        items: In order, each with a key of its own; taken as the executor asks for them, maybe in another thread.
        executor: Runs them.
        journal: Open; None: nothing is noted, nothing is resumed.
        policy: How to go about it.
        on_result: Told about each item, in the caller's thread, after it was noted. Items never begun are only counted.
        models: The `ItemResult.models` that a worker would report for these options now; asked once for each options.
        say: Told what a signal has set off.

    Raises:
        OutputError: The journal cannot be written.
    """
    start = time.monotonic()
    interruption = Interruption(executor, say)
    run = _Run(items, executor, journal, policy, on_result, models, interruption)
    with interruption:
        run.run()
    return run.report(time.monotonic() - start)


class _Run:
    """One pass over the items. `_feed` may run in a thread of the executor; everything else is in the caller's."""

    def __init__(self, items: Iterable[Item], executor: Executor, journal: Journal | None, policy: Policy,
                 on_result: Callable[[ItemResult], None], models: Callable[[EngineOptions], dict[str, str]],
                 interruption: Interruption) -> None:
        self._items = iter(items)
        self._total = len(items) if isinstance(items, Sized) else None
        self._executor = executor
        self._journal = journal
        self._policy = policy
        self._on_result = on_result
        self._interruption = interruption
        self._standing = Standing(models)
        self._entries = journal.read() if journal is not None else Entries()
        self._thread = threading.get_ident()
        self._counts = dict.fromkeys(Status, 0)
        self._failures = count(1)
        self._stopped: str | None = None
        self._exhausted = False
        self._error: Exception | None = None
        self._taken = 0
        self._found: tuple[int, Item] | None = None
        """What the next pass begins with."""
        self._running: dict[str, tuple[int, Item]] = {}
        """What the executor has, by key, and its place in the order."""
        self._untold: deque[tuple[int, ItemResult]] = deque()
        """What another thread found not to need running."""
        self._waiting: dict[int, ItemResult] = {}
        """What an earlier item holds back, by place."""
        self._next = 0

    def run(self) -> None:
        """Do the items, in as many passes as the order takes."""
        try:
            while not self._exhausted and not self._stopping and self._error is None:
                self._pass()
            for place in sorted(self._waiting):  # behind items that were stopped
                self._on_result(self._waiting.pop(place))
            if self._journal is not None:
                self._journal.sync()
        except BaseException:
            self._stop("it failed")
            raise
        if self._error is not None:
            raise self._error

    def _pass(self) -> None:
        taken = self._taken
        if self._total is not None:  # a list makes nobody wait: if all of it is current, no worker is started
            self._found = self._next_to_run()
            if self._found is None:
                return
        for result in self._executor.run(self._feed()):
            self._finish(result)
            self._tell_untold()
        self._tell_untold()
        if self._stopping or self._error is not None:
            return
        if self._found is not None or (self._taken == taken and not self._exhausted):
            self._stop(self._executor.reason or "the workers were stopped")
            return
        # None is lost silently: an executor tells of every item that it takes, unless it was stopped.
        for _, item in list(self._running.values()):
            message = f"{shown(item.name)}: its worker was lost; run it again with --retry-failed"
            self._finish(ItemResult(item=item, status=Status.FAILED, failure=Failure(FailureKind.WORKER_DIED, message)))

    def report(self, seconds: float) -> BatchReport:
        """How it ended."""
        counted = sum(self._counts.values())
        left = (self._taken if self._total is None else self._total) - counted
        unread = self._total is None and not self._exhausted
        warnings = []
        if self._entries.damaged:
            lines = "1 line" if self._entries.damaged == 1 else f"{self._entries.damaged} lines"
            warnings.append(f"{lines} of the journal could not be read; what was recorded there was done again")
        if unread:
            warnings.append("the list of inputs was not read to its end; the items that were left are not counted")
        number = self._interruption.signal
        reason = self._stopped if number is None else f"interrupted by {self._interruption.name}"
        return BatchReport(counts=self._counts | {Status.STOPPED: left}, seconds=seconds,
                           stopped=reason if left or unread else None, warnings=tuple(warnings), signal=number,
                           refusal=self._executor.refusal)

    @property
    def _stopping(self) -> bool:
        return self._stopped is not None or self._interruption.signal is not None

    def _feed(self) -> Iterator[Item]:
        """What is to be run. An error ends it and is raised in the end, so that what runs is finished and noted."""
        try:
            found, self._found = self._found, None
            while (found := found or self._next_to_run()) is not None:
                place, item = found
                ready = self._begin(item)
                self._running[item.key] = place, item
                found = None
                yield ready
        except Exception as error:
            self._error = error

    def _next_to_run(self) -> tuple[int, Item] | None:
        """The next item that needs to be run, and its place; the others are told. None: there is none for now."""
        while not self._stopping and self._has_room():
            item = next(self._items, None)
            if item is None:
                self._exhausted = True
                return None
            place, self._taken = self._taken, self._taken + 1
            result = self._without_running(item)
            if result is None:
                return place, item
            if threading.get_ident() == self._thread:
                self._tell_in_order(place, result)
            else:
                self._untold.append((place, result))
        return None

    def _has_room(self) -> bool:
        """Whether results may run so far ahead of what is told. False ends a pass; in another thread it waits."""
        while len(self._untold) >= _UNTOLD or (self._policy.ordered and len(self._waiting) >= ORDER_WINDOW):
            if threading.get_ident() == self._thread or not self._running or self._stopping:
                return False
            time.sleep(_NAP)
        return True

    def _without_running(self, item: Item) -> ItemResult | None:
        """What is known of an item already; None: it is to be run."""
        result = earlier_result(item, self._entries, self._standing, self._policy)
        if result is None and (failure := refusal(item, self._entries)) is not None:
            self._count_failure()
            result = ItemResult(item=item, status=Status.FAILED, failure=failure, attempts=0)
        return result

    def _begin(self, item: Item) -> Item:
        """The item as it is handed out, noted."""
        if self._journal is None:
            return item
        if self._entries.is_open(item.key) and kind_of(item.job.output) is Kind.PATH:
            sweep_beside(Path(os.path.realpath(item.job.output)))
        self._journal.begin(item)
        if self._entries.has_begun(item.key):
            return replace(item, job=replace(item.job, overwrite=True))
        return item

    def _finish(self, result: ItemResult) -> None:
        place, _ = self._running.pop(result.item.key)
        if result.status is Status.FAILED:
            self._count_failure()
            result = self._standing.complete(result)
        if self._journal is not None:
            self._journal.append(result)
        self._tell_in_order(place, result)

    def _tell_untold(self) -> None:
        while self._untold:
            self._tell_in_order(*self._untold.popleft())

    def _tell_in_order(self, place: int, result: ItemResult) -> None:
        self._counts[result.status] += 1
        if not self._policy.ordered:
            self._on_result(result)
            return
        self._waiting[place] = result
        while self._next in self._waiting:
            self._next += 1
            self._on_result(self._waiting.pop(self._next - 1))

    def _count_failure(self) -> None:
        """One more in this run; those of earlier runs stop nothing."""
        failures = next(self._failures)
        if self._stopping:
            return
        if self._policy.on_error is OnError.STOP:
            self._stop("an item failed (--on-error stop)")
        elif self._policy.max_failures is not None and failures >= self._policy.max_failures:
            self._stop(f"{failures} items failed (--max-failures {self._policy.max_failures})")

    def _stop(self, reason: str) -> None:
        self._stopped = self._stopped or reason
        self._executor.stop()


def earlier_result(item: Item, entries: Entries, standing: Standing, policy: Policy) -> ItemResult | None:
    """What an earlier run has made of an item, where that still stands; None: it is to be run, or refused."""
    entry = entries.get(item.key) if policy.resume and item.problem is None else None
    if entry is not None and standing.is_current(item, entry):
        return _earlier(item, entry, Status.CURRENT)
    if entry is not None and not policy.retry_failed and standing.is_failed(item, entry):
        return _earlier(item, entry, Status.FAILED)
    return None


def refusal(item: Item, entries: Entries) -> Failure | None:
    """Why an item that is to be run cannot be; None: it can."""
    if item.problem is None and not item.job.overwrite and not entries.has_begun(item.key) and _exists(item.job.output):
        message = (f"{shown(item.job.output)} exists and is not of this batch; choose another folder, "
                   "or add --overwrite")
        return Failure(FailureKind.USAGE, message, UsageError.exit_code)
    return item.problem


def _earlier(item: Item, entry: Entry, status: Status) -> ItemResult:
    """What an earlier run has noted, as a result of this one."""
    failure = entry.failure
    if failure is not None:
        failure = replace(failure, message=f"{failure.message} (in an earlier run; --retry-failed tries again)")
    return ItemResult(item=item, status=status, failure=failure, attempts=0, target=entry.input,
                      sources=dict(entry.sources), output=entry.output, models=entry.models)


def _exists(output: str) -> bool:
    """Whether something lies there, if only a link that leads nowhere; of a remote output its worker finds out."""
    return kind_of(output) is Kind.PATH and os.path.lexists(output)
