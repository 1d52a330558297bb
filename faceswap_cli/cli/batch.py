"""`faceswap batch`: values become a `BatchRequest` and a `RunRequest`; what is done with them is in `batch_run.py`."""

from __future__ import annotations

from pathlib import Path

import typer

from faceswap_cli.cli import batch_options as b
from faceswap_cli.cli import options as o
from faceswap_cli.cli import remote_options as r
from faceswap_cli.cli.engine_options import engine_options, select_options
from faceswap_cli.cli.output import Output
from faceswap_cli.errors import ExitCode, UsageError
from faceswap_cli.options import MediaOptions, OnError, OnNoFace

BATCH_EXAMPLES = """Examples

  faceswap batch me.jpg photos/ -o out/
  faceswap batch me.jpg photos/ -o out/ --dry-run
  faceswap batch me.jpg 'photos/**/*.gif' -o out/ --name '{stem}-me{suffix}' --on-no-face copy
  find photos -name '*.jpg' -print0 | faceswap batch me.jpg - -0 -o out/ --json
  faceswap batch --manifest jobs.csv -o out/ --report report.json --junit junit.xml --summary-html sheet.html
"""


def batch(
    output: b.BatchOutputOption,
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
    order: o.OrderOption = o.SELECT_DEFAULTS.order,
    target_index: o.TargetIndexOption = None,
    source_index: o.SourceIndexOption = None,
    target_gender: o.TargetGenderOption = o.SELECT_DEFAULTS.target_gender,
    source_gender: o.SourceGenderOption = o.SELECT_DEFAULTS.source_gender,
    engine: o.EngineOption = o.ENGINE_DEFAULTS.engine,
    models_dir: o.ModelsDirOption = None,
    swapper: o.SwapperOption = None,
    swap_size: o.SwapSizeOption = None,
    mask: o.MaskOption = None,
    keep_mouth: o.KeepMouthOption = False,
    detector: o.DetectorOption = None,
    detector_size: o.DetectorSizeOption = o.ENGINE_DEFAULTS.detector.size,
    detector_score: o.DetectorScoreOption = o.ENGINE_DEFAULTS.detector.score,
    provider: o.ProviderOption = o.ENGINE_DEFAULTS.runtime.provider,
    device: o.DeviceOption = o.ENGINE_DEFAULTS.runtime.device,
    accelerate: o.AccelerateOption = o.ENGINE_DEFAULTS.runtime.accelerate,
    restore: o.RestoreOption = None,
    restore_weight: o.RestoreWeightOption = o.ENGINE_DEFAULTS.restore.weight,
    restore_visibility: o.RestoreVisibilityOption = o.ENGINE_DEFAULTS.restore.visibility,
    interpolation: o.InterpolationOption = o.ENGINE_DEFAULTS.restore.interpolation,
    image_format: o.ImageFormatOption = None,
    image_quality: o.ImageQualityOption = o.MEDIA_DEFAULTS.image_quality,
    overwrite: o.OverwriteOption = False,
    on_no_face: b.BatchOnNoFaceOption = OnNoFace.FAIL,
    no_provenance: o.NoProvenanceOption = False,
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
    remote: r.RemoteOption = False,
    remote_mode: r.RemoteModeOption = None,
    remote_url: r.RemoteUrlOption = None,
    remote_upload_url: r.RemoteUploadUrlOption = None,
    remote_timeout: r.RemoteTimeoutOption = None,
    key_file: r.KeyFileOption = None,
    fallback: r.FallbackOption = None,
    remote_jobs: r.RemoteJobsOption = None,
    max_requests: r.MaxRequestsOption = None,
    max_cost: r.MaxCostOption = None,
    cost_per_request: r.CostOption = None,
    max_pixels: o.MaxPixelsOption = o.MEDIA_DEFAULTS.max_pixels,
    allow_private_urls: o.AllowPrivateUrlsOption = False,
    json: b.BatchJsonOption = False,
    ordered: b.OrderedOption = False,
    report: b.ReportOption = None,
    junit: b.JunitOption = None,
    summary_html: b.SummaryHtmlOption = None,
    dry_run: b.PlanOption = False,
    quiet: o.QuietOption = False,
    verbose: o.VerboseOption = False,
    debug: o.DebugOption = False,
    no_progress: o.NoProgressOption = False,
) -> None:
    """Put the face of SOURCE on the faces of many files: folders, lists, pipes, tables of jobs.

    A journal notes what is done: run again, the command goes on where it was interrupted, and does nothing when nothing
    has changed. Exit code 0: all done; 7: some items failed, and the others are done.
    """
    sink = Output(json=json, quiet=quiet, verbose=verbose or debug, progress=not no_progress)
    _check(source, inputs, files_from, manifest, executor, address, num_gpus)
    b.check_seconds(timeout, "--timeout")
    api = r.remote_options(remote, remote_mode, remote_url, remote_upload_url, remote_timeout, key_file, fallback)
    there = r.remote_run(remote, remote_jobs, max_requests, max_cost, cost_per_request, {
        "--executor ray": None if executor is b.ExecutorName.LOCAL else executor, "--threads": threads,
        "--workers": None if workers == b.AUTO else workers, "--timeout": timeout, "--max-memory": max_memory})

    from faceswap_cli.cli.batch_plan import show_plan
    from faceswap_cli.cli.batch_run import RunRequest, run
    from faceswap_cli.jobs.batch import Policy
    from faceswap_cli.jobs.executors.base import Limits
    from faceswap_cli.jobs.request import NAMES, BatchRequest
    from faceswap_cli.jobs.shards import parse_shard

    listed = [*(inputs or ()), *([NAMES] if files_from == "-" else [])]

    request = BatchRequest(
        () if source is None else (source, *(more_sources or ())), tuple(listed), output, name,
        tuple(include or ()), tuple(exclude or ()), recursive, root,
        files_from=() if files_from in (None, "-") else (files_from,), null=null, manifest=manifest,
        engine=engine_options(
            select=select_options(order, target_index, source_index, target_gender, source_gender), engine=engine,
            models_dir=models_dir, swapper=swapper, swap_size=swap_size, mask=mask, keep_mouth=keep_mouth,
            detector=detector, detector_size=detector_size, detector_score=detector_score, provider=provider,
            device=device, accelerate=accelerate, restore=restore, restore_weight=restore_weight,
            restore_visibility=restore_visibility, interpolation=interpolation, describe=json or verbose,
        ),
        media=MediaOptions(image_format, image_quality, max_pixels, not no_provenance),
        on_no_face=on_no_face, allow_private_urls=allow_private_urls, details=True, overwrite=overwrite,
        shard=None if shard is None else parse_shard(shard), remote=api,
    )
    how = RunRequest(
        Policy(on_error, max_failures, ordered, resume, retry_failed), _path(journal, "--journal"),
        b.parse_workers(workers), threads,
        Limits(timeout, None if max_memory is None else b.parse_size(max_memory, "--max-memory")),
        executor, address, num_gpus, _path(report, "--report"), _path(junit, "--junit"),
        _path(summary_html, "--summary-html"), progress=not no_progress, remote=there,
    )
    if dry_run:
        show_plan(sink, request, how.journal, how.policy)
    elif code := run(sink, request, how):
        # Of an interruption everything is said; `typer.Exit(130)` would be taken for one that nobody has told of.
        raise SystemExit(code) if code >= ExitCode.INTERRUPTED else typer.Exit(code)


def _check(source: str | None, inputs: list[str] | None, files_from: str | None, manifest: str | None,
           executor: b.ExecutorName, address: str | None, num_gpus: float | None) -> None:
    """Find what the options contradict each other in."""
    if source is None and manifest is None:
        raise UsageError("SOURCE is missing; name a picture of the face to put on, then what to change")
    if not inputs and files_from is None and manifest is None:
        raise UsageError("nothing to change was named; add files, folders, - for a pipe of names, --files-from or "
                         "--manifest")
    if [*(inputs or ()), files_from, manifest].count("-") > 1:
        raise UsageError("- (standard input) can be read only once")
    if executor is not b.ExecutorName.RAY and (address is not None or num_gpus is not None):
        raise UsageError("--address and --num-gpus are for --executor ray")


def _path(name: str | None, option: str) -> Path | None:
    if name == "":
        raise UsageError(f"the name given to {option} is empty; name a file")
    return None if name is None else Path(name)
