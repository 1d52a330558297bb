"""YOLOv5-face on graphs with known rows and known heads."""

import numpy as np
import pytest

from faceswap_cli.engine.analysers.detectors.yolov5_face import Yolov5FaceDetector
from faceswap_cli.errors import ModelError

from .graphs_detectors import OPEN, constant_graph, echo_graph, watch

PICTURE = np.zeros((160, 160, 3), np.uint8)
LANDMARKS = [50, 60, 70, 60, 60, 70, 52, 80, 68, 80]


def rows(*faces) -> dict[str, np.ndarray]:
    table = np.zeros((1, 300, 16))
    for number, (box, thing, face) in enumerate(faces):
        table[0, 7 * number] = [*box, thing, *LANDMARKS, face]
    return {"output": table}


def logit(share: float) -> float:
    return float(np.log(share / (1 - share)))


@pytest.mark.parametrize("size", [OPEN, (160, 160)])
def test_rows_are_read(tmp_path, size):
    table = rows(((60, 70, 40, 50), 0.9, 0.8), ((130, 30, 20, 20), 0.6, 0.9))
    graph = constant_graph(tmp_path / "yolo.onnx", table, size)
    first, second = Yolov5FaceDetector(graph).detect(PICTURE, 160, 0.5, False)
    assert first.box == pytest.approx((40, 45, 80, 95))
    assert first.score == pytest.approx(0.72)
    assert first.landmarks == pytest.approx(np.reshape(LANDMARKS, (5, 2)))
    assert second.box == pytest.approx((120, 20, 140, 40))
    assert second.score == pytest.approx(0.54)


def test_coordinates_are_those_of_the_picture(tmp_path):
    graph = constant_graph(tmp_path / "yolo.onnx", rows(((60, 70, 40, 50), 0.9, 0.9)))
    (face,) = Yolov5FaceDetector(graph).detect(np.zeros((320, 480, 3), np.uint8), 160, 0.5, False)
    assert face.box == pytest.approx((120, 45 * 320 / 106, 240, 95 * 320 / 106))


def test_weak_rows_and_doubles_are_left_out(tmp_path):
    graph = constant_graph(tmp_path / "yolo.onnx", rows(
        ((60, 70, 40, 50), 0.9, 0.9), ((62, 70, 40, 50), 0.95, 0.9), ((130, 30, 20, 20), 0.7, 0.7)))
    (face,) = Yolov5FaceDetector(graph).detect(PICTURE, 160, 0.5, False)
    assert face.box.x1 == pytest.approx(42)


@pytest.mark.parametrize("joined", [True, False])
def test_heads_are_decoded(tmp_path, joined):
    """The cell in row 3, column 6 of the grid with steps of 16, with its second anchor: 43 x 55."""
    heads = {step: np.full((1, 3, 160 // step, 160 // step, 16), -20.0) for step in (8, 16, 32)}
    heads[16][0, 1, 3, 6] = [logit(0.75), logit(0.5), logit(0.6), logit(0.5), logit(0.9),
                             -1, -0.5, 1, -0.5, 0, 0, -0.5, 0.5, 0.5, 0.5, logit(0.8)]
    if joined:
        heads = {step: head.transpose(0, 1, 4, 2, 3).reshape(1, 48, *head.shape[2:4]) for step, head in heads.items()}
    outputs = {f"head{step}": head for step, head in heads.items()}
    (face,) = Yolov5FaceDetector(constant_graph(tmp_path / "yolo.onnx", outputs)).detect(PICTURE, 160, 0.5, False)
    x, y = (2 * 0.75 - 0.5 + 6) * 16, (2 * 0.5 - 0.5 + 3) * 16
    width, height = (2 * 0.6) ** 2 * 43, (2 * 0.5) ** 2 * 55
    assert face.box == pytest.approx((x - width / 2, y - height / 2, x + width / 2, y + height / 2), abs=1e-3)
    assert face.score == pytest.approx(0.72, abs=1e-4)
    expected = [(96 - 43, 48 - 27.5), (96 + 43, 48 - 27.5), (96, 48), (96 - 21.5, 48 + 27.5), (96 + 21.5, 48 + 27.5)]
    assert face.landmarks == pytest.approx(np.array(expected), abs=1e-3)


def test_the_network_sees_rgb_from_0_to_1(tmp_path, monkeypatch):
    session = echo_graph(tmp_path / "echo.onnx")
    seen = watch(session, monkeypatch)
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[:] = 255, 51, 0
    with pytest.raises(ModelError, match="echo does not give YOLOv5-face's"):
        Yolov5FaceDetector(session).detect(picture, 128, 0.5, False)
    assert seen[0].shape == (1, 3, 96, 128)
    assert seen[0][0, :, 10, 10] == pytest.approx([1, 0.2, 0])
    assert seen[0][0, 0, 95, 0] == pytest.approx(114 / 255)
