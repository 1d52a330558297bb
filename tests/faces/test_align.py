"""Upright crops."""

import cv2
import numpy as np
import pytest
from heads import camera

from faceswap_cli.faces.align import (
    EYE_FRACTION,
    crop_bounds,
    invert,
    matrix_scale,
    transform,
    upright_crop,
    warp_crop,
)
from faceswap_cli.faces.pose import Camera


def leaning(degrees: float) -> Camera:
    return camera(50.0, roll=degrees, at=(300.0, 180.0))


@pytest.mark.parametrize("degrees", [-170, -40, 0, 25, 90])
def test_the_face_is_upright_centred_and_to_scale(degrees):
    seen = leaning(degrees)
    matrix = upright_crop(seen, 256)
    eyes = transform(matrix, seen.project(np.array([[-0.5, -0.45, 0.1], [0.5, -0.45, 0.1]])))
    assert eyes[0, 1] == pytest.approx(eyes[1, 1])
    assert eyes[1, 0] - eyes[0, 0] == pytest.approx(EYE_FRACTION * 256)
    assert transform(matrix, seen.offset[None])[0] == pytest.approx([128, 128])


def test_inverse_undoes_a_transform():
    matrix = upright_crop(leaning(33), 192)
    points = np.array([[0.0, 0.0], [640.0, 10.0], [33.3, 479.0]])
    assert transform(invert(matrix), transform(matrix, points)) == pytest.approx(points)
    assert matrix_scale(invert(matrix)) == pytest.approx(1 / matrix_scale(matrix))


def test_bounds_hold_the_crop_and_end_at_the_picture():
    matrix = upright_crop(leaning(30), 200)
    x0, y0, x1, y1 = crop_bounds(matrix, (200, 200), (640, 480))
    corners = transform(invert(matrix), np.array([[0.0, 0.0], [200, 0], [0, 200], [200, 200]]))
    assert 0 <= x0 <= corners[:, 0].min().clip(0)
    assert corners[:, 0].max() <= x1 <= 640
    assert y0 >= 0
    assert y1 <= 480
    outside = upright_crop(camera(10, at=(-500, -500)), 64)
    x0, _, x1, _ = crop_bounds(outside, (64, 64), (640, 480))
    assert x1 <= x0


@pytest.mark.parametrize("scale", [20.0, 50.0, 200.0])
def test_a_crop_shows_what_the_matrix_says(scale):
    height, width = 1000, 1600
    y, x = np.mgrid[:height, :width].astype(np.float32)
    picture = np.stack([x / width * 255, y / height * 255, x * 0 + 77], axis=2).astype(np.uint8)
    matrix = upright_crop(camera(scale, at=(800, 500)), 128)
    crop = warp_crop(picture, matrix, 128)
    for point in ((10, 10), (64, 64), (120, 30)):
        there = transform(invert(matrix), np.array([point], dtype=float))[0]
        assert crop[point[1], point[0], :2] == pytest.approx([there[0] / width * 255, there[1] / height * 255], abs=2)
        assert crop[point[1], point[0], 2] == 77


def test_shrinking_does_not_alias():
    stripes = np.zeros((1200, 1200), np.uint8)
    stripes[:, ::2] = 255
    crop = warp_crop(stripes, upright_crop(camera(300, at=(600, 600)), 96), 96)
    assert np.abs(crop.astype(float) - 127.5).max() < 40


def test_grey_and_colour_crops_agree():
    rng = np.random.default_rng(3)
    grey = cv2.GaussianBlur(rng.integers(0, 256, (300, 400), dtype=np.uint8), (0, 0), 2)
    matrix = upright_crop(leaning(12), 128)
    assert np.array_equal(warp_crop(np.dstack([grey] * 3), matrix, 128)[..., 1], warp_crop(grey, matrix, 128))
