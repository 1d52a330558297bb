from __future__ import annotations

import cv2
import numpy as np
import pytest
from heads import portrait

from faceswap_cli.engine.swappers.face_crop import measure_source
from faceswap_cli.engine.swappers.stage import STUDY_SIDES, Stage, set_stage
from faceswap_cli.faces.align import EYE_FRACTION, transform
from faceswap_cli.faces.landmarks68 import OUTLINE
from faceswap_cli.image import Image, Points


@pytest.fixture(scope="module")
def source():
    one = portrait("man-2")
    return measure_source(one.pixels, one.face.landmarks)


def scaled(name: str, factor: float) -> tuple[Image, Points]:
    one = portrait(name)
    image = cv2.resize(one.pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA if factor < 1 else None)
    return image, (one.face.landmarks + 0.5) * factor - 0.5


FACTORS = [0.1, 0.5, 1.0, 1.7, 3.0]


@pytest.fixture(scope="module", params=FACTORS)
def stage(request, source) -> Stage:
    image, landmarks = scaled("woman-3", request.param)
    stage = set_stage(image, landmarks, source, False)
    placed = transform(stage.matrix, landmarks)
    np.testing.assert_allclose((stage.target[:68] + 0.5) * stage.enlarged - 0.5, placed, atol=1e-6)
    return stage


def test_both_sizes_show_the_same_window(stage):
    assert max(stage.study.shape) <= STUDY_SIDES[1]
    assert stage.full.shape[0] == stage.study.shape[0] * stage.enlarged
    assert stage.full.shape[1] == stage.study.shape[1] * stage.enlarged
    assert stage.full_size == stage.full.shape[1::-1]
    shrunk = cv2.resize(stage.full, stage.study.shape[1::-1], interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(shrunk, stage.study)


def test_the_whole_face_lies_within_the_window(stage):
    height, width = stage.study.shape[:2]
    edge = np.vstack([stage.target[OUTLINE], stage.wanted[OUTLINE]])
    assert edge.min() > 0.05 * stage.eye_distance
    assert (edge.max(0) < np.array([width, height]) - 0.05 * stage.eye_distance).all()


def test_the_face_is_upright_and_of_known_size(stage):
    eyes = stage.target[42:48].mean(0) - stage.target[36:42].mean(0)
    assert eyes[0] == pytest.approx(stage.eye_distance, rel=0.06)
    assert abs(eyes[1]) < 0.05 * stage.eye_distance


def test_the_maps_lead_to_the_target_s_and_the_source_s_landmarks(stage):
    height, width = stage.study.shape[:2]
    target_map, source_map = stage.target_map(), stage.source_map()
    assert target_map.shape == source_map.shape == (height, width, 2)
    for number in (27, 30, 33, 36, 45, 48, 54):
        x, y = np.round(stage.wanted[number]).astype(int)
        assert target_map[y, x] == pytest.approx(stage.target[number], abs=0.06 * stage.eye_distance)
        texture_eyes = EYE_FRACTION * stage.source.texture.shape[0]
        assert source_map[y, x] == pytest.approx(stage.source.vertices[number], abs=0.06 * texture_eyes)


def test_detail_grows_with_the_face_and_study_does_not(source):
    stages = [set_stage(*scaled("woman-3", factor), source, False) for factor in FACTORS]
    heights = [stage.full.shape[0] for stage in stages]
    assert heights == sorted(heights) and heights[-1] > 2 * heights[1]
    assert stages[0].enlarged == 1.0            # a small face is studied as it is, a large one shrunk
    assert stages[0].full is stages[0].study
    assert stages[1].enlarged == 2.0
    assert stages[-1].enlarged == 4.0


def test_a_face_swapped_with_itself_keeps_its_geometry():
    one = portrait("woman-3")
    same = measure_source(one.pixels, one.face.landmarks)
    stage = set_stage(one.pixels, one.face.landmarks, same, False)
    np.testing.assert_allclose(stage.wanted, stage.target, atol=0.5)


def test_another_source_changes_the_inner_face_and_not_the_outline(source):
    one = portrait("woman-3")
    stage = set_stage(one.pixels, one.face.landmarks, source, False)
    moved = np.linalg.norm(stage.wanted - stage.target, axis=1)
    assert moved[:17].max() == 0 and moved[68:].max() == 0
    assert 0.01 * stage.eye_distance < moved[17:68].max() < 0.25 * stage.eye_distance


def test_a_mirrored_source_is_looked_up_in_its_mirror_image(source):
    one = portrait("woman-3")
    stage = set_stage(one.pixels, one.face.landmarks, source, True)
    assert stage.source is source.crop(stage.source.texture.shape[0], True)
    assert stage.source is not set_stage(one.pixels, one.face.landmarks, source, False).source


def test_a_face_cut_by_the_frame_is_staged_with_its_edge_repeated(source):
    one = portrait("woman-3")
    cut = np.ascontiguousarray(one.pixels[:, 320:])
    stage = set_stage(cut, one.face.landmarks - [320, 0], source, False)
    whole = set_stage(one.pixels, one.face.landmarks, source, False)
    assert stage.full.shape == whole.full.shape
    # Right of the cut both see the same.
    right = round(transform(stage.matrix, np.array([[12.0, 400.0]]))[0, 0])
    np.testing.assert_allclose(stage.full[:, right:].astype(int), whole.full[:, right:], atol=2)
    assert np.ptp(stage.full[100, :right - 60], axis=0).max() <= 2
