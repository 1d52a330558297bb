"""Opens ONNX Runtime sessions: the only place that imports it.

Nothing of ONNX Runtime leaves this module: what it prints and logs is silenced, what it raises becomes one line.
"""

from __future__ import annotations

import contextlib
import functools
import io
import re
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceswap_cli.errors import MissingDependencyError, ModelError
from faceswap_cli.files.cache import cache_folder
from faceswap_cli.options import RuntimeOptions
from faceswap_cli.runtime.binding import BoundRuns, Tensor
from faceswap_cli.runtime.cores import core_count
from faceswap_cli.runtime.providers import CPU, CUDA, DIRECTML, INSTALL, TENSORRT, choose, short_name
from faceswap_cli.text import opt, squeeze

_DTYPES = {
    "tensor(float)": "float32", "tensor(float16)": "float16", "tensor(double)": "float64", "tensor(bool)": "bool",
    "tensor(uint8)": "uint8", "tensor(int8)": "int8", "tensor(uint16)": "uint16", "tensor(int16)": "int16",
    "tensor(uint32)": "uint32", "tensor(int32)": "int32", "tensor(uint64)": "uint64", "tensor(int64)": "int64",
}
"""NumPy's names for the element types of a graph."""

_SILENT = 4
"""ONNX Runtime's severity of what it cannot survive; everything milder is raised or noted here."""

_BOUND = (CUDA, TENSORRT)
"""Providers whose inputs and outputs are kept in the GPU's memory from run to run."""

_SOURCE_LINE = re.compile(r"^/\S+\.(?:h|cc|cpp):\d+ [^)]*\) ")
"""Where in its own source something was found wrong, which helps nobody here."""

_MEMORY = ("memory", "bad_alloc", "allocat")


class OutOfMemoryError(ModelError):
    """There is no memory for the graph, which may be sound."""


class Session:
    """One opened graph. Safe to run from several threads.

    It also has the methods that insightface's classes call on a session: `get_inputs`, `get_outputs`,
    `get_providers` and `run`.

    Attributes:
        name: Of the model, for messages.
        path: Of the graph.
        providers: What really runs nodes of the graph, ONNX Runtime's names, the one asked for first.
        inputs, outputs: Of the graph, in its order.
        notes: What the user should know of how it was opened.
    """

    def __init__(self, inner: Any, path: Path, *, name: str, providers: tuple[str, ...], device: int = 0,
                 notes: tuple[str, ...] = ()) -> None:
        """Wrap an `onnxruntime.InferenceSession`, on the GPU number `device`; `open_session` makes one."""
        self.name = name
        self.path = path
        self.providers = providers
        self.inputs = tuple(_tensor(node) for node in inner.get_inputs())
        self.outputs = tuple(_tensor(node) for node in inner.get_outputs())
        self.notes = notes
        self._inner = inner
        self._dtypes = {tensor.name: tensor.dtype for tensor in self.inputs}
        self._bound = BoundRuns(inner, _onnxruntime().OrtValue, self.outputs, "cuda", device) \
            if providers[0] in _BOUND else None
        # DirectML's queue belongs to one caller at a time.
        self._turn = threading.Lock() if providers[0] == DIRECTML else contextlib.nullcontext()

    def run(self, output_names: Sequence[str] | None, feeds: Mapping[str, Any]) -> list[NDArray[Any]]:
        """Run the graph once.

        Args:
            output_names: The outputs wanted, in this order; None or empty: all.
            feeds: An array for each input. Floating-point numbers are converted to the type that the graph declares.

        Returns:
            One array for each output, half precision widened to float32.

        Raises:
            ModelError: An input is missing or has the wrong shape, or the provider failed; names model and provider.
        """
        names = list(output_names) if output_names else [tensor.name for tensor in self.outputs]
        missing = [name for name in self._dtypes if name not in feeds]
        if missing:
            raise self._failure(f"input {missing[0]!r} was not given")
        unknown = [name for name in feeds if name not in self._dtypes]
        if unknown:
            raise self._failure(f"there is no input {unknown[0]!r}, only {', '.join(map(repr, self._dtypes))}")
        arrays = {name: _as_declared(value, self._dtypes[name]) for name, value in feeds.items()}
        try:
            with self._turn:
                results = self._inner.run(names, arrays) if self._bound is None else self._bound.run(names, arrays)
        except Exception as error:  # its exceptions have no class in common
            raise self._failure(_reason(error)) from error
        return [result.astype(np.float32) if result.dtype == np.float16 else result for result in results]

    def get_inputs(self) -> list[Any]:
        """As ONNX Runtime has it: objects with `name`, `shape` and `type`."""
        return list(self._inner.get_inputs())

    def get_outputs(self) -> list[Any]:
        """As ONNX Runtime has it."""
        return list(self._inner.get_outputs())

    def get_providers(self) -> list[str]:
        """As ONNX Runtime has it: registered, though perhaps without a node to run."""
        return list(self._inner.get_providers())

    def _failure(self, reason: str) -> ModelError:
        what = f"{self.name} failed on {short_name(self.providers[0])}: {reason}"
        if not _is_memory(reason):
            return ModelError(what)
        other = "" if self.providers[0] == CPU else f" or add {opt('provider', 'cpu')}"
        return OutOfMemoryError(what, advice=f"not enough memory: close other programs{other}")


def open_session(path: Path, options: RuntimeOptions, *, name: str, threads: int) -> Session:
    """Open a graph on the provider that the options choose.

    Args:
        path: Of the graph; verified before.
        options: Provider and device.
        name: Of the model, for messages.
        threads: Inside one run on a CPU; 1: runs may come from several threads at a time, each on its own core.

    Raises:
        ModelError: The graph is missing or damaged, or there is no memory for it.
        MissingDependencyError: A provider that was asked for by name is not installed or cannot be loaded.
    """
    ort = _onnxruntime()
    choice = choose(options, ort.get_available_providers(), cache_folder() / "tensorrt" / onnxruntime_version())
    if choice.providers[0][0] in _BOUND:
        _load_cuda()
    notes = (choice.note,) if choice.note else ()
    wanted, error = choice.names[0], None
    try:
        inner = _open(path, choice.providers, threads)
        real = _real_providers(inner)
        if wanted in real:
            return Session(inner, path, name=name, providers=real, device=options.device, notes=notes)
        if wanted in inner.get_providers():  # it is there, but supports no node of this graph
            note = f"{short_name(wanted)} takes no part of {name}, which runs on {short_name(real[0])}"
            return Session(inner, path, name=name, providers=real, device=options.device, notes=(*notes, note))
    except Exception as failure:  # its exceptions have no class in common
        if len(choice.providers) == 1:
            raise _unopened(path, name, failure) from failure
        error = failure
    # Either the graph is damaged or the provider is: the CPU tells.
    try:
        inner = _open(path, choice.providers[-1:], threads)
    except Exception as failure:
        raise _unopened(path, name, failure) from failure
    reason = _why_not(wanted, name, error, options.device)
    if choice.named is None:
        return Session(inner, path, name=name, providers=(CPU,), notes=(*notes, f"{reason}; the CPU runs it instead"))
    if error is not None and _is_memory(_reason(error)):
        raise OutOfMemoryError(reason, advice=f"close other programs or add {opt('provider', 'cpu')}") from error
    raise MissingDependencyError(reason,
                                 command=INSTALL[choice.named], advice=f"or add {opt('provider', 'cpu')}") from error


class SharedSession:
    """A session that is opened at its first use and kept. Safe to share between threads.

    A still has all cores inside one run; the frames of a clip are swapped in parallel, so each run has one thread.
    """

    def __init__(self, path: Path, options: RuntimeOptions, *, name: str) -> None:
        """Nothing is opened yet.

        Args:
            path: Of a verified graph.
            options: Provider and device.
            name: Of the model, for messages.
        """
        self.path = path
        self.name = name
        self._options = options
        self._sessions: dict[int, Session] = {}
        self._lock = threading.Lock()

    def get(self, clip: bool = False) -> Session:
        """The session for a still or for the frames of a clip.

        Raises:
            ModelError, MissingDependencyError: As `open_session`.
        """
        threads = 1 if clip else core_count()
        with self._lock:
            for session in self._sessions.values():
                if session.providers[0] != CPU:  # threads of the CPU mean nothing to it, and its memory is dear
                    return session
            if threads not in self._sessions:
                self._sessions[threads] = open_session(self.path, self._options, name=self.name, threads=threads)
            return self._sessions[threads]

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know of the sessions opened so far."""
        return tuple(dict.fromkeys(note for session in list(self._sessions.values()) for note in session.notes))


def onnxruntime_version() -> str:
    """Of the installed ONNX Runtime: another version may round differently."""
    return str(_onnxruntime().__version__)


def available_providers() -> tuple[str, ...]:
    """What the installed ONNX Runtime offers, by its names."""
    return tuple(_onnxruntime().get_available_providers())


@functools.cache
def _onnxruntime() -> Any:
    """The module, silenced; importing it takes a moment and 60 MB."""
    try:
        import onnxruntime
    except ImportError as error:
        reason = squeeze(error)
        raise MissingDependencyError(f"ONNX Runtime cannot be loaded ({reason})", command="pip install onnxruntime") \
            from error
    onnxruntime.set_default_logger_severity(_SILENT)
    onnxruntime.disable_telemetry_events()
    return onnxruntime


@functools.cache
def _load_cuda() -> None:
    """Load the libraries of CUDA and cuDNN that pip installed; where there are none, the system's are tried later."""
    preload = getattr(_onnxruntime(), "preload_dlls", None)
    if preload is not None:
        # It prints what it does not find; whether that mattered is seen when the session is open.
        with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(OSError, RuntimeError):
            preload()


def _open(path: Path, providers: Sequence[tuple[str, dict[str, str]]], threads: int) -> Any:
    ort = _onnxruntime()
    options = ort.SessionOptions()
    options.log_severity_level = _SILENT
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.enable_mem_pattern = providers[0][0] != DIRECTML  # which cannot have it
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    # A thread that spins while it waits takes the core from the next network, from the other frames and from whatever
    # else runs: with two networks in turn on two busy cores 109 ms without spinning against 179 ms with it.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    for name, chosen in providers:
        if name == TENSORRT and "trt_engine_cache_path" in chosen:
            Path(chosen["trt_engine_cache_path"]).mkdir(parents=True, exist_ok=True)
    # Its own fallback prints to standard output and hides what happened.
    return ort.InferenceSession(str(path), options, providers=list(providers), enable_fallback=False)


def _real_providers(inner: Any) -> tuple[str, ...]:
    """Providers that run at least one node, in the order asked for; a library that did not load is not among them."""
    registered = tuple(inner.get_providers())
    assigned = getattr(inner, "get_provider_graph_assignment_info", None)
    if assigned is None:  # builds for other vendors lag behind
        return registered
    parts = {part.ep_name for part in assigned()}
    return tuple(name for name in registered if name in parts) or registered  # a graph without a node


def _tensor(node: Any) -> Tensor:
    return Tensor(str(node.name), tuple(node.shape), _DTYPES.get(node.type, str(node.type)))


def _as_declared(value: Any, dtype: str) -> NDArray[Any]:
    array = np.asarray(value)
    if array.dtype.kind == "f" and dtype.startswith("float") and array.dtype != dtype:
        array = array.astype(dtype)
    return array if array.flags.c_contiguous else np.ascontiguousarray(array)


def _reason(error: BaseException) -> str:
    """What ONNX Runtime said, on one line, without its own prefix."""
    text = squeeze(error) or type(error).__name__
    if text.startswith("[ONNXRuntimeError]"):
        text = text.split(" : ", 3)[-1]
    if text.startswith("Load model from "):  # and the path, which the message names already
        text = text.split(" failed:", 1)[-1]
    text = _SOURCE_LINE.sub("", text)
    return text if len(text) <= 300 else f"{text[:297]}..."


def _is_memory(reason: str) -> bool:
    return any(word in reason.lower() for word in _MEMORY)


def _unopened(path: Path, name: str, error: Exception) -> ModelError:
    reason = _reason(error)
    if isinstance(error, MemoryError) or _is_memory(reason):
        return OutOfMemoryError(f"not enough memory to open {name} ({path}): close other programs")
    if not path.is_file():
        return ModelError(f"{path} is missing", advice=f"get {name} again with: faceswap models pull {name}")
    damaged = type(error).__name__ == "InvalidProtobuf" or "No graph" in reason
    what = "is damaged or no ONNX graph" if damaged else f"cannot be opened by ONNX Runtime {onnxruntime_version()}"
    return ModelError(f"{path} {what} ({reason})", advice="check it with: faceswap models verify")


def _why_not(wanted: str, name: str, error: Exception | None, device: int) -> str:
    """Why the provider does not run a graph that the CPU can open."""
    provider = short_name(wanted)
    if error is not None:
        return f"{provider} (device {device}) cannot run {name}: {_reason(error)}"
    # The same for every model, so that it is said once.
    return f"{provider} cannot be loaded: its driver or a library (as CUDA, cuDNN) is missing or too old"
