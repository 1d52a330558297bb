"""One network as different exporters write it: each is rewritten whole, and computes what it did."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import onnx
import pytest
from runtime.winograd.small_graphs import assert_alike, decibels, operators, rewritten, run, session
from runtime.winograd.stand_in import Export, stand_in

TOOL = Path(__file__).parents[3] / ".." / "shared" / "tools" / "build_inswapper_like.py"

EXPORTS = {
    "primitive norms": Export(),
    "fused norms, constants in nodes": Export(norm="fused", weights="node", opset=11),
    "style folded into the norm": Export(norm="folded", opset=17),
    "weights behind a cast and a transpose": Export(weights="shuffled", opset=17),
    "opset 11, another order, other names": Export(norm="fused", opset=11, shuffled=True),
    "opset 17, another order, other names": Export(norm="primitive", weights="node", opset=17, shuffled=True),
    "opset 18, any batch": Export(opset=18, batch="N"),
}


@pytest.mark.parametrize("name", EXPORTS)
def test_every_export_is_rewritten_whole_and_computes_the_same(tmp_path: Path, name: str) -> None:
    made = rewritten(stand_in(EXPORTS[name]), tmp_path)

    assert (made.convolutions, made.original_convolutions) == (8, 12)
    assert_alike(tmp_path / "original.onnx", made.path)


@pytest.mark.parametrize("name", EXPORTS)
def test_between_rewritten_convolutions_nothing_is_turned_around(tmp_path: Path, name: str) -> None:
    """Pad, Resize and norms of the middle are gone, and values change their layout only at both ends of a chain."""
    made = rewritten(stand_in(EXPORTS[name]), tmp_path)

    found = operators(made.path)
    assert found.count("Pad") == 2  # of the two 7x7 convolutions
    assert not {"Resize", "InstanceNormalization", "ReduceMean"} & set(found)
    # To pixels before the first convolution and before the blocks, back after the first and the last.
    turned = [
        node
        for node in onnx.load(made.path, load_external_data=False).graph.node
        if node.op_type == "Transpose" and list(node.attribute[0].ints) in ([0, 2, 3, 1], [0, 3, 1, 2])
    ]
    assert len(turned) == 4


def test_any_batch_stays_any_batch(tmp_path: Path) -> None:
    made = rewritten(stand_in(Export(batch="N")), tmp_path)

    for batch in (1, 2, 5):
        assert_alike(tmp_path / "original.onnx", made.path, batch)
    assert [value.shape for value in session(made.path).get_inputs()] == [["N", 3, 32, 32], ["N", 16]]


@pytest.mark.parametrize("batch", [1, "N"])
def test_it_needs_no_optimizer(tmp_path: Path, batch: int | str) -> None:
    """What the graph says is right as it stands, in ONNX's own operators."""
    made = rewritten(stand_in(Export(batch=batch)), tmp_path)

    expected = run(tmp_path / "original.onnx", optimized=False)[0]
    assert decibels(expected, run(made.path, optimized=False)[0]) > 100
    domains = {node.domain for node in onnx.load(made.path, load_external_data=False).graph.node}
    assert domains == {""}


def test_inputs_outputs_and_the_last_initializer_stay(tmp_path: Path) -> None:
    model = stand_in(Export())
    made = rewritten(model, tmp_path)

    graph = onnx.load(made.path, load_external_data=False).graph
    assert list(graph.input) == list(model.graph.input)
    assert list(graph.output) == list(model.graph.output)
    assert graph.initializer[-1] == model.graph.initializer[-1]


def test_the_same_file_gives_the_same_bytes(tmp_path: Path) -> None:
    contents = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        made = rewritten(stand_in(Export(norm="fused", shuffled=True)), folder)
        contents.append([file.read_bytes() for file in sorted(made.path.parent.iterdir())])
        assert made.bytes == sum(map(len, contents[-1]))

    assert len(contents[0]) == 2
    assert contents[0] == contents[1]


def test_the_identity_is_still_an_input(tmp_path: Path) -> None:
    made = rewritten(stand_in(Export()), tmp_path)

    assert abs(run(made.path, seed=1)[0] - run(made.path, seed=2)[0]).max() > 0.01


@pytest.mark.skipif(not TOOL.exists(), reason="the generator of stand-ins lies outside of the project")
@pytest.mark.parametrize("batch", [1, "dynamic"])
def test_the_shared_stand_in(tmp_path: Path, batch: int | str) -> None:
    spec = importlib.util.spec_from_file_location("build_inswapper_like", TOOL)
    assert spec is not None and spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    model, _ = tool.build(width=1 / 64, blocks=2, latent=64, batch=batch)

    made = rewritten(model, tmp_path)

    assert made.convolutions == 8
    assert_alike(tmp_path / "original.onnx", made.path, batch=2 if batch == "dynamic" else 1)
