"""What a person sees of a batch: a progress line while it runs, and what came of it at the end.

Both on standard error; not to be imported for --help.
"""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from faceswap_cli.batch.items import ItemResult, Status
from faceswap_cli.batch.report.summary import Summary, ran
from faceswap_cli.batch.report.text import counted, show_rate, show_seconds
from faceswap_cli.cli.output import Output, say, say_lines
from faceswap_cli.errors import ExitCode, OutputError
from faceswap_cli.names import shown
from faceswap_cli.text import one_line

if TYPE_CHECKING:
    from rich.text import Text

FAILURES_SHOWN = 10
"""Failures that are told one by one; the reports hold the others."""

WARNINGS_SHOWN = 5
"""Kinds of warnings that are told; likewise."""

_WORDS = {
    Status.DONE: ("done", "green"),
    Status.COPIED: ("copied, nothing to swap", "yellow"),
    Status.SKIPPED: ("skipped, nothing to swap", "yellow"),
    Status.FAILED: ("failed", "bold red"),
    Status.CURRENT: ("done before, unchanged", "cyan"),
    Status.STOPPED: ("not begun", "yellow"),
}
"""How a status is called, and its colour."""


class BatchProgress:
    """A line on standard error, where that is a terminal: done, failed, items a second, time left."""

    def __init__(self, output: Output, total: int | None, *, progress: bool = True) -> None:
        """Nothing is drawn before it is entered.

        Args:
            output: Says notes; the line makes room for them.
            total: Items of the plan; None: not known, they come through a pipe.
            progress: False with `--no-progress`.
        """
        self._output = output
        self._total = total
        self._shown = (progress and not output.quiet and not os.environ.get("CI")
                       and sys.stderr is not None and sys.stderr.isatty())
        self._bar: Any = None
        self._begun = 0.0
        self._count = self._ran = self._failed = 0

    def __enter__(self) -> Self:
        self._begun = time.monotonic()
        if self._shown:
            from tqdm import tqdm

            known = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt}"
            self._bar = tqdm(total=self._total, file=sys.stderr, leave=False, dynamic_ncols=True, miniters=1,
                             bar_format=f"{known if self._total else 'items: {n_fmt}'} [{{elapsed}}{{postfix}}]")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def update(self, result: ItemResult) -> None:
        """Count a result."""
        self._count += 1
        self._ran += ran(result)
        self._failed += result.status is Status.FAILED
        if self._bar is not None:
            self._bar.set_postfix_str(self.told(time.monotonic() - self._begun), refresh=False)
            self._bar.update()

    def told(self, seconds: float) -> str:
        """What the line says besides the count: `2 failed, 3.1 items/s, 0:21 left`.

        Args:
            seconds: Since the beginning.
        """
        parts = [f"{self._failed} failed"] if self._failed else []
        if self._ran and seconds > 0:
            rate = self._ran / seconds  # what an earlier run did passes in no time, and says nothing of the rest
            parts.append(show_rate(rate))
            if self._total is not None:
                parts.append(f"{show_seconds((self._total - self._count) / rate)} left")
        return ", ".join(parts)

    def note(self, text: str) -> None:
        """Say something above the line."""
        with self._aside():
            self._output.note(text)

    def warn(self, texts: Sequence[str]) -> None:
        """Warn above the line."""
        with self._aside():
            self._output.warn(texts)

    def fail(self, text: str) -> None:
        """Tell of a failure above the line; also with `quiet`."""
        with self._aside():
            say(text, label="failed", style="red")

    @contextmanager
    def _aside(self) -> Iterator[None]:
        """Take the line away for a while."""
        if self._bar is not None:
            self._bar.clear()
        yield
        if self._bar is not None:
            self._bar.refresh()


def tell_end(output: Output, summary: Summary, *, arguments: Sequence[str] = (), journal: Path | None = None,
             reports: Iterable[Path] = ()) -> None:
    """Say what came of a batch and what to do next; not with `quiet`.

    On a terminal long lines are broken between words; in a pipe every failure and warning is one line. What is there to
    be copied, the command and the names of files, is never broken.

    Args:
        output: How the command speaks.
        summary: Of all results.
        arguments: What followed `faceswap` on the command line; () names no command to go on with.
        journal: The journal, if there is one.
        reports: Other files that were written.
    """
    if not output.quiet:
        say_lines(_lines(summary, arguments, journal, reports))


def again(arguments: Sequence[str], *, failed: bool) -> str:
    """The command that goes on with a batch.

    Args:
        arguments: What followed `faceswap`.
        failed: Failures are tried again too.
    """
    words = [word for word in arguments if word != "--no-resume"]
    wanted = ["--resume", *(["--retry-failed"] if failed else [])]
    end = words.index("--") if "--" in words else len(words)
    words[end:end] = [word for word in wanted if word not in words]
    piped = "... | " if "-" in words else ""
    return piped + " ".join(["faceswap", *(_quoted(shown(word)) for word in words)])


def _lines(summary: Summary, arguments: Sequence[str], journal: Path | None,
           reports: Iterable[Path]) -> Iterator[tuple[Text, int]]:
    """The lines, and by how much each is indented; what may not be broken is `no_wrap`."""
    from rich.text import Text

    counts = [(summary.counts[status], *words) for status, words in _WORDS.items() if summary.counts[status]]
    width = max((len(str(number)) for number, _, _ in counts), default=0)
    for number, word, style in counts:
        yield Text(f"{number:>{width}} {word}", style=style), 0
    yield Text(_facts(summary)), 0
    if summary.stopped:
        yield Text(one_line(f"stopped: {summary.stopped}"), style="yellow"), 0
    failures = summary.counts[Status.FAILED]
    if failures:
        yield Text("failures:", style="bold red"), 0
        for failure in summary.failures[:FAILURES_SHOWN]:
            yield Text(one_line(_failure(failure))), 2
        if failures > FAILURES_SHOWN:
            yield Text(f"... and {failures - FAILURES_SHOWN} more"), 2
    warnings = [*((text, None) for text in summary.batch_warnings),
                *((kind.text, kind.items) for kind in summary.warnings)]
    if warnings:
        yield Text("warnings:", style="bold yellow"), 0
        for text, items in warnings[:WARNINGS_SHOWN]:
            yield Text(one_line(text if items is None else f"{counted(items, 'item')}: {text}")), 2
        if len(warnings) > WARNINGS_SHOWN:
            yield Text(f"... and {len(warnings) - WARNINGS_SHOWN} kinds more"), 2
    if arguments and (failures or summary.stopped or summary.counts[Status.STOPPED]):
        yield Text("to try the failures again:" if failures else "to go on:", style="bold"), 0
        yield Text(one_line(again(arguments, failed=bool(failures))), no_wrap=True), 2
    files = [*([("journal", journal)] if journal is not None else []), *(("report", path) for path in reports)]
    for label, path in files:
        yield Text(one_line(f"{label}: {path}"), no_wrap=True), 0


def _facts(summary: Summary) -> str:
    """`100 items in 1 min 23 s, 1.2 items/s, 130 faces swapped`."""
    parts = [f"{counted(summary.total, 'item')} in {show_seconds(summary.seconds)}"]
    if summary.items_per_second is not None:
        parts.append(show_rate(summary.items_per_second))
        if summary.faces_swapped:  # the API does not tell
            parts.append(f"{counted(summary.faces_swapped, 'face')} swapped")
    return ", ".join(parts)


def _failure(failure: Mapping[str, Any]) -> str:
    """The message, which mostly names the target; what is no error of ours says little without its class."""
    message = failure["message"]
    if failure["exit_code"] == ExitCode.UNEXPECTED and failure["type"] != OutputError.__name__:
        message = f"{failure['type']}: {message}"
    return message if failure["target"] in message else f"{failure['target']}: {message}"


def _quoted(word: str) -> str:
    """The word as a shell takes it; one that cannot be printed by its bytes."""
    if word.isprintable():
        return shlex.quote(word)
    return "$'" + "".join(chr(byte) if 32 <= byte < 127 and chr(byte) not in "\\'" else f"\\x{byte:02x}"
                          for byte in os.fsencode(word)) + "'"
