"""One run at a time for each journal and each folder of outputs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def hold(journal: Path) -> Iterator[None]:
    """Keep other runs out while the block runs.

    Args:
        journal: Of this run; `default_journal` tells apart shards of one output, which may run side by side.

    Raises:
        UsageError: Another run goes on; names its process and machine where known.
        OutputError: The lock cannot be made.
    """
    yield
