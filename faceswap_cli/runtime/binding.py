"""What a graph takes and gives; and runs with both bound to memory of the device, allocated once."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output of a graph.

    Attributes:
        name: As in the graph.
        shape: Lengths; a name or None where the graph leaves a length open.
        dtype: NumPy's name of the element type: `float32`, `float16`, `int64` ...
    """

    name: str
    shape: tuple[int | str | None, ...]
    dtype: str


class BoundRuns:
    """Runs one session through IO binding. Safe to call from several threads; each run has buffers of its own.

    An ordinary run allocates and frees on the device for every input and output; here buffers wait for the next run
    of the same shapes.
    """

    def __init__(self, session: Any, values: Any, outputs: Sequence[Tensor], device: str, number: int) -> None:
        """Nothing is allocated yet.

        Args:
            session: An `onnxruntime.InferenceSession`.
            values: The class `onnxruntime.OrtValue`.
            outputs: Of the graph; those with open shapes are allocated by each run.
            device: ONNX Runtime's name of the kind of memory: `cuda`, `cpu`.
            number: Of the device.
        """
        self._session = session
        self._values = values
        self._outputs = {output.name: output for output in outputs}
        self._device = device
        self._number = number
        self._idle: dict[Any, deque[tuple[Any, dict[str, Any]]]] = {}
        self._lock = threading.Lock()

    def run(self, names: Sequence[str], arrays: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """As `InferenceSession.run`, with every input given.

        Args:
            names: Of the outputs wanted.
            arrays: C-contiguous, of the types that the graph declares.
        """
        key = (tuple(names), tuple((name, array.shape, array.dtype.str) for name, array in arrays.items()))
        with self._lock:  # ONNX Runtime's allocator for buffers made in Python is not safe for threads
            idle = self._idle.setdefault(key, deque())
            binding, inputs = idle.pop() if idle else self._allocate(names, arrays)
        for name, array in arrays.items():
            inputs[name].update_inplace(array)
        binding.synchronize_inputs()
        self._session.run_with_iobinding(binding)
        binding.synchronize_outputs()
        # A copy even where the device's memory is the CPU's: the next run writes into the same buffer.
        results = [np.array(value.numpy()) for value in binding.get_outputs()]
        with self._lock:  # not after a failure: then the buffers are let go
            idle.append((binding, inputs))
        return results

    def _allocate(self, names: Sequence[str], arrays: Mapping[str, NDArray[Any]]) -> tuple[Any, dict[str, Any]]:
        """A binding for one run at a time, and the buffers of its inputs."""
        binding = self._session.io_binding()
        inputs = {}
        for name, array in arrays.items():
            # Not made of the array, whose own memory it would be where the device is the CPU.
            inputs[name] = self._buffer(array.shape, array.dtype)
            binding.bind_ortvalue_input(name, inputs[name])
        for name in names:
            output = self._outputs[name]
            if all(isinstance(length, int) for length in output.shape):
                binding.bind_ortvalue_output(name, self._buffer(output.shape, np.dtype(output.dtype)))
            else:
                binding.bind_output(name, self._device, self._number)
        return binding, inputs

    def _buffer(self, shape: Sequence[int | str | None], dtype: np.dtype[Any]) -> Any:
        return self._values.ortvalue_from_shape_and_type(list(shape), dtype.type, self._device, self._number)
