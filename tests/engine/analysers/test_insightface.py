"""The neural analyser's records: embedding, gender, age, pose and warnings, against insightface where it can tell."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from heads import mean_face, portrait
from onnx import TensorProto, helper, numpy_helper

from faceswap_cli.engine.analysers.detectors.scrfd import ScrfdDetector
from faceswap_cli.engine.analysers.insightface import InsightFaceAnalyser, build_face
from faceswap_cli.errors import ModelError
from faceswap_cli.faces.face import Box, Gender
from faceswap_cli.faces.five_points import fit_five
from faceswap_cli.faces.pose import fit_camera
from faceswap_cli.faces.templates import five_points
from faceswap_cli.options import DetectorOptions, RuntimeOptions
from faceswap_cli.runtime.session import SharedSession

from .detectors.graphs_detectors import ScrfdHeads, Size, constant_graph, save
from .marked_faces import MarkDetector, marks, scene

REAL = Path(__file__).parents[3] / ".." / "shared" / "models" / "scrfd_2.5g_kps.onnx"
MAN = "man-2"


def network(path: Path, side: int, numbers: int, *, normalised: bool, size: Size | None = None) -> SharedSession:
    """A network with random weights: average pooling, one layer.

    Args:
        path: Of the file.
        side: Of its input.
        numbers: How many it says.
        normalised: Whether it begins with subtraction and scaling, as insightface expects of those that take plain
            pixels.
        size: Of the input as the graph declares it, if not `side`.
    """
    rng = np.random.default_rng(7)
    weights = rng.normal(0, 0.5, (3 * 16 * 16, numbers)).astype(np.float32)
    nodes, last = [], "input"
    kept = [numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(np.full(numbers, 2, np.float32), "bias")]
    if normalised:
        kept += [numpy_helper.from_array(np.array(127.5, np.float32), "mean"),
                 numpy_helper.from_array(np.array(1 / 128, np.float32), "part")]
        nodes += [helper.make_node("Sub", ["input", "mean"], ["centred"], name="Sub_0"),
                  helper.make_node("Mul", ["centred", "part"], ["scaled"], name="Mul_1")]
        last = "scaled"
    pool = side // 16
    nodes += [helper.make_node("AveragePool", [last], ["pooled"], kernel_shape=[pool, pool], strides=[pool, pool]),
              helper.make_node("Flatten", ["pooled"], ["flat"]),
              helper.make_node("MatMul", ["flat", "weights"], ["product"]),
              helper.make_node("Add", ["product", "bias"], ["said"])]
    output = helper.make_tensor_value_info("said", TensorProto.FLOAT, (1, numbers))
    return save(path, nodes, [output], size or (side, side), kept)


def constant(path: Path, numbers: list[float]) -> SharedSession:
    value = numpy_helper.from_array(np.array([numbers], np.float32))
    return save(path, [helper.make_node("Constant", [], ["said"], value=value)],
                [helper.make_tensor_value_info("said", TensorProto.FLOAT, (1, len(numbers)))], (96, 96))


def analyser(recogniser=None, attributes=None, detector=None) -> InsightFaceAnalyser:
    return InsightFaceAnalyser(detector or MarkDetector(), recogniser, attributes, DetectorOptions())


def known_face(name: str = MAN):
    """A portrait and its face as this analyser would have found it."""
    pixels, face = portrait(name).pixels, portrait(name).face
    return pixels, build_face(five_points(face.landmarks), face.box, 0.9)


def test_find_gives_five_landmarks_pose_and_the_box_of_the_detector():
    points = marks(300, 200, 60, 10)
    (face,) = analyser().find(scene(640, 480, points))
    assert face.landmarks.shape == (5, 2) and face.landmarks.dtype == np.float64
    assert face.landmarks == pytest.approx(points, abs=0.5)
    assert face.box.width == pytest.approx(132, abs=2)
    assert face.pose.roll == pytest.approx(10, abs=2)
    assert face.pose.yaw == pytest.approx(0, abs=2)
    assert (face.score, face.warnings, face.track, face.gender, face.embedding) == (0.9, (), None, None, None)


def test_the_size_and_score_asked_for_are_used():
    detector = MarkDetector()
    neural = InsightFaceAnalyser(detector, None, None, DetectorOptions(size=320, score=0.7))
    neural.find(scene(640, 480, marks(300, 200, 60)))
    assert detector.asked == [(320, 0.7, False)]


def test_small_and_turned_faces_are_warned_of():
    small, = analyser().find(scene(320, 240, marks(160, 120, 11)))
    assert small.warnings == ("face small: 11 px between the eyes",)
    turned = build_face(five_points(mean_face(yaw=50)), Box(0, 0, 1, 1), 0.9)
    (warning,) = turned.warnings
    assert warning.startswith("head turned") and warning.endswith("to the right")


@pytest.mark.parametrize(("yaw", "pitch", "roll"), [(0, 0, 0), (30, 0, 0), (-45, 10, 20), (10, -15, -60), (0, 15, 150)])
def test_pose_of_five_points_of_the_mean_face(yaw, pitch, roll):
    pose = fit_five(five_points(mean_face(yaw=yaw, pitch=pitch, roll=roll))).pose
    assert pose.yaw == pytest.approx(yaw, abs=4)
    assert pose.pitch == pytest.approx(pitch, abs=8)
    assert pose.roll == pytest.approx(roll, abs=4)


@pytest.mark.parametrize("name", ["man-1", "man-3", "woman-2", "woman-4"])
def test_pose_of_portraits_is_that_of_68_landmarks(name):
    points = portrait(name).face.landmarks
    five, full = fit_five(five_points(points)), fit_camera(points)
    assert five.pose.yaw == pytest.approx(full.pose.yaw, abs=3)
    assert five.pose.pitch == pytest.approx(full.pose.pitch, abs=10)
    assert five.pose.roll == pytest.approx(full.pose.roll, abs=2)
    assert five.scale == pytest.approx(full.scale, rel=0.05)


@pytest.mark.filterwarnings("ignore:.estimate. is deprecated:FutureWarning")
def test_the_embedding_is_that_of_insightface(tmp_path):
    from insightface.app.common import Face as TheirFace
    from insightface.model_zoo.arcface_onnx import ArcFaceONNX

    session = network(tmp_path / "arcface.onnx", 112, 512, normalised=False)
    pixels, face = known_face()
    embedding = analyser(recogniser=session).embed(pixels, face).embedding
    oracle = ArcFaceONNX(str(tmp_path / "arcface.onnx"), session.get(False))
    theirs = TheirFace(kps=face.landmarks.astype(np.float32))
    oracle.get(np.ascontiguousarray(pixels[..., ::-1]), theirs)
    assert embedding.dtype == np.float32 and embedding.shape == (512,)
    assert np.linalg.norm(embedding) == pytest.approx(1, abs=1e-6)
    assert embedding == pytest.approx(theirs.normed_embedding, abs=1e-5)


@pytest.mark.parametrize("name", [MAN, "woman-1"])
def test_gender_and_age_are_those_of_insightface(tmp_path, name):
    from insightface.app.common import Face as TheirFace
    from insightface.model_zoo.attribute import Attribute

    session = network(tmp_path / "genderage.onnx", 96, 3, normalised=True)
    pixels, face = known_face(name)
    oracle = Attribute(str(tmp_path / "genderage.onnx"), session.get(False))
    assert (oracle.input_mean, oracle.input_std) == (0.0, 1.0)
    theirs = TheirFace(bbox=np.array(face.box))
    gender, age = oracle.get(np.ascontiguousarray(pixels[..., ::-1]), theirs)
    ours = analyser(attributes=session).describe(pixels, face)
    likelier = Gender.FEMALE if gender == 0 else Gender.MALE
    assert ours.gender is likelier
    assert ours.age == age > 0


@pytest.mark.parametrize(("logits", "gender", "probability"), [
    ((2.0, 0.0), Gender.FEMALE, 1 / (1 + np.exp(-2.0))), ((-1.0, 3.0), Gender.MALE, 1 / (1 + np.exp(-4.0))),
    ((0.3, 0.0), Gender.UNKNOWN, 1 / (1 + np.exp(-0.3))), ((0.0, 0.3), Gender.UNKNOWN, 1 / (1 + np.exp(0.3))),
    ((0.0, 900.0), Gender.MALE, 1.0)])
def test_gender_is_told_when_it_is_sure(tmp_path, logits, gender, probability):
    session = constant(tmp_path / "genderage.onnx", [*logits, 0.314])
    pixels, face = known_face()
    described = analyser(attributes=session).describe(pixels, face)
    assert described.gender is gender
    assert described.gender_probability == pytest.approx(probability)
    assert described.age == 31
    assert described.landmarks is face.landmarks and described.embedding is None


def test_without_its_model_the_gender_is_unknown():
    pixels, face = known_face()
    described = analyser().describe(pixels, face)
    assert (described.gender, described.gender_probability, described.age) == (Gender.UNKNOWN, None, None)


def test_without_its_model_an_embedding_is_an_error_that_says_how_to_get_it():
    with pytest.raises(ModelError, match="faceswap models pull"):
        analyser().embed(*known_face())


def test_models_of_another_kind_are_refused(tmp_path):
    session = constant(tmp_path / "other.onnx", [1.0, 2.0])
    with pytest.raises(ModelError, match="other gives 2 numbers for a face and not 512"):
        analyser(recogniser=session).embed(*known_face())
    with pytest.raises(ModelError, match="other gives 2 numbers for a face and not 3"):
        analyser(attributes=session).describe(*known_face())


def test_open_input_sizes_are_given_the_usual_one(tmp_path):
    session = network(tmp_path / "arcface.onnx", 112, 512, normalised=False, size=("height", "width"))
    fixed = network(tmp_path / "fixed.onnx", 112, 512, normalised=False)
    ours, same = (analyser(recogniser=one).embed(*known_face()).embedding for one in (session, fixed))
    assert ours == pytest.approx(same)


def test_only_what_is_used_is_opened(tmp_path):
    missing = SharedSession(tmp_path / "nothing.onnx", RuntimeOptions(), name="nothing")
    (face,) = analyser(missing, missing).find(scene(640, 480, marks(300, 200, 60)))
    assert face.score == 0.9


def test_frames_of_a_clip_are_run_on_one_thread(tmp_path):
    session = network(tmp_path / "arcface.onnx", 112, 512, normalised=False)
    asked = []
    get = session.get
    session.get = lambda clip=False: asked.append(clip) or get(clip)
    neural = analyser(recogniser=session)
    frame = scene(640, 480, marks(300, 200, 60))
    neural.embed(frame, neural.find(frame)[0])
    neural.embed(frame, neural.find(frame, neural.open_clip())[0])
    assert asked == [False, True]


def test_libraries_keep_silent(tmp_path):
    """Also insightface and ONNX Runtime, which are loaded here for the first time, and with all warnings shown."""
    constant_graph(tmp_path / "scrfd.onnx", ScrfdHeads(128).outputs(), (128, 128))
    network(tmp_path / "arcface.onnx", 112, 512, normalised=False)
    constant(tmp_path / "genderage.onnx", [1.0, 0.0, 0.3])
    program = """
import sys
from pathlib import Path
import numpy as np
from faceswap_cli.engine.analysers.detectors.scrfd import ScrfdDetector
from faceswap_cli.engine.analysers.insightface import InsightFaceAnalyser, build_face
from faceswap_cli.faces.face import Box
from faceswap_cli.options import DetectorOptions, RuntimeOptions
from faceswap_cli.runtime.session import SharedSession

detector, recogniser, attributes = (SharedSession(Path(path), RuntimeOptions(), name=path) for path in sys.argv[1:])
neural = InsightFaceAnalyser(ScrfdDetector(detector), recogniser, attributes, DetectorOptions(size=128))
picture = np.zeros((64, 64, 3), np.uint8)
assert neural.find(picture) == []
face = build_face(np.array([(20., 20), (40, 20), (30, 30), (22, 40), (38, 40)]), Box(10, 10, 50, 50), 0.9)
assert neural.describe(picture, neural.embed(picture, face)).age == 30
"""
    files = [str(tmp_path / f"{name}.onnx") for name in ("scrfd", "arcface", "genderage")]
    run = subprocess.run([sys.executable, "-W", "default", "-c", program, *files], capture_output=True, text=True,
                         check=False)
    assert run.stdout == ""
    assert run.stderr == ""
    assert run.returncode == 0


def test_real_portraits():
    if not REAL.exists():
        pytest.skip("../shared/models is not here")
    neural = analyser(detector=ScrfdDetector(SharedSession(REAL, RuntimeOptions(), name="scrfd")))
    for name in ("man-1", "woman-3"):
        shown = portrait(name)
        (face,) = neural.find(shown.pixels)
        unit = fit_camera(shown.face.landmarks).scale
        assert np.linalg.norm(face.landmarks - five_points(shown.face.landmarks), axis=1).max() < 0.15 * unit
        assert face.pose.yaw == pytest.approx(shown.face.pose.yaw, abs=10)
        assert face.warnings == ()
    group = cv2.cvtColor(cv2.imread(str(Path(__file__).parents[3] / "assets" / "group.jpg")), cv2.COLOR_BGR2RGB)
    assert len(neural.find(group)) == 6
