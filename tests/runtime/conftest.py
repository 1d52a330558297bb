"""A small graph in the shape of a swapper, and an ONNX Runtime that pretends to have a GPU."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from runtime.stand_ins import PretendedGpu, write_net

from faceswap_cli.runtime import session


@pytest.fixture
def net(tmp_path: Path) -> Path:
    return write_net(tmp_path / "net.onnx")


@pytest.fixture
def feeds() -> dict[str, np.ndarray]:
    random = np.random.RandomState(0)
    return {"target": random.random_sample((1, 3, 16, 16)).astype(np.float32), "source": np.ones((1, 8), np.float32)}


@pytest.fixture
def pretend_gpu(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], PretendedGpu]:
    def pretend(outcome: str) -> PretendedGpu:
        gpu = PretendedGpu(outcome)
        monkeypatch.setattr(session, "_onnxruntime", lambda: gpu)
        monkeypatch.setattr(session, "BoundRuns", lambda inner, values, outputs, device, number:
                            real(inner, values, outputs, "cpu", number))
        return gpu

    real = session.BoundRuns
    session._load_cuda.cache_clear()
    return pretend
