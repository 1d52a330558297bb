"""Which execution providers are asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceswap_cli.errors import ExitCode, MissingDependencyError
from faceswap_cli.options import Provider, RuntimeOptions
from faceswap_cli.runtime.providers import INSTALL, choose
from faceswap_cli.text import as_flag, spell

CPU_BUILD = ["AzureExecutionProvider", "CPUExecutionProvider"]
GPU_BUILD = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]


def test_auto_takes_the_cpu_where_there_is_nothing_else() -> None:
    assert choose(RuntimeOptions(), CPU_BUILD).providers == (("CPUExecutionProvider", {}),)


def test_auto_takes_cuda_and_not_tensorrt() -> None:
    assert choose(RuntimeOptions(), GPU_BUILD).names == ("CUDAExecutionProvider", "CPUExecutionProvider")


@pytest.mark.parametrize(("available", "first"), [
    (["DmlExecutionProvider", "CPUExecutionProvider"], "DmlExecutionProvider"),
    (["CoreMLExecutionProvider", "AzureExecutionProvider", "CPUExecutionProvider"], "CoreMLExecutionProvider"),
    (["OpenVINOExecutionProvider", "CPUExecutionProvider"], "OpenVINOExecutionProvider"),
    (["ROCMExecutionProvider", "CPUExecutionProvider"], "ROCMExecutionProvider"),
    (["ROCMExecutionProvider", "MIGraphXExecutionProvider", "CPUExecutionProvider"], "MIGraphXExecutionProvider"),
])
def test_auto_takes_the_accelerator_of_the_build(available: list[str], first: str) -> None:
    choice = choose(RuntimeOptions(), available)
    assert choice.names == (first, "CPUExecutionProvider")
    assert choice.named is None


def test_tensorrt_keeps_its_engines_and_has_cuda_behind_it(tmp_path: Path) -> None:
    choice = choose(RuntimeOptions(provider=Provider.TENSORRT, device=2), GPU_BUILD, tmp_path)
    assert choice.names == tuple(GPU_BUILD)
    assert choice.named is Provider.TENSORRT
    options = dict(choice.providers)
    assert options["TensorrtExecutionProvider"]["trt_engine_cache_path"] == str(tmp_path)
    assert options["TensorrtExecutionProvider"]["device_id"] == options["CUDAExecutionProvider"]["device_id"] == "2"


def test_cpu_asked_for_by_name_leaves_the_gpu_alone() -> None:
    assert choose(RuntimeOptions(provider=Provider.CPU), GPU_BUILD).names == ("CPUExecutionProvider",)


@pytest.mark.parametrize("provider", [p for p in Provider if p not in (Provider.AUTO, Provider.CPU)])
def test_what_is_not_there_is_an_error_with_the_install_line(provider: Provider) -> None:
    with pytest.raises(MissingDependencyError) as caught:
        choose(RuntimeOptions(provider=provider), CPU_BUILD)
    message = str(caught.value)
    assert caught.value.exit_code is ExitCode.MISSING_DEPENDENCY
    assert INSTALL[provider] in message and "pip install" in message and "\n" not in message
    assert f"the {provider} provider" in message and "it has cpu" in message


def test_tensorrt_is_not_replaced_by_cuda() -> None:
    with pytest.raises(MissingDependencyError, match="tensorrt"):
        choose(RuntimeOptions(provider=Provider.TENSORRT), GPU_BUILD[1:])


def test_a_device_number_without_a_gpu_is_said_to_be_idle() -> None:
    assert "--device 1" in spell(choose(RuntimeOptions(device=1), CPU_BUILD).note, as_flag)
    assert not choose(RuntimeOptions(device=1), GPU_BUILD).note
    assert not choose(RuntimeOptions(), CPU_BUILD).note
