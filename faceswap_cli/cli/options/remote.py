"""The options that hand jobs to the API, declared once, and what their values mean.

What the user set is known by comparison with the defaults of `faceswap_cli.options`, which are the API's own: an option
that is given with its default value changes nothing, sent or not.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Annotated

import typer

from faceswap_cli.batch.executors.table import ApiBounds
from faceswap_cli.cli.options.declare import facts_of, option
from faceswap_cli.errors import UsageError
from faceswap_cli.facts import Refusal
from faceswap_cli.options import Fallback, RemoteMode, RemoteOptions
from faceswap_cli.text import opt

REMOTE = "Remote API"

URL_VARIABLE = "SEGMIND_BASE_URL"

RemoteOption = Annotated[bool, typer.Option(
    "--remote", rich_help_panel=REMOTE,
    help="Have the Segmind API swap, or a server that is like it (`faceswap serve`). Files are sent there; http(s) "
         "inputs are handed over as URLs. The key comes from SEGMIND_API_KEY. Each request may be billed.")]

RemoteModeOption = Annotated[RemoteMode | None, typer.Option(
    "--remote-mode", show_default="auto", rich_help_panel=REMOTE,
    help="async queues the request and polls, so that an interrupted run can come back to it; sync waits for the "
         "answer of one call; auto queues where the server has a queue.")]

RemoteUrlOption = Annotated[str | None, typer.Option(
    "--remote-url", metavar="URL", show_default=False, rich_help_panel=REMOTE,
    help=f"Root of the API. Default: {URL_VARIABLE}, else Segmind's.")]

RemoteUploadUrlOption = Annotated[str | None, typer.Option(
    "--remote-upload-url", metavar="URL", show_default=False, rich_help_panel=REMOTE,
    help="Where local files are sent. Default: the usual place of that API.")]

RemoteTimeoutOption = Annotated[float | None, typer.Option(
    "--remote-timeout", metavar="SECONDS", show_default="600", rich_help_panel=REMOTE,
    help="Longest time for one request, waiting included.")]

KeyFileOption = Annotated[str | None, typer.Option(
    "--key-file", metavar="FILE", show_default=False, rich_help_panel=REMOTE,
    help="Holds the API key; only you may be able to read it (chmod 600). It takes precedence over SEGMIND_API_KEY.")]

FallbackOption = Annotated[Fallback | None, typer.Option(
    "--fallback", show_default=False, rich_help_panel=REMOTE,
    help="local: when the API is down or out of credits, swap on this machine, and say so.")]

RemoteJobsOption = Annotated[int | None, option(
    "--remote-jobs", only_with="--remote", min=1, max=64, metavar="N", show_default="4", rich_help_panel=REMOTE,
    help="Requests that are open at once.")]

MaxRequestsOption = Annotated[int | None, option(
    "--max-requests", only_with="--remote", min=1, metavar="N", show_default=False, rich_help_panel=REMOTE,
    help="Stop before more than N requests are made; results of an earlier run that are fetched do not count.")]

MaxCostOption = Annotated[float | None, option(
    "--max-cost", only_with="--remote", metavar="AMOUNT", show_default=False, rich_help_panel=REMOTE,
    help="Stop before the requests cost more, at --cost-per-request each.")]

CostOption = Annotated[float | None, option(
    "--cost-per-request", only_with="--remote", metavar="AMOUNT", show_default=False, rich_help_panel=REMOTE,
    help="What the API bills for a request, in any currency; it does not say so itself.")]

RefusedOption = Annotated[bool, typer.Option("--remote", hidden=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteChoice:
    """Whether the API does the job, and how it is called."""

    remote: RemoteOption = False
    remote_mode: RemoteModeOption = None
    remote_url: RemoteUrlOption = None
    remote_upload_url: RemoteUploadUrlOption = None
    remote_timeout: RemoteTimeoutOption = None
    key_file: KeyFileOption = None
    fallback: FallbackOption = None

    def options(self) -> RemoteOptions | None:
        """How the API is called; None: it is not.

        Raises:
            UsageError: One of the options without `--remote`, or a value out of its range.
        """
        if not self.remote:
            _refuse_without(self)
            return None
        for flag, value in _values(self):
            if value == "":
                raise UsageError(f"the value given to {opt(flag)} is empty", advice="leave it out, or give one")
        defaults = RemoteOptions()
        return RemoteOptions(
            mode=self.remote_mode or defaults.mode, base_url=self.remote_url or os.environ.get(URL_VARIABLE) or None,
            upload_url=self.remote_upload_url, key_file=self.key_file,
            deadline=defaults.deadline if self.remote_timeout is None else self.remote_timeout, fallback=self.fallback)


@dataclass(frozen=True, slots=True)
class RemoteBounds:
    """How a batch goes about the API, and what it may cost."""

    remote_jobs: RemoteJobsOption = None
    max_requests: MaxRequestsOption = None
    max_cost: MaxCostOption = None
    cost_per_request: CostOption = None

    def run(self, remote: bool, local: Mapping[str, object]) -> ApiBounds:
        """The record of these values.

        Args:
            remote: Whether the API does the jobs.
            local: Values of options that are about workers of this machine, by option; None: not given.

        Raises:
            UsageError: Options that contradict each other, or values out of their range.
        """
        cost, max_requests = self.cost_per_request, self.max_requests
        if not remote:
            _refuse_without(self)
            return ApiBounds()
        for flag, value in local.items():
            if value is not None:
                raise Refusal.WORKERS.refusal(flag)
        for flag, amount in (("--max-cost", self.max_cost), ("--cost-per-request", cost)):
            if amount is not None and not (amount > 0 and math.isfinite(amount)):
                raise UsageError(f"{opt(flag)} {amount:g} must be more than 0")
        limit = "--max-requests"
        if self.max_cost is not None:
            if cost is None:
                raise UsageError(f"{opt('max-cost')} needs {opt('cost-per-request')}: "
                                 "the API does not report its prices")
            affordable = int(self.max_cost / cost + 1e-9)
            if affordable < 1:
                raise UsageError(f"{opt('max-cost')} {self.max_cost:g} does not pay for one request at {cost:g}")
            if max_requests is None or affordable < max_requests:
                max_requests, limit = affordable, "--max-cost"
        return ApiBounds(ApiBounds().jobs if self.remote_jobs is None else self.remote_jobs, max_requests, limit, cost)


def _values(group: RemoteChoice | RemoteBounds) -> Iterator[tuple[str, object]]:
    """Flags that mean something with `--remote` only, and their values."""
    for field in fields(group):
        if (facts := facts_of(field.name.replace("_", "-"))) and facts.only_with:
            yield facts.flag, getattr(group, field.name)


def _refuse_without(group: RemoteChoice | RemoteBounds) -> None:
    """Raises: UsageError: An option that means something with `--remote` only."""
    for flag, value in _values(group):
        if value is not None:
            raise UsageError(f"{opt(flag)} is for {opt('remote')}", advice=f"add {opt('remote')}, or leave it out")
