"""`faceswap detect`: what the engine sees, with the numbers that `swap` takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from faceswap_cli.cli.options import common as o
from faceswap_cli.cli.options import remote as r
from faceswap_cli.cli.options.engine import Detection, EngineChoice, InputLimits, TalkAndProgress, engine_options
from faceswap_cli.cli.options.groups import grouped
from faceswap_cli.cli.output import Output, say
from faceswap_cli.errors import ExitCode, InputError, OutputError, UsageError
from faceswap_cli.options import MediaOptions
from faceswap_cli.text import as_flag, opt

if TYPE_CHECKING:
    from faceswap_cli.jobs.backend import ClipT, FaceFinder
    from faceswap_cli.jobs.detect import DetectJob

DETECT_EXAMPLES = """Examples

  faceswap detect group.jpg
  faceswap detect group.jpg --order left-right --annotate numbered.png
  faceswap detect *.jpg --json
"""


@grouped
def detect(
    images: o.PicturesArgument,
    engine: EngineChoice,
    detection: Detection,
    limits: InputLimits,
    talk: TalkAndProgress,
    order: o.OrderOption = o.SELECT_DEFAULTS.order,
    gender: o.ShownGenderOption = o.SELECT_DEFAULTS.target_gender,
    annotate: o.AnnotateOption = None,
    crops: o.CropsOption = None,
    overwrite: o.OverwriteOption = False,
    remote: r.RefusedOption = False,
    json: o.JsonOption = False,
) -> None:
    """List the faces of pictures and animations, numbered as `swap` takes them.

    Exit code 0: a face was found; 4: none in any file; 3: a file could not be read (the others are still listed).
    """
    from faceswap_cli.jobs.backend import open_finder
    from faceswap_cli.jobs.detect import DetectJob, check_detect_outputs

    output = talk.output(json=json, progress=not talk.no_progress)
    if remote:
        raise UsageError(f"detect has no {opt('remote')}: the API swaps faces and does not report where they are",
                         advice="leave it out")
    if images.count("-") > 1:
        raise UsageError("- (standard input) can be given only once")
    if "" in (annotate, crops):
        raise UsageError(f"the name given to {opt('annotate')} or {opt('crops')} is empty",
                         advice="name a file or folder")
    media = MediaOptions(max_pixels=limits.max_pixels, provenance=False)
    folder = None if crops is None else Path(crops)
    jobs = [DetectJob(path=image, media=media, gender=gender, annotate=path, crops=folder, overwrite=overwrite,
                      allow_private_urls=limits.allow_private_urls)
            for image, path in zip(images, _annotated(annotate, images), strict=True)]
    check_detect_outputs(jobs)
    finder = open_finder(engine_options(engine, detection, order=order, describe=True))
    for note in finder.notes:
        output.note(note)
    files: list[dict[str, Any]] = []
    faces = 0
    for job in jobs:
        entry, found = _look(output, job, finder)
        files.append(entry)
        faces += found
    if output.json:
        output.data({"files": files})
    if any("error" in entry for entry in files):
        raise typer.Exit(ExitCode.INPUT)
    if not faces:
        output.note("no face found")
        raise typer.Exit(ExitCode.NO_FACE)


def _look(output: Output, job: DetectJob, finder: FaceFinder[ClipT]) -> tuple[dict[str, Any], int]:
    """Look at one file and tell; a file that cannot be read does not keep the others from being looked at."""
    from faceswap_cli.cli.report import error_report, file_report
    from faceswap_cli.jobs.detect import detect_file
    from faceswap_cli.names import shown

    try:
        with output.progress(shown(job.path)) as on_frame:
            report = detect_file(job, finder, on_frame)
    except InputError as error:
        said = error.text(as_flag)
        say(said, label="error", style="red")
        return {"path": job.path, **error_report(error, said, error.exit_code)}, 0
    output.warn([f"{shown(job.path)}: {text}" for text in report.warnings])
    if not output.json:
        from faceswap_cli.cli.table import face_table

        output.table(face_table(report))
    for path in (job.annotate, job.crops):
        if path is not None:
            output.detail(f"wrote {path}")
    return file_report(report), sum(len(frame.faces) for frame in report.frames)


def _annotated(annotate: str | None, images: list[str]) -> list[Path | None]:
    """Where the annotated copy of each picture goes."""
    if annotate is None:
        return [None] * len(images)
    folder = Path(annotate)
    try:
        if len(images) == 1 and not (annotate.endswith("/") or folder.is_dir()):
            return [folder]
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{opt('annotate', annotate)} is a file", advice="for several pictures name a folder")
        if not folder.exists() and folder.suffix and not annotate.endswith("/"):
            raise UsageError(f"{opt('annotate', annotate)} looks like a file",
                             advice=f"for several pictures name a folder, such as {folder.with_suffix('')}/")
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error.strerror or error}") from error
    return [folder / _annotated_name(image) for image in images]


def _annotated_name(image: str) -> str:
    from faceswap_cli.media.formats import SUFFIXES

    path = Path(image.split("?", 1)[0] if "://" in image else image)
    suffix = path.suffix if path.suffix.lower() in SUFFIXES else ".png"
    return f"{'stdin' if image == '-' else path.stem or 'picture'}{suffix}"
