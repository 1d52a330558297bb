"""The interface of executors: items in, results out, in the order in which they finish."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from faceswap_cli.batch.items import Item, ItemResult


@dataclass(frozen=True, slots=True)
class Limits:
    """What one item may cost.

    Attributes:
        seconds: Longest time for one item; None: any.
        memory: Most resident bytes of a worker; None: any.
    """

    seconds: float | None = None
    memory: int | None = None


class Executor(Protocol):
    """Runs items in workers.

    A worker that dies, hangs past its time or eats past its memory costs one item: the worker is replaced, the item
    tried once more and then failed. Exceptions of an item are results, never exceptions of the executor.
    """

    def run(self, items: Iterator[Item]) -> Iterator[ItemResult]:
        """The result of each item, as soon as it is there.

        Items are taken no further ahead than the workers can begin, and possibly in a thread of their own, so that an
        iterator that waits (for names from a pipe) holds up no results: what it shares with the caller must allow
        that. What the iterator raises is raised here, after the results of what it gave before. After `stop` no more
        are taken, what is running is finished and told, and the results end; items never begun are not told of.
        """

    def stop(self) -> None:
        """Begin nothing more; may be called from a signal handler or another thread."""

    def close(self) -> None:
        """End all workers at once, whatever they do; nothing half-written stays behind that the next run minds."""
