"""Said once per machine: the people shown must have agreed."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from faceswap_cli.cli.output import Output

TEXT = ("Everyone shown must have agreed to the swap; say that the picture is altered where you share it. "
        "(Said once on this machine.)")

_MARKER = "consent-told"


def tell_once(output: Output) -> None:
    """Say it, unless it was said before or the command is to be quiet."""
    if output.quiet:
        return
    # A home that cannot be found or written is no reason to fail; it is then said again.
    with suppress(OSError, RuntimeError):
        marker = state_folder() / _MARKER
        if marker.exists():
            return
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
    output.note(TEXT)


def state_folder() -> Path:
    """Where the system wants programs to keep what they remember about this user."""
    if given := os.environ.get("XDG_STATE_HOME"):
        return Path(given) / "faceswap"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "faceswap"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "faceswap"
    return Path.home() / ".local" / "state" / "faceswap"
