"""A worker process from the inside. Started by `process.WorkerProcess`, and never outlives what started it."""

from __future__ import annotations

import importlib
import os
import queue
import threading
from typing import Any, BinaryIO

from faceswap_cli.batch.executors.attempts import unexpected
from faceswap_cli.batch.executors.messages import Broken, Ready, WorkerSetup
from faceswap_cli.batch.items import Item, ItemResult
from faceswap_cli.processes.protocol import GREETING, pack, receive
from faceswap_cli.processes.spawn import die_with, leave_signals_to_parent, take_pipes
from faceswap_cli.text import squeeze


def main() -> None:
    """Work until the supervisor closes its end. Does not return."""
    leave_signals_to_parent()
    inbox, outbox = take_pipes()
    _write(outbox, GREETING)
    try:
        setup = receive(inbox)
        assert isinstance(setup, WorkerSetup)
        die_with(setup.parent)
        worker = load_worker(setup.worker, setup.threads)
    except EOFError:
        os._exit(0)
    except BaseException as error:
        _write(outbox, pack(Broken(f"{type(error).__name__}: {squeeze(error)}")))
        os._exit(1)
    items: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(inbox, items), name="faceswap-listen", daemon=True).start()
    _write(outbox, pack(Ready()))
    while True:
        _write(outbox, _run(worker, items.get()))


def load_worker(name: str, threads: int) -> Any:
    """What does the items: an object of a class that `module:Class` names."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)(threads=threads)


def _listen(inbox: BinaryIO, items: queue.SimpleQueue[Any]) -> None:
    """In a thread of its own, so that the supervisor's end is noticed in the middle of an item; it ends the process."""
    try:
        while True:
            items.put(receive(inbox))
    finally:
        os._exit(0)


def _run(worker: Any, item: Item) -> bytes:
    """The packed result. Workers never raise; that they should is no reason to lose the others' time."""
    try:
        result = worker.run(item)
        assert isinstance(result, ItemResult)
        return pack(result)  # what cannot be sent is a failure too
    except Exception as error:
        return pack(unexpected(item, error, error))


def _write(outbox: BinaryIO, data: bytes) -> None:
    try:
        outbox.write(data)
        outbox.flush()
    except OSError:  # the supervisor is gone
        os._exit(0)
