"""What a graph takes and gives."""

from __future__ import annotations

from dataclasses import dataclass


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
