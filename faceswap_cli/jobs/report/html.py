"""`--summary-html`: a contact sheet of a batch in one file, without scripts and without the network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from faceswap_cli.jobs.items import ItemResult
from faceswap_cli.jobs.report.summary import Summary

MAX_ITEMS = 500
"""Items that are shown in full."""


class ContactSheet:
    """Keeps what is to be shown; pictures are read when the sheet is written."""

    def __init__(self, summary: Summary, limit: int = MAX_ITEMS) -> None:
        """Start empty.

        Args:
            summary: Of the same batch; the head of the sheet is taken from it. It is only read.
            limit: Items that are shown; failures come first, then what has warnings.
        """
        self._summary = summary
        self._limit = limit

    def add(self, result: ItemResult) -> None:
        """Take in a result."""

    def write(self, path: Path, on_item: Callable[[int, int | None], None] | None = None) -> None:
        """Write the sheet."""
