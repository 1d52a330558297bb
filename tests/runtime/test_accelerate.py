"""When a rewritten graph is taken, that a wrong one is not, and what is said about it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runtime.stand_ins import CUDA, PretendedGpu, write_net

from faceswap_cli.errors import ModelError
from faceswap_cli.files.cache import FolderCache
from faceswap_cli.options import Accelerate, RuntimeOptions
from faceswap_cli.runtime import accelerate, rewritten
from faceswap_cli.runtime.accelerate import FACES_TO_BUILD, FACES_TO_LOAD, AcceleratedSession
from faceswap_cli.runtime.rewritten import NothingToRewriteError
from faceswap_cli.text import as_flag, spell

PLENTY = 64_000_000_000
WINOGRAD, AUTO, OFF = Accelerate.WINOGRAD, Accelerate.AUTO, Accelerate.OFF


@dataclass
class Made:
    path: Path
    convolutions: int = 1


class Rewriter:
    """Writes a graph of its own in the place of the original's.

    Attributes:
        calls: How often it was asked.
    """

    def __init__(self, write: Callable[[Path], Any] = write_net, convolutions: int = 1) -> None:
        self.calls = 0
        self._write = write
        self._convolutions = convolutions

    def __call__(self, path: Path, folder: Path) -> Made:
        self.calls += 1
        self._write(folder / "rewritten.onnx")
        return Made(folder / "rewritten.onnx", self._convolutions)


def raising(error: Exception) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(b"half a gra")
        raise error
    return write


@pytest.fixture
def open_with(net: Path, tmp_path: Path) -> Callable[..., AcceleratedSession]:
    def build(mode: Accelerate, rewriter: Rewriter, *, memory: int | None = PLENTY,
              **options: Any) -> AcceleratedSession:
        sha256 = hashlib.sha256(net.read_bytes()).hexdigest()
        return AcceleratedSession(net, RuntimeOptions(accelerate=mode, **options), name="the net", sha256=sha256,
                                  rewriter=rewriter, cache=FolderCache(tmp_path / "cache", 10_000_000),
                                  memory=lambda: memory)
    return build


Open = Callable[..., AcceleratedSession]


def is_rewritten(accelerated: AcceleratedSession, clip: bool = False, faces: int | None = None) -> bool:
    return accelerated.get(clip, faces).path != accelerated.path


def test_off_never_asks(open_with: Open) -> None:
    rewriter = Rewriter()
    accelerated = open_with(OFF, rewriter)
    assert not is_rewritten(accelerated, faces=10_000)
    assert not rewriter.calls and not accelerated.notes


def test_winograd_rewrites_once_and_says_so(open_with: Open, feeds: dict[str, np.ndarray]) -> None:
    rewriter = Rewriter()
    first = open_with(WINOGRAD, rewriter, memory=None)
    assert is_rewritten(first)
    assert is_rewritten(open_with(WINOGRAD, rewriter), clip=True)
    assert rewriter.calls == 1
    (note,) = first.notes
    assert "faster rewrite" in note and "--accelerate off" in spell(note, as_flag)
    assert np.array_equal(first.get().run(None, feeds)[0], open_with(OFF, rewriter).get().run(None, feeds)[0])


@pytest.mark.parametrize("wrong", [0.99, 0.0, np.nan])
def test_a_wrong_graph_is_not_taken_and_not_made_again(open_with: Open, wrong: float) -> None:
    rewriter = Rewriter(lambda path: write_net(path, weight=wrong))
    for _ in range(2):
        accelerated = open_with(WINOGRAD, rewriter)
        assert not is_rewritten(accelerated)
        (note,) = accelerated.notes
        assert "not accelerated" in note and "differs from the original" in note
    assert rewriter.calls == 1


def test_rounding_is_no_difference(open_with: Open) -> None:
    assert is_rewritten(open_with(WINOGRAD, Rewriter(lambda path: write_net(path, weight=1 + 1e-5))))


def test_a_graph_with_other_inputs_is_not_taken(open_with: Open) -> None:
    accelerated = open_with(WINOGRAD, Rewriter(lambda path: write_net(path, size=32)))
    assert not is_rewritten(accelerated)


@pytest.mark.parametrize("error", [MemoryError(), OSError(28, "No space left on device"), KeyError("Conv_7")])
def test_a_rewriter_that_fails_is_told_and_tried_again_another_time(open_with: Open, error: Exception,
                                                                    tmp_path: Path) -> None:
    accelerated = open_with(WINOGRAD, Rewriter(raising(error)))
    assert not is_rewritten(accelerated)
    assert not is_rewritten(accelerated, clip=True)
    (note,) = accelerated.notes
    assert "not accelerated: its rewrite cannot be made" in note and "\n" not in note
    assert not [path for path in (tmp_path / "cache").iterdir() if path.is_dir()]
    assert is_rewritten(open_with(WINOGRAD, Rewriter()))


def test_nothing_to_rewrite_is_told_to_whom_asked(open_with: Open) -> None:
    rewriter = Rewriter(raising(NothingToRewriteError("it has no convolution of 3 x 3")))
    asked, automatic = open_with(WINOGRAD, rewriter), open_with(AUTO, rewriter)
    assert not is_rewritten(asked) and not is_rewritten(automatic, faces=1000)
    assert asked.notes == ("the net is not accelerated: it has no convolution of 3 x 3",)
    assert not automatic.notes
    assert rewriter.calls == 1


def test_a_rewrite_that_replaced_nothing_is_not_taken(open_with: Open) -> None:
    assert not is_rewritten(open_with(WINOGRAD, Rewriter(convolutions=0)))


def test_auto_makes_a_rewrite_for_many_faces_only(open_with: Open) -> None:
    rewriter = Rewriter()
    assert not is_rewritten(open_with(AUTO, rewriter))
    assert not is_rewritten(open_with(AUTO, rewriter), clip=True)
    assert not is_rewritten(open_with(AUTO, rewriter), faces=FACES_TO_BUILD - 1)
    assert not rewriter.calls
    assert is_rewritten(open_with(AUTO, rewriter), faces=FACES_TO_BUILD)


def test_auto_loads_one_that_is_there_for_a_few(open_with: Open) -> None:
    rewriter = Rewriter()
    open_with(WINOGRAD, rewriter).get()
    assert not is_rewritten(open_with(AUTO, rewriter), faces=FACES_TO_LOAD - 1)
    assert is_rewritten(open_with(AUTO, rewriter), faces=FACES_TO_LOAD)
    assert is_rewritten(open_with(AUTO, rewriter), clip=True)  # of unknown length


def test_faces_of_a_batch_count(open_with: Open) -> None:
    assert is_rewritten(open_with(AUTO, Rewriter(), faces_ahead=FACES_TO_BUILD))


@pytest.mark.parametrize(("memory", "taken"), [(None, False), (1_000_000_000, False), (PLENTY, True)])
def test_auto_wants_memory_to_spare(open_with: Open, memory: int | None, taken: bool) -> None:
    accelerated = open_with(AUTO, Rewriter(), memory=memory)
    assert is_rewritten(accelerated, faces=1000) is taken
    (note,) = accelerated.notes
    assert taken or ("memory" in note and "--accelerate winograd" in spell(note, as_flag))


def test_a_large_graph_wants_what_was_measured(open_with: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accelerate, "_BYTES_A_BYTE", 10_000_000)
    assert not is_rewritten(open_with(AUTO, Rewriter(), memory=3_500_000_000), faces=1000)
    assert is_rewritten(open_with(AUTO, Rewriter(), memory=3_700_000_000), faces=1000)


def test_auto_leaves_room_on_the_disk(open_with: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    rewriter = Rewriter()
    monkeypatch.setattr(FolderCache, "room", 1000)
    accelerated = open_with(AUTO, rewriter)
    assert not is_rewritten(accelerated, faces=1000)
    assert "disk" in accelerated.notes[0]
    assert is_rewritten(open_with(WINOGRAD, rewriter))
    assert is_rewritten(open_with(AUTO, rewriter), faces=1000)  # it is there already


def test_one_job_never_mixes_the_graphs(open_with: Open) -> None:
    """Another process makes the rewrite while the job runs."""
    rewriter = Rewriter()
    accelerated = open_with(AUTO, rewriter)
    before = accelerated.get(True, FACES_TO_LOAD)
    assert is_rewritten(open_with(WINOGRAD, rewriter))
    assert accelerated.get(True, FACES_TO_LOAD) is before
    assert is_rewritten(accelerated, True, FACES_TO_LOAD + 1)  # another job


def test_threads_that_ask_at_once_get_one_session(open_with: Open) -> None:
    rewriter = Rewriter()
    accelerated = open_with(WINOGRAD, rewriter)
    with ThreadPoolExecutor(4) as pool:
        sessions = list(pool.map(lambda _: accelerated.get(True, 8), range(8)))
    assert len({id(session) for session in sessions}) == rewriter.calls == 1


@pytest.mark.parametrize("name", ["rewritten.onnx", "original.npz", "entry.json"])
@pytest.mark.parametrize("content", [b"", b"<html>", None])
def test_a_damaged_cache_is_noticed_and_made_anew(open_with: Open, tmp_path: Path, name: str,
                                                  content: bytes | None) -> None:
    rewriter = Rewriter()
    open_with(WINOGRAD, rewriter).get()
    (file,) = (tmp_path / "cache").glob(f"*/{name}")
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    damaged = open_with(WINOGRAD, rewriter)
    assert not is_rewritten(damaged)
    assert len(damaged.notes) == 1 and "not accelerated" in damaged.notes[0]
    assert is_rewritten(open_with(WINOGRAD, rewriter))
    assert rewriter.calls == 2


def test_changed_weights_in_the_cache_are_noticed(open_with: Open, tmp_path: Path) -> None:
    rewriter = Rewriter()
    open_with(WINOGRAD, rewriter).get()
    (file,) = (tmp_path / "cache").glob("*/rewritten.onnx")
    write_net(file, weight=1.01)
    damaged = open_with(WINOGRAD, rewriter)
    assert not is_rewritten(damaged)
    assert "damaged" in damaged.notes[0] and "removed" in damaged.notes[0]


def test_another_version_makes_its_own(open_with: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    rewriter = Rewriter()
    open_with(WINOGRAD, rewriter).get()
    monkeypatch.setattr(rewritten, "onnxruntime_version", lambda: "99.0")
    assert is_rewritten(open_with(WINOGRAD, rewriter))
    monkeypatch.setattr(rewritten, "REWRITE_VERSION", 99)
    assert is_rewritten(open_with(WINOGRAD, rewriter))
    assert rewriter.calls == 3


def test_a_cache_that_cannot_be_written_is_told(open_with: Open, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file in its place")
    accelerated = open_with(WINOGRAD, Rewriter())
    assert not is_rewritten(accelerated)
    assert "not accelerated" in accelerated.notes[0]


def test_a_damaged_original_is_a_model_error(open_with: Open, net: Path) -> None:
    net.write_bytes(b"<html>")
    with pytest.raises(ModelError, match="is damaged"):
        open_with(WINOGRAD, Rewriter(raising(ValueError("no graph")))).get()


def test_a_gpu_runs_the_original(open_with: Open, pretend_gpu: Callable[[str], PretendedGpu]) -> None:
    pretend_gpu("runs")
    rewriter = Rewriter()
    asked, automatic = open_with(WINOGRAD, rewriter), open_with(AUTO, rewriter)
    assert asked.get(True, 1000).providers == automatic.get(True, 1000).providers == (CUDA,)
    assert not rewriter.calls and not automatic.notes
    assert "is for CPUs" in asked.notes[0]


def test_a_gpu_that_does_not_load_leaves_the_cpu_its_rewrite(open_with: Open,
                                                             pretend_gpu: Callable[[str], PretendedGpu]) -> None:
    pretend_gpu("silent")
    accelerated = open_with(AUTO, Rewriter())
    assert is_rewritten(accelerated, faces=1000)
    assert "CUDA cannot be loaded" in accelerated.notes[0] and "faster rewrite" in accelerated.notes[1]
