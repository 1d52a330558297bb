"""What a worker process does: one item after the other, with models and sources that it keeps."""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field, replace

from faceswap_cli.batch.items import Failure, FailureKind, Item, ItemResult, Status
from faceswap_cli.errors import FaceswapError, NoFaceError, OutputError, UsageError
from faceswap_cli.files.atomic import explain_failure
from faceswap_cli.jobs.backend import SwapBackend, open_backend
from faceswap_cli.jobs.job import Outcome, SwapJob, SwapSpec
from faceswap_cli.jobs.resume.stamps import Stamp, stamp_sources, stamp_target, store_stamp, take_stamp
from faceswap_cli.jobs.resume.versions import describe_models
from faceswap_cli.jobs.swap import Prepared, check_output, prepare_source, swap_file
from faceswap_cli.names import Kind, kind_of
from faceswap_cli.options import EngineOptions, OnNoFace
from faceswap_cli.recent import Recent
from faceswap_cli.stores.files import StoredOutput
from faceswap_cli.text import as_flag, spell, squeeze

_BACKENDS = 4
"""Backends kept: each holds models."""

_SOURCES = 16
"""Prepared sources kept."""


@dataclass(slots=True)
class _Backend:
    """A backend, its description, and those of its late notes that were told."""

    backend: SwapBackend
    models: dict[str, str]
    told: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _KeptSource:
    """A prepared source, or why there is none, of files as they were."""

    stamps: dict[str, Stamp]
    prepared: Prepared | FaceswapError


@dataclass(slots=True)
class Findings:
    """What is known of an item so far, also if it fails. `models` are as in `ItemResult`."""

    target: Stamp | None = None
    sources: dict[str, Stamp] = field(default_factory=dict)
    models: dict[str, str] = field(default_factory=dict)


class Worker:
    """Does items one at a time. Models are loaded once, and a source is prepared once while its files stay the same."""

    def __init__(self, threads: int | None = None, *,
                 open_backend: Callable[[EngineOptions], SwapBackend] = open_backend) -> None:
        """Nothing is loaded yet.

        Args:
            threads: Cores that this process takes for its share, from now on; None: all.
            open_backend: Makes a backend.
        """
        self._threads = threads
        self._open = open_backend
        self._backends: Recent[EngineOptions, _Backend] = Recent(_BACKENDS)
        self._sources: Recent[tuple[SwapSpec, bool], _KeptSource] = Recent(_SOURCES)
        if threads is not None:
            _take_share(threads)

    def run(self, item: Item) -> ItemResult:
        """Do one item. Folders of its output are created. Never raises: what goes wrong is in the result.

        `attempts` is 1 and `worker` None; executors know better. What the engine has to say of how it ran comes once,
        among the warnings of the first item after it was known.
        """
        start = time.perf_counter()
        findings = Findings()
        outcome: Outcome | None = None
        output: Stamp | None = None
        failure: Failure | None = None
        try:
            outcome, output = self._swap(item.job, findings)
            outcome = replace(outcome, warnings=tuple(spell(text, as_flag) for text in outcome.warnings))
            status = _status(item.job, outcome)
        except Exception as error:
            if _out_of_memory(error):
                self._backends.clear()
                self._sources.clear()
            failure, status = describe_failure(item, error), Status.FAILED
        return ItemResult(item=item, status=status, outcome=outcome, failure=failure,
                          seconds=time.perf_counter() - start, target=findings.target, sources=findings.sources,
                          output=output, models=findings.models)

    def _swap(self, job: SwapJob, findings: Findings) -> tuple[Outcome, Stamp | None]:
        if kind_of(job.output) is Kind.STORE:
            check_output(job)
            with StoredOutput(job.output, overwrite=job.overwrite) as there:
                outcome = self._swap_here(replace(job, output=str(there.path)), findings)
                if outcome.output is None:
                    return outcome, None
                here = take_stamp(there.path)
                stamp = store_stamp(there.commit(), here.sha256 if here is not None else "")
                return replace(outcome, output=replace(outcome.output, path=job.output)), stamp
        if not job.dry_run:
            _create_folder(job)
        check_output(job)
        outcome = self._swap_here(job, findings)
        path = job.output_path
        return outcome, take_stamp(path) if path is not None and outcome.output is not None else None

    def _swap_here(self, job: SwapJob, findings: Findings) -> Outcome:
        findings.target = stamp_target(job.target)
        kept = self._backend(job.spec.engine)
        findings.models = kept.models
        prepared = self._prepare(job, kept.backend, findings)
        outcome = swap_file(job, kept.backend, prepared=prepared, workers=self._threads)
        news = [note for note in kept.backend.late_notes if note not in kept.told]
        kept.told.update(news)
        return replace(outcome, warnings=(*outcome.warnings, *news)) if news else outcome

    def _backend(self, options: EngineOptions) -> _Backend:
        kept = self._backends.get(options)
        if kept is None:
            backend = self._open(options)
            kept = _Backend(backend, describe_models(backend))
            self._backends.put(options, kept)
        return kept

    def _prepare(self, job: SwapJob, backend: SwapBackend, findings: Findings) -> Prepared | None:
        """The prepared source; None: there is none, and `swap_file` knows what is to be done then."""
        key = (job.spec, job.allow_private_urls)
        kept = self._sources.get(key)
        findings.sources = stamp_sources(job.spec.pictures, kept.stamps if kept is not None else {})
        if kept is None or _contents(kept.stamps) != _contents(findings.sources):
            try:
                prepared: Prepared | FaceswapError = prepare_source(job.spec, backend,
                                                                     allow_private_urls=job.allow_private_urls)
            except (NoFaceError, UsageError) as error:  # says something of the pictures, which stays true
                prepared = error.with_traceback(None)
        else:
            prepared = kept.prepared
        self._sources.put(key, _KeptSource(findings.sources, prepared))
        if isinstance(prepared, Prepared):
            return prepared
        if isinstance(prepared, NoFaceError) and job.spec.on_no_face is not OnNoFace.FAIL:
            return None
        raise copy(prepared)


def describe_failure(item: Item, error: BaseException) -> Failure:
    """One line on what went wrong: as it stands if it is meant for people, else with its type."""
    if isinstance(error, FaceswapError):
        return Failure(FailureKind(type(error).__name__), squeeze(error.text(as_flag)), error.exit_code)
    if _out_of_memory(error):
        return Failure(FailureKind.MEMORY, f"{squeeze(item.name)}: there is not enough memory; run fewer workers "
                                           "(--workers), or bound the size of pictures (--max-pixels)")
    text = squeeze(error)
    return Failure(FailureKind.UNEXPECTED, f"{squeeze(item.name)}: {type(error).__name__}{f': {text}' if text else ''}")


def _status(job: SwapJob, outcome: Outcome) -> Status:
    if outcome.output is None and not job.dry_run:
        return Status.SKIPPED
    return Status.DONE if outcome.frames_swapped or job.dry_run else Status.COPIED


def _contents(stamps: dict[str, Stamp]) -> dict[str, str]:
    return {name: stamp.sha256 or stamp.tag for name, stamp in stamps.items()}


def _create_folder(job: SwapJob) -> None:
    path = job.output_path
    if path is None or not job.output:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        if isinstance(error, FileExistsError):
            raise OutputError(f"cannot write {job.output}: {path.parent} is not a folder") from error
        raise OutputError(explain_failure(job.output, None, error)) from error


def _out_of_memory(error: BaseException) -> bool:
    """OpenCV has an error of its own for it."""
    return isinstance(error, MemoryError) or (type(error).__module__ == "cv2" and "nsufficient memory" in str(error))


def _take_share(threads: int) -> None:
    import cv2

    from faceswap_cli.runtime.cores import limit_cores

    limit_cores(threads)
    cv2.setNumThreads(threads)
