"""`faceswap swap` and `faceswap swap-gif`: values become a `SwapJob`, an `Outcome` becomes words or JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from faceswap_cli.cli.consent import tell_once
from faceswap_cli.cli.options import common as o
from faceswap_cli.cli.options.engine import (
    Detection,
    EngineChoice,
    FaceChoice,
    InputLimits,
    RestoringByName,
    RestoringIfAvailable,
    Swapping,
    TalkAndProgress,
    engine_options,
)
from faceswap_cli.cli.options.groups import grouped
from faceswap_cli.cli.options.media import MediaChoice
from faceswap_cli.cli.options.people import PeopleChoice, parse_pairs
from faceswap_cli.cli.options.remote import RemoteChoice
from faceswap_cli.cli.output import Output
from faceswap_cli.cli.stdout import is_terminal
from faceswap_cli.errors import UsageError
from faceswap_cli.options import EngineOptions, MediaFormat, MediaOptions, OnNoFace
from faceswap_cli.text import opt

if TYPE_CHECKING:
    from faceswap_cli.jobs.job import Outcome, SwapJob

SWAP_EXAMPLES = """Examples

  faceswap swap me.jpg party.jpg -o out.jpg
  faceswap swap me.jpg dance.gif -o dance-me.gif
  faceswap swap me.jpg group.jpg -o out.png --order left-right --target-index 2
  faceswap swap me.jpg talk.mp4 -o out.mp4 --trim 00:01-00:05
  faceswap swap me.jpg film.mp4 -o out.mp4 --reference anna.jpg
  faceswap swap film.mp4 -o out.mp4 --pair anna.jpg=me.jpg --pair ben.jpg=you.jpg
  cat party.jpg | faceswap swap me.jpg - -o - > out.jpg
"""

SWAP_GIF_EXAMPLES = """Examples

  faceswap swap-gif me.jpg dance.gif -o dance-me.gif
  faceswap swap-gif me.jpg dance.gif -o dance-me.webp
"""


@dataclass(frozen=True, slots=True)
class Call:
    """What both commands have besides the engine: how the call goes."""

    overwrite: o.OverwriteOption = False
    on_no_face: o.OnNoFaceOption = OnNoFace.FAIL
    json: o.JsonOption = False
    dry_run: o.DryRunOption = False


@grouped
def swap(
    output: o.OutputOption,
    faces: FaceChoice,
    people: PeopleChoice,
    engine: EngineChoice,
    swapping: Swapping,
    detection: Detection,
    restoring: RestoringByName,
    media: MediaChoice,
    call: Call,
    remote: RemoteChoice,
    limits: InputLimits,
    talk: TalkAndProgress,
    source: o.SourceArgument = None,
    target: o.TargetArgument = None,
    more_sources: o.MoreSourcesOption = None,
    image_format: o.ImageFormatOption = None,
) -> None:
    """Put the face of SOURCE on the faces of TARGET, a picture, an animation or a video."""
    _run(
        talk.output(json=call.json, progress=not talk.no_progress), source, target, output,
        engine_options(engine, faces, people, swapping, detection, restoring, describe=call.json or talk.verbose,
                       measure=call.json or talk.verbose or people.min_similarity is not None),
        media.options(image_format, limits.max_pixels), people, more_sources, call, remote, limits)


@grouped
def swap_gif(
    output: o.OutputOption,
    faces: FaceChoice,
    people: PeopleChoice,
    engine: EngineChoice,
    swapping: Swapping,
    detection: Detection,
    restoring: RestoringIfAvailable,
    media: MediaChoice,
    call: Call,
    remote: RemoteChoice,
    limits: InputLimits,
    talk: TalkAndProgress,
    source: o.SourceArgument = None,
    target: o.AnimationArgument = None,
    more_sources: o.MoreSourcesOption = None,
    file_type: o.FileTypeOption = None,
) -> None:
    """Put the face of SOURCE on the faces of TARGET, an animation: GIF, animated WebP or APNG."""
    if file_type not in (None, MediaFormat.GIF, MediaFormat.WEBP, MediaFormat.APNG):
        raise UsageError(f"{opt('file-type', file_type)} holds no animation", advice="use gif, webp or apng")
    _run(
        talk.output(json=call.json, progress=not talk.no_progress), source, target, output,
        engine_options(engine, faces, people, swapping, detection, restoring, describe=call.json or talk.verbose,
                       measure=call.json or talk.verbose or people.min_similarity is not None),
        media.options(file_type, limits.max_pixels), people, more_sources, call, remote, limits, animation_only=True)


def _run(output: Output, source: str | None, target: str | None, destination: str, engine: EngineOptions,
         media: MediaOptions, people: PeopleChoice, more_sources: list[str] | None, call: Call, remote: RemoteChoice,
         limits: InputLimits, *, animation_only: bool = False) -> None:
    """Check what can be checked for nothing, swap, and tell."""
    from faceswap_cli.jobs.job import STDOUT, SwapJob, SwapSpec
    from faceswap_cli.jobs.swap import check_output

    pairs = parse_pairs(people.pair)
    if pairs and target is None:  # `swap --pair REFERENCE=SOURCE TARGET`
        source, target = None, source
    if target is None:
        raise UsageError("TARGET is missing; name the picture, animation or video to change" if pairs or source else
                         "SOURCE and TARGET are missing; name a picture of the face to put on, then what to change")
    if destination == STDOUT:
        if output.json:
            raise UsageError(f"{opt('json')} and {opt('o')} - both want standard output",
                             advice="write the picture to a file")
        if is_terminal() and not call.dry_run:
            raise UsageError("standard output is a terminal",
                             advice=f"redirect it to a file, or name a file with {opt('o')}")
    spec = SwapSpec(sources=(*(() if source is None else (source,)), *(more_sources or ())),
                    references=tuple(people.reference or ()), pairs=pairs, engine=engine, media=media,
                    remote=remote.options(), on_no_face=call.on_no_face, animation_only=animation_only,
                    min_similarity=people.checked_similarity())
    job = SwapJob(spec=spec, target=target, output=destination, overwrite=call.overwrite,
                  allow_private_urls=limits.allow_private_urls, details=output.json or output.verbose,
                  dry_run=call.dry_run)
    paired = (name for pair in pairs for name in (pair.reference, pair.source))
    if (*spec.sources, *spec.references, *paired, target).count("-") > 1:
        raise UsageError("- (standard input) can be given only once, as source or as target")
    check_output(job)
    if job.spec.remote is None:
        outcome = _swap_here(output, job)
    else:
        from faceswap_cli.cli.api_swap import swap_there

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
    from faceswap_cli.names import shown

    tell_once(output)
    backend = open_backend(job.spec.engine)
    for note in backend.notes:
        output.note(note)
    with output.progress(shown(job.target)) as on_frame:
        outcome = swap_file(job, backend, on_frame)
    for note in backend.late_notes:
        output.note(note)
    return outcome


def _tell(output: Output, job: SwapJob, outcome: Outcome) -> None:
    """What was done, in a line; with --verbose, face by face."""
    from faceswap_cli.cli.people_report import face_words, similarity_words
    from faceswap_cli.names import shown

    for face in outcome.faces:
        output.detail(face_words(face, several_sources=len(job.spec.sources) + len(job.spec.pairs) > 1))
    alike = similarity_words(outcome)
    if alike is not None:
        output.detail(alike)
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
