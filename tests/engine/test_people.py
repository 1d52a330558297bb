"""Who is who, with an analyser whose embeddings are a table's: cameras, cuts and likenesses as a test wants them."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from heads import mean_face

from faceswap_cli.engine.people import People, Reference
from faceswap_cli.engine.track_identity import LOOK_EVERY, LOOKS, PeopleMemory
from faceswap_cli.faces.face import Box, Face, Pose
from faceswap_cli.faces.similarity import Measure
from faceswap_cli.image import FloatArray, Image

IMAGE, OTHER_SHOT = np.random.default_rng(1).integers(0, 256, (2, 400, 400, 3), np.uint8)


def at(x: float, y: float = 0.0) -> FloatArray:
    """An embedding; similarities are 1 - the distance."""
    return np.array([x, y], np.float32)


class Looks:
    """Gives the embeddings that the faces of a test carry in their box, and counts how often it is asked."""

    name = "looks"
    measure = Measure.DLIB

    def __init__(self) -> None:
        self.count = 0

    def embed(self, image: Any, face: Face) -> Face:
        self.count += 1
        return replace(face, embedding=at(face.box.x1, face.box.y1))


def face(x: float, y: float = 0.0, track: int | None = None, eyes: float = 60.0, yaw: float = 0.0) -> Face:
    return Face(box=Box(x, y, x + 1, y + 1), score=1.0, landmarks=mean_face(eyes, yaw=yaw), pose=Pose(yaw, 0, 0),
                track=track)


def references(*places: float, name: str = "ref") -> tuple[Reference, ...]:
    return tuple(Reference(f"{name}-{number}.jpg", at(place)) for number, place in enumerate(places))


ANNA, BEN, OTHERS = references(0.0, name="anna"), references(2.0, name="ben"), ()


def recognise(faces: Sequence[Face], *roles: Sequence[Reference], threshold: float | None = None):
    return People(Looks(), threshold).recognise(IMAGE, faces, roles)


def roles_of(people) -> list[int | None]:
    return [person.role for person in people]


# --- Stills ---


def test_a_face_belongs_to_the_reference_it_is_most_like():
    people = recognise([face(2.1), face(0.2), face(9.0)], ANNA, BEN)
    assert roles_of(people) == [1, 0, None]
    assert [person.reference for person in people] == ["ben-0.jpg", "anna-0.jpg", None]
    assert people[1].similarity == pytest.approx(0.8)
    assert people[2].similarity == pytest.approx(-6.0)  # told though it does not fit


def test_of_several_pictures_of_a_person_the_nearest_counts():
    (person,) = recognise([face(4.1)], references(0.0, 4.0, 8.0))
    assert (person.role, person.reference) == (0, "ref-1.jpg")


def test_of_several_faces_that_fit_the_nearest_is_the_person():
    assert roles_of(recognise([face(0.3), face(0.1), face(0.2)], ANNA)) == [None, 0, None]


def test_who_loses_a_role_may_have_another():
    """Both are most like Anna; the second is like Ben as well."""
    near = references(0.6, name="ben")
    assert roles_of(recognise([face(0.1), face(0.25)], ANNA, near)) == [0, 1]


def test_everybody_else_has_the_role_without_references():
    assert roles_of(recognise([face(0.1), face(5.0), face(-3.0)], OTHERS, ANNA)) == [1, 0, 0]


@pytest.mark.parametrize(("threshold", "role"), [(None, None), (0.45, None), (0.3, 0), (0.0, 0)])
def test_the_threshold_says_what_fits(threshold, role):
    assert roles_of(recognise([face(0.6)], ANNA, threshold=threshold)) == [role]


def test_a_face_that_cannot_be_seen_well_is_nobody_not_even_one_of_the_others():
    small, turned = recognise([face(0.0, eyes=6.0), face(0.0, yaw=70.0)], ANNA, OTHERS)
    assert (small.role, small.similarity, turned.role, turned.similarity) == (None, None, None, None)


# --- Clips ---


@dataclass
class Clip:
    """A clip in which each frame is a list of faces."""

    roles: Sequence[Sequence[Reference]]

    def __post_init__(self) -> None:
        self.looks = Looks()
        self.memory = PeopleMemory()

    def next(self, *faces: Face, image: Image = IMAGE) -> list[int | None]:
        return roles_of(People(self.looks).recognise(image, faces, self.roles, self.memory))


def test_a_followed_face_is_looked_at_when_it_is_new_and_then_ever_more_seldom():
    clip = Clip([ANNA])
    looked = []
    for number in range(20 + 2 * LOOK_EVERY + 1):
        before = clip.looks.count
        clip.next(face(0.0, track=0))
        looked += [number] * (clip.looks.count - before)
    assert looked == [*LOOKS, LOOKS[-1] + LOOK_EVERY, LOOKS[-1] + 2 * LOOK_EVERY]


def test_who_somebody_is_does_not_change_from_frame_to_frame():
    """One bad look in three would be another person; the average is not."""
    clip = Clip([ANNA])
    places = iter([0.2, 0.2, 0.9, 0.9, 0.2, 0.2, 0.2])
    assert [clip.next(face(place, track=0)) for place in places] == [[0]] * 7


def test_a_better_view_counts_more():
    """Turned away it looks like nobody, from the front like Anna."""
    clip = Clip([ANNA])
    assert clip.next(face(0.8, track=0, yaw=48.0)) == [None]
    clip.next(face(0.8, track=0, yaw=48.0))
    assert clip.next(face(0.2, track=0)) == [0]


def test_a_face_is_undecided_until_it_can_be_seen_well():
    clip = Clip([ANNA, OTHERS])
    assert [clip.next(face(0.0, track=0, eyes=eyes)) for eyes in (5, 6, 7)] == [[None]] * 3
    assert clip.looks.count == 0
    assert clip.next(face(0.0, track=0, eyes=20)) == [0]
    assert clip.next(face(0.0, track=0, eyes=5)) == [0]  # what was decided stays


def test_after_a_cut_a_person_is_found_again():
    clip = Clip([ANNA])
    assert clip.next(face(0.1, track=0), face(3.0, track=1)) == [0, None]
    assert clip.next(face(3.0, track=2), face(0.1, track=3)) == [None, 0]


def test_a_decision_has_hysteresis():
    """Somewhat less like Anna than the threshold a face still is, once it was taken for her; a new one is not."""
    clip = Clip([ANNA])
    assert clip.next(face(0.54, track=0)) == [0]
    for _ in range(30):
        assert clip.next(face(0.58, track=0)) == [0]
    assert clip.next(face(0.58, track=1)) == [None]


def test_a_double_does_not_become_the_person_when_that_leaves():
    clip = Clip([ANNA])
    assert clip.next(face(0.4, track=0)) == [0]  # alone, it fits
    for _ in range(3):
        assert clip.next(face(0.4, track=0), face(0.05, track=1)) == [None, 0]
    for _ in range(30):
        assert clip.next(face(0.4, track=0)) == [None]


def test_a_track_that_passes_to_somebody_else_is_decided_anew():
    clip = Clip([ANNA, BEN])
    for _ in range(40):
        clip.next(face(0.0, track=0))
    roles = [clip.next(face(2.0, track=0)) for _ in range(20 * LOOK_EVERY)]
    assert roles[0] == [0]
    assert roles[-1] == [1]


def test_who_takes_the_place_of_somebody_at_once_is_somebody_else_at_once():
    """Over a cut that leaves the room as it is, the track goes on."""
    clip = Clip([ANNA, BEN])
    for _ in range(40):
        assert clip.next(face(0.0, track=0)) == [0]
    assert clip.next(face(2.0, track=0), image=OTHER_SHOT) == [1]
    before = clip.looks.count
    for _ in range(30):
        assert clip.next(face(2.0, track=0), image=OTHER_SHOT) == [1]
    assert clip.looks.count == before + len(LOOKS) - 1  # looked at as a new face is


def test_a_sudden_change_of_light_is_nobody_else():
    clip = Clip([ANNA])
    for number in range(12):
        assert clip.next(face(0.1, track=0), image=(IMAGE, OTHER_SHOT)[number % 2]) == [0]


def test_a_sudden_change_that_ends_in_a_bad_view_waits_for_a_better_one():
    clip = Clip([ANNA])
    for _ in range(30):
        clip.next(face(0.0, track=0))
    assert clip.next(face(5.0, track=0, yaw=49.0), image=OTHER_SHOT) == [0]
    assert clip.next(face(5.0, track=0, yaw=49.0), image=OTHER_SHOT) == [0]
    assert clip.next(face(5.0, track=0), image=OTHER_SHOT) == [None]


def test_tracks_that_are_gone_are_forgotten():
    clip = Clip([ANNA])
    for number in range(500):
        clip.next(face(0.0, track=number // 10))
    assert len(clip.memory.tracks) < 15


def test_a_memory_that_was_pickled_goes_on_the_same():
    def frames(count):
        rng = np.random.default_rng(5)
        return [[face(float(rng.normal(0.3, 0.4)), track=0, eyes=30.0), face(float(rng.normal(place, 0.3)), track=1)]
                for place in np.linspace(-0.5, 2.5, count)]

    straight, first = Clip([ANNA, BEN]), Clip([ANNA, BEN])
    expected = [straight.next(*faces) for faces in frames(120)]
    before = [first.next(*faces) for faces in frames(120)[:33]]
    second = Clip([ANNA, BEN])
    second.memory = pickle.loads(pickle.dumps(first.memory))  # noqa: S301 (made here)
    assert before + [second.next(*faces) for faces in frames(120)[33:]] == expected
    assert len({tuple(roles) for roles in expected}) > 1  # something was decided on the way
