"""`faceswap batch`: values become a `BatchRequest` and a `RunRequest`; what is done with them is in `batch_run.py`."""

from __future__ import annotations

from pathlib import Path

import typer

from faceswap_cli.cli.options import batch as b
from faceswap_cli.cli.options import common as o
from faceswap_cli.cli.options.engine import (
    Detection,
    EngineChoice,
    FaceChoice,
    InputLimits,
    RestoringByName,
    Swapping,
    TalkAndProgress,
    engine_options,
)
from faceswap_cli.cli.options.groups import grouped
from faceswap_cli.cli.options.media import MediaChoice
from faceswap_cli.cli.options.people import PeopleChoice, parse_pairs
from faceswap_cli.cli.options.remote import RemoteBounds, RemoteChoice
from faceswap_cli.errors import ExitCode, UsageError
from faceswap_cli.options import OnError, OnNoFace
from faceswap_cli.text import opt

BATCH_EXAMPLES = """Examples

  faceswap batch me.jpg photos/ -o out/
  faceswap batch me.jpg photos/ -o out/ --dry-run
  faceswap batch me.jpg 'photos/**/*.gif' -o out/ --name '{stem}-me{suffix}' --on-no-face copy
  find photos -name '*.jpg' -print0 | faceswap batch me.jpg - -0 -o out/ --json
  faceswap batch --manifest jobs.csv -o out/ --report report.json --junit junit.xml --summary-html sheet.html
"""


@grouped
def batch(
    output: b.BatchOutputOption,
    faces: FaceChoice,
    people: PeopleChoice,
    engine: EngineChoice,
    swapping: Swapping,
    detection: Detection,
    restoring: RestoringByName,
    media: MediaChoice,
    remote: RemoteChoice,
    bounds: RemoteBounds,
    limits: InputLimits,
    talk: TalkAndProgress,
    source: b.BatchSourceArgument = None,
    inputs: b.InputsArgument = None,
    more_sources: o.MoreSourcesOption = None,
    files_from: b.FilesFromOption = None,
    null: b.NullOption = False,
    manifest: b.ManifestOption = None,
    include: b.IncludeOption = None,
    exclude: b.ExcludeOption = None,
    recursive: b.RecursiveOption = True,
    shard: b.ShardOption = None,
    name: b.NameOption = "{name}",
    root: b.RootOption = None,
    image_format: o.ImageFormatOption = None,
    overwrite: o.OverwriteOption = False,
    on_no_face: b.BatchOnNoFaceOption = OnNoFace.FAIL,
    on_error: b.OnErrorOption = OnError.CONTINUE,
    max_failures: b.MaxFailuresOption = None,
    journal: b.JournalOption = None,
    resume: b.ResumeOption = True,
    retry_failed: b.RetryFailedOption = False,
    workers: b.WorkersOption = b.AUTO,
    threads: b.ThreadsOption = None,
    timeout: b.TimeoutOption = None,
    max_memory: b.MaxMemoryOption = None,
    executor: b.ExecutorOption = b.ExecutorName.LOCAL,
    address: b.AddressOption = None,
    num_gpus: b.NumGpusOption = None,
    json: b.BatchJsonOption = False,
    ordered: b.OrderedOption = False,
    report: b.ReportOption = None,
    junit: b.JunitOption = None,
    summary_html: b.SummaryHtmlOption = None,
    dry_run: b.PlanOption = False,
) -> None:
    """Put the face of SOURCE on the faces of many files: folders, lists, pipes, tables of jobs.

    A journal records what is done: run again, the command continues where it was interrupted, and does nothing when
    nothing has changed. Exit code 0: all done; 7: some items failed, and the others are done.
    """
    sink = talk.output(json=json, progress=not talk.no_progress)
    pairs = parse_pairs(people.pair)
    if pairs and source is not None:  # `batch --pair REFERENCE=SOURCE INPUT...`
        inputs = [source, *(inputs or ())]
        source = None
    sources = (*(() if source is None else (source,)), *(more_sources or ()))
    _check(bool(sources or pairs), inputs, files_from, manifest, executor, address, num_gpus)
    b.check_seconds(timeout, "--timeout")
    api = remote.options()
    there = bounds.run(remote.remote, {
        "--executor ray": None if executor is b.ExecutorName.LOCAL else executor, "--threads": threads,
        "--workers": None if workers == b.AUTO else workers, "--timeout": timeout, "--max-memory": max_memory})

    from faceswap_cli.batch.executors.table import ExecutorOptions, Limits
    from faceswap_cli.batch.plan.shards import parse_shard
    from faceswap_cli.batch.request import NAMES, BatchRequest
    from faceswap_cli.batch.run import Policy
    from faceswap_cli.cli.batch.plan import show_plan
    from faceswap_cli.cli.batch.run import RunRequest, run
    from faceswap_cli.jobs.job import SwapSpec

    listed = [*(inputs or ()), *([NAMES] if files_from == "-" else [])]

    spec = SwapSpec(
        sources=sources, references=tuple(people.reference or ()), pairs=pairs,
        engine=engine_options(engine, faces, people, swapping, detection, restoring, describe=json or talk.verbose,
                              measure=json or talk.verbose or people.min_similarity is not None),
        media=media.options(image_format, limits.max_pixels), remote=api, on_no_face=on_no_face,
        min_similarity=people.checked_similarity())
    request = BatchRequest(
        spec=spec, inputs=tuple(listed), output=output, template=name,
        include=tuple(include or ()), exclude=tuple(exclude or ()), recursive=recursive, root=root,
        files_from=() if files_from in (None, "-") else (files_from,), null=null, manifest=manifest,
        allow_private_urls=limits.allow_private_urls, details=True, overwrite=overwrite,
        shard=None if shard is None else parse_shard(shard))
    how = RunRequest(
        policy=Policy(on_error=on_error, max_failures=max_failures, ordered=ordered, resume=resume,
                      retry_failed=retry_failed),
        executor=ExecutorOptions(
            name=executor.value, workers=b.parse_workers(workers), threads=threads,
            limits=Limits(timeout, None if max_memory is None else b.parse_size(max_memory, "--max-memory")),
            address=address, num_gpus=num_gpus, bounds=there),
        journal=_path(journal, "--journal"), report=_path(report, "--report"), junit=_path(junit, "--junit"),
        summary_html=_path(summary_html, "--summary-html"), progress=not talk.no_progress)
    if dry_run:
        show_plan(sink, request, how.journal, how.policy, how.executor)
    elif code := run(sink, request, how):
        # Of an interruption everything is said; `typer.Exit(130)` would be taken for one that nobody has told of.
        raise SystemExit(code) if code >= ExitCode.INTERRUPTED else typer.Exit(code)


def _check(sourced: bool, inputs: list[str] | None, files_from: str | None, manifest: str | None,
           executor: b.ExecutorName, address: str | None, num_gpus: float | None) -> None:
    """Find what the options contradict each other in."""
    if not sourced and manifest is None:
        raise UsageError("SOURCE is missing", advice="name a picture of the face to put on, then what to change")
    if not inputs and files_from is None and manifest is None:
        raise UsageError("nothing to change was named",
                         advice=f"add files, folders, - for a pipe of names, {opt('files-from')} or {opt('manifest')}")
    if [*(inputs or ()), files_from, manifest].count("-") > 1:
        raise UsageError("- (standard input) can be read only once")
    if executor is not b.ExecutorName.RAY and (address is not None or num_gpus is not None):
        raise UsageError(f"{opt('address')} and {opt('num-gpus')} are for {opt('executor', 'ray')}")


def _path(name: str | None, option: str) -> Path | None:
    if name == "":
        raise UsageError(f"the name given to {opt(option)} is empty", advice="name a file")
    return None if name is None else Path(name)
