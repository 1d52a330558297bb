"""The engine: detection, order, index, gender, pairing and swap, as a composition of its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from faceswap_cli.engine.casting import Casting, Source
from faceswap_cli.engine.finder import Finder, FoundBefore
from faceswap_cli.engine.measuring import MeasuredBefore, measure_swap
from faceswap_cli.engine.outcome import FaceOutcome, Role, Similarity, SourcePicture
from faceswap_cli.engine.parts import AnySwapper, Decided, Restorer
from faceswap_cli.engine.people import People, Recognised
from faceswap_cli.engine.track_identity import PeopleMemory
from faceswap_cli.faces.face import Face
from faceswap_cli.faces.select import Choice, SkipReason, pair, select_targets
from faceswap_cli.image import FloatArray, Image
from faceswap_cli.options import ALL, EngineOptions, GenderFilter


@dataclass(slots=True)
class ClipState:
    """What is remembered from frame to frame of one clip.

    Attributes:
        found: Of the faces.
        swapper: The swapper's memory.
        people: Who the faces are.
        measured: Which of them were measured.
    """

    found: FoundBefore
    swapper: object
    people: PeopleMemory = field(default_factory=PeopleMemory)
    measured: MeasuredBefore = field(default_factory=MeasuredBefore)


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """One face to be replaced: its number and record, the person it gets, and the swapper's decision."""

    index: int
    face: Face
    person: int
    picture: str
    decision: Decided


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done to one frame.

    Attributes:
        choices: A verdict on every face and every requested index.
        swaps: The faces to be replaced, in selection order.
        found: Number of faces seen.
        clip: Whether the image is a frame of a clip.
        people: Who each face is, by index; empty where nobody has to be told from others.
        sample: Embeddings of the source, by index of each face that is to be measured.
        drawn_warnings: What the swapper said while rendering, by index of the face.
        measured: What `Engine.measure` found, by index of the face.
    """

    choices: tuple[Choice, ...]
    swaps: tuple[Swap, ...]
    found: int
    clip: bool = False
    people: tuple[Recognised, ...] = ()
    sample: dict[int, tuple[FloatArray, ...]] = field(default_factory=dict)
    drawn_warnings: dict[int, tuple[str, ...]] = field(default_factory=dict)
    measured: dict[int, Similarity] = field(default_factory=dict)

    @property
    def swapped(self) -> int:
        """Number of faces that are replaced."""
        return len(self.swaps)


@dataclass(frozen=True, slots=True)
class PlanRenderer:
    """What carries out plans, apart from what makes them: the swapper and, after it, the restorer."""

    swapper: AnySwapper
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
        finder: Finds and numbers faces; an attribute too.
        swapper: Puts faces on them.
        options: Which faces take part.
        restorer: Sharpens what was swapped; None: nothing does.
        models: SHA-256 of the models of the parts, by id.
    """

    def __init__(self, finder: Finder, swapper: AnySwapper, options: EngineOptions,
                 restorer: Restorer | None = None, models: dict[str, str] | None = None) -> None:
        self.finder = finder
        self._swapper = swapper
        self._restorer = restorer
        self._renderer = PlanRenderer(swapper, restorer)
        self._options = options
        self._select = options.select
        self._models = models or {}
        self._casting = Casting(finder, swapper, options, self._models)

    @property
    def models(self) -> dict[str, str]:
        """SHA-256 of the models that decide the pixels, by id; models that come with packages are not among them."""
        return dict(self._models)

    @property
    def identity_measure(self) -> str:
        """What similarities are made of; see `faces.similarity.Measure`."""
        return self.finder.analyser.measure.value

    @property
    def parts(self) -> dict[str, str | None]:
        """Names of what runs: engine, analyser, swapper, restorer; and the provider of the swapper, if any."""
        return {"engine": self.finder.name, "analyser": self.finder.analyser.name, "swapper": self._swapper.name,
                "restorer": self._restorer.name if self._restorer is not None else None,
                "provider": self._swapper.provider}

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know before the first frame."""
        return self.finder.notes

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
        return ClipState(self.finder.open_clip(frames), self._swapper.open_clip(frames))

    def find(self, image: Image, clip: ClipState | None = None, *, describe: bool = False) -> list[Face]:
        """All faces in the chosen order; see `Finder.find`."""
        return self.finder.find(image, clip.found if clip is not None else None, describe=describe)

    def prepare_source(self, pictures: Sequence[SourcePicture]) -> Source:
        """Find, select and prepare the source faces.

        Several pictures are pictures of the same people: the k-th face chosen in each shows the k-th person.

        Raises:
            NoFaceError: No picture shows a face that passes the selection.
            UsageError: A source index out of range.
        """
        return self._casting.prepare([Role((), tuple(pictures))])

    def prepare_roles(self, roles: Sequence[Role]) -> Source:
        """Find, select and prepare the faces of everybody who takes part; see `jobs.backend.SwapBackend`."""
        return self._casting.prepare(roles)

    def plan(self, source: Source, image: Image, clip: ClipState | None = None) -> Plan:
        """Find, order, recognise, select and pair the faces of one image; see `jobs.backend.SwapBackend`."""
        describe = self._options.describe or self._select.target_gender is not GenderFilter.NO
        faces = self.find(image, clip, describe=describe)
        people: tuple[Recognised, ...] = ()
        if source.references:
            recogniser = People(self.finder.analyser, self._select.reference_threshold)
            people = tuple(recogniser.recognise(image, faces, source.references,
                                                clip.people if clip is not None else None))
        choices = self._choose(faces, people)
        swaps: list[Swap] = []
        numbers = [0] * len(source.parts)
        sample: dict[int, tuple[FloatArray, ...]] = {}
        memory = clip.swapper if clip is not None else None
        for choice in choices:
            if choice.skip_reason is not None or choice.face is None:
                continue
            number = (people[choice.index].role if people else 0) or 0
            part = source.parts[number]
            person = part.people[pair(numbers[number], len(part.people))]
            numbers[number] += 1
            variants = source.people[person]
            decision = self._swapper.decide(image, [variant.prepared for variant in variants], choice.face, memory)
            used = variants if decision.number is None else variants[decision.number:decision.number + 1]
            names = ", ".join(dict.fromkeys(variant.picture for variant in used))
            swaps.append(Swap(index=choice.index, face=choice.face, person=person, picture=names, decision=decision))
            if self._options.measure and (clip is None or clip.measured.is_due(choice.face)):
                sample[choice.index] = tuple(one.embedding for one in variants if one.embedding is not None)
        return Plan(choices=tuple(choices), swaps=tuple(swaps), found=len(faces), clip=clip is not None, people=people,
                    sample=sample)

    def _choose(self, faces: Sequence[Face], people: Sequence[Recognised]) -> list[Choice]:
        """The verdicts: with references and no index on all who fit one."""
        if not people:
            return select_targets(faces, self._select)
        select = self._select if self._select.target_index is not None else replace(self._select, target_index=ALL)
        choices = select_targets(faces, select)
        for place, choice in enumerate(choices):
            if choice.face is not None and choice.selected and people[choice.index].role is None:
                unknown = people[choice.index].similarity is None
                reason = SkipReason.PERSON_UNKNOWN if unknown else SkipReason.OTHER_PERSON
                choices[place] = replace(choice, skip_reason=reason)
        return choices

    def measure(self, plan: Plan, before: Image, after: Image) -> None:
        """Measure how like its source, and how like its target, each face of a rendered plan is that is in the sample.

        The result is looked at where the target's face was: on 60 pairs that gave the same as finding it anew, to
        within 0.012 (root mean square), without a bias. Faces of stills are all measured, followed ones in the first
        frame in which they are swapped and then in every 25th.

        Args:
            plan: Gets what was found.
            before, after: uint8 (H, W, 3) RGB, the frame and what `render` made of it.

        Raises:
            ModelError: The model that gives embeddings failed.
        """
        for swap in plan.swaps:
            embeddings = plan.sample.get(swap.index)
            if embeddings:
                plan.measured[swap.index] = measure_swap(self.finder.analyser, before, after, swap.face, embeddings)

    def render(self, plan: Plan, image: Image) -> Image:
        """Carry out a plan: a new image, or `image` itself when nothing is swapped. Thread-safe."""
        return self._renderer.render(plan, image)

    def renderer(self) -> PlanRenderer | None:
        """What renders the frames of a clip in another process; see `jobs.backend.SwapBackend`."""
        return None if self.heavy else self._renderer

    def outcomes(self, plan: Plan, frame: int) -> tuple[FaceOutcome, ...]:
        """What happened to each face and to each requested index, by index."""
        swaps = {swap.index: swap for swap in plan.swaps}
        ordered = sorted(plan.choices, key=lambda choice: choice.index)
        return tuple(self._outcome(plan, choice, swaps.get(choice.index), frame) for choice in ordered)

    @staticmethod
    def _outcome(plan: Plan, choice: Choice, swap: Swap | None, frame: int) -> FaceOutcome:
        face = choice.face
        drawn = plan.drawn_warnings.get(choice.index, ())
        who = plan.people[choice.index] if choice.index < len(plan.people) else None
        outcome = FaceOutcome(
            frame=frame, index=choice.index, swapped=swap is not None,
            skip_reason=choice.skip_reason.value if choice.skip_reason is not None else None,
            source=swap.person if swap is not None else None,
            source_picture=swap.picture if swap is not None else None,
            reference=who.reference if who is not None else None,
            reference_similarity=who.similarity if who is not None else None,
            similarity=plan.measured.get(choice.index))
        if face is None:
            return outcome
        return replace(outcome, box=face.box, score=face.score, pose=face.pose, gender=face.gender,
                       gender_probability=face.gender_probability, warnings=(*face.warnings, *drawn), track=face.track)
