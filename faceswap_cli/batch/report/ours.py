"""Which files a report or a journal may replace: new and empty ones, and older ones of its own kind."""

from __future__ import annotations

import re
from pathlib import Path

_BEGINNINGS = {
    "--report": rb'\s*\{\s*"schema":\s*\d+,\s*"tool":\s*"faceswap\b',
    "--junit": rb'\s*<\?xml[^>]*\?>\s*<testsuites name="faceswap"',
    "--summary-html": rb"\s*<!DOCTYPE html>.*<title>faceswap batch: ",
    "--journal": rb'\{"journal":"faceswap",',
}
"""How each kind of file begins, by the option that names it; white space may have been changed, as Git does."""

_BYTES = 4096

WRITTEN = frozenset(_BEGINNINGS)
"""The options that name files to write besides outputs."""


def may_replace(path: Path, option: str) -> bool:
    """Whether nothing of somebody else's is lost at `path`, which need not exist; links are followed.

    What is no regular file is not looked into: who opens it refuses it.

    Args:
        path: The file.
        option: One of `WRITTEN`.
    """
    try:
        if not path.is_file():
            return True
        with path.open("rb") as file:
            beginning = file.read(_BYTES)
    except (OSError, ValueError):  # what cannot be read may be anything; ValueError: a NUL in the name
        return False
    return not beginning or re.match(_BEGINNINGS[option], beginning, re.DOTALL) is not None
