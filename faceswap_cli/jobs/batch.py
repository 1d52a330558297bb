"""A batch from beginning to end: what is current is told, the rest run, every result noted before it is told."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import Self

from faceswap_cli.errors import ExitCode
from faceswap_cli.jobs.executors.base import Executor
from faceswap_cli.jobs.items import Item, ItemResult, Status
from faceswap_cli.jobs.journal import Journal
from faceswap_cli.options import EngineOptions, OnError


@dataclass(frozen=True, slots=True)
class Policy:
    """How a batch goes about its items.

    Attributes:
        on_error: What happens when an item fails.
        max_failures: Stop when so many items have failed in this run; None: never.
        ordered: Tell results in the order of the items, not as they finish.
        resume: Leave out what the journal has as done and is unchanged. False: do everything again; outputs that the
            journal knows are replaced either way.
        retry_failed: Try again what failed in an earlier run, though nothing has changed.
    """

    on_error: OnError = OnError.CONTINUE
    max_failures: int | None = None
    ordered: bool = False
    resume: bool = True
    retry_failed: bool = False


@dataclass(frozen=True, slots=True)
class BatchReport:
    """How a batch ended.

    Attributes:
        counts: Items by status; every status has a number.
        seconds: Wall time.
        stopped: Why not all items were begun, or were finished; None: they were.
        warnings: About the batch as a whole, one line each.
        signal: The number of the signal that stopped it; None: none did.
    """

    counts: dict[Status, int]
    seconds: float
    stopped: str | None = None
    warnings: tuple[str, ...] = ()
    signal: int | None = None

    @property
    def exit_code(self) -> int:
        """0: all done; 7: an item failed, now or earlier; 128 + the signal (130, 143): interrupted."""
        if self.signal is not None:
            return 128 + self.signal
        return int(ExitCode.PARTIAL if self.counts[Status.FAILED] else ExitCode.OK)


class Interruption:
    """While it is entered, a first SIGINT or SIGTERM stops an executor, and a second one ends everything at once.

    Signals that were ignored before stay ignored. Only the main thread gets signals: elsewhere it does nothing.

    Attributes:
        signal: The number of the first signal; None: none came.
    """

    def __init__(self, executor: Executor, say: Callable[[str], None] | None = None) -> None:
        """Nothing is installed yet.

        Args:
            executor: Told to `stop`, then to `close`.
            say: Told what a signal has set off, from within the signal handler.
        """
        self.signal: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> bool:
        return False


def run_batch(items: Iterable[Item], executor: Executor, journal: Journal | None, policy: Policy,
              on_result: Callable[[ItemResult], None], *, models: Callable[[EngineOptions], dict[str, str]],
              say: Callable[[str], None] | None = None) -> BatchReport:
    """Do what is to be done of a batch.

    `job.overwrite` of an item says whether the user lets an output be replaced that this batch did not make; those
    that the journal knows are replaced without it. Items that are current, that failed before, that carry a problem
    or whose output is in the way are told without being run, with `attempts` 0. Signals are taken care of, see
    `Interruption`. The caller holds the lock (`locks.hold`), and closes journal and executor.

    Args:
        items: In order; taken as the executor asks for them.
        executor: Runs them.
        journal: Open; None: nothing is noted, nothing is resumed.
        policy: How to go about it.
        on_result: Told about each item, in the caller's thread, after it was noted. Items never begun are only counted.
        models: The `ItemResult.models` that a worker would report for these options now; asked once for each options.
        say: Told what a signal has set off.

    Raises:
        OutputError: The journal cannot be written.
    """
    counts = dict.fromkeys(Status, 0)
    start = time.monotonic()
    for result in executor.run(iter(items)):
        if journal is not None:
            journal.append(result)
        counts[result.status] += 1
        on_result(result)
    return BatchReport(counts, time.monotonic() - start)
