"""Faces through clips that the tests make from a portrait."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from faceswap_cli.engine.analysers.embedded import EmbeddedAnalyser
from faceswap_cli.engine.analysers.scene import is_cut
from faceswap_cli.engine.analysers.smoothing import LandmarkSmoother, OneEuro
from faceswap_cli.faces.pose import fit_camera

ASSETS = Path(__file__).parents[3] / "assets"


class Stage:
    """A portrait cut out on a grey ground, to be placed anywhere."""

    def __init__(self, name: str) -> None:
        picture = cv2.imread(str(ASSETS / name), cv2.IMREAD_COLOR)[..., ::-1]
        self.picture = np.ascontiguousarray(cv2.resize(picture, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA))
        (self.face,) = EmbeddedAnalyser().find(self.picture)
        self.camera = fit_camera(self.face.landmarks)

    def matrix(self, x: float, y: float = 150.0, scale: float = 1.0, roll: float = 0.0) -> np.ndarray:
        matrix = cv2.getRotationMatrix2D(tuple(map(float, self.camera.offset)), -roll, scale)
        matrix[:, 2] += [x, y] - self.camera.offset
        return matrix

    def frame(self, matrix: np.ndarray | None, seed: int = 0, ground: int = 110,
              over: np.ndarray | None = None) -> np.ndarray:
        frame = np.full((300, 420, 3), ground, np.uint8) if over is None else over.copy()
        if matrix is not None:
            shown = cv2.warpAffine(np.ones(self.picture.shape[:2], np.uint8), matrix, (420, 300)) > 0
            frame[shown] = cv2.warpAffine(self.picture, matrix, (420, 300))[shown]
        noise = np.random.default_rng(seed).normal(0, 3, frame.shape)
        return np.clip(frame + noise, 0, 255).astype(np.uint8)

    def truth(self, matrix: np.ndarray) -> np.ndarray:
        return self.face.landmarks @ matrix[:, :2].T + matrix[:, 2]


@pytest.fixture(scope="module")
def stage() -> Stage:
    return Stage("woman-3.jpg")


def follow(frames):
    analyser = EmbeddedAnalyser()
    memory = analyser.open_clip()
    return [analyser.find(frame, memory) for frame in frames]


def test_a_face_at_rest_is_held_still(stage):
    matrix = stage.matrix(200)
    seen = follow(stage.frame(matrix, seed) for seed in range(25))
    assert [len(faces) for faces in seen] == [1] * 25
    assert {faces[0].track for faces in seen} == {0}
    points = np.stack([faces[0].landmarks for faces in seen])[8:] / stage.camera.scale
    assert np.diff(points, axis=0).std(0).mean() < 0.003
    assert np.linalg.norm(points[-1] - stage.truth(matrix) / stage.camera.scale, axis=1).mean() < 0.015


@pytest.mark.parametrize("motion", ["sideways", "zoom", "roll"])
def test_moving_faces_are_followed_without_lag(stage, motion):
    def place(number: int) -> np.ndarray:
        swing = np.sin(number * 2 * np.pi / 16)
        if motion == "sideways":
            return stage.matrix(200 + 0.8 * stage.camera.scale * swing)
        return stage.matrix(200, scale=1 + 0.2 * swing) if motion == "zoom" else stage.matrix(200, roll=25 * swing)

    places = [place(number) for number in range(24)]
    seen = follow(stage.frame(matrix, number) for number, matrix in enumerate(places))
    for matrix, faces in zip(places, seen, strict=True):
        (face,) = faces
        assert face.track == 0
        assert np.linalg.norm(face.landmarks - stage.truth(matrix), axis=1).mean() < 0.03 * stage.camera.scale


def test_a_face_that_left_is_dropped_at_once_and_found_again(stage):
    matrix = stage.matrix(200)
    seen = follow(stage.frame(None if 5 <= number < 10 else matrix, number) for number in range(16))
    counts = [len(faces) for faces in seen]
    assert counts[:5] == [1] * 5
    assert counts[5:10] == [0] * 5
    assert counts[13:] == [1] * 3


def test_a_face_that_slides_out_leaves_no_ghost(stage):
    places = [stage.matrix(200 + 25 * number) for number in range(14)]
    seen = follow(stage.frame(matrix, number) for number, matrix in enumerate(places))
    assert len(seen[0]) == 1
    for matrix, faces in zip(places, seen, strict=True):
        if matrix[0, 2] + stage.camera.offset[0] > 420 + stage.camera.scale:
            assert faces == []


def test_a_second_face_is_found_within_a_few_frames(stage):
    other = Stage("man-1.jpg")
    half = stage.frame(stage.matrix(110, scale=0.8))
    both = other.frame(other.matrix(330, scale=0.45), over=half)
    seen = follow([half] * 6 + [both] * 14)
    assert [len(faces) for faces in seen[:6]] == [1] * 6
    assert [len(faces) for faces in seen[-4:]] == [2] * 4
    assert [face.track for face in seen[-1]] == [0, 1]


def test_a_cut_begins_new_tracks(stage):
    other = Stage("man-1.jpg")
    one = stage.frame(stage.matrix(120, scale=0.8))
    another = other.frame(other.matrix(290, scale=0.9), ground=20)
    seen = follow([one] * 4 + [another] * 3)
    assert [[face.track for face in faces] for faces in seen] == [[0]] * 4 + [[1]] * 3
    assert seen[4][0].landmarks == pytest.approx(EmbeddedAnalyser().find(another)[0].landmarks, abs=1.0)


def test_same_clip_same_faces(stage):
    frames = [stage.frame(stage.matrix(200 + 4 * number), number) for number in range(8)]
    for one, other in zip(follow(frames), follow(frames), strict=True):
        assert np.array_equal(one[0].landmarks, other[0].landmarks)


def test_clips_do_not_share_memory(stage):
    analyser = EmbeddedAnalyser()
    first, second = analyser.open_clip(), analyser.open_clip()
    frame = stage.frame(stage.matrix(200))
    assert analyser.find(frame, first)[0].track == analyser.find(frame, second)[0].track == 0
    assert len(second.tracks) == 1


def test_cut_is_told_from_motion_and_from_a_flash():
    rng = np.random.default_rng(5)
    scene, other = (cv2.resize(rng.uniform(0, 255, (6, 6)).astype(np.float32), (24, 24)) for _ in range(2))
    assert is_cut(scene, other)
    assert not is_cut(scene, np.roll(scene, 1, axis=1))
    assert not is_cut(scene, np.clip(scene + 40, 0, 255))
    assert not is_cut(scene, scene)


def test_one_euro_holds_still_and_follows():
    rng = np.random.default_rng(2)
    rest = OneEuro(rest=0.3, gain=12.0, noise=0.012)
    held = np.array([rest(rng.normal(0, 0.003, (5, 2))) for _ in range(80)])[20:]
    assert held.std(0).mean() < 0.0017
    step = OneEuro(rest=0.3, gain=12.0, noise=0.012)
    step(np.zeros((1, 2)))
    assert np.linalg.norm(step(np.ones((1, 2))) - 1) < 0.05


def test_first_frame_is_not_changed_by_the_smoother(stage):
    points = stage.face.landmarks
    assert LandmarkSmoother()(points, fit_camera(points)) == pytest.approx(points)
