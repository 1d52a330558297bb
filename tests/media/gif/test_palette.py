"""Mapping colours into a palette: near on the average, steady in time, never an entry that is not allowed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceswap_cli.media.gif.palette import WEIGHTS, PaletteMap, Spots, nearest, quantise, seen_error, spots


def everywhere(picture: np.ndarray) -> Spots:
    height, width = picture.shape[:2]
    return spots(picture, (slice(0, height), slice(0, width)), np.ones((height, width), bool))


def ramp() -> np.ndarray:
    rows, columns = np.mgrid[0:64, 0:64]
    return np.stack([60 + rows * 2, 40 + columns * 2, 90 + rows + columns // 2], axis=2).astype(np.uint8)


def test_dithering_keeps_the_mean_where_single_pixels_cannot() -> None:
    palette = np.array([[0, 0, 0], [85, 85, 85], [170, 170, 170], [255, 255, 255]], np.uint8)
    for level in range(20, 240, 20):
        picture = np.full((64, 64, 3), level, np.uint8)
        shown = palette[PaletteMap(palette).map(everywhere(picture))]
        assert abs(float(shown.mean()) - level) < 16  # a nearest entry alone is up to 42 off


def test_dithering_looks_nearer_than_the_nearest_entries() -> None:
    picture = ramp()
    palette = np.array([[r, g, b] for r in range(50, 200, 30) for g in range(30, 180, 30) for b in (90, 140, 190)],
                       np.uint8)
    mask = np.ones(picture.shape[:2], bool)
    dithered = palette[PaletteMap(palette).map(everywhere(picture))].reshape(picture.shape)
    plain = palette[nearest(picture.reshape(-1, 3), palette)].reshape(picture.shape)
    assert seen_error(picture, dithered, mask) < 0.6 * seen_error(picture, plain, mask)


def test_the_same_colour_at_the_same_place_gets_the_same_entry_whatever_came_before() -> None:
    picture = ramp()
    palette = quantise(picture.reshape(-1, 3), 16)
    alone = PaletteMap(palette).map(everywhere(picture))
    used = PaletteMap(palette)
    used.map(everywhere(np.ascontiguousarray(picture[::-1])))
    assert np.array_equal(alone, used.map(everywhere(picture)))
    for top, left in ((10, 20), (9, 21), (16, 3)):
        part = (slice(top, top + 20), slice(left, left + 30))
        cut = used.map(spots(picture[part], part, np.ones((20, 30), bool)))
        assert np.array_equal(cut, alone[part])


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2 ** 32 - 1), size=st.integers(1, 256))
def test_only_allowed_entries_are_used(seed: int, size: int) -> None:
    noise = np.random.default_rng(seed)
    palette = noise.integers(0, 256, (size, 3), dtype=np.uint8)
    usable = noise.random(size) < 0.5
    usable[noise.integers(0, size)] = True
    picture = noise.integers(0, 256, (8, 9, 3), dtype=np.uint8)
    found = PaletteMap(palette, usable).map(everywhere(picture))
    assert usable[found].all()


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 255, 255)])
def test_the_corners_of_the_colour_cube_are_reached(colour: tuple[int, int, int]) -> None:
    palette = np.array([[r, g, b] for r in (0, 255) for g in (0, 255) for b in (0, 255)], np.uint8)
    picture = np.full((16, 16, 3), colour, np.uint8)
    shown = palette[PaletteMap(palette).map(everywhere(picture))]
    assert np.array_equal(shown, picture)


def test_the_seen_error_ignores_grain_and_sees_a_wrong_tone() -> None:
    picture = np.full((60, 60, 3), 120, np.uint8)
    rows, columns = np.mgrid[0:60, 0:60]
    grain = (picture + np.where((rows + columns) % 2, 8, -8)[..., None]).astype(np.uint8)
    mask = np.ones((60, 60), bool)
    assert seen_error(picture, picture, mask) == 0
    assert seen_error(picture, grain, mask) < 1
    assert seen_error(picture, picture + np.uint8(8), mask) == pytest.approx(8, abs=0.1)


@pytest.mark.parametrize("count", [2, 16, 255])
def test_no_more_colours_than_asked_for(count: int) -> None:
    palette = quantise(ramp().reshape(-1, 3), count)
    assert 1 <= len(palette) <= count
    flat = quantise(np.full((100, 3), 77, np.uint8), count)
    assert np.array_equal(flat[0], [77, 77, 77])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2 ** 32 - 1), count=st.integers(1, 600), size=st.integers(1, 256))
def test_the_nearest_entry_is_exactly_the_nearest_and_the_first_of_several(seed: int, count: int, size: int) -> None:
    noise = np.random.default_rng(seed)
    palette = noise.integers(0, 256, (size, 3), dtype=np.uint8)
    palette[noise.integers(0, size)] = palette[0]
    pixels = noise.integers(0, 256, (count, 3), dtype=np.uint8)
    distances = (pixels[:, None].astype(int) - palette) ** 2 @ np.array(WEIGHTS)
    assert np.array_equal(nearest(pixels, palette), distances.argmin(axis=1))


def test_colours_that_the_palette_has_stay_what_they_are_on_the_grid() -> None:
    greys = np.linspace(0, 255, 64).round().astype(np.uint8)
    palette = np.stack([greys, greys, greys], axis=1)
    picture = np.broadcast_to(palette[:, None], (64, 8, 3)).copy()
    shown = palette[PaletteMap(palette).map(everywhere(picture))]
    assert np.abs(shown.astype(int) - picture).max() <= 5  # one grid step and rounding
    assert np.abs(shown.astype(int) - picture).mean() < 1
