"""Which convolutions can be rewritten, and what each of them really reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto

from faceswap_cli.runtime.winograd.axis import Axis, Coordinates, Padding, doubled, padded, plain
from faceswap_cli.runtime.winograd.constants import Constants, attributes, standard
from faceswap_cli.runtime.winograd.graph import reads
from faceswap_cli.runtime.winograd.shapes import TensorKind
from faceswap_cli.runtime.winograd.toom_cook import OUTPUTS, SAMPLES, TAPS


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A 3x3 convolution, with the padding and enlargement in front of it folded in.

    Attributes:
        source: The value it reads, (N, C, height, width).
        height, width: Of that value.
        rows, columns: What the convolution sees of it along each axis; its output is two smaller.
        weight, bias: Names of constants, (out, C, 3, 3) and (out,); `bias` None where there is none.
        batch: N, None where it is known only when the graph runs.
    """

    node: NodeProto
    source: str
    height: int
    width: int
    rows: Axis
    columns: Axis
    weight: str
    bias: str | None
    batch: int | None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the output."""
        return len(self.rows) - TAPS + 1, len(self.columns) - TAPS + 1


class Matcher:
    """Looks at nodes one by one, in graph order.

    Args:
        constants: Those of the graph; complete for everything before the node looked at.
        kinds: Inferred types and shapes.
        producers: Value name -> the node that makes it.
    """

    def __init__(self, constants: Constants, kinds: Mapping[str, TensorKind], producers: Mapping[str,
                 NodeProto]) -> None:
        self._constants = constants
        self._kinds = kinds
        self._producers = producers

    def match(self, node: NodeProto) -> Match | None:
        """The convolution, if it has stride, dilation and group 1, a 3x3 kernel, float32 and a known spatial size.

        One that saves no multiplication is left alone: a tile is computed whole, so maps of up to 2x2 would only lose.
        """
        if node.op_type != "Conv" or not standard(node):
            return None
        options = attributes(node)
        constant = all(name in self._constants for name in node.input[1:] if name)
        weight = self._kinds.get(node.input[1])
        if not constant or weight is None or weight.shape[2:] != (TAPS, TAPS) or weight.dtype != TensorProto.FLOAT:
            return None
        if any(step != 1 for step in (*options.get("strides", ()), *options.get("dilations", ()))):
            return None
        pads = _pads(options)
        seen = self._seen(node.input[0])
        if options.get("group", 1) != 1 or pads is None or seen is None:
            return None
        source, rows, columns = seen
        top, left, bottom, right = pads
        kind = self._kinds[source]
        height, width = kind.shape[2:]
        if height is None or width is None:
            return None
        found = Match(node=node, source=source, height=height, width=width,
                      rows=padded(rows, top, bottom, Padding.CONSTANT),
                      columns=padded(columns, left, right, Padding.CONSTANT), weight=node.input[1],
                      bias=node.input[2] if len(node.input) > 2 and node.input[2] else None, batch=kind.shape[0])
        made = self._kinds.get(node.output[0])
        known = made is not None and len(made.shape) == 4 and made.shape[2:] == found.size
        return found if known and _saves(*found.size) else None

    def folds(self, node: NodeProto) -> tuple[Axis, Axis] | None:
        """Rows and columns of a Pad or Resize as weights over its input; None where it must be computed as it is."""
        if not standard(node) or not node.output or self._size(node.input[0]) is None:
            return None
        match node.op_type:
            case "Pad":
                return self._padding(node)
            case "Resize" | "Upsample":
                return self._doubling(node)
        return None

    def _seen(self, name: str) -> tuple[str, Axis, Axis] | None:
        """Follow a value back through what can be folded: where it ends, and its rows and columns from there."""
        node = self._producers.get(name)
        own = self.folds(node) if node is not None else None
        if node is not None and own is not None:
            before = self._seen(node.input[0])
            if before is not None:
                source, rows, columns = before
                return source, _composed(own[0], rows), _composed(own[1], columns)
        size = self._size(name)
        return (name, plain(size[0]), plain(size[1])) if size is not None else None

    def _size(self, name: str) -> tuple[int, int] | None:
        kind = self._kinds.get(name)
        if kind is None or kind.dtype != TensorProto.FLOAT or len(kind.shape) != 4:
            return None
        height, width = kind.shape[2:]
        return (height, width) if height and width else None

    def _padding(self, node: NodeProto) -> tuple[Axis, Axis] | None:
        options = attributes(node)
        if len(node.input) > 1:
            if node.input[1] not in self._constants:
                return None
            pads = [int(pad) for pad in self._constants.array(node.input[1])]
        else:
            pads = options.get("pads", [])
        if len(node.input) > 3 and node.input[3]:
            if node.input[3] not in self._constants:
                return None
            axes = [int(axis) % 4 for axis in self._constants.array(node.input[3])]
        else:
            axes = list(range(4))
        if len(pads) != 2 * len(axes):
            return None
        begin, end = [0] * 4, [0] * 4
        for place, axis in enumerate(axes):
            begin[axis], end[axis] = pads[place], pads[place + len(axes)]
        mode = options.get("mode", "constant")
        if any((*begin[:2], *end[:2])) or mode not in set(Padding):
            return None
        if mode == Padding.CONSTANT and self._fill(node, options) != 0:
            return None
        size = self._size(node.input[0])
        if size is None or (mode == Padding.REFLECT and max(*begin, *end) >= min(size)):
            return None
        return (padded(plain(size[0]), begin[2], end[2], Padding(mode)),
                padded(plain(size[1]), begin[3], end[3], Padding(mode)))

    def _fill(self, node: NodeProto, options: dict[str, Any]) -> float | None:
        """The value that a Pad adds; None when it is known only at run time."""
        if len(node.input) < 3 or not node.input[2]:
            return float(options.get("value", 0.0))
        return float(self._constants.array(node.input[2]).item()) if node.input[2] in self._constants else None

    def _doubling(self, node: NodeProto) -> tuple[Axis, Axis] | None:
        """A bilinear enlargement of height and width to exactly twice their size."""
        options = attributes(node)
        size, made = self._size(node.input[0]), self._size(node.output[0])
        if size is None or made != (2 * size[0], 2 * size[1]) or options.get("mode", "nearest") != "linear":
            return None
        if any(options.get(name) for name in ("exclude_outside", "antialias")) or "axes" in options:
            return None
        if options.get("keep_aspect_ratio_policy", "stretch") != "stretch":
            return None
        # Up to opset 10 enlargement had no choice of coordinates, and was what is called asymmetric since.
        old = node.op_type == "Upsample" or len(node.input) == 2
        coordinates = options.get("coordinate_transformation_mode", "asymmetric" if old else "half_pixel")
        if coordinates not in set(Coordinates) or not self._exactly_twice(node, options):
            return None
        return doubled(plain(size[0]), Coordinates(coordinates)), doubled(plain(size[1]), Coordinates(coordinates))

    def _exactly_twice(self, node: NodeProto, options: dict[str, Any]) -> bool:
        """Whether the scales say two, or sizes are given: those alone then decide."""
        scales = node.input[1] if len(node.input) == 2 else node.input[2] if len(node.input) > 2 else ""
        if "scales" in options:
            return bool(options["scales"] == [1, 1, 2, 2])
        if scales and not (scales in self._constants and self._kinds[scales].shape == (0,)):
            return scales in self._constants and bool(np.array_equal(self._constants.array(scales), (1, 1, 2, 2)))
        batch, channels = self._kinds[node.input[0]].shape[:2]
        return self._kinds[node.output[0]].shape[:2] == (batch, channels) and channels is not None


def _composed(outer: Axis, inner: Axis) -> Axis:
    """`outer` reads positions of `inner`, which reads stored samples."""
    positions = []
    for taps in outer:
        mixed: dict[int, float] = {}
        for place, share in taps.items():
            for sample, weight in inner[place].items():
                mixed[sample] = mixed.get(sample, 0.0) + share * weight
        positions.append(mixed)
    return tuple(positions)


def _pads(options: dict[str, Any]) -> tuple[int, int, int, int] | None:
    """Top, left, bottom, right of a 3x3 convolution with stride 1."""
    match options.get("auto_pad", "NOTSET"):
        case "SAME_UPPER" | "SAME_LOWER":
            return 1, 1, 1, 1
        case "VALID":
            return 0, 0, 0, 0
        case "NOTSET":
            top, left, bottom, right = options.get("pads", (0, 0, 0, 0))
            return top, left, bottom, right
    return None


def _saves(height: int, width: int) -> bool:
    """Whether the tiles that cover the output need fewer multiplications than its pixels."""
    covered = -(-height // OUTPUTS) * -(-width // OUTPUTS)
    return covered * SAMPLES**2 < height * width * TAPS**2


def cancelled_biases(nodes: list[NodeProto], outputs: set[str], constants: Constants) -> set[str]:
    """Outputs of convolutions whose bias has no effect: a normalisation that takes the mean off each map follows.

    That is, the value is used only by InstanceNormalization, or only by a mean over height and width and the
    subtraction of that mean, which itself serves nothing else.
    """
    users: dict[str, list[NodeProto]] = {}
    for node in nodes:
        for name in reads(node):
            users.setdefault(name, []).append(node)
    found = set()
    for node in nodes:
        if node.op_type != "Conv" or node.output[0] in outputs:
            continue
        value = node.output[0]
        using = users.get(value, [])
        if using and all(user.op_type == "InstanceNormalization" and user.input[0] == value for user in using):
            found.add(value)
        if len(using) == 2:
            means = [user for user in using if spatial_mean(user, constants)]
            differences = [user for user in using if user.op_type == "Sub"]
            if len(means) == len(differences) == 1:
                mean, difference = means[0].output[0], differences[0]
                alone = users.get(mean) == [difference] and mean not in outputs
                if alone and list(difference.input) == [value, mean]:
                    found.add(value)
    return found


def spatial_mean(node: NodeProto, constants: Constants) -> bool:
    """Whether a node is the mean over height and width of its first input, kept as (N, C, 1, 1)."""
    if not standard(node):
        return False
    if node.op_type == "GlobalAveragePool":
        return True
    options = attributes(node)
    if node.op_type != "ReduceMean" or not options.get("keepdims", 1):
        return False
    axes = options.get("axes")
    if len(node.input) > 1:
        if node.input[1] not in constants:
            return False
        axes = [int(axis) for axis in constants.array(node.input[1])]
    return axes is not None and sorted(axis % 4 for axis in axes) == [2, 3]
