"""The landmark network: a crop in; points, visible face, whether it is a face, and how far off the points may be out.

Plain residual blocks of 3x3 convolutions: what trains fastest on a slow core. Batch norm is folded by the export.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 128
MAP = 32
POINTS = 468


class Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut."""

    def __init__(self, into: int, out: int, stride: int = 1) -> None:
        super().__init__()
        self.a, self.na = nn.Conv2d(into, out, 3, stride, 1), nn.BatchNorm2d(out)
        self.b, self.nb = nn.Conv2d(out, out, 3, 1, 1), nn.BatchNorm2d(out)
        self.s = nn.Conv2d(into, out, 1, stride) if into != out or stride > 1 else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, into, h, w) to (n, out, h / stride, w / stride)."""
        return torch.relu(self.s(x) + self.nb(self.b(torch.relu(self.na(self.a(x))))))


class Landmarks(nn.Module):
    """Crops (n, 3, 128, 128), RGB in -1..1, to four outputs.

    Points (n, 468, 3) in -1..1 of the crop (z on the same scale, around its own mean); logits of the visible face
    (n, 32, 32); the logit that it is a face (n); the natural logarithm of the points' mean error in inter-ocular
    distances (n).
    """

    def __init__(self) -> None:
        super().__init__()
        self.i = nn.Sequential(nn.Conv2d(3, 16, 5, 2, 2), nn.BatchNorm2d(16), nn.ReLU())
        self.b32 = nn.Sequential(Block(16, 24, 2))
        self.b16 = nn.Sequential(Block(24, 32, 2), Block(32, 32), Block(32, 32))
        self.b8 = nn.Sequential(Block(32, 64, 2), Block(64, 64), Block(64, 64))
        self.b4 = nn.Sequential(Block(64, 96, 2), Block(96, 96), Block(96, 96))
        self.r, self.f = nn.Conv2d(96, 40, 1), nn.Linear(40 * 16, 160)
        self.r8, self.f8 = nn.Conv2d(64, 16, 1), nn.Linear(16 * 64, 160)  # where exactly: the finer cells
        self.o = nn.Linear(160, POINTS * 3)
        self.q = nn.Sequential(nn.Linear(160, 32), nn.ReLU(), nn.Linear(32, 2))
        self.mean = nn.Parameter(torch.zeros(POINTS, 3), requires_grad=False)
        # the map: coarse and fine features meet at 16x16; each cell there is four of the map
        self.v4, self.v8, self.v16 = nn.Conv2d(96, 32, 1), nn.Conv2d(64, 32, 1), nn.Conv2d(32, 32, 1)
        self.vm, self.nv = nn.Conv2d(32, 32, 3, 1, 1), nn.BatchNorm2d(32)
        self.v32 = nn.Conv2d(24, 8, 1)
        self.vo = nn.Conv2d(16, 1, 3, 1, 1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """As the class says."""
        x32 = self.b32(self.i(x))
        x16 = self.b16(x32)
        x8 = self.b8(x16)
        x4 = self.b4(x8)
        hidden = self.f(self.r(x4).flatten(1)) + self.f8(self.r8(x8).flatten(1))
        code = torch.relu(hidden)
        points = (self.o(code) * 0.1).view(-1, POINTS, 3) + self.mean
        said = self.q(code)
        up = nn.functional.interpolate
        v = up(self.v8(x8) + up(self.v4(x4), scale_factor=2.0), scale_factor=2.0) + self.v16(x16)
        v = torch.relu(self.nv(self.vm(torch.relu(v))))
        v = torch.cat([nn.functional.pixel_shuffle(v, 2), self.v32(x32)], 1)
        return points, self.vo(v).squeeze(1), said[:, 0], said[:, 1]


def begin_from(net: Landmarks, path: Path, crops: torch.Tensor) -> None:
    """Start from a trained network whose trunk is a part of this one (folded weights, read from its ONNX file).

    Blocks that it does not have start as nothing (their last norm is 0); norms are set so that they change nothing on
    `crops`, a batch as they come in training.
    """
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(path).graph
    values = {t.name: torch.tensor(numpy_helper.to_array(t)) for t in graph.initializer}
    convs = [n.input for n in graph.node if n.op_type == "Conv"]
    linear = [n.input for n in graph.node if n.op_type == "Gemm"]

    def put(layer: nn.Conv2d | nn.Linear, names: list[str]) -> None:
        assert layer.weight.shape == values[names[1]].shape, (layer, names)
        layer.weight.data, layer.bias.data = values[names[1]].clone(), values[names[2]].clone()

    todo = [net.i[0]]
    shared = (net.b32[0], net.b16[0], net.b16[1], net.b8[0], net.b8[1], net.b4[0], net.b4[1])
    for block in shared:
        todo += [block.s] * isinstance(block.s, nn.Conv2d) + [block.a, block.b]
    todo.append(net.r)
    by_shape: dict[tuple[int, ...], list[list[str]]] = {}
    for names in convs:
        by_shape.setdefault(tuple(values[names[1]].shape), []).append(list(names))
    for layer in todo:
        put(layer, by_shape[tuple(layer.weight.shape)].pop(0))
    put(net.f, list(linear[0]))
    put(net.o, list(linear[1]))
    for name, value in values.items():
        if tuple(value.shape) in ((468, 3), (1, 468, 3)) and "mean" in name:
            net.mean.data = value.view(468, 3).clone()
            net.mean.data[:, :2] += 1 / SIDE  # its crops' middle was at SIDE / 2, ours is half a pixel before
    nn.init.zeros_(net.f8.weight)
    nn.init.zeros_(net.f8.bias)
    fresh = [b for stage in (net.b32, net.b16, net.b8, net.b4) for b in stage if b not in shared]
    for block in fresh:
        nn.init.zeros_(block.nb.weight)
    quiet = {b.nb for b in fresh}

    def measured(norm: nn.BatchNorm2d, args: tuple[torch.Tensor]) -> None:
        x = args[0]
        m, v = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
        norm.running_mean.copy_(m)
        norm.running_var.copy_(v)
        if norm not in quiet and not any(norm is b.na for b in fresh) and norm is not net.nv:
            norm.weight.data.copy_((v + norm.eps).sqrt())
            norm.bias.data.copy_(m)

    hooks = [m.register_forward_pre_hook(measured) for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    with torch.no_grad():
        net.eval()(crops)
    for hook in hooks:
        hook.remove()
    net.train()


def export(net: Landmarks, path: Path) -> None:
    """Write the network as ONNX with weights stored as fp16 and cast when it is loaded; computing stays fp32."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    names = ["points", "visible", "face", "error"]
    torch.onnx.export(
        net.eval(), (torch.zeros(1, 3, SIDE, SIDE),), path, input_names=["crop"], output_names=names, dynamo=False
    )
    model = onnx.load(path)
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        value = numpy_helper.to_array(tensor)
        if value.dtype == np.float32 and value.size > 16:
            name, stored = tensor.name, tensor.name + "_16"
            tensor.CopyFrom(numpy_helper.from_array(value.astype(np.float16), stored))
            casts.append(helper.make_node("Cast", [stored], [name], to=TensorProto.FLOAT))
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*casts, *nodes])
    onnx.checker.check_model(model)
    onnx.save(model, path)
