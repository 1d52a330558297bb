from __future__ import annotations

import numpy as np
import pytest
from heads import mean_face

from faceswap_cli.faces.expression import eye_openings, mouth_opening
from faceswap_cli.faces.landmarks68 import LEFT_EYE, LOWER_LIP_EDGE, MIRRORED, RIGHT_EYE, UPPER_LIP_EDGE


@pytest.mark.parametrize("scale", [12.0, 100.0])
@pytest.mark.parametrize("roll", [0.0, 90.0, -37.0])
@pytest.mark.parametrize("gap", [0.0, 0.05, 0.4])
def test_mouth_opening_counts_in_eye_distances(scale, roll, gap):
    points = mean_face(scale, roll=roll)
    down = scale * np.array([-np.sin(np.radians(roll)), np.cos(np.radians(roll))])
    points[LOWER_LIP_EDGE] = points[UPPER_LIP_EDGE] + gap * down
    assert mouth_opening(points, scale) == pytest.approx(gap, abs=1e-9)


def eye_of(width: float, height: float) -> np.ndarray:
    """Six points, from the left corner over the upper lid."""
    half = height / 2
    return np.array([[0, 0], [width / 3, -half], [2 * width / 3, -half],
                     [width, 0], [2 * width / 3, half], [width / 3, half]])


def test_eye_openings_are_height_over_width_of_the_picture_s_left_and_right_eye():
    points = mean_face()
    points[LEFT_EYE] = eye_of(40, 12)
    points[RIGHT_EYE] = eye_of(30, 3)
    assert eye_openings(points) == pytest.approx((0.3, 0.1), abs=1e-6)


def test_the_mirror_image_has_the_other_eye_shut():
    points = mean_face()
    points[LEFT_EYE] = eye_of(40, 2)
    mirrored = points[MIRRORED] * [-1, 1]
    assert eye_openings(mirrored) == pytest.approx(eye_openings(points)[::-1])
    assert eye_openings(points)[0] < 0.16 < eye_openings(points)[1]


def test_an_eye_without_extent_is_shut():
    points = np.zeros((68, 2))
    assert eye_openings(points) == (0.0, 0.0)


def test_the_mean_face_has_open_eyes_and_a_slightly_open_mouth():
    assert eye_openings(mean_face()) == pytest.approx((0.29, 0.29), abs=0.03)
    assert 0 < mouth_opening(mean_face(), 100.0) < 0.12
