"""Each face is told once."""

import numpy as np
import pytest
from refusals import refused

from faceswap_cli.engine.analysers.detectors.boxes import distinct, shared_part
from faceswap_cli.engine.registry import detector_for
from faceswap_cli.errors import ModelError
from faceswap_cli.models.spec import Family

from .graphs_detectors import ScrfdHeads, constant_graph


def test_shared_part_of_boxes():
    box = np.array([0.0, 0, 10, 10])
    others = np.array([[0.0, 0, 10, 10], [5, 0, 15, 10], [10, 0, 20, 10], [2, 2, 4, 4], [3, 3, 3, 3]])
    assert shared_part(box, others) == pytest.approx([1, 1 / 3, 0, 0.04, 0])


def test_of_overlapping_boxes_the_best_stays():
    boxes = np.array([[0.0, 0, 10, 10], [1, 0, 11, 10], [2, 0, 12, 10], [7, 0, 17, 10]])
    assert distinct(boxes, np.array([0.6, 0.9, 0.7, 0.8])) == [1, 3]
    assert distinct(boxes, np.array([0.9, 0.9, 0.9, 0.9])) == [0, 3]
    assert distinct(np.empty((0, 4)), np.empty(0)) == []


def test_what_lies_between_two_faces_hides_neither():
    boxes = np.array([[0.0, 0, 10, 10], [3, 0, 13, 10], [7, 0, 17, 10]])
    assert distinct(boxes, np.array([0.9, 0.8, 0.7])) == [0, 2]


@pytest.mark.parametrize("family", [Family.SCRFD, Family.RETINAFACE, Family.YOLOV5_FACE])
def test_every_family_has_its_detector(tmp_path, family):
    session = constant_graph(tmp_path / "model.onnx", ScrfdHeads(64).outputs())
    assert detector_for(family, session).name == "model"


def test_other_families_find_no_faces(tmp_path):
    session = constant_graph(tmp_path / "model.onnx", ScrfdHeads(64).outputs())
    with refused(ModelError, r"model finds no faces.*--detector"):
        detector_for(Family.ARCFACE, session)
