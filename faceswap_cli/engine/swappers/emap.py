"""The matrix that brings identities into inswapper's own space: the last initializer of its graph.

The graph's file has half a gigabyte and the matrix one megabyte of it: the file is mapped, its fields are stepped over
by their lengths, and only the last initializer is read.
"""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np

from faceswap_cli.errors import ModelError
from faceswap_cli.image import FloatArray

# Field numbers of ONNX's ModelProto and GraphProto, and protobuf's wire types.
_GRAPH, _INITIALIZER = 7, 5
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class _NotProtobufError(Exception):
    """The bytes are not fields of protobuf."""


def read_emap(path: Path) -> FloatArray:
    """The last initializer of a graph, a square matrix: float32 (n, n).

    Args:
        path: Of a verified `.onnx` file; its weights may lie in files beside it.

    Raises:
        ModelError: The file is no graph, or its last initializer is no square matrix: a converter moved or dropped it.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            place = _last_field(data, (0, len(data)), _GRAPH)
            place = _last_field(data, place, _INITIALIZER) if place is not None else None
            tensor = data[place[0]:place[1]] if place is not None else None
    except (OSError, ValueError, IndexError, _NotProtobufError) as error:
        raise ModelError(f"{path} is damaged or no ONNX graph",
                         advice="check it with: faceswap models verify") from error
    matrix = _decode(tensor, path) if tensor is not None else None
    if matrix is None or matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ModelError(f"{path}: the last initializer is not the matrix for identities",
                         advice="a converter moved or dropped it, so take the file as it was published")
    return np.ascontiguousarray(matrix, np.float32)


def _last_field(data: mmap.mmap, within: tuple[int, int], wanted: int) -> tuple[int, int] | None:
    """Where the last field of a number and of bytes begins and ends; None: there is none."""
    at, end = within
    found = None
    while at < end:
        key, at = _varint(data, at)
        kind = key & 7
        if kind == _VARINT:
            _, at = _varint(data, at)
        elif kind == _BYTES:
            length, at = _varint(data, at)
            if key >> 3 == wanted:
                found = (at, at + length)
            at += length
        elif kind in (_FIXED32, _FIXED64):
            at += 4 if kind == _FIXED32 else 8
        else:
            raise _NotProtobufError
    if at != end:
        raise _NotProtobufError
    return found


def _varint(data: mmap.mmap, at: int) -> tuple[int, int]:
    """A number of 7 bits a byte, lowest first, and the place behind it."""
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise _NotProtobufError


def _decode(tensor: bytes, path: Path) -> np.ndarray | None:
    """The values of a TensorProto; None: they are no floating-point numbers."""
    import onnx
    from onnx import numpy_helper

    try:
        values = numpy_helper.to_array(onnx.TensorProto.FromString(tensor), str(path.parent))
    except Exception as error:  # those of protobuf and of onnx have no class in common
        raise ModelError(f"{path}: its last initializer cannot be read",
                         advice="check it with: faceswap models verify") \
            from error
    return np.asarray(values) if values.dtype.kind == "f" else None
