"""Runs what `faceswap batch` asks for, and reports as it goes."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from faceswap_cli.batch.executors.base import Executor
from faceswap_cli.batch.executors.table import Assignment, ExecutorOptions, make_executor
from faceswap_cli.batch.items import Item, ItemResult
from faceswap_cli.batch.journal import Journal, default_journal
from faceswap_cli.batch.locks import hold
from faceswap_cli.batch.plan.plan import make_plan, plan_stream
from faceswap_cli.batch.report.reports import Reports
from faceswap_cli.batch.request import NAMES, BatchRequest
from faceswap_cli.batch.run import Policy, run_batch
from faceswap_cli.cli.batch.plan import check_sources, has_journal, journal_of, names_of, warn_of
from faceswap_cli.cli.batch.report import item_report, summary_report
from faceswap_cli.cli.batch.table import FAILURES_SHOWN, BatchProgress, tell_end
from faceswap_cli.cli.consent import tell_once
from faceswap_cli.cli.output import Output
from faceswap_cli.cli.stdout import is_terminal
from faceswap_cli.errors import ExitCode
from faceswap_cli.names import Kind, kind_of, shown
from faceswap_cli.options import EngineOptions

FACES_OF_A_PIPE = 50
"""How many faces are taken to be ahead where names come through a pipe: enough for a faster graph to be made."""


_OF_SOURCES = frozenset({ExitCode.USAGE, ExitCode.INPUT, ExitCode.NO_FACE, ExitCode.MODEL})
"""How items end where the source cannot be used, among other reasons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """How a batch is run: what is not about its items.

    Attributes:
        policy: How failures, order and resuming are gone about.
        executor: Where the items run, and how.
        journal: The file; None: beside the outputs.
        report, junit, summary_html: Files to write at the end; None: not asked for.
        progress: Show a progress line where standard error is a terminal.
    """

    policy: Policy = field(default_factory=Policy)
    executor: ExecutorOptions = field(default_factory=ExecutorOptions)
    journal: Path | None = None
    report: Path | None = None
    junit: Path | None = None
    summary_html: Path | None = None
    progress: bool = True


def run(output: Output, request: BatchRequest, how: RunRequest) -> int:
    """Plan a batch, run it and tell; returns the exit code.

    What would keep all items from being done is found before a worker is started: sources that are not there, models
    that are missing, reports that cannot be written.

    Raises:
        UsageError: Names that collide, another run on the same output ...
        InputError: A source, a list or a manifest that cannot be read.
        NoFaceError: No face in the source.
        ModelError: A model that is needed is not installed, or damaged.
        OutputError: The output folder, the journal or a report cannot be written.
    """
    journal_path = journal_of(request, how.journal)
    reports = Reports(report=how.report, junit=how.junit, summary_html=how.summary_html, journal=journal_path,
                      overwrite=request.overwrite)
    check_sources(request)
    request = replace(request, resume=has_journal(journal_path))
    items, total = _items(output, request)
    reports.protect(*request.spec.pictures, *request.files_from,
                    *([] if request.manifest is None else [request.manifest]))
    known = items if total is not None else ()
    for item in known:
        reports.protect(item.job.target, *item.job.spec.pictures)
    progress = BatchProgress(output, total, progress=how.progress and not _mixes(output))
    executor = make_executor(how.executor, Assignment(request=request, items=total, journal=journal_path,
                                                      say=progress.note, detail=output.detail))
    with ExitStack() as stack:
        executor.check(known)
        notes = executor.open([request.spec.engine, *(item.job.spec.engine for item in known)])
        journal: Journal | None = None
        if journal_path is not None:
            stored = kind_of(request.output) is Kind.STORE
            usual = () if stored else (default_journal(Path(request.output), request.shard),)
            stack.enter_context(hold(journal_path, *usual))
            journal = stack.enter_context(Journal(journal_path))
        else:
            output.note("what is done is noted nowhere, as the outputs are not on this machine; --journal FILE lets a "
                        "later run go on with it")
        tell_once(output)
        for note in notes:
            output.note(note)
        stack.callback(executor.close)
        stack.enter_context(progress)
        doubt, teller = _Doubt(request, executor), _Teller(output, progress)

        def tell(result: ItemResult) -> None:
            doubt.look(result)
            reports.add(result)
            if output.json:
                output.data(item_report(result))
            teller.tell(result)

        report = run_batch(items, executor, journal, how.policy, tell, models=executor.models, say=progress.note)
    reports.finish(report)
    if output.json:
        output.data(summary_report(report) | executor.facts())
    try:
        with output.progress("contact sheet", unit="item") as on_item:
            reports.write(on_item)
    except KeyboardInterrupt:
        output.note("interrupted while the reports were written; the items are done")
        return ExitCode.INTERRUPTED
    tell_end(output, reports.summary, arguments=sys.argv[1:], journal=journal_path, reports=reports.paths.values())
    if (told := executor.told()) is not None:
        output.note(told)
    return report.exit_code


class _Doubt:
    """Whether it is the source that makes items fail: then all would, and one error says it better."""

    def __init__(self, request: BatchRequest, executor: Executor) -> None:
        self._request = request
        self._executor = executor
        self._settled = not request.spec.pictures

    def look(self, result: ItemResult) -> None:
        """At the first failure, unless an item was done before, the source is looked at here.

        Raises:
            InputError, NoFaceError, UsageError, ModelError: What `faceswap swap` would say of the source.
        """
        if self._settled or not result.attempts or result.item.job.spec.pictures != self._request.spec.pictures:
            return
        self._settled = True
        if result.failure is not None and result.failure.exit_code in _OF_SOURCES:
            self._executor.explain(result.item.job)


def _items(output: Output, request: BatchRequest) -> tuple[Iterable[Item], int | None]:
    """The items and, unless their names come through a pipe, how many there are."""
    if NAMES in request.inputs:
        stream = plan_stream(request, names_of(request), lambda text: output.warn([text]))
        return _with_faces_ahead(stream, FACES_OF_A_PIPE), None
    plan = make_plan(request)
    warn_of(output, plan)
    return list(_with_faces_ahead(plan.items, len(plan.items))), len(plan.items)


def _with_faces_ahead(items: Iterable[Item], count: int) -> Iterator[Item]:
    """The items, told how many there are, so that the engine can see what a faster start is worth."""
    known: dict[EngineOptions, EngineOptions] = {}
    for item in items:
        engine = item.job.spec.engine
        told = known.get(engine)
        if told is None:
            told = known[engine] = replace(engine, runtime=replace(engine.runtime, faces_ahead=count))
        yield replace(item, job=replace(item.job, spec=replace(item.job.spec, engine=told)))


def _mixes(output: Output) -> bool:
    """Whether data would be written over the progress line."""
    return output.json and is_terminal()


class _Teller:
    """Tells of items as they end: of the first failures, and with --verbose of every item."""

    def __init__(self, output: Output, progress: BatchProgress) -> None:
        self._output = output
        self._progress = progress
        self._failures = 0

    def tell(self, result: ItemResult) -> None:
        """Tell of an item, and count it."""
        name = shown(result.item.name)
        if result.failure is not None:
            self._failures += 1
            message = result.failure.message
            if self._failures <= FAILURES_SHOWN or self._output.verbose:
                self._progress.fail(message if name in message else f"{name}: {message}")
                if self._failures == FAILURES_SHOWN and not self._output.verbose:
                    self._progress.note("more failures are counted only; --verbose tells of all")
        elif self._output.verbose:
            self._progress.note(f"{result.status}: {name} ({result.seconds:.2f} s)")
        self._progress.update(result)
