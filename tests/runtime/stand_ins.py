"""Small graphs in the shape of a swapper, and an ONNX Runtime that pretends to have a GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from graphs import Graph

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"


def write_net(path: Path, *, weight: float = 1.0, dtype: Any = np.float32, size: int | str = 16) -> Path:
    """A picture plus a shift that a vector of 8 gives: `target`, `source` -> `output`."""
    graph = Graph(dtype)
    kernel = np.random.RandomState(3).standard_normal((3, 3, 3, 3)) * 0.1 * weight
    picture = graph.op("Conv", "target", graph.constant(kernel), pads=[1, 1, 1, 1])
    shift = graph.op("MatMul", "source", graph.constant(np.full((8, 1), 0.25)))
    graph.op("Add", picture, graph.op("Reshape", shift, graph.constant([1, 1, 1, 1])), out="output")
    shape = [1, 3, size, size]
    return graph.write(path, {"target": shape, "source": [1, 8]}, {"output": shape})


class PretendedGpu:
    """ONNX Runtime that offers CUDA; the sessions run on the CPU.

    Attributes:
        opened: Providers asked for, one entry for each session.
    """

    def __init__(self, outcome: str) -> None:
        """Say what happens when a session asks for it.

        Args:
            outcome: `runs`: it says so. `silent`: the session lacks it, as when cuDNN is missing. `idle`: the session
                has it, but no node runs there. `old`: it does not tell what runs where. Else: opening raises this.
        """
        self.outcome = outcome
        self.opened: list[list[tuple[str, dict[str, str]]]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(onnxruntime, name)

    def get_available_providers(self) -> list[str]:
        return [CUDA, CPU]

    def preload_dlls(self) -> None:
        print("cannot load libcudnn.so")

    def InferenceSession(self, path: str, options: Any, providers: list[Any], **_: Any) -> Any:
        self.opened.append(providers)
        asked = providers[0][0] == CUDA
        if asked and self.outcome not in ("runs", "silent", "idle", "old"):
            raise RuntimeError(self.outcome)
        inner = onnxruntime.InferenceSession(path, options, providers=[CPU])
        return inner if not asked or self.outcome == "silent" else _OnCuda(inner, self.outcome)


class _OnCuda:
    """A session that says it runs on CUDA and binds what is meant for CUDA to the CPU's memory."""

    def __init__(self, inner: Any, outcome: str) -> None:
        self._inner = inner
        self._outcome = outcome

    def __getattr__(self, name: str) -> Any:
        if name == "get_provider_graph_assignment_info":
            if self._outcome == "old":
                raise AttributeError(name)
            return lambda: [type("Part", (), {"ep_name": CUDA if self._outcome == "runs" else CPU})]
        return getattr(self._inner, name)

    def get_providers(self) -> list[str]:
        return [CUDA, CPU]
