"""Threads that keep the order: results come out as items went in, whatever the number of workers."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, Self, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

PENDING_BYTES = 256 * 1024 * 1024
"""Bound on the pixels that wait in a pipeline, so that memory depends on neither frame size nor frame count."""


def pending_limit(workers: int, frame_bytes: int) -> int:
    """How many items may be under way at a time: two for each worker, fewer when they are large, at least one."""
    return max(1, min(2 * workers, PENDING_BYTES // max(frame_bytes, 1)))


def map_ordered(function: Callable[[Item], Result], items: Iterable[Item], *, workers: int,
                pending: int, heavy: bool = False) -> Iterator[Result]:
    """`map(function, items)`, with `function` called by threads and `items` taken by the caller's thread.

    Args:
        function: Must be safe to call from several threads.
        items: Consumed lazily, at most `pending` items ahead of the results taken.
        workers: Number of threads, the caller's included; 1 runs everything in that.
        pending: Bound on the items under way.
        heavy: `function` takes nearly all the time, outside the interpreter: as many threads as workers run it, beside
            the caller's.

    Raises:
        Exception: What `function` or `items` raised; items after it are abandoned.
    """
    if workers <= 1 or pending <= 1:
        yield from map(function, items)
        return
    waiting: deque[Future[Result]] = deque()
    # The caller's thread is one of the workers: it makes the items and takes the results. On two cores one thread
    # beside it was 15 % faster than two, which only wait for each other; unless they wait for no interpreter.
    threads = min(workers, pending) - (0 if heavy else 1)
    pool = ThreadPoolExecutor(max(1, threads), thread_name_prefix="faceswap-render")
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) >= pending:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class Background(Generic[Item]):
    """Calls a function for one item after the other, in a thread of its own, while it is entered.

    Attributes:
        seconds: That it took, complete after the block.
    """

    def __init__(self, function: Callable[[Item], None], ahead: int) -> None:
        """Nothing runs yet.

        Args:
            function: Called in the order of the items.
            ahead: Bound on the items that wait.
        """
        self.seconds = 0.0
        self._function = function
        self._items: queue.Queue[Item | None] = queue.Queue(ahead)
        self._error: BaseException | None = None
        self._abandoned = False
        self._thread = threading.Thread(target=self._run, name="faceswap-background", daemon=True)

    def put(self, item: Item) -> None:
        """Hand over an item; waits while too many are waiting.

        Raises:
            Exception: What the function raised for an earlier one.
        """
        if self._error is not None:
            raise self._error
        self._items.put(item)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        """Wait for the last item; after an error those that wait are abandoned."""
        self._abandoned = kind is not None
        self._items.put(None)
        self._thread.join()
        if self._error is not None and kind is None:
            raise self._error

    def _run(self) -> None:
        # Items are taken until the end whatever happens, so that nobody waits for ever to hand one over.
        while (item := self._items.get()) is not None:
            if self._abandoned or self._error is not None:
                continue
            start = time.perf_counter()
            try:
                self._function(item)
            except BaseException as error:
                self._error = error
            self.seconds += time.perf_counter() - start
