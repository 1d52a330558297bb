from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from heads import camera, mean_face, portrait, with_beard, with_glasses

from faceswap_cli.engine.swappers import face_crop
from faceswap_cli.engine.swappers.face_crop import (
    MAX_SIDE,
    MIN_SIDE,
    crop_side,
    cut_crop,
    look_for_cover,
    measure_source,
    mirror,
)
from faceswap_cli.faces.align import EYE_FRACTION
from faceswap_cli.faces.pose import fit_camera


@pytest.fixture
def source():
    one = portrait("woman-3")
    return measure_source(one.pixels, one.face.landmarks)


@pytest.mark.parametrize("scale", [3.0, 40.0, 100.0, 166.0, 200.0, 900.0])
def test_a_crop_loses_no_detail_within_its_limits(scale):
    side = crop_side(camera(scale))
    assert side % 64 == 0 and MIN_SIDE <= side <= MAX_SIDE
    assert EYE_FRACTION * side >= scale or side == MAX_SIDE
    assert side == MIN_SIDE or EYE_FRACTION * (side - 64) < scale


def test_a_crop_is_upright_centred_and_of_known_scale():
    one = portrait("woman-3")
    turned = np.ascontiguousarray(np.rot90(one.pixels))
    points = one.face.landmarks[:, ::-1] * [1, -1] + [0, one.pixels.shape[1] - 1]
    crop, straight = cut_crop(turned, points, 256), cut_crop(one.pixels, one.face.landmarks, 256)
    assert fit_camera(points).pose.roll == pytest.approx(-90, abs=2)
    assert crop.camera.pose.roll == pytest.approx(0, abs=0.1)
    assert crop.camera.scale == pytest.approx(EYE_FRACTION * 256, rel=1e-3)
    np.testing.assert_allclose(crop.points, straight.points, atol=0.5)
    assert np.abs(crop.texture.astype(int) - straight.texture).mean() < 1.5


def test_a_small_side_is_the_large_one_shrunk(source):
    small, large = source.crop(128, False), source.crop(256, False)
    np.testing.assert_allclose(2 * small.points, large.points, atol=0.01)
    assert small.texture.shape == (128, 128, 3)


def test_crops_are_made_once_for_each_size_and_side(source, monkeypatch):
    made = []
    real = face_crop.cut_crop

    def counted(image, landmarks, side):
        made.append(side)
        return real(image, landmarks, side)

    monkeypatch.setattr(face_crop, "cut_crop", counted)
    first = source.crop(128, False)
    assert source.crop(128, False) is first
    assert source.crop(128, True) is not first
    assert source.crop(192, False) is not first
    assert made == [128, 128, 192]


def test_threads_that_ask_at_once_get_the_same_crop(source, monkeypatch):
    made = []
    real = face_crop.cut_crop
    monkeypatch.setattr(face_crop, "cut_crop", lambda *given: made.append(1) or real(*given))
    with ThreadPoolExecutor(8) as pool:
        crops = list(pool.map(lambda _: source.crop(128, False), range(16)))
    assert len({id(crop) for crop in crops}) == 1
    assert len(made) == 1


def test_the_mirror_image_s_points_lie_on_the_mirror_image(source):
    straight, mirrored = source.crop(256, False), source.crop(256, True)
    assert mirrored.camera.pose.yaw == pytest.approx(-straight.camera.pose.yaw, abs=1.0)
    np.testing.assert_allclose(mirrored.points[36:42].mean(0) + straight.points[42:48].mean(0) * [1, -1],
                               [255, 0], atol=3)


def test_mirroring_twice_is_the_identity():
    points = mean_face(yaw=20.0, roll=7.0)
    np.testing.assert_allclose(mirror(mirror(points, 400), 400), points)
    assert fit_camera(mirror(points, 400)).pose == pytest.approx((-20, 0, -7), abs=0.01)


def test_only_the_neighbourhood_of_the_face_is_kept():
    one = portrait("woman-3")
    wide = np.zeros((3000, 4000, 3), np.uint8)
    wide[1500:2300, 2500:3140] = one.pixels
    source = measure_source(wide, one.face.landmarks + np.array([2500, 1500]))
    assert max(source.image.shape) < 10 * source.camera.scale
    inside, alone = source.crop(128, False), measure_source(one.pixels, one.face.landmarks).crop(128, False)
    np.testing.assert_allclose(inside.points, alone.points, atol=1e-6)
    centre = np.s_[32:96, 32:96]
    np.testing.assert_allclose(inside.texture[centre].astype(int), alone.texture[centre], atol=2)


def test_a_source_does_not_change_with_the_picture_it_came_from():
    one = portrait("woman-3")
    picture = one.pixels.copy()
    source = measure_source(picture, one.face.landmarks)
    picture[...] = 0
    assert source.crop(128, False).texture.mean() > 50


def test_a_source_is_measured():
    one = portrait("man-1")
    points = one.face.landmarks
    source = measure_source(one.pixels, points)
    assert source.mouth == pytest.approx(0.15, abs=0.03)
    assert source.eyes == pytest.approx((0.27, 0.28), abs=0.03)
    assert not source.cover.glasses() and source.cover.beard == 0
    assert look_for_cover(with_glasses(one.pixels, points), points).glasses()
    assert measure_source(with_beard(one.pixels, points), points).cover.beard > 0.5
