"""How this program and its child processes speak: pickled records over pipes, each after its length.

Both ends are processes of the same program, started by each other: nothing else can write to these pipes.
"""

from __future__ import annotations

import pickle
import struct
from typing import IO

_LENGTH = struct.Struct("<Q")

GREETING = b"\0faceswap worker\n"
"""First of all from a child, so that what start-up scripts of Python may print before it can be passed over."""


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
