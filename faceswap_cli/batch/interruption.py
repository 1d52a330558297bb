"""Signals during a batch: the first one lets what runs come to its end, the second one ends it."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

from faceswap_cli.batch.executors.base import Executor

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


class Abandoned(SystemExit):
    """Raised in the main thread by the second signal; `Interruption` swallows it."""


class Interruption:
    """While it is entered, a first SIGINT, SIGTERM or SIGHUP stops an executor, and a second one ends the block.

    The second one leaves the block at once, wherever it is, and closes the executor. Signals that were ignored before
    stay ignored (`nohup`). Only the main thread gets signals: in another thread nothing is done.

    Attributes:
        signal: The number of the first signal; None: none came.
    """

    def __init__(self, executor: Executor, say: Callable[[str], None] | None = None) -> None:
        """Nothing is installed yet.

        Args:
            executor: Told to `stop`, then to `close`.
            say: Told what the first signal has set off, from within the signal handler.
        """
        self.signal: int | None = None
        self._executor = executor
        self._say = say
        self._before: dict[int, Any] = {}

    @property
    def name(self) -> str:
        """Of the first signal; empty: none came."""
        return "" if self.signal is None else signal.Signals(self.signal).name

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (getattr(signal, name, None) for name in _SIGNALS):
                handler = None if number is None else signal.getsignal(number)
                if number is not None and handler is not None and handler != signal.SIG_IGN:
                    self._before[number] = handler
                    signal.signal(number, self._handle)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> bool:
        try:
            if kind is Abandoned:
                self._executor.close()
        finally:
            while self._before:
                signal.signal(*self._before.popitem())
        return kind is Abandoned

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None:
            raise Abandoned(128 + number)
        self.signal = number
        self._executor.stop()
        if self._say is not None:
            # A signal may come in the middle of a write to the very stream that this one goes to.
            with contextlib.suppress(RuntimeError, OSError):
                self._say("stopping when what is running has finished; interrupt once more to stop at once")
