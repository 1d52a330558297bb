"""The engine: detection, order, index, gender, pairing and swap, as a composition of its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from faceswap_cli.engine.finder import Finder, FoundBefore
from faceswap_cli.engine.known import find_source
from faceswap_cli.engine.outcome import FaceOutcome, Role, SourcePicture
from faceswap_cli.engine.parts import Restorer, Swapper
from faceswap_cli.errors import NoFaceError, UsageError
from faceswap_cli.faces.face import Face
from faceswap_cli.faces.quality import face_warnings
from faceswap_cli.faces.select import Choice, judge_sources, pair, select_targets
from faceswap_cli.image import Image
from faceswap_cli.options import EngineOptions, GenderFilter


@dataclass(frozen=True, slots=True)
class SourceVariant:
    """One picture of a source person: its name and what the swapper prepared of it."""

    picture: str
    prepared: Any


@dataclass(frozen=True, slots=True)
class Source:
    """Prepared source faces; reusable across frames, files and threads.

    Attributes:
        people: For each chosen source face, from 0, the pictures that show it.
        warnings: About the source, each naming its picture.
    """

    people: tuple[tuple[SourceVariant, ...], ...]
    warnings: tuple[str, ...]


@dataclass(slots=True)
class ClipState:
    """What is remembered from frame to frame of one clip.

    Attributes:
        found: Of the faces.
        swapper: The swapper's memory.
    """

    found: FoundBefore
    swapper: Any


@dataclass(frozen=True, slots=True)
class Swap:
    """One face to be replaced: its number and record, the person it gets, and the swapper's decision."""

    index: int
    face: Face
    person: int
    picture: str
    decision: Any


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done to one frame.

    Attributes:
        choices: A verdict on every face and every requested index.
        swaps: The faces to be replaced, in selection order.
        found: Number of faces seen.
        clip: Whether the image is a frame of a clip.
        drawn_warnings: What the swapper said while rendering, by index of the face.
    """

    choices: tuple[Choice, ...]
    swaps: tuple[Swap, ...]
    found: int
    clip: bool = False
    drawn_warnings: dict[int, tuple[str, ...]] = field(default_factory=dict)

    @property
    def swapped(self) -> int:
        """Number of faces that are replaced."""
        return len(self.swaps)


@dataclass(frozen=True, slots=True)
class Renderer:
    """What carries out plans, apart from what makes them: the swapper and, after it, the restorer."""

    swapper: Swapper
    restorer: Restorer | None

    def render(self, plan: Plan, image: Image) -> Image:
        """A new image, or `image` itself when nothing is swapped. Thread-safe."""
        if not plan.swaps:
            return image
        result = np.array(image, order="C")
        for swap in plan.swaps:
            plan.drawn_warnings[swap.index] = self.swapper.swap(result, swap.face, swap.decision)
        if self.restorer is not None:
            for swap in plan.swaps:
                self.restorer.restore(result, swap.face, plan.clip)
        return result


class Engine:
    """A local engine; follows `jobs.backend.SwapBackend`.

    Args:
        finder: Finds and numbers faces.
        swapper: Puts faces on them.
        options: Which faces take part.
        restorer: Sharpens what was swapped; None: nothing does.
        models: SHA-256 of the models of the parts, by id.
    """

    def __init__(self, finder: Finder, swapper: Swapper, options: EngineOptions,
                 restorer: Restorer | None = None, models: dict[str, str] | None = None) -> None:
        self._finder = finder
        self._swapper = swapper
        self._restorer = restorer
        self._renderer = Renderer(swapper, restorer)
        self._options = options
        self._select = options.select
        self._models = models or {}

    @property
    def finder(self) -> Finder:
        """What finds and describes faces."""
        return self._finder

    @property
    def models(self) -> dict[str, str]:
        """SHA-256 of the models that decide the pixels, by id; models that come with packages are not among them."""
        return dict(self._models)

    @property
    def parts(self) -> dict[str, str | None]:
        """Names of what runs: engine, analyser, swapper, restorer; and the provider of the swapper, if any."""
        return {"engine": self._finder.name, "analyser": self._finder.analyser.name, "swapper": self._swapper.name,
                "restorer": self._restorer.name if self._restorer is not None else None,
                "provider": self._swapper.provider}

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know before the first frame."""
        return self._finder.notes

    @property
    def late_notes(self) -> tuple[str, ...]:
        """What the user should know of how the parts ran; complete after the last frame."""
        return (*self._swapper.notes, *(self._restorer.notes if self._restorer is not None else ()))

    @property
    def heavy(self) -> bool:
        """Whether rendering takes nearly all the time, outside the interpreter."""
        return self._swapper.heavy or self._restorer is not None

    @property
    def trained(self) -> bool:
        """Whether a trained model draws faces."""
        return self._swapper.trained or self._restorer is not None

    def open_clip(self, frames: int | None = None) -> ClipState:
        """A fresh memory for one clip of about that many frames, to be handed to every call in frame order."""
        return ClipState(self._finder.open_clip(frames), self._swapper.open_clip(frames))

    def find(self, image: Image, clip: ClipState | None = None, *, describe: bool = False) -> list[Face]:
        """All faces in the chosen order; see `Finder.find`."""
        return self._finder.find(image, clip.found if clip is not None else None, describe=describe)

    def prepare_source(self, pictures: Sequence[SourcePicture]) -> Source:
        """Find, select and prepare the source faces.

        Several pictures are pictures of the same people: the k-th face chosen in each shows the k-th person.

        Raises:
            NoFaceError: No picture shows a face that passes the selection.
            UsageError: A source index out of range.
        """
        people: list[list[SourceVariant]] = []
        warnings: list[str] = []
        describe = self._select.source_gender is not GenderFilter.NO
        seen = 0
        for picture in pictures:
            faces = find_source(self._finder, picture, self._models, describe=describe)
            seen += len(faces)
            try:
                choices = [choice for choice in judge_sources(faces, self._select) if choice.selected]
            except UsageError as error:
                raise UsageError(f"{picture.name}: {error}") from error
            if not choices and len(pictures) > 1:
                why = "no face" if not faces else f"no {self._select.source_gender.value} face"
                warnings.append(f"{picture.name}: {why} found, picture not used")
            for person, choice in enumerate(choices):
                if choice.face is None:
                    continue
                warnings += [f"{picture.name}: {text}" for text in face_warnings(choice.face, "source")]
                face = choice.face
                if self._swapper.needs_embedding and face.embedding is None:
                    face = self._finder.analyser.embed(picture.pixels, face)
                variant = SourceVariant(picture.name, self._swapper.prepare(picture.pixels, face))
                if person == len(people):
                    people.append([])
                people[person].append(variant)
        if not people:
            raise NoFaceError(self._no_source(pictures, seen))
        return Source(tuple(map(tuple, people)), tuple(dict.fromkeys(warnings)))

    def prepare_roles(self, roles: Sequence[Role]) -> Source:
        """Find, select and prepare the faces of everybody who takes part; see `jobs.backend.SwapBackend`."""
        return self.prepare_source([picture for role in roles for picture in role.sources])

    def _no_source(self, pictures: Sequence[SourcePicture], seen: int) -> str:
        where = pictures[0].name if len(pictures) == 1 else f"any of the {len(pictures)} source pictures"
        if not seen:
            return f"{where}: no face found; take a picture that shows a face from the front, larger than 40 pixels"
        wanted = self._select.source_gender.value
        return f"{where}: no {wanted} face found; see `faceswap detect`, or leave --source-gender out"

    def plan(self, source: Source, image: Image, clip: ClipState | None = None) -> Plan:
        """Find, order, select and pair the faces of one image; see `jobs.backend.SwapBackend`."""
        describe = self._options.describe or self._select.target_gender is not GenderFilter.NO
        faces = self.find(image, clip, describe=describe)
        choices = select_targets(faces, self._select)
        swaps: list[Swap] = []
        memory = clip.swapper if clip is not None else None
        for choice in choices:
            if choice.skip_reason is None and choice.face is not None:
                person = pair(len(swaps), len(source.people))
                variants = source.people[person]
                decision = self._swapper.decide(image, [variant.prepared for variant in variants], choice.face, memory)
                used = variants if decision.number is None else variants[decision.number:decision.number + 1]
                names = ", ".join(dict.fromkeys(variant.picture for variant in used))
                swaps.append(Swap(choice.index, choice.face, person, names, decision))
        return Plan(tuple(choices), tuple(swaps), len(faces), clip is not None)

    def render(self, plan: Plan, image: Image) -> Image:
        """Carry out a plan: a new image, or `image` itself when nothing is swapped. Thread-safe."""
        return self._renderer.render(plan, image)

    def renderer(self) -> Renderer | None:
        """What renders the frames of a clip in another process; see `jobs.backend.SwapBackend`."""
        return None if self.heavy or self._options.measure else self._renderer

    def outcomes(self, plan: Plan, frame: int) -> tuple[FaceOutcome, ...]:
        """What happened to each face and to each requested index, by index."""
        swaps = {swap.index: swap for swap in plan.swaps}
        ordered = sorted(plan.choices, key=lambda choice: choice.index)
        return tuple(self._outcome(plan, choice, swaps.get(choice.index), frame) for choice in ordered)

    @staticmethod
    def _outcome(plan: Plan, choice: Choice, swap: Swap | None, frame: int) -> FaceOutcome:
        face = choice.face
        drawn = plan.drawn_warnings.get(choice.index, ())
        return FaceOutcome(
            frame=frame, index=choice.index, swapped=swap is not None,
            skip_reason=choice.skip_reason.value if choice.skip_reason is not None else None,
            source=swap.person if swap is not None else None,
            source_picture=swap.picture if swap is not None else None,
            box=face.box if face is not None else None,
            score=face.score if face is not None else None,
            pose=face.pose if face is not None else None,
            gender=face.gender if face is not None else None,
            gender_probability=face.gender_probability if face is not None else None,
            warnings=(*face.warnings, *drawn) if face is not None else (),
        )

