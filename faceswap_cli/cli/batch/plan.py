"""What `faceswap batch` would do: the plan is made, checked and shown."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from faceswap_cli.batch.executors.table import Assignment, ExecutorOptions, make_executor
from faceswap_cli.batch.items import Failure, Item, Status
from faceswap_cli.batch.journal import NAME, SUFFIX, Entries, default_journal, read_entries
from faceswap_cli.batch.plan.lists import read_names
from faceswap_cli.batch.plan.plan import BatchPlan, make_plan
from faceswap_cli.batch.request import NAMES, BatchRequest, check_request
from faceswap_cli.batch.resume import Models, Standing
from faceswap_cli.batch.run import Policy, earlier_result, refusal
from faceswap_cli.cli.batch.report import plan_summary, planned_report
from faceswap_cli.cli.output import Output
from faceswap_cli.cli.stdout import is_terminal
from faceswap_cli.errors import UsageError
from faceswap_cli.jobs.inputs import Inputs
from faceswap_cli.names import Kind, is_url, kind_of, shown
from faceswap_cli.text import one_line

if TYPE_CHECKING:
    from rich.console import RenderableType

ROWS_SHOWN = 40
"""Items in the table for a terminal; a pipe gets all."""

_OTHERS = {"current": "unchanged", "failed": "known to fail"}
"""How what would not be run is called in the last line."""

_STYLES = {"current": "dim", "failed": "red"}


@dataclass(frozen=True, slots=True)
class _Planned:
    """An item, and what would become of it.

    Attributes:
        item: It.
        status: None: it would be run. Else it would be told as this without being run: current, or failed.
        failure: Why it would be told as failed.
    """

    item: Item
    status: Status | None
    failure: Failure | None

    @property
    def word(self) -> str:
        """`swap`, `current` or `failed`."""
        return "swap" if self.status is None else self.status.value


def show_plan(output: Output, request: BatchRequest, named_journal: Path | None, policy: Policy,
              options: ExecutorOptions) -> None:
    """Print what would be done: a table on a terminal, lines in a pipe, JSON where that is asked for.

    Args:
        output: How the command speaks.
        request: What is asked for.
        named_journal: The journal as it was named; None: not at all.
        policy: What would be done again.
        options: Where the items would run.

    Raises:
        UsageError, InputError: As `make_plan`, `names_of` and `check_sources`.
    """
    check_sources(request)
    journal = journal_of(request, named_journal)
    plan = make_plan(replace(request, resume=has_journal(journal)), names_of(request))
    warn_of(output, plan)
    executor = make_executor(options, Assignment(request=request, items=len(plan.items), journal=journal))
    executor.check(plan.items)
    planned = list(_look_ahead(plan, journal, policy, executor.models))
    counts = Counter(entry.word for entry in planned)
    if output.json:
        for entry in planned:
            output.data(planned_report(entry.item, entry.word, entry.failure))
        output.data(plan_summary(plan, counts))
    elif not is_terminal():
        output.lines([_line(entry) for entry in planned])
    elif planned:
        output.table(_table(planned))
    which = "" if len(planned) == plan.total else f" of {plan.total} in all shards"
    others = "".join(f", {counts[word]} {words}" for word, words in _OTHERS.items() if counts[word])
    output.note(f"{len(planned)} items{which}: {counts['swap']} to swap{others}; nothing was written (--dry-run)")


def _look_ahead(plan: BatchPlan, journal: Path | None, policy: Policy, models: Models) -> Iterator[_Planned]:
    """What would become of each item, as far as that is known without running it."""
    entries = Entries() if journal is None else read_entries(journal)
    standing = Standing(models)
    for item in plan.items:
        earlier = earlier_result(item, entries, standing, policy)
        if earlier is not None:
            yield _Planned(item, earlier.status, earlier.failure)
        else:
            failure = refusal(item, entries)
            yield _Planned(item, None if failure is None else Status.FAILED, failure)


def warn_of(output: Output, plan: BatchPlan) -> None:
    """Tell what was left out, and why."""
    for text in plan.warnings:
        output.warn([text])


def journal_of(request: BatchRequest, named: Path | None) -> Path | None:
    """Where it is noted what is done; None: nowhere, as it has no name and the outputs are not on this machine."""
    if named is not None or kind_of(request.output) is Kind.STORE:
        return named
    return default_journal(Path(request.output), request.shard)


def has_journal(journal: Path | None) -> bool:
    """Whether an earlier run may have noted what lies in the output folder: there, or in the journals of shards."""
    return journal is not None and (journal.exists() or any(journal.parent.glob(f"{NAME}*{SUFFIX}")))


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
        raise UsageError("- asks for names on standard input, but that is the terminal",
                         advice="pipe them in, as in: find photos -name '*.jpg' | faceswap batch me.jpg - -o out")
    return read_names(sys.stdin.buffer, null=request.null)


def check_sources(request: BatchRequest) -> None:
    """Find out whether the pictures of the face are there: without them nothing can be done.

    Raises:
        UsageError: The request contradicts itself.
        InputError: One is missing, or no file.
    """
    check_request(request)
    local = tuple(spec for spec in request.spec.pictures if not is_url(spec))
    with Inputs(allow_private=request.allow_private_urls) as inputs:
        inputs.resolve_sources(local)


def _line(planned: _Planned) -> str:
    """For a pipe: what would become of it, what is changed and what is written, with a tab between."""
    item = planned.item
    parts = [planned.word, shown(item.name), shown(item.job.output), *_why(planned)]
    return "\t".join(one_line(part) for part in parts)


def _why(planned: _Planned) -> list[str]:
    return [] if planned.failure is None else [planned.failure.message]


def _table(planned: list[_Planned]) -> RenderableType:
    from rich.box import SIMPLE_HEAD
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    rows = planned[:ROWS_SHOWN]
    # A column that says the same in every row only takes room.
    with_word = any(entry.status is not None for entry in planned)
    with_sources = len({entry.item.job.spec.sources for entry in planned}) > 1
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("", justify="right", no_wrap=True)
    if with_word:
        table.add_column("", no_wrap=True)
    table.add_column("target", overflow="fold")
    table.add_column("output", overflow="fold")
    if with_sources:
        table.add_column("source", overflow="fold")
    for entry in rows:
        item, style = entry.item, _STYLES.get(entry.word, "")
        texts = [str(item.number), *([entry.word] if with_word else []), shown(item.name), shown(item.job.output),
                 *([", ".join(map(shown, item.job.spec.sources))] if with_sources else [])]
        table.add_row(*(Text(one_line(text), style=style) for text in texts))
    failures = [Text(one_line(f"{entry.item.number}: {text}"), style="red") for entry in rows for text in _why(entry)]
    rest = len(planned) - len(rows)
    more = [Text(f"... and {rest} more; to see all: --dry-run | less")] if rest > 0 else []
    return Group(table, *failures, *more)
