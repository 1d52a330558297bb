from __future__ import annotations

import cv2
import numpy as np
import pytest
from heads import camera

from faceswap_cli.faces.landmarks68 import EXTENDED_SHAPE, LOWER_LIP_EDGE, NOSE, OUTLINE, UPPER_LIP_EDGE
from faceswap_cli.faces.mesh import FaceMesh, fit_affine, triangles, with_ring

SHAPE = (400, 400)
GRID = np.dstack(np.meshgrid(np.arange(400.0), np.arange(400.0)))


def head(**pose: float) -> np.ndarray:
    """84 points of the mean face."""
    return camera(**pose).project(EXTENDED_SHAPE)


def mesh_of(points: np.ndarray, smooth: float = 3.5, **pose: float) -> FaceMesh:
    return FaceMesh(points, camera(**pose).depth(EXTENDED_SHAPE), SHAPE, smooth)


def inside(points: np.ndarray) -> np.ndarray:
    return cv2.fillPoly(np.zeros(SHAPE, np.uint8), [np.round(points[OUTLINE]).astype(np.int32)], 1) > 0


# --- Triangles ---


def test_triangles_are_the_same_whenever_they_are_made():
    np.testing.assert_array_equal(triangles.__wrapped__(), triangles.__wrapped__())


def test_triangles_use_every_point_and_cover_the_ring_once():
    points = with_ring(EXTENDED_SHAPE[:, :2])
    corners = points[triangles()]
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    areas = np.abs(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) / 2
    ring = cv2.convexHull(points[84:].astype(np.float32))
    assert set(triangles().ravel()) == set(range(112))
    assert areas.sum() == pytest.approx(cv2.contourArea(ring), rel=0.01)


def test_no_two_triangles_share_an_edge_with_a_third():
    edges = np.concatenate([triangles()[:, pair] for pair in ([0, 1], [1, 2], [0, 2])])
    _, count = np.unique(np.sort(edges, axis=1), axis=0, return_counts=True)
    assert set(count) == {1, 2}


def test_the_ring_is_the_outline_enlarged_about_its_centre():
    points = head(yaw=20.0)
    ringed = with_ring(points)
    centre = points[OUTLINE].mean(0)
    np.testing.assert_array_equal(ringed[:84], points)
    np.testing.assert_allclose((ringed[84:] - centre) / (points[OUTLINE] - centre), 1.4)


def test_fit_affine_finds_the_affine_map():
    matrix = np.array([[1.2, -0.3, 17.0], [0.4, 0.9, -5.0]])
    points = head()
    np.testing.assert_allclose(fit_affine(points, points @ matrix[:, :2].T + matrix[:, 2]), matrix, atol=1e-9)


# --- The map ---


@pytest.mark.parametrize("pose", [{}, {"yaw": 40.0}, {"roll": 120.0, "yaw": -25.0, "pitch": 10.0}])
def test_the_same_points_give_the_identity(pose):
    points = head(**pose)
    field = mesh_of(points, **pose).map_from(points)
    assert field.dtype == np.float32 and field.shape == (400, 400, 2)
    assert np.abs(field - GRID)[inside(points)].max() < 0.05


@pytest.mark.parametrize("matrix", [
    [[1.0, 0.0, 31.5], [0.0, 1.0, -20.25]],
    [[2.5, 0.0, 0.0], [0.0, 2.5, 10.0]],
    [[0.0, -0.5, 300.0], [0.5, 0.0, 0.0]],
], ids=["moved", "enlarged", "turned"])
def test_a_source_moved_enlarged_or_turned_gives_the_map_moved_enlarged_or_turned(matrix):
    matrix = np.array(matrix)
    points = head(yaw=15.0)
    field = mesh_of(points, yaw=15.0).map_from(points @ matrix[:, :2].T + matrix[:, 2])
    np.testing.assert_allclose(field, GRID @ matrix[:, :2].T + matrix[:, 2], atol=0.05)


@pytest.mark.parametrize(("smooth", "tolerance"), [(0.0, 0.6), (3.5, 2.5)])
def test_each_landmark_looks_at_the_same_landmark_of_the_source(smooth, tolerance):
    points = head()
    source = points + np.random.default_rng(5).normal(0, 2.0, (84, 2))
    source[NOSE] += [6, 8]
    field = mesh_of(points, smooth).map_from(source)
    x, y = np.clip(np.round(points).astype(int), 0, 399).T
    on_canvas = (np.round(points) == np.stack([x, y], 1)).all(1)
    error = np.linalg.norm(field[y, x] - source - (np.round(points) - points), axis=1)[on_canvas]
    assert np.median(error) < tolerance / 2
    assert error.max() < 3 * tolerance


def test_the_warp_has_no_creases_and_is_calm_far_outside():
    points = head(scale=60.0)
    source = points + np.random.default_rng(6).normal(0, 3.0, (84, 2))
    field = mesh_of(points, 4.0, scale=60.0).map_from(source)
    affine = fit_affine(points[:68], source[:68])
    residual = field - (GRID @ affine[:, :2].T + affine[:, 2])
    assert np.abs(np.diff(residual, 2, axis=0)).max() < 0.25
    assert np.abs(residual[:5]).max() < 0.05 and np.abs(residual[:, :5]).max() < 0.05


def test_lips_that_touch_leave_no_hole_in_the_map():
    points = head()
    points[LOWER_LIP_EDGE] = points[UPPER_LIP_EDGE]
    source = head()
    field = mesh_of(points).map_from(source)
    assert np.isfinite(field).all()
    assert np.abs(field - GRID)[inside(points)].max() < 20


def test_a_face_partly_off_the_canvas_is_mapped_where_it_is_seen():
    points = head(at=(10.0, 390.0))
    field = mesh_of(points, at=(10.0, 390.0)).map_from(points)
    assert np.abs(field - GRID)[inside(points)].max() < 0.05


# --- Depth ---


def test_depth_decides_which_of_two_overlapping_triangles_is_seen():
    # On a head turned this far the root of the nose hides the inner corner of the far eye.
    points = head(yaw=65.0)
    on_nose = np.zeros(84)
    on_nose[NOSE] = 1.0
    x, y = np.round(points[NOSE[0]]).astype(int)
    depth = camera(yaw=65.0).depth(EXTENDED_SHAPE)
    nearest = FaceMesh(points, depth, SHAPE, 0.0).spread_values(on_nose)
    farthest = FaceMesh(points, -depth, SHAPE, 0.0).spread_values(on_nose)
    assert nearest[y, x] > 0.9
    assert farthest[y, x] < 0.1


# --- Values ---


def test_values_are_interpolated_between_the_points():
    points = head()
    values = np.clip(points[:, 0] / 400, 0, 1)
    field = mesh_of(points).spread_values(values)
    np.testing.assert_allclose(field[inside(points)], (GRID[..., 0] / 400)[inside(points)], atol=0.01)


def test_values_stay_within_0_and_1_and_are_0_far_outside():
    points = head(scale=40.0)
    field = mesh_of(points).spread_values(np.ones(84))
    assert field.min() == 0.0 and field.max() == 1.0
    np.testing.assert_allclose(field[inside(points)], 1, atol=1e-3)
    assert field[0, 0] == field[-1, -1] == 0.0
