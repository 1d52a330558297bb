"""One swap, from named inputs to a finished output."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from faceswap_cli.engine.outcome import Role, SourcePicture
from faceswap_cli.errors import InputError, NoFaceError, OutputError, UnlikeError, UsageError
from faceswap_cli.files.atomic import explain_failure
from faceswap_cli.jobs.backend import PreparedSource, SwapBackend
from faceswap_cli.jobs.clock import StageClock
from faceswap_cli.jobs.inputs import Input, Inputs, reads
from faceswap_cli.jobs.job import Outcome, OutputInfo, SwapJob, SwapSpec
from faceswap_cli.jobs.output_file import OutputFile, Task, open_input
from faceswap_cli.jobs.rendering.clip import ClipSwap, OnFrame
from faceswap_cli.jobs.rendering.renderers import LEAST_FRAMES, Renderers, can_start
from faceswap_cli.jobs.resume.checkpoint import UnreadableError
from faceswap_cli.jobs.resume.fingerprint import fingerprint
from faceswap_cli.jobs.sources import read_sources
from faceswap_cli.jobs.tally import Tally
from faceswap_cli.media.formats import FORMATS, SUFFIXES, VIDEO, output_format
from faceswap_cli.media.frame import ClipInfo, Frame
from faceswap_cli.media.marks.provenance import marks, notes
from faceswap_cli.media.video.read.frame_rate import suited
from faceswap_cli.names import Kind, kind_of, shown
from faceswap_cli.options import OnNoFace
from faceswap_cli.runtime.cores import core_count
from faceswap_cli.stores.files import StoredOutput, check_stored_output
from faceswap_cli.text import Note, opt

"""Animations that are encoded in a thread of their own: by C that lets go of the interpreter, unlike that of GIF."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A source ready for any number of targets.

    Attributes:
        source: What the backend prepared.
        warnings: What reading and preparing it brought to light.
    """

    source: PreparedSource
    warnings: tuple[str, ...]


def check_output(job: SwapJob) -> None:
    """Find out before any work whether the output may be written.

    Pictures of faces are never replaced, however they are spelled; the target is, with `overwrite`.

    Raises:
        UsageError: It has no name, it is a picture of a face, or it exists and `overwrite` is not set.
        OutputError: It is a folder, its folder is missing, or its name cannot be.
    """
    path = job.output_path
    if path is None:
        return
    if kind_of(job.output) is Kind.STORE:
        _check_pictures(job)
        check_stored_output(job.output, overwrite=job.overwrite)
        return
    if not job.output:
        raise UsageError("the name of the output is empty", advice=f"name a file with {opt('o')}")
    try:
        if path.is_dir():
            raise OutputError(f"cannot write {job.output}: it is a folder", advice="name a file in it")
        if not path.parent.is_dir():
            raise OutputError(f"cannot write {job.output}: there is no folder {path.parent}", advice="create it first")
        if not path.exists():
            return
    except OSError as error:  # a name that is too long, a folder that may not be entered
        raise OutputError(explain_failure(job.output, path, error)) from error
    _check_pictures(job)
    if job.overwrite:
        return
    if _same_file(path, job.target):
        raise UsageError(f"{job.output} is also an input",
                         advice=f"choose another name, or add {opt('overwrite')} to replace it")
    raise UsageError(f"{job.output} exists", advice=f"choose another name or add {opt('overwrite')}")


def _check_pictures(job: SwapJob) -> None:
    for spec in job.spec.pictures:
        if reads(spec, job.output):
            raise UsageError(f"{shown(job.output)} is a picture of a face ({shown(spec)}), and such pictures are "
                             "never replaced", advice="choose another name")


def swap_file(job: SwapJob, backend: SwapBackend, on_frame: OnFrame | None = None, *,
              prepared: Prepared | None = None, workers: int | None = None,
              go_on: bool = True) -> Outcome:
    """Put the source face on the target's faces and write the result.

    Frames stream through: memory grows with neither their number nor, beyond a few frames, their size. The bytes
    written do not depend on the number of workers. The output appears whole or not at all. A run that was interrupted
    or killed in the middle of a video leaves what it has encoded beside the output, for the next run of the same job.

    Args:
        job: What to do.
        backend: What finds and swaps faces.
        on_frame: Told about progress, in the caller's thread.
        prepared: What `prepare_source` returned for the same sources; None: they are read and prepared here.
        workers: Cores that render the frames of a clip, by threads or processes; None: all.
        go_on: Keep what is encoded of a video should this run be killed, and go on with what an earlier one left.

    Raises:
        UsageError: The output exists, its format does not fit, a still for `animation_only` ...
        InputError: A source or the target cannot be read.
        NoFaceError: No source face, or nothing was swapped and `on_no_face` is `fail`.
        UnlikeError: The result is less like its source than `min_similarity`.
        ModelError: The backend failed.
        OutputError: The result could not be written.
    """
    if job.spec.remote is not None:
        raise UsageError(f"{job.target}: this job is for the API, which no engine of this machine may stand in for "
                         "unasked", advice="give it to api_jobs.swap.swap_remote")
    check_output(job)
    if kind_of(job.output) is Kind.STORE:
        return _swap_to_store(job, backend, on_frame, prepared, workers)
    clock = StageClock()
    with Inputs(allow_private=job.allow_private_urls) as inputs, ExitStack() as stack:
        with clock.stage("load"):
            target = inputs.resolve(job.target)
            reader = stack.enter_context(open_input(target, job.spec.media))
            info = reader.info
            if job.spec.animation_only and not info.animated:
                raise UsageError(f"{target.name} is a still",
                                 advice="swap-gif takes animations, use `faceswap swap` for it")
            media = replace(job.spec.media, trained=backend.trained)
            task = Task(job, target, info, output_format(job.output_path, job.spec.media, info))
            output_file = None
            renderers = None
            if not job.dry_run:
                resume = fingerprint(job, backend, target.path) if go_on and task.format in VIDEO else None
                output_file = stack.enter_context(OutputFile(job, info, media, resume))
                renderers = _start_renderers(stack, backend, info, workers)
            frames, lost = suited(reader, task.format)
        warnings = [*info.warnings, *lost]
        output: OutputInfo | None = None
        clip: ClipSwap | None = None
        try:
            if prepared is None:
                prepared = _prepare(inputs, job.spec, backend, clock)
            warnings += prepared.warnings
            clip = ClipSwap(backend, prepared.source, frames, clock, workers, details=job.details,
                            renderers=renderers, finish=_finish(job, info),
                            encode_aside=renderers is not None and FORMATS[task.format].encoded_aside)
            if output_file is None:
                clip.look()
            else:
                _write(clip, output_file, target, on_frame)
                warnings += output_file.warnings
            tally = clip.tally
            nothing_swapped = not tally.frames_swapped and (output_file is not None or not info.animated)
            if nothing_swapped:
                raise tally.why_nothing(target.name)
            if job.spec.min_similarity is not None:
                tally.check_similarity(job.spec.min_similarity, target.name, backend.identity_measure)
        except NoFaceError as error:
            if job.spec.on_no_face == OnNoFace.FAIL or isinstance(error, UnlikeError):
                raise
            tally = clip.tally if clip is not None else Tally(details=job.details)
            warnings.append(f"{error.marked} ({opt('on-no-face', job.spec.on_no_face)})")
            if job.spec.on_no_face == OnNoFace.COPY and output_file is not None:
                with clock.stage("encode"):
                    output = task.pass_through(clip)
        else:
            if output_file is not None:
                with clock.stage("encode"):
                    output_file.writer.commit()
                output = replace(task.describe(tally.frames, clip.duration), marks=marks(media, task.format))
                warnings += [*output_file.warnings, *notes(media, task.format, animated=info.animated)]
                row = FORMATS[task.format]
                if clip.transparent and not (row.transparency or row.video):  # writers of videos tell it themselves
                    warnings.append(f"{row.label} has no transparency: transparent parts are white now")
        warnings += tally.warnings()
        if renderers is not None:
            warnings += [f"a process that rendered {how}; its frames were rendered by another"
                         for how in renderers.lost]
        return Outcome(spec=job.spec, target=job.target, output=output, engine=dict(backend.parts),
                       frames=tally.frames, frames_swapped=tally.frames_swapped,
                       frames_without_face=tally.frames_without_face, faces_swapped=tally.faces_swapped,
                       faces=tuple(tally.outcomes), warnings=tuple(map(Note, dict.fromkeys(warnings))),
                       timings=clock.timings(), similarity=tally.similarity(backend.identity_measure))


def _write(clip: ClipSwap, output: OutputFile, target: Input, on_frame: OnFrame | None) -> None:
    """Write all frames, behind those that an earlier run left."""
    kept = output.writer.kept
    if kept is not None:
        try:
            clip.go_on(kept)
            output.go_on(kept)
        except UnreadableError:
            output.begin_anew()
    try:
        clip.write(output.writer, on_frame)
    except (KeyboardInterrupt, SystemExit) as error:
        if clip.saved:
            error.add_note(f"what is encoded of {target.name} is kept: the same command continues after it")
        raise


def _start_renderers(stack: ExitStack, backend: SwapBackend, info: ClipInfo, workers: int | None) -> Renderers | None:
    """Processes that render, where they pay; they start while the sources are read."""
    cores = workers or core_count()
    if cores < 2 or not info.animated or 0 < info.frame_count < LEAST_FRAMES or not can_start():
        return None
    renderer = backend.renderer()
    if renderer is None:
        return None
    try:
        return stack.enter_context(Renderers(renderer, info.width, info.height, cores - 1))
    except OSError:  # no more processes, no more memory: threads do
        return None


def _finish(job: SwapJob, info: ClipInfo) -> Callable[[Frame], Frame] | None:
    """What is done to every frame at last: the label, where there is one; raises UsageError: it cannot be drawn."""
    if job.spec.media.label is None:
        return None
    from faceswap_cli.media.marks.label import Label

    return Label(job.spec.media.label, info.width, info.height).mark


def _swap_to_store(job: SwapJob, backend: SwapBackend, on_frame: OnFrame | None, prepared: Prepared | None,
                    workers: int | None) -> Outcome:
    """Swap into a local file, then upload it."""
    clock = StageClock()
    kind = SUFFIXES.get(Path(job.output).suffix.lower())
    if job.spec.media.credentials is not None and kind is not None and not FORMATS[kind].manifest:
        raise UsageError(f"cannot sign {job.output}: of this format the signature is a file beside the output, which "
                         "is not uploaded", advice="choose another format, or write to this machine")
    with StoredOutput(job.output, overwrite=job.overwrite) as there:
        local = replace(job, output=str(there.path))
        outcome = swap_file(local, backend, on_frame, prepared=prepared, workers=workers, go_on=False)
        if outcome.output is None:
            return outcome
        with clock.stage("encode"):
            there.commit()
    upload, times = clock.timings(), outcome.timings
    return replace(outcome, output=replace(outcome.output, path=job.output),
                   timings=replace(times, encode=times.encode + upload.encode, total=upload.total))


def prepare_source(spec: SwapSpec, backend: SwapBackend, *, allow_private_urls: bool = False) -> Prepared:
    """Read and prepare the sources of jobs, for `swap_file` to reuse over many targets.

    Raises:
        InputError: A source cannot be read.
        NoFaceError: No source face.
        UsageError: A source index out of range.
    """
    with Inputs(allow_private=allow_private_urls) as inputs:
        return _prepare(inputs, spec, backend, StageClock())


def _prepare(inputs: Inputs, spec: SwapSpec, backend: SwapBackend, clock: StageClock) -> Prepared:
    with clock.stage("load"):
        roles, warnings = _read_roles(inputs, spec)
    with clock.stage("source"):
        for_all = len(roles) == 1 and not roles[0].references
        source = backend.prepare_source(roles[0].sources) if for_all else backend.prepare_roles(roles)
    return Prepared(source, (*warnings, *source.warnings))


def _read_roles(inputs: Inputs, spec: SwapSpec) -> tuple[list[Role], list[str]]:
    """The pictures of everybody who takes part; those that several roles name are read once."""
    read: dict[tuple[str, ...], tuple[SourcePicture, ...]] = {(): ()}
    warnings: list[str] = []

    def pictures(specs: tuple[str, ...]) -> tuple[SourcePicture, ...]:
        if specs not in read:
            found, told = read_sources(inputs.resolve_sources(specs), spec.media)
            read[specs] = tuple(found)
            warnings.extend(told)
        return read[specs]

    cast = spec.cast()
    if not any(sources for _, sources in cast):
        raise InputError("no source picture was given")
    return [Role(pictures(references), pictures(sources)) for references, sources in cast], warnings


def _same_file(path: Path, spec: str) -> bool:
    try:
        return path.samefile(spec)
    except (OSError, ValueError):  # no such file, a URL
        return False
