"""What executors do alike whose workers can be lost: an item is tried twice, cleaned up after, and fails in one way."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from faceswap_cli.batch.items import Failure, FailureKind, Item, ItemResult, Status
from faceswap_cli.files.leftovers import sweep_beside
from faceswap_cli.jobs.job import SwapJob
from faceswap_cli.names import is_url

WORKER = "faceswap_cli.batch.worker:Worker"
"""What does the items in every process of every executor: made with `threads=`, then `run(item)` is called for each."""

START_SECONDS = 120.0
"""Longest time until a new worker is ready."""

_ATTEMPTS = 2


@dataclass(slots=True, eq=False)
class Attempt:
    """An item on its way.

    Attributes:
        item: As it came.
        failed: Attempts that cost a worker.
        fresh: Its output was not there when it was first begun: what is there later is its own.
    """

    item: Item
    failed: int = 0
    fresh: bool | None = None

    def begin(self) -> Item:
        """The item as a worker is to have it now."""
        job, path = self.item.job, _path(self.item.job)
        if self.fresh is None:
            self.fresh = path is not None and not job.overwrite and not os.path.lexists(path)
        if self.failed and self.fresh:  # the first attempt may have died after its output was in place
            return replace(self.item, job=replace(job, overwrite=True))
        return self.item

    def lose(self) -> bool:
        """Its worker is gone: clean up after it. Whether the item is to be tried again."""
        self.failed += 1
        self.sweep()
        return self.failed < _ATTEMPTS

    def sweep(self) -> None:
        """Remove what a worker that was killed has left beside the output."""
        path = _path(self.item.job)
        if path is not None:
            sweep_beside(Path(os.path.realpath(path)))

    def result(self, result: ItemResult, worker: int) -> ItemResult:
        """What a worker told, as a result of this attempt."""
        return replace(result, item=self.item, attempts=self.failed + 1, worker=worker)

    def failure(self, failure: Failure, worker: int, seconds: float) -> ItemResult:
        """The result of the last attempt, which `lose` has counted."""
        return ItemResult(item=self.item, status=Status.FAILED, failure=failure, attempts=self.failed, worker=worker,
                          seconds=seconds)


def died(item: Item, how: str) -> Failure:
    """`how` is a sentence, as `the worker process was ended by SIGSEGV`."""
    return Failure(FailureKind.WORKER_DIED, f"{shown(item)}: {how}, {_ATTEMPTS} times")


def too_long(item: Item, seconds: float) -> Failure:
    """It took more than `--timeout`."""
    return Failure(FailureKind.TIMEOUT, f"{shown(item)}: not done after {seconds:g} s (--timeout)")


def too_large(item: Item | None, size: int, limit: int) -> Failure:
    """A worker took so many bytes, more than `--max-memory`."""
    name = "" if item is None else f"{shown(item)}: "
    return Failure(FailureKind.MEMORY_LIMIT, f"{name}the worker process took {size / 2**20:.0f} MiB, more than "
                                             f"{limit / 2**20:.0f} MiB (--max-memory)")


def unexpected(item: Item, error: Exception, text: object) -> ItemResult:
    """The result of an item whose worker raised something, which workers never do."""
    line = " ".join(f"{item.name}: {type(error).__name__}: {text}".split())
    return ItemResult(item=item, status=Status.FAILED, failure=Failure(FailureKind.UNEXPECTED, line))


def shown(item: Item) -> str:
    """An item as messages name it."""
    return " ".join(item.name.split())


def _path(job: SwapJob) -> Path | None:
    """The output, if it is a file of this machine."""
    return None if is_url(job.output) else job.output_path
