"""Backends that are fakes but real parts: they find bright squares, and paint them in the colour of the source's."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np

from faceswap_cli.engine.outcome import FaceOutcome, Role, Similarity, SourcePicture
from faceswap_cli.errors import ModelError, NoFaceError
from faceswap_cli.faces.face import Box, Face, Gender, Pose
from faceswap_cli.faces.select import Choice, judge_sources, order_faces, pair, select_targets
from faceswap_cli.image import Image
from faceswap_cli.media.frame import Reader, Writer
from faceswap_cli.options import EngineOptions

BRIGHT = 200
"""A channel at least this bright makes a pixel part of a face."""

RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)


def scene(*squares: tuple[int, int, int, tuple[int, int, int]], size: tuple[int, int] = (64, 48)) -> Image:
    """A dark picture of a width and height, with squares (x, y, side, colour)."""
    width, height = size
    image = np.empty((height, width, 3), np.uint8)
    image[...] = (np.add.outer(np.arange(height), np.arange(width)) % 64)[..., None]
    for x, y, side, colour in squares:
        image[y:y + side, x:x + side] = colour
    return image


@dataclass(frozen=True)
class FakeSource:
    colours: tuple[tuple[int, int, int], ...]
    names: tuple[str, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class FakePlan:
    choices: tuple[Choice, ...]
    colours: dict[int, tuple[int, int, int]]
    names: dict[int, str]
    number: int
    found: int
    measured: dict[int, Similarity] = field(default_factory=dict)

    @property
    def swaps(self) -> bool:
        return bool(self.colours)

    @property
    def swapped(self) -> int:
        return len(self.colours)


class BrightSquares:
    """Finds bright squares. Red ones are female, blue ones male, white ones unknown; each warns of its size.

    Attributes:
        calls: What was called, in order.
    """

    def __init__(self, options: EngineOptions | None = None, *, notes: tuple[str, ...] = ()) -> None:
        self._select = (options or EngineOptions()).select
        self._measure = (options or EngineOptions()).measure
        self.notes = notes
        self.calls: list[str] = []

    @property
    def parts(self) -> dict[str, str | None]:
        return {"engine": "fake", "analyser": "squares", "swapper": "paint", "restorer": None, "provider": None}

    identity_measure = "colour"
    late_notes: tuple[str, ...] = ()
    models: dict[str, str] = {"squares": "0" * 64}  # noqa: RUF012 (read only)
    heavy = False
    trained = False

    def open_clip(self, frames: int | None = None) -> list[int]:
        """Counts the frames that are planned."""
        self.calls.append("open_clip")
        return []

    def find(self, image: Image, clip: Any = None, *, describe: bool = False) -> list[Face]:
        if clip is not None:
            clip.append(len(clip))
        mask = (image.max(axis=2) >= BRIGHT).astype(np.uint8)
        _, _, stats, _ = cv2.connectedComponentsWithStats(mask)
        faces = [_face(image, *map(int, row[:4])) for row in stats[1:]]
        return order_faces(faces, self._select.order)

    def prepare_source(self, pictures: Sequence[SourcePicture]) -> FakeSource:
        self.calls.append("prepare_source")
        colours, names = [], []
        for picture in pictures:
            faces = self.find(picture.pixels)
            for choice in judge_sources(faces, self._select):
                if choice.selected:
                    colours.append(_colour(picture.pixels, faces[choice.index]))
                    names.append(picture.name)
        if not colours:
            raise NoFaceError(f"{pictures[0].name}: no face found")
        return FakeSource(tuple(colours), tuple(names))

    def prepare_roles(self, roles: Sequence[Role]) -> FakeSource:
        """Everybody gets what the first role gives: who is who, this fake does not know."""
        self.calls.append("prepare_roles")
        return self.prepare_source(roles[0].sources)

    def plan(self, source: FakeSource, image: Image, clip: Any = None) -> FakePlan:
        faces = self.find(image, clip)
        choices = select_targets(faces, self._select)
        chosen = [choice.index for choice in choices if choice.selected]
        slots = {index: pair(k, len(source.colours)) for k, index in enumerate(chosen)}
        return FakePlan(tuple(choices), {index: source.colours[slot] for index, slot in slots.items()},
                        {index: source.names[slot] for index, slot in slots.items()},
                        len(clip) - 1 if clip is not None else 0, len(faces))

    def render(self, plan: FakePlan, image: Image) -> Image:
        result = image.copy()
        for choice in plan.choices:
            if choice.index in plan.colours and choice.face is not None:
                x1, y1, x2, y2 = (round(side) for side in choice.face.box)
                result[y1:y2, x1:x2] = plan.colours[choice.index]
        return result

    def renderer(self) -> Any:
        return None

    def measure(self, plan: FakePlan, before: Image, after: Image) -> None:
        """Every frame: 1 for the very colour of the source, and of the target, down to 0."""
        for choice in plan.choices if self._measure else ():
            if choice.index in plan.colours and choice.face is not None:
                now, was = _colour(after, choice.face), _colour(before, choice.face)
                plan.measured[choice.index] = Similarity(_alike(now, plan.colours[choice.index]), _alike(now, was))

    def outcomes(self, plan: FakePlan, frame: int) -> tuple[FaceOutcome, ...]:
        return tuple(_outcome(plan, choice, frame) for choice in plan.choices)


class Blind(BrightSquares):
    """Finds a face in sources, and none in targets."""

    def plan(self, source: FakeSource, image: Image, clip: Any = None) -> FakePlan:
        return FakePlan((), {}, {}, 0, 0)


class Uneven(BrightSquares):
    """Renders early frames slowly, so that later ones are done first where there are several workers."""

    def render(self, plan: FakePlan, image: Image) -> Image:
        time.sleep(0.03 if plan.number % 4 == 0 else 0.0)
        return super().render(plan, image)


class FailsToPlan(BrightSquares):
    """Its model is damaged; it shows at the third frame of a clip, or at the first of a still."""

    def plan(self, source: FakeSource, image: Image, clip: Any = None) -> FakePlan:
        plan = super().plan(source, image, clip)
        if clip is None or plan.number == 2:
            raise ModelError("squares: the session failed on CPU")
        return plan


class FailsToRender(BrightSquares):
    """Likewise, in a worker thread."""

    def render(self, plan: FakePlan, image: Image) -> Image:
        if plan.number == 2 or len(plan.choices) > 9:
            raise ModelError("paint: the session failed on CPU")
        return super().render(plan, image)


class Dies(BrightSquares):
    """Has a bug."""

    def render(self, plan: FakePlan, image: Image) -> Image:
        raise ZeroDivisionError("a bug\nof two lines")


class Slow(BrightSquares):
    """Takes its time over every frame, for tests that interrupt it."""

    def render(self, plan: FakePlan, image: Image) -> Image:
        time.sleep(0.2)
        return super().render(plan, image)


class Stuck(BrightSquares):
    """Never comes to an end."""

    def render(self, plan: Any, image: Image) -> Image:
        while True:
            time.sleep(60)


class OutOfMemory(BrightSquares):
    """Asks OpenCV for more than any machine can address."""

    def render(self, plan: FakePlan, image: Image) -> Image:
        import cv2

        return np.asarray(cv2.resize(image, (2**30, 2**20)), dtype=np.uint8)


class Chatty(BrightSquares):
    """Prints as bad libraries do: in Python, and past it."""

    def plan(self, source: FakeSource, image: Image, clip: Any = None) -> FakePlan:
        import os

        print("Applied providers")
        os.write(1, b"written by C\n")
        os.write(2, b"written by C\n")
        return super().plan(source, image, clip)


BACKENDS = {kind.__name__: kind
            for kind in (BrightSquares, Blind, Uneven, FailsToPlan, FailsToRender, Dies, Slow, Stuck, Chatty,
                         OutOfMemory)}


def _face(image: Image, x: int, y: int, width: int, height: int) -> Face:
    red, _, blue = (int(value) for value in image[y + height // 2, x + width // 2])
    gender = Gender.UNKNOWN if abs(red - blue) < 50 else Gender.FEMALE if red > blue else Gender.MALE
    box = Box(x, y, x + width, y + height)
    grid = np.array([[0.3, 0.3], [0.7, 0.3], [0.5, 0.5], [0.3, 0.7], [0.7, 0.7]])
    face = Face(box=box, score=1.0, landmarks=grid * [width, height] + [x, y], pose=Pose(float(x), 0.0, 0.0),
                gender=gender, gender_probability=0.5 if gender is Gender.UNKNOWN else 0.9)
    return replace(face, warnings=(f"face small: {width} px",)) if width < 12 else face


def _colour(image: Image, face: Face) -> tuple[int, int, int]:
    x, y = round((face.box.x1 + face.box.x2) / 2), round((face.box.y1 + face.box.y2) / 2)
    red, green, blue = (int(value) for value in image[y, x])
    return red, green, blue


def _alike(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    return 1 - max(abs(a - b) for a, b in zip(one, other, strict=True)) / 255


def _outcome(plan: FakePlan, choice: Choice, frame: int) -> FaceOutcome:
    face = choice.face
    swapped = choice.index in plan.colours
    if face is None:
        return FaceOutcome(frame=frame, index=choice.index, swapped=swapped, skip_reason=choice.skip_reason)
    return FaceOutcome(frame=frame, index=choice.index, swapped=swapped, skip_reason=choice.skip_reason,
                       source=0 if swapped else None, source_picture=plan.names.get(choice.index), box=face.box,
                       score=face.score, pose=face.pose, gender=face.gender, gender_probability=face.gender_probability,
                       warnings=face.warnings, similarity=plan.measured.get(choice.index))


class FakeReader(Reader):
    """A reader that has nothing to close."""

    def close(self) -> None:
        pass


class FakeWriter(Writer):
    """A writer that has nothing to put in place."""

    def commit(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        pass
