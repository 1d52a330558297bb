from __future__ import annotations

import numpy as np
import pytest

from faceswap_cli.faces.align import transform
from faceswap_cli.faces.blend import multiband, paste_difference

RNG = np.random.default_rng(8)


def noise(*shape: int) -> np.ndarray:
    return RNG.uniform(0, 1, shape).astype(np.float32)


# --- Multiband ---


@pytest.mark.parametrize("shape", [(64, 64), (61, 83), (40, 132)])
def test_a_mask_of_0_is_the_lower_picture_and_of_1_the_upper(shape):
    upper, lower = noise(*shape, 3), noise(*shape, 3)
    np.testing.assert_allclose(multiband(upper, lower, np.zeros(shape, np.float32), 3), lower, atol=1e-5)
    np.testing.assert_allclose(multiband(upper, lower, np.ones(shape, np.float32), 3), upper, atol=1e-5)


def test_far_from_the_seam_each_picture_is_itself_and_between_there_is_no_step():
    upper, lower = np.full((64, 128, 3), 0.8, np.float32), np.full((64, 128, 3), 0.2, np.float32)
    mask = np.zeros((64, 128), np.float32)
    mask[:, :64] = 1
    row = multiband(upper, lower, mask, 3)[32, :, 0]
    np.testing.assert_allclose(row[:20], 0.8, atol=0.02)
    np.testing.assert_allclose(row[-20:], 0.2, atol=0.02)
    assert np.abs(np.diff(row)).max() < 0.06


def test_more_levels_make_a_softer_seam():
    upper, lower, mask = np.ones((64, 128, 3), np.float32), np.zeros((64, 128, 3), np.float32), noise(64, 128) * 0
    mask[:, :64] = 1
    steps = [np.abs(np.diff(multiband(upper, lower, mask, levels)[32, :, 0])).max() for levels in (0, 1, 3)]
    assert steps[0] == 1 and steps[0] > steps[1] > steps[2]


def test_multiband_leaves_its_inputs_unmodified():
    upper, lower, mask = noise(64, 64, 3), noise(64, 64, 3), noise(64, 64)
    before = upper.copy(), lower.copy(), mask.copy()
    multiband(upper, lower, mask, 3)
    for array, was in zip((upper, lower, mask), before, strict=True):
        np.testing.assert_array_equal(array, was)


# --- Paste-back ---


def similarity(scale: float, degrees: float, x: float, y: float) -> np.ndarray:
    """From picture to crop."""
    cos, sin = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    return np.array([[cos, -sin, x], [sin, cos, y]])


MATRICES = [similarity(1, 0, -40, -20), similarity(1, 0, -40.5, -20.25), similarity(3.3, 30, -120, -90),
            similarity(0.4, 180, 70, 55), similarity(1, 0, 30, 25), similarity(1, 45, 0, -150)]
GRID = np.dstack(np.meshgrid(np.arange(160.0), np.arange(120.0))).reshape(-1, 2)


def picture() -> np.ndarray:
    return np.random.default_rng(4).integers(0, 256, (120, 160, 3), np.uint8)


@pytest.mark.parametrize("matrix", MATRICES)
def test_no_difference_changes_no_pixel(matrix):
    image = picture()
    paste_difference(image, np.zeros((64, 64, 3), np.float32), matrix)
    np.testing.assert_array_equal(image, picture())


@pytest.mark.parametrize("matrix", MATRICES)
def test_pixels_outside_the_crop_are_never_touched(matrix):
    image = picture()
    paste_difference(image, np.full((64, 64, 3), 90, np.float32), matrix)
    place = transform(matrix, GRID)
    # Bilinear sampling reaches one pixel of the crop beyond its last centre.
    outside = ((place <= -1) | (place >= 64)).any(1).reshape(120, 160)
    np.testing.assert_array_equal(image[outside], picture()[outside])
    assert (image != picture()).any()


def test_a_difference_is_added_rounded_and_kept_within_0_and_255():
    image = np.zeros((120, 160, 3), np.uint8)
    image[..., 0], image[..., 1], image[..., 2] = 100, 250, 5
    paste_difference(image, np.full((64, 64, 3), [10.6, 30, -30], np.float32), similarity(1, 0, -40, -20))
    assert image[20:84, 40:104].reshape(-1, 3).tolist() == [[111, 255, 0]] * 64 * 64
    assert (image[:20] == [100, 250, 5]).all()


def test_a_difference_lands_where_the_crop_was_cut():
    image = np.zeros((120, 160, 3), np.uint8)
    difference = np.zeros((64, 64, 3), np.float32)
    difference[9:16, 29:36] = 200
    matrix = similarity(0.8, 90, 70, -20)
    paste_difference(image, difference, matrix)
    ys, xs = np.nonzero(image[..., 0] > 100)
    assert transform(matrix, np.array([[xs.mean(), ys.mean()]]))[0] == pytest.approx([32, 12], abs=0.5)


@pytest.mark.parametrize("offset", [(-150, -20), (40, 20), (-40, -110), (30, 30)])
def test_a_crop_over_the_frame_s_border_is_clipped(offset):
    image = np.full((120, 160, 3), 50, np.uint8)
    paste_difference(image, np.full((64, 64, 3), 100, np.float32), similarity(1, 0, *offset))
    x, y = -np.array(offset)
    seen = np.zeros((120, 160), bool)
    seen[max(y, 0):max(y + 64, 0), max(x, 0):max(x + 64, 0)] = True
    assert (image[seen] == 150).all() and (image[~seen] == 50).all() and seen.any()


@pytest.mark.parametrize("offset", [(-500, 0), (70, 0), (0, -300), (0, 65)])
def test_a_crop_beside_the_frame_changes_nothing(offset):
    image = picture()
    paste_difference(image, np.full((64, 64, 3), 100, np.float32), similarity(1, 0, *offset))
    np.testing.assert_array_equal(image, picture())


def test_a_fine_crop_is_averaged_not_sampled():
    image = np.full((120, 160, 3), 128, np.uint8)
    stripes = np.zeros((256, 256, 3), np.float32)
    stripes[:, ::2], stripes[:, 1::2] = 80, -80
    paste_difference(image, stripes, similarity(4, 0, -160, -80))
    assert np.abs(image.astype(int) - 128)[25:80, 45:100].max() < 12
