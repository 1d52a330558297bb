"""Names of files from a pipe or a file, as bytes, as they come."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO

from faceswap_cli.errors import InputError, UsageError

_LONGEST = 1 << 16
_BLOCK = 1 << 16


def read_names(stream: BinaryIO, *, null: bool = False, origin: str = "standard input") -> Iterator[str]:
    """Names from a pipe or file, as they come: one a line, or with `null` each ended by NUL, as `find -print0` does.

    Names are bytes: what is no UTF-8 survives. Empty names are left out; without `null` so are a byte order mark and
    the CR of lines that end in CRLF.

    Args:
        stream: Binary.
        null: Names end with NUL, and may hold anything else.
        origin: What to call the stream in messages.

    Raises:
        InputError: The stream cannot be read.
        UsageError: It holds no names, by the looks of it.
    """
    ends = b"\0" if null else b"\n"
    first = True
    rest = b""
    try:
        for block in _blocks(stream):
            *complete, rest = (rest + block).split(ends)
            for raw in complete:
                name = _name(raw, null, first, origin)
                first = False
                if name:
                    yield name
            if len(rest) > _LONGEST:
                advice = "are the names separated by lines? then drop -0" if null else "is it a list of names?"
                raise UsageError(f"{origin} has a name of more than {_LONGEST} bytes", advice=advice)
    except OSError as error:
        raise InputError(f"{origin} cannot be read: {error.strerror or error}") from error
    name = _name(rest, null, first, origin)
    if name:
        yield name


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    """What is there, without waiting for more."""
    read = getattr(stream, "read1", stream.read)
    while block := read(_BLOCK):
        yield block


def _name(raw: bytes, null: bool, first: bool, origin: str) -> str:
    if not null:
        if b"\0" in raw:
            raise UsageError(f"{origin} has names that end with NUL", advice="add -0")
        raw = raw.removesuffix(b"\r")
        if first:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
    return os.fsdecode(raw)
