"""SCRFD on graphs with known heads, and on the real one against insightface itself."""

import shutil
import socket
from pathlib import Path

import cv2
import numpy as np
import pytest
from refusals import refused

from faceswap_cli.engine.analysers.detectors.scrfd import ROUNDING, ScrfdDetector
from faceswap_cli.errors import ModelError
from faceswap_cli.options import RuntimeOptions
from faceswap_cli.runtime.session import SharedSession

from .graphs_detectors import OPEN, ScrfdHeads, constant_graph, echo_graph, open_input

SHARED = Path(__file__).parents[4] / ".." / "shared"
REAL = SHARED / "models" / "scrfd_2.5g_kps.onnx"
FACES = SHARED / "media" / "faces"

POINTS = [-1, -1, 1, -1, 0, 0, -0.5, 1, 0.5, 1]


def heads(batched: bool = True) -> ScrfdHeads:
    made = ScrfdHeads(160, batched)
    made.put(8, row=4, column=5, anchor=1, score=0.9, box=(2, 3, 2, 3), points=POINTS)  # around (40, 32)
    made.put(32, row=3, column=3, anchor=0, score=0.7, box=(0.5, 0.75, 1, 1), points=POINTS)  # around (96, 96)
    return made


def test_boxes_and_landmarks_lie_where_the_heads_put_them(tmp_path):
    detector = ScrfdDetector(constant_graph(tmp_path / "scrfd.onnx", heads().outputs()))
    first, second = detector.detect(np.zeros((320, 320, 3), np.uint8), 160, 0.5, False)
    # The picture is twice as large as the canvas.
    assert first.box == pytest.approx((48, 16, 112, 112))
    assert first.landmarks == pytest.approx(np.array([(64, 48), (96, 48), (80, 64), (72, 80), (88, 80)]))
    assert first.score == pytest.approx(0.9)
    assert second.box == pytest.approx((160, 144, 256, 256))
    assert second.landmarks[0] == pytest.approx([128, 128])


@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize("size", [OPEN, (160, 160)])
def test_tables_with_and_without_a_batch_and_inputs_open_and_fixed(tmp_path, batched, size):
    detector = ScrfdDetector(constant_graph(tmp_path / "scrfd.onnx", heads(batched).outputs(), size))
    assert [one.box.x1 for one in detector.detect(np.zeros((160, 160, 3), np.uint8), 160, 0.5, False)] == [24, 80]


def test_a_graph_without_landmarks_gives_boxes(tmp_path):
    detector = ScrfdDetector(constant_graph(tmp_path / "scrfd.onnx", heads().outputs(landmarks=False)))
    first, _ = detector.detect(np.zeros((160, 160, 3), np.uint8), 160, 0.5, False)
    assert first.box == pytest.approx((24, 8, 56, 56))
    assert first.landmarks is None


def test_weak_faces_and_doubles_are_left_out(tmp_path):
    made = heads()
    made.put(8, row=4, column=5, anchor=0, score=0.8, box=(2, 3, 2, 2.5), points=POINTS)  # 0.92 of the first one's box
    made.put(8, row=15, column=15, anchor=0, score=0.4, box=(2, 2, 2, 2), points=POINTS)
    detector = ScrfdDetector(constant_graph(tmp_path / "scrfd.onnx", made.outputs()))
    picture = np.zeros((160, 160, 3), np.uint8)
    assert [round(one.score, 3) for one in detector.detect(picture, 160, 0.5, False)] == [0.9, 0.7]
    assert [round(one.score, 3) for one in detector.detect(picture, 160, 0.3, False)] == [0.9, 0.7, 0.4]
    assert [round(one.score, 3) for one in detector.detect(picture, 160, 0.75, False)] == [0.9]


@pytest.mark.parametrize("side", [128, 320])
def test_a_fixed_input_serves_other_sizes(tmp_path, side):
    """Smaller: the picture takes a corner of the input; larger: all of it."""
    detector = ScrfdDetector(constant_graph(tmp_path / "scrfd.onnx", heads().outputs(), (160, 160)))
    scale = 160 / min(side, 160)
    first, _ = detector.detect(np.zeros((160, 160, 3), np.uint8), side, 0.5, False)
    assert first.box == pytest.approx(np.array([24, 8, 56, 56]) * scale)


def test_banners_are_not_distorted(tmp_path):
    """Insightface's one scale would put the box 19 pixels aside at the right end."""
    made = ScrfdHeads(640)
    made.put(8, row=6, column=79, anchor=0, score=0.9, box=(1, 1, 1, 1), points=POINTS)
    detector = ScrfdDetector(constant_graph(tmp_path / "scrfd.onnx", made.outputs()))
    (face,) = detector.detect(np.zeros((500, 3000, 3), np.uint8), 640, 0.5, False)
    assert (face.box.x1 + face.box.x2) / 2 == pytest.approx(632 / 640 * 3000, abs=0.01)
    assert ROUNDING < 19


def test_tables_that_do_not_fit_the_input_are_refused(tmp_path):
    detector = ScrfdDetector(constant_graph(tmp_path / "scrfd.onnx", heads().outputs()))
    with refused(ModelError, r"^scrfd does not give SCRFD's .* for an input of 192 x 192.*--detector"):
        detector.detect(np.zeros((64, 64, 3), np.uint8), 192, 0.5, False)


def test_other_graphs_are_refused(tmp_path):
    detector = ScrfdDetector(echo_graph(tmp_path / "other.onnx"))
    with refused(ModelError, r"^other is no SCRFD detector: it has 1 outputs .*--detector"):
        detector.detect(np.zeros((64, 64, 3), np.uint8), 160, 0.5, False)


@pytest.mark.parametrize("side", [640, 480])
def test_the_same_as_insightface(tmp_path, monkeypatch, side):
    """On all pictures and clips, with the input fixed at 640, and open."""
    if not REAL.exists():
        pytest.skip("../shared/models is not here")
    from insightface.app import FaceAnalysis

    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a connection was tried"))
    model = tmp_path / "det.onnx"
    shutil.copy(REAL, model) if side == 640 else open_input(REAL, model)
    oracle = FaceAnalysis(str(tmp_path), allowed_modules=["detection"], providers=["CPUExecutionProvider"])
    oracle.prepare(ctx_id=0, det_size=(side, side))
    detector = ScrfdDetector(SharedSession(model, RuntimeOptions(), name="scrfd"))
    compared = 0
    for path in sorted(FACES.iterdir()):
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR) if path.suffix in (".jpg", ".png") else first_frame(path)
        if picture is None:
            continue
        ours = detector.detect(np.ascontiguousarray(picture[..., ::-1]), side, 0.5, False)
        theirs = oracle.get(picture)
        assert len(ours) == len(theirs), path.name
        for one, other in zip(ours, theirs, strict=True):
            assert one.box == pytest.approx(other.bbox, abs=0.5), path.name
            assert one.landmarks == pytest.approx(other.kps, abs=0.5), path.name
            assert one.score == pytest.approx(other.det_score, abs=1e-4), path.name
        compared += len(ours)
    assert compared >= 45


def first_frame(path: Path) -> np.ndarray | None:
    if path.suffix not in (".gif", ".mp4", ".webm"):
        return None
    import av

    with av.open(str(path)) as container:
        return next(container.decode(video=0)).to_ndarray(format="bgr24")
