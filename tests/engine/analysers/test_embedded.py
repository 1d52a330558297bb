"""What the embedded analyser finds in stills, and how it describes faces."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceswap_cli.engine.analysers.embedded import EmbeddedAnalyser
from faceswap_cli.engine.parts import Analyser
from faceswap_cli.faces.face import Gender
from faceswap_cli.faces.landmarks68 import LEFT_EYE, RIGHT_EYE
from faceswap_cli.image import Image

SHARED = Path(__file__).parents[3] / ".." / "shared" / "media" / "faces"


def read(path: Path) -> Image:
    return np.ascontiguousarray(cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1])


@pytest.fixture(scope="module")
def analyser() -> Analyser:
    return EmbeddedAnalyser()


@pytest.fixture(scope="module")
def portrait() -> Image:
    return read(Path(__file__).parents[3] / "assets" / "woman-3.jpg")


@pytest.fixture(scope="module")
def face(analyser, portrait):
    (found,) = analyser.find(portrait)
    return found


def test_one_portrait(portrait, face):
    assert face.score > 1
    assert face.spread < 0.02
    assert face.landmarks.shape == (68, 2)
    assert face.landmarks.dtype == np.float64
    assert face.warnings == ()
    assert face.track is None
    assert max(map(abs, face.pose)) < 10
    assert face.box.x1 <= face.landmarks[:, 0].min()
    assert face.box.y2 >= face.landmarks[:, 1].max()
    assert face.box.y1 < face.landmarks[17:27, 1].min() - 0.2 * face.box.height


def test_every_face_of_the_group(analyser, assets):
    faces = analyser.find(read(assets / "group.jpg"))
    assert len(faces) == 6
    assert [one.score for one in faces] == sorted((one.score for one in faces), reverse=True)


@pytest.mark.parametrize("degrees", [-135, -90, -45, 20, 90, 180])
def test_turned_pictures(analyser, portrait, face, degrees):
    matrix = cv2.getRotationMatrix2D((320, 400), -degrees, 0.6)
    turned = cv2.warpAffine(portrait, matrix, (640, 800), borderMode=cv2.BORDER_REPLICATE)
    (found,) = analyser.find(turned)
    assert found.pose.roll == pytest.approx((face.pose.roll + degrees + 180) % 360 - 180, abs=5) or degrees == 180
    expected = face.landmarks @ matrix[:, :2].T + matrix[:, 2]
    unit = 0.6 * np.linalg.norm(face.landmarks[LEFT_EYE].mean(0) - face.landmarks[RIGHT_EYE].mean(0))
    assert np.linalg.norm(found.landmarks - expected, axis=1).mean() < 0.04 * unit


@pytest.mark.parametrize("width", [16, 30, 600])
def test_sizes(analyser, portrait, face, width):
    scale = width / face.box.width
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    small = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=way)
    picture = np.full((max(300, small.shape[0]), max(500, small.shape[1]), 3), 120, np.uint8)
    picture[:small.shape[0], -small.shape[1]:] = small
    (found,) = analyser.find(picture)
    assert found.box.width == pytest.approx(width, rel=0.15)


def test_small_faces_are_warned_about(analyser, portrait, face):
    small = cv2.resize(portrait, None, fx=18 / face.box.width, fy=18 / face.box.width, interpolation=cv2.INTER_AREA)
    (found,) = analyser.find(cv2.copyMakeBorder(small, 60, 60, 60, 60, cv2.BORDER_REPLICATE))
    assert any("face small" in text for text in found.warnings)


def test_a_face_at_the_end_of_a_long_strip(analyser, portrait):
    strip = np.full((200, 4000, 3), 90, np.uint8)
    small = cv2.resize(portrait, (160, 200), interpolation=cv2.INTER_AREA)
    strip[:, -160:] = small
    (found,) = analyser.find(strip)
    assert found.box.x1 > 3840


@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (1, 3000), (2000, 5), (60, 61)])
def test_odd_shapes_have_no_face(analyser, shape):
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert analyser.find(noise) == []
    memory = analyser.open_clip()
    assert analyser.find(noise, memory) == analyser.find(noise, memory) == []


def test_no_face_where_there_is_none(analyser):
    y, x = np.mgrid[:300, :400]
    checks = np.dstack([((x // 20 + y // 20) % 2 * 255).astype(np.uint8)] * 3)
    assert analyser.find(checks) == []


def test_same_picture_same_faces_and_left_unmodified(analyser, portrait, face):
    before = portrait.copy()
    (again,) = analyser.find(portrait)
    assert np.array_equal(again.landmarks, face.landmarks)
    assert again.score == face.score
    assert np.array_equal(before, portrait)


def test_describe(analyser, portrait, face):
    described = analyser.describe(portrait, face)
    assert described.embedding.shape == (128,)
    assert described.embedding.dtype == np.float32
    assert described.gender is Gender.FEMALE
    assert 0.65 < described.gender_probability <= 1
    assert described.box == face.box
    assert face.embedding is None


def test_same_person_nearer_than_another(analyser, assets, portrait, face):
    other_picture = read(assets / "man-1.jpg")
    other = analyser.describe(other_picture, analyser.find(other_picture)[0])
    one = analyser.describe(portrait, face)
    half = cv2.resize(portrait, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    same = analyser.describe(half, analyser.find(half)[0])
    assert np.linalg.norm(one.embedding - same.embedding) < 0.3
    assert np.linalg.norm(one.embedding - other.embedding) > 0.6
    assert other.gender is Gender.MALE


def test_threads_agree(analyser, portrait, face):
    def work(_: int) -> tuple[np.ndarray, np.ndarray]:
        (found,) = analyser.find(portrait)
        return found.landmarks, analyser.describe(portrait, found).embedding

    alone = analyser.describe(portrait, face).embedding
    with ThreadPoolExecutor(3) as pool:
        for landmarks, embedding in pool.map(work, range(3)):
            assert np.array_equal(landmarks, face.landmarks)
            assert np.array_equal(embedding, alone)


@pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared/media")
@pytest.mark.parametrize(("name", "count"), [
    ("derived__astronaut_rot45.png", 1), ("derived__astronaut_rot180.png", 1), ("derived__astronaut_rot270.png", 1),
    ("derived__tiny_face_1080p.png", 1), ("derived__wide_pano.jpg", 1), ("derived__group_12.jpg", 12),
])
def test_shared_pictures(analyser, name, count):
    faces = analyser.find(read(SHARED / name))
    assert len(faces) == count
    if name == "derived__wide_pano.jpg":
        assert faces[0].box.x1 > 7000
