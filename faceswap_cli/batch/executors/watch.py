"""Who is past a limit."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from faceswap_cli.batch.executors.base import Limits
from faceswap_cli.batch.executors.members import Member, shown
from faceswap_cli.batch.executors.resident_memory import POLL_SECONDS, resident_bytes
from faceswap_cli.batch.items import Failure

_START_SECONDS = 120.0
"""Longest time until a new worker is ready."""


class Watch:
    """Looks at workers now and then."""

    def __init__(self, limits: Limits) -> None:
        """Nothing is looked at yet.

        Args:
            limits: What one item may cost.
        """
        self._limits = limits
        self._looked = 0.0

    def ends(self, workers: Sequence[Member]) -> list[float]:
        """Times, by `time.monotonic`, at which workers must be looked at if nothing else happens."""
        seconds = self._limits.seconds
        ends = [worker.process.born + _START_SECONDS for worker in workers if not worker.ready]
        if seconds is not None:
            ends += [worker.begun + seconds for worker in workers
                     if worker.load and not worker.untaken and worker.condemned is None]
        if self._limits.memory is not None and workers:
            ends.append(self._looked + POLL_SECONDS)
        return ends

    def offenders(self, workers: Sequence[Member]) -> Iterator[tuple[Member, Failure]]:
        """Workers past a limit that are not condemned yet, and what is to be told of them."""
        now = time.monotonic()
        for worker in workers:
            if worker.condemned is None and (failure := self._too_long(worker, now)) is not None:
                yield worker, failure
        if self._limits.memory is not None and now - self._looked >= POLL_SECONDS:
            self._looked = now
            yield from self._too_large(workers, self._limits.memory)

    def _too_long(self, worker: Member, now: float) -> Failure | None:
        if not worker.ready:
            late = now - worker.process.born > _START_SECONDS
            return Failure("WorkerDied", f"one is not ready after {_START_SECONDS:g} s") if late else None
        seconds = self._limits.seconds
        if seconds is None or not worker.load or worker.untaken or now - worker.begun <= seconds:
            return None
        return Failure("Timeout", f"{shown(worker.load[0].item)}: not done after {seconds:g} s (--timeout)")

    def _too_large(self, workers: Sequence[Member], limit: int) -> Iterator[tuple[Member, Failure]]:
        sizes = resident_bytes([worker.process.pid for worker in workers])
        for worker in workers:
            size = sizes.get(worker.process.pid, 0)
            if size > limit and worker.condemned is None:
                name = f"{shown(worker.load[0].item)}: " if worker.load else ""
                yield worker, Failure("MemoryLimit", f"{name}the worker process took {_megabytes(size)}, more than "
                                                     f"{_megabytes(limit)} (--max-memory)")


def _megabytes(size: int) -> str:
    return f"{size / 2**20:.0f} MiB"
