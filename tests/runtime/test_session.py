"""Sessions: what they take and give, what they say when something is wrong, and that they say nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from graphs import Graph
from refusals import refused
from runtime.stand_ins import CPU, CUDA, PretendedGpu, write_net

from faceswap_cli.errors import ExitCode, MissingDependencyError, ModelError
from faceswap_cli.options import Provider, RuntimeOptions
from faceswap_cli.runtime import session
from faceswap_cli.runtime.binding import BoundRuns
from faceswap_cli.runtime.session import SharedSession, open_session

Pretend = Callable[[str], PretendedGpu]


def open_net(path: Path, provider: Provider = Provider.AUTO, threads: int = 1) -> session.Session:
    return open_session(path, RuntimeOptions(provider=provider), name="the net", threads=threads)


def test_it_gives_what_onnxruntime_gives(net: Path, feeds: dict[str, np.ndarray]) -> None:
    opened = open_net(net)
    expected = onnxruntime.InferenceSession(net, providers=[CPU]).run(None, feeds)
    assert np.array_equal(opened.run(None, feeds)[0], expected[0])
    assert opened.providers == (CPU,)
    assert [(t.name, t.shape, t.dtype) for t in opened.inputs] == [
        ("target", (1, 3, 16, 16), "float32"), ("source", (1, 8), "float32")]
    assert [t.name for t in opened.outputs] == ["output"]


def test_it_serves_insightface_as_a_session(net: Path, feeds: dict[str, np.ndarray]) -> None:
    opened = open_net(net)
    assert [node.name for node in opened.get_inputs()] == ["target", "source"]
    assert opened.get_inputs()[0].shape[2:] == [16, 16]
    assert opened.get_providers() == [CPU]
    assert opened.run([node.name for node in opened.get_outputs()], feeds)[0].shape == (1, 3, 16, 16)


def test_half_precision_inside_is_float32_outside(tmp_path: Path, feeds: dict[str, np.ndarray]) -> None:
    exact = open_net(write_net(tmp_path / "single.onnx")).run(None, feeds)[0]
    opened = open_net(write_net(tmp_path / "half.onnx", dtype=np.float16))
    assert {tensor.dtype for tensor in opened.inputs} == {"float16"}
    result = opened.run(None, feeds)[0]
    assert result.dtype == np.float32
    assert 0 < np.abs(result - exact).max() < 0.01


def test_numbers_take_the_type_that_the_graph_declares(tmp_path: Path) -> None:
    graph = Graph()
    graph.op("Add", "picture", graph.op("Cast", "weight", to=1), out="output")
    path = graph.write(tmp_path / "weighted.onnx", {"picture": [1, 4], "weight": [1]}, {"output": [1, 4]},
                       types={"weight": np.float64})
    result = open_net(path).run(None, {"picture": np.zeros((1, 4)), "weight": np.array([0.5], np.float32)})[0]
    assert result.dtype == np.float32 and (result == 0.5).all()


def test_views_of_pictures_are_taken(net: Path, feeds: dict[str, np.ndarray]) -> None:
    opened = open_net(net)
    flipped = feeds | {"target": feeds["target"][:, ::-1, :, ::-1]}
    copied = feeds | {"target": flipped["target"].copy()}
    assert np.array_equal(opened.run(None, flipped)[0], opened.run(None, copied)[0])


@pytest.mark.parametrize(("change", "words"), [
    ({"source": None}, "input 'source' was not given"),
    ({"sauce": np.zeros(1)}, "no input 'sauce'"),
    ({"target": np.zeros((1, 3, 16, 20), np.float32)}, "Got: 20 Expected: 16"),
    ({"target": np.zeros((3, 16), np.float32)}, "Invalid rank"),
    ({"source": np.array([["a"] * 8])}, "data type"),
])
def test_wrong_inputs_name_model_and_provider(net: Path, feeds: dict[str, Any], change: dict[str, Any],
                                              words: str) -> None:
    given = {name: value for name, value in (feeds | change).items() if value is not None}
    with pytest.raises(ModelError) as caught:
        open_net(net).run(None, given)
    message = str(caught.value)
    assert message.startswith("the net failed on CPU: ") and words in message and "\n" not in message


def write_huge(path: Path) -> Path:
    """Its output would take more memory than a processor can address."""
    graph, side = Graph(), 2 ** 24
    graph.op("Expand", "number", graph.constant([side, side]), out="output")
    graph.constant([1.0], "unused")  # of which ONNX Runtime would warn
    return graph.write(path, {"number": [1]}, {"output": [side, side]})


def test_running_out_of_memory_says_what_to_do(tmp_path: Path) -> None:
    path = write_huge(tmp_path / "huge.onnx")
    with pytest.raises(ModelError, match=r"failed on CPU: .*not enough memory"):
        open_net(path).run(None, {"number": np.ones(1)})


@pytest.mark.parametrize("content", [
    b"", b"<!DOCTYPE html><html><body>404 Not Found</body></html>", b"\x08\x07\x12", b"\x00" * 4096,
    None, "truncated",
])
def test_a_damaged_graph_is_one_line_with_the_command_that_checks_it(net: Path, content: bytes | str | None) -> None:
    damaged = net.with_name("damaged.onnx")
    if content is not None:
        damaged.write_bytes(content if isinstance(content, bytes) else net.read_bytes()[:-200])
    with pytest.raises(ModelError) as caught:
        open_net(damaged)
    assert caught.value.exit_code is ExitCode.MODEL
    message = str(caught.value)
    assert str(damaged) in message and "faceswap models " in message and "\n" not in message
    assert message.count(str(damaged)) == 1


def test_nothing_is_said_on_the_standard_streams(net: Path) -> None:
    """Neither when a graph is opened nor when it, or its run, fails."""
    write_huge(net.parent / "huge.onnx")
    (net.parent / "damaged.onnx").write_bytes(b"<html>")
    code = (
        "import sys, numpy; from pathlib import Path; from faceswap_cli.errors import ModelError\n"
        "from faceswap_cli.options import RuntimeOptions; from faceswap_cli.runtime.session import open_session\n"
        "for name in ('huge.onnx', 'damaged.onnx'):\n"
        "    try:\n"
        "        opened = open_session(Path(sys.argv[1], name), RuntimeOptions(), name=name, threads=2)\n"
        "        opened.run(None, {'number': numpy.ones(1)})\n"
        "    except ModelError: pass\n"
        "    else: sys.exit('no error')\n")
    done = subprocess.run([sys.executable, "-c", code, str(net.parent)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_one_session_for_stills_and_one_for_clips(net: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "core_count", lambda: 3)
    asked = _record_threads(monkeypatch)
    shared = SharedSession(net, RuntimeOptions(), name="net")
    assert not asked
    with ThreadPoolExecutor(4) as pool:
        stills = list(pool.map(lambda _: shared.get(False), range(8)))
    clips = [shared.get(True), shared.get(clip=True)]
    assert len({id(one) for one in stills}) == len({id(one) for one in clips}) == 1
    assert stills[0] is not clips[0]
    assert asked == [3, 1]


def test_a_graph_that_failed_to_open_is_tried_again(net: Path) -> None:
    whole = net.read_bytes()
    net.write_bytes(b"")
    shared = SharedSession(net, RuntimeOptions(), name="net")
    with pytest.raises(ModelError):
        shared.get(False)
    net.write_bytes(whole)
    assert shared.get(False).providers == (CPU,)


def test_a_gpu_that_runs_is_reported_and_serves_stills_and_clips(net: Path, feeds: dict[str, np.ndarray],
                                                                  pretend_gpu: Pretend) -> None:
    gpu = pretend_gpu("runs")
    shared = SharedSession(net, RuntimeOptions(device=1), name="net")
    assert shared.get(False) is shared.get(True)
    assert shared.get(False).providers == (CUDA,) and not shared.notes
    assert gpu.opened[0][0][1]["device_id"] == "1"


def test_a_gpu_without_its_libraries_is_noticed_by_auto(net: Path, feeds: dict[str, np.ndarray], pretend_gpu: Pretend,
                                                        capfd: pytest.CaptureFixture[str]) -> None:
    pretend_gpu("silent")
    shared = SharedSession(net, RuntimeOptions(), name="net")
    assert shared.get(False).providers == (CPU,)
    assert shared.get(True).run(None, feeds)
    assert len(shared.notes) == 1
    assert "CUDA cannot be loaded" in shared.notes[0] and "CPU" in shared.notes[0]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("outcome", ["silent", "libcudnn.so.9: cannot open shared object file"])
def test_a_gpu_asked_for_by_name_must_run(net: Path, pretend_gpu: Pretend, outcome: str) -> None:
    pretend_gpu(outcome)
    with pytest.raises(MissingDependencyError) as caught:
        open_net(net, Provider.CUDA)
    assert "onnxruntime-gpu[cuda,cudnn]" in caught.value.command and caught.value.options == ("provider",)
    assert outcome == "silent" or outcome in str(caught.value)


@pytest.mark.parametrize("provider", [Provider.AUTO, Provider.CUDA])
def test_a_gpu_that_supports_nothing_in_a_graph_is_not_said_to_run_it(net: Path, pretend_gpu: Pretend,
                                                                      provider: Provider) -> None:
    pretend_gpu("idle")
    opened = open_net(net, provider)
    assert opened.providers == (CPU,)
    assert opened.notes == ("CUDA takes no part of the net, which runs on CPU",)


def test_builds_that_do_not_tell_what_runs_where_are_believed(net: Path, pretend_gpu: Pretend) -> None:
    pretend_gpu("old")
    assert open_net(net).providers == (CUDA, CPU)


def test_a_graph_of_the_future_is_not_called_damaged(net: Path) -> None:
    model = onnx.load(net)
    model.opset_import[0].version = 9999
    onnx.save(model, net)
    with pytest.raises(ModelError, match=r"cannot be opened by ONNX Runtime .*opset") as caught:
        open_net(net)
    assert "\n" not in str(caught.value)


def test_threads_do_not_change_the_bytes(net: Path, feeds: dict[str, np.ndarray]) -> None:
    results = [open_net(net, threads=threads).run(None, feeds)[0] for threads in (1, 2, 3)]
    assert np.array_equal(results[0], results[1]) and np.array_equal(results[0], results[2])


def test_a_gpu_without_memory_is_no_missing_package(net: Path, pretend_gpu: Pretend) -> None:
    pretend_gpu("CUDA failure 2: out of memory")
    with refused(ModelError, r"out of memory.*--provider cpu"):
        open_net(net, Provider.CUDA)


def test_a_damaged_graph_is_not_blamed_on_the_gpu(net: Path, pretend_gpu: Pretend) -> None:
    pretend_gpu("runs")
    net.write_bytes(b"<html>")
    with pytest.raises(ModelError, match="is damaged"):
        open_net(net, Provider.CUDA)


@pytest.mark.parametrize("size", [16, "side"])
def test_bound_runs_equal_plain_ones(tmp_path: Path, feeds: dict[str, np.ndarray], size: int | str) -> None:
    """With the memory of the CPU in the place of the GPU's; results stay what they were when the next run ends."""
    path = write_net(tmp_path / "net.onnx", size=size)
    plain = open_net(path)
    inner = onnxruntime.InferenceSession(path, providers=[CPU])
    bound = BoundRuns(inner, onnxruntime.OrtValue, plain.outputs, "cpu", 0)
    other = feeds | {"target": feeds["target"] + 1}
    first, second = (bound.run(["output"], given)[0] for given in (feeds, other))
    assert np.array_equal(first, plain.run(None, feeds)[0])
    assert np.array_equal(second, plain.run(None, other)[0])


def test_bound_runs_do_not_mix_threads(net: Path, feeds: dict[str, np.ndarray], pretend_gpu: Pretend) -> None:
    pretend_gpu("runs")
    opened = open_net(net)
    many = [feeds | {"target": feeds["target"] + number} for number in range(24)]
    inner = onnxruntime.InferenceSession(net, providers=[CPU])
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda given: opened.run(None, given)[0], many))
    assert all(np.array_equal(result, inner.run(None, given)[0]) for result, given in zip(results, many, strict=True))


def _record_threads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    asked: list[int] = []
    real = session.open_session

    def record(path: Path, options: RuntimeOptions, *, name: str, threads: int) -> session.Session:
        asked.append(threads)
        return real(path, options, name=name, threads=threads)

    monkeypatch.setattr(session, "open_session", record)
    return asked
