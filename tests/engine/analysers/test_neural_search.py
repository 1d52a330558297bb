"""What a still is searched for when the first look finds nothing, or finds faces that lean."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from refusals import refused

from faceswap_cli.engine.analysers.detectors.scrfd import ScrfdDetector
from faceswap_cli.engine.analysers.neural_look import camera_of
from faceswap_cli.engine.analysers.neural_search import detect, search
from faceswap_cli.errors import ModelError
from faceswap_cli.options import RuntimeOptions
from faceswap_cli.runtime.session import SharedSession

from .detectors.graphs_detectors import ScrfdHeads, constant_graph
from .marked_faces import MarkDetector, marks, scene

PROJECT = Path(__file__).parents[3]
REAL = PROJECT / ".." / "shared" / "models" / "scrfd_2.5g_kps.onnx"


def sides(detector: MarkDetector) -> list[int]:
    return [side for side, _, _ in detector.asked]


def test_a_face_that_is_seen_costs_one_look():
    detector, points = MarkDetector(), marks(300, 200, 60)
    (face,) = search(detector, scene(640, 480, points), 640, 0.5)
    assert face.landmarks == pytest.approx(points, abs=0.5)
    assert detector.asked == [(640, 0.5, False)]


def test_a_face_that_fills_the_picture_is_found_at_half_the_size():
    detector, points = MarkDetector(), marks(300, 220, 150)
    (face,) = search(detector, scene(640, 480, points), 640, 0.5)
    assert face.landmarks == pytest.approx(points, abs=1)
    assert sides(detector) == [640, 320]


@pytest.mark.parametrize("roll", [90, -90, 180, 140, -120])
def test_turned_faces_are_found_and_their_landmarks_are_right(roll):
    points = marks(360, 250, 60, roll)
    (face,) = search(MarkDetector(), scene(640, 480, points), 640, 0.5)
    assert face.landmarks == pytest.approx(points, abs=1)
    x, y = points.mean(0)
    assert face.box.x1 < x < face.box.x2 and face.box.y1 < y < face.box.y2


@pytest.mark.parametrize(("width", "height", "x", "y", "size"), [
    (1920, 1080, 1500, 300, 20), (1920, 1080, 30, 1050, 16), (8000, 400, 7800, 200, 40), (500, 6000, 250, 40, 40)])
def test_small_faces_are_found_in_tiles(width, height, x, y, size):
    points = marks(x, y, size)
    (face,) = search(MarkDetector(), scene(width, height, points), 640, 0.5)
    assert face.landmarks == pytest.approx(points, abs=1)


def test_a_picture_without_a_face_has_none():
    detector = MarkDetector()
    assert search(detector, scene(640, 480), 640, 0.5) == []
    assert all(score == pytest.approx(0.6) for _, score, _ in detector.asked[1:])


def test_without_thoroughness_there_is_one_look():
    detector = MarkDetector()
    assert detect(detector, scene(640, 480, marks(300, 220, 150)), 640, 0.5, clip=True, thorough=False) == []
    assert detector.asked == [(640, 0.5, True)]


def test_landmarks_of_leaning_faces_come_from_an_upright_look():
    detector, points = MarkDetector(), marks(300, 220, 50, 45)
    detector.bias = 0.3
    (face,) = search(detector, scene(640, 480, points, marks(500, 150, 40)), 640, 0.5)[1:]
    (leaning,) = (one for one in search(detector, scene(640, 480, points), 640, 0.5))
    assert leaning.landmarks == pytest.approx(points, abs=1)
    assert leaning.score == pytest.approx(0.9)
    assert face.score == pytest.approx(0.9)


def test_two_faces_stay_two():
    one, other = marks(200, 220, 50, 40), marks(420, 220, 50, -40)
    assert len(search(MarkDetector(), scene(640, 480, one, other), 640, 0.5)) == 2


def test_a_detector_without_landmarks_is_refused():
    with refused(ModelError, r"^marks finds no landmarks.*--detector"):
        search(MarkDetector(landmarks=False), scene(640, 480, marks(300, 200, 60)), 640, 0.5)


@pytest.mark.parametrize("points", [[0] * 10, [float("nan")] * 10, [float("inf")] * 10])
def test_landmarks_that_are_none_are_no_face(tmp_path, points):
    heads = ScrfdHeads(160)
    heads.put(8, 4, 5, 0, 0.9, (2, 3, 2, 3), points)
    detector = ScrfdDetector(constant_graph(tmp_path / "broken.onnx", heads.outputs()))
    assert detect(detector, np.zeros((160, 160, 3), np.uint8), 160, 0.5, clip=False, thorough=False) == []


@pytest.mark.parametrize("roll", [45, 90, 180])
def test_real_faces_that_lean(roll):
    """As found at first, landmarks of this face at 90 degrees are 0.4 inter-ocular distances off."""
    if not REAL.exists():
        pytest.skip("../shared/models is not here")
    detector = ScrfdDetector(SharedSession(REAL, RuntimeOptions(), name="scrfd"))
    picture = cv2.cvtColor(cv2.imread(str(PROJECT / "assets" / "woman-3.jpg")), cv2.COLOR_BGR2RGB)
    (upright,) = detector.detect(picture, 640, 0.5, False)
    height, width = picture.shape[:2]
    reach = round(float(np.hypot(height, width)))
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -roll, 1)
    matrix[:, 2] += [(reach - width) / 2, (reach - height) / 2]
    (face,) = search(detector, cv2.warpAffine(picture, matrix, (reach, reach)), 640, 0.5)
    expected = upright.landmarks @ matrix[:, :2].T + matrix[:, 2]
    assert np.linalg.norm(face.landmarks - expected, axis=1).mean() < 0.08 * camera_of(upright).scale
