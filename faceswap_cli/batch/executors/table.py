"""The executors by name, and how they are told to go about their items; imports nothing heavy.

A new executor is a module with a class after `base.Executor` and a function that makes one, a row here, and a value of
`--executor`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faceswap_cli.batch.executors.base import Executor
    from faceswap_cli.batch.request import BatchRequest

API = "api"
"""Takes the items of a batch with `--remote`, whatever `--executor` says."""

EXECUTORS = {
    "local": "faceswap_cli.batch.executors.local:make_local",
    "ray": "faceswap_cli.batch.executors.ray:make_ray",
    API: "faceswap_cli.batch.executors.api:make_api",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one item may cost.

    Attributes:
        seconds: Longest time for one item; None: any.
        memory: Most resident bytes of a worker; None: any.
    """

    seconds: float | None = None
    memory: int | None = None


@dataclass(frozen=True, slots=True)
class ApiBounds:
    """How many requests a batch makes of the API.

    Attributes:
        jobs: Requests that are open at once.
        max_requests: Bound on requests; None: any number.
        limit: The option that set it.
        cost: Of one request; None: not known.
    """

    jobs: int = 4
    max_requests: int | None = None
    limit: str = "--max-requests"
    cost: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorOptions:
    """How the items are gone about; an executor takes of it what it has a use for.

    Attributes:
        name: Of `EXECUTORS`.
        workers: Processes; None: as many as fit.
        threads: Of each worker; None: the cores divided.
        limits: What one item may cost.
        address: Of a Ray cluster.
        num_gpus: Of each worker on Ray.
        bounds: Of requests to the API.
    """

    name: str = "local"
    workers: int | None = None
    threads: int | None = None
    limits: Limits = field(default_factory=Limits)
    address: str | None = None
    num_gpus: float | None = None
    bounds: ApiBounds = field(default_factory=ApiBounds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """The batch that an executor is made for.

    Attributes:
        request: What is asked for.
        items: How many there are; None: not known.
        journal: Where it is noted what is done; None: nowhere.
        say: Told what the user should know while items run.
        detail: Told what the user may like to know then.
    """

    request: BatchRequest
    items: int | None = None
    journal: Path | None = None
    say: Callable[[str], None] = lambda line: None
    detail: Callable[[str], None] = lambda line: None


def make_executor(options: ExecutorOptions, batch: Assignment) -> Executor:
    """The executor that the options name, or the API's; nothing is started.

    Raises:
        UsageError: An option has a value that cannot be.
    """
    name = options.name if batch.request.spec.remote is None else API
    module, _, function = EXECUTORS[name].partition(":")
    executor: Executor = getattr(importlib.import_module(module), function)(options, batch)
    return executor
