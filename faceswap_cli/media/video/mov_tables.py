"""What the tables of an MP4 or MOV say that FFmpeg does not hand on: where tracks end, and whether fragments are whole.

Source: ISO/IEC 14496-12: boxes, edit lists, segment indexes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

_MAX_TABLE = 1 << 16
"""Bytes that are read of one of the small boxes looked at here."""

_MAX_BOXES = 200_000
_FRAGMENT_BOXES = frozenset({b"moof", b"mdat"})


@dataclass(slots=True)
class MovTables:
    """What was found.

    Attributes:
        whole: No fragment, and nothing that an index promises, lies beyond the end of the file.
        fragmented: More frames follow than the tables at the beginning tell of.
        ends: Seconds at which the edit list of a track ends what is shown, by the number of the track.
        unit: Seconds in which these are counted: they are rounded to it.
    """

    whole: bool = True
    fragmented: bool = False
    ends: dict[int, Fraction] = field(default_factory=dict)
    unit: Fraction = Fraction(1, 1000)


def read_mov_tables(path: Path) -> MovTables:
    """Walk over the boxes of a file; what is damaged is passed over.

    Raises:
        OSError: It cannot be read.
    """
    tables = MovTables()
    with path.open("rb") as file:
        size = file.seek(0, 2)
        for kind, start, end in _boxes(file, 0, size):
            if kind == b"moov":
                _read_movie(file, start, min(end, size), tables)
            elif kind == b"sidx" and end <= size:
                tables.whole &= _indexed_end(file, start, end) <= size
            elif kind in _FRAGMENT_BOXES and end > size and tables.fragmented:
                tables.whole = False
    return tables


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, and where the content begins and ends; the last may end beyond `end`."""
    for _ in range(_MAX_BOXES):
        file.seek(start)
        head = file.read(16)
        if start + 8 > end or len(head) < 8:
            return
        size, kind = struct.unpack(">I4s", head[:8])
        body = start + 8
        if size == 1 and len(head) == 16:
            size, body = int.from_bytes(head[8:], "big"), start + 16
        elif size == 0:
            size = end - start
        if size < body - start:
            return
        yield kind, body, start + size
        start += size


def _read_movie(file: BinaryIO, start: int, end: int, tables: MovTables) -> None:
    """Fill in what the movie's own boxes tell."""
    durations: dict[int, int] = {}
    for kind, body, stop in _boxes(file, start, end):
        if kind == b"mvhd":
            data = _table(file, body, stop)
            at = 20 if data[:1] == b"\x01" else 12
            scale = int.from_bytes(data[at:at + 4], "big")
            tables.unit = Fraction(1, scale) if scale else tables.unit
        elif kind == b"mvex":
            tables.fragmented = True
        elif kind == b"trak":
            number, duration = _read_track(file, body, stop)
            if duration:
                durations[number] = duration
    if not tables.fragmented:
        tables.ends = {number: duration * tables.unit for number, duration in durations.items()}


def _read_track(file: BinaryIO, start: int, end: int) -> tuple[int, int]:
    """The number of a track, and how long its edit list lasts in units of the movie; 0: it has none."""
    number = duration = 0
    for kind, body, stop in _boxes(file, start, end):
        if kind == b"tkhd":
            data = _table(file, body, stop)
            at = 20 if data[:1] == b"\x01" else 12
            number = int.from_bytes(data[at:at + 4], "big")
        elif kind == b"edts":
            for inner, inside, last in _boxes(file, body, stop):
                if inner == b"elst":
                    duration = _edited(_table(file, inside, last))
    return number, duration


def _edited(data: bytes) -> int:
    wide = data[:1] == b"\x01"
    count = int.from_bytes(data[4:8], "big")
    step, width = (20, 8) if wide else (12, 4)
    starts = range(8, min(8 + count * step, len(data) - width + 1), step)
    durations = [int.from_bytes(data[at:at + width], "big") for at in starts]
    return 0 if 0 in durations or len(durations) < count else sum(durations)


def _indexed_end(file: BinaryIO, start: int, end: int) -> int:
    """The byte behind the last fragment that a segment index refers to."""
    data = _table(file, start, end)
    wide = data[:1] == b"\x01"
    at = 12 + (16 if wide else 8)
    first = data[at - (8 if wide else 4):at]
    count = int.from_bytes(data[at + 2:at + 4], "big")
    references = [int.from_bytes(data[place:place + 4], "big") & 0x7FFFFFFF
                  for place in range(at + 4, min(at + 4 + 12 * count, len(data) - 3), 12)]
    return end + int.from_bytes(first, "big") + sum(references)


def _table(file: BinaryIO, start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(max(0, min(end - start, _MAX_TABLE)))
