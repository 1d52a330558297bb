"""Faces through clips, with a detector that finds coloured dots, and with the real one."""

import pickle
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from faceswap_cli.engine.analysers.detectors.scrfd import ScrfdDetector
from faceswap_cli.engine.analysers.insightface import InsightFaceAnalyser
from faceswap_cli.engine.analysers.neural_look import camera_of
from faceswap_cli.options import DetectorOptions, RuntimeOptions
from faceswap_cli.runtime.session import SharedSession

from .marked_faces import MarkDetector, marks, scene

SHARED = Path(__file__).parents[3] / ".." / "shared"
REAL = SHARED / "models" / "scrfd_2.5g_kps.onnx"
CLIP = SHARED / "media" / "faces" / "DeepFaceLive__build__samples__Obama_speaking.mp4"


def follow(frames, detector=None):
    analyser = InsightFaceAnalyser(detector or MarkDetector(), None, None, DetectorOptions())
    memory = analyser.open_clip()
    return [analyser.find(frame, memory) for frame in frames]


def picture(*faces, ground=110):
    return scene(640, 360, *faces, ground=ground)


def numbers(seen):
    return [[face.track for face in faces] for faces in seen]


def test_the_whole_picture_is_searched_in_every_fifth_frame():
    detector = MarkDetector()
    seen = follow([picture(marks(300, 180, 40))] * 11, detector)
    assert numbers(seen) == [[0]] * 11
    whole = [number for number, (side, _, _) in enumerate(detector.asked) if side == 640]
    assert len(whole) == 3
    assert {side for side, _, _ in detector.asked} <= {640, 192, 128}
    assert all(clip for _, _, clip in detector.asked)


@pytest.mark.parametrize("motion", ["still", "sideways", "zoom", "roll"])
def test_faces_are_followed_without_lag(motion):
    def place(number):
        swing = np.sin(number * 2 * np.pi / 16)
        if motion == "sideways":
            return marks(300 + 40 * swing, 180, 40)
        if motion == "zoom":
            return marks(300, 180, 40 * (1 + 0.3 * swing))
        return marks(300, 180, 40, 40 * swing if motion == "roll" else 0)

    places = [place(number) for number in range(24)]
    for points, faces in zip(places, follow(picture(points) for points in places), strict=True):
        (face,) = faces
        assert face.track == 0
        assert np.linalg.norm(face.landmarks - points, axis=1).mean() < 0.04 * 40


def test_a_memory_that_was_pickled_goes_on_the_same():
    frames = [picture(marks(300 + 3 * number, 180, 40)) for number in range(24)]
    analyser = InsightFaceAnalyser(MarkDetector(), None, None, DetectorOptions())
    memory = analyser.open_clip()
    for frame in frames[:13]:
        analyser.find(frame, memory)
    again = InsightFaceAnalyser(MarkDetector(), None, None, DetectorOptions())
    kept = pickle.loads(pickle.dumps(memory))  # noqa: S301 (made here)
    seen = [again.find(frame, kept) for frame in frames[13:]]
    for one, other in zip(seen, follow(frames)[13:], strict=True):
        assert one[0].track == other[0].track
        np.testing.assert_array_equal(one[0].landmarks, other[0].landmarks)
        assert one[0].box == other[0].box


def test_a_face_at_rest_is_held_still():
    rng = np.random.default_rng(3)
    seen = follow(picture(marks(300, 180, 40) + rng.normal(0, 0.4, (5, 2))) for _ in range(40))
    landmarks = np.array([faces[0].landmarks for faces in seen])[10:]
    boxes = np.array([faces[0].box for faces in seen])[10:]
    assert landmarks.std(0).mean() < 0.25
    assert boxes.std(0).mean() < 0.5  # a box as it is found has 0.75


def test_a_turning_face_that_ends_upside_down_keeps_its_number():
    seen = follow(picture(marks(300, 180, 40, 12 * number)) for number in range(16))
    assert numbers(seen) == [[0]] * 16
    assert seen[-1][0].landmarks == pytest.approx(marks(300, 180, 40, 180), abs=2)
    assert abs(seen[-1][0].pose.roll) > 170


def test_a_new_face_is_found_within_five_frames():
    one, other = marks(150, 180, 40), marks(480, 180, 40)
    seen = follow([picture(one)] * 7 + [picture(one, other)] * 6)
    assert numbers(seen)[:7] == [[0]] * 7
    assert numbers(seen)[-2:] == [[0, 1]] * 2
    assert seen[-1][1].landmarks == pytest.approx(other, abs=1)


def test_a_clip_that_begins_without_a_face():
    seen = follow([picture()] * 4 + [picture(marks(300, 180, 40))] * 3)
    assert numbers(seen)[:4] == [[]] * 4
    assert numbers(seen)[-1] == [0]


def test_a_face_that_left_is_dropped_at_once_and_keeps_its_number_when_it_is_back():
    face = picture(marks(300, 180, 40))
    seen = follow([face] * 5 + [picture()] * 4 + [face] * 4)
    assert numbers(seen)[:9] == [[0]] * 5 + [[]] * 4
    assert numbers(seen)[-2:] == [[0]] * 2


def test_a_face_that_comes_much_later_is_another_one():
    face = picture(marks(300, 180, 40))
    seen = follow([face] * 3 + [picture()] * 20 + [face] * 4)
    assert numbers(seen)[-1] == [1]


def test_a_leap_is_found_in_the_same_frame():
    seen = follow([picture(marks(250, 180, 40))] * 3 + [picture(marks(325, 180, 40))] * 2)
    assert numbers(seen) == [[0]] * 5
    assert seen[3][0].landmarks == pytest.approx(marks(325, 180, 40), abs=1)


def test_a_score_that_wavers_around_the_limit_does_not_flicker():
    detector = MarkDetector()
    analyser = InsightFaceAnalyser(detector, None, None, DetectorOptions(score=0.5))
    memory = analyser.open_clip()
    counts = []
    for rating in (0.6, 0.45, 0.55, 0.4, 0.52, 0.35, 0.2, 0.45, 0.45):
        detector.rating = rating
        counts.append(len(analyser.find(picture(marks(300, 180, 40)), memory)))
    assert counts[:7] == [1, 1, 1, 1, 1, 1, 0]


def test_a_weak_thing_is_no_new_face():
    detector = MarkDetector()
    detector.rating = 0.45
    assert numbers(follow([picture(marks(300, 180, 40))] * 6, detector)) == [[]] * 6


def test_a_cut_begins_new_numbers():
    rng = np.random.default_rng(1)
    scenes = []
    for x in (150, 480):
        ground = np.kron(rng.integers(60, 190, (4, 4), dtype=np.uint8), np.ones((90, 160), np.uint8))
        shown = picture(marks(x, 180, 40))
        shown[(shown == 110).all(2)] = ground[(shown == 110).all(2)][:, None]
        scenes.append(shown)
    seen = follow([scenes[0]] * 3 + [scenes[1]] * 3)
    assert numbers(seen) == [[0]] * 3 + [[1]] * 3


@pytest.mark.parametrize("count", [1, 2, 11])
def test_an_input_of_fixed_size_is_shared(count):
    """Nine looks in each run; the same faces as with one run for each."""
    def frames():
        for number in range(4):
            yield scene(1280, 720, *(marks(120 + 110 * n + 4 * number, 360, 22) for n in range(count)))

    shared = MarkDetector()
    shared.fixed = 640
    seen = follow(frames(), shared)
    assert numbers(seen) == [list(range(count))] * 4
    for faces, others in zip(seen, follow(frames()), strict=True):
        for face, other in zip(faces, others, strict=True):
            assert face.landmarks == pytest.approx(other.landmarks, abs=0.5)
    looks = len(shared.asked) - 1 - count
    assert looks == 3 * -(-count // 9)


def test_faces_that_pass_each_other_are_never_one():
    places = [(marks(120 + 20 * number, 150, 40), marks(520 - 20 * number, 260, 40)) for number in range(20)]
    seen = follow(picture(*pair) for pair in places)
    assert numbers(seen) == [[0, 1]] * 20
    for (one, other), (first, second) in zip(places, seen, strict=True):
        assert first.landmarks == pytest.approx(one, abs=3)
        assert second.landmarks == pytest.approx(other, abs=3)


def test_clips_do_not_share_memory():
    analyser = InsightFaceAnalyser(MarkDetector(), None, None, DetectorOptions())
    first, second = analyser.open_clip(), analyser.open_clip()
    frame = picture(marks(300, 180, 40))
    assert analyser.find(frame, first)[0].track == analyser.find(frame, second)[0].track == 0


def test_real_faces_are_followed_as_well_as_they_are_detected():
    """Also with an input of fixed size, as this graph has it."""
    if not REAL.exists() or not CLIP.exists():
        pytest.skip("../shared is not here")
    import av

    detector = ScrfdDetector(SharedSession(REAL, RuntimeOptions(), name="scrfd"))
    with av.open(str(CLIP)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in islice(container.decode(video=0), 24)]
    apart = []
    for frame, faces in zip(frames, follow(frames, detector), strict=True):
        (face,) = faces
        assert face.track == 0
        (full,) = detector.detect(frame, 640, 0.5, True)
        apart.append(np.linalg.norm(face.landmarks - full.landmarks, axis=1).mean() / camera_of(full).scale)
    assert np.mean(apart) < 0.05
