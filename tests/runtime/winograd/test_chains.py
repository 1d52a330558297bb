"""Random small networks: whatever stands between convolutions, the rewritten graph computes the same."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from runtime.winograd.small_graphs import Builder, assert_alike, rewritten

STEPS = (
    "conv", "conv", "conv", "valid", "strided", "pointwise", "reflect", "edge", "double", "relu", "leaky", "residual",
    "norm", "primitive norm", "scale", "pool", "shuffle", "rows",
)  # fmt: skip


def add(
    graph: Builder, step: str, value: str, channels: int, size: tuple[int, int]
) -> tuple[str, int, tuple[int, int]]:
    """Add one step to a chain: the new value, its channels and size."""
    height, width = size
    wide = 1 + (channels + 2) % 5
    match step:
        case "conv":
            return graph.conv(value, channels, wide, pads=[1] * 4), wide, size
        case "valid" if min(size) > 3:
            return graph.conv(value, channels, wide), wide, (height - 2, width - 2)
        case "strided":
            made = graph.conv(value, channels, wide, pads=[1] * 4, strides=[2, 2])
            return made, wide, ((height + 1) // 2, (width + 1) // 2)
        case "pointwise":
            return graph.conv(value, channels, wide, kernel=1), wide, size
        case "reflect" | "edge" if min(size) > 2:
            return graph.pad(value, (1, 2, 0, 1), step), channels, (height + 1, width + 3)
        case "double" if max(size) < 24:
            return graph.double(value), channels, (2 * height, 2 * width)
        case "relu":
            return graph.node("Relu", value), channels, size
        case "leaky":
            return graph.node("LeakyRelu", value, alpha=0.1), channels, size
        case "residual":
            return graph.node("Add", graph.conv(value, channels, channels, pads=[1] * 4), value), channels, size
        case "norm":
            weights = [graph.constant(graph.random.random(channels) + 0.5) for _ in range(2)]
            return graph.node("InstanceNormalization", value, *weights, epsilon=1e-2), channels, size
        case "primitive norm":
            difference = graph.node("Sub", value, graph.node("ReduceMean", value, axes=[2, 3]))
            square = graph.node("ReduceMean", graph.node("Mul", difference, difference), axes=[-1, -2])
            deviation = graph.node("Sqrt", graph.node("Add", graph.constant(1e-2), square))
            return graph.node("Div", difference, deviation), channels, size
        case "scale":
            return graph.node("Mul", value, graph.constant(graph.random.random((channels, 1, 1)))), channels, size
        case "pool" if min(size) > 3:
            return graph.node("MaxPool", value, kernel_shape=[2, 2]), channels, (height - 1, width - 1)
        case "shuffle":
            return graph.node("Transpose", value, perm=[0, 1, 3, 2]), channels, (width, height)
        case "rows":
            return graph.node("Add", value, graph.constant(graph.random.random((height, 1)))), channels, size
    return value, channels, size


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(
    steps=st.lists(st.sampled_from(STEPS), min_size=1, max_size=9),
    size=st.tuples(st.integers(3, 14), st.integers(3, 14)),
    channels=st.integers(1, 5),
    batch=st.sampled_from([1, 2, "N"]),
)
def test_any_chain(steps: list[str], size: tuple[int, int], channels: int, batch: int | str) -> None:
    graph = Builder(seed=len(steps))
    shape = [batch, channels, *size]
    value, made_channels, made_size = "x", channels, size
    for step in ["conv", *steps]:
        value, made_channels, made_size = add(graph, step, value, made_channels, made_size)
    graph.node("Identity", value, output="y")
    model = graph.model({"x": shape}, {"y": [batch, made_channels, *made_size]})
    with tempfile.TemporaryDirectory() as folder:
        made = rewritten(model, Path(folder))
        assert_alike(Path(folder) / "original.onnx", made.path, batch=2 if batch == "N" else 1, least=85)
