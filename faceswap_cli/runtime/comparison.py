"""Whether a rewritten graph computes what the original does, on one fixed input.

What the original gave is kept as a file, so that only the rewritten graph has to run when it is loaded again.
"""

from __future__ import annotations

import json
import math
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from faceswap_cli.runtime.binding import Tensor

if TYPE_CHECKING:
    from faceswap_cli.runtime.session import Session

_OPEN_LENGTH = 64
"""Taken for a length that the graph leaves open; the first, of the batch, is 1."""


@dataclass(frozen=True, slots=True)
class ReferenceRun:
    """What the original graph is and gives.

    Attributes:
        signature: Names and shapes of inputs and outputs.
        outputs: float32 or whatever the graph gives, in its order.
    """

    signature: str
    outputs: tuple[NDArray[Any], ...]

    @classmethod
    def of(cls, session: Session) -> ReferenceRun:
        """Run the original once.

        Raises:
            ModelError: It failed.
        """
        return cls(_signature(session), tuple(session.run(None, fixed_input(session.inputs))))

    def save(self, path: Path) -> None:
        """Write the file.

        Raises:
            OSError: It cannot be written.
        """
        with path.open("wb") as file:
            np.savez(file, np.array(self.signature), *self.outputs)

    @classmethod
    def load(cls, path: Path) -> ReferenceRun | None:
        """Read the file; None: it is missing or damaged."""
        try:
            with np.load(path, allow_pickle=False) as file:
                signature, *outputs = (file[name] for name in file.files)
                return cls(str(signature), tuple(outputs))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None

    def distance(self, session: Session) -> float:
        """Run another graph on the same input and compare.

        Returns:
            PSNR in dB of the worst output, against the contrast of the original's or 1, whichever is less, so that an
            output that hardly varies cannot pass by being flat; infinity: all equal; minus infinity: not comparable,
            not finite, or the original's output is flat.

        Raises:
            ModelError: It failed.
        """
        if _signature(session) != self.signature:
            return -math.inf
        results = session.run(None, fixed_input(session.inputs))
        return min(map(_psnr, self.outputs, results), default=-math.inf)


def fixed_input(inputs: tuple[Tensor, ...]) -> dict[str, NDArray[Any]]:
    """One array for each input, the same at all times: pictures 0..1 of noise, vectors of length 1."""
    feeds = {}
    for number, tensor in enumerate(inputs):
        shape = [length if isinstance(length, int) else 1 if axis == 0 else _OPEN_LENGTH
                 for axis, length in enumerate(tensor.shape)]
        random = np.random.RandomState(number)  # unlike Generator's, its numbers never change with NumPy's version
        values = random.random_sample(shape)
        if len(shape) < 3:
            values = (values - 0.5) / max(float(np.linalg.norm(values - 0.5)), 1e-9)
        feeds[tensor.name] = values.astype(tensor.dtype if tensor.dtype.startswith("float") else np.float32)
    return feeds


def _signature(session: Session) -> str:
    return json.dumps([[[tensor.name, list(tensor.shape)] for tensor in tensors]
                       for tensors in (session.inputs, session.outputs)])


def _psnr(expected: NDArray[Any], given: NDArray[Any]) -> float:
    if expected.shape != given.shape or not expected.size:
        return -math.inf
    if not (np.isfinite(expected).all() and np.isfinite(given).all()):
        return -math.inf
    peak = min(1.0, float(expected.max()) - float(expected.min()))
    if peak <= 0:
        return -math.inf
    error = float(np.mean((expected.astype(np.float64) - given) ** 2))
    return math.inf if error == 0 else 10 * math.log10(peak ** 2 / error)
