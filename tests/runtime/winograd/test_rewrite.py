"""Single convolutions and their surroundings: what is rewritten, what stays, and that both compute the same."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import convert_model_to_external_data
from runtime.winograd.small_graphs import Builder, assert_alike, operators, rewritten, run

from faceswap_cli.runtime.rewritten import NothingToRewriteError
from faceswap_cli.runtime.winograd import rewrite


def check(tmp_path: Path, model: onnx.ModelProto, convolutions: int, batch: int = 1) -> Path:
    """Rewrite, count and compare; the new graph."""
    made = rewritten(model, tmp_path)
    assert made.convolutions == convolutions
    assert_alike(tmp_path / "original.onnx", made.path, batch)
    return made.path


@pytest.mark.parametrize("size", [(8, 8), (4, 12), (3, 3), (5, 7), (9, 6), (2, 16), (17, 2), (13, 30), (50, 47)])
@pytest.mark.parametrize("bias", [True, False])
def test_any_size(tmp_path: Path, size: tuple[int, int], bias: bool) -> None:
    """More tiles than fit, tiles that stick out, more than the 128 that are multiplied the other way round."""
    graph = Builder()
    graph.conv("x", 3, 5, bias=bias, pads=[1] * 4)
    graph.nodes[-1].output[0] = "y"

    check(tmp_path, graph.model({"x": [1, 3, *size]}, {"y": [1, 5, *size]}), 1)


@pytest.mark.parametrize(
    "options",
    [
        {"pads": [0, 0, 0, 0]},
        {"pads": [2, 1, 0, 3]},
        {"auto_pad": "SAME_UPPER"},
        {"auto_pad": "VALID"},
        {"kernel_shape": [3, 3], "strides": [1, 1], "dilations": [1, 1], "group": 1, "pads": [1] * 4},
        {"pads": [4, 5, 4, 5]},
    ],
)
def test_any_padding_of_the_convolution_itself(tmp_path: Path, options: dict[str, Any]) -> None:
    graph = Builder()
    graph.conv("x", 2, 3, **options)
    graph.nodes[-1].output[0] = "y"

    check(tmp_path, graph.model({"x": [2, 2, 10, 11]}, {"y": None}), 1)


@pytest.mark.parametrize("mode", ["reflect", "edge", "constant"])
@pytest.mark.parametrize("pads", [(1, 1, 1, 1), (0, 2, 3, 0), (2, 2, 2, 2)])
@pytest.mark.parametrize("own", [0, 1])
def test_padding_before_it_is_folded_in(tmp_path: Path, mode: str, pads: tuple[int, int, int, int], own: int) -> None:
    graph = Builder()
    value = graph.pad("x", pads, mode)
    graph.conv(value, 3, 4, pads=[own] * 4)
    graph.nodes[-1].output[0] = "y"

    made = check(tmp_path, graph.model({"x": ["N", 3, 7, 8]}, {"y": None}), 1, batch=2)

    assert "Pad" not in operators(made)


def test_padding_with_another_number_stays(tmp_path: Path) -> None:
    graph = Builder()
    graph.conv(graph.pad("x", (1, 1, 1, 1), "constant", fill=0.5), 3, 4)
    graph.nodes[-1].output[0] = "y"

    made = check(tmp_path, graph.model({"x": [1, 3, 8, 8]}, {"y": None}), 1)

    assert operators(made).count("Pad") == 1


def test_padding_of_channels_stays(tmp_path: Path) -> None:
    graph = Builder()
    value = graph.node("Pad", "x", graph.constant([0, 1, 0, 0, 0, 1, 0, 0], np.int64))
    graph.conv(value, 5, 4, pads=[1] * 4)
    graph.nodes[-1].output[0] = "y"

    assert "Pad" in operators(check(tmp_path, graph.model({"x": [1, 3, 8, 8]}, {"y": None}), 1))


@pytest.mark.parametrize("coordinates", ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"])
@pytest.mark.parametrize("size", [(4, 4), (3, 5), (1, 8), (26, 25)])
def test_bilinear_doubling_before_it_is_folded_in(tmp_path: Path, coordinates: str, size: tuple[int, int]) -> None:
    graph = Builder()
    graph.conv(graph.double("x", coordinates), 3, 4, pads=[1] * 4)
    graph.nodes[-1].output[0] = "y"

    made = check(tmp_path, graph.model({"x": ["N", 3, *size]}, {"y": None}), 1, batch=2)

    assert "Resize" not in operators(made)


def test_doubling_and_reflection_are_folded_in_together(tmp_path: Path) -> None:
    graph = Builder()
    graph.conv(graph.pad(graph.double("x"), (1, 1, 1, 1)), 3, 4)
    graph.nodes[-1].output[0] = "y"

    made = check(tmp_path, graph.model({"x": [1, 3, 6, 6]}, {"y": None}), 1)

    assert not {"Resize", "Pad"} & set(operators(made))


def test_doubling_to_a_given_size_is_folded_in(tmp_path: Path) -> None:
    graph = Builder()
    sizes = graph.constant([1, 3, 12, 14], np.int64)
    value = graph.node("Resize", "x", "", "", sizes, mode="linear", coordinate_transformation_mode="align_corners")
    graph.conv(value, 3, 4, pads=[1] * 4)
    graph.nodes[-1].output[0] = "y"

    made = check(tmp_path, graph.model({"x": [1, 3, 6, 7]}, {"y": None}), 1)

    assert "Resize" not in operators(made)


@pytest.mark.parametrize(
    ("scale", "options"),
    [
        (3, {"mode": "linear"}),
        (2, {"mode": "nearest"}),
        (2, {"mode": "cubic"}),
        (2, {"mode": "linear", "coordinate_transformation_mode": "half_pixel_symmetric"}),
    ],
)
def test_other_enlargements_stay(tmp_path: Path, scale: int, options: dict[str, Any]) -> None:
    graph = Builder()
    value = graph.node("Resize", "x", "", graph.constant([1, 1, scale, scale]), **options)
    graph.conv(value, 3, 4, pads=[1] * 4)
    graph.nodes[-1].output[0] = "y"
    opset = 19 if "symmetric" in str(options) else 17

    assert "Resize" in operators(check(tmp_path, graph.model({"x": [1, 3, 6, 6]}, {"y": None}, opset), 1))


@pytest.mark.parametrize("opset", [9, 10])
def test_enlargements_and_padding_of_old_opsets(tmp_path: Path, opset: int) -> None:
    graph = Builder()
    scales = graph.constant([1, 1, 2, 2])
    value = graph.node("Upsample" if opset == 9 else "Resize", "x", scales, mode="linear")
    value = graph.node("Pad", value, pads=[0, 0, 1, 1, 0, 0, 1, 1], mode="reflect")
    graph.conv(value, 3, 4)
    graph.nodes[-1].output[0] = "y"

    made = check(tmp_path, graph.model({"x": [1, 3, 6, 5]}, {"y": None}, opset), 1)

    assert not {"Upsample", "Resize", "Pad"} & set(operators(made))


def test_what_is_folded_in_is_still_there_for_others(tmp_path: Path) -> None:
    graph = Builder()
    value = graph.pad(graph.double("x"), (1, 1, 1, 1))
    graph.conv(value, 3, 3)
    graph.nodes[-1].output[0] = "y"
    graph.node("Exp", value, output="z")

    made = check(tmp_path, graph.model({"x": [1, 3, 6, 6]}, {"y": None, "z": None}), 1)

    assert {"Resize", "Pad"} <= set(operators(made))


@pytest.mark.parametrize(
    "options",
    [
        {"strides": [2, 2]},
        {"strides": [1, 2]},
        {"dilations": [2, 2], "pads": [2] * 4},
        {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
    ],
)
def test_other_convolutions_stay(tmp_path: Path, options: dict[str, Any]) -> None:
    graph = Builder()
    value = graph.conv("x", 3, 3, pads=[1] * 4)
    graph.conv(graph.conv(value, 3, 3, **options), 3, 3, kernel=1)
    graph.nodes[-1].output[0] = "y"

    made = check(tmp_path, graph.model({"x": [1, 3, 12, 12]}, {"y": None}), 1)

    assert operators(made).count("Conv") == 2


def test_groups_and_weights_that_are_inputs_stay(tmp_path: Path) -> None:
    graph = Builder()
    value = graph.node("Conv", "x", graph.constant(graph.weights(4, 2)), group=2, pads=[1] * 4)
    value = graph.node("Conv", value, "w", pads=[1] * 4)
    graph.conv(value, 4, 4, pads=[1] * 4)
    graph.nodes[-1].output[0] = "y"

    made = check(tmp_path, graph.model({"x": [1, 4, 8, 8], "w": [4, 4, 3, 3]}, {"y": None}), 1)

    assert operators(made).count("Conv") == 2


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (1, 3)])
def test_maps_so_small_that_nothing_is_saved_stay(tmp_path: Path, size: tuple[int, int]) -> None:
    graph = Builder()
    value = graph.conv("x", 3, 4, pads=[1] * 4)
    value = graph.node("AveragePool", value, kernel_shape=[8 // size[0], 8 // size[1]], strides=[8, 8])
    value = graph.pad("small", (0, 0, 0, 0))
    graph.conv(value, 3, 4, pads=[1] * 4)
    graph.nodes[-1].output[0] = "z"
    graph.nodes[0].output[0] = "y"
    del graph.nodes[1]

    made = check(tmp_path, graph.model({"x": [1, 3, 8, 8], "small": [1, 3, *size]}, {"y": None, "z": None}), 1)

    assert operators(made).count("Conv") == 1


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("outputs", "kernel", "size", "taken"), [(3, 7, 8, True), (1, 5, 10, True), (3, 7, 9, False),
                                                                 (5, 7, 8, False), (3, 1, 8, False)])  # fmt: skip
def test_few_output_channels_are_done_for_four_pixels_at_once(
    tmp_path: Path, bias: bool, outputs: int, kernel: int, size: int, taken: bool
) -> None:
    graph = Builder()
    value = graph.conv("x", 4, 4, pads=[1] * 4)
    graph.conv(value, 4, outputs, bias=bias, kernel=kernel, pads=[kernel // 2] * 4)
    graph.nodes[-1].output[0] = "y"

    made = check(tmp_path, graph.model({"x": ["N", 4, size, 8]}, {"y": None}), 1, batch=2)

    assert ("DepthToSpace" in operators(made)) == taken


@pytest.mark.parametrize("batch", [1, 3])
def test_a_sum_of_both_kinds_of_values(tmp_path: Path, batch: int) -> None:
    """A residual that comes from outside, one from inside, a map-sized constant, a number, one for each channel."""
    graph = Builder()
    value = graph.conv("x", 4, 4, pads=[1] * 4)
    value = graph.node("Add", "x", value)
    value = graph.node("Add", value, graph.constant(graph.random.random((1, 4, 9, 10))))
    value = graph.node("Mul", graph.constant(1.5), value)
    value = graph.node("Mul", value, graph.constant(graph.random.random((4, 1, 1))))
    value = graph.node("Div", value, graph.constant([[[[2.0]]]]))
    value = graph.node("Mul", value, "gate")
    inner = graph.conv(graph.node("PRelu", value, graph.constant(graph.random.random((4, 1, 1)))), 4, 4, pads=[1] * 4)
    value = graph.node("Sub", value, inner)
    value = graph.node("Clip", value, graph.constant(-1.0), graph.constant(2.0))
    value = graph.node("Mul", value, graph.constant(graph.random.random((1, 1, 10))))  # along columns: as it is
    graph.node("Sigmoid", value, output="y")

    made = check(
        tmp_path, graph.model({"x": ["N", 4, 9, 10], "gate": ["N", 4, 1, 1]}, {"y": ["N", 4, 9, 10]}), 2, batch
    )

    assert "Conv" not in operators(made)


def test_an_output_in_the_middle(tmp_path: Path) -> None:
    graph = Builder()
    graph.conv("x", 3, 4, pads=[1] * 4)
    graph.nodes[-1].output[0] = "first"
    value = graph.node("Relu", "first")
    graph.node("ReduceMean", value, axes=[2, 3], keepdims=1, output="mean")
    graph.conv(value, 4, 4, pads=[1] * 4)
    graph.nodes[-1].output[0] = "last"

    check(tmp_path, graph.model({"x": [1, 3, 6, 8]}, {"first": None, "mean": None, "last": None}), 2)


@pytest.mark.parametrize("fused", [True, False])
def test_a_bias_that_the_norm_takes_off_again_is_left_out(tmp_path: Path, fused: bool) -> None:
    graph = Builder()
    value = graph.conv("x", 3, 4, pads=[1] * 4)
    if fused:
        value = graph.node("InstanceNormalization", value, graph.constant(np.ones(4)), graph.constant(np.zeros(4)))
    else:
        value = graph.node("Sub", value, graph.node("GlobalAveragePool", value))
    graph.node("Relu", value, output="y")

    made = check(tmp_path, graph.model({"x": [1, 3, 8, 8]}, {"y": None}), 1)

    assert operators(made).count("Add") == (2 if fused else 0)  # epsilon and shift, and no bias


def test_a_bias_that_somebody_else_sees_stays(tmp_path: Path) -> None:
    graph = Builder()
    value = graph.conv("x", 3, 4, pads=[1] * 4)
    mean = graph.node("GlobalAveragePool", value)
    value = graph.node("Sub", value, mean)
    graph.node("Add", value, mean, output="y")

    check(tmp_path, graph.model({"x": [1, 3, 8, 8]}, {"y": None}), 1)


def test_a_value_that_a_branch_uses(tmp_path: Path) -> None:
    graph = Builder()
    graph.conv("x", 3, 4, pads=[1] * 4)
    graph.nodes[-1].output[0] = "inner"
    branches = [
        helper.make_graph(
            [helper.make_node(operator, ["inner"], ["chosen"])],
            operator,
            [],
            [helper.make_tensor_value_info("chosen", TensorProto.FLOAT, None)],
        )
        for operator in ("Neg", "Abs")
    ]
    condition = graph.constant(True, np.bool_)
    graph.node("If", condition, output="y", then_branch=branches[0], else_branch=branches[1])

    check(tmp_path, graph.model({"x": [1, 3, 8, 8]}, {"y": None}), 1)


def test_weights_in_a_file_of_their_own(tmp_path: Path) -> None:
    graph = Builder()
    value = graph.conv("x", 8, 16, pads=[1] * 4)
    value = graph.conv(value, 16, 16, pads=[1] * 4, strides=[2, 2])
    graph.nodes[-1].output[0] = "y"
    graph.initializers.append(numpy_helper.from_array(np.eye(40, dtype=np.float32), "emap"))
    model = graph.model({"x": [1, 8, 8, 8]}, {"y": None})
    plain = rewritten(model, tmp_path).path.read_bytes()
    convert_model_to_external_data(model, location="weights.bin", size_threshold=0)
    moved = tmp_path / "moved"
    folder = moved / "made"
    folder.mkdir(parents=True)
    onnx.save(model, moved / "original.onnx")

    made = rewrite(moved / "original.onnx", folder)

    (moved / "weights.bin").unlink()
    assert made.path.read_bytes() == plain
    np.testing.assert_array_equal(run(made.path)[0], run(tmp_path / "made" / "model.onnx")[0])
    with pytest.raises(NothingToRewriteError, match="weights in another file"):
        rewrite(moved / "original.onnx", folder)
    assert not made.path.exists()


def test_the_folder_of_the_original_is_refused(tmp_path: Path) -> None:
    original = tmp_path / "model.onnx"
    onnx.save(_unsized(), original)

    with pytest.raises(ValueError, match="a folder of its own"):
        rewrite(original, tmp_path)

    assert original.exists()


def test_the_folder_can_be_moved(tmp_path: Path) -> None:
    graph = Builder()
    graph.conv("x", 16, 16, pads=[1] * 4)
    graph.nodes[-1].output[0] = "y"
    made = rewritten(graph.model({"x": [1, 16, 8, 8]}, {"y": None}), tmp_path).path

    shutil.move(made.parent, tmp_path / "elsewhere")

    assert_alike(tmp_path / "original.onnx", tmp_path / "elsewhere" / made.name)


def _half() -> onnx.ModelProto:
    weight = numpy_helper.from_array(np.ones((4, 3, 3, 3), np.float16), "w")
    nodes = [
        helper.make_node("Cast", ["x"], ["h"], to=TensorProto.FLOAT16),
        helper.make_node("Conv", ["h", "w"], ["c"], pads=[1] * 4),
        helper.make_node("Cast", ["c"], ["y"], to=TensorProto.FLOAT),
    ]
    described = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, c, 8, 8]) for name, c in (("x", 3), ("y", 4))
    ]
    graph = helper.make_graph(nodes, "half", described[:1], described[1:], [weight])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def _unsized() -> onnx.ModelProto:
    graph = Builder()
    graph.conv("x", 3, 4, pads=[1] * 4)
    graph.nodes[-1].output[0] = "y"
    return graph.model({"x": [1, 3, "H", "W"]}, {"y": None})


def _none() -> onnx.ModelProto:
    graph = Builder()
    graph.node("Relu", "x", output="y")
    return graph.model({"x": [1, 3, 8, 8]}, {"y": None})


@pytest.mark.parametrize("make", [_half, _unsized, _none])
def test_nothing_to_rewrite_writes_nothing(tmp_path: Path, make: Any) -> None:
    with pytest.raises(NothingToRewriteError, match="no 3x3 convolution"):
        rewritten(make(), tmp_path)

    assert not list((tmp_path / "made").iterdir())


def test_opsets_before_broadcasting_stay(tmp_path: Path) -> None:
    graph = Builder()
    graph.conv("x", 3, 4, pads=[1] * 4)
    graph.nodes[-1].output[0] = "y"

    with pytest.raises(NothingToRewriteError, match="opset 6"):
        rewritten(graph.model({"x": [1, 3, 8, 8]}, {"y": None}, opset=6), tmp_path)


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"\x08\x08"])
def test_a_file_that_is_no_graph(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "page.onnx").write_bytes(content)

    with pytest.raises(NothingToRewriteError, match=r"page\.onnx"):
        rewrite(tmp_path / "page.onnx", tmp_path / "made")
