"""The web page at `/`: one file, where the package has it."""

from __future__ import annotations

from pathlib import Path

PAGE = Path(__file__).parent / "page" / "index.html"

POLICY = ("default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src 'self' data: blob:; "
          "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
"""What the page may do: run what is in it, and talk to this server alone."""


def read_page() -> bytes | None:
    """The page; None: this package has none."""
    try:
        return PAGE.read_bytes()
    except OSError:
        return None
