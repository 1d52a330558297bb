"""Takes items from an iterator that may make one wait, in a thread that can."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from faceswap_cli.batch.items import Item


@dataclass(frozen=True, slots=True)
class Fed:
    """The next item."""

    item: Item


@dataclass(frozen=True, slots=True)
class Exhausted:
    """There are no more items: why, if the iterator raised something."""

    error: BaseException | None


class Feeder:
    """Takes no item that was not asked for."""

    def __init__(self, items: Iterator[Item], say: Callable[[Fed | Exhausted], None]) -> None:
        """Nothing is taken yet.

        Args:
            items: Taken in a thread of the feeder's own.
            say: Called in that thread for each item, and at last for the end.
        """
        self._items = items
        self._say = say
        self._wanted = threading.Semaphore(0)
        self._closed = False
        threading.Thread(target=self._feed, name="faceswap-feeder", daemon=True).start()

    def ask(self) -> None:
        """Ask for one item more."""
        self._wanted.release()

    def close(self) -> None:
        """Take no more. An iterator that makes the thread wait just now is left to it."""
        self._closed = True
        self._wanted.release()

    def _feed(self) -> None:
        while True:
            self._wanted.acquire()
            if self._closed:
                return
            try:
                item = next(self._items)
            except StopIteration:
                self._say(Exhausted(None))
                return
            except BaseException as error:
                self._say(Exhausted(error))
                return
            self._say(Fed(item))
