"""What the supervisor and its worker processes say to each other: pickled records over pipes, each after its length.

Both ends are processes of the same program, started by each other: nothing else can write to these pipes.
"""

from __future__ import annotations

import pickle
import struct
from dataclasses import dataclass
from typing import IO

_LENGTH = struct.Struct("<Q")

GREETING = b"\0faceswap worker\n"
"""First of all from a worker, so that what start-up scripts of Python may print before it can be passed over."""


@dataclass(frozen=True, slots=True)
class Setup:
    """To a worker, first of all.

    Attributes:
        worker: `module:Class`; made once with `threads=`, then its `run(item)` is called for each item. If it has an
            attribute `before_commit`, that is set to what is to be called before an output is put in place.
        threads: Cores that the process may take.
        parent: Process that it must not outlive.
    """

    worker: str
    threads: int
    parent: int


@dataclass(frozen=True, slots=True)
class GiveBack:
    """To a worker: items not begun are to be given back."""


@dataclass(frozen=True, slots=True)
class Noted:
    """To a worker: one more of its results was taken, and is noted where that is asked for."""


@dataclass(frozen=True, slots=True)
class Ready:
    """From a worker: items may come."""


@dataclass(frozen=True, slots=True)
class Broken:
    """From a worker: it cannot work at all, and why, in one line."""

    reason: str


@dataclass(frozen=True, slots=True)
class GivenBack:
    """From a worker: numbers of the items that it will not do."""

    numbers: tuple[int, ...]


def pack(message: object) -> bytes:
    """A message as it is written."""
    data = pickle.dumps(message, protocol=5)
    return _LENGTH.pack(len(data)) + data


def receive(stream: IO[bytes]) -> object:
    """The next message.

    Raises:
        EOFError: The other end is gone.
    """
    (length,) = _LENGTH.unpack(_read(stream, _LENGTH.size))
    return pickle.loads(_read(stream, length))  # noqa: S301 (see above)


def pass_greeting(stream: IO[bytes]) -> None:
    """Read up to the end of the greeting.

    Raises:
        EOFError: It never came.
    """
    seen = b""
    while not seen.endswith(GREETING):
        seen = (seen + _read(stream, 1))[-len(GREETING):]


def _read(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data
