from __future__ import annotations

import numpy as np
import pytest
from heads import camera, mean_face

from faceswap_cli.faces.expression import eye_openings, mouth_opening
from faceswap_cli.faces.landmarks68 import (
    BROWS,
    EXTENDED_SHAPE,
    JAW,
    LEFT_EYE,
    LOWER_LIP_EDGE,
    MEAN_SHAPE,
    NOSE,
    RIGHT_EYE,
    UPPER_LIP_EDGE,
)
from faceswap_cli.faces.pose import fit_camera
from faceswap_cli.faces.proportions import LIPS_TOUCH, blend_proportions, with_forehead

POSES = [{}, {"yaw": 30.0}, {"yaw": -35.0, "pitch": 12.0}, {"roll": 90.0},
         {"roll": -150.0, "yaw": 20.0, "pitch": -15.0}]


def open_mouth(points: np.ndarray, gap: float, scale: float = 100.0) -> np.ndarray:
    """An upright face with its lower lip's edge a gap (in eye distances) below the upper's."""
    opened = points.copy()
    opened[LOWER_LIP_EDGE] = opened[UPPER_LIP_EDGE] + [0, gap * scale]
    return opened


# --- The forehead ---


def test_the_forehead_of_the_mean_face_is_the_mean_forehead():
    for pose in POSES:
        view = camera(**pose)
        np.testing.assert_allclose(with_forehead(view.project(MEAN_SHAPE), view), view.project(EXTENDED_SHAPE),
                                   atol=1e-6)


@pytest.mark.parametrize("roll", [0.0, 45.0, 180.0, -90.0])
def test_the_forehead_lies_above_the_brows_whichever_way_the_head_leans(roll):
    points = mean_face(roll=roll)
    extended = with_forehead(points, fit_camera(points))
    up = np.array([np.sin(np.radians(roll)), -np.cos(np.radians(roll))])
    assert len(extended) == 84
    np.testing.assert_array_equal(extended[:68], points)
    # Without the temples, which are at the height of the brows' ends.
    assert (extended[69:78] @ up).min() > (points[BROWS] @ up).max() + 10
    assert (extended[79:] @ up).min() > (points[BROWS] @ up).max() + 10


def test_raised_brows_raise_the_forehead():
    view, points = camera(), mean_face()
    raised = points.copy()
    raised[BROWS] -= [0, 9]
    moved = with_forehead(raised, view) - with_forehead(points, view)
    np.testing.assert_allclose(moved[72:75], [[0, -9]] * 3, atol=1e-6)


def test_a_wider_face_has_wider_temples_and_the_same_middle():
    view, points = camera(), mean_face()
    wide = points.copy()
    wide[[0, 16], 0] += [-20, 20]
    moved = with_forehead(wide, view) - with_forehead(points, view)
    assert moved[68, 0] < -10 and moved[78, 0] > 10
    np.testing.assert_allclose(moved[73], 0, atol=1e-6)


# --- Proportions ---


@pytest.mark.parametrize("pose", POSES)
def test_the_same_face_gives_the_same_points(pose):
    source, view = mean_face(260.0, at=(900, 40)), camera(80.0, **pose)
    target = view.project(MEAN_SHAPE)
    result = blend_proportions(target, view, source, fit_camera(source))
    np.testing.assert_allclose(result, target, atol=0.05)
    np.testing.assert_allclose(blend_proportions(target, view, target, view), target, atol=1e-9)


@pytest.fixture
def other():
    """Landmarks of somebody else: every point is up to a tenth of the eye distance off."""
    return mean_face() + np.random.default_rng(3).uniform(-10, 10, (68, 2))


def test_strength_0_keeps_the_target(other):
    target = mean_face(70.0, yaw=20.0)
    np.testing.assert_array_equal(
        blend_proportions(target, fit_camera(target), other, fit_camera(other), strength=0.0), target)


def test_the_contour_stays_the_target_s(other):
    target = mean_face(70.0, yaw=20.0)
    result = blend_proportions(target, fit_camera(target), other, fit_camera(other))
    np.testing.assert_array_equal(result[JAW], target[JAW])
    assert np.abs(result - target).max() > 2


def test_inputs_are_left_unmodified(other):
    target = open_mouth(mean_face(), 0.0)
    before = target.copy(), other.copy()
    blend_proportions(target, fit_camera(target), other, fit_camera(other))
    np.testing.assert_array_equal(target, before[0])
    np.testing.assert_array_equal(other, before[1])


@pytest.mark.parametrize(("strength", "moved"), [(0.5, 5.0), (0.8, 8.0), (1.0, 10.0)])
def test_the_nose_moves_towards_the_source_s_by_the_strength(strength, moved):
    view, target = camera(), mean_face()
    source = target.copy()
    source[NOSE] += [0, 10]
    result = blend_proportions(target, view, source, view, strength)
    np.testing.assert_allclose(result[NOSE] - target[NOSE], [[0, moved]] * len(NOSE), atol=1e-9)


def test_a_long_nose_is_long_down_the_rolled_face():
    source, target = mean_face(), mean_face(50.0, roll=90.0)
    source[NOSE] += [0, 10]
    result = blend_proportions(target, camera(50.0, roll=90.0), source, camera())
    # Leaning clockwise by 90 degrees, down the face is to the picture's left.
    np.testing.assert_allclose(result[NOSE] - target[NOSE], [[-4, 0]] * len(NOSE), atol=1e-9)


def test_no_point_moves_far_however_odd_the_source():
    view, target = camera(), mean_face()
    odd = target + np.random.default_rng(0).normal(0, 150, (68, 2))
    length = np.linalg.norm(blend_proportions(target, view, odd, view, 1.0) - target, axis=1)
    assert length.max() <= 22 + 1e-6
    assert length.max() > 20


@pytest.mark.parametrize("gap", [0.1, 0.3])
@pytest.mark.parametrize("source_gap", [0.0, 0.08, 0.5])
def test_the_opening_of_the_lips_stays_the_target_s(gap, source_gap):
    target, source = open_mouth(mean_face(), gap), open_mouth(mean_face(), source_gap)
    result = blend_proportions(target, camera(), source, camera())
    assert mouth_opening(result, 100.0) == pytest.approx(gap, abs=0.01)


def test_lips_that_touch_in_the_target_touch_in_the_result():
    target = open_mouth(mean_face(), 0.6 * LIPS_TOUCH)
    result = blend_proportions(target, camera(), open_mouth(mean_face(), 0.3), camera())
    assert mouth_opening(result, 100.0) == 0.0


def test_a_shut_eye_of_the_source_does_not_narrow_an_open_one():
    target, source = mean_face(), mean_face()
    for eye in (LEFT_EYE, RIGHT_EYE):
        source[eye, 1] = source[eye, 1].mean() + 0.1 * (source[eye, 1] - source[eye, 1].mean())
    result = blend_proportions(target, camera(), source, camera())
    assert eye_openings(source)[0] < 0.05
    assert eye_openings(result) == pytest.approx(eye_openings(target), rel=0.1)
