"""Counts the blocks of a Matroska or WebM file, which FFmpeg passes over in silence where they are damaged.

Source: RFC 8794 (EBML), RFC 9559 (Matroska).
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_SEGMENT, _CLUSTER, _BLOCK_GROUP, _SIMPLE_BLOCK, _BLOCK = 0x18538067, 0x1F43B675, 0xA0, 0xA3, 0xA1
_EBML_HEAD, _TRACKS = 0x1A45DFA3, 0x1654AE6B
_TRACK, _TRACK_NUMBER, _TRACK_TYPE, _VIDEO = 0xAE, 0xD7, 0x83, 1
_TOP = frozenset({0x114D9B74, 0x1549A966, _CLUSTER, 0x1654AE6B, 0x1C53BB6B, 0x1941A469, 0x1043A770, 0x1254C367, 0xEC,
                  0xBF})
"""Elements that follow each other in a segment: SeekHead, Info, Cluster, Tracks, Cues, Attachments, Chapters, Tags,
Void, CRC-32."""

_IN_CLUSTER = frozenset({0xE7, 0xA7, 0xAB, _BLOCK_GROUP, _SIMPLE_BLOCK, 0xAF, 0x5854, 0xEC, 0xBF})
"""Timestamp, Position, PrevSize, BlockGroup, SimpleBlock, EncryptedBlock, SilentTracks, Void, CRC-32."""


@dataclass(slots=True)
class MatroskaTables:
    """What was found.

    Attributes:
        whole: The segment, and all in it, lies within the file and follows the rules.
        blocks: Frames of the track asked for, in what could be walked over.
        tracks: Number and type of each track, in the order of the file.
    """

    whole: bool = True
    blocks: int = 0
    tracks: list[tuple[int, int]] = field(default_factory=list)

    def count(self, number: int | None, wanted: int) -> None:
        """Count a block of a track, if it is the one wanted; there must be such a track."""
        self.blocks += number == wanted
        self.whole &= any(number == known for known, _ in self.tracks)


def read_matroska_tables(path: Path, track: int | None = None) -> MatroskaTables:
    """Walk over the elements of a file.

    Args:
        path: The file.
        track: Which track of video, from 0, has its blocks counted; None: only the ends of elements are looked at.

    Raises:
        OSError: It cannot be read.
    """
    tables = MatroskaTables()
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at = 0
        while at < len(data):
            found = _element(data, at)
            if found is None:
                break
            kind, body, end = found
            if kind == _SEGMENT:
                tables.whole = end is None or end <= len(data)
                _walk_segment(data, body, len(data) if end is None else min(end, len(data)), track, tables)
                break
            if kind not in (_EBML_HEAD, *_TOP) or end is None:
                tables.whole = False
                break
            at = end
    return tables


def _walk_segment(data: mmap.mmap, start: int, stop: int, track: int | None, tables: MatroskaTables) -> None:
    at = start
    while at < stop:
        found = _element(data, at)
        if found is None or found[0] not in _TOP:
            tables.whole &= at >= stop
            return
        kind, body, end = found
        if end is not None and end > stop:
            tables.whole = False
        if kind == _TRACKS and end is not None:
            tables.tracks += _tracks(data, body, min(end, stop))
        if kind == _CLUSTER and (track is not None or end is None):
            at = _walk_cluster(data, body, stop if end is None else min(end, stop), end is None, track, tables)
        elif end is None:
            tables.whole = False
            return
        else:
            at = end


def _walk_cluster(data: mmap.mmap, start: int, stop: int, live: bool, track: int | None,
                  tables: MatroskaTables) -> int:
    """Count blocks; returns where the cluster ends, which a live one (of unknown size) does at the next."""
    at = start
    videos = [number for number, kind in tables.tracks if kind == _VIDEO]
    wanted = videos[track] if track is not None and track < len(videos) else -1
    while at < stop:
        found = _element(data, at)
        if live and found is not None and found[0] in _TOP - _IN_CLUSTER:
            return at
        if found is None or found[0] not in _IN_CLUSTER or found[2] is None or found[2] > stop:
            tables.whole = False
            return stop
        kind, body, end = found[0], found[1], found[2]
        if kind == _SIMPLE_BLOCK:
            tables.count(_number(data, body)[0], wanted)
        elif kind == _BLOCK_GROUP:
            for inner, inside, _ in _children(data, body, end):
                if inner == _BLOCK:
                    tables.count(_number(data, inside)[0], wanted)
        at = end
    return at


def _children(data: mmap.mmap, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
    """Kind, begin and end of what lies in an element, as far as it is whole."""
    while start < stop:
        found = _element(data, start)
        if found is None or found[2] is None or found[2] > stop:
            return
        yield found[0], found[1], found[2]
        start = found[2]


def _tracks(data: mmap.mmap, start: int, stop: int) -> list[tuple[int, int]]:
    found = []
    for kind, body, end in _children(data, start, stop):
        if kind == _TRACK:
            told = {inner: int.from_bytes(data[at:last], "big") for inner, at, last in _children(data, body, end)
                    if inner in (_TRACK_NUMBER, _TRACK_TYPE)}
            found.append((told.get(_TRACK_NUMBER, 0), told.get(_TRACK_TYPE, 0)))
    return found


def _element(data: mmap.mmap, at: int) -> tuple[int, int, int | None] | None:
    """Kind of an element, where its content begins, and where it ends, None = not told; None: there is none."""
    if at >= len(data) or not data[at]:
        return None
    width = 9 - data[at].bit_length()
    if width > 4 or at + width >= len(data):
        return None
    kind = int.from_bytes(data[at:at + width], "big")
    size, body = _number(data, at + width)
    if body == 0:
        return None
    return kind, body, None if size is None else body + size


def _number(data: mmap.mmap, at: int) -> tuple[int | None, int]:
    """A number of variable width, None = unknown, and where it ends; 0: it is cut off."""
    if at >= len(data) or not data[at]:
        return None, 0
    width = 9 - data[at].bit_length()
    if at + width > len(data):
        return None, 0
    value = int.from_bytes(data[at:at + width], "big") & ((1 << 7 * width) - 1)
    return (None if value == (1 << 7 * width) - 1 else value), at + width
