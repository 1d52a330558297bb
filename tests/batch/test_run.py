from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from batches import MODELS, FakeExecutor, ThreadedExecutor, Tree, models, swap

from faceswap_cli.batch.items import Failure, FailureKind, Item, ItemResult, Status
from faceswap_cli.batch.journal import Entries, Journal, default_journal
from faceswap_cli.batch.run import ORDER_WINDOW, BatchReport, Policy, run_batch
from faceswap_cli.errors import OutputError, UsageError
from faceswap_cli.options import EngineOptions, MediaOptions, OnError, OnNoFace

EXECUTORS = pytest.mark.parametrize("kind", [FakeExecutor, ThreadedExecutor])


class Batch:
    """Runs batches over a tree, one after the other as a user would, and keeps what was told."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.told: list[ItemResult] = []
        self.executor = FakeExecutor()
        self.journal = default_journal(tree.outputs)

    def run(self, executor: FakeExecutor | None = None, items: Iterable[Item] | None = None, *,
            on_result: Callable[[ItemResult], None] | None = None,
            models: Callable[[EngineOptions], dict[str, str]] = models, **policy: Any) -> BatchReport:
        self.executor = executor or FakeExecutor()
        self.told = []

        def tell(result: ItemResult) -> None:
            self.told.append(result)
            if on_result is not None:
                on_result(result)

        with Journal(self.journal) as journal:
            return run_batch(self.tree.items() if items is None else items, self.executor, journal,
                             Policy(**policy), tell, models=models)

    @property
    def keys(self) -> list[str]:
        return [result.item.key for result in self.told]

    def statuses(self) -> dict[str, Status]:
        return {result.item.key: result.status for result in self.told}


@pytest.fixture
def batch(tmp_path: Path) -> Batch:
    return Batch(Tree(tmp_path, 5))


def counts(report: BatchReport) -> dict[str, int]:
    return {status.value: count for status, count in report.counts.items() if count}


# --- one run ----------------------------------------------------------------


@EXECUTORS
def test_every_item_is_run_noted_and_told(batch: Batch, kind: type[FakeExecutor]) -> None:
    noted = []
    report = batch.run(kind(), on_result=lambda result: noted.append(result.item.key in Entries(batch.journal)))
    assert counts(report) == {"done": 5}
    assert (report.exit_code, report.stopped, report.warnings) == (0, None, ())
    assert sorted(batch.keys) == sorted(batch.tree.written())
    assert noted == [True] * 5
    assert batch.tree.written()["3.jpg"] == b"3.jpgme"


@EXECUTORS
def test_results_are_told_in_the_thread_of_the_caller(batch: Batch, kind: type[FakeExecutor]) -> None:
    here = threading.get_ident()
    threads = set()
    for _ in range(2):
        batch.run(kind(), on_result=lambda result: threads.add(threading.get_ident()))
    assert threads == {here}


def test_nothing_to_do_is_done(batch: Batch) -> None:
    assert counts(batch.run(items=[])) == {}
    assert batch.run(items=iter(())).exit_code == 0


def test_a_failure_does_not_stop_the_others(batch: Batch) -> None:
    batch.tree.target("2.jpg", b"bad")
    report = batch.run()
    assert counts(report) == {"done": 4, "failed": 1}
    assert (report.exit_code, report.stopped) == (7, None)


@EXECUTORS
def test_a_failure_stops_the_others_where_that_is_asked_for(batch: Batch, kind: type[FakeExecutor]) -> None:
    batch.tree.target("2.jpg", b"bad")
    report = batch.run(FakeExecutor(), on_error=OnError.STOP)
    assert counts(report) == {"done": 2, "failed": 1, "stopped": 2}
    assert (report.exit_code, report.stopped) == (7, "an item failed (--on-error stop)")
    assert counts(batch.run(kind(), retry_failed=False)) == {"current": 2, "failed": 1, "done": 2}


def test_so_many_failures_stop_the_others(batch: Batch) -> None:
    for number in (0, 2, 3):
        batch.tree.target(f"{number}.jpg", b"bad")
    report = batch.run(max_failures=2)
    assert counts(report) == {"done": 1, "failed": 2, "stopped": 2}
    assert report.stopped == "2 items failed (--max-failures 2)"
    assert batch.run(max_failures=1, retry_failed=True).counts[Status.STOPPED] == 4


def test_a_failure_of_the_last_item_has_stopped_nothing(batch: Batch) -> None:
    batch.tree.target("4.jpg", b"bad")
    report = batch.run(on_error=OnError.STOP)
    assert (report.stopped, counts(report)) == (None, {"done": 4, "failed": 1})


@EXECUTORS
def test_an_item_with_a_problem_fails_without_being_run(batch: Batch, kind: type[FakeExecutor]) -> None:
    items = batch.tree.items()
    items[1] = replace(items[1], problem=Failure(FailureKind("UsageError"), "1.jpg: another item has this output"))
    report = batch.run(kind(), items)
    assert counts(report) == {"done": 4, "failed": 1}
    assert "1.jpg" not in batch.executor.ran
    told = next(result for result in batch.told if result.item.key == "1.jpg")
    assert (told.failure, told.attempts) == (items[1].problem, 0)
    assert "1.jpg" not in Entries(batch.journal)


def test_an_item_that_the_executor_loses_is_a_failure(batch: Batch) -> None:
    report = batch.run(FakeExecutor(loses=frozenset({"1.jpg"})))
    assert counts(report) == {"done": 4, "failed": 1}
    assert batch.run(FakeExecutor(), retry_failed=True).exit_code == 0


def test_names_that_come_one_by_one_are_taken_as_workers_are_free(batch: Batch) -> None:
    taken: list[str] = []

    def names() -> Iterator[Item]:
        for item in batch.tree.items():
            taken.append(item.key)
            yield item

    ahead = []
    report = batch.run(FakeExecutor(workers=2), names(),
                       on_result=lambda result: ahead.append(len(taken) - len(batch.told)))
    assert counts(report) == {"done": 5}
    assert max(ahead) <= 1


def test_a_list_that_was_not_read_to_its_end_is_told(batch: Batch) -> None:
    batch.tree.target("1.jpg", b"bad")
    report = batch.run(FakeExecutor(), iter(batch.tree.items()), on_error=OnError.STOP)
    assert counts(report) == {"done": 1, "failed": 1}
    assert report.stopped == "an item failed (--on-error stop)"
    assert "was not read to its end" in report.warnings[0]


@EXECUTORS
def test_an_error_of_the_list_comes_after_what_was_running(batch: Batch, kind: type[FakeExecutor]) -> None:
    def names() -> Iterator[Item]:
        yield from batch.tree.items()[:2]
        raise UsageError("the list is no list")

    with pytest.raises(UsageError, match="the list is no list"):
        batch.run(kind(workers=3), names())
    assert sorted(batch.keys) == ["0.jpg", "1.jpg"]


def test_without_a_journal_nothing_is_noted_and_existing_outputs_are_refused(batch: Batch) -> None:
    told: list[ItemResult] = []
    for expected in ({"done": 5}, {"failed": 5}):
        report = run_batch(batch.tree.items(), FakeExecutor(), None, Policy(), told.append, models=models)
        assert counts(report) == expected
    assert not batch.journal.exists()


def test_an_executor_that_was_stopped_by_somebody_else_ends_the_run(batch: Batch) -> None:
    for items in (batch.tree.items(), iter(batch.tree.items())):
        executor = FakeExecutor()
        executor.stop()
        report = batch.run(executor, items)
        assert report.stopped == "the workers were stopped"
        assert counts(report) in ({"stopped": 5}, {})


# --- order ----------------------------------------------------------------


@EXECUTORS
def test_results_come_in_order_where_that_is_asked_for(batch: Batch, kind: type[FakeExecutor]) -> None:
    executor = kind(workers=3, backwards=True)
    report = batch.run(executor, ordered=True)
    assert batch.keys == [f"{number}.jpg" for number in range(5)]
    assert counts(report) == {"done": 5}
    batch.tree.target("1.jpg", b"other")
    assert batch.run(kind(workers=3, backwards=True), ordered=True).exit_code == 0
    assert batch.keys == [f"{number}.jpg" for number in range(5)]
    assert batch.statuses()["1.jpg"] is Status.DONE


def test_a_slow_item_lets_the_others_run_ahead_so_far_and_no_farther(tmp_path: Path) -> None:
    many = ORDER_WINDOW + 40
    batch = Batch(Tree(tmp_path, many))
    ahead: list[int] = []

    def work(item: Item) -> ItemResult:
        ahead.append(len(batch.executor.ran) - len(batch.told))
        return ItemResult(item=item, status=Status.DONE)

    report = batch.run(FakeExecutor(work, workers=2, slow=frozenset({"0.jpg"})), ordered=True)
    assert counts(report) == {"done": many}
    assert batch.keys == [item.key for item in batch.tree.items()]
    assert ORDER_WINDOW <= max(ahead) <= ORDER_WINDOW + 2
    assert batch.executor.passes == 2


def test_in_order_what_was_stopped_leaves_no_hole(batch: Batch) -> None:
    batch.tree.target("1.jpg", b"bad")
    executor = FakeExecutor(workers=3, backwards=True, loses=frozenset({"0.jpg"}))
    report = batch.run(executor, ordered=True, on_error=OnError.STOP)
    assert batch.keys == ["1.jpg", "2.jpg", "3.jpg", "4.jpg"][:len(batch.told)]
    assert sum(report.counts.values()) == 5


@EXECUTORS
def test_thousands_of_current_items_are_told_while_nothing_runs(tmp_path: Path, kind: type[FakeExecutor]) -> None:
    batch = Batch(Tree(tmp_path))
    items = [replace(batch.tree.item(f"{number}.jpg", number), problem=Failure(FailureKind("UsageError"), "no"))
             for number in range(2000)]
    for ordered, given in ((False, items), (True, items), (False, iter(items)), (True, iter(items))):
        assert counts(batch.run(kind(), given, ordered=ordered)) == {"failed": 2000}
        assert batch.keys == [item.key for item in items]


# --- the next run ----------------------------------------------------------------


@EXECUTORS
def test_a_second_run_does_nothing_and_touches_nothing(batch: Batch, kind: type[FakeExecutor]) -> None:
    batch.run()
    before = {path: path.stat().st_mtime_ns for path in batch.tree.outputs.iterdir()}
    report = batch.run(kind())
    assert counts(report) == {"current": 5}
    assert report.exit_code == 0
    assert batch.executor.passes == 0
    assert {path: path.stat().st_mtime_ns for path in batch.tree.outputs.iterdir()} == before
    told = batch.told[0]
    assert (told.attempts, told.output, told.models) == (0, Entries(batch.journal)[told.item.key].output, MODELS)


def test_what_changed_is_done_again_and_replaces_what_was_done(batch: Batch) -> None:
    batch.run()
    batch.tree.target("1.jpg", b"other")
    (batch.tree.outputs / "2.jpg").unlink()
    (batch.tree.outputs / "3.jpg").write_bytes(b"damaged")
    batch.tree.target("new.jpg")
    report = batch.run()
    assert sorted(batch.executor.ran) == ["1.jpg", "2.jpg", "3.jpg", "new.jpg"]
    assert counts(report) == {"done": 4, "current": 2}
    assert batch.tree.written()["1.jpg"] == b"otherme"
    assert batch.tree.written()["3.jpg"] == b"3.jpgme"
    assert counts(batch.run()) == {"current": 6}


def test_another_source_option_or_model_does_everything_again(batch: Batch) -> None:
    batch.run()
    batch.tree.source.write_bytes(b"you")
    assert counts(batch.run()) == {"done": 5}
    assert batch.tree.written()["0.jpg"] == b"0.jpgyou"
    items = batch.tree.items(media=MediaOptions(image_quality=50))
    assert counts(batch.run(items=items)) == {"done": 5}
    assert counts(batch.run(items=items, models=lambda options: {"squares": "1" * 64})) == {"done": 5}


def test_everything_is_done_again_where_that_is_asked_for(batch: Batch) -> None:
    batch.run()
    assert counts(batch.run(resume=False)) == {"done": 5}
    assert counts(batch.run()) == {"current": 5}


def test_what_was_skipped_is_not_looked_at_again(batch: Batch) -> None:
    batch.tree.target("1.jpg", b"nobody")
    items = batch.tree.items(on_no_face=OnNoFace.SKIP)
    assert counts(batch.run(items=items)) == {"done": 4, "skipped": 1}
    assert counts(batch.run(items=items)) == {"current": 5}


def test_failures_are_named_again_and_tried_again_only_where_that_is_asked_for(batch: Batch) -> None:
    batch.tree.target("1.jpg", b"bad")
    batch.run()
    report = batch.run(on_error=OnError.STOP)
    assert (counts(report), report.exit_code) == ({"current": 4, "failed": 1}, 7)
    assert batch.executor.ran == []
    failure = next(result.failure for result in batch.told if result.status is Status.FAILED)
    assert failure is not None
    assert failure.message.endswith("1.jpg is damaged (in an earlier run; --retry-failed tries again)")
    batch.run(retry_failed=True)
    assert batch.executor.ran == ["1.jpg"]
    batch.tree.target("1.jpg", b"mended")
    assert counts(batch.run()) == {"current": 4, "done": 1}


def test_what_broke_a_worker_is_tried_when_it_was_replaced(batch: Batch) -> None:
    def die(item: Item) -> ItemResult:
        if item.key != "1.jpg":
            return swap(item)
        failure = Failure(FailureKind.WORKER_DIED, "its worker died")
        return ItemResult(item=item, status=Status.FAILED, failure=failure, attempts=2)

    batch.run(FakeExecutor(die))
    batch.run()
    assert batch.executor.ran == []
    batch.tree.target("1.jpg", b"harmless")
    assert counts(batch.run()) == {"current": 4, "done": 1}


def test_an_output_of_somebody_else_is_kept_until_its_owner_says_otherwise(batch: Batch) -> None:
    foreign = batch.tree.outputs / "2.jpg"
    foreign.write_bytes(b"precious")
    for _ in range(2):
        report = batch.run()
        assert batch.statuses()["2.jpg"] is Status.FAILED
        assert foreign.read_bytes() == b"precious"
        assert report.exit_code == 7
    failure = next(result.failure for result in batch.told if result.status is Status.FAILED)
    assert failure is not None and "exists and is not of this batch" in failure.message
    assert counts(batch.run(items=batch.tree.items(overwrite=True))) == {"current": 4, "done": 1}
    assert foreign.read_bytes() == b"2.jpgme"


def test_a_link_that_leads_nowhere_is_an_output_too(batch: Batch, tmp_path: Path) -> None:
    (batch.tree.outputs / "2.jpg").symlink_to(tmp_path / "elsewhere.jpg")
    batch.run()
    assert batch.statuses()["2.jpg"] is Status.FAILED
    assert not (tmp_path / "elsewhere.jpg").exists()


def test_an_item_whose_run_was_killed_is_done_again_and_cleaned_up(batch: Batch) -> None:
    """Killed after the output was put in place, and before it was noted; its temporary file is still there."""
    item = batch.tree.items()[3]
    with Journal(batch.journal) as journal:
        journal.begin(item)
    (batch.tree.outputs / "3.jpg").write_bytes(b"whole, but who knows")
    left = batch.tree.outputs / ".3.jpg.0123abcd.faceswap.part"
    left.write_bytes(b"half")
    report = batch.run()
    assert counts(report) == {"done": 5}
    assert batch.tree.written()["3.jpg"] == b"3.jpgme"
    assert not left.exists()


def test_an_item_that_failed_after_it_was_done_keeps_its_output_until_it_is_done_again(batch: Batch) -> None:
    batch.run()
    batch.tree.target("1.jpg", b"bad")
    batch.run()
    assert batch.tree.written()["1.jpg"] == b"1.jpgme"
    batch.tree.target("1.jpg", b"mended")
    batch.run()
    assert batch.tree.written()["1.jpg"] == b"mendedme"


def test_damaged_lines_of_the_journal_are_told_and_their_items_done_again(batch: Batch) -> None:
    batch.run()
    lines = batch.journal.read_bytes().splitlines(keepends=True)
    number = next(number for number, line in enumerate(lines) if b'"key":"2.jpg"' in line)
    lines[number] = b"#" + lines[number]
    batch.journal.write_bytes(b"".join(lines))
    report = batch.run()
    assert counts(report) == {"current": 4, "done": 1}
    assert report.warnings[0].startswith("1 line of the journal")


def test_a_journal_that_cannot_be_written_ends_the_run_and_loses_nothing(batch: Batch,
                                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write

    def full(descriptor: int, data: bytes | memoryview) -> int:
        if b'"key":"2.jpg"' in bytes(data):
            raise OSError(28, "No space left on device")
        return write(descriptor, data)

    with monkeypatch.context() as patch, pytest.raises(OutputError, match="the disk is full"):
        patch.setattr(os, "write", full)
        batch.run()
    assert batch.executor.stopped
    assert batch.keys == ["0.jpg", "1.jpg"]
    assert counts(batch.run()) == {"current": 2, "done": 3}


def test_an_error_of_who_is_told_ends_the_run(batch: Batch) -> None:
    def broken(result: ItemResult) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        batch.run(on_result=broken)
    assert batch.executor.stopped
    assert counts(batch.run()) == {"current": 1, "done": 4}
    with pytest.raises(BrokenPipeError):
        batch.run(on_result=broken)


# --- signals ----------------------------------------------------------------


def interrupting(number: int, times: int = 1, at: str = "1.jpg") -> Callable[[Item], ItemResult]:
    def work(item: Item) -> ItemResult:
        if item.key == at:
            for _ in range(times):
                os.kill(os.getpid(), number)
        return swap(item)

    return work


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_lets_what_runs_finish(batch: Batch, number: signal.Signals, code: int) -> None:
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    report = batch.run(FakeExecutor(interrupting(number), workers=2))
    assert counts(report) == {"done": 3, "stopped": 2}
    assert (report.exit_code, report.stopped) == (code, f"interrupted by {number.name}")
    assert not batch.executor.closed
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before
    assert counts(batch.run()) == {"current": 3, "done": 2}


def test_a_signal_during_the_last_item_has_stopped_nothing(batch: Batch) -> None:
    report = batch.run(FakeExecutor(interrupting(signal.SIGTERM, at="4.jpg")))
    assert (counts(report), report.stopped, report.exit_code) == ({"done": 5}, None, 143)


def test_a_second_signal_ends_it_at_once(batch: Batch) -> None:
    report = batch.run(FakeExecutor(interrupting(signal.SIGINT, times=2), workers=2))
    assert counts(report) == {"done": 1, "stopped": 4}
    assert report.exit_code == 130
    assert batch.executor.closed
    for line in batch.journal.read_bytes().splitlines():
        json.loads(line)
    assert counts(batch.run()) == {"current": 1, "done": 4}


def test_what_a_signal_sets_off_is_said(batch: Batch) -> None:
    said: list[str] = []
    run_batch(batch.tree.items(), FakeExecutor(interrupting(signal.SIGINT)), None, Policy(), lambda result: None,
              models=models, say=said.append)
    assert len(said) == 1 and said[0].startswith("stopping")


def test_a_signal_that_is_ignored_stays_ignored(batch: Batch) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert counts(batch.run(FakeExecutor(interrupting(signal.SIGHUP)))) == {"done": 5}
    finally:
        signal.signal(signal.SIGHUP, before)


def test_outside_of_the_main_thread_it_runs_without_signals(batch: Batch) -> None:
    reports: list[BatchReport] = []
    thread = threading.Thread(target=lambda: reports.append(batch.run()))
    thread.start()
    thread.join()
    assert counts(reports[0]) == {"done": 5}
