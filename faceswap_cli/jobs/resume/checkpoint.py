"""Where a clip stands between two of its frames, written down so that another run continues from there.

What is read back comes from a file beside the output, which others may have written: it makes records of this program
and arrays, and calls nothing else.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from faceswap_cli.engine.outcome import FaceOutcome
from faceswap_cli.jobs.tally import Tally
from faceswap_cli.processes.pickling import SharedObjects

_HEADER = b"faceswap checkpoint 3\n"

_DIGEST_BYTES = 32

_PACKAGE = __name__.partition(".")[0]

_ALLOWED = frozenset({
    ("builtins", "complex"), ("builtins", "frozenset"), ("builtins", "set"), ("builtins", "bytearray"),
    ("collections", "Counter"), ("collections", "OrderedDict"), ("collections", "deque"),
    ("collections", "defaultdict"),
    ("copyreg", "_reconstructor"), ("builtins", "object"),
    ("fractions", "Fraction"),
    ("numpy", "dtype"), ("numpy", "ndarray"),
    ("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"), ("numpy._core.multiarray", "scalar"),
    ("numpy.core.numeric", "_frombuffer"), ("numpy._core.numeric", "_frombuffer"),
})
"""What pickles of plain values and arrays name, with numpy before 2 and since."""


class UnreadableError(Exception):
    """A checkpoint that was damaged, or left by another version."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a clip is.

    Attributes:
        memory: What the backend remembers of its frames.
        tally: What happened to their faces.
        duration: Seconds that they are shown.
        transparent: Whether one had a pixel that was not opaque.
    """

    memory: object
    tally: Tally
    duration: Fraction
    transparent: bool


class Checkpoints:
    """Writes and reads the checkpoints of one clip."""

    def __init__(self, source: object, package: str = _PACKAGE) -> None:
        """Set up.

        Args:
            source: The prepared source, to which memories refer.
            package: Whose records may be read.
        """
        self._known = SharedObjects(source)
        self._package = package
        self._told = 0

    def snapshot(self, memory: object) -> bytes:
        """The memory of a clip as it is now, for `pack`: planning changes it before the frames are written."""
        return self._known.dumps(memory)

    def pack(self, snapshot: bytes, tally: Tally, duration: Fraction, *, transparent: bool) -> bytes:
        """A checkpoint: the memory before the next frame, and all else after the last one.

        Outcomes of faces are in it as far as they are not in the one before: of a long clip they are many.
        """
        lean = copy(tally)
        lean.outcomes = tally.outcomes[self._told:]
        self._told = len(tally.outcomes)
        body = self._known.dumps((snapshot, lean, duration, transparent))
        return _HEADER + hashlib.sha256(body).digest() + body

    def read(self, states: Sequence[bytes]) -> Progress:
        """What `pack` wrote, with the same source in another run, which goes on with `pack` behind it.

        Args:
            states: All checkpoints of the clip, first to last.

        Raises:
            UnreadableError: One is none.
        """
        outcomes: list[FaceOutcome] = []
        progress: Progress | None = None
        for number, data in enumerate(states, 1):
            progress = self._read(data, with_memory=number == len(states))
            outcomes += progress.tally.outcomes
        if progress is None:
            raise UnreadableError("there is none")
        progress.tally.outcomes = outcomes
        self._told = len(outcomes)
        return progress

    def _read(self, data: bytes, *, with_memory: bool) -> Progress:
        body = data[len(_HEADER) + _DIGEST_BYTES:]
        if not data.startswith(_HEADER) or data[len(_HEADER):-len(body) or None] != hashlib.sha256(body).digest():
            raise UnreadableError("it is damaged, or of another version")
        try:
            snapshot, tally, duration, transparent = self._known.loads(body, self._find_class)
            memory = self._known.loads(snapshot, self._find_class) if with_memory else None
        except Exception as error:  # a pickle of other code can fail in any way
            raise UnreadableError(f"{type(error).__name__}: {error}") from error
        if not isinstance(tally, Tally) or not isinstance(duration, Fraction) or not isinstance(transparent, bool):
            raise UnreadableError("it holds something else")
        return Progress(memory, tally, duration, transparent)

    def _find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ALLOWED:
            return getattr(importlib.import_module(module), name)
        # A name with dots would lead through a module to what it imports.
        if module.partition(".")[0] == self._package and "." not in name:
            found = getattr(importlib.import_module(module), name)
            if isinstance(found, type) and found.__module__ == module:
                return found
        raise UnreadableError(f"it names {module}.{name}")
