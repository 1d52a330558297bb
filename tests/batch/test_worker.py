"""A worker loads models once, prepares a source once, and never raises."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes import BLUE, RED, Blind, BrightSquares, FailsToPlan, scene
from job_records import altered
from PIL import Image as PILImage

from faceswap_cli.batch.items import Item, ItemResult, Status
from faceswap_cli.batch.worker import Worker
from faceswap_cli.errors import ExitCode
from faceswap_cli.jobs.job import SwapJob, SwapSpec
from faceswap_cli.options import EngineOptions, MediaOptions, OnNoFace, SelectOptions


class Opened:
    """Opens fakes and remembers them."""

    def __init__(self, kind: type[BrightSquares] = BrightSquares) -> None:
        self.kind = kind
        self.backends: list[BrightSquares] = []

    def __call__(self, options: EngineOptions) -> BrightSquares:
        self.backends.append(self.kind(options))
        return self.backends[-1]

    @property
    def prepared(self) -> int:
        """How often a source was prepared."""
        return sum(backend.calls.count("prepare_source") for backend in self.backends)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a source, targets with a face, and one without."""
    monkeypatch.chdir(tmp_path)
    paint(tmp_path / "me.png", RED)
    for name in ("a.png", "b.png", "c.png"):
        paint(tmp_path / name, BLUE)
    PILImage.fromarray(scene()).save(tmp_path / "dark.png")
    return tmp_path


def paint(path: Path, colour: tuple[int, int, int]) -> None:
    PILImage.fromarray(scene((8, 8, 16, colour))).save(path)


def make(target: str, *sources: str, **fields: object) -> Item:
    spec = SwapSpec(sources=sources or ("me.png",))
    job = altered(SwapJob(spec=spec, target=target, output=f"out/{target}"), **fields)
    return Item(number=0, key=target, job=job, name=target)


def run(worker: Worker, item: Item) -> ItemResult:
    result = worker.run(item)
    assert result.status is Status.DONE, result.failure
    return result


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_item_is_swapped_and_its_files_are_stamped(place: Path) -> None:
    result = run(Worker(open_backend=Opened()), make("a.png"))
    output = place / "out" / "a.png"
    assert tuple(np.asarray(PILImage.open(output))[16, 16]) == RED
    assert result.output is not None and result.target is not None
    assert result.output.sha256 == sha256(output) and result.output.size == output.stat().st_size
    assert result.target.sha256 == sha256(place / "a.png")
    assert result.target.modified == (place / "a.png").stat().st_mtime_ns
    assert {name: stamp.sha256 for name, stamp in result.sources.items()} == {"me.png": sha256(place / "me.png")}
    assert result.models["squares"] == "0" * 64
    assert {"faceswap", "opencv", "numpy", "dlib", "onnxruntime", "Pillow"} <= set(result.models)
    assert result.seconds > 0 and result.outcome is not None and result.outcome.faces == ()


def test_details_come_where_they_are_asked_for(place: Path) -> None:
    result = run(Worker(open_backend=Opened()), make("a.png", details=True))
    assert result.outcome is not None and len(result.outcome.faces) == 1


def test_models_are_loaded_once_and_a_source_is_prepared_once(place: Path) -> None:
    opened = Opened()
    worker = Worker(open_backend=opened)
    for name in ("a.png", "b.png", "c.png"):
        run(worker, make(name))
    assert (len(opened.backends), opened.prepared) == (1, 1)
    run(worker, make("a.png", engine=EngineOptions(select=SelectOptions(target_index=(0,))), overwrite=True))
    assert (len(opened.backends), opened.prepared) == (2, 2)
    run(worker, make("a.png", overwrite=True))
    assert (len(opened.backends), opened.prepared) == (2, 2)


def test_a_source_that_changed_is_prepared_again(place: Path) -> None:
    opened = Opened()
    worker = Worker(open_backend=opened)
    before = run(worker, make("a.png"))
    paint(place / "me.png", (0, 255, 0))
    after = run(worker, make("b.png"))
    assert opened.prepared == 2
    assert tuple(np.asarray(PILImage.open(place / "out" / "b.png"))[16, 16]) == (0, 255, 0)
    assert before.sources != after.sources


def test_a_source_that_was_only_touched_is_not(place: Path) -> None:
    opened = Opened()
    worker = Worker(open_backend=opened)
    run(worker, make("a.png"))
    os.utime(place / "me.png", ns=(1, 1))
    assert run(worker, make("b.png")).sources["me.png"].modified == 1
    assert opened.prepared == 1


def test_a_folder_of_sources_is_looked_through_again(place: Path) -> None:
    (place / "us").mkdir()
    paint(place / "us" / "1.png", RED)
    opened = Opened()
    worker = Worker(open_backend=opened)
    assert set(run(worker, make("a.png", "us")).sources) == {"us/1.png"}
    paint(place / "us" / "2.png", RED)
    assert set(run(worker, make("b.png", "us")).sources) == {"us/1.png", "us/2.png"}
    assert opened.prepared == 2


@pytest.mark.parametrize(("on_no_face", "status", "written"), [
    (OnNoFace.FAIL, Status.FAILED, False), (OnNoFace.SKIP, Status.SKIPPED, False), (OnNoFace.COPY, Status.COPIED, True),
])
@pytest.mark.parametrize("names", [("dark.png", "me.png"), ("a.png", "dark.png")])  # target, source
def test_nothing_to_swap(place: Path, names: tuple[str, str], on_no_face: OnNoFace, status: Status,
                         written: bool) -> None:
    worker = Worker(open_backend=Opened())
    for _ in range(2):
        result = worker.run(make(*names, on_no_face=on_no_face, overwrite=True))
        assert result.status is status
        assert (place / "out" / names[0]).exists() == written
        assert (result.output is not None) == written
        if status is Status.FAILED:
            assert result.failure is not None
            assert (result.failure.type, result.failure.exit_code) == ("NoFaceError", ExitCode.NO_FACE)
            assert result.target is not None and result.sources and result.models  # should they change
        else:
            assert result.outcome is not None and result.outcome.warnings


def test_a_source_without_a_face_is_searched_once(place: Path) -> None:
    opened = Opened()
    worker = Worker(open_backend=opened)
    for name in ("a.png", "b.png"):
        assert worker.run(make(name, "dark.png")).status is Status.FAILED
    assert opened.prepared == 1


@pytest.mark.parametrize(("item", "kind", "code", "says"), [
    (make("none.png"), "InputError", ExitCode.INPUT, "none.png: there is no such file"),
    (make("a.png", "none.png"), "InputError", ExitCode.INPUT, "none.png: there is no such file"),
    (make("notes.txt"), "InputError", ExitCode.INPUT, "notes.txt"),
    (make("a.png", media=MediaOptions(max_pixels=100)), "LimitError", ExitCode.INPUT, "--max-pixels"),
    (replace(make("a.png"),
             job=SwapJob(spec=SwapSpec(sources=("me.png",)), target="a.png",
                         output="b.png")), "UsageError", ExitCode.USAGE, "--overwrite"),
    (replace(make("a.png"),
             job=SwapJob(spec=SwapSpec(sources=("me.png",)), target="a.png",
                         output="b.png/c.png")), "OutputError", ExitCode.UNEXPECTED,
     "not a folder"),
])
def test_what_goes_wrong_is_in_the_result(place: Path, item: Item, kind: str, code: ExitCode, says: str) -> None:
    (place / "notes.txt").write_text("no picture")
    result = Worker(open_backend=Opened()).run(item)
    assert result.status is Status.FAILED and result.failure is not None
    assert (result.failure.type, result.failure.exit_code) == (kind, code)
    assert says in result.failure.message and "\n" not in result.failure.message
    assert result.output is None


def test_a_failed_item_does_not_spoil_the_next(place: Path) -> None:
    worker = Worker(open_backend=Opened())
    worker.run(make("none.png"))
    run(worker, make("a.png"))


def test_a_failing_model_keeps_its_exit_code(place: Path) -> None:
    result = Worker(open_backend=Opened(FailsToPlan)).run(make("a.png"))
    assert result.failure is not None and result.failure.exit_code is ExitCode.MODEL


class Raises(BrightSquares):
    """Raises what no one expects.

    Attributes:
        error: What.
    """

    error: Exception = ValueError("two\nlines")

    def plan(self, *_: object) -> None:
        raise self.error


class Starving(Raises):
    error = MemoryError()


def test_an_unexpected_error_is_told_in_one_line(place: Path) -> None:
    failure = Worker(open_backend=Opened(Raises)).run(make("a.png")).failure
    assert failure is not None and failure.type == "UnexpectedError"
    assert failure.message == "a.png: ValueError: two lines"


def test_without_memory_nothing_is_kept(place: Path) -> None:
    opened = Opened(Starving)
    worker = Worker(open_backend=opened)
    for _ in range(2):
        failure = worker.run(make("a.png")).failure
        assert failure is not None and failure.type == "MemoryError" and "--workers" in failure.message
    assert len(opened.backends) == 2


class Talkative(BrightSquares):
    late_notes = ("the GPU was full",)


def test_how_the_engine_ran_is_told_once(place: Path) -> None:
    worker = Worker(open_backend=Opened(Talkative))
    warnings = [outcome.warnings for name in ("a.png", "b.png")
                if (outcome := run(worker, make(name)).outcome) is not None]
    assert warnings[0][-1] == "the GPU was full"
    assert "the GPU was full" not in warnings[1]


def test_a_worker_keeps_to_its_share_of_cores() -> None:
    code = ("import cv2; from faceswap_cli.batch.worker import Worker\n"
            "from faceswap_cli.runtime.cores import core_count\n"
            "Worker(threads=1); print(core_count(), cv2.getNumThreads())")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "1"]


def test_what_is_no_file_has_no_stamp(place: Path) -> None:
    result = Worker(open_backend=Opened(Blind)).run(make("http://127.0.0.1:9/a.png"))
    assert result.status is Status.FAILED and result.target is None
    assert set(result.sources) == {"me.png"}
