"""What was used last, up to a number."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """Keeps what was used last; what was not used for longest goes. For one thread."""

    def __init__(self, number: int) -> None:
        """Nothing is kept yet.

        Args:
            number: How much is kept, at least 1.
        """
        self._number = number
        self._kept: OrderedDict[Key, Value] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        """What is kept, which is now the last used; None: nothing."""
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def put(self, key: Key, value: Value) -> None:
        """Keep."""
        self._kept[key] = value
        self._kept.move_to_end(key)
        if len(self._kept) > self._number:
            self._kept.popitem(last=False)

    def get_or_make(self, key: Key, make: Callable[[], Value]) -> Value:
        """What is kept, else what `make` returns, which is kept from now on."""
        value = self._kept[key] if key in self._kept else make()
        self.put(key, value)
        return value

    def clear(self) -> None:
        """Keep nothing."""
        self._kept.clear()
