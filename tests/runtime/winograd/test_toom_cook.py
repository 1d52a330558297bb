"""The matrices of F(4, 3)."""

from __future__ import annotations

import numpy as np

from faceswap_cli.runtime.winograd.toom_cook import matrices


def test_six_multiplications_give_four_outputs_of_three_taps() -> None:
    output, taps, data = matrices()
    random = np.random.default_rng(0)
    for _ in range(20):
        samples, weights = random.standard_normal(6), random.standard_normal(3)

        found = output @ ((taps @ weights) * (data @ samples))

        np.testing.assert_allclose(found, np.correlate(samples, weights), rtol=0, atol=1e-13)


def test_data_is_transformed_without_rounding_and_stays_of_its_size() -> None:
    _, _, data = matrices()

    assert (data == np.round(data * 16) / 16).all()
    assert (np.abs(data).max(axis=1) >= 0.7).all() and (np.abs(data).max(axis=1) <= 1.5).all()
