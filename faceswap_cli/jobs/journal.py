"""The journal of a batch: JSON Lines, appended to as items finish, read by the next run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from faceswap_cli.jobs.entry import Entry
from faceswap_cli.jobs.items import Item, ItemResult
from faceswap_cli.jobs.shards import Shard

SCHEMA = 1

NAME = ".faceswap-journal"
SUFFIX = ".jsonl"


def default_journal(root: Path, shard: Shard | None = None) -> Path:
    """Where the journal of a batch lies when nothing else is said: beside the outputs, one for each shard."""
    part = "" if shard is None else f".{shard.index}-of-{shard.count}"
    return root / f"{NAME}{part}{SUFFIX}"


class Entries(Mapping[str, Entry]):
    """What a journal says of each key: the last entry. Keeps keys and places in memory, and reads lines when asked."""

    def __getitem__(self, key: str) -> Entry:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def began(self, key: str) -> bool:
        """Whether an item was ever begun: what lies at its output is then this batch's."""
        return False


class Journal:
    """An open journal, to append to."""

    def __init__(self, path: Path) -> None:
        """Open or make it."""
        self.path = path

    def read(self) -> Entries:
        """What it says, as of now."""
        return Entries()

    def begin(self, item: Item) -> None:
        """Note that an item is handed out: its output is this batch's from now on."""

    def append(self, result: ItemResult) -> None:
        """Note a finished item."""

    def close(self) -> None:
        """Sync and close."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()
