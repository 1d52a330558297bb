from __future__ import annotations

import numpy as np
import pytest

from faceswap_cli.faces.colour import Canvas, MaskedBlur, chroma_curve, match_sharpness, relight, to_lab, to_rgb
from faceswap_cli.faces.masks import blur

SIDE, EYES = 128, 34.0
DISC = (np.hypot(*(np.indices((SIDE, SIDE)) - SIDE / 2)) < 50).astype(np.float32)
NOTHING = np.zeros((SIDE, SIDE), np.float32)


def skin(light: float, a: float, b: float, *, texture: float = 1.5, shade: float = 0.0, seed: int = 0) -> np.ndarray:
    """LAB of skin: a tone, a shade rising to the right, and a fine texture."""
    rng = np.random.default_rng(seed)
    lab = np.empty((SIDE, SIDE, 3), np.float32)
    lab[...] = (light, a, b)
    lab[..., 0] += np.linspace(-shade, shade, SIDE)[None] + rng.normal(0, texture, (SIDE, SIDE))
    lab[..., 1:] += 0.1 * (lab[..., :1] - light) + rng.normal(0, 0.3, (SIDE, SIDE, 2))
    return lab


def canvas(target: np.ndarray, features: np.ndarray = NOTHING, grey: np.ndarray = NOTHING) -> Canvas:
    return Canvas(target=target, features=features, grey=grey, limits=(0.0, 100.0), eye_distance=EYES)


def mean(lab: np.ndarray) -> np.ndarray:
    return lab[DISC > 0].mean(0)


# --- Conversion ---


def test_lab_and_back_is_the_same_colour():
    rgb = np.random.default_rng(2).uniform(0, 1, (20, 20, 3)).astype(np.float32)
    np.testing.assert_allclose(to_rgb(to_lab(rgb)), rgb, atol=4e-3)
    assert to_lab(np.ones((1, 1, 3), np.float32))[0, 0] == pytest.approx([100, 0, 0], abs=0.1)


def test_colours_outside_rgb_are_clipped():
    rgb = to_rgb(np.float32([[[50, 120, -120], [110, 0, 0], [-5, 0, 0]]]))
    assert rgb.min() >= 0 and rgb.max() <= 1


# --- Blurs that see only the mask ---


@pytest.mark.parametrize("sigma", [1.0, 9.0, 30.0])
def test_a_masked_blur_ignores_what_is_outside(sigma):
    field = MaskedBlur(DISC, sigma)
    x = skin(60, 12, 15, shade=10)[..., 0]
    other = np.where(DISC > 0, x, -500).astype(np.float32)
    np.testing.assert_array_equal(field(x), field(other))


def test_a_masked_blur_of_one_value_is_that_value_also_beside_the_mask():
    result = MaskedBlur(DISC, 9.0)(np.where(DISC > 0, np.float32(42), np.float32(0)))
    np.testing.assert_allclose(result[DISC > 0], 42, rtol=0.01)
    assert result[0, 0] == pytest.approx(42, rel=0.2)


def test_a_masked_blur_takes_two_planes_as_it_takes_each():
    ab = np.ascontiguousarray(skin(60, 12, 15)[..., 1:])
    field = MaskedBlur(DISC, 6.0)
    for k in (0, 1):
        np.testing.assert_allclose(field(ab)[..., k], field(np.ascontiguousarray(ab[..., k])), atol=1e-3)


def test_an_empty_mask_gives_finite_values():
    assert np.isfinite(MaskedBlur(NOTHING, 9.0)(skin(60, 12, 15)[..., 0])).all()


# --- The curve of chroma against lightness ---


def test_the_chroma_curve_follows_the_skin_and_stops_at_its_ends():
    lab = skin(60, 12, 16, shade=25, texture=0.5)
    curve = chroma_curve(lab, DISC)
    shown = curve(np.float32([[0, 45, 60, 75, 100]]))[0]
    # The synthetic skin has 0.1 more a and b for each unit of L.
    assert shown[2] == pytest.approx([12, 16], abs=0.3)
    assert shown[3] - shown[1] == pytest.approx([3, 3], abs=0.5)
    assert shown[0] == pytest.approx(curve(np.float32([[35]]))[0, 0], abs=1.5)


def test_a_mask_of_few_pixels_gives_their_mean_chroma():
    lab, few = skin(60, 12, 16), NOTHING.copy()
    few[60:64, 60:64] = 1
    result = chroma_curve(lab, few)(lab[..., 0])
    assert result.shape == (SIDE, SIDE, 2)
    assert result[5, 5] == pytest.approx(lab[60:64, 60:64, 1:].mean((0, 1)), abs=1e-3)
    assert (chroma_curve(lab, NOTHING)(lab[..., 0]) == 0).all()


# --- Light and tint ---


@pytest.mark.parametrize("tone", [(75, 9, 14), (38, 12, 18), (62, 22, 24)], ids=["fair", "dark", "flushed"])
def test_relight_brings_skin_to_the_target_s_tone(tone):
    source, target = skin(58, 14, 17), skin(*tone, seed=1)
    result = relight(source, DISC, canvas(target))
    assert result.dtype == np.float32
    assert mean(result) == pytest.approx(mean(target), abs=1.0)


def test_relight_takes_the_target_s_shading_and_keeps_the_source_s_detail():
    source, target = skin(60, 12, 15, seed=1), skin(60, 12, 15, shade=20, texture=0.0, seed=2)
    source[60:64, 60:64, 0] -= 15
    result = relight(source, DISC, canvas(target))[..., 0]
    assert result[40:90, 90].mean() - result[40:90, 38].mean() == pytest.approx(
        target[40:90, 90, 0].mean() - target[40:90, 38, 0].mean(), abs=3.0)
    assert result[60:64, 60:64].mean() < result[50:56, 60:64].mean() - 8


def test_lips_stay_redder_than_skin():
    source, target = skin(60, 12, 15), skin(70, 10, 13, seed=1)
    source[80:95, 50:78, 1] += 20
    mask = DISC.copy()
    mask[78:97, 48:80] = 0
    result = relight(source, mask, canvas(target))
    assert result[82:93, 52:76, 1].mean() > mean(target)[1] + 6


def test_a_grey_target_stays_grey():
    source = skin(60, 14, 17)
    source[80:95, 50:78, 1] += 25
    target = skin(60, 0, 0, seed=1)
    target[..., 1:] = 0
    assert np.abs(relight(source, DISC, canvas(target))[..., 1:]).max() < 0.01


def test_the_white_of_eyes_stays_without_colour_on_any_skin():
    eye = NOTHING.copy()
    eye[50:58, 55:73] = 1
    source, target = skin(60, 14, 17), skin(60, 26, 30, seed=1)
    source[eye > 0, 1:] = 0.5
    mask = DISC * (1 - eye)
    plain, kept = (relight(source, mask, canvas(target, grey=grey)) for grey in (NOTHING, eye))
    centre = np.s_[53:55, 60:68, 1:]
    assert np.linalg.norm(kept[centre].mean((0, 1))) < np.linalg.norm(plain[centre].mean((0, 1)))


def test_nothing_gets_darker_or_brighter_than_the_target_s_face_shows():
    source, target = skin(60, 12, 15, texture=8), skin(60, 12, 15, texture=1, seed=1)
    shown = Canvas(target=target, features=NOTHING, grey=NOTHING, limits=(50.0, 70.0), eye_distance=EYES)
    result = relight(source, DISC, shown)[..., 0]
    assert result.min() > 45 and result.max() < 73


def test_relight_leaves_its_inputs_unmodified():
    source, target = skin(60, 12, 15), skin(70, 10, 13, seed=1)
    before = source.copy(), target.copy()
    relight(source, DISC, canvas(target))
    np.testing.assert_array_equal(source, before[0])
    np.testing.assert_array_equal(target, before[1])


# --- Sharpness ---


def energy(lab: np.ndarray) -> float:
    light = np.ascontiguousarray(lab[..., 0])
    return float(np.abs(light - blur(light, 1.0))[DISC > 0].mean())


@pytest.mark.parametrize(("own", "wanted"), [(1.0, 3.0), (3.0, 1.0), (2.0, 2.0), (0.5, 2.0), (2.0, 0.0)])
def test_match_sharpness_brings_the_energies_nearer(own, wanted):
    source, target = skin(60, 12, 15, texture=own), skin(60, 12, 15, texture=wanted, seed=1)
    before = abs(energy(source) - energy(target))
    result = match_sharpness(source.copy(), DISC, canvas(target))
    assert abs(energy(result) - energy(target)) <= 0.85 * before + 0.05
    np.testing.assert_array_equal(result[..., 1:], source[..., 1:])
    assert mean(result)[0] == pytest.approx(mean(source)[0], abs=0.2)


def test_match_sharpness_does_not_blow_up_what_is_nearly_smooth():
    source, target = skin(60, 12, 15, texture=0.2), skin(60, 12, 15, texture=8, seed=1)
    before = energy(source)
    assert energy(match_sharpness(source, DISC, canvas(target))) < 2.5 * before
