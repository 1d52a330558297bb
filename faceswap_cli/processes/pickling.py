"""Pickles that leave out what both sides have: the prepared source, which every plan and every memory of a clip names.

Objects of the source are counted in the order in which pickling meets them. That order is the same wherever the same
source was prepared, or received, so a number tells which object is meant.
"""

from __future__ import annotations

import dataclasses
import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

FindClass = Callable[[str, str], Any]
"""Gives the class that a pickle names by module and name."""


class SharedObjects:
    """The objects of a source, by number: records and arrays."""

    def __init__(self, source: Any) -> None:
        """Count them.

        Args:
            source: Can be pickled; is kept, and must not be changed.
        """
        counting = _Counting(io.BytesIO(), protocol=5)
        counting.dump(source)
        self._objects = counting.objects
        self._numbers = {id(one): number for number, one in enumerate(self._objects)}

    def dumps(self, value: Any) -> bytes:
        """The pickle of a value; objects of the source are in it by number."""
        stream = io.BytesIO()
        _Naming(stream, self._numbers).dump(value)
        return stream.getvalue()

    def loads(self, data: bytes, find_class: FindClass | None = None) -> Any:
        """The value of a pickle made with the same source. What is in it by number is the very object here.

        Args:
            data: What `dumps` gave.
            find_class: Decides which classes may be in it; None: all, for data that nobody else can have made.

        Raises:
            pickle.UnpicklingError: It is damaged; other errors are possible then, too.
        """
        return _Finding(io.BytesIO(data), self._objects, find_class).load()


class _Counting(pickle.Pickler):
    """Notes what it meets."""

    def __init__(self, stream: io.BytesIO, protocol: int) -> None:
        super().__init__(stream, protocol)
        self.objects: list[Any] = []
        self._seen: set[int] = set()

    def persistent_id(self, obj: Any) -> None:
        """Nothing is left out."""
        # Only what is never made anew while pickling: an object that goes away could hand its id to another.
        if (isinstance(obj, np.ndarray) or (dataclasses.is_dataclass(obj) and not isinstance(obj, type))) \
                and id(obj) not in self._seen:
            self._seen.add(id(obj))
            self.objects.append(obj)


class _Naming(pickle.Pickler):
    def __init__(self, stream: io.BytesIO, numbers: dict[int, int]) -> None:
        super().__init__(stream, protocol=5)
        self._numbers = numbers

    def persistent_id(self, obj: Any) -> int | None:
        """The number of what is in the source."""
        return self._numbers.get(id(obj))


class _Finding(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO, objects: list[Any], find_class: FindClass | None) -> None:
        super().__init__(stream)
        self._objects = objects
        self._find_class = find_class

    def persistent_load(self, number: Any) -> Any:
        """What has that number."""
        try:
            return self._objects[number]
        except (IndexError, TypeError) as error:
            raise pickle.UnpicklingError("it names an object that the source has not") from error

    def find_class(self, module: str, name: str) -> Any:
        """A class, where it is allowed."""
        return super().find_class(module, name) if self._find_class is None else self._find_class(module, name)
