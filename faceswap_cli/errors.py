"""Everything that can go wrong, as one tree. Each class knows the exit code of the command line.

    FaceswapError (1)
    ├── UsageError (2)               options that contradict each other, an output that exists
    ├── InputError (3)               a picture that cannot be read
    │   └── LimitError (3)           a picture larger than the most pixels allowed, a download larger than its limit
    ├── NoFaceError (4)              nothing to swap
    │   └── UnlikeError (4)          the result is less like the source than was asked for
    ├── ModelError (5)               a model is missing or damaged
    ├── RemoteError (6)              the API refused or failed
    ├── PartialError (7)             some items of a batch failed
    ├── MissingDependencyError (8)   an optional package is not installed
    └── OutputError (1)              the result could not be written

An error is one line in parts: what happened and to which file, then what to do next. Whoever shows it puts the parts
together with `text`, in words of its own for the options that are marked in them (see `faceswap_cli/text.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from enum import IntEnum
from typing import Self

from faceswap_cli.text import Spelling, as_field, marked_options, spell


class ExitCode(IntEnum):
    """Exit codes of the command line. 2 and 130 are also used by Typer itself."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    INPUT = 3
    NO_FACE = 4
    MODEL = 5
    REMOTE = 6
    PARTIAL = 7
    MISSING_DEPENDENCY = 8
    INTERRUPTED = 130


class FaceswapError(Exception):
    """Base of every error that a user is meant to read. Its str is for callers from Python. Picklable.

    Attributes:
        message: What happened, to which file.
        advice: What to do next; empty: nothing more is known.
        command: What to run in a shell to mend it; empty: there is no such command.
        origin: Where the options that it speaks of were set, if not by the caller.
    """

    exit_code: ExitCode = ExitCode.UNEXPECTED

    def __init__(self, message: str = "", *, advice: str = "", command: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.command = command
        self.origin = ""

    @property
    def options(self) -> tuple[str, ...]:
        """The options that it speaks of, such as `max-pixels`; the one at fault first."""
        return marked_options(self.marked)

    @property
    def marked(self) -> str:
        """All of it in one line, its options still marked."""
        run = f"run: {self.command}" if self.command else ""
        text = "; ".join(filter(None, (self.message, ", ".join(filter(None, (run, self.advice))))))
        return f"{text} ({self.origin})" if self.origin else text

    def text(self, option: Spelling = as_field) -> str:
        """All of it in one line, with the options as `option` writes them."""
        return spell(self.marked, option)

    def about(self, subject: str) -> Self:
        """The same, of something that it does not name yet."""
        error = copy(self)
        error.message = f"{subject}: {self.message}"
        return error

    def calling(self, names: Mapping[str, str]) -> Self:
        """The same, with files called as its reader knows them in place of their paths here."""
        error = copy(self)
        for path, name in names.items():
            error.message = error.message.replace(path, name)
        return error

    def __str__(self) -> str:
        return self.text()


class UsageError(FaceswapError):
    """Options that make no sense, alone or together."""

    exit_code = ExitCode.USAGE


class InputError(FaceswapError):
    """An input file that is missing, unreadable, damaged or of an unknown kind."""

    exit_code = ExitCode.INPUT


class LimitError(InputError):
    """An input beyond a limit that the user can raise."""


class OutputError(FaceswapError):
    """The result could not be written: disk full, no permission, no such folder."""


class NoFaceError(FaceswapError):
    """No face in the source, or none left to swap in the target."""

    exit_code = ExitCode.NO_FACE


class UnlikeError(NoFaceError):
    """A result that looks less like its source than the user wants."""


class ModelError(FaceswapError):
    """A model that is missing, damaged or failed while running."""

    exit_code = ExitCode.MODEL


class RemoteError(FaceswapError):
    """The remote API refused the job or failed."""

    exit_code = ExitCode.REMOTE


class PartialError(FaceswapError):
    """A batch in which some items failed."""

    exit_code = ExitCode.PARTIAL


class MissingDependencyError(FaceswapError):
    """An optional package is needed; the command installs it."""

    exit_code = ExitCode.MISSING_DEPENDENCY
