"""What the items of a batch would be run by, as far as it can be told without loading a graph."""

from __future__ import annotations

from collections.abc import Iterable

from faceswap_cli.jobs import backend
from faceswap_cli.jobs.backend import SwapBackend
from faceswap_cli.jobs.resume.versions import describe_models
from faceswap_cli.options import EngineOptions


class Backends:
    """What the options of a batch would be run by: put together, but no graph is loaded."""

    def __init__(self) -> None:
        self._backends: dict[EngineOptions, SwapBackend] = {}

    def open(self, options: EngineOptions) -> SwapBackend:
        """The backend for some options.

        Raises:
            ModelError, UsageError: As `open_backend`.
        """
        if options not in self._backends:
            self._backends[options] = backend.open_backend(options)
        return self._backends[options]

    def open_all(self, options: Iterable[EngineOptions]) -> None:
        """Find out whether all that is asked for is there; raises as `open`."""
        for each in dict.fromkeys(options):
            self.open(each)

    def models(self, options: EngineOptions) -> dict[str, str]:
        """What decides the pixels, as workers tell it."""
        return describe_models(self.open(options))
