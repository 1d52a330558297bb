"""Joining a Ray cluster, quietly, and what fits into it."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceswap_cli.errors import MissingDependencyError, UsageError
from faceswap_cli.text import opt

_CONNECT_SECONDS = 10.0

_WORKER_BYTES = 1 << 30
"""Memory that is reckoned for a worker when their number is to be found."""


@dataclass(frozen=True, slots=True)
class Node:
    """What a machine of the cluster has to give."""

    cores: int
    gpus: float
    memory: int


class Cluster:
    """A connection to a cluster.

    Attributes:
        ray: The package.
    """

    ray: Any

    def __init__(self, address: str | None) -> None:
        """Join.

        Args:
            address: `host:port`, `auto`, or None: `RAY_ADDRESS`, else a cluster that runs on this machine, else a new
                one of this machine alone, which ends with `leave`.

        Raises:
            MissingDependencyError: Ray is not installed.
            UsageError: There is no such cluster, or it does not fit.
        """
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # else Ray tells its makers of clusters it starts
        try:
            self.ray = importlib.import_module("ray")
        except ImportError as error:
            raise MissingDependencyError(f"{opt('executor', 'ray')} needs Ray",
                                         advice='install it: pip install "faceswap-cli[ray]"') from error
        self._joined = not self.ray.is_initialized()
        if self._joined:
            self._join(address)

    def leave(self) -> None:
        """Disconnect, unless whoever uses this library had joined before."""
        if self._joined:
            self._joined = False
            with _own_signals():
                self.ray.shutdown()

    def nodes(self) -> list[Node]:
        """The machines that are up."""
        found = []
        for node in self.ray.nodes():
            if node["Alive"]:
                has = node["Resources"]
                found.append(Node(int(has.get("CPU", 0)), float(has.get("GPU", 0)), int(has.get("memory", 0))))
        return found

    def _join(self, address: str | None) -> None:
        asked = address or os.environ.get("RAY_ADDRESS") or None
        advice = "start one with `ray start --head`, or check --address"
        if asked is not None:
            _check_listening(asked, advice)
        try:
            # Ray has workers look for modules in the current folder first, where pictures lie, from wherever they come.
            with _own_signals(), contextlib.chdir(Path.cwd().anchor):
                self.ray.init(address=asked, log_to_driver=False, logging_level=logging.ERROR)
        # SystemExit: Ray's way to say that it waited in vain for a cluster.
        except (Exception, SystemExit) as error:
            reason = (str(error).strip().splitlines() or [""])[0] if isinstance(error, Exception) else "no answer"
            where = f"the Ray cluster at {asked}" if asked is not None else "a Ray cluster"
            raise UsageError(f"cannot join {where}: {reason or type(error).__name__}",
                             advice=f"{advice}, and set RAY_AUTH_MODE=token where clusters ask for a token") from error
        _keep_off_stdout()


def share(nodes: list[Node], workers: int | None, threads: int | None, gpus: float) -> tuple[int, int]:
    """How many workers of how many cores a cluster is best used by.

    Args:
        nodes: Of the cluster.
        workers: As asked for; None: as many as fit.
        threads: Cores of each as asked for; None: one, or as many as so many workers find.
        gpus: That each worker takes.

    Returns:
        Workers and threads, each at least 1. What is asked for may be more than fits: clusters can grow.
    """
    if workers is None:
        return max(1, sum(_fitting(node, threads or 1, gpus) for node in nodes)), threads or 1
    if threads is not None:
        return workers, threads
    most = max((node.cores for node in nodes), default=1)
    return workers, next((count for count in range(most, 1, -1)
                          if sum(node.cores // count for node in nodes) >= workers), 1)


def _fitting(node: Node, threads: int, gpus: float) -> int:
    count = node.cores // threads
    if node.memory:
        count = min(count, max(1, node.memory // _WORKER_BYTES))
    return min(count, int(node.gpus / gpus + 1e-6)) if gpus else count


def _check_listening(address: str, advice: str) -> None:
    """Ray itself would wait for minutes for a cluster that is not there, and then end the process."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal() or "/" in host:
        return  # `auto`, `local`, and what Ray refuses at once
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot join the Ray cluster at {address}: {reason}", advice=advice) from error


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    """Ray sets a handler that ends the process; ours stay."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            if handler is not None:  # None: set by other than Python
                signal.signal(number, handler)


def _keep_off_stdout() -> None:
    """Ray prints on standard output that a worker died, whatever it is told about logs; results go there."""
    worker: Any = importlib.import_module("ray._private.worker")
    if hasattr(worker, "_worker_logs_enabled"):
        worker._worker_logs_enabled = False
