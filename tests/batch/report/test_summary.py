"""The summary: its JSON is a contract, and its memory is bounded."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest
from batch_results import ENGINE, End, failure, made

from faceswap_cli.batch.items import Status
from faceswap_cli.batch.report.summary import MAX_FAILURES, SLOWEST, Summary
from faceswap_cli.errors import ExitCode, OutputError

SHAPE = {
    "schema": int, "tool": str, "started": str, "seconds": float, "exit_code": int, "stopped": type(None),
    "counts": dict.fromkeys(("total", "done", "copied", "skipped", "failed", "current", "stopped"), int),
    "items_per_second": float, "retried": int, "frames": {"total": int, "swapped": int, "without_face": int},
    "faces": {"swapped": int}, "bytes": int,
    "engines": [{"engine": str, "analyser": str, "swapper": str, "restorer": type(None), "provider": type(None),
                 "items": int}],
    "models": {"squares": str},
    "timings": dict.fromkeys(("load", "source", "decode", "analyse", "swap", "encode", "total"), float),
    "failures": {"kinds": [{"type": str, "exit_code": int, "items": int}],
                 "items": [{"key": str, "target": str, "output": str, "type": str, "message": str, "exit_code": int,
                            "attempts": int, "seconds": float}], "left_out": int},
    "warnings": {"batch": [str], "kinds": [{"text": str, "items": int, "first": str}], "left_out": int},
    "slowest": [{"key": str, "target": str, "seconds": float}],
}


def shape(value: object) -> object:
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        shapes = [shape(inner) for inner in value]
        assert all(one == shapes[0] for one in shapes), "a list of unlike entries"
        return shapes[:1]
    return type(value)


def test_the_json_is_what_the_contract_says(tmp_path: Path) -> None:
    summary = Summary()
    summary.add(made(0, warnings=("face small: 9 px",), models={"squares": "0" * 64}))
    summary.add(made(1, "in/b.jpg", Status.FAILED))
    summary.finish(End(warnings=("the disk is nearly full",), exit_code=7))
    summary.write(tmp_path / "report.json")
    assert shape(json.loads((tmp_path / "report.json").read_bytes())) == SHAPE


def test_everything_is_added_up() -> None:
    summary = Summary()
    for number in range(4):
        summary.add(made(number, f"in/{number}.gif", frames=10))
    summary.add(made(4, "in/4.jpg", Status.COPIED))
    summary.add(made(5, "in/5.jpg", Status.SKIPPED, attempts=2))
    summary.add(made(6, "in/6.jpg", Status.FAILED))
    summary.add(made(7, "in/7.jpg", Status.CURRENT))
    summary.finish(End({Status.STOPPED: 3}, seconds=14.0, stopped="interrupted", exit_code=130))
    found = summary.as_dict()
    assert found["counts"] == {"total": 11, "done": 4, "copied": 1, "skipped": 1, "failed": 1, "current": 1,
                               "stopped": 3}
    assert found["items_per_second"] == 0.5  # 7 items in 14 seconds: not those of an earlier run
    assert found["frames"] == {"total": 42, "swapped": 40, "without_face": 2}
    assert found["faces"] == {"swapped": 80}
    assert found["bytes"] == 5000
    assert found["retried"] == 1
    assert found["engines"] == [{**ENGINE, "items": 6}]
    assert found["timings"]["swap"] == pytest.approx(1.2)
    assert (found["stopped"], found["exit_code"], found["seconds"]) == ("interrupted", 130, 14.0)


def test_what_was_not_tried_counts_as_failed_but_not_as_done_by_this_run() -> None:
    summary = Summary()
    summary.add(made(0, status=Status.FAILED, attempts=0))
    found = summary.as_dict()
    assert found["counts"]["failed"] == 1
    assert len(found["failures"]["items"]) == 1
    assert found["items_per_second"] is None
    assert found["slowest"] == []


def test_warnings_that_differ_in_numbers_and_names_are_one_kind() -> None:
    summary = Summary()
    summary.add(made(0, "in/a.gif", warnings=("12 of 60 frames: head turned 39..45 degrees", "glasses")))
    summary.add(made(1, "in/b.gif", warnings=("1 of 9 frames: head turned 61 degrees",)))
    summary.add(made(2, "in/c.jpg", Status.COPIED, warnings=("no face found in in/c.jpg (--on-no-face copy)",)))
    summary.add(made(3, "in/d.jpg", Status.COPIED, warnings=("no face found in in/d.jpg (--on-no-face copy)",)))
    summary.add(made(4, "in/e.jpg", Status.COPIED, warnings=("no face found in in/e.jpg (--on-no-face copy)",)))
    assert summary.as_dict()["warnings"]["kinds"] == [
        {"text": "no face found in the target (--on-no-face copy)", "items": 3, "first": "in/c.jpg"},
        {"text": "head turned 39..61 degrees", "items": 2, "first": "in/a.gif"},
        {"text": "glasses", "items": 1, "first": "in/a.gif"}]


def test_a_kind_counts_once_for_each_item() -> None:
    summary = Summary()
    summary.add(made(0, warnings=("left out: picture 1", "left out: picture 7")))
    assert summary.as_dict()["warnings"]["kinds"] == [
        {"text": "left out: picture 1..7", "items": 1, "first": "in/a.jpg"}]


def test_a_name_within_a_word_stays() -> None:
    """A target called `a` does not tear warnings apart."""
    summary = Summary()
    summary.add(made(0, "a", warnings=("a head is turned away",)))
    assert summary.as_dict()["warnings"]["kinds"][0]["text"] == "the target head is turned away"


def test_the_slowest_items_are_named_slowest_first() -> None:
    summary = Summary()
    for number in range(3 * SLOWEST):
        summary.add(made(number, f"in/{number}.jpg", seconds=float(number * 7 % 30)))
    times = [item["seconds"] for item in summary.as_dict()["slowest"]]
    assert times == sorted(times, reverse=True) == [float(30 - rank) for rank in range(1, SLOWEST + 1)]


def test_failures_beyond_the_bound_are_counted() -> None:
    summary = Summary()
    for number in range(MAX_FAILURES + 5):
        kind = failure("died", "WorkerDied", ExitCode.UNEXPECTED) if number % 10 == 0 else None
        summary.add(made(number, f"in/{number}.jpg", Status.FAILED, failure=kind))
    failures = summary.as_dict()["failures"]
    assert len(failures["items"]) == MAX_FAILURES
    assert failures["left_out"] == 5
    assert sum(kind["items"] for kind in failures["kinds"]) == MAX_FAILURES + 5
    assert failures["kinds"][0] == {"type": "InputError", "exit_code": 3, "items": 904}


def test_memory_does_not_grow_with_the_number_of_items() -> None:
    """Every item differs in everything that could be kept."""
    summary = Summary()

    def feed(first: int, last: int) -> None:
        for number in range(first, last):
            status = Status.FAILED if number % 3 == 0 else Status.DONE
            word = "".join(chr(97 + int(digit)) for digit in str(number))
            summary.add(made(number, f"in/{number}.jpg", status, warnings=(f"{word} is odd",)))

    feed(0, 4000)
    tracemalloc.start()
    try:
        feed(4000, 12_000)
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert grown < 200_000
    found = summary.as_dict()
    assert found["counts"]["total"] == 12_000
    assert found["warnings"]["left_out"] + len(found["warnings"]["kinds"]) == found["counts"]["done"]


def test_names_that_are_no_text_and_urls_with_secrets_can_be_written(tmp_path: Path) -> None:
    summary = Summary()
    summary.add(made(0, "in/\udcff\n.jpg", Status.FAILED, key="\udcff\n.jpg"))
    summary.add(made(1, "https://user:word@host/a.jpg?key=secret", Status.FAILED, key="a.jpg", failure=failure("gone")))
    summary.write(tmp_path / "report.json")
    raw = (tmp_path / "report.json").read_text(encoding="ascii")
    assert "secret" not in raw and "user:word" not in raw
    first, second = json.loads(raw)["failures"]["items"]
    assert first["key"] == "\udcff\n.jpg"
    assert first["message"] == r"in/\xff\n.jpg is damaged"
    assert second["target"] == "https://host/a.jpg"


def test_an_older_report_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("old")
    Summary().write(tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_bytes())["counts"]["total"] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_a_report_that_cannot_be_written_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no folder"):
        Summary().write(tmp_path / "gone" / "report.json")
