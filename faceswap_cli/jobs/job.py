"""A unit of work and what came of it: frozen, small, picklable."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from faceswap_cli.engine.outcome import FaceOutcome
from faceswap_cli.errors import UsageError
from faceswap_cli.options import EngineOptions, MediaOptions, OnNoFace, RemoteOptions

STDOUT = "-"
"""The output that means standard output."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One person of the target, and whose face that person gets.

    Attributes:
        reference: Picture of the person in the target.
        source: Picture of the face to put on: as an entry of `SwapJob.sources`.
    """

    reference: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapJob:
    """One swap: what `faceswap swap SOURCE TARGET -o OUT` asks for.

    Attributes:
        sources: Pictures of the face to put on: paths, folders, http(s) URLs, `-`, or saved faces (`@NAME`).
        target: The picture or clip that is changed: a path, URL or `-`.
        output: Where the result goes: a path or `-`.
        engine, media: Options.
        overwrite: Replace an existing output.
        on_no_face: What to do when nothing was swapped.
        allow_private_urls: Fetch URLs of private addresses too.
        animation_only: A still target is a usage error (`swap-gif`).
        details: Keep the outcome of every face (for --json).
        dry_run: Analyse the source and the first frame of the target, write nothing.
        remote: The API does it; None: an engine of this machine.
        references: Pictures of the one person of the target that is swapped; none: whoever `engine.select` says.
        pairs: Who gets whose face; `sources` then is for all others, and may be empty: others are left.
        min_similarity: Least similarity of a result to its source, 0..1, as the engine measures it: a result in which
            the median over the faces that got one source face is below it is an error, also where `on_no_face` is not
            `fail`. Needs `engine.measure`.
    """

    sources: tuple[str, ...]
    target: str
    output: str
    engine: EngineOptions = field(default_factory=EngineOptions)
    media: MediaOptions = field(default_factory=MediaOptions)
    overwrite: bool = False
    on_no_face: OnNoFace = OnNoFace.FAIL
    allow_private_urls: bool = False
    animation_only: bool = False
    details: bool = False
    dry_run: bool = False
    remote: RemoteOptions | None = None
    references: tuple[str, ...] = ()
    pairs: tuple[Pair, ...] = ()
    min_similarity: float | None = None

    def __post_init__(self) -> None:
        if self.min_similarity is not None:
            if not 0 <= self.min_similarity <= 1:
                raise UsageError(f"--min-similarity {self.min_similarity:g} is outside 0..1")
            if not self.engine.measure:
                raise UsageError("min_similarity needs an engine that measures: EngineOptions(measure=True)")

    @property
    def output_path(self) -> Path | None:
        """The output; None is standard output."""
        return None if self.output == STDOUT else Path(self.output)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Seconds spent in each stage; stages overlap in clips, so they may add up to more than `total`."""

    load: float = 0.0
    source: float = 0.0
    decode: float = 0.0
    analyse: float = 0.0
    swap: float = 0.0
    encode: float = 0.0
    total: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputInfo:
    """What was written.

    Attributes:
        path: The output, as given.
        format: Of the file.
        width, height: In pixels.
        frames: Pictures in it.
        duration: Seconds that it plays; 0 for a still.
        loop: Times that it plays, 0 for ever; None: once, or a still.
        bytes: Size of the file; 0 where it went to a pipe.
        marks: What tells that it is a composite: `xmp`, `c2pa`, `label`, as `media.marks.provenance.marks` gives them.
    """

    path: str
    format: str
    width: int
    height: int
    frames: int
    duration: float
    loop: int | None
    bytes: int
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MeasuredSimilarity:
    """How like their source the swapped faces are that were measured: all of a still, a sample of a clip.

    Attributes:
        measure: What it is made of; see `jobs.backend.SwapBackend.identity_measure`.
        source: Median of the similarities to the source.
        target: Median of the similarities to the faces that were there.
        faces: How many were measured.
    """

    measure: str
    source: float
    target: float
    faces: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a SwapJob.

    Attributes:
        sources, target: Inputs as given.
        output: What was written; None when nothing was (dry run, `--on-no-face skip`).
        engine: Names of the parts that ran: engine, analyser, swapper, restorer, provider. Of the API: see
            `api_jobs.swap`.
        frames: Frames read.
        frames_swapped: Frames with at least one swapped face.
        frames_without_face: Frames in which no face was found.
        faces_swapped: Swapped faces over all frames.
        faces: Per face outcomes, when `details` was asked for.
        warnings: One line each, without repetition, about the whole job.
        timings: Seconds per stage.
        similarity: Of the swapped faces, where they were measured.
        references, pairs: Inputs as given.
    """

    sources: tuple[str, ...]
    target: str
    output: OutputInfo | None
    engine: dict[str, str | None]
    frames: int
    frames_swapped: int
    frames_without_face: int
    faces_swapped: int
    faces: tuple[FaceOutcome, ...] = ()
    warnings: tuple[str, ...] = ()
    timings: Timings = field(default_factory=Timings)
    similarity: MeasuredSimilarity | None = None
    references: tuple[str, ...] = ()
    pairs: tuple[Pair, ...] = ()
