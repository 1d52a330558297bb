"""A worker process from the inside. Started by `process.WorkerProcess`, and never outlives what started it."""

from __future__ import annotations

import importlib
import os
import threading
from collections import deque
from typing import Any, BinaryIO

from faceswap_cli.batch.items import Failure, Item, ItemResult, Status
from faceswap_cli.processes.protocol import (
    GREETING,
    Broken,
    GiveBack,
    GivenBack,
    Noted,
    Ready,
    Setup,
    pack,
    receive,
)
from faceswap_cli.processes.spawn import die_with, leave_signals_to_parent, take_pipes


def main() -> None:
    """Work until the supervisor closes its end. Does not return."""
    leave_signals_to_parent()
    inbox, outbox = take_pipes()
    outbox.write(GREETING)
    outbox.flush()
    talk = _Talk(inbox, outbox)
    try:
        setup = receive(inbox)
        assert isinstance(setup, Setup)
        die_with(setup.parent)
        worker = _load(setup.worker)(threads=setup.threads)
    except EOFError:
        os._exit(0)
    except BaseException as error:
        talk.say(Broken(f"{type(error).__name__}: {' '.join(str(error).split())}"))
        os._exit(1)
    if hasattr(worker, "before_commit"):
        worker.before_commit = talk.settle
    threading.Thread(target=talk.listen, name="faceswap-listen", daemon=True).start()
    talk.say(Ready())
    while True:
        item = talk.take()
        talk.tell(item, _run(worker, item))


class _Talk:
    """Both pipes. Items are read ahead by a thread, so that the supervisor's end is noticed in the middle of one."""

    def __init__(self, inbox: BinaryIO, outbox: BinaryIO) -> None:
        self._inbox = inbox
        self._outbox = outbox
        self._items: deque[Item] = deque()
        self._unnoted = 0
        self._changed = threading.Condition()
        self._writing = threading.Lock()

    def listen(self) -> None:
        """Runs in a thread of its own until the supervisor closes its end; that ends the process, whatever it does."""
        try:
            while True:
                message = receive(self._inbox)
                with self._changed:
                    if isinstance(message, Item):
                        self._items.append(message)
                        self._changed.notify()
                        continue
                    if isinstance(message, Noted):
                        self._unnoted -= 1
                        self._changed.notify()
                        continue
                    assert isinstance(message, GiveBack)
                    numbers = tuple(item.number for item in self._items)
                    self._items.clear()
                self.say(GivenBack(numbers))
        finally:
            os._exit(0)

    def take(self) -> Item:
        """The next item, as soon as there is one."""
        with self._changed:
            while not self._items:
                self._changed.wait()
            return self._items.popleft()

    def settle(self) -> None:
        """Wait until the results that were sent are noted.

        Called before an output is put in place: should the program be killed, no worker has more than one output that
        nobody knows of, and that is made again.
        """
        with self._changed:
            while self._unnoted:
                self._changed.wait()

    def tell(self, item: Item, result: ItemResult) -> None:
        """Send a result."""
        try:
            data = pack(result)
        except Exception as error:  # something in it cannot be sent; the item failed then
            data = pack(_failed(item, error))
        with self._changed:
            self._unnoted += 1
        self._write(data)

    def say(self, message: object) -> None:
        """Send anything else."""
        self._write(pack(message))

    def _write(self, data: bytes) -> None:
        try:
            with self._writing:
                self._outbox.write(data)
                self._outbox.flush()
        except OSError:  # the supervisor is gone
            os._exit(0)


def _run(worker: Any, item: Item) -> ItemResult:
    """Workers never raise; that they should is no reason to lose the others' time."""
    try:
        result = worker.run(item)
        assert isinstance(result, ItemResult)
    except Exception as error:
        return _failed(item, error)
    return result


def _failed(item: Item, error: Exception) -> ItemResult:
    text = " ".join(f"{item.name}: {type(error).__name__}: {error}".split())
    return ItemResult(item=item, status=Status.FAILED, failure=Failure("UnexpectedError", text))


def _load(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)
