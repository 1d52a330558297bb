"""Who gets whose face: roles through a whole engine, whose analyser sees the faces of a table."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from faceswap_cli.engine.engine import Engine, Plan
from faceswap_cli.engine.finder import Finder
from faceswap_cli.engine.measuring import MEASURED_EVERY
from faceswap_cli.engine.outcome import Role, SourcePicture
from faceswap_cli.errors import NoFaceError
from faceswap_cli.faces.face import Box, Face, Gender, Pose
from faceswap_cli.faces.similarity import Measure
from faceswap_cli.image import Image
from faceswap_cli.options import EngineOptions, GenderFilter, Order, SelectOptions


@dataclass(frozen=True)
class Seen:
    """A face: who it is (people are 1 apart), where, how large."""

    who: float
    x: int = 0
    side: int = 10
    gender: Gender = Gender.UNKNOWN
    track: int | None = None


class Sees:
    """Sees the faces of a table: the first pixel of a picture is its row. Embeddings are who it is, and what is drawn.

    Attributes:
        embedded: How many embeddings were asked for.
    """

    name = "sees"
    measure = Measure.DLIB

    def __init__(self, rows: Sequence[Sequence[Seen]]) -> None:
        self.rows = rows
        self.embedded = 0

    def find(self, image: Image, memory: Any = None) -> list[Face]:
        landmarks = np.array([[0.0, 0], [80, 0], [40, 40], [10, 80], [70, 80]])
        return [Face(box=Box(seen.x, 5, seen.x + seen.side, 5 + seen.side), score=1.0, landmarks=landmarks + seen.x,
                     pose=Pose(0, 0, 0), track=seen.track) for seen in self.rows[image[0, 0, 0]]]

    def _seen(self, image: Image, face: Face) -> Seen:
        return next(seen for seen in self.rows[image[0, 0, 0]] if seen.x == face.box.x1)

    def describe(self, image: Image, face: Face) -> Face:
        return replace(face, gender=self._seen(image, face).gender, gender_probability=0.9)

    def embed(self, image: Image, face: Face) -> Face:
        self.embedded += 1
        drawn = image[5, int(face.box.x1), 1]
        return replace(face, embedding=np.float32([drawn / 100 if drawn else self._seen(image, face).who]))

    def open_clip(self) -> list[str]:
        return []


class Paints:
    """Paints the number of the source picture into a face, less one hundredth."""

    name = "paints"
    needs_embedding = False
    heavy = False
    trained = False
    provider: str | None = None
    notes: tuple[str, ...] = ()

    def prepare(self, image: Image, face: Face) -> int:
        return round(float(image[0, 0, 1]))

    def decide(self, image: Image, sources: Sequence[int], face: Face, memory: Any = None) -> Any:
        return Decided(sources[0], 0)

    def swap(self, image: Image, face: Face, decision: Any) -> tuple[str, ...]:
        x1, y1, x2, y2 = map(int, face.box)
        image[y1:y2, x1:x2] = decision.colour - 1
        return ()

    def open_clip(self, frames: int | None = None) -> list[str]:
        return []


@dataclass
class Decided:
    colour: int
    number: int | None


ANNA, BEN, CARL = 0.2, 1.2, 2.2


def picture(row: int, name: str = "") -> SourcePicture:
    pixels = np.zeros((40, 120, 3), np.uint8)
    pixels[0, 0] = row, 100 * (row + 1) % 251, 0
    return SourcePicture(name or f"{row}.jpg", pixels)


class Stage:
    """An engine over rows of faces; row 0 is the target, 1 and 2 are sources, then come references."""

    def __init__(self, target: Sequence[Seen], *more: Sequence[Seen], measure: bool = False, **select: Any) -> None:
        self.analyser = Sees([target, [Seen(11.0)], [Seen(12.0)], [Seen(ANNA)], [Seen(BEN)], *more])
        options = EngineOptions(select=SelectOptions(**({"order": Order.LEFT_RIGHT} | select)), measure=measure)
        self.engine = Engine(Finder("fake", self.analyser, options.select.order), Paints(), options)
        self.image = picture(0).pixels

    def plan(self, *roles: Role) -> Plan:
        return self.engine.plan(self.engine.prepare_roles(roles), self.image)

    def told(self, *roles: Role) -> list[str | None]:
        """Per face the source picture it got, or why none."""
        return [outcome.source_picture or outcome.skip_reason
                for outcome in self.engine.outcomes(self.plan(*roles), 0)]


ME, YOU, OF_ANNA, OF_BEN = picture(1, "me.jpg"), picture(2, "you.jpg"), picture(3, "anna.jpg"), picture(4, "ben.jpg")
TARGET = [Seen(BEN + 0.1, 0), Seen(CARL, 20), Seen(ANNA + 0.1, 40), Seen(ANNA + 0.3, 60)]


def test_only_the_person_of_the_reference_is_swapped():
    assert Stage(TARGET).told(Role((OF_ANNA,), (ME,))) == [
        "other-person", "other-person", "me.jpg", "other-person"]


def test_pairs_give_each_their_own_and_the_rest_is_left():
    roles = Role((OF_ANNA,), (ME,)), Role((OF_BEN,), (YOU,))
    assert Stage(TARGET).told(*roles) == ["you.jpg", "other-person", "me.jpg", "other-person"]


def test_a_role_without_references_is_for_all_others():
    roles = Role((OF_ANNA,), (ME,)), Role((), (YOU,))
    assert Stage(TARGET).told(*roles) == ["you.jpg", "you.jpg", "me.jpg", "you.jpg"]


def test_what_was_found_is_reported():
    stage = Stage(TARGET)
    outcomes = stage.engine.outcomes(stage.plan(Role((OF_ANNA,), (ME,)), Role((OF_BEN,), (YOU,))), 0)
    assert [(one.reference, one.source) for one in outcomes] == [("ben.jpg", 1), (None, None), ("anna.jpg", 0),
                                                                 (None, None)]
    assert [round(one.reference_similarity, 2) for one in outcomes] == [0.9, 0.0, 0.9, 0.7]


def test_an_index_and_a_reference_must_both_hold():
    role = Role((OF_ANNA,), (ME,))
    assert Stage(TARGET, target_index=(2,)).told(role) == ["not-selected", "not-selected", "me.jpg", "not-selected"]
    assert Stage(TARGET, target_index=(0,)).told(role)[0] == "other-person"
    assert Stage(TARGET, target_index=(9,)).told(role)[4] == "no-such-face"


def test_a_gender_and_a_reference_must_both_hold():
    target = [Seen(ANNA, 0, gender=Gender.FEMALE), Seen(BEN, 20, gender=Gender.MALE)]
    roles = Role((OF_ANNA,), (ME,)), Role((OF_BEN,), (YOU,))
    assert Stage(target, target_gender=GenderFilter.MALE).told(*roles) == ["gender-mismatch", "you.jpg"]


def test_faces_take_turns_within_their_role():
    """Two source faces for all others, one for Anna, who does not use up a turn."""
    target = [Seen(5.0, 0), Seen(ANNA, 20), Seen(6.0, 40), Seen(7.0, 60)]
    stage = Stage(target, [Seen(20.0, 0), Seen(21.0, 20)], source_index="all")
    both = picture(5, "both.jpg")
    outcomes = stage.engine.outcomes(stage.plan(Role((OF_ANNA,), (ME,)), Role((), (both,))), 0)
    assert [one.source for one in outcomes] == [1, 0, 2, 1]


def test_the_threshold_of_the_options_counts():
    target = [Seen(ANNA + 0.6)]
    assert Stage(target).told(Role((OF_ANNA,), (ME,))) == ["other-person"]
    assert Stage(target, reference_threshold=0.35).told(Role((OF_ANNA,), (ME,))) == ["me.jpg"]


def test_a_reference_without_a_face_is_named():
    with pytest.raises(NoFaceError, match=r"^empty\.jpg: no face found to know the person by"):
        Stage(TARGET, []).plan(Role((picture(5, "empty.jpg"),), (ME,)))


def test_of_a_reference_with_several_faces_the_largest_is_taken_and_told():
    stage = Stage(TARGET, [Seen(CARL, 0, 10), Seen(ANNA, 20, 16)])
    source = stage.engine.prepare_roles([Role((picture(5, "two.jpg"),), (ME,))])
    assert source.warnings == ("two.jpg: the reference shows 2 faces, the largest is taken; cut the picture if another "
                               "is meant",)
    assert [swap.face.box.x1 for swap in stage.engine.plan(source, stage.image).swaps] == [40]


def test_without_references_and_measure_no_embedding_is_computed():
    stage = Stage(TARGET, target_index="all")
    source = stage.engine.prepare_source([ME])
    plan = stage.engine.plan(source, stage.image)
    stage.engine.measure(plan, stage.image, stage.engine.render(plan, stage.image))
    assert plan.swapped == 4
    assert stage.analyser.embedded == 0


def test_results_are_measured_against_source_and_target():
    """What is painted is one hundredth away from who the source is."""
    stage = Stage([Seen(ANNA)], [Seen(2.0)], measure=True)
    plan = stage.engine.plan(stage.engine.prepare_source([picture(5)]), stage.image)
    painted = stage.engine.render(plan, stage.image)
    stage.engine.measure(plan, stage.image, painted)
    (outcome,) = stage.engine.outcomes(plan, 0)
    drawn = painted[5, 0, 1] / 100
    assert outcome.similarity is not None
    assert outcome.similarity.source == pytest.approx(1 - abs(drawn - 2.0))
    assert outcome.similarity.target == pytest.approx(1 - abs(drawn - ANNA), abs=1e-6)


def test_in_clips_each_face_is_measured_when_it_is_new_and_then_now_and_then():
    stage = Stage([Seen(ANNA, 0, track=0), Seen(BEN, 20, track=1)], measure=True, target_index="all")
    source = stage.engine.prepare_source([ME])
    clip = stage.engine.open_clip()
    measured = []
    for number in range(2 * MEASURED_EVERY + 1):
        plan = stage.engine.plan(source, stage.image, clip)
        stage.engine.measure(plan, stage.image, stage.engine.render(plan, stage.image))
        measured += [number for one in stage.engine.outcomes(plan, number) if one.similarity is not None]
    assert measured == [0, 0, MEASURED_EVERY, MEASURED_EVERY, 2 * MEASURED_EVERY, 2 * MEASURED_EVERY]


def test_the_memory_of_a_clip_goes_on_the_same_after_it_was_pickled():
    stage = Stage([Seen(ANNA + 0.1, 0, track=0), Seen(BEN, 20, track=1)], measure=True)
    source = stage.engine.prepare_roles([Role((OF_ANNA,), (ME,)), Role((), (YOU,))])

    def told(clip, frames):
        plans = [stage.engine.plan(source, stage.image, clip) for _ in range(frames)]
        return [(sorted(plan.sample), plan.people, [swap.picture for swap in plan.swaps]) for plan in plans]

    expected = told(stage.engine.open_clip(), 60)
    clip = stage.engine.open_clip()
    before = told(clip, 23)
    after = told(pickle.loads(pickle.dumps(clip)), 37)  # noqa: S301 (made here)
    assert before + after == expected
    assert expected[0][2] == ["me.jpg", "you.jpg"]
