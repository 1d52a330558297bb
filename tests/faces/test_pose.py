"""The camera that fits 68 landmarks."""

import numpy as np
import pytest
from heads import camera, mean_face
from hypothesis import given, settings
from hypothesis import strategies as st

from faceswap_cli.faces.landmarks68 import JAW, MEAN_SHAPE, MIRRORED
from faceswap_cli.faces.pose import fit_camera


@settings(max_examples=50, deadline=None)
@given(yaw=st.floats(-45, 45), pitch=st.floats(-25, 25), roll=st.floats(-170, 170), scale=st.floats(5, 400))
def test_recovers_the_camera_that_made_the_points(yaw, pitch, roll, scale):
    made = camera(scale, yaw, pitch, roll)
    fitted = fit_camera(made.project(MEAN_SHAPE))
    assert fitted.scale == pytest.approx(scale, rel=0.02)
    assert np.abs(fitted.project(MEAN_SHAPE) - made.project(MEAN_SHAPE)).max() < 0.03 * scale
    assert fitted.pose.roll == pytest.approx(made.pose.roll, abs=2)
    assert fitted.pose.yaw == pytest.approx(made.pose.yaw, abs=3)


def test_signs_of_the_angles():
    assert camera(yaw=20).pose.yaw == pytest.approx(20)
    right = mean_face(yaw=30)
    assert right[30, 0] > right[27, 0]  # the tip of the nose moves to the picture's right
    up = camera(pitch=20)
    assert up.pose.pitch == pytest.approx(20)
    assert mean_face(pitch=20)[30, 1] < mean_face()[30, 1]
    leaning = camera(roll=15)
    assert leaning.pose.roll == pytest.approx(15)
    assert leaning.project(MEAN_SHAPE)[45, 1] > leaning.project(MEAN_SHAPE)[36, 1]


def test_a_mirrored_face_looks_the_other_way():
    points = mean_face(80, yaw=25, pitch=5, roll=10)
    mirrored = points[MIRRORED] * [-1, 1] + [400, 0]
    one, other = fit_camera(points).pose, fit_camera(mirrored).pose
    assert other.yaw == pytest.approx(-one.yaw, abs=0.1)
    assert other.roll == pytest.approx(-one.roll, abs=0.1)
    assert other.pitch == pytest.approx(one.pitch, abs=0.1)


def test_the_jaw_does_not_count():
    points = mean_face(80, yaw=10)
    moved = points.copy()
    moved[JAW] += 30
    assert fit_camera(moved).pose == pytest.approx(fit_camera(points).pose)


def test_depth_grows_away_from_the_viewer():
    depth = camera().depth(MEAN_SHAPE)
    assert depth[30] < depth[0]  # the tip of the nose is nearer than the ear
