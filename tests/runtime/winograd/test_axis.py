"""One axis as a convolution sees it."""

from __future__ import annotations

import numpy as np
import pytest

from faceswap_cli.runtime.winograd.axis import Axis, Coordinates, Padding, doubled, padded, plain, tiles

NUMPY_MODES = {
    Padding.CONSTANT: "constant",
    Padding.REFLECT: "reflect",
    Padding.EDGE: "edge",
    Padding.WRAP: "wrap",
}


def values(axis: Axis, samples: np.ndarray) -> np.ndarray:
    return np.array([sum(weight * samples[sample] for sample, weight in taps.items()) for taps in axis])


@pytest.mark.parametrize("mode", Padding)
@pytest.mark.parametrize(("begin", "end"), [(0, 0), (1, 1), (0, 3), (4, 2)])
def test_padding_is_numpys(mode: Padding, begin: int, end: int) -> None:
    samples = np.random.default_rng(0).random(5)

    found = values(padded(plain(5), begin, end, mode), samples)

    np.testing.assert_array_equal(found, np.pad(samples, (begin, end), mode=NUMPY_MODES[mode]))


def test_negative_padding_takes_off() -> None:
    samples = np.arange(6.0)

    np.testing.assert_array_equal(values(padded(plain(6), -1, -2, Padding.CONSTANT), samples), samples[1:-2])


def test_no_more_is_reflected_than_there_is() -> None:
    with pytest.raises(ValueError, match="reflected by 3"):
        padded(plain(3), 3, 0, Padding.REFLECT)


def test_doubling_keeps_a_ramp_straight_inside() -> None:
    found = values(doubled(plain(6), Coordinates.HALF_PIXEL), np.arange(6.0))

    np.testing.assert_allclose(found[1:-1], (np.arange(1, 11) + 0.5) / 2 - 0.5)
    assert (found[0], found[-1]) == (0, 5)


def test_corners_stay_at_the_corners() -> None:
    found = values(doubled(plain(4), Coordinates.ALIGN_CORNERS), np.arange(4.0))

    np.testing.assert_allclose(found, np.linspace(0, 3, 8))


@pytest.mark.parametrize("size", [3, 4, 5, 7, 8, 13])
@pytest.mark.parametrize("kind", ["zeros", "reflected", "doubled", "cropped"])
def test_tiles_read_what_lies_on_the_axis(size: int, kind: str) -> None:
    axis = {
        "zeros": padded(plain(size), 1, 1, Padding.CONSTANT),
        "reflected": padded(plain(size), 2, 1, Padding.REFLECT),
        "doubled": padded(doubled(plain(size), Coordinates.HALF_PIXEL), 1, 1, Padding.CONSTANT),
        "cropped": padded(plain(size + 3), -2, 0, Padding.CONSTANT),
    }[kind]
    samples = np.random.default_rng(1).random(size + 3)

    read, weights = tiles(axis)

    expected = np.concatenate([values(axis, samples), np.zeros(6)])
    assert len(read) == -(-(len(axis) - 2) // 4)
    for number, (places, matrix) in enumerate(zip(read, weights, strict=True)):
        np.testing.assert_allclose(matrix @ samples[places], expected[4 * number : 4 * number + 6], atol=1e-15)


def test_reflection_costs_no_matrix_of_its_own() -> None:
    _, weights = tiles(padded(plain(16), 1, 1, Padding.REFLECT))

    assert (weights == np.eye(6)).all()
