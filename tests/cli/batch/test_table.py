"""What a person sees of a batch: its progress, its end, and what to do next."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from faceswap_cli.batch.items import Failure, FailureKind, Item, ItemResult, Status
from faceswap_cli.batch.report.summary import Summary
from faceswap_cli.cli.batch.table import FAILURES_SHOWN, WARNINGS_SHOWN, BatchProgress, again, tell_end
from faceswap_cli.cli.output import Output
from faceswap_cli.errors import ExitCode
from faceswap_cli.jobs.job import Outcome, SwapJob, SwapSpec

COMMAND = ["batch", "me.jpg", "my photos/", "-o", "out"]


@dataclass(frozen=True)
class End:
    counts: dict[Status, int] = field(default_factory=dict)
    seconds: float = 83.2
    stopped: str | None = None
    warnings: tuple[str, ...] = ()
    exit_code: int = 0


class Terminal(io.StringIO):
    """Standard error of a person."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def stdout_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test runner has it in its hands already."""
    monkeypatch.setattr("faceswap_cli.cli.output.protect_stdout", lambda: None)


def sit_before_a_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """To be called in the test itself: the test runner sets the streams anew when it begins."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return stream


def result(number: int = 0, status: Status = Status.DONE, *, name: str = "", message: str = "is damaged",
           warnings: tuple[str, ...] = (), kind: str = "InputError", code: ExitCode = ExitCode.INPUT) -> ItemResult:
    name = name or f"in/{number}.jpg"
    item = Item(number=number, key=f"{number}.jpg",
                job=SwapJob(spec=SwapSpec(sources=("me.jpg",)), target=name, output=f"out/{number}.jpg"), name=name)
    if status is Status.FAILED:
        return ItemResult(item=item, status=status, failure=Failure(FailureKind(kind), message, code))
    if status is Status.CURRENT:
        return ItemResult(item=item, status=status, attempts=0)
    return ItemResult(
        item=item, status=status,
        outcome=Outcome(spec=SwapSpec(sources=("me.jpg",)), target=name, output=None, engine={}, frames=1,
                        frames_swapped=1, frames_without_face=0, faces_swapped=2, faces=(), warnings=warnings))


def end(*results: ItemResult, how: End | None = None, arguments: Sequence[str] = (), journal: Path | None = None,
        reports: Sequence[Path] = ()) -> None:
    summary = Summary()
    for one in results:
        summary.add(one)
    summary.finish(how or End())
    tell_end(Output(), summary, arguments=arguments, journal=journal, reports=reports)


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    out, err = capsys.readouterr()
    assert out == ""  # that is for data
    return err.splitlines()


def test_a_batch_without_trouble_ends_in_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    end(*(result(number) for number in range(100)), arguments=COMMAND, journal=Path("out/journal.jsonl"))
    assert lines(capsys) == ["100 done", "100 items in 1 min 23 s, 1.2 items/s, 200 faces swapped",
                             "journal: out/journal.jsonl"]


def test_in_a_pipe_every_failure_is_one_line_however_long(capsys: pytest.CaptureFixture[str]) -> None:
    name = "in/" + "long " * 60 + ".jpg"
    end(result(0), result(1, Status.FAILED, name=name), result(2, Status.CURRENT),
        result(3, Status.FAILED, message="in/3.jpg is damaged"),
        result(4, Status.FAILED, message="list index out of range", kind="UnexpectedError", code=ExitCode.UNEXPECTED),
        result(5, warnings=("head turned 40 degrees",)), how=End(warnings=("two links left out",)),
        arguments=COMMAND, reports=[Path("r.json"), Path("r.xml")])
    assert lines(capsys) == [
        "2 done", "3 failed", "1 done before, unchanged", "6 items in 1 min 23 s, 3.6 items/min, 4 faces swapped",
        "failures:", f"  {name}: is damaged", "  in/3.jpg is damaged",
        "  in/4.jpg: UnexpectedError: list index out of range",
        "warnings:", "  two links left out", "  1 item: head turned 40 degrees",
        "to try the failures again:", "  faceswap batch me.jpg 'my photos/' -o out --resume --retry-failed",
        "report: r.json", "report: r.xml"]


def test_many_failures_and_warnings_are_bounded(capsys: pytest.CaptureFixture[str]) -> None:
    end(*(result(number, Status.FAILED) for number in range(50)),
        *(result(number, warnings=(f"{chr(97 + number)} is odd",)) for number in range(20)))
    found = lines(capsys)
    assert sum("is damaged" in line for line in found) == FAILURES_SHOWN
    assert f"  ... and {50 - FAILURES_SHOWN} more" in found
    assert sum("is odd" in line for line in found) == WARNINGS_SHOWN
    assert f"  ... and {20 - WARNINGS_SHOWN} kinds more" in found


def test_a_batch_that_was_stopped_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    end(result(0), how=End({Status.STOPPED: 7}, stopped="interrupted"), arguments=COMMAND)
    assert lines(capsys) == [
        "1 done", "7 not begun", "8 items in 1 min 23 s, 43.3 items/h, 2 faces swapped",
        "stopped: interrupted", "to go on:", "  faceswap batch me.jpg 'my photos/' -o out --resume"]


def test_on_a_terminal_it_fits_eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = sit_before_a_terminal(monkeypatch)
    end(*(result(number, Status.FAILED, name=f"in/{'very ' * 20}long{number}.jpg") for number in range(3)),
        result(9, warnings=("a warning " * 12,)))
    text = re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue())
    assert "\x1b[" in terminal.getvalue()  # in colour
    assert max(map(len, text.splitlines())) <= 80
    assert "3 failed" in text
    message = next(line for line in text.splitlines() if "is damaged" in line)
    assert message.startswith("  ")  # what is broken stays indented


def test_what_is_to_be_copied_is_not_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = sit_before_a_terminal(monkeypatch)
    end(result(0, Status.FAILED), arguments=[*COMMAND, "--exclude", "word " * 30], journal=Path("x" * 100))
    text = terminal.getvalue()
    assert f"'{'word ' * 30}' --resume --retry-failed\n" in text
    assert f"journal: {'x' * 100}\n" in text


def test_no_color_is_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = sit_before_a_terminal(monkeypatch)
    monkeypatch.setenv("NO_COLOR", "1")
    end(result(0, Status.FAILED))
    assert not re.search(r"\x1b\[\d*;?3\dm", terminal.getvalue())


def test_names_cannot_order_a_terminal_about(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = sit_before_a_terminal(monkeypatch)
    end(result(0, Status.FAILED, name="a\x1b[2J\n[red]b[/red]\udcff.jpg"))
    assert "\x1b[2J" not in terminal.getvalue()
    assert r"a\x1b[2J\n[red]b[/red]\xff.jpg: is damaged" in terminal.getvalue()


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    summary = Summary()
    summary.add(result(0, Status.FAILED))
    tell_end(Output(quiet=True), summary, arguments=COMMAND)
    assert lines(capsys) == []


def test_that_nobody_listens_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    tell_end(Output(), Summary())


@pytest.mark.parametrize(("arguments", "command"), [
    (["batch", "me.jpg", "in", "-o", "out"], "faceswap batch me.jpg in -o out --resume --retry-failed"),
    (["batch", "me.jpg", "in", "--no-resume", "--retry-failed"], "faceswap batch me.jpg in --retry-failed --resume"),
    (["batch", "me.jpg", "-", "-0", "-o", "out"], "... | faceswap batch me.jpg - -0 -o out --resume --retry-failed"),
    (["batch", "-o", "out", "--", "me.jpg", "-in"], "faceswap batch -o out --resume --retry-failed -- me.jpg -in"),
    (["batch", "https://u:p@host/me.jpg?k=secret"], "faceswap batch https://host/me.jpg --resume --retry-failed"),
])
def test_the_command_to_go_on_with(arguments: list[str], command: str) -> None:
    assert again(arguments, failed=True) == command


@pytest.mark.parametrize("name", ["my photos", "it's", "$HOME`id`", "a\nb", "\udcff\udc80", "tab\tand\\'quote", "-x"])
def test_the_command_can_be_pasted_into_a_shell(name: str) -> None:
    command = again(["batch", name], failed=False)
    assert command.isprintable()
    script = f"faceswap() {{ printf '%s\\0' \"$@\"; }}; {command}"
    found = subprocess.run(["bash", "-c", script], capture_output=True, check=True).stdout
    assert found.decode("utf-8", "surrogateescape").split("\0") == ["batch", name, "--resume", ""]


def test_progress_counts_failures_and_tells_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = sit_before_a_terminal(monkeypatch)
    with BatchProgress(Output(), 10) as progress:
        assert "0/10" in terminal.getvalue()  # while models are loaded
        progress.update(result(0))
        progress.update(result(1, Status.FAILED))
        progress.update(result(2, Status.CURRENT))
        assert progress.told(4.0) == "1 failed, 30.0 items/min, 14.0 s left"
    assert terminal.getvalue().endswith("\r")  # the line is gone


def test_progress_of_a_pipe_has_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = sit_before_a_terminal(monkeypatch)
    with BatchProgress(Output(), None) as progress:
        progress.update(result(0))
        assert progress.told(0.5) == "2.0 items/s"
        assert "items: 0 [00:00]" in terminal.getvalue()


def test_the_line_follows_items_that_take_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also after many that passed in no time, as those of an earlier run do."""
    terminal = sit_before_a_terminal(monkeypatch)
    with BatchProgress(Output(), 1010) as progress:
        for number in range(1000):
            progress.update(result(number, Status.CURRENT))
        time.sleep(0.12)  # how often the line is drawn at most
        progress.update(result(1000, Status.FAILED))
        assert "1001/1010" in terminal.getvalue()
        assert "1 failed" in terminal.getvalue()


def test_notes_stand_on_lines_of_their_own_above_the_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = sit_before_a_terminal(monkeypatch)
    with BatchProgress(Output(), 10) as progress:
        progress.update(result(0))
        progress.note("in/3.jpg is damaged")
        progress.warn(["disk nearly full"])
    lines = [line.rpartition("\r")[2] for line in terminal.getvalue().split("\n")]
    assert "in/3.jpg is damaged" in lines
    assert any(line.endswith("disk nearly full") for line in lines)


@pytest.mark.parametrize("how", ["pipe", "quiet", "CI", "option"])
def test_there_is_no_progress_where_nobody_watches(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = sit_before_a_terminal(monkeypatch)
    if how == "pipe":
        monkeypatch.setattr(Terminal, "isatty", lambda self: False)
    if how == "CI":
        monkeypatch.setenv("CI", "true")
    with BatchProgress(Output(quiet=how == "quiet"), 10, progress=how != "option") as progress:
        progress.update(result(0))
    assert terminal.getvalue() == ""
