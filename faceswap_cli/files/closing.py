"""What is closed when the `with` block that it was opened for ends."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Closing(ABC):
    """Something open that a `with` block closes."""

    @abstractmethod
    def close(self) -> None:
        """Release what it holds; nothing happens a second time."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()
