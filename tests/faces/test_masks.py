from __future__ import annotations

import numpy as np
import pytest
from heads import camera, mean_face

from faceswap_cli.faces import masks
from faceswap_cli.faces.landmarks68 import EXTENDED_SHAPE, OUTLINE

SHAPE = (120, 160)
SQUARE = np.array([[40.0, 30.0], [80.0, 30.0], [80.0, 70.0], [40.0, 70.0]])


def test_smoothstep_is_flat_at_both_ends_and_rises_between():
    x = np.linspace(-1, 2, 301).astype(np.float32)
    y = masks.smoothstep(x)
    assert y.dtype == np.float32
    assert (y[x <= 0] == 0).all() and (y[x >= 1] == 1).all()
    assert (np.diff(y) >= 0).all()
    assert masks.smoothstep(np.float32([0.5]))[0] == 0.5
    np.testing.assert_allclose(masks.ramp(x.astype(float)), y, atol=1e-6)


# --- Polygons ---


@pytest.mark.parametrize(("grow", "area"), [
    (0, 40 * 40),
    (6, 40 * 40 + 4 * 40 * 6 + np.pi * 36),
    (-6, 28 * 28),
    (0.3, 40 * 40),
])
def test_a_polygon_s_area_grows_with_round_corners_and_shrinks(grow, area):
    mask = masks.polygon_mask(SHAPE, [SQUARE], grow=grow)
    assert mask.dtype == np.float32 and mask.shape == SHAPE
    assert mask.min() == 0 and mask.max() == 1
    # OpenCV paints pixels that an edge touches: up to one pixel more, or less, along it.
    assert mask.sum() == pytest.approx(area, abs=4 * np.sqrt(area))


def test_a_polygon_shrunk_by_more_than_it_is_wide_is_empty():
    assert masks.polygon_mask(SHAPE, [SQUARE], grow=-25).max() == 0


def test_softening_keeps_the_area_and_makes_a_ramp():
    hard, soft = masks.polygon_mask(SHAPE, [SQUARE]), masks.polygon_mask(SHAPE, [SQUARE], soft=4)
    assert soft.sum() == pytest.approx(hard.sum(), rel=1e-3)
    assert soft[50, 60] > 0.99
    assert 0.3 < soft[50, 40] < 0.7


def test_several_polygons_are_united_and_may_reach_off_the_picture():
    beside, overlapping = SQUARE + np.array([100.0, 0.0]), SQUARE + np.array([10.0, 0.0])
    both = masks.polygon_mask(SHAPE, [SQUARE, overlapping, beside])
    assert both[50, 45] == both[50, 85] == both[50, 150] == 1
    assert both[50, 100] == 0


def test_a_stroke_is_as_wide_as_asked():
    line = np.array([[20.0, 60.0], [140.0, 60.0]])
    assert masks.stroke_mask(SHAPE, [line], 9)[:, 80].sum() == pytest.approx(9, abs=3)
    assert masks.stroke_mask(SHAPE, [line], 0.2)[:, 80].max() > 0


def test_grow_spreads_the_largest_values():
    mask = np.zeros(SHAPE, np.float32)
    mask[60, 80] = 0.7
    grown = masks.grow(mask, 3)
    assert (grown[57:64, 77:84] == np.float32(0.7)).all() and grown.astype(bool).sum() == 49


def test_binary_masks_grow_by_a_radius():
    mask = np.zeros(SHAPE, np.uint8)
    mask[40:60, 50:80] = 1
    assert masks.dilate_binary(mask, 4).sum() == 28 * 38


@pytest.mark.parametrize("width", [0.0, 8.0, 30.0])
def test_the_inner_ramp_is_0_from_the_border_outwards_and_rises_inwards(width):
    inside = (masks.polygon_mask(SHAPE, [SQUARE], grow=10) > 0.5).astype(np.uint8)
    ramp = masks.inner_ramp(inside, width)
    assert (ramp[inside == 0] == 0).all()
    assert ramp[50, 21:].argmax() and (np.diff(ramp[50, :60]) >= 0).all()
    assert ramp[50, 60] == pytest.approx(1.0 if width <= 29 else masks.ramp(np.array(29 / 30)), abs=0.02)
    first = np.flatnonzero(ramp[50])[0]
    assert ramp[50, first] == pytest.approx(masks.ramp(np.array(1 / max(width, 1.0))), abs=0.02)


# --- Parts of the face ---


def at(field: np.ndarray, point: np.ndarray) -> float:
    x, y = np.round(point).astype(int)
    return float(field[y, x])


def test_features_are_eyes_brows_nostrils_and_mouth():
    points = mean_face()
    mask = masks.features(points, (400, 400), 100.0)
    for part in (points[36:42].mean(0), points[42:48].mean(0), points[19], points[24], points[33], points[62]):
        assert at(mask, part) == 1
    for bare in (points[28], points[8] - [0, 20], (points[2] + points[31]) / 2, (points[14] + points[35]) / 2,
                 points[27] - [0, 60]):
        assert at(mask, bare) == 0


def extended() -> np.ndarray:
    return camera().project(EXTENDED_SHAPE)


def test_the_outline_reaches_as_high_as_asked():
    points = extended()
    full, low = masks.outline(points, np.ones(11)), masks.outline(points, np.zeros(11))
    np.testing.assert_allclose(full, points[OUTLINE])
    np.testing.assert_allclose(low[:17], points[:17])
    assert low[17:, 1].min() == pytest.approx(points[17:27, 1].min())
    assert len(masks.below_brows(points)) == 27


@pytest.fixture
def all_skin():
    return np.ones((400, 400), np.float32)


def test_skin_up_to_the_hairline_is_used_as_far_as_allowed(all_skin):
    np.testing.assert_allclose(masks.skin_height(extended(), all_skin, 0.62), 0.62, atol=1e-6)
    np.testing.assert_allclose(masks.skin_height(extended(), all_skin, 1.0), 1.0, atol=1e-6)


def test_a_fringe_over_one_side_ends_the_mask_there(all_skin):
    points = extended()
    all_skin[:int(points[19, 1]) - 12, :200] = 0
    height = masks.skin_height(points, all_skin, 0.62)
    assert (height[2:4] < 0.35).all()
    assert (height[7:] > 0.6).all()


def test_skin_above_a_headband_is_not_reached(all_skin):
    points = extended()
    middle = int((points[73, 1] + points[21, 1]) / 2)
    all_skin[middle - 6:middle + 6] = 0
    height = masks.skin_height(points, all_skin, 1.0)
    assert 0.2 < height[5] < 0.55


def test_no_skin_at_all_leaves_the_lowest_height(all_skin):
    np.testing.assert_allclose(masks.skin_height(extended(), 0 * all_skin, 0.62), 0.22, atol=1e-6)


def test_the_forehead_fades_from_the_brows_to_the_mask_s_top():
    points = extended()
    fade = masks.forehead_fade(points, np.full(11, 0.62), (400, 400), 2.0)
    column = fade[:, 200]
    brow, arc = (points[21] + points[22])[1] / 2, points[73, 1]
    top = brow + 0.62 * (arc - brow)
    assert column[int(top) - 8] == pytest.approx(0, abs=0.01)
    assert column[int(brow) + 2] == pytest.approx(1, abs=0.02)
    assert 0.2 < column[int((top + brow) / 2)] < 0.8
    assert (np.diff(column) > -1e-3).all()
    assert fade[int(points[33, 1])].min() == pytest.approx(1)
