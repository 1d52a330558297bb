"""A unit of work and what came of it: frozen, small, picklable."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, fields, is_dataclass, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceswap_cli.errors import UsageError
from faceswap_cli.facts import Refusal, option
from faceswap_cli.names import is_url
from faceswap_cli.options import Credentials, EngineOptions, MediaOptions, OnNoFace, RemoteOptions
from faceswap_cli.text import opt

if TYPE_CHECKING:
    from faceswap_cli.engine.outcome import FaceOutcome

STDOUT = "-"
"""The output that means standard output."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One person of the target, and whose face that person gets.

    Attributes:
        reference: Picture of the person in the target.
        source: Picture of the face to put on: as an entry of `SwapSpec.sources`.
    """

    reference: str
    source: str


Cast = list[tuple[tuple[str, ...], tuple[str, ...]]]
"""For each role the names of its references and of its sources."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapSpec:
    """What decides the pixels of a swap, beside its target: who gets whose face, and how.

    Attributes:
        sources: Pictures of the face to put on: paths, folders, http(s) URLs, `-`, or saved faces (`@NAME`).
        references: Pictures of the one person of the target that is swapped; none: whoever `engine.select` says.
        pairs: Who gets whose face; `sources` then is for all others, and may be empty: others are left.
        engine, media: Options.
        remote: The API does it; None: an engine of this machine.
        on_no_face: What to do when nothing was swapped.
        animation_only: A still target is a usage error (`swap-gif`).
        min_similarity: Least similarity of a result to its source, 0..1, as the engine measures it: a result in which
            the median over the faces that got one source face is below it is an error, also where `on_no_face` is not
            `fail`. Needs `engine.measure`.
    """

    sources: tuple[str, ...] = option((), "--source", remote=Refusal.NEVER)
    references: tuple[str, ...] = option((), "--reference", remote=Refusal.IDENTITY)
    pairs: tuple[Pair, ...] = option((), "--pair", remote=Refusal.IDENTITY)
    engine: EngineOptions = field(default_factory=EngineOptions)
    media: MediaOptions = field(default_factory=MediaOptions)
    remote: RemoteOptions | None = option(None, "--remote", remote=Refusal.NEVER)
    on_no_face: OnNoFace = option(OnNoFace.FAIL, "--on-no-face", remote=Refusal.NO_FACE, column=True, project=True)
    animation_only: bool = option(False, "", remote=Refusal.NEVER)
    min_similarity: float | None = option(None, "--min-similarity", remote=Refusal.IDENTITY, column=True, project=True)

    def __post_init__(self) -> None:
        if self.min_similarity is not None:
            if not 0 <= self.min_similarity <= 1:
                raise UsageError(f"{opt('min-similarity')} {self.min_similarity:g} is outside 0..1")
            if not self.engine.measure:
                raise UsageError("min_similarity needs an engine that measures: EngineOptions(measure=True)")

    @property
    def pictures(self) -> tuple[str, ...]:
        """The names of all pictures of faces that are read, sources first, none twice."""
        paired = (name for pair in self.pairs for name in (pair.reference, pair.source))
        return tuple(dict.fromkeys((*self.sources, *self.references, *paired)))

    def cast(self) -> Cast:
        """Who gets whose face: the pairs in order, then the sources, for the person of the references or all others.

        Pairs with the same reference are one role with several pictures of its source.

        Raises:
            UsageError: References, and no source.
        """
        pairs: dict[str, list[str]] = {}
        for pair in self.pairs:
            pairs.setdefault(pair.reference, []).append(pair.source)
        cast: Cast = [((reference,), tuple(dict.fromkeys(sources))) for reference, sources in pairs.items()]
        if self.references and not self.sources:
            raise UsageError(f"{opt('reference')} needs a source, whose face that person gets",
                             advice=f"name one, or use {opt('pair')} REFERENCE=SOURCE")
        if self.sources or not cast:
            cast.append((self.references, self.sources))
        return cast

    def digest(self, target: str = "") -> str:
        """SHA-256, in hexadecimal, of all that decides the pixels but for the content of files and models.

        Names of files are not in it (stamps tell their content, and the digest which of several has which role), nor is
        any option whose facts say that it decides no pixels. URLs are, as what lies behind them is not looked at.

        Args:
            target: The name of the target, which counts where it is a URL.
        """
        return _digest(self, target if is_url(target) else "")


@lru_cache(maxsize=256)
def _digest(spec: SwapSpec, url: str) -> str:
    pictures = spec.pictures
    paired = [name for pair in spec.pairs for name in (pair.reference, pair.source)]
    roles = (spec.sources, spec.references, paired) if spec.references or spec.pairs else ()
    record = {**_canonical(replace(spec, sources=(), references=(), pairs=())),
              "roles": [[pictures.index(name) for name in role] for role in roles],
              "urls": [name for name in (*pictures, url) if is_url(name)]}
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def _canonical(value: Any) -> Any:
    """What JSON can hold, with numbers of one kind: 1 and 1.0 are the same option."""
    if isinstance(value, Credentials | RemoteOptions):  # that there are any counts; the key is nobody's business
        return True
    if is_dataclass(value):
        return {one.name: _canonical(getattr(value, one.name)) for one in fields(value)
                if "facts" not in one.metadata or one.metadata["facts"].pixels}
    if isinstance(value, list | tuple):
        return [_canonical(part) for part in value]
    if isinstance(value, Fraction):
        return str(value)
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapJob:
    """One swap: what `faceswap swap SOURCE TARGET -o OUT` asks for.

    Attributes:
        spec: Whose face it gets, and how.
        target: The picture or clip that is changed: a path, URL or `-`.
        output: Where the result goes: a path or `-`.
        overwrite: Replace an existing output.
        allow_private_urls: Fetch URLs of private addresses too.
        details: Keep the outcome of every face (for --json).
        dry_run: Analyse the source and the first frame of the target, write nothing.
    """

    spec: SwapSpec
    target: str
    output: str
    overwrite: bool = False
    allow_private_urls: bool = False
    details: bool = False
    dry_run: bool = False

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
        spec, target: As in the job.
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
    """

    spec: SwapSpec
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
