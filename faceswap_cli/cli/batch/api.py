"""A batch that the API does: what is checked before the first request, and what is told of it at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceswap_cli.api_jobs.swap import Remote, check_remote, check_source
from faceswap_cli.batch.executors.api import BatchClock, RemoteExecutor, remote_models
from faceswap_cli.batch.items import Item, Status
from faceswap_cli.cli.options.remote import RemoteRun
from faceswap_cli.cli.output import Output
from faceswap_cli.errors import ExitCode
from faceswap_cli.options import EngineOptions, RemoteOptions
from faceswap_cli.segmind.address import Addresses

if TYPE_CHECKING:
    from faceswap_cli.batch.run import BatchReport

TICKETS = ".requests"
"""What follows the name of the journal in that of the folder of open requests."""


def check_items(items: Iterable[Item]) -> None:
    """Find out before anything is sent whether the API can be asked for all of it.

    Raises:
        UsageError: An option that the API has no parameter for.
        InputError: The picture of the face cannot be read.
    """
    seen: set[tuple[str, ...]] = set()
    for item in items:
        if item.problem is None:
            check_remote(item.job)
            if item.job.spec.sources not in seen:
                seen.add(item.job.spec.sources)
                check_source(item.job)


def models_of(options: RemoteOptions) -> Callable[[EngineOptions], dict[str, str]]:
    """What decides the pixels, as the items tell it.

    Raises:
        UsageError: An address that is none.
    """
    models = remote_models(Addresses.of(options.base_url, options.upload_url).root)
    return lambda engine: models


class BatchApi:
    """The API for one batch: opened before it, closed behind it."""

    def __init__(self, output: Output, options: RemoteOptions, how: RemoteRun, journal: Path | None) -> None:
        """Read the key; nothing is sent.

        Args:
            output: How the command speaks.
            options: How the API is called.
            how: How many requests, and at what cost.
            journal: Open requests are noted beside it; None: where those of single swaps are.

        Raises:
            UsageError, RemoteError: As `Remote`.
        """
        self._how = how
        self._clock = BatchClock()
        tickets = None if journal is None else journal.with_name(journal.name + TICKETS)
        self.remote = Remote(options, tickets=tickets, clock=self._clock, say=output.detail)
        self.models = models_of(options)
        self._executor: RemoteExecutor | None = None

    def executor(self, say: Callable[[str], None]) -> RemoteExecutor:
        """What runs the items.

        Args:
            say: Told that all others are done on this machine.
        """
        self._executor = RemoteExecutor(self.remote, self._how.jobs, clock=self._clock, say=say,
                                        max_requests=self._how.max_requests, limit=self._how.limit)
        return self._executor

    def exit_code(self, report: BatchReport) -> int:
        """6: the API refused everything; 7: some items failed, or were not begun because of a bound; else as usual."""
        code = report.exit_code
        if self._executor is None or code >= ExitCode.INTERRUPTED:
            return code
        if self._executor.refused:
            return ExitCode.REMOTE
        return ExitCode.PARTIAL if self._executor.reason and report.counts[Status.STOPPED] else code

    def summary(self, report: BatchReport) -> dict[str, Any]:
        """What the last line of `batch --json` says beside the usual."""
        requests = 0 if self._executor is None else self._executor.requests
        cost = None if self._how.cost is None else round(requests * self._how.cost, 6)
        fallbacks = 0 if self._executor is None else self._executor.fallbacks
        return {"remote": {"requests": requests, "cost": cost, "fallbacks": fallbacks},
                "exit_code": int(self.exit_code(report))}

    def tell(self, output: Output, report: BatchReport) -> None:
        """Say how many requests were made."""
        told = self.summary(report)["remote"]
        cost = "" if told["cost"] is None else f" for {told['cost']:g}"
        here = f", {told['fallbacks']} items done on this machine" if told["fallbacks"] else ""
        output.note(f"{told['requests']} request{'' if told['requests'] == 1 else 's'} made{cost}{here}")
