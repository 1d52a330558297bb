"""What the server answers when it does not do what was asked: one shape, and words for clients of an API."""

from __future__ import annotations

import re

from faceswap_cli.errors import FaceswapError

INTERNAL = "internal error"
TIMED_OUT = "inference timed out"
STOPPING = "the server is stopping; try again in a moment"

_FOR_THE_COMMAND_LINE = re.compile(
    r"(?:^|[\s(`])--[a-z]|faceswap (?:detect|models|swap|batch)|TMPDIR|download it by other")
_ASIDE = re.compile(r" \([^()]*--[a-z][^()]*\)")


class ApiError(Exception):
    """An answer that is an error.

    Attributes:
        status: Of HTTP.
        message: One line.
        retry_after: Seconds after which the client may try again; None: not said.
    """

    def __init__(self, status: int, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.retry_after = retry_after


def in_api_words(message: str) -> str:
    """A message without advice that is for the command line, such as options of `faceswap swap`."""
    clauses = _ASIDE.sub("", " ".join(message.split())).split("; ")
    kept = [clause for clause in clauses if not _FOR_THE_COMMAND_LINE.search(clause)]
    return "; ".join(kept) if kept else _FOR_THE_COMMAND_LINE.split(clauses[0])[0].strip()


def explain(error: FaceswapError, names: dict[str, str]) -> str:
    """An error of a job as the client reads it.

    Args:
        error: Of the engine, of reading or writing.
        names: What the client calls the files that are named in it.
    """
    return in_api_words(renamed(str(error), names))


def renamed(message: str, names: dict[str, str]) -> str:
    """The message with the names that the client knows in the place of paths of this machine."""
    for path, name in names.items():
        message = message.replace(path, name)
    return message
