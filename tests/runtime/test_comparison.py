"""How far a graph is from its original."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceswap_cli.runtime.binding import Tensor
from faceswap_cli.runtime.comparison import ReferenceRun, fixed_input

RAMP = np.linspace(0, 1, 64, dtype=np.float32).reshape(1, 1, 8, 8)


class Net:
    """Gives the same whatever it gets."""

    def __init__(self, *outputs: np.ndarray, name: str = "target") -> None:
        self.inputs = (Tensor(name, ("batch", 3, 8, None), "float32"), Tensor("source", (1, 512), "float16"))
        self.outputs = tuple(Tensor(str(n), tuple(out.shape), "float32") for n, out in enumerate(outputs))
        self._results = list(outputs)

    def run(self, output_names: None, feeds: Mapping[str, Any]) -> list[np.ndarray]:
        return self._results


def test_the_same_is_at_no_distance() -> None:
    assert ReferenceRun.of(Net(RAMP)).distance(Net(RAMP.copy())) == math.inf


def test_the_worst_output_counts() -> None:
    reference = ReferenceRun.of(Net(RAMP, RAMP))
    assert reference.distance(Net(RAMP, RAMP + 0.01)) == pytest.approx(40, abs=0.01)
    assert reference.distance(Net(RAMP + 0.001, RAMP)) == pytest.approx(60, abs=0.01)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("place", [0, 1])
def test_what_is_not_finite_never_passes(bad: float, place: int) -> None:
    wrong = [RAMP, RAMP.copy()]
    wrong[1][0, 0, 0, 0] = bad
    assert ReferenceRun.of(Net(RAMP, RAMP)).distance(Net(*(wrong if place else wrong[::-1]))) == -math.inf


def test_a_pale_output_is_judged_by_its_own_contrast() -> None:
    reference = ReferenceRun.of(Net(0.5 + RAMP / 1000))
    assert reference.distance(Net(np.full_like(RAMP, 0.5005))) < 20


def test_an_output_without_contrast_proves_nothing() -> None:
    flat = np.full_like(RAMP, 0.5)
    assert ReferenceRun.of(Net(flat)).distance(Net(flat)) == -math.inf


def test_other_names_or_shapes_are_no_match() -> None:
    reference = ReferenceRun.of(Net(RAMP))
    assert reference.distance(Net(RAMP, name="image")) == -math.inf
    assert reference.distance(Net(RAMP[..., :4])) == -math.inf
    assert reference.distance(Net(RAMP, RAMP)) == -math.inf


def test_a_reference_survives_its_file(tmp_path: Path) -> None:
    ReferenceRun.of(Net(RAMP, RAMP + 1)).save(tmp_path / "file.npz")
    loaded = ReferenceRun.load(tmp_path / "file.npz")
    assert loaded and loaded.distance(Net(RAMP, RAMP + 1)) == math.inf
    assert loaded.distance(Net(RAMP, RAMP)) < 1


def test_the_input_is_always_the_same() -> None:
    """Across versions of NumPy too: the numbers are written down here."""
    feeds = fixed_input(Net(RAMP).inputs)
    assert feeds["target"].shape == (1, 3, 8, 64) and feeds["target"].dtype == np.float32
    assert feeds["target"].ravel()[:3] == pytest.approx([0.5488135, 0.7151894, 0.6027634])
    assert feeds["source"].shape == (1, 512) and feeds["source"].dtype == np.float16
    assert np.linalg.norm(feeds["source"].astype(np.float64)) == pytest.approx(1, abs=1e-3)
