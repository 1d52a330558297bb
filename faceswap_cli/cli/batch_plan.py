"""What `faceswap batch` would do: the plan is made, checked and shown."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from faceswap_cli.cli.batch_report import plan_summary, planned_report
from faceswap_cli.cli.output import Output, plain
from faceswap_cli.cli.stdout import is_terminal
from faceswap_cli.errors import UsageError
from faceswap_cli.jobs.inputs import Inputs
from faceswap_cli.jobs.journal import default_journal
from faceswap_cli.jobs.lists import read_names
from faceswap_cli.jobs.plan import BatchPlan, make_plan
from faceswap_cli.jobs.remote_files import is_remote
from faceswap_cli.jobs.request import NAMES, BatchRequest, check_request
from faceswap_cli.media.urls import is_url, shown

if TYPE_CHECKING:
    from rich.console import RenderableType

    from faceswap_cli.jobs.items import Item

ROWS_SHOWN = 40
"""Items in the table for a terminal; a pipe gets all."""


def show_plan(output: Output, request: BatchRequest, journal: Path | None) -> None:
    """Print what would be done: a table on a terminal, lines in a pipe, JSON where that is asked for.

    Args:
        output: How the command speaks.
        request: What is asked for.
        journal: As it was named; None: not at all.

    Raises:
        UsageError, InputError: As `make_plan`, `names_of` and `check_sources`.
    """
    check_sources(request)
    journal = journal_of(request, journal)
    request = replace(request, resume=journal is not None and journal.exists())
    plan = make_plan(request, names_of(request))
    warn_of(output, plan)
    if output.json:
        for item in plan.items:
            output.data(planned_report(item))
        output.data(plan_summary(plan))
    elif not is_terminal():
        output.lines([_line(item) for item in plan.items])
    elif plan.items:
        output.table(_table(plan))
    count = len(plan.items)
    which = "" if count == plan.total else f", of {plan.total} in all shards"
    output.note(f"{count} {'item' if count == 1 else 'items'}{which}: nothing was written (--dry-run)")


def warn_of(output: Output, plan: BatchPlan) -> None:
    """Tell what was left out, and why."""
    for text in plan.warnings:
        output.warn([text])


def journal_of(request: BatchRequest, named: Path | None) -> Path | None:
    """Where it is noted what is done; None: nowhere, as it has no name and the outputs are not on this machine."""
    if named is not None or is_remote(request.output):
        return named
    return default_journal(Path(request.output), request.shard)


def names_of(request: BatchRequest) -> Iterator[str]:
    """The names that come through the pipe, if there is one.

    Raises:
        UsageError: Standard input is no pipe, or closed.
    """
    if NAMES not in request.inputs:
        return iter(())
    if sys.stdin is None or sys.stdin.closed:
        raise UsageError("- asks for names on standard input, but it is closed")
    if sys.stdin.isatty():
        raise UsageError("- asks for names on standard input, but that is the terminal; pipe them in, as in: "
                         "find photos -name '*.jpg' | faceswap batch me.jpg - -o out")
    return read_names(sys.stdin.buffer, null=request.null)


def check_sources(request: BatchRequest) -> None:
    """Find out whether the pictures of the face are there: without them nothing can be done.

    Raises:
        UsageError: The request contradicts itself.
        InputError: One is missing, or no file.
    """
    check_request(request)
    local = tuple(spec for spec in request.sources if not is_url(spec))
    with Inputs(allow_private=request.allow_private_urls) as inputs:
        inputs.resolve_sources(local)


def _line(item: Item) -> str:
    """For a pipe: what is changed and what is written, with a tab between; what is known to fail says so."""
    parts = [shown(item.name), shown(item.job.output), *([f"error: {item.problem.message}"] if item.problem else [])]
    return "\t".join(plain(part) for part in parts)


def _table(plan: BatchPlan) -> RenderableType:
    from rich.box import SIMPLE_HEAD
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("target", overflow="fold")
    table.add_column("output", overflow="fold")
    # A column that says the same in every row only takes room.
    sources = {item.job.sources for item in plan.items}
    if len(sources) > 1:
        table.add_column("source", overflow="fold")
    for item in plan.items[:ROWS_SHOWN]:
        output = Text(plain(shown(item.job.output)))
        if item.problem is not None:
            output = Text(plain(item.problem.message), style="red")
        cells = [Text(str(item.number)), Text(plain(shown(item.name))), output]
        if len(sources) > 1:
            cells.append(Text(plain(", ".join(map(shown, item.job.sources)))))
        table.add_row(*cells)
    rest = len(plan.items) - ROWS_SHOWN
    more = [Text(f"... and {rest} more; to see all: --dry-run | less")] if rest > 0 else []
    return Group(table, *more)
