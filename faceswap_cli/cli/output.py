"""The one sink: data to standard output, everything said to a person to standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

from faceswap_cli.cli.stdout import data_stream, drop_stderr, drop_stdout, is_terminal, protect_stdout
from faceswap_cli.errors import OutputError
from faceswap_cli.text import as_flag, one_line, spell

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

OnFrame = Callable[[int, int | None], None]

_CLOSED = "cannot write to standard output: it is closed"
_PIPE_WIDTH = 10_000
_LEAST_WIDTH = 80
"""What a table needs: in less, rich would cut numbers off, while a terminal only breaks the lines."""

_LABEL_WIDTH = 30
"""Of what a bar stands for."""


SCHEMA = 1
"""Of the JSON that commands print; see `report`."""


class Output:
    """How one command speaks.

    Attributes:
        json: Data is one JSON object; tables are for people and are not printed.
        quiet: Say nothing but errors.
        verbose: Say more.
    """

    def __init__(self, *, json: bool = False, quiet: bool = False, verbose: bool = False,
                 progress: bool = True) -> None:
        """Take hold of standard output.

        Args:
            json: See above.
            quiet: See above; wins over `verbose`.
            verbose: See above.
            progress: Show progress where standard error is a terminal.

        Raises:
            OutputError: `json`, and standard output is closed.
        """
        protect_stdout()
        if json and data_stream() is None:
            raise OutputError(_CLOSED)
        self.json = json
        self.quiet = quiet
        self.verbose = verbose and not quiet
        self._progress = progress and not quiet and not os.environ.get("CI")
        self._bar: Any = None

    def note(self, text: str) -> None:
        """Tell a person something; not with `quiet`."""
        if not self.quiet:
            if self._bar is not None:  # the line takes its place, and it goes on below
                self._bar.clear()
            say(text)

    def detail(self, text: str) -> None:
        """Tell a person something that only `verbose` asks for."""
        if self.verbose:
            say(text)

    def warn(self, texts: Sequence[str]) -> None:
        """All warnings in one line; not with `quiet`."""
        if texts and not self.quiet:
            say("; ".join(spell(text, as_flag) for text in texts), label="warning", style="yellow")

    def data(self, value: dict[str, Any]) -> None:
        """The JSON object of a command, as one line and a newline."""
        write_json(value)

    def report(self, **fields: Any) -> None:
        """As `data`, with the number of the contract in front."""
        self.data({"schema": SCHEMA, **fields})

    def table(self, renderable: RenderableType) -> None:
        """A table for people, as data: it is what the command was run for."""
        with _sending() as stream:
            from io import BytesIO, TextIOWrapper

            from rich.console import Console

            # Of the encoding of standard output: rich then draws with what can be shown there.
            text = TextIOWrapper(BytesIO(), encoding=sys.stdout.encoding, errors="backslashreplace", newline="")
            terminal = is_terminal()
            # A pipe has no width: one row, one line, however long.
            width = None if terminal or "COLUMNS" in os.environ else _PIPE_WIDTH
            console = Console(file=text, force_terminal=terminal, width=width, highlight=False, emoji=False)
            console.width = max(console.width, _LEAST_WIDTH)
            console.print(renderable)
            text.flush()
            stream.write(text.buffer.getvalue())

    def lines(self, lines: Sequence[str]) -> None:
        """Plain text as data, one line for each, never broken or cut: it is for a pipe."""
        with _sending() as stream:
            for line in lines:
                stream.write(_encoded(line) + b"\n")

    @contextmanager
    def progress(self, label: str, unit: str = "frame") -> Iterator[OnFrame | None]:
        """A bar on standard error, where that is a terminal; yields what is to be told about frames, or None.

        It appears with the second frame: a still needs none. Where the total is known it tells the time left. What an
        interruption has noted (`BaseException.add_note`) is told.

        Args:
            label: What it stands for.
            unit: What is counted; `B` is shown in kB, MB, GB.
        """
        shown = self._progress and sys.stderr is not None and sys.stderr.isatty()

        def on_frame(done: int, total: int | None) -> None:
            if total == 1:
                return
            if self._bar is None:
                self._bar = _open_bar(label, unit, done, total)
            self._bar.total = total
            self._bar.update(done - self._bar.n)

        try:
            yield on_frame if shown else None
        except (KeyboardInterrupt, SystemExit) as error:
            self._close_bar()
            for text in getattr(error, "__notes__", ()):
                self.note(text)
            raise
        finally:
            self._close_bar()

    def _close_bar(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _open_bar(label: str, unit: str, done: int, total: int | None) -> Any:
    """A bar that begins at what was done before: by an earlier run, where the first that is told is not the first."""
    from tqdm import tqdm

    # What does not fit the terminal is cut off at its end, where the time left is.
    name = one_line(label)
    name = name if len(name) <= _LABEL_WIDTH else f"...{name[3 - _LABEL_WIDTH:]}"
    if unit == "B":
        return tqdm(total=total, desc=name, unit=unit, unit_scale=True, initial=done, file=sys.stderr, leave=False,
                    dynamic_ncols=True)
    layout = f"{{desc}}: {{percentage:3.0f}}%|{{bar}}| {{n_fmt}}/{{total_fmt}} {unit}s, {{remaining}} left"
    return tqdm(total=total, desc=name, unit=f" {unit}s", initial=done if done > 1 else 0, file=sys.stderr, leave=False,
                dynamic_ncols=True, smoothing=0.1, bar_format=layout if total else None)


def say(text: str, *, label: str = "", style: str = "") -> None:
    """One line to a person, with a coloured label where the terminal and NO_COLOR let it.

    That nobody can hear it is no reason to fail.
    """
    if sys.stderr is None:
        return
    from rich.text import Text

    line = Text(no_wrap=True)
    if label:
        line.append(f"{label}: ", style=f"bold {style}")
    line.append(one_line(spell(text, as_flag)))
    say_lines([(line, 0)])


def say_lines(lines: Iterable[tuple[Text, int]]) -> None:
    """Lines to a person, each with its indent. On a terminal those that may wrap are broken between words.

    That nobody can hear them is no reason to fail.
    """
    if sys.stderr is None:
        return
    from rich.console import Console

    terminal = sys.stderr.isatty()
    console = Console(stderr=True, highlight=False, emoji=False)
    with console.capture() as captured:  # rich itself would end the process when a pipe is closed
        for line, indent in lines:
            wrapped = terminal and not line.no_wrap
            for row in line.wrap(console, console.width - indent, overflow="fold") if wrapped else [line]:
                row.rstrip()
                row.pad_left(indent)
                console.print(row, soft_wrap=True)
    try:
        sys.stderr.write(captured.get())
        sys.stderr.flush()
    except OSError:
        drop_stderr()


def write_json(value: dict[str, Any]) -> None:
    """One JSON object to standard output: ASCII, so that no locale can spoil it.

    Raises:
        OutputError: Standard output is closed, or its disk is full.
    """
    with _sending() as stream:
        stream.write(json.dumps(value, allow_nan=False).encode("ascii") + b"\n")


@contextmanager
def _sending() -> Iterator[BinaryIO]:
    """Standard output for data, flushed at the end."""
    stream = data_stream()
    if stream is None:
        raise OutputError(_CLOSED)
    try:
        yield stream
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        from faceswap_cli.files.atomic import explain_failure

        drop_stdout()
        raise OutputError(explain_failure("standard output", None, error)) from error


def _encoded(text: str) -> bytes:
    """As standard output takes it; names of files keep bytes that are no text."""
    encoding = sys.stdout.encoding or "utf-8"
    try:
        return text.encode(encoding, "surrogateescape")
    except UnicodeEncodeError:
        return text.encode(encoding, "backslashreplace")
