"""A worker in a Ray cluster from the inside: made and called by `ray.RayExecutor`, perhaps on another machine."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

import faceswap_cli
from faceswap_cli.batch.executors.child import load_worker
from faceswap_cli.batch.executors.resident_memory import POLL_SECONDS, resident_bytes
from faceswap_cli.batch.items import Item, ItemResult


@dataclass(frozen=True, slots=True)
class ActorSetup:
    """What a new actor needs to know.

    Attributes:
        worker: `module:Class` of what does the items.
        threads: Cores that the actor takes.
        folder: The current folder of who gives the orders: relative names count from there.
        environment: Variables to set where the node has no value of its own.
    """

    worker: str
    threads: int
    folder: str
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a new actor says of itself.

    Attributes:
        version: Of faceswap on its node.
        node: Name of the machine.
        same_folder: It is in the folder of its setup, so that relative names mean the same.
    """

    version: str
    node: str
    same_folder: bool


class RayActor:
    """Does items one at a time, in one thread; another watches over the memory."""

    def __init__(self, setup: ActorSetup) -> None:
        """Load what does the items; models come with the first."""
        import socket

        for name, value in setup.environment.items():
            os.environ.setdefault(name, value)
        try:
            os.chdir(setup.folder)
            same = True
        except OSError:
            same = False
        self._greeting = Greeting(faceswap_cli.__version__, socket.gethostname(), same)
        self._worker = load_worker(setup.worker, setup.threads)

    def greet(self) -> Greeting:
        """Told when the actor takes items."""
        return self._greeting

    def run(self, item: Item) -> ItemResult:
        """Do an item."""
        result: ItemResult = self._worker.run(item)
        return result

    def await_excess(self, limit: int) -> int:
        """Wait until the process takes more than `limit` resident bytes; how many it takes then."""
        process = os.getpid()
        while (size := resident_bytes([process]).get(process, 0)) <= limit:
            time.sleep(POLL_SECONDS)
        return size
