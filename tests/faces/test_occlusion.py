from __future__ import annotations

import numpy as np
import pytest
from heads import mean_face, portrait, with_beard, with_glasses

from faceswap_cli.faces.align import EYE_FRACTION, transform, upright_crop, warp_crop
from faceswap_cli.faces.colour import to_lab
from faceswap_cli.faces.occlusion import (
    BRIDGE,
    FRAME_AREA,
    Cover,
    beard_mask,
    beard_strength,
    bridge_step,
    frame_mask,
    measure_cover,
)
from faceswap_cli.faces.pose import fit_camera

SIDE = 256
EYES = EYE_FRACTION * SIDE
BARE = ["man-1", "man-2", "woman-1", "woman-2", "woman-3"]


def upright(name: str, draw=None) -> tuple[np.ndarray, np.ndarray]:
    """LAB crop and points of a portrait, on which `draw` has drawn something."""
    picture, points = portrait(name).pixels, portrait(name).face.landmarks
    if draw is not None:
        picture = draw(picture, points)
    matrix = upright_crop(fit_camera(points), SIDE)
    crop = warp_crop(picture, matrix, SIDE).astype(np.float32) / 255
    return to_lab(crop), transform(matrix, points)


def cover(name: str, draw=None) -> Cover:
    lab, points = upright(name, draw)
    return measure_cover(lab, points, EYES)


@pytest.mark.parametrize("name", BARE)
def test_a_bare_face_has_neither_glasses_nor_beard(name):
    found = cover(name)
    assert not found.glasses()
    assert found.beard == 0


@pytest.mark.parametrize("name", BARE)
def test_glasses_are_found_and_are_no_beard(name):
    found = cover(name, with_glasses)
    assert found.glasses() and found.bridge > BRIDGE and found.frame > FRAME_AREA
    assert found.beard == 0


def test_the_glasses_of_a_portrait_that_has_some_are_found():
    assert cover("man-3").glasses()


@pytest.mark.parametrize("name", BARE)
def test_a_beard_is_found_and_is_no_glasses(name):
    found = cover(name, with_beard)
    assert found.beard > 0.5
    assert not found.glasses()


def at(mask: np.ndarray, point: np.ndarray) -> float:
    x, y = np.round(point).astype(int)
    return float(mask[y, x])


def test_the_frame_mask_lies_on_the_frame_and_leaves_eyes_brows_and_cheeks():
    lab, points = upright("woman-3", with_glasses)
    mask = frame_mask(lab, points, EYES)
    assert mask.dtype == np.float32 and mask.min() >= 0 and mask.max() <= 1
    below, beside = np.array([0, 0.35]) * EYES, np.array([-0.4, 0.05]) * EYES
    for on_frame in (points[36:42].mean(0) + below, points[36:42].mean(0) + beside):
        assert at(mask, on_frame) > 0.8
    for free in (points[36:42].mean(0), points[42:48].mean(0), points[30], (points[2] + points[31]) / 2, points[57]):
        assert at(mask, free) == 0


def test_the_beard_mask_covers_the_chin_and_the_mouth_and_leaves_the_cheeks():
    lab, points = upright("woman-3", with_beard)
    mask = beard_mask(lab, points, EYES)
    chin, cheek = points[57] * 0.5 + points[8] * 0.5, (points[2] + points[29]) / 2
    assert at(mask, chin) > 0.8 and at(mask, points[62]) > 0.8
    assert at(mask, cheek) < 0.1 and at(mask, points[27]) < 0.05


def test_an_answer_holds_while_the_measures_stay_near_the_limits():
    just_below, just_above = (Cover(BRIDGE * k, FRAME_AREA * k, 0.0) for k in (0.9, 1.1))
    assert not just_below.glasses() and just_above.glasses()
    assert just_below.glasses(was=True) and not just_above.glasses(was=False)
    assert not Cover(BRIDGE * 0.7, FRAME_AREA, 0.0).glasses(was=True)
    assert Cover(BRIDGE * 1.3, FRAME_AREA * 1.3, 0.0).glasses(was=False)


def test_both_a_bridge_and_frames_make_glasses():
    assert not Cover(50.0, 0.1, 0.0).glasses()
    assert not Cover(1.0, 0.8, 0.0).glasses()


@pytest.mark.parametrize("at_", [(-60.0, 128.0), (128.0, -90.0), (128.0, 330.0)])
def test_a_face_off_the_crop_has_nothing_over_it(at_):
    lab = np.full((SIDE, SIDE, 3), (65, 12, 15), np.float32)
    points = mean_face(EYES, at=at_)
    assert bridge_step(lab, points, EYES) < 1
    assert beard_strength(lab, points, EYES) == 0
    assert measure_cover(lab, points, EYES).glasses() is False
