"""`models pull`: one verified file, or a pack of them, from the first address that gives it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from faceswap_cli.models.spec import ModelSpec
from faceswap_cli.models.store import ModelStore

if TYPE_CHECKING:
    import httpx

Progress = Callable[[int, int | None], None]
"""Bytes of the file that are here, and bytes in all, where known; falls back when a download starts anew."""

Say = Callable[[str], None]
"""One line for the user: which address is asked, why another one is tried, that another process is downloading."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a download is tried.

    Attributes:
        stall: Seconds without a byte after which a connection is given up.
        attempts: Connections in a row, to one address, that bring nothing new.
        backoff: Seconds before the second attempt; doubled for each one after it.
    """

    stall: float = 30.0
    attempts: int = 4
    backoff: float = 1.0


def pull(store: ModelStore, spec: ModelSpec, *, progress: Progress | None = None, say: Say | None = None,
         offline: bool = False, patience: Patience = Patience(),
         transport: httpx.BaseTransport | None = None) -> Path:
    """Have a model on the disk, verified; downloads it where it is not.

    A member of a pack comes by its own address where it has one, else with the whole pack.

    Args:
        store: Where it goes.
        spec: A model or a pack.
        progress: Called while bytes arrive.
        say: Called with what happens besides.
        offline: Download nothing; the environment variable `FACESWAP_OFFLINE` means the same.
        patience: Bounds of waiting.
        transport: Stands in for the network.

    Returns:
        The model's file; of a pack, the folder.

    Raises:
        UsageError: Its licence was not accepted.
        ModelError: Offline, not published, no address gave the right bytes.
        OutputError: The folder cannot be written, or the disk is full.
    """
    return store.verify(spec)
