"""The bounded queue between the clients and the worker threads. Every request that it accepts ends."""

from __future__ import annotations

import logging
import math
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

from faceswap_cli.errors import OutputError
from faceswap_cli.segmind.schema import State
from faceswap_cli.server.failures import INTERNAL, STOPPING, HttpError
from faceswap_cli.server.files import FileShelf
from faceswap_cli.server.metrics import Metrics
from faceswap_cli.server.options import ServerOptions
from faceswap_cli.server.runner import Runner
from faceswap_cli.server.store import Ending, Store, Stored

log = logging.getLogger("faceswap.serve")

FILE_GRACE = 60.0
"""Seconds that a result outlives its request, so that who was just told of it can still fetch it."""

_ATTEMPTS = 2
"""How often a request is begun that ends the whole server each time."""

_LONGEST_WAIT = 60
_SWEEP_SECONDS = 60.0
_RETRY_SECONDS = 5.0


class RequestQueue:
    """Accepts requests, has them done in order, and forgets them when their time is over."""

    def __init__(self, options: ServerOptions, store: Store, shelf: FileShelf, runner: Callable[[], Runner],
                 metrics: Metrics, now: Callable[[], float]) -> None:
        """Nothing runs yet.

        Args:
            options: Workers, bounds, retention.
            store: Where requests are kept.
            shelf: Where results are kept.
            runner: Makes what a worker thread does them with.
            metrics: Counts.
            now: The time, in seconds since the epoch.
        """
        self._options = options
        self._store = store
        self._shelf = shelf
        self._runner = runner
        self._metrics = metrics
        self._now = now
        self._changed = threading.Condition()
        self._waiting: deque[str] = deque()
        self._sizes: dict[str, int] = {}
        self._watched: dict[str, Future[Ending]] = {}
        self._stopping = threading.Event()
        self._draining = threading.Event()
        self._given_up = threading.Event()
        self._threads: list[threading.Thread] = []
        self._mean_seconds = 1.0
        metrics.gauge("faceswap_queue_waiting", "Requests that no worker has yet.", lambda: self.waiting)
        metrics.gauge("faceswap_queue_running", "Requests at work.", lambda: self.running)

    # --- its life -----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Take up what an earlier run left, and begin to work.

        Raises:
            OutputError: The store cannot be written.
        """
        for request in self._store.unfinished():
            self._take_up(request)
        self._shelf.sweep()
        self.sweep()
        self._threads = [threading.Thread(target=self._work, name=f"swap-{number}", daemon=True)
                         for number in range(self._options.workers)]
        self._threads.append(threading.Thread(target=self._sweep_now_and_then, name="sweep", daemon=True))
        for thread in self._threads:
            thread.start()

    def drain(self) -> None:
        """Begin nothing more. Blocking calls that wait are refused; the others are done after the next start."""
        with self._changed:
            if self._draining.is_set():
                return
            self._draining.set()
            waiting = [request_id for request_id in self._waiting if request_id in self._watched]
        for request_id in waiting:
            self.abandon(request_id, STOPPING)

    def stop(self) -> bool:
        """Begin nothing more, wait for what is at work, and end.

        Returns:
            Whether all threads have ended; False: `give_up` was called, and one may still use the store.
        """
        self.drain()
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()
        for thread in self._threads:
            while thread.is_alive() and not self._given_up.is_set():
                thread.join(0.1)
        return not any(thread.is_alive() for thread in self._threads)

    def give_up(self) -> None:
        """Wait no longer for what is at work: the next start takes it up. May be called by a signal."""
        self._given_up.set()

    @property
    def ready(self) -> bool:
        """Whether requests are accepted and done."""
        alive = bool(self._threads) and all(thread.is_alive() for thread in self._threads)
        return alive and not self._draining.is_set()

    @property
    def waiting(self) -> int:
        """How many requests no worker has yet."""
        return len(self._waiting)

    @property
    def running(self) -> int:
        """How many requests are at work."""
        return max(0, len(self._sizes) - len(self._waiting))

    # --- requests -----------------------------------------------------------------------------------------------------

    def accept(self, request: Stored, body: str) -> Future[Ending] | None:
        """Accept a request: it is on the disk when this returns.

        Args:
            request: QUEUED.
            body: What it asks for, as JSON.

        Returns:
            For a blocking one what its end will be told by.

        Raises:
            ApiError: There is no room (429), or the server is stopping (503).
            OutputError: The store cannot be written.
        """
        with self._changed:
            if self._draining.is_set():
                raise HttpError(503, STOPPING, retry_after=5)
            full = (len(self._sizes) >= self._options.queue + self._options.workers
                    or sum(self._sizes.values()) + request.bytes > self._options.max_waiting)
            if full and self._sizes:
                raise HttpError(429, "rate limit reached, wait before repeating: the queue is full",
                               retry_after=self._expected_wait())
            self._sizes[request.id] = request.bytes
            watched = self._watched.setdefault(request.id, Future()) if request.blocking else None
        try:
            self._store.add(request, body)
        except BaseException:
            with self._changed:
                self._forget(request.id)
            raise
        with self._changed:
            self._waiting.append(request.id)
            self._changed.notify()
            # It may have begun to stop since: nobody will do what waits, so who waits on the connection is told.
            late = self._draining.is_set() and request.blocking
        if late:
            self.abandon(request.id, STOPPING)
        return watched

    def abandon(self, request_id: str, why: str) -> None:
        """Give up a request that still waits; one that is at work is done to its end."""
        with self._changed:
            if request_id not in self._waiting:
                return
            self._waiting.remove(request_id)
        self._end(request_id, Ending(state=State.FAILED, seconds=0.0, error=why, status=503), None)

    def sweep(self) -> None:
        """Forget what ended long enough ago, and remove files whose time is over."""
        now = self._now()
        self._shelf.remove(self._store.expire(now - self._options.retention, now))

    def _take_up(self, request: Stored) -> None:
        """A request of an earlier run: it waits again, or ends with the truth."""
        why = None
        if request.blocking:
            why = "the server was stopped before this was done"
        elif request.attempts >= _ATTEMPTS:
            why = f"the server ended {request.attempts} times while it was at work on this; it is not tried again"
        self._sizes[request.id] = request.bytes
        if why is not None:
            self._end(request.id, Ending(state=State.FAILED, seconds=0.0, error=why, status=503), None)
            return
        if request.state is not State.QUEUED:
            self._store.requeue(request.id)
        self._waiting.append(request.id)

    # --- workers ------------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        """What a worker thread does."""
        runner = self._runner()
        while (request_id := self._next()) is not None:
            try:
                self._do(request_id, runner)
            except Exception:  # a store that cannot be read; the thread goes on, and the next start takes it up
                log.exception("request %s could not be done", request_id)
                self._end(request_id, Ending(state=State.FAILED, seconds=0.0, error=INTERNAL, status=500), None)

    def _next(self) -> str | None:
        """The request that waits for longest, once there is one; None: the server stops."""
        with self._changed:
            while not self._draining.is_set():
                if self._waiting:
                    return self._waiting.popleft()
                self._changed.wait(1.0)
        return None

    def _do(self, request_id: str, runner: Runner) -> None:
        begun = self._store.begin(request_id)
        if begun is None:
            with self._changed:
                self._forget(request_id)
            return
        request, body = begun
        ending, result = runner.run(request_id, request.slug, body)
        self._end(request_id, ending, result)
        self._metrics.ended(request.slug, ending.state.value, ending.seconds)
        self._mean_seconds += 0.2 * (ending.seconds - self._mean_seconds)
        log.info("request %s to %s %s in %.2f s%s", request_id, request.slug, ending.state, ending.seconds,
                 f": {ending.error}" if ending.error else "")

    def _end(self, request_id: str, ending: Ending, result: Path | None) -> None:
        """Note the end, on the disk first, and tell who waits for it."""
        now = self._now()
        while True:
            try:
                if result is not None:
                    self._shelf.keep([result], asset=False, expires=now + self._options.retention + FILE_GRACE)
                    result = None
                self._store.finish(request_id, ending, now)
                break
            except OutputError as error:  # a full disk: nothing can be done before there is room
                log.error("the end of request %s cannot be noted: %s", request_id, error)
                if self._stopping.wait(_RETRY_SECONDS):
                    break
        with self._changed:
            watched = self._forget(request_id)
        if watched is not None and watched.set_running_or_notify_cancel():
            watched.set_result(ending)

    def _forget(self, request_id: str) -> Future[Ending] | None:
        self._sizes.pop(request_id, None)
        return self._watched.pop(request_id, None)

    def _expected_wait(self) -> int:
        """Seconds after which a place may be free."""
        return min(_LONGEST_WAIT, max(1, math.ceil(self._mean_seconds / self._options.workers)))

    def _sweep_now_and_then(self) -> None:
        while not self._stopping.wait(min(_SWEEP_SECONDS, max(1.0, self._options.retention / 10))):
            with suppress(OutputError):  # a full disk; the next time
                self.sweep()
