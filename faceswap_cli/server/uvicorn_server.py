"""Uvicorn, started and ended by this program. Imports the extra `serve`."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool

from faceswap_cli.server.queue import RequestQueue

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")


class Server(uvicorn.Server):
    """Serves one application at one open socket.

    The first signal lets what is at work be finished and is not raised again afterwards: a server that was told to end
    has then done what it was told. The second waits for nothing.

    Attributes:
        forced_by: The second signal; None: there was none.
    """

    def __init__(self, app: Starlette, on_start: Callable[[], None], stop_seconds: float = 600.0) -> None:
        """Nothing is served yet.

        Args:
            app: Of `build_app`.
            on_start: Called once connections are taken.
            stop_seconds: How long who waits is still answered once the server was told to end.
        """
        super().__init__(uvicorn.Config(
            app, lifespan="on", log_config=None, access_log=False, server_header=False, proxy_headers=False,
            timeout_keep_alive=75, timeout_graceful_shutdown=max(1, round(stop_seconds)), ws="none"))
        self._on_start = on_start
        self._queue: RequestQueue = app.state.queue
        self.forced_by: int | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Take connections."""
        await super().startup(sockets)
        if self.started:
            self._on_start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Refuse what waits, answer what is at work, and end."""
        await run_in_threadpool(self._queue.drain)
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Handle signals for as long as the server runs."""
        if threading.current_thread() is not threading.main_thread():  # the only one that signals reach
            yield
            return
        numbers = [number for name in _SIGNALS if (number := getattr(signal, name, None)) is not None]
        before = {number: signal.signal(number, self.handle_exit) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal came."""
        if self.should_exit:
            self.forced_by = sig
            self.force_exit = True
            self._queue.give_up()
        self.should_exit = True
