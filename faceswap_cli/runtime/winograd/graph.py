"""The graph that is being written: nodes in order, constants once each, and the large ones straight to a file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper

from faceswap_cli.runtime.winograd.constants import Array

INLINE_BYTES = 4096
"""Constants up to this size stay inside the graph file: shapes are among them, which a runtime must see at once."""

_ALIGNMENT = 4096
"""Of each constant in the data file, in bytes: a page, so that a runtime can map it as it lies."""


def reads(node: NodeProto) -> set[str]:
    """Names that a node uses, those that its subgraphs take from outside included."""
    names = {name for name in node.input if name}
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            names |= _taken_from_outside(graph)
    return names


def _taken_from_outside(graph: GraphProto) -> set[str]:
    own = {value.name for value in (*graph.input, *graph.initializer)}
    names = {value.name for value in graph.output}
    for node in graph.node:
        names |= reads(node)
        own.update(node.output)
    return names - own


class DataFile:
    """Constants of a graph in a file beside it, written one after the other as they come."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        self._file = self._path.open("wb")
        return self

    def __exit__(self, *error: object) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, name: str, array: Array) -> TensorProto:
        """Write one array and return the tensor that points to it."""
        assert self._file is not None, "used outside its `with`"
        start = -(-self._file.tell() // _ALIGNMENT) * _ALIGNMENT
        self._file.seek(start)
        little = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False))
        self._file.write(little.data)
        tensor = TensorProto(name=name, data_type=helper.np_dtype_to_tensor_dtype(array.dtype), dims=array.shape)
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", self._path.name), ("offset", start), ("length", little.nbytes)):
            tensor.external_data.add(key=key, value=str(value))
        return tensor


class Graph:
    """Collects nodes and constants under names that are free.

    Args:
        taken: Names that the original graph uses.
        data: Where large constants go.
    """

    def __init__(self, taken: Iterable[str], data: DataFile) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self._taken = set(taken)
        self._data = data
        self._known: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._count = 0

    def name(self, stem: str) -> str:
        """A name that nothing else has."""
        while True:
            self._count += 1
            name = f"{stem}/{self._count}"
            if name not in self._taken:
                self._taken.add(name)
                return name

    def constant(self, stem: str, array: Array, *, shared: bool = True) -> str:
        """Add a constant, and return its name; an equal one that is `shared` is not added again."""
        array = np.ascontiguousarray(array)
        key = (array.dtype.str, array.shape, hashlib.sha256(array.data).digest()) if shared else None
        if key is not None and key in self._known:
            return self._known[key]
        name = self.name(stem)
        inline = array.nbytes <= INLINE_BYTES
        self.constants.append(numpy_helper.from_array(array, name) if inline else self._data.write(name, array))
        if key is not None:
            self._known[key] = name
        return name

    def node(self, operator: str, inputs: Sequence[str], stem: str, output: str | None = None, **options: Any) -> str:
        """Add a node with one output, and return the name of that."""
        name = self.name(f"{stem}/{operator}")
        self.nodes.append(helper.make_node(operator, list(inputs), [output or name], name=name, **options))
        return output or name

    def reshape(self, value: str, shape: Sequence[int], stem: str) -> str:
        """Add a Reshape; 0 in `shape` keeps that size, -1 stands for what is left."""
        return self.node("Reshape", [value, self.constant("shape", np.array(shape, np.int64))], stem)


def pruned(nodes: Sequence[NodeProto], outputs: Iterable[str]) -> list[NodeProto]:
    """The nodes that the outputs depend on, in their order."""
    wanted = set(outputs)
    kept = []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            wanted |= reads(node)
            kept.append(node)
    return kept[::-1]
