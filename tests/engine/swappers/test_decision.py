from __future__ import annotations

import pickle
from collections.abc import Iterable

import numpy as np
import pytest
from heads import camera, mean_face, portrait, with_beard, with_glasses

from faceswap_cli.engine.swappers import decision as decision_module
from faceswap_cli.engine.swappers.decision import MOUTH_REST, Decision, DecisionMemory, pose_distance
from faceswap_cli.engine.swappers.face_crop import SourceFace
from faceswap_cli.faces.face import Box, Face, Pose
from faceswap_cli.faces.landmarks68 import LEFT_EYE, LOWER_LIP_EDGE, MEAN_SHAPE, RIGHT_EYE, UPPER_LIP_EDGE
from faceswap_cli.faces.occlusion import BRIDGE, FRAME_AREA, Cover
from faceswap_cli.image import Image, Points

PLAIN = np.full((400, 400, 3), 150, np.uint8)
NO_COVER, GLASSES = Cover(0.0, 0.0, 0.0), Cover(2 * BRIDGE, 2 * FRAME_AREA, 0.0)


def source(mouth: float = 0.1, eyes: tuple[float, float] = (0.3, 0.3), cover: Cover = NO_COVER,
           **pose: float) -> SourceFace:
    view = camera(**pose)
    return SourceFace(image=PLAIN, landmarks=view.project(MEAN_SHAPE), camera=view, mouth=mouth, eyes=eyes, cover=cover)


def target(mouth: float = 0.1, eyes: tuple[float, float] = (0.3, 0.3), **pose: float) -> Points:
    """Landmarks with lips and eyes as open as asked, and a pose."""
    shape = MEAN_SHAPE.copy()
    shape[LOWER_LIP_EDGE] = shape[UPPER_LIP_EDGE] + [0, mouth, 0]
    for eye, opening in ((LEFT_EYE, eyes[0]), (RIGHT_EYE, eyes[1])):
        middle = shape[eye, 1].mean()
        shape[eye, 1] = middle + opening / 0.29 * (shape[eye, 1] - middle)
    return camera(**pose).project(shape)


def decide(image: Image, points: Points, sources: list[SourceFace], memory: DecisionMemory | None = None,
           track: int | None = None, spread: float = 0.01) -> Decision:
    face = Face(box=Box(0, 0, 1, 1), score=1.0, landmarks=points, spread=spread, track=track)
    return decision_module.decide(image, face, sources, memory)


def clip(sources: list[SourceFace], frames: Iterable[Points], memory: DecisionMemory | None = None,
         track: int = 1) -> list[Decision]:
    """Decisions for one followed face, frame by frame."""
    memory = memory or DecisionMemory()
    return [decide(PLAIN, points, sources, memory, track) for points in frames]


# --- Which picture, and which side of it ---


@pytest.mark.parametrize(("yaw", "number"), [(-28, 0), (-3, 1), (6, 1), (24, 2)])
def test_the_picture_nearest_in_yaw_is_taken(yaw, number):
    sources = [source(yaw=-30), source(yaw=0), source(yaw=30)]
    made = decide(PLAIN, target(yaw=yaw), sources)
    assert made.number == number
    assert made.source is sources[number]
    assert not made.mirrored


def test_pitch_decides_between_equal_yaws_and_roll_does_not_count():
    sources = [source(pitch=-10), source(pitch=15)]
    assert decide(PLAIN, target(pitch=12), sources).number == 1
    assert decide(PLAIN, target(pitch=-12), sources).number == 0
    # Equal but for roll: the first of them.
    assert decide(PLAIN, target(roll=80), [source(), source(roll=80)]).number == 0


@pytest.mark.parametrize(("of_source", "of_target", "mirrored"), [
    (30, -30, True), (-30, 20, True), (30, 30, False), (30, 0, False), (0, -40, False), (8, -30, False),
    (12, -9, False),
])
def test_only_heads_that_clearly_look_to_opposite_sides_are_mirrored(of_source, of_target, mirrored):
    assert decide(PLAIN, target(yaw=of_target), [source(yaw=of_source)]).mirrored is mirrored


def test_a_mirror_image_is_nearly_as_good_as_the_true_side():
    assert pose_distance(Pose(30, 0, 0), Pose(-30, 0, 0)) == pytest.approx(6)
    assert pose_distance(Pose(30, 0, 0), Pose(30, 10, 50)) == pytest.approx(7)
    assert decide(PLAIN, target(yaw=-30), [source(yaw=30), source(yaw=-28)]).number == 1
    assert decide(PLAIN, target(yaw=-30), [source(yaw=30), source(yaw=0)]).mirrored


# --- Mouth and eyes ---


@pytest.mark.parametrize(("of_source", "of_target", "kept"), [
    (0.1, 0.1, 0.0), (0.0, 0.02, 0.0), (0.2, 0.3, 0.0),
    (0.3, 0.02, 1.0),       # shut in the target, wide open in the source
    (0.02, 0.3, 1.0),       # a scream cannot be made of shut lips
    (0.3, 0.08, 1.0),
])
def test_the_target_s_mouth_is_kept_where_the_source_s_cannot_play_it(of_source, of_target, kept):
    assert decide(PLAIN, target(mouth=of_target), [source(mouth=of_source)]).keep_mouth == kept


def test_each_eye_is_kept_when_it_is_shut_in_one_face_only():
    assert decide(PLAIN, target(eyes=(0.05, 0.3)), [source()]).keep_eyes == (1.0, 0.0)
    assert decide(PLAIN, target(), [source(eyes=(0.3, 0.08))]).keep_eyes == (0.0, 1.0)
    assert decide(PLAIN, target(eyes=(0.06, 0.06)), [source(eyes=(0.06, 0.06))]).keep_eyes == (0.0, 0.0)
    assert decide(PLAIN, target(eyes=(0.22, 0.22)), [source(eyes=(0.35, 0.35))]).keep_eyes == (0.0, 0.0)


def test_a_mirrored_source_winks_with_the_other_eye():
    made = decide(PLAIN, target(yaw=-25), [source(yaw=25, eyes=(0.05, 0.3))])
    assert made.mirrored and made.keep_eyes == (0.0, 1.0)


# --- Glasses and beards ---


def on_portrait(draw=None) -> tuple[Image, Points]:
    one = portrait("woman-3")
    points = one.face.landmarks
    return (one.pixels if draw is None else draw(one.pixels, points)), points


def test_glasses_of_the_target_are_kept_and_told():
    assert decide(*on_portrait(with_glasses), [source()], spread=0.04).keep_glasses == 0      # an engraving, say
    made = decide(*on_portrait(with_glasses), [source()])
    assert made.keep_glasses == 1.0
    assert [text for text in made.warnings if "glasses on the target" in text]


def test_glasses_of_the_source_replace_the_target_s():
    made = decide(*on_portrait(with_glasses), [source(cover=GLASSES)])
    assert made.keep_glasses == 0.0
    assert [text for text in made.warnings if "glasses on both faces" in text]
    alone = decide(*on_portrait(), [source(cover=GLASSES)])
    assert [text for text in alone.warnings if "glasses on the source" in text]


def test_a_beard_of_the_target_is_kept_and_one_of_the_source_told():
    made = decide(*on_portrait(with_beard), [source()])
    assert made.keep_beard > 0.5
    assert [text for text in made.warnings if "beard on the target" in text]
    bearded = decide(*on_portrait(), [source(cover=Cover(0.0, 0.0, 1.0))])
    assert bearded.keep_beard == 0
    assert [text for text in bearded.warnings if "beard on the source" in text]


def test_two_bare_faces_give_no_warning():
    assert decide(*on_portrait(), [source()]).warnings == ()


# --- Calm in a clip ---

SHUT, OPEN = target(mouth=0.0), target(mouth=0.2)


def test_changes_fade_over_three_frames():
    made = clip([source(mouth=0.2)], [OPEN, *[SHUT] * 4, *[OPEN] * (MOUTH_REST + 3)])
    levels = [one.keep_mouth for one in made]
    assert levels[:5] == pytest.approx([0, 1 / 3, 2 / 3, 1, 1])
    assert levels[-5:] == pytest.approx([1, 2 / 3, 1 / 3, 0, 0])


def test_the_mouth_of_someone_who_talks_stays_one_person_s():
    talking = [OPEN, OPEN, SHUT, *([OPEN] * 20 + [SHUT] * 3) * 6]
    levels = [one.keep_mouth for one in clip([source(mouth=0.2)], talking)]
    assert levels[5:] == [1.0] * len(levels[5:])


def test_eyes_fade_each_for_itself():
    winking = target(eyes=(0.3, 0.05))
    made = clip([source()], [target(), winking, winking, winking])
    assert [one.keep_eyes[1] for one in made] == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert {one.keep_eyes[0] for one in made} == {0.0}


def test_the_first_frame_of_a_track_does_not_fade():
    memory = DecisionMemory()
    one = source(mouth=0.2)
    assert clip([one], [OPEN, OPEN], memory, track=1)[-1].keep_mouth == 0
    assert clip([one], [SHUT], memory, track=2)[0].keep_mouth == 1
    assert clip([one], [SHUT], memory, track=1)[0].keep_mouth == pytest.approx(1 / 3)


def test_another_person_on_the_same_face_is_decided_afresh():
    memory = DecisionMemory()
    assert clip([source(mouth=0.2)], [OPEN, OPEN], memory)[-1].keep_mouth == 0
    assert clip([source(mouth=0.2, yaw=2)], [SHUT], memory)[0].keep_mouth == 1


def test_stills_and_faces_without_a_track_are_decided_afresh():
    memory = DecisionMemory()
    for points, kept in ((OPEN, 0), (SHUT, 1), (OPEN, 0)):
        assert decide(PLAIN, points, [source(mouth=0.2)], memory, None).keep_mouth == kept
    assert not memory.tracks


WOBBLES = {
    "mouth opening ratio": (lambda x: target(mouth=x), source(mouth=0.1), 0.1 / 0.45),
    "shut lips": (lambda x: target(mouth=x), source(mouth=0.2), 0.2 / 2.5),
    "eye": (lambda x: target(eyes=(x, x)), source(), 0.155),
}


@pytest.mark.parametrize("name", WOBBLES)
@pytest.mark.parametrize("start", [0.6, 1.6])
def test_a_measure_wobbling_about_its_threshold_toggles_nothing(name, start):
    points, one, threshold = WOBBLES[name]
    calm = [start * threshold] * 4
    wobble = [threshold * (1.07 if k % 2 else 0.93) for k in range(8)]
    made = clip([one], map(points, calm + wobble))
    levels = {(frame.keep_mouth, frame.keep_eyes) for frame in made[4:]}
    assert len(levels) == 1
    # Without a memory the same frames would flicker.
    assert len({(frame.keep_mouth, frame.keep_eyes)
                for frame in (decide(PLAIN, points(x), [one]) for x in wobble)}) == 2


@pytest.mark.parametrize("name", WOBBLES)
def test_a_clear_change_is_followed(name):
    points, one, threshold = WOBBLES[name]
    made = clip([one], map(points, [0.6 * threshold] * 4 + [1.6 * threshold] * (MOUTH_REST + 4)))
    assert (made[3].keep_mouth, made[3].keep_eyes) != (made[-1].keep_mouth, made[-1].keep_eyes)


def test_the_side_does_not_flip_back_and_forth():
    made = clip([source(yaw=20)], [target(yaw=yaw) for yaw in (-30, -7, -9, -7, -9)])
    assert {one.mirrored for one in made} == {True}
    made = clip([source(yaw=20)], [target(yaw=yaw) for yaw in (5, -7, -9, -7, -9)])
    assert {one.mirrored for one in made} == {False}
    assert not clip([source(yaw=20)], [target(yaw=-30), target(yaw=10)])[-1].mirrored


def test_the_picture_shown_stays_unless_another_is_nearer_by_8_degrees():
    sources = [source(yaw=0), source(yaw=30)]
    made = clip(sources, [target(yaw=yaw) for yaw in (10, 18, 13, 18, 22, 12, 17, 5)])
    assert [one.number for one in made] == [0, 0, 0, 0, 1, 1, 1, 0]
    assert decide(PLAIN, target(yaw=18), sources).number == 1


def test_fewer_pictures_than_in_the_frame_before_are_no_trouble():
    memory = DecisionMemory()
    assert clip([source(yaw=0), source(yaw=30)], [target(yaw=30)], memory)[0].number == 1
    assert clip([source(yaw=0)], [target(yaw=30)], memory)[0].number == 0


def test_glasses_and_beards_are_looked_for_now_and_then_only(monkeypatch):
    looks = []
    monkeypatch.setattr(decision_module, "look_for_cover", lambda *_: looks.append(1) or NO_COVER)
    clip([source()], [target()] * 20)
    assert 2 <= len(looks) <= 5


def test_glasses_put_on_in_a_clip_are_found_and_fade_in(monkeypatch):
    found = [NO_COVER]
    monkeypatch.setattr(decision_module, "look_for_cover", lambda *_: found[-1])
    memory = DecisionMemory()
    one = source()
    clip([one], [target()], memory)
    found.append(GLASSES)
    levels = [made.keep_glasses for made in clip([one], [target()] * 20, memory)]
    assert levels[0] == 0 and levels[-1] == 1
    assert max(np.diff(levels)) == pytest.approx(1 / 3)


def test_mean_face_is_what_these_tests_take_it_for():
    np.testing.assert_allclose(target(mouth=0.075), mean_face(), atol=2.0)


def test_a_memory_that_was_pickled_goes_on_the_same():
    frames = [target(mouth=0.3 if 4 <= number < 9 else 0.1) for number in range(30)]
    straight = clip([source()], frames)
    memory = DecisionMemory()
    clip([source()], frames[:8], memory)
    kept = pickle.loads(pickle.dumps(memory))  # noqa: S301 (made here)
    again = clip([source()], frames[8:], kept)
    assert [made.keep_mouth for made in again] == [made.keep_mouth for made in straight[8:]]
    assert again[0].keep_mouth > 0  # which a fresh memory would not say
