"""The execution providers of ONNX Runtime: each that is offered runs a small graph, whose result is known.

That a provider is offered says little: its libraries are loaded when the first session asks for it.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceswap_cli.doctor.checks import Check, DoctorOptions, Look, fail, note, ok, parts_of, reason_of, warn
from faceswap_cli.errors import FaceswapError, MissingDependencyError
from faceswap_cli.options import Provider, RuntimeOptions
from faceswap_cli.runtime.providers import CPU, INSTALL, choose, short_name
from faceswap_cli.runtime.session import Session, available_providers, onnxruntime_version, open_session

_TOLERANCE = 0.01
"""Relative; providers that compute in half precision are right to within it."""

_SIDE, _CHANNELS = 8, 4

_OPSET, _IR = 17, 8
"""Old enough for all builds of ONNX Runtime that serve."""


def _arrays() -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """A picture, the kernel of a convolution and a matrix, which are the same everywhere."""
    picture = np.linspace(0, 1, 3 * _SIDE * _SIDE, dtype=np.float32).reshape(1, 3, _SIDE, _SIDE)
    kernel = np.cos(np.arange(_CHANNELS * 3 * 9, dtype=np.float32)).reshape(_CHANNELS, 3, 3, 3)
    matrix = np.sin(np.arange(_CHANNELS * 5, dtype=np.float32)).reshape(_CHANNELS, 5)
    return picture, kernel, matrix


def write_graph(path: Path) -> None:
    """Write a graph of what swappers are made of: convolution, ReLU, mean and matrix product."""
    from onnx import TensorProto, helper, numpy_helper, save_model

    _, kernel, matrix = _arrays()
    nodes = [helper.make_node("Conv", ["picture", "kernel"], ["drawn"], pads=[1, 1, 1, 1]),
             helper.make_node("Relu", ["drawn"], ["lit"]),
             helper.make_node("GlobalAveragePool", ["lit"], ["mean"]),
             helper.make_node("Flatten", ["mean"], ["row"]),
             helper.make_node("MatMul", ["row", "matrix"], ["result"])]
    graph = helper.make_graph(
        nodes, "small", [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, _SIDE, _SIDE])],
        [helper.make_tensor_value_info("result", TensorProto.FLOAT, [1, 5])],
        [numpy_helper.from_array(kernel, "kernel"), numpy_helper.from_array(matrix, "matrix")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR)
    save_model(model, path)


def expected_result() -> NDArray[np.float32]:
    """What the graph gives, computed here: float32 (1, 5)."""
    picture, kernel, matrix = _arrays()
    padded = np.pad(picture[0], ((0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    drawn = np.einsum("cyxij,kcij->kyx", windows, kernel)
    mean = np.maximum(drawn, 0).mean(axis=(1, 2))
    return np.asarray(mean[None] @ matrix, np.float32)


def _open(provider: Provider) -> tuple[Session, list[NDArray[Any]]]:
    """A session on the provider, and what it made of the small graph."""
    with tempfile.TemporaryDirectory(prefix="faceswap-") as folder:
        path = Path(folder) / "small.onnx"
        write_graph(path)
        session = open_session(path, RuntimeOptions(provider=provider), name="a small graph", threads=1)
        return session, session.run(None, {"picture": _arrays()[0]})


def _try(provider: Provider, options: DoctorOptions) -> Iterator[Check]:
    """Run the small graph on one provider; silent where this build does not offer it."""
    try:
        wanted = choose(RuntimeOptions(provider=provider), available_providers()).names[0]
    except MissingDependencyError:
        if provider is Provider.CUDA and shutil.which("nvidia-smi"):
            yield note("cuda", "there is an NVIDIA driver, and no CUDA in the installed ONNX Runtime",
                       INSTALL[Provider.CUDA], offered=False)
        elif provider is Provider.CPU:
            raise
        return
    broken = fail if provider is Provider.CPU else warn
    other = INSTALL[provider] if provider is Provider.CPU else f"{INSTALL[provider]}; until then add --provider cpu"
    try:
        session, results = _open(provider)
    except MissingDependencyError as error:
        found, advice = parts_of(error)
        yield broken(provider.value, found, advice or other, offered=True)
        return
    except FaceswapError as error:
        yield broken(provider.value, reason_of(error), other, offered=True)
        return
    if session.providers[0] != wanted:
        yield warn(provider.value, f"offered, and leaves a small graph to {short_name(session.providers[0])}", other,
                   offered=True)
    elif not _is_right(results[0]):
        yield broken(provider.value, "runs a small graph with a wrong result", other, offered=True)
    else:
        yield ok(provider.value, "runs a small graph, with the right result", offered=True)


def _is_right(result: NDArray[Any]) -> bool:
    expected = expected_result()
    if result.shape != expected.shape:
        return False
    return float(np.abs(result - expected).max()) <= _TOLERANCE * float(np.abs(expected).max())


def _automatic(options: DoctorOptions) -> Iterator[Check]:
    """What is taken where none is named."""
    session, _ = _open(Provider.AUTO)
    taken, version = short_name(session.providers[0]), onnxruntime_version()
    found = f"takes {taken} (ONNX Runtime {version})"
    data = {"provider": session.providers[0], "onnxruntime": version}
    if session.notes and session.providers[0] == CPU:
        yield warn("auto", f"{found}: {'; '.join(session.notes)}", "see the provider above", **data)
    else:
        yield ok("auto", found, **data)


LOOKS: dict[str, Look] = {
    **{provider.value: partial(_try, provider) for provider in Provider if provider is not Provider.AUTO},
    "auto": _automatic,
}
