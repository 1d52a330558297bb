"""From an ONNX file to another one with the same inputs and outputs, in which 3x3 convolutions multiply less."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import onnx
from google.protobuf.message import DecodeError
from onnx import GraphProto, ModelProto, TensorProto, numpy_helper
from onnx.checker import ValidationError
from onnx.shape_inference import InferenceError

from faceswap_cli.runtime.rewritten import NothingToRewriteError, Rewritten
from faceswap_cli.runtime.winograd.constants import Constants
from faceswap_cli.runtime.winograd.convolution import Convolutions
from faceswap_cli.runtime.winograd.graph import INLINE_BYTES, DataFile, Graph, pruned, reads
from faceswap_cli.runtime.winograd.layout import Layouts
from faceswap_cli.runtime.winograd.match import Match, Matcher, cancelled_biases
from faceswap_cli.runtime.winograd.narrow import add_narrow, match_narrow
from faceswap_cli.runtime.winograd.pointwise import Pointwise
from faceswap_cli.runtime.winograd.shapes import infer

GRAPH_NAME: Final = "model.onnx"
DATA_NAME: Final = "model.onnx.data"

_LEAST_OPSET: Final = 7
"""Broadcasting as everything here is written with begins there."""


def rewrite(path: Path, out_folder: Path) -> Rewritten:
    """Write a graph in which 3x3 convolutions of stride 1 are done by Winograd's F(4, 3), in plain ONNX operators.

    The new graph has the same inputs and outputs, and the same last initializer (inswapper's `emap`). Convolutions are
    found by structure: float32, 3x3, stride, dilation and group 1, constant weights, known height and width; padding
    and bilinear doubling in front of them is folded in. What lies between two of them is done in their layout, a last
    convolution to few channels for four pixels at once (`narrow`), and everything else stays as it is. Convolutions in
    float16 are none of these: where all are, nothing is applicable.

    Args:
        path: An ONNX file, with or without external data. Left as it is.
        out_folder: An existing folder, not that of `path`; gets `model.onnx` and `model.onnx.data`. The graph comes
            last and at once, so that where there is one, it is whole.

    Returns:
        What was written. The same input file gives the same bytes.

    Raises:
        NothingToRewriteError: No convolution can be rewritten, or the file is no whole ONNX graph. There is no
            `model.onnx`.
        OSError: A file could not be read or written.
        ValueError: `out_folder` is the folder of `path`.
    """
    if out_folder.resolve() == path.parent.resolve():
        raise ValueError(f"{out_folder} holds {path.name} itself; a rewritten graph needs a folder of its own")
    try:
        model = onnx.load(path, load_external_data=False)
        opset = max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=1)
        if opset < _LEAST_OPSET:
            raise NothingToRewriteError(f"{path} is of opset {opset}; {_LEAST_OPSET} is the oldest that can be "
                                        "rewritten")
        plan = _Plan(model, path.parent)
        if not plan.matches:
            raise NothingToRewriteError(f"{path} has no 3x3 convolution in float32 with stride 1 and a known size")
        target, data = out_folder / GRAPH_NAME, out_folder / DATA_NAME
        target.unlink(missing_ok=True)
        with DataFile(data) as file:
            written = plan.write(file).SerializeToString(deterministic=True)
    except DecodeError as error:
        raise NothingToRewriteError(f"{path} is not an ONNX graph") from error
    except InferenceError as error:
        raise NothingToRewriteError(f"{path} has shapes that contradict each other") from error
    except ValidationError as error:  # from reading external data
        raise NothingToRewriteError(f"{path} has weights in another file, which cannot be read") from error
    part = out_folder / f"{GRAPH_NAME}.part"
    part.write_bytes(written)
    part.replace(target)
    convolutions = sum(node.op_type == "Conv" for node in model.graph.node)
    return Rewritten(path=target, convolutions=len(plan.matches), original_convolutions=convolutions,
                     bytes=len(written) + data.stat().st_size)


class _Plan:
    """A graph, with what can be rewritten in it."""

    def __init__(self, model: ModelProto, folder: Path) -> None:
        graph = model.graph
        self._model = model
        self._folder = folder
        self._outputs = {value.name for value in graph.output}
        self._nodes = pruned(graph.node, self._outputs)
        self._constants = Constants({tensor.name: tensor for tensor in graph.initializer}, folder)
        self._constant_nodes = [node for node in self._nodes if self._constants.learn(node)]
        self._kinds = infer(model)
        producers = {name: node for node in self._nodes for name in node.output}
        self._matcher = Matcher(self._constants, self._kinds, producers)
        found = (self._matcher.match(node) for node in self._nodes)
        self.matches: dict[str, Match] = {match.node.output[0]: match for match in found if match is not None}

    def write(self, data: DataFile) -> ModelProto:
        """Write the constants, and return the model around them."""
        original = self._model.graph
        initializers = {tensor.name: tensor for tensor in original.initializer}
        inputs = {value.name for value in original.input}
        graph = Graph(_names(original), data)
        layouts = Layouts(graph, self._kinds, self._constants, inputs | set(initializers))
        self._add_nodes(graph, layouts)
        for name in sorted(self._outputs):
            layouts.plain(name)
        nodes = pruned(graph.nodes, self._outputs)
        used = self._outputs.union(*map(reads, nodes))

        model = ModelProto()
        for field, value in self._model.ListFields():  # versions, producer, metadata, functions
            if field.name == "graph":
                continue
            if field.is_repeated:
                getattr(model, field.name).extend(value)
            else:
                setattr(model, field.name, value)
        model.ir_version = max(model.ir_version, 4)  # From there on initializers need not be inputs too.
        made = model.graph
        made.name, made.doc_string = original.name, original.doc_string
        made.node.extend(nodes)
        last = original.initializer[-1] if original.initializer else None
        kept = [tensor for tensor in original.initializer if tensor.name in used and tensor is not last]
        made.initializer.extend(self._moved(tensor, data) for tensor in kept)
        made.initializer.extend(tensor for tensor in graph.constants if tensor.name in used)
        if last is not None:
            # Kept inside the graph, and even if nothing uses it: callers read the last initializer.
            made.initializer.append(numpy_helper.from_array(self._constants.array(last.name), last.name))
        made.sparse_initializer.extend(original.sparse_initializer)
        remaining = {tensor.name for tensor in made.initializer}
        made.input.extend(value for value in original.input
                          if value.name not in initializers or value.name in remaining)
        made.output.extend(original.output)
        made.quantization_annotation.extend(original.quantization_annotation)
        return model

    def _add_nodes(self, graph: Graph, layouts: Layouts) -> None:
        """Every node in its order: by tiles, by pixels, only if needed, or as it is."""
        convolutions = Convolutions(graph, layouts)
        pointwise = Pointwise(graph, layouts, self._constants, self._kinds)
        unbiased = cancelled_biases(self._nodes, self._outputs, self._constants)
        constant = {node.output[0] for node in self._constant_nodes}
        for node in self._nodes:
            match = self.matches.get(node.output[0])
            if match is not None:
                biased = match.bias is not None and node.output[0] not in unbiased
                bias = self._constants.array(match.bias) if match.bias is not None and biased else None
                convolutions.add(match, self._constants.array(match.weight), bias)
            elif (narrow := match_narrow(node, self._constants, self._kinds)) is not None:
                layouts.plain(node.input[0])
                bias = self._constants.array(narrow.bias) if narrow.bias is not None else None
                add_narrow(graph, narrow, self._constants.array(narrow.weight), bias)
                layouts.added(node)
            elif node.output[0] in constant or self._matcher.folds(node) is not None:
                layouts.postpone(node)
            elif not pointwise.follow(node):
                layouts.keep(node)

    def _moved(self, tensor: TensorProto, data: DataFile) -> TensorProto:
        """An initializer of the original graph, small ones inside the graph and large ones in the data file."""
        array = self._constants.array(tensor.name)
        if array.nbytes <= INLINE_BYTES or array.dtype.kind not in "fiub":
            outside = tensor.data_location == TensorProto.EXTERNAL
            return numpy_helper.from_array(array, tensor.name) if outside else tensor
        return data.write(tensor.name, array)


def _names(graph: GraphProto) -> set[str]:
    """Every name that a graph uses."""
    names = {value.name for value in (*graph.input, *graph.output, *graph.value_info)}
    names |= {tensor.name for tensor in (*graph.initializer,)}
    for node in graph.node:
        names |= reads(node) | set(node.output) | {node.name}
    return names
