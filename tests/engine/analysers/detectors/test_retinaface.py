"""RetinaFace on graphs with known heads: priors and decoding computed by hand."""

import numpy as np
import pytest

from faceswap_cli.engine.analysers.detectors.retinaface import RetinaFaceDetector, prior_boxes
from faceswap_cli.errors import ModelError

from .graphs_detectors import OPEN, constant_graph, echo_graph, watch

SIDE = 128
ROWS = 2 * (16 * 16 + 8 * 8 + 4 * 4)


def row(step: int, down: int, across: int, number: int) -> int:
    """The row of a prior box, counted as the network's heads are joined: grids, cells, sides."""
    before = {8: 0, 16: 2 * 256, 32: 2 * 256 + 2 * 64}[step]
    return before + (down * (SIDE // step) + across) * 2 + number


class Heads:
    def __init__(self) -> None:
        self.boxes = np.zeros((1, ROWS, 4))
        self.scores = np.tile([1.0, 0.0], (1, ROWS, 1))
        self.points = np.zeros((1, ROWS, 10))

    def put(self, place: int, score: float, box=(0, 0, 0, 0), points=(0,) * 10) -> None:
        self.boxes[0, place], self.points[0, place] = box, points
        self.scores[0, place] = 1 - score, score

    def outputs(self) -> dict[str, np.ndarray]:
        return {"loc": self.boxes, "conf": self.scores, "landm": self.points}


def heads() -> Heads:
    made = Heads()
    # The prior around (60, 44) with a side of 32: its centre moves by 0.1 x 32 x (5, -2.5), width x e^0.2, height x 1.
    made.put(row(8, 5, 7, 1), 0.95, (5, -2.5, 1, 0), (-2.5, -2.5, 2.5, -2.5, 0, 0, -2.5, 5, 2.5, 5))
    # The prior around (48, 80) with a side of 256, as it is.
    made.put(row(32, 2, 1, 0), 0.6)
    return made


PICTURE = np.zeros((SIDE, SIDE, 3), np.uint8)


def test_boxes_and_landmarks_lie_where_the_heads_put_them(tmp_path):
    detector = RetinaFaceDetector(constant_graph(tmp_path / "retina.onnx", heads().outputs()))
    first, second = detector.detect(PICTURE, SIDE, 0.5, False)
    half = 16 * np.exp(0.2)
    assert first.box == pytest.approx((76 - half, 20, 76 + half, 52), abs=1e-4)
    assert first.landmarks == pytest.approx(np.array([(52, 36), (68, 36), (60, 44), (52, 60), (68, 60)]))
    assert first.score == pytest.approx(0.95)
    assert second.box == pytest.approx((48 - 128, 80 - 128, 48 + 128, 80 + 128))


def test_coordinates_are_those_of_the_picture(tmp_path):
    detector = RetinaFaceDetector(constant_graph(tmp_path / "retina.onnx", heads().outputs()))
    first, _ = detector.detect(np.zeros((384, 384, 3), np.uint8), SIDE, 0.5, False)
    assert first.landmarks[0] == pytest.approx([156, 108])
    assert (first.box.y1, first.box.y2) == pytest.approx((60, 156), abs=1e-3)


@pytest.mark.parametrize("order", [("loc", "conf", "landm"), ("landm", "loc", "conf"), ("conf", "landm", "loc")])
@pytest.mark.parametrize("size", [OPEN, (SIDE, SIDE)])
def test_outputs_are_told_by_their_shape(tmp_path, order, size):
    outputs = heads().outputs()
    shuffled = {f"x{number}": outputs[name] for number, name in enumerate(order)}
    detector = RetinaFaceDetector(constant_graph(tmp_path / "retina.onnx", shuffled, size))
    assert [round(one.score, 3) for one in detector.detect(PICTURE, SIDE, 0.5, False)] == [0.95, 0.6]


def test_scores_before_the_softmax(tmp_path):
    outputs = heads().outputs()
    outputs["conf"] = np.log(np.clip(outputs["conf"], 1e-6, 1)) + 3
    detector = RetinaFaceDetector(constant_graph(tmp_path / "retina.onnx", outputs))
    assert [round(one.score, 3) for one in detector.detect(PICTURE, SIDE, 0.5, False)] == [0.95, 0.6]


def test_doubles_are_left_out(tmp_path):
    made = heads()
    made.put(row(32, 2, 1, 1), 0.55, (0, 0, 5 * np.log(0.6), 5 * np.log(0.6)))  # 307 wide around the 256 of the second
    made.put(row(8, 12, 12, 0), 0.52)
    detector = RetinaFaceDetector(constant_graph(tmp_path / "retina.onnx", made.outputs()))
    assert [round(one.score, 3) for one in detector.detect(PICTURE, SIDE, 0.5, False)] == [0.95, 0.6, 0.52]


def test_priors_of_an_input_that_is_not_square():
    priors = prior_boxes(64, 96)
    assert len(priors) == 2 * (8 * 12 + 4 * 6 + 2 * 3)
    assert priors[:2].tolist() == [[4, 4, 16, 16], [4, 4, 32, 32]]
    assert priors[2].tolist() == [12, 4, 16, 16]
    assert priors[-1].tolist() == [48, 80, 512, 512]


def test_the_network_sees_bgr_without_its_mean(tmp_path, monkeypatch):
    session = echo_graph(tmp_path / "echo.onnx")
    detector = RetinaFaceDetector(session)
    seen = watch(session, monkeypatch)
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[:] = 200, 100, 50
    with pytest.raises(ModelError, match="echo does not give RetinaFace's"):
        detector.detect(picture, SIDE, 0.5, False)
    assert seen[0].shape == (1, 3, 96, 128)  # 128 x 85, rounded up
    assert seen[0][0, :, 10, 10].tolist() == [50 - 104, 100 - 117, 200 - 123]
    assert not seen[0][0, :, 86:].any()
