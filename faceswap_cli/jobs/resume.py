"""Whether what an earlier run did still stands."""

from __future__ import annotations

from collections.abc import Callable

from faceswap_cli.jobs.entry import Entry
from faceswap_cli.jobs.items import Item
from faceswap_cli.jobs.job import SwapJob
from faceswap_cli.options import EngineOptions

Models = Callable[[EngineOptions], dict[str, str]]
"""The `ItemResult.models` that a worker would report for these options now."""


def options_hash(job: SwapJob) -> str:
    """SHA-256 of everything in a job that decides the output, but for the pictures and the models themselves."""
    return ""


def is_current(item: Item, entry: Entry, models: Models) -> bool:
    """Whether an item is done and nothing that its output depends on has changed, nor the output."""
    return False
