"""Providers that are offered and run nothing, or the wrong thing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from runtime.stand_ins import PretendedGpu

from faceswap_cli.doctor import providers
from faceswap_cli.doctor.checks import Check, CheckState, DoctorOptions
from faceswap_cli.runtime import session


def look() -> dict[str, Check]:
    return {check.name: check for one in providers.LOOKS.values() for check in one(DoctorOptions())}


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def set_up(outcome: str) -> None:
        gpu = PretendedGpu(outcome)
        monkeypatch.setattr(session, "_onnxruntime", lambda: gpu)
        monkeypatch.setattr(session, "BoundRuns", lambda inner, values, outputs, device, number:
                            real(inner, values, outputs, "cpu", number))

    real = session.BoundRuns
    session._load_cuda.cache_clear()
    return set_up


def test_the_cpu_runs_the_graph_and_is_what_auto_takes() -> None:
    checks = look()
    assert checks["cpu"].state is CheckState.OK
    assert checks["auto"].state is CheckState.OK and checks["auto"].data["provider"] == "CPUExecutionProvider"


def test_the_graph_tells_a_wrong_result_from_a_right_one(tmp_path) -> None:
    from faceswap_cli.options import Provider

    _, (result,) = providers._open(Provider.CPU)
    assert providers._is_right(result)
    assert not providers._is_right(result * 1.05)
    assert not providers._is_right(np.full_like(result, np.nan))
    assert not providers._is_right(result[:, :4])


def test_a_cpu_that_computes_wrongly_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    right = providers.expected_result()
    monkeypatch.setattr(providers, "expected_result", lambda: right + 1)
    check = look()["cpu"]
    assert check.state is CheckState.FAIL and "wrong" in check.finding


def test_a_gpu_that_works(pretend: Callable[[str], None]) -> None:
    pretend("runs")
    checks = look()
    assert checks["cuda"].state is CheckState.OK
    assert checks["auto"].finding.startswith("takes CUDA")


@pytest.mark.parametrize(("outcome", "told"), [
    ("silent", "cannot be loaded"), ("CUDA failure 35: driver too old", "driver too old"), ("idle", "leaves")])
def test_a_gpu_that_is_offered_and_does_not_work_is_a_warning(pretend: Callable[[str], None], outcome: str,
                                                              told: str) -> None:
    pretend(outcome)
    checks = look()
    assert checks["cuda"].state is CheckState.WARN and told in checks["cuda"].finding
    assert "onnxruntime-gpu" in checks["cuda"].advice and "--provider cpu" in checks["cuda"].advice
    assert checks["auto"].state is CheckState.WARN and "takes CPU" in checks["auto"].finding
    assert checks["cpu"].state is CheckState.OK


def test_a_gpu_that_this_build_has_no_use_for_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers.shutil, "which", lambda name: f"/usr/bin/{name}")
    check = look()["cuda"]
    assert check.state is CheckState.NOTE and "onnxruntime-gpu" in check.advice
