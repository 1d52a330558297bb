from __future__ import annotations

import cv2
import numpy as np
import pytest
from heads import camera, portrait

from faceswap_cli.engine.swappers.completion import complete
from faceswap_cli.faces.align import EYE_FRACTION, transform, upright_crop, warp_crop
from faceswap_cli.faces.landmarks68 import EXTENDED_SHAPE, MIRRORED
from faceswap_cli.faces.pose import Camera, fit_camera
from faceswap_cli.faces.proportions import with_forehead
from faceswap_cli.image import Image, Points

SIDE = 256
EYES = EYE_FRACTION * SIDE


def crop_of(name: str) -> tuple[Image, Points, Camera]:
    one = portrait(name)
    matrix = upright_crop(fit_camera(one.face.landmarks), SIDE)
    points = transform(matrix, one.face.landmarks)
    view = fit_camera(points)
    return warp_crop(one.pixels, matrix, SIDE), with_forehead(points, view), view


@pytest.mark.parametrize("name", ["man-2", "woman-2", "woman-3"])
def test_a_face_that_hides_nothing_is_left_as_it_is(name):
    crop, vertices, view = crop_of(name)
    texture, points = complete(crop, vertices, view)
    assert texture is crop and points is vertices


def covered_cheek() -> tuple[Image, Points, Camera, tuple[int, int]]:
    """A portrait with a dark green patch over the cheek at the picture's left."""
    crop, vertices, view = crop_of("woman-3")
    crop = crop.copy()
    x, y = np.round((vertices[3] + vertices[31]) / 2 + [0, 0.05 * EYES]).astype(int)
    cv2.circle(crop, (int(x), int(y)), round(0.3 * EYES), (20, 60, 20), -1)
    return crop, vertices, view, (x, y)


def test_a_covered_cheek_is_filled_from_the_other():
    crop, vertices, view, _ = covered_cheek()
    before = crop.copy()
    texture, points = complete(crop, vertices, view)
    np.testing.assert_array_equal(crop, before)
    assert texture.dtype == np.uint8 and texture.shape == crop.shape and points.shape == (84, 2)
    x, y = np.round((points[3] + points[31]) / 2 + [0, 0.05 * EYES]).astype(int)
    other_x, other_y = np.round((points[13] + points[35]) / 2 + [0, 0.05 * EYES]).astype(int)
    patch, other = texture[y - 4:y + 5, x - 4:x + 5], texture[other_y - 4:other_y + 5, other_x - 4:other_x + 5]
    assert np.abs(patch.mean((0, 1)) - other.mean((0, 1))).max() < 25
    # Red skin, no longer the patch's green.
    assert patch[..., 0].mean() > patch[..., 1].mean() + 15


def test_a_redrawn_face_looks_straight_ahead_and_keeps_its_eyes():
    crop, vertices, view, _ = covered_cheek()
    texture, points = complete(crop, vertices, view)
    assert fit_camera(points[:68]).pose == pytest.approx((0, 0, 0), abs=1.5)
    eye, was = (cloud[36:42].mean(0).round().astype(int) for cloud in (points, vertices))
    patch, reference = (image[y - 5:y + 6, x - 9:x + 10] for image, (x, y) in ((texture, eye), (crop, was)))
    assert np.abs(patch.astype(int) - reference).mean() < 20


@pytest.mark.parametrize("yaw", [35.0, -35.0])
def test_the_far_side_of_a_turned_head_comes_from_the_near_side(yaw):
    # A head painted in two halves: what is at the near side is seen, the far side is a smear of grey.
    view = camera(EYES, yaw=yaw, at=(SIDE / 2, SIDE / 2))
    vertices = view.project(EXTENDED_SHAPE)
    crop = np.full((SIDE, SIDE, 3), (205, 160, 140), np.uint8)
    texture, points = complete(crop, vertices, view)
    assert fit_camera(points[:68]).pose == pytest.approx((0, 0, 0), abs=0.1)
    np.testing.assert_allclose(points[:68][MIRRORED] * [-1, 1] + [SIDE, 0], points[:68], atol=0.01)
    assert np.abs(texture[80:180, 80:176].astype(int) - [205, 160, 140]).max() < 6


def test_the_side_that_is_seen_stays_the_face_s_own():
    # A mark on the near cheek stays where it is, and appears, from the mirror image, on the far one.
    view = camera(EYES, yaw=40.0, at=(SIDE / 2, SIDE / 2))
    vertices = view.project(EXTENDED_SHAPE)
    crop = np.full((SIDE, SIDE, 3), (205, 160, 140), np.uint8)
    plain, points = complete(crop, vertices, view)
    mark = np.round((vertices[2] + vertices[3] + vertices[31]) / 3).astype(int)
    cv2.circle(crop, tuple(map(int, mark)), 5, (190, 120, 110), -1)
    texture, _ = complete(crop, vertices, view)
    changed = np.abs(texture.astype(int) - plain).sum(2)
    near = np.round((points[2] + points[3] + points[31]) / 3).astype(int)
    assert changed[near[1] - 3:near[1] + 4, near[0] - 3:near[0] + 4].mean() > 60
