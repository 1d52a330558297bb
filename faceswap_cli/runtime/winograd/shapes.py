"""Shapes and types of every value of a graph, without copying its weights about."""

from __future__ import annotations

import math
from dataclasses import dataclass

from onnx import GraphProto, ModelProto, TensorProto, helper, shape_inference

Shape = tuple[int | None, ...]
"""One size for each axis; None where it is known only when the graph runs."""

_SMALL = 1024
"""Elements. Larger tensors can only be weights, whose values say nothing about a shape."""


@dataclass(frozen=True, slots=True)
class TensorKind:
    """What is known of a value: an element type of `TensorProto`, and a shape."""

    dtype: int
    shape: Shape


def infer(model: ModelProto) -> dict[str, TensorKind]:
    """Infer the shapes of all values of the main graph; values of which nothing is known are left out.

    Inference serialises the model, so weights are taken out first and only declared: a 554 MB graph would else
    need five copies of itself.
    """
    graph = model.graph
    skeleton = GraphProto(name=graph.name)
    declared = {value.name for value in graph.input}
    skeleton.input.extend(graph.input)
    skeleton.output.extend(graph.output)
    skeleton.value_info.extend(graph.value_info)
    kinds: dict[str, TensorKind] = {}

    def declare(name: str, tensor: TensorProto) -> None:
        kinds[name] = TensorKind(tensor.data_type, tuple(tensor.dims))
        if name not in declared:
            skeleton.input.append(helper.make_tensor_value_info(name, tensor.data_type, tensor.dims))

    for tensor in graph.initializer:
        if math.prod(tensor.dims) <= _SMALL:
            skeleton.initializer.append(tensor)
            kinds[tensor.name] = TensorKind(tensor.data_type, tuple(tensor.dims))
        else:
            declare(tensor.name, tensor)
    for node in graph.node:
        alone = node.op_type == "Constant" and len(node.attribute) == 1 and node.attribute[0].name == "value"
        held = node.attribute[0].t if alone else None
        if held is not None and math.prod(held.dims) > _SMALL:
            declare(node.output[0], held)
        else:
            skeleton.node.append(node)
    light = ModelProto(graph=skeleton, ir_version=max(model.ir_version, 4), opset_import=model.opset_import,
                       functions=model.functions)
    inferred = shape_inference.infer_shapes(light, data_prop=True).graph
    for value in (*inferred.input, *inferred.value_info, *inferred.output):
        tensor_type = value.type.tensor_type
        if value.type.HasField("tensor_type") and tensor_type.HasField("shape"):
            shape = tuple(axis.dim_value if axis.HasField("dim_value") else None for axis in tensor_type.shape.dim)
            kinds.setdefault(value.name, TensorKind(tensor_type.elem_type, shape))
    return kinds
