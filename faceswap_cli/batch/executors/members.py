"""What a supervisor knows of its workers, and of the items on their way."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from faceswap_cli.batch.executors.process import WorkerProcess
from faceswap_cli.batch.items import Failure, Item


@dataclass(slots=True, eq=False)
class Attempt:
    """An item on its way.

    Attributes:
        item: As it came.
        failed: Attempts that cost a worker.
        fresh: Its output was not there when it was first begun: what is there later is its own.
    """

    item: Item
    failed: int = 0
    fresh: bool | None = None


@dataclass(slots=True, eq=False, kw_only=True)
class Member:
    """What is known of a worker.

    Attributes:
        process: It.
        ready: It takes items.
        load: What it was given and has not told of; the first is what it does.
        begun: When it began that, or later: the last of its results was taken then.
        untaken: Results that nobody has taken yet. It may be waiting for that.
        reserved: What it was started for, to be its first item.
        asked_back: It was told to give back what it has not begun.
        condemned: Why it was killed, and what it did then.
        broken: Why it says that it cannot work at all.
    """

    process: WorkerProcess
    ready: bool = False
    load: deque[Attempt] = field(default_factory=deque)
    begun: float = 0.0
    untaken: int = 0
    reserved: Attempt | None = None
    asked_back: bool = False
    condemned: tuple[Attempt | None, Failure] | None = None
    broken: str | None = None


def shown(item: Item) -> str:
    """An item as messages name it."""
    return " ".join(item.name.split())
