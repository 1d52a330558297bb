"""Everything that can go wrong, as one tree. Each class knows the exit code of the command line.

    FaceswapError (1)
    ├── UsageError (2)               options that contradict each other, an output that exists
    ├── InputError (3)               a picture that cannot be read
    │   └── LimitError (3)           a picture larger than --max-pixels, a download larger than its limit
    ├── NoFaceError (4)              nothing to swap
    │   └── UnlikeError (4)          the result is less like the source than --min-similarity
    ├── ModelError (5)               a model is missing or damaged
    ├── RemoteError (6)              the API refused or failed
    ├── PartialError (7)             some items of a batch failed
    ├── MissingDependencyError (8)   an optional package is not installed
    └── OutputError (1)              the result could not be written

A message is one line: what happened, to which file, and what to do next.
"""

from __future__ import annotations

from enum import IntEnum


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
    """Base of every error that a user is meant to read."""

    exit_code: ExitCode = ExitCode.UNEXPECTED


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
    """An optional package is needed; the message holds the install line."""

    exit_code = ExitCode.MISSING_DEPENDENCY
