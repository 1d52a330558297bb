"""What the supervisor and its worker processes say to each other, beside items and their results."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WorkerSetup:
    """To a worker, first of all.

    Attributes:
        worker: `module:Class`; made once with `threads=`, then its `run(item)` is called for each item.
        threads: Cores that the process may take.
        parent: Process that it must not outlive.
    """

    worker: str
    threads: int
    parent: int


@dataclass(frozen=True, slots=True)
class Ready:
    """From a worker: an item may come."""


@dataclass(frozen=True, slots=True)
class Broken:
    """From a worker: it cannot work at all, and why, in one line."""

    reason: str
