"""Threads that keep the order: results come out as items went in, whatever the number of workers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

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
