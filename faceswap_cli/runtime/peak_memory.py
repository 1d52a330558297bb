"""How much memory this process and its children take at most while something runs."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Self

from faceswap_cli.runtime.machine import ROOT, fields, kilobytes, read

_EVERY = 0.05
"""Seconds between two looks; each takes about 0.1 ms for a process."""


class PeakMemory:
    """Looks at the memory every 50 ms while its block runs.

    Attributes:
        bytes: The most that was seen; None: the system does not tell. Source: proc(5).
    """

    def __init__(self, root: Path = ROOT) -> None:
        """Nothing is looked at yet.

        Args:
            root: Where `proc` is.
        """
        self.bytes: int | None = None
        self._root = root
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="faceswap-memory", daemon=True)

    def __enter__(self) -> Self:
        self._look()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._stop.wait(_EVERY):
            self._look()

    def _look(self) -> None:
        found = memory_in_use(self._root)
        if found is not None:
            self.bytes = max(found, self.bytes or 0)


def memory_in_use(root: Path = ROOT) -> int | None:
    """Bytes that this process and its children have in memory; what they share counts once. None: not known here.

    Args:
        root: Where `proc` is.
    """
    own = shared = files = 0
    waiting, seen = ["self"], False
    while waiting:
        process = root / "proc" / waiting.pop()
        told = fields(process / "status")
        anonymous, mapped, libraries = (kilobytes(told.get(f"Rss{kind}", "")) for kind in ("Anon", "Shmem", "File"))
        if anonymous is not None:
            seen = True
            own += anonymous
            shared = max(shared, mapped or 0)  # frames, which all of them map
            files = max(files, libraries or 0)  # likewise
        waiting += [child for task in _tasks(process) for child in read(task / "children").split()]
    return own + shared + files if seen else None


def _tasks(process: Path) -> list[Path]:
    try:
        return list((process / "task").iterdir())
    except OSError:  # it has ended
        return []
