"""What an executor is: items in, results out, in the order in which they finish."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

from faceswap_cli.batch.items import Item, ItemResult
from faceswap_cli.errors import ExitCode
from faceswap_cli.jobs import backend
from faceswap_cli.jobs.backend import SwapBackend
from faceswap_cli.jobs.job import SwapJob
from faceswap_cli.jobs.resume.versions import describe_models
from faceswap_cli.jobs.swap import prepare_source
from faceswap_cli.options import EngineOptions


class Executor(ABC):
    """Runs items in workers.

    A worker that dies, hangs past its time or eats past its memory costs one item: the worker is replaced, the item
    tried once more and then failed. Exceptions of an item are results, never exceptions of the executor.

    What is not abstract holds for workers with an engine of their own, of which there is one like it here.

    Attributes:
        reason: Why no more items were begun; None: no reason of the executor's own.
        refusal: What the batch ends with because every item would be refused; None: none was.
    """

    reason: str | None = None
    refusal: ExitCode | None = None

    @abstractmethod
    def run(self, items: Iterator[Item]) -> Iterator[ItemResult]:
        """The result of each item, as soon as it is there.

        Items are taken no further ahead than the workers can begin, and possibly in a thread of their own, so that an
        iterator that waits (for names from a pipe) holds up no results: what it shares with the caller must allow
        that. What the iterator raises is raised here, after the results of what it gave before. After `stop` no more
        are taken, what is running is finished and told, and the results end; items never begun are not told of.
        """

    @abstractmethod
    def stop(self) -> None:
        """Begin nothing more; may be called from a signal handler or another thread."""

    @abstractmethod
    def close(self) -> None:
        """End all workers at once, whatever they do; nothing half-written stays behind that the next run minds."""

    def check(self, items: Iterable[Item]) -> None:  # noqa: B027 (an engine here can be asked for all that a job names)
        """Find out, before anything is asked for, whether all of these can be done.

        Raises:
            UsageError, InputError: One cannot.
        """

    def open(self, engines: Iterable[EngineOptions]) -> tuple[str, ...]:
        """See to it that what the items need is there; what the user should know before the first one.

        Args:
            engines: That the items ask for, what most ask for first.

        Raises:
            FaceswapError: It is not: a model, a key.
        """
        backends = [self._backend(options) for options in dict.fromkeys(engines)]
        return backends[0].notes

    def models(self, options: EngineOptions) -> dict[str, str]:
        """The `ItemResult.models` that a worker would report for these options now."""
        return describe_models(self._backend(options))

    def explain(self, job: SwapJob) -> None:
        """Look at the pictures of the face of an item that failed, as far as that is possible here.

        Raises:
            InputError, NoFaceError, UsageError, ModelError: What `faceswap swap` would say of them.
        """
        prepare_source(job.spec, self._backend(job.spec.engine), allow_private_urls=job.allow_private_urls)

    def facts(self) -> dict[str, Any]:
        """What the summary in JSON says beside the usual."""
        return {}

    def told(self) -> str | None:
        """What a person is told in the end beside the usual."""
        return None

    def _backend(self, options: EngineOptions) -> SwapBackend:
        """Put together, but no graph is loaded."""
        if options not in self._backends:
            self._backends[options] = backend.open_backend(options)
        return self._backends[options]

    @cached_property
    def _backends(self) -> dict[EngineOptions, SwapBackend]:
        return {}
