"""Standard output belongs to data. Chatter of libraries, in Python or C, goes to standard error instead."""

from __future__ import annotations

import io
import os
import sys
from typing import BinaryIO, TextIO


class _DataOutput(io.TextIOWrapper):
    """Stands in for `sys.stdout`: what is printed goes to standard error, what is written to `buffer` is data."""

    def write(self, text: str, /) -> int:
        if sys.stderr is not None:
            sys.stderr.write(text)
        return len(text)


def protect_stdout() -> None:
    """From now on only `data_stream()`, which is `sys.stdout.buffer`, reaches the real standard output.

    File descriptor 1 becomes standard error, so that C libraries cannot pollute a pipe either. For the rest of the
    process: C libraries keep buffers of their own, which they empty at exit.
    """
    if sys.stdout is None or isinstance(sys.stdout, _DataOutput):
        return
    sys.stdout.flush()
    try:
        number = sys.stdout.fileno()
    except (OSError, ValueError):  # replaced by something in memory: nothing of C's reaches it
        return
    real = os.dup(number)
    try:
        os.dup2(2, number)
    except OSError:  # standard error is closed: chatter goes nowhere
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)
    sys.stdout = _DataOutput(io.BufferedWriter(io.FileIO(real, "wb")), encoding=sys.stdout.encoding, errors="strict")


def fill_closed_streams() -> None:
    """Put a void in the place of each standard stream that the process was started without.

    The system gives new files the lowest free number: a picture opened as number 2 would get what C libraries say.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes this very number, the lowest that is free


def data_stream() -> BinaryIO | None:
    """The real standard output, for bytes; None when it is closed."""
    return None if sys.stdout is None else sys.stdout.buffer


def is_terminal() -> bool:
    """Whether data would appear on a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def drop_stdout() -> None:
    """Its reader has gone: let nothing more be written, not even when Python exits."""
    _drop(sys.stdout)


def drop_stderr() -> None:
    """Likewise for standard error."""
    _drop(sys.stderr)


def _drop(stream: TextIO | None) -> None:
    if stream is not None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
