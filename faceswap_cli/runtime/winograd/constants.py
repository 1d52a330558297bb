"""Values of a graph that are known before it runs: initializers, Constant nodes, and plain shufflings of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

Array = NDArray[Any]

_DOMAINS = ("", "ai.onnx")
_SHUFFLES = ("Identity", "Cast", "Transpose", "Reshape", "Squeeze", "Unsqueeze", "Concat")


def standard(node: NodeProto) -> bool:
    """Whether the operator is ONNX's own, not another domain's of the same name."""
    return node.domain in _DOMAINS


def attributes(node: NodeProto) -> dict[str, Any]:
    """The attributes of a node by name, as Python values; strings decoded."""
    values = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    return {name: value.decode() if isinstance(value, bytes) else value for name, value in values.items()}


class Constants:
    """Finds constants by name. Large ones are read again each time instead of being kept.

    Args:
        initializers: By name.
        folder: Where external data of the model lies.
    """

    def __init__(self, initializers: dict[str, TensorProto], folder: Path) -> None:
        self._tensors = dict(initializers)
        self._shuffles: dict[str, NodeProto] = {}
        self._folder = str(folder)

    def learn(self, node: NodeProto) -> bool:
        """Take note of a node in graph order; True when its output is a constant."""
        if not standard(node) or len(node.output) != 1:
            return False
        if node.op_type == "Constant":
            tensor = _constant_tensor(node)
            if tensor is None:
                return False
            self._tensors[node.output[0]] = tensor
            return True
        known = node.op_type in _SHUFFLES and all(not name or name in self for name in node.input)
        if known and node.op_type == "Cast":
            # Narrow types may round or saturate in ways of their own; those stay with the runtime.
            known = attributes(node)["to"] in (TensorProto.FLOAT, TensorProto.INT64, TensorProto.INT32)
        if known:
            self._shuffles[node.output[0]] = node
        return known

    def __contains__(self, name: str) -> bool:
        return name in self._tensors or name in self._shuffles

    def array(self, name: str) -> Array:
        """The value of a constant; a fresh or read-only array."""
        tensor = self._tensors.get(name)
        if tensor is not None:
            return numpy_helper.to_array(tensor, self._folder)
        node = self._shuffles[name]
        inputs = [self.array(value) for value in node.input if value]
        options = attributes(node)
        match node.op_type:
            case "Cast":
                return inputs[0].astype(helper.tensor_dtype_to_np_dtype(options["to"]))
            case "Transpose":
                return inputs[0].transpose(options.get("perm"))
            case "Reshape":
                shape = [int(size) for size in inputs[1]]
                if not options.get("allowzero"):
                    shape = [size or inputs[0].shape[axis] for axis, size in enumerate(shape)]
                return inputs[0].reshape(shape)
            case "Squeeze":
                axes = _axes(inputs, options)
                return np.squeeze(inputs[0], tuple(axes) if axes is not None else None)
            case "Unsqueeze":
                return np.expand_dims(inputs[0], tuple(_axes(inputs, options) or ()))
            case "Concat":
                return np.concatenate(inputs, options["axis"])
        return inputs[0]


def _axes(inputs: list[Array], options: dict[str, Any]) -> list[int] | None:
    """The axes of Squeeze and Unsqueeze: an input since opset 13, an attribute before."""
    if len(inputs) > 1:
        return [int(axis) for axis in inputs[1]]
    return options.get("axes")


def _constant_tensor(node: NodeProto) -> TensorProto | None:
    """What a Constant node holds; None for strings and sparse tensors."""
    name, value = next(iter(attributes(node).items()))
    match name:
        case "value":
            return value if isinstance(value, TensorProto) else None
        case "value_float" | "value_floats":
            return numpy_helper.from_array(np.asarray(value, np.float32))
        case "value_int" | "value_ints":
            return numpy_helper.from_array(np.asarray(value, np.int64))
    return None
