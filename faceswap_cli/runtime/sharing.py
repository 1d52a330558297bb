"""Sessions of one process, shared by all engines that need the same graph run in the same way.

Engines differ in what they select far more often than in what they run: a server opens one for each kind of request,
and a graph of half a gigabyte is to be in memory once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar
from weakref import WeakValueDictionary

T = TypeVar("T")

_TURN = threading.Lock()
_OPEN: WeakValueDictionary[Hashable, Any] = WeakValueDictionary()


def shared(key: Hashable, make: Callable[[], T]) -> T:
    """What was made for this key and is still used by someone, else what `make` gives now.

    Args:
        key: Everything that `make` depends on.
        make: Opens nothing yet: other threads wait for it.
    """
    with _TURN:
        found: T | None = _OPEN.get(key)
        if found is None:
            found = _OPEN[key] = make()
        return found
