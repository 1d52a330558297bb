from __future__ import annotations

import warnings

import numpy as np
import pytest
from heads import mean_face

from faceswap_cli.faces.align import matrix_scale, transform
from faceswap_cli.faces.templates import (
    ARCFACE_112,
    FFHQ_512,
    TEMPLATES,
    arcface,
    enlarged,
    estimate,
    ffhq,
    five_points,
    similarity,
)
from faceswap_cli.models.spec import Template


def turned(points, scale, degrees, shift):
    angle = np.radians(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return points @ turn.T + shift


def insightfaces(landmarks, side):
    face_align = pytest.importorskip("insightface.utils.face_align")
    with warnings.catch_warnings():  # it calls a method of scikit-image that is going to be renamed
        warnings.simplefilter("ignore", FutureWarning)
        return face_align.estimate_norm(landmarks, side)


@pytest.mark.parametrize("side", [112, 128, 224, 256, 512, 896])
def test_arcface_crops_are_those_of_insightface(side):
    noise = np.random.default_rng(side)
    for scale, degrees in ((0.3, 0), (1, 30), (4, -100), (9, 179)):
        landmarks = turned(ARCFACE_112, scale, degrees, (500, 300)) + noise.normal(0, scale * 3, (5, 2))
        # In float64: of float32 landmarks insightface computes in float32, which is off by up to 1e-3 pixels.
        theirs = insightfaces(landmarks, side)
        ours = estimate(landmarks, "arcface", side)
        corners = np.array([[0, 0], [side, 0], [0, side], [side, side], [side / 2, side / 2]])
        seen = transform(np.linalg.inv(np.vstack([theirs, [0, 0, 1]]))[:2], corners)
        assert np.abs(transform(ours, seen) - corners).max() < 1e-4


def test_of_mirrored_landmarks_the_best_turn_is_taken_as_insightface_does():
    landmarks = (ARCFACE_112 * [-1, 1] + [200, 0]).astype(np.float32)
    assert np.abs(estimate(landmarks, "arcface", 128) - insightfaces(landmarks, 128)).max() < 1e-4


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_face_that_lies_as_the_template_is_taken_as_it_is(template):
    matrix = estimate(TEMPLATES[template](256), template, 256)
    assert np.allclose(matrix, [[1, 0, 0], [0, 1, 0]], atol=1e-9)


def test_a_turned_face_is_put_on_the_template():
    landmarks = turned(ffhq(512), 0.5, 20, (40, 60))
    matrix = estimate(landmarks, "ffhq", 512)
    assert np.allclose(transform(matrix, landmarks), FFHQ_512)
    assert matrix_scale(matrix) == pytest.approx(2)


def test_a_crop_of_128_shows_more_than_one_of_112():
    assert np.allclose(arcface(128) - ARCFACE_112, (8, 0))
    assert np.allclose(arcface(256), 2 * arcface(128))
    assert np.allclose(arcface(224), 2 * ARCFACE_112)


def test_the_catalogue_names_the_same_templates():
    assert {template.value for template in Template} == set(TEMPLATES)


def test_five_points_of_68():
    landmarks = mean_face(scale=100)
    five = five_points(landmarks)
    assert np.allclose(five[1] - five[0], [100, 0], atol=1)
    assert np.allclose(five[2:], landmarks[[30, 48, 54]])
    assert np.array_equal(five_points(five), five)
    assert np.allclose(estimate(landmarks, "arcface", 128), estimate(five, "arcface", 128))


def test_another_number_of_landmarks_is_refused():
    with pytest.raises(ValueError, match="106"):
        five_points(np.zeros((106, 2)))


def test_landmarks_that_coincide_have_no_crop():
    assert not np.isfinite(similarity(np.ones((5, 2)), ARCFACE_112)).any()


def test_an_enlarged_crop_shows_the_same():
    matrix = estimate(turned(ARCFACE_112, 3, 10, (100, 100)), "arcface", 128)
    large = enlarged(matrix, 2)
    # The corner of the picture is half a pixel before the centre of its first pixel.
    corner = transform(np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2], np.array([[-0.5, -0.5], [127.5, 127.5]]))
    assert np.allclose(transform(large, corner), [[-0.5, -0.5], [255.5, 255.5]])
