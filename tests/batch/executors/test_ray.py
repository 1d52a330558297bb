"""Actors of a Ray cluster of two nodes, both on this machine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from faceswap_cli.batch.executors.ray import RayExecutor
from faceswap_cli.batch.executors.ray_cluster import Node, share
from faceswap_cli.batch.executors.table import Limits
from faceswap_cli.batch.items import Item, ItemResult, Status
from faceswap_cli.errors import FaceswapError, MissingDependencyError, UsageError
from faceswap_cli.jobs.job import SwapJob, SwapSpec

FAKES = str(Path(__file__).parent)
WORKER = "fake_worker:Obedient"

needs_ray = pytest.mark.skipif(find_spec("ray") is None or os.name == "nt", reason="Ray is not installed (extra `ray`)")

# Ray leaves files and processes to their end.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning",
                                        "ignore::FutureWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a cluster of two nodes with a core each, whose workers find the fake worker."""
    pytest.importorskip("ray", reason="Ray is not installed (extra `ray`)")
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", FAKES)
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.delenv("RAY_ADDRESS", raising=False)
        patch.chdir(tmp_path_factory.mktemp("elsewhere"))
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
    try:
        yield cluster.address
    finally:
        cluster.shutdown()


def make(folder: Path, *names: str, overwrite: bool = False) -> list[Item]:
    """Items that do what their names say."""
    return [Item(
        number=number, key=f"{number}.png",
        job=SwapJob(spec=SwapSpec(sources=("/me.jpg",)), target="/you.jpg", output=str(folder / f"{number}.png"),
                    overwrite=overwrite),
        name=name)
            for number, name in enumerate(names)]


def executor(address: str, workers: int | None = 2, worker: str = WORKER, **options: Any) -> RayExecutor:
    limits = Limits(options.pop("seconds", None), options.pop("memory", None))
    return RayExecutor(workers, limits, address=address, worker=worker, **options)


def run(address: str, items: list[Item], **options: Any) -> dict[int, ItemResult]:
    """The results by number, each item told once."""
    results = list(executor(address, **options).run(iter(items)))
    assert Counter(result.item.number for result in results) == Counter(item.number for item in items)
    by_number = {result.item.number: result for result in results}
    assert all(by_number[item.number].item == item for item in items)
    return by_number


def begun(folder: Path, number: int) -> list[str]:
    """The processes in which an item was begun."""
    path = folder / f"{number}.begun"
    return path.read_text(encoding="ascii").splitlines() if path.exists() else []


@needs_ray
def test_every_item_is_done_once_by_both_nodes(address: str, tmp_path: Path) -> None:
    results = run(address, make(tmp_path, *["sleep 0.02"] * 40))
    assert {(result.status, result.attempts) for result in results.values()} == {(Status.DONE, 1)}
    assert {result.worker for result in results.values()} == {0, 1}
    assert all(len(begun(tmp_path, number)) == 1 for number in results)


@needs_ray
def test_an_item_that_kills_its_worker_is_the_only_one_to_fail(address: str, tmp_path: Path,
                                                               capfd: pytest.CaptureFixture[str]) -> None:
    results = run(address, make(tmp_path, *["ok"] * 3, "kill", *["ok"] * 3, "crash", *["ok"] * 3))
    for number in (3, 7):
        poison = results.pop(number)
        assert poison.status is Status.FAILED and poison.attempts == 2
        assert poison.failure is not None and poison.failure.type == "WorkerDied"
        assert poison.failure.message.startswith(poison.item.name) and "\n" not in poison.failure.message
        assert len(set(begun(tmp_path, number))) == 2
    assert {result.status for result in results.values()} == {Status.DONE}
    time.sleep(1)  # Ray hears of it later
    assert capfd.readouterr().out == ""


@needs_ray
def test_an_item_that_dies_once_is_done_the_second_time(address: str, tmp_path: Path) -> None:
    results = run(address, make(tmp_path, "ok", "once kill", "once finish", "ok"))
    assert {number: result.attempts for number, result in results.items()} == {0: 1, 1: 2, 2: 2, 3: 1}
    assert {result.status for result in results.values()} == {Status.DONE}


@needs_ray
def test_an_item_that_hangs_is_cut_off(address: str, tmp_path: Path) -> None:
    results = run(address, make(tmp_path, "ok", "hang", "ok", "ok"), seconds=1.5)
    failure = results.pop(1).failure
    assert failure is not None and failure.type == "Timeout" and "1.5 s" in failure.message
    assert {result.status for result in results.values()} == {Status.DONE}


@needs_ray
def test_an_item_that_eats_memory_is_cut_off(address: str, tmp_path: Path) -> None:
    results = run(address, make(tmp_path, "ok", "hog", "ok", "ok"), memory=600 * 2**20)
    failure = results.pop(1).failure
    assert failure is not None and failure.type == "MemoryLimit" and "600 MiB" in failure.message
    assert {result.status for result in results.values()} == {Status.DONE}


@needs_ray
def test_what_a_worker_raises_or_cannot_send_is_a_failure(address: str, tmp_path: Path) -> None:
    failure = run(address, make(tmp_path, "raise"))[0].failure
    assert failure is not None and failure.type == "UnexpectedError"
    assert "ValueError" in failure.message and "\n" not in failure.message


@needs_ray
def test_a_killed_worker_leaves_no_temporary_file(address: str, tmp_path: Path) -> None:
    run(address, make(tmp_path, "half", "ok"))
    assert {path.suffix for path in tmp_path.iterdir()} == {".begun"}


@needs_ray
def test_chatter_is_not_heard(address: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run(address, make(tmp_path, "chatter"))
    assert capfd.readouterr() == ("", "")


@needs_ray
def test_relative_names_count_from_the_folder_of_the_program(address: str, tmp_path: Path,
                                                             monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run(address, make(Path(), "once finish"))
    assert (tmp_path / "0.png").read_bytes() == b"whole"


@needs_ray
def test_modules_of_the_current_folder_are_not_taken(address: str, tmp_path: Path,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit('from the folder of pictures')")
    (tmp_path / "socket.py").write_text("raise SystemExit('from the folder of pictures')")
    monkeypatch.chdir(tmp_path)
    assert run(address, make(tmp_path, "ok"))[0].status is Status.DONE


@needs_ray
def test_items_are_taken_no_further_ahead_than_workers_can_begin(address: str, tmp_path: Path) -> None:
    taken = []

    def items() -> Iterator[Item]:
        for item in make(tmp_path, *["ok"] * 30):
            taken.append(item.number)
            yield item

    for told, _ in enumerate(executor(address).run(items()), start=1):
        time.sleep(0.01)
        assert len(taken) <= told + 2
    assert len(taken) == 30


@needs_ray
def test_an_iterator_that_waits_holds_up_no_results(address: str, tmp_path: Path) -> None:
    first_told = threading.Event()

    def items() -> Iterator[Item]:
        first, second = make(tmp_path, "ok", "ok")
        yield first
        assert first_told.wait(20), "the first result was held up"
        yield second

    for _ in executor(address).run(items()):
        first_told.set()


@needs_ray
def test_what_the_iterator_raises_comes_after_the_results(address: str, tmp_path: Path) -> None:
    def items() -> Iterator[Item]:
        yield from make(tmp_path, "sleep 0.2", "ok")
        raise UsageError("two rows with one output")

    results = []
    with pytest.raises(UsageError, match="two rows"):
        for result in executor(address).run(items()):
            results.append(result)
    assert len(results) == 2


@needs_ray
def test_stop_finishes_what_is_running_and_begins_nothing(address: str, tmp_path: Path) -> None:
    running = executor(address)
    results = []
    for result in running.run(iter(make(tmp_path, "ok", *["sleep 0.3"] * 20))):
        results.append(result)
        running.stop()
    ended = {result.item.number for result in results}
    assert 1 <= len(ended) <= 3
    assert ended == {number for number in range(21) if begun(tmp_path, number)}
    assert list(running.run(iter(make(tmp_path, "ok")))) == []


@needs_ray
def test_close_ends_at_once_and_leaves_no_process(address: str, tmp_path: Path) -> None:
    running = executor(address)

    def close() -> None:
        while len(list(tmp_path.glob("*.begun"))) < 2:
            time.sleep(0.05)
        running.close()

    threading.Thread(target=close).start()
    assert list(running.run(iter(make(tmp_path, *["hang"] * 4)))) == []
    wait_until_gone([int(process) for number in range(4) for process in begun(tmp_path, number)])


@needs_ray
@pytest.mark.parametrize(("worker", "says"), [
    ("fake_worker:Stillborn", "no such library"), ("fake_worker:DeadOnArrival", "do not start"),
    ("no_such_module:Class", "no_such_module"),
])
def test_workers_that_do_not_start_are_an_error(address: str, tmp_path: Path, worker: str, says: str) -> None:
    with pytest.raises(FaceswapError, match=says):
        list(executor(address, worker=worker).run(iter(make(tmp_path, *["ok"] * 5))))


@needs_ray
def test_signals_are_handled_as_before(address: str, tmp_path: Path) -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for _ in executor(address).run(iter(make(tmp_path, "ok"))):
        assert {number: signal.getsignal(number) for number in before} == before
    assert {number: signal.getsignal(number) for number in before} == before


PROGRAM = """
import sys
from pathlib import Path
sys.path[:0] = [{fakes!r}]
from test_ray import executor, make
for result in executor({address!r}).run(iter(make(Path(sys.argv[1]), "ok", *["hang"] * 4))):
    print("one", flush=True)
"""


def wait_until_gone(processes: list[int]) -> None:
    end = time.monotonic() + 20
    while any(Path(f"/proc/{process}").exists() for process in processes):
        assert time.monotonic() < end, "workers outlive the program"
        time.sleep(0.05)


@needs_ray
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_workers_die_with_the_program(address: str, tmp_path: Path) -> None:
    code = PROGRAM.format(fakes=FAKES, address=address)
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as program:
        assert program.stdout is not None and program.stdout.readline() == b"one\n"
        while len(list(tmp_path.glob("*.begun"))) < 3:
            time.sleep(0.02)
        program.kill()
    wait_until_gone([int(process) for number in range(1, 5) for process in begun(tmp_path, number)])


@needs_ray
def test_a_cluster_that_is_not_there_is_told_soon() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = f"127.0.0.1:{probe.getsockname()[1]}"
    with pytest.raises(UsageError, match=rf"cannot join the Ray cluster at {nobody}: Connection refused; start one"):
        list(RayExecutor(1, address=nobody).run(iter([])))
    with pytest.raises(UsageError, match="cannot join the Ray cluster at nonsense"):
        list(RayExecutor(1, address="nonsense").run(iter([])))


def test_without_ray_the_install_line_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "faceswap-cli\[ray\]"'):
        list(RayExecutor(1).run(iter([])))


@pytest.mark.parametrize(("options", "says"), [({"workers": 0}, "workers=0"), ({"num_gpus": -1}, "num_gpus -1"),
                                               ({"num_gpus": 1.5}, "num_gpus 1.5")])
def test_numbers_that_cannot_be_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        RayExecutor(**options)


GIB = 1 << 30


@pytest.mark.parametrize(("nodes", "workers", "threads", "gpus", "found"), [
    ([Node(8, 0, 64 * GIB), Node(4, 0, 64 * GIB)], None, None, 0.0, (12, 1)),
    ([Node(8, 0, 64 * GIB), Node(4, 0, 64 * GIB)], None, 3, 0.0, (3, 3)),
    ([Node(8, 0, 3 * GIB)], None, None, 0.0, (3, 1)),
    ([Node(16, 2, 0), Node(16, 0, 0)], None, None, 0.5, (4, 1)),
    ([Node(3, 0, 0), Node(3, 0, 0)], 3, None, 0.0, (3, 1)),
    ([Node(4, 0, 0), Node(4, 0, 0)], 3, None, 0.0, (3, 2)),
    ([Node(4, 0, 0)], 9, None, 0.0, (9, 1)),
    ([Node(4, 0, 0)], 2, 7, 0.0, (2, 7)),
    ([], None, None, 0.0, (1, 1)),
])
def test_a_cluster_is_shared_among_workers(nodes: list[Node], workers: int | None, threads: int | None, gpus: float,
                                           found: tuple[int, int]) -> None:
    assert share(nodes, workers, threads, gpus) == found
