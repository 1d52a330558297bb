"""Seconds per stage of a job."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from faceswap_cli.jobs.job import Timings

Item = TypeVar("Item")


class StageClock:
    """Adds up the seconds of each stage; runs in one thread, others hand their seconds in through `add`."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the seconds inside the `with` block; also when it fails."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.add(name, time.perf_counter() - start)

    def add(self, name: str, seconds: float) -> None:
        """Count seconds that were measured elsewhere."""
        self._seconds[name] += seconds

    def over(self, name: str, items: Iterable[Item]) -> Iterator[Item]:
        """The same items; the seconds each takes to come are counted."""
        iterator = iter(items)
        while True:
            with self.stage(name):
                try:
                    item = next(iterator)
                except StopIteration:
                    return
            yield item

    def timings(self) -> Timings:
        """What was counted so far."""
        return Timings(**self._seconds, total=time.perf_counter() - self._start)
