"""Which execution providers of ONNX Runtime to ask for. Pure: nothing is imported or opened.

Source: ONNX Runtime's documentation of its execution providers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from faceswap_cli.errors import MissingDependencyError
from faceswap_cli.options import Provider, RuntimeOptions
from faceswap_cli.text import Note, opt

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
TENSORRT = "TensorrtExecutionProvider"
COREML = "CoreMLExecutionProvider"
DIRECTML = "DmlExecutionProvider"
OPENVINO = "OpenVINOExecutionProvider"
MIGRAPHX = "MIGraphXExecutionProvider"
ROCM = "ROCMExecutionProvider"

_NAMES: dict[Provider, tuple[str, ...]] = {
    Provider.CPU: (CPU,),
    Provider.CUDA: (CUDA,),
    Provider.TENSORRT: (TENSORRT,),
    Provider.COREML: (COREML,),
    Provider.DIRECTML: (DIRECTML,),
    Provider.OPENVINO: (OPENVINO,),
    Provider.ROCM: (MIGRAPHX, ROCM),  # builds of today have the first, older ones the second
}
"""ONNX Runtime's names of a provider: the first that is there is meant."""

_BEHIND = {TENSORRT: (CUDA,)}
"""What runs on the GPU the parts of a graph that the first cannot take; the CPU stands behind all."""

_FASTEST_FIRST = (Provider.CUDA, Provider.ROCM, Provider.COREML, Provider.DIRECTML, Provider.OPENVINO)
"""What `auto` tries before the CPU. TensorRT is not among them: it builds an engine for minutes before the first face,
which only somebody who asked for it expects."""

INSTALL: dict[Provider, str] = {
    Provider.CPU: "pip install onnxruntime",
    # Without the extras the wheel has no CUDA and no cuDNN of its own.
    Provider.CUDA: "pip uninstall -y onnxruntime && pip install 'onnxruntime-gpu[cuda,cudnn]'",
    Provider.TENSORRT: "pip uninstall -y onnxruntime && pip install 'onnxruntime-gpu[cuda,cudnn]' tensorrt",
    Provider.COREML: "pip install onnxruntime (on a Mac, whose wheels have it)",
    Provider.DIRECTML: "pip uninstall -y onnxruntime && pip install onnxruntime-directml",
    Provider.OPENVINO: "pip uninstall -y onnxruntime && pip install onnxruntime-openvino",
    Provider.ROCM: "pip uninstall -y onnxruntime && pip install onnxruntime-migraphx",
}
"""How to get each provider. All wheels of ONNX Runtime unpack to the same folder, so the plain one has to go first."""


@dataclass(frozen=True, slots=True)
class ProviderChoice:
    """Providers to ask for.

    Attributes:
        providers: ONNX Runtime's names with their options, best first; the CPU is the last.
        note: What the user should know; empty: nothing.
        named: The provider that was asked for by name, which must then really run; None: `auto` chose.
    """

    providers: tuple[tuple[str, dict[str, str]], ...]
    note: str = ""
    named: Provider | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names alone."""
        return tuple(name for name, _ in self.providers)


def choose(options: RuntimeOptions, available: Sequence[str], engines: Path | None = None) -> ProviderChoice:
    """Choose the providers for one session.

    Args:
        options: `auto` takes the fastest that is there.
        available: What this build of ONNX Runtime offers, by its names. Offered does not mean loadable.
        engines: Folder for the engines that TensorRT builds; None: they are built anew each time.

    Raises:
        MissingDependencyError: A provider that was asked for is not in this build; the message holds the install line.
    """
    automatic = options.provider is Provider.AUTO
    wanted = (*_FASTEST_FIRST, Provider.CPU) if automatic else (options.provider,)
    found = next((name for provider in wanted for name in _NAMES[provider] if name in available), None)
    if found is None:
        asked = Provider.CPU if automatic else options.provider
        known = [str(provider) for provider, names in _NAMES.items() if any(name in available for name in names)]
        raise MissingDependencyError(f"the {asked} provider is not in the installed ONNX Runtime (it has "
                                     f"{', '.join(known) or 'none that can be used'})",
                                     command=INSTALL[asked])
    behind = [name for name in _BEHIND.get(found, ()) if name in available]
    names = dict.fromkeys([found, *behind, CPU])
    idle = options.device and found == CPU
    note = Note(f"{opt('device', options.device)} has no effect on a CPU") if idle else ""
    return ProviderChoice(tuple((name, _options_of(name, options.device, engines)) for name in names), note,
                  None if automatic else options.provider)


def short_name(name: str) -> str:
    """ONNX Runtime's name of a provider, for people."""
    return name.removesuffix("ExecutionProvider")


def _options_of(name: str, device: int, engines: Path | None) -> dict[str, str]:
    number = str(device)
    if name == CUDA:
        return {
            "device_id": number,
            # Doubling the arena at each growth would take the memory that the next session needs.
            "arena_extend_strategy": "kSameAsRequested",
            # The default times every algorithm at the first run: seconds for each model and, since the fastest one
            # differs from run to run, other bytes.
            "cudnn_conv_algo_search": "HEURISTIC",
            # TensorFloat-32 keeps 10 bits of a weight: grey levels are lost for what is no bottleneck here.
            "use_tf32": "0",
        }
    if name == TENSORRT:
        chosen = {"device_id": number, "trt_fp16_enable": "0"}
        if engines is not None:
            chosen |= {"trt_engine_cache_enable": "1", "trt_engine_cache_path": str(engines),
                       "trt_timing_cache_enable": "1", "trt_timing_cache_path": str(engines)}
        return chosen
    if name in (ROCM, MIGRAPHX, DIRECTML):
        return {"device_id": number}
    if name == OPENVINO:
        # Left to itself it takes half precision on a GPU and may take bfloat16 on a CPU.
        return {"device_type": f"GPU.{number}" if device else "GPU", "precision": "FP32"}
    if name == COREML:
        return {"ModelFormat": "MLProgram", "MLComputeUnits": "ALL"}
    return {}
