from __future__ import annotations

import numpy as np
import pytest

from faceswap_cli.faces.skin import fit_skin, likelihood, skin_distance

SKIN, HAIR, SHIRT, HIGHLIGHT = (65.0, 14.0, 16.0), (18.0, 4.0, 6.0), (55.0, -5.0, -30.0), (82.0, 11.0, 13.0)


def colours(*rows: tuple[float, float, float], noise: float = 1.0) -> np.ndarray:
    """LAB, a stripe of 20 pixels high for each colour."""
    stripes = np.repeat(np.array(rows, np.float32), 20, axis=0)[:, None]
    drawn = np.random.default_rng(1).normal(0, noise, (len(stripes), 60, 3))
    return (stripes + drawn).astype(np.float32)


@pytest.fixture
def lab():
    return colours(SKIN, HAIR, SHIRT, HIGHLIGHT)


@pytest.fixture
def cheeks(lab):
    mask = np.zeros(lab.shape[:2], np.float32)
    mask[:20, :30] = 1
    return mask


def test_skin_is_likely_and_hair_and_clothes_are_not(lab, cheeks):
    found = likelihood(skin_distance(lab, cheeks))
    assert found.dtype == np.float32 and found.shape == lab.shape[:2]
    assert found[:20].mean() > 0.98
    assert found[20:60].max() == 0


def test_a_tolerance_lets_highlights_and_shadows_pass_but_no_hair(lab, cheeks):
    distance = skin_distance(lab, cheeks)
    strict, loose = likelihood(distance), likelihood(distance, 2.0)
    assert (loose >= strict).all()
    assert loose[60:].mean() > strict[60:].mean() + 0.3
    assert loose[20:40].max() == 0


def test_brighter_than_skin_is_nearer_than_darker():
    lab = colours((65, 14, 16), (85, 14, 16), (45, 14, 16), noise=0)
    cheeks = np.zeros(lab.shape[:2], np.float32)
    cheeks[:20] = 1
    distance = skin_distance(lab, cheeks)
    assert distance[:20].max() == 0
    assert distance[30, 30] == pytest.approx(0.6 * distance[50, 30])


def test_a_few_hairs_among_the_samples_do_not_move_the_model(lab, cheeks):
    hairy = lab.copy()
    hairy[:20:5, :30] = HAIR
    assert fit_skin(hairy, cheeks).centre == pytest.approx(fit_skin(lab, cheeks).centre, abs=0.5)


def test_many_samples_are_thinned_without_moving_the_model(lab):
    wide = np.repeat(lab[:20], 40, axis=1)
    model = fit_skin(wide, np.ones(wide.shape[:2], np.float32))
    assert model.centre == pytest.approx(np.array(SKIN), abs=0.3)


def test_too_small_a_face_has_no_model_and_everything_may_be_skin(lab):
    few = np.zeros(lab.shape[:2], np.float32)
    few[0, :20] = 1
    assert fit_skin(lab, few) is None
    assert (skin_distance(lab, few) == 0).all()
