"""Worker processes that die, hang and eat cost one item each; the others are done, each once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from refusals import refused

from faceswap_cli.batch.executors.local import LocalExecutor, auto_workers
from faceswap_cli.batch.executors.table import Limits
from faceswap_cli.batch.items import Item, ItemResult, Status
from faceswap_cli.errors import FaceswapError, UsageError
from faceswap_cli.jobs.job import SwapJob, SwapSpec
from faceswap_cli.options import EngineName, EngineOptions, Provider, RuntimeOptions

FAKES = str(Path(__file__).parent)
WORKER = "fake_worker:Obedient"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals, locks and /proc of POSIX systems")


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake worker can be imported; temporary files are this test's own."""
    monkeypatch.syspath_prepend(FAKES)
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))


def make(folder: Path, *names: str, overwrite: bool = False) -> list[Item]:
    """Items that do what their names say."""
    return [Item(
        number=number, key=f"{number}.png",
        job=SwapJob(spec=SwapSpec(sources=("me.jpg",)), target="you.jpg", output=str(folder / f"{number}.png"),
                    overwrite=overwrite),
        name=name)
            for number, name in enumerate(names)]


def run(items: list[Item], workers: int = 2, *, worker: str = WORKER, **limits: float) -> dict[int, ItemResult]:
    """The results by number, each item told once; no process and no temporary file stays."""
    executor = LocalExecutor(workers, Limits(limits.get("seconds"), int(limits.get("memory", 0)) or None),
                             worker=worker)
    results = list(executor.run(iter(items)))
    assert Counter(result.item.number for result in results) == Counter(item.number for item in items)
    by_number = {result.item.number: result for result in results}
    assert all(by_number[item.number].item == item for item in items)
    assert children() == []
    assert list(Path(tempfile.gettempdir()).iterdir()) == []
    return by_number


def children(process: int | None = None) -> list[int]:
    """Processes that a process has started and that live."""
    done = subprocess.run(["ps", "-o", "pid=,stat=,comm=", "--ppid", str(process or os.getpid())], capture_output=True,
                          text=True, check=False)
    rows = [line.split() for line in done.stdout.splitlines()]
    return [int(row[0]) for row in rows if not row[1].startswith("Z") and row[2] != "ps"]


def begun(folder: Path, number: int) -> list[str]:
    """The processes in which an item was begun."""
    path = folder / f"{number}.begun"
    return path.read_text(encoding="ascii").splitlines() if path.exists() else []


@pytest.mark.parametrize("workers", [1, 3])
def test_every_item_is_done_once(tmp_path: Path, workers: int) -> None:
    results = run(make(tmp_path, *["ok"] * 40), workers)
    assert {(result.status, result.attempts) for result in results.values()} == {(Status.DONE, 1)}
    assert {result.worker for result in results.values()} <= set(range(workers))
    assert all(len(begun(tmp_path, number)) == 1 for number in results)


def test_results_come_as_they_finish(tmp_path: Path) -> None:
    executor = LocalExecutor(2, worker=WORKER)
    results = executor.run(iter(make(tmp_path, "sleep 1.5", "ok", "ok", "ok", "ok")))
    order = [result.item.number for result in results]
    assert order[-1] == 0
    assert sorted(order) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("deed", "kind", "says"), [
    ("kill", "WorkerDied", "SIGKILL"), ("crash", "WorkerDied", "SIGSEGV"), ("exit", "WorkerDied", "exit code 3"),
])
def test_an_item_that_kills_its_worker_is_the_only_one_to_fail(tmp_path: Path, deed: str, kind: str,
                                                               says: str) -> None:
    results = run(make(tmp_path, *["ok"] * 6, deed, *["ok"] * 13))
    poison = results.pop(6)
    assert poison.status is Status.FAILED and poison.attempts == 2
    assert poison.failure is not None and poison.failure.type == kind
    assert says in poison.failure.message and deed in poison.failure.message and "\n" not in poison.failure.message
    assert len(set(begun(tmp_path, 6))) == 2  # the second time in a process of its own
    assert {(result.status, result.attempts) for result in results.values()} == {(Status.DONE, 1)}
    assert all(len(begun(tmp_path, number)) == 1 for number in results)


def test_an_item_that_dies_once_is_done_the_second_time(tmp_path: Path) -> None:
    results = run(make(tmp_path, "ok", "once kill", "once exit", "ok"))
    assert {number: result.attempts for number, result in results.items()} == {0: 1, 1: 2, 2: 2, 3: 1}
    assert {result.status for result in results.values()} == {Status.DONE}


def test_only_poison(tmp_path: Path) -> None:
    results = run(make(tmp_path, *["exit"] * 4))
    assert {(result.status, result.attempts) for result in results.values()} == {(Status.FAILED, 2)}


def test_an_item_that_hangs_is_cut_off(tmp_path: Path) -> None:
    results = run(make(tmp_path, "ok", "hang", "ok", "ok"), seconds=0.7)
    failure = results.pop(1).failure
    assert failure is not None and failure.type == "Timeout" and "0.7 s" in failure.message
    assert {result.status for result in results.values()} == {Status.DONE}


def test_the_time_of_an_item_begins_when_it_is_begun(tmp_path: Path) -> None:
    results = run(make(tmp_path, *["sleep 0.5"] * 4), 1, seconds=0.9)
    assert {result.status for result in results.values()} == {Status.DONE}


def test_an_item_that_eats_memory_is_cut_off(tmp_path: Path) -> None:
    results = run(make(tmp_path, "ok", "hog", "ok", "ok"), memory=400e6)
    failure = results.pop(1).failure
    assert failure is not None and failure.type == "MemoryLimit" and "381 MiB" in failure.message
    assert {result.status for result in results.values()} == {Status.DONE}


def test_what_a_worker_raises_or_cannot_send_is_a_failure(tmp_path: Path) -> None:
    failure = run(make(tmp_path, "raise"))[0].failure
    assert failure is not None and failure.type == "UnexpectedError"
    assert failure.message == "raise: ValueError: two lines"
    failure = run(make(tmp_path, "ok"), worker="fake_worker:Lambda")[0].failure
    assert failure is not None and failure.type == "UnexpectedError"


def test_a_killed_worker_leaves_no_temporary_file(tmp_path: Path) -> None:
    run(make(tmp_path, "half", "litter", "ok"))
    assert {path.suffix for path in tmp_path.iterdir()} == {".begun"}


def test_a_worker_that_dies_after_its_output_was_in_place_is_no_failure(tmp_path: Path) -> None:
    results = run(make(tmp_path, "once finish"))
    assert results[0].status is Status.DONE
    results = run(make(tmp_path, "finish"))  # now it was there before, and may not be replaced
    assert results[0].failure is not None and "add overwrite" in results[0].failure.message


def test_chatter_goes_to_standard_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    results = run(make(tmp_path, "chatter", "read"))
    assert {result.status for result in results.values()} == {Status.DONE}
    out, err = capfd.readouterr()
    assert out == ""
    assert "from Python" in err and "from C" in err


def test_modules_of_the_current_folder_are_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit('from the folder of pictures')")
    monkeypatch.chdir(tmp_path)
    assert run(make(tmp_path, "ok"))[0].status is Status.DONE


def test_cores_are_shared(tmp_path: Path) -> None:
    results = list(LocalExecutor(2, threads=3, worker=WORKER).run(iter(make(tmp_path, "ok"))))
    assert results[0].output is not None and results[0].output.size == 3


def test_items_are_taken_no_further_ahead_than_workers_can_begin(tmp_path: Path) -> None:
    taken = []

    def items() -> Iterator[Item]:
        for item in make(tmp_path, *["ok"] * 30):
            taken.append(item.number)
            yield item

    for told, _ in enumerate(LocalExecutor(2, worker=WORKER).run(items()), start=1):
        time.sleep(0.01)
        assert len(taken) <= told + 4
    assert len(taken) == 30


def test_an_iterator_that_waits_holds_up_no_results(tmp_path: Path) -> None:
    first_told = threading.Event()

    def items() -> Iterator[Item]:
        first, second = make(tmp_path, "ok", "ok")
        yield first
        assert first_told.wait(20), "the first result was held up"
        yield second

    for _ in LocalExecutor(1, worker=WORKER).run(items()):
        first_told.set()


def test_what_the_iterator_raises_comes_after_the_results(tmp_path: Path) -> None:
    def items() -> Iterator[Item]:
        yield from make(tmp_path, "sleep 0.2", "ok")
        raise UsageError("two rows with one output")

    results = []
    with pytest.raises(UsageError, match="two rows"):
        for result in LocalExecutor(2, worker=WORKER).run(items()):
            results.append(result)
    assert len(results) == 2


def test_no_items_start_no_workers() -> None:
    assert list(LocalExecutor(2, worker="no_such_module:Class").run(iter([]))) == []


@pytest.mark.parametrize(("worker", "says"), [
    ("fake_worker:Stillborn", "no such library"), ("fake_worker:DeadOnArrival", "exit code 9"),
    ("no_such_module:Class", "no_such_module"),
])
def test_workers_that_do_not_start_are_an_error(tmp_path: Path, worker: str, says: str) -> None:
    with pytest.raises(FaceswapError, match=says):
        list(LocalExecutor(2, worker=worker).run(iter(make(tmp_path, *["ok"] * 5))))
    assert children() == []


def test_stop_finishes_what_is_running_and_begins_nothing(tmp_path: Path) -> None:
    executor = LocalExecutor(2, worker=WORKER)
    results = []
    for result in executor.run(iter(make(tmp_path, "ok", *["sleep 0.3"] * 20))):
        results.append(result)
        executor.stop()
    ended = {result.item.number for result in results}
    assert 1 <= len(ended) <= 4
    assert ended == {number for number in range(21) if begun(tmp_path, number)}
    assert children() == []
    assert list(executor.run(iter(make(tmp_path, "ok")))) == []


def test_close_ends_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    executor = LocalExecutor(2, worker=WORKER)
    threading.Timer(1.0, executor.close).start()
    results = list(executor.run(iter(make(tmp_path, *["hang"] * 4))))
    assert results == []
    assert children() == []
    assert list(Path(tempfile.gettempdir()).iterdir()) == []


def test_results_that_are_no_longer_wanted_end_the_workers(tmp_path: Path) -> None:
    results: Any = LocalExecutor(2, worker=WORKER).run(iter(make(tmp_path, "ok", *["hang"] * 4)))
    next(results)
    results.close()
    assert children() == []


PARENT = """
import sys
from pathlib import Path
sys.path[:0] = [{fakes!r}, {tests!r}]
from test_local import WORKER, make
from faceswap_cli.batch.executors.local import LocalExecutor
for result in LocalExecutor(2, worker=WORKER).run(iter(make(Path(sys.argv[1]), "ok", *["hang"] * 4))):
    print("one", flush=True)
"""


@pytest.fixture
def parent(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program whose two workers hang in calls that hold the interpreter, after one result."""
    code = PARENT.format(fakes=FAKES, tests=str(Path(FAKES).parents[1]))
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE,
                          process_group=0) as process:
        assert process.stdout is not None and process.stdout.readline() == b"one\n"
        while len(list(tmp_path.glob("*.begun"))) < 3:
            time.sleep(0.01)
        yield process
        process.kill()


def wait_until_gone(processes: list[int]) -> None:
    end = time.monotonic() + 10
    while any(Path(f"/proc/{process}").exists() for process in processes):
        assert time.monotonic() < end, "workers outlive the program"
        time.sleep(0.02)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_workers_die_with_the_program_and_the_next_run_cleans_up(parent: subprocess.Popen[bytes],
                                                                 tmp_path: Path) -> None:
    workers = children(parent.pid)
    assert len(workers) == 2
    parent.kill()
    parent.wait()
    wait_until_gone(workers)
    assert len(list(Path(tempfile.gettempdir()).iterdir())) == 1
    run(make(tmp_path, "ok"))


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_to_the_whole_group_are_left_to_the_program(parent: subprocess.Popen[bytes],
                                                            number: signal.Signals) -> None:
    workers = children(parent.pid)
    for worker in workers:
        os.kill(worker, number)
    time.sleep(0.2)
    assert children(parent.pid) == workers


def test_without_workers_nothing_can_be_done() -> None:
    with refused(UsageError, "--workers 0"):
        LocalExecutor(0)


@pytest.mark.parametrize(("engine", "cores", "memory", "workers"), [
    (EngineName.EMBEDDED, 8, 32 * 2**30, 8), (EngineName.EMBEDDED, 8, None, 8),
    (EngineName.EMBEDDED, 8, 600 * 2**20, 2), (EngineName.EMBEDDED, 8, 0, 1), (EngineName.AUTO, 4, 32 * 2**30, 4),
])
def test_auto_workers_are_as_many_as_cores_and_memory_allow(engine: EngineName, cores: int, memory: int | None,
                                                            workers: int, tmp_path: Path) -> None:
    assert auto_workers(EngineOptions(engine=engine, models_folder=str(tmp_path)), cores, memory) == workers


def test_a_gpu_is_for_one_worker() -> None:
    options = EngineOptions(engine=EngineName.NEURAL, runtime=RuntimeOptions(provider=Provider.CUDA))
    assert auto_workers(options, 16, 64 * 2**30) == 1
