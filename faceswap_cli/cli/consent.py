"""Said once per machine: the people shown must have agreed."""

from __future__ import annotations

from contextlib import suppress

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
        from platformdirs import user_state_path

        marker = user_state_path("faceswap", appauthor=False) / _MARKER
        if marker.exists():
            return
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
    output.note(TEXT)
