"""`faceswap swap` and `faceswap swap-gif`: values become a `SwapJob`, an `Outcome` becomes words or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faceswap_cli.cli import options as o
from faceswap_cli.cli import remote_options as r
from faceswap_cli.cli.consent import tell_once
from faceswap_cli.cli.engine_options import engine_options, select_options
from faceswap_cli.cli.output import Output
from faceswap_cli.cli.stdout import is_terminal
from faceswap_cli.errors import UsageError
from faceswap_cli.options import EngineOptions, MediaFormat, MediaOptions, OnNoFace, RemoteOptions

if TYPE_CHECKING:
    from faceswap_cli.jobs.job import Outcome, SwapJob

SWAP_EXAMPLES = """Examples

  faceswap swap me.jpg party.jpg -o out.jpg
  faceswap swap me.jpg dance.gif -o dance-me.gif
  faceswap swap me.jpg group.jpg -o out.png --order left-right --target-index 2
  cat party.jpg | faceswap swap me.jpg - -o - > out.jpg
"""

SWAP_GIF_EXAMPLES = """Examples

  faceswap swap-gif me.jpg dance.gif -o dance-me.gif
  faceswap swap-gif me.jpg dance.gif -o dance-me.webp
"""


def swap(
    source: o.SourceArgument,
    target: o.TargetArgument,
    output: o.OutputOption,
    more_sources: o.MoreSourcesOption = None,
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
    on_no_face: o.OnNoFaceOption = OnNoFace.FAIL,
    no_provenance: o.NoProvenanceOption = False,
    remote: r.RemoteOption = False,
    remote_mode: r.RemoteModeOption = None,
    remote_url: r.RemoteUrlOption = None,
    remote_upload_url: r.RemoteUploadUrlOption = None,
    remote_timeout: r.RemoteTimeoutOption = None,
    key_file: r.KeyFileOption = None,
    fallback: r.FallbackOption = None,
    max_pixels: o.MaxPixelsOption = o.MEDIA_DEFAULTS.max_pixels,
    allow_private_urls: o.AllowPrivateUrlsOption = False,
    json: o.JsonOption = False,
    dry_run: o.DryRunOption = False,
    quiet: o.QuietOption = False,
    verbose: o.VerboseOption = False,
    debug: o.DebugOption = False,
    no_progress: o.NoProgressOption = False,
) -> None:
    """Put the face of SOURCE on the faces of TARGET, a picture or an animation."""
    _run(
        Output(json=json, quiet=quiet, verbose=verbose or debug, progress=not no_progress),
        (source, *(more_sources or ())), target, output,
        engine_options(
            select=select_options(order, target_index, source_index, target_gender, source_gender), engine=engine,
            models_dir=models_dir, swapper=swapper, swap_size=swap_size, mask=mask, keep_mouth=keep_mouth,
            detector=detector, detector_size=detector_size, detector_score=detector_score, provider=provider,
            device=device, accelerate=accelerate, restore=restore, restore_weight=restore_weight,
            restore_visibility=restore_visibility, interpolation=interpolation, describe=json or verbose,
        ),
        MediaOptions(image_format, image_quality, max_pixels, not no_provenance),
        overwrite=overwrite, on_no_face=on_no_face, allow_private_urls=allow_private_urls, dry_run=dry_run,
        remote=r.remote_options(remote, remote_mode, remote_url, remote_upload_url, remote_timeout, key_file, fallback),
    )


def swap_gif(
    source: o.SourceArgument,
    target: o.AnimationArgument,
    output: o.OutputOption,
    more_sources: o.MoreSourcesOption = None,
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
    face_restore: o.FaceRestoreOption = True,
    restore_weight: o.RestoreWeightOption = o.ENGINE_DEFAULTS.restore.weight,
    restore_visibility: o.RestoreVisibilityOption = o.ENGINE_DEFAULTS.restore.visibility,
    interpolation: o.InterpolationOption = o.ENGINE_DEFAULTS.restore.interpolation,
    file_type: o.FileTypeOption = None,
    image_quality: o.ImageQualityOption = o.MEDIA_DEFAULTS.image_quality,
    overwrite: o.OverwriteOption = False,
    on_no_face: o.OnNoFaceOption = OnNoFace.FAIL,
    no_provenance: o.NoProvenanceOption = False,
    remote: r.RemoteOption = False,
    remote_mode: r.RemoteModeOption = None,
    remote_url: r.RemoteUrlOption = None,
    remote_upload_url: r.RemoteUploadUrlOption = None,
    remote_timeout: r.RemoteTimeoutOption = None,
    key_file: r.KeyFileOption = None,
    fallback: r.FallbackOption = None,
    max_pixels: o.MaxPixelsOption = o.MEDIA_DEFAULTS.max_pixels,
    allow_private_urls: o.AllowPrivateUrlsOption = False,
    json: o.JsonOption = False,
    dry_run: o.DryRunOption = False,
    quiet: o.QuietOption = False,
    verbose: o.VerboseOption = False,
    debug: o.DebugOption = False,
    no_progress: o.NoProgressOption = False,
) -> None:
    """Put the face of SOURCE on the faces of TARGET, an animation: GIF, animated WebP or APNG."""
    if file_type not in (None, MediaFormat.GIF, MediaFormat.WEBP, MediaFormat.APNG):
        raise UsageError(f"--file-type {file_type} holds no animation; use gif, webp or apng")
    _run(
        Output(json=json, quiet=quiet, verbose=verbose or debug, progress=not no_progress),
        (source, *(more_sources or ())), target, output,
        engine_options(
            select=select_options(order, target_index, source_index, target_gender, source_gender), engine=engine,
            models_dir=models_dir, swapper=swapper, swap_size=swap_size, mask=mask, keep_mouth=keep_mouth,
            detector=detector, detector_size=detector_size, detector_score=detector_score, provider=provider,
            device=device, accelerate=accelerate, restore=None, restore_weight=restore_weight,
            restore_visibility=restore_visibility, interpolation=interpolation, describe=json or verbose,
            restore_if_available=face_restore,
        ),
        MediaOptions(file_type, image_quality, max_pixels, not no_provenance),
        overwrite=overwrite, on_no_face=on_no_face, allow_private_urls=allow_private_urls, dry_run=dry_run,
        animation_only=True,
        remote=r.remote_options(remote, remote_mode, remote_url, remote_upload_url, remote_timeout, key_file, fallback),
    )


def _run(output: Output, sources: tuple[str, ...], target: str, destination: str, engine: EngineOptions,
         media: MediaOptions, *, overwrite: bool, on_no_face: OnNoFace, allow_private_urls: bool, dry_run: bool,
         animation_only: bool = False, remote: RemoteOptions | None = None) -> None:
    """Check what can be checked for nothing, swap, and tell."""
    from faceswap_cli.jobs.job import STDOUT, SwapJob
    from faceswap_cli.jobs.swap import check_output

    if destination == STDOUT:
        if output.json:
            raise UsageError("--json and -o - both want standard output; write the picture to a file")
        if is_terminal() and not dry_run:
            raise UsageError("standard output is a terminal; redirect it to a file, or name a file with -o")
    if (*sources, target).count("-") > 1:
        raise UsageError("- (standard input) can be given only once, as source or as target")
    job = SwapJob(sources, target, destination, engine, media, overwrite, on_no_face, allow_private_urls,
                  animation_only, details=output.json or output.verbose, dry_run=dry_run, remote=remote)
    check_output(job)
    if remote is None:
        outcome = _swap_here(output, job)
    else:
        from faceswap_cli.cli.remote_swap import swap_there

        outcome = swap_there(output, job, _swap_here)
    output.warn(outcome.warnings)
    if output.json:
        from faceswap_cli.cli.report import swap_report

        output.data(swap_report(outcome))
    else:
        _tell(output, job, outcome)


def _swap_here(output: Output, job: SwapJob) -> Outcome:
    """Swap with an engine of this machine."""
    from faceswap_cli.jobs.backend import open_backend
    from faceswap_cli.jobs.swap import swap_file
    from faceswap_cli.media.urls import shown

    tell_once(output)
    backend = open_backend(job.engine)
    for note in backend.notes:
        output.note(note)
    with output.progress(shown(job.target)) as on_frame:
        outcome = swap_file(job, backend, on_frame)
    for note in backend.late_notes:
        output.note(note)
    return outcome


def _tell(output: Output, job: SwapJob, outcome: Outcome) -> None:
    """What was done, in a line; with --verbose, face by face."""
    from faceswap_cli.media.urls import shown

    for face in outcome.faces:
        what = "swapped" if face.swapped else f"left: {face.skip_reason}"
        who = f" with {face.source_picture}" if face.source_picture and len(outcome.sources) > 1 else ""
        output.detail(f"frame {face.frame}, face {face.index}: {what}{who}")
    times = ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in _seconds(outcome).items())
    output.detail(f"{', '.join(f'{part} {name}' for part, name in outcome.engine.items() if name)}; {times}")
    faces = _count(outcome.faces_swapped, "face")
    place = "standard output" if job.output == "-" else job.output
    if outcome.engine["engine"] == "remote":
        asked = f"{outcome.engine['swapper']} at {outcome.engine['provider']}"
        output.note(f"would ask {asked} and write {place}; nothing was sent, and nothing written" if job.dry_run else
                    f"swapped by {asked}: {place} ({outcome.timings.total:.1f} s)")
    elif job.dry_run:
        intent = (f"would swap {faces} and write {place}" if outcome.faces_swapped
                  else "would swap no face as far as the first frame shows")
        output.note(f"{intent}; nothing was written")
    elif outcome.output is None:
        output.note(f"nothing was swapped in {shown(job.target)}, and nothing written")
    elif not outcome.faces_swapped:
        output.note(f"copied {shown(job.target)} to {place}")
    elif outcome.frames > 1:
        output.note(f"swapped {faces} in {outcome.frames_swapped} of {_count(outcome.frames, 'frame')}: {place} "
                    f"({outcome.timings.total:.1f} s)")
    else:
        output.note(f"swapped {faces}: {place} ({outcome.timings.total:.1f} s)")


def _seconds(outcome: Outcome) -> dict[str, float]:
    from faceswap_cli.cli.report import timings

    return timings(outcome)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
