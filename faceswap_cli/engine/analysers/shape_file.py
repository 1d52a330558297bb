"""dlib's files of shape predictors, read into arrays: half a second, once; `shape_cache` keeps what comes of it.

The format (dlib's `serialize`): integers are a byte with sign (bit 7) and length (bits 0..3) and then that many bytes,
least significant first; a float is an integer mantissa and an integer exponent of two; vectors begin with their length,
columns of floats with minus their length and -1. Nothing is aligned or indexed, so where one leaf ends is known only
when it has been read; but the head of a leaf cannot occur within one, so all leaves are found first, and then read
together, number by number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import ldexp
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

FORESTS, TREES, NODES, POINTS = 15, 500, 15, 68
"""Forests in the cascade, trees in each, splits in each tree, landmarks."""

_LEAVES = NODES + 1
_FLOATS = 2 * POINTS
_HEAD = re.compile(rb"\x81\x88\x81\x01")            # -136, -1
_LONGEST = _FLOATS * 8
_WINDOW = 8 << 20

_Bytes = npt.NDArray[np.uint8]
_Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TreeCascade:
    """A cascade of regression trees (Kazemi & Sullivan 2014).

    Attributes:
        shape: float32 (68, 2), the mean shape, where the fit starts; 0..1 within the face's box.
        anchors: int64 (15, 500), the landmark that each looked-up pixel is tied to.
        offsets: float32 (15, 500, 2), where the pixel lies from it.
        first, second: int64 (15, 15, 500), the pixels that node n of tree t compares, by forest.
        thresholds: float32 (15, 15, 500); a tree goes left where first - second is larger.
        leaves: float32 (15, 8000, 136), what is added to the shape; 16 leaves a tree.
    """

    shape: npt.NDArray[np.float32]
    anchors: _Places
    offsets: npt.NDArray[np.float32]
    first: _Places
    second: _Places
    thresholds: npt.NDArray[np.float32]
    leaves: npt.NDArray[np.float32]


def read_shape_file(path: Path) -> TreeCascade:
    """Read a predictor of 68 points.

    Raises:
        ValueError: It is damaged, or of another shape.
        OSError: It cannot be read.
    """
    values = np.empty((1 + FORESTS * TREES * _LEAVES, _FLOATS), np.float32)
    gaps: list[bytes] = []
    count = 0
    rest = b""
    with path.open("rb") as file:
        while count < len(values):
            window = file.read(_WINDOW)
            last = not window
            window = rest + window
            starts = np.array([found.end() for found in _HEAD.finditer(window)], np.int64)
            if not last:
                starts = starts[starts + _LONGEST <= len(window)]
            if not len(starts) or count + len(starts) > len(values):
                raise ValueError("not a shape predictor of 68 points")
            ends = _read_columns(window, starts, values[count:count + len(starts)])
            before = np.append(0, ends[:-1])
            # Ahead of the first leaf of each tree lie its splits.
            for number in range(-(count - 1) % _LEAVES, len(starts), _LEAVES):
                gaps.append(window[before[number]:starts[number] - 4])
            count += len(starts)
            rest = window[ends[-1]:]
        tail = rest + file.read()
    first, second, thresholds = _read_splits(gaps)
    anchors, offsets = _read_pixels(tail)
    return TreeCascade(shape=values[0].reshape(POINTS, 2), anchors=anchors, offsets=offsets, first=first, second=second,
                       thresholds=thresholds, leaves=values[1:].reshape(FORESTS, TREES * _LEAVES, _FLOATS))


def _read_columns(window: bytes, starts: _Places, values: npt.NDArray[np.float32]) -> _Places:
    """Fill `values` (N, 136) with the floats from each start on; where each ends."""
    content = np.frombuffer(window + bytes(_LONGEST), np.uint8)
    place = starts.copy()
    numbers = np.empty(values.shape[::-1], np.float32)
    for row in numbers:
        row[:], place = _floats(content, place)
    values[:] = numbers.T
    if (place > len(window)).any():
        raise ValueError("the file is cut off")
    return place


def _floats(content: _Bytes, place: _Places) -> tuple[npt.NDArray[np.float32], _Places]:
    """The float that begins at each place, and where it ends; at least 8 bytes must follow each."""
    words = sliding_window_view(content, 8)[place].view(np.uint64)[:, 0]
    length = words & np.uint64(15)
    if (length > 3).any():
        raise ValueError("a number is damaged")
    eight = np.uint64(8)
    mantissa = ((words >> eight) & ((np.uint64(1) << eight * length) - np.uint64(1))).astype(np.int32)
    mantissa = np.where(words & np.uint64(128), -mantissa, mantissa)
    words >>= eight * (length + np.uint64(1))
    if ((words & np.uint64(15)) != 1).any():
        raise ValueError("a number is damaged")
    exponent = ((words >> eight) & np.uint64(255)).astype(np.int32)
    exponent = np.where(words & np.uint64(128), -exponent, exponent)
    return np.ldexp(mantissa.astype(np.float32), exponent), place + length.astype(np.int64) + 3


def _small_integers(content: _Bytes, place: _Places) -> tuple[_Places, _Places]:
    """The integer (0..65535) that begins at each place, and where it ends."""
    length = content[place].astype(np.int64)
    if not np.isin(length, (1, 2)).all():
        raise ValueError("a number is damaged")
    low, high = content[place + 1].astype(np.int64), content[place + 2].astype(np.int64)
    return low + np.where(length == 2, high << 8, 0), place + 1 + length


def _read_splits(gaps: list[bytes]) -> tuple[_Places, _Places, npt.NDArray[np.float32]]:
    """The splits of all trees, each from the bytes ahead of its first leaf."""
    if len(gaps) != FORESTS * TREES:
        raise ValueError("trees are missing")
    content = np.frombuffer(b"".join(gaps) + bytes(16), np.uint8)
    ends = np.cumsum([len(gap) for gap in gaps])
    place = np.append(0, ends[:-1])
    # How many forests; how many trees, ahead of each forest; how many splits.
    count, place[:1] = _small_integers(content, place[:1])
    _check(count, FORESTS)
    count, place[::TREES] = _small_integers(content, place[::TREES])
    _check(count, TREES)
    count, place = _small_integers(content, place)
    _check(count, NODES)
    pixels = np.empty((2, NODES, FORESTS * TREES), np.int64)
    thresholds = np.empty((NODES, FORESTS * TREES), np.float32)
    for node in range(NODES):
        for which in (0, 1):
            pixels[which, node], place = _small_integers(content, place)
        thresholds[node], place = _floats(content, place)
    count, place = _small_integers(content, place)
    _check(count, _LEAVES)
    if (place != ends).any() or pixels.max() >= TREES:
        raise ValueError("splits are damaged")
    first, second = (_by_forest(pixels[which]) for which in (0, 1))
    return first, second, _by_forest(thresholds)


def _check(count: _Places, expected: int) -> None:
    if (count != expected).any():
        raise ValueError("not a predictor of this shape")


def _by_forest(table: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """From (nodes, forests * trees) to (forests, nodes, trees)."""
    return np.ascontiguousarray(table.reshape(NODES, FORESTS, TREES).transpose(1, 0, 2))


def _read_pixels(tail: bytes) -> tuple[_Places, npt.NDArray[np.float32]]:
    """The anchors and offsets of the looked-up pixels, at the end of the file."""
    numbers = _integers(tail)
    try:
        # As many pixels as trees, by chance of how the predictor was trained.
        anchors = [[next(numbers) for _ in range(_expect(numbers, TREES))] for _ in range(_expect(numbers, FORESTS))]
        offsets = [[[ldexp(next(numbers), next(numbers)) for _ in "xy"]
                    for _ in range(_expect(numbers, TREES))] for _ in range(_expect(numbers, FORESTS))]
    except StopIteration:
        raise ValueError("the file is cut off") from None
    if next(numbers, None) is not None or not 0 <= np.min(anchors) <= np.max(anchors) < POINTS:
        raise ValueError("the end of the file is damaged")
    return np.array(anchors, np.int64), np.array(offsets, np.float32)


def _expect(numbers: Iterator[int], count: int) -> int:
    if next(numbers) != count:
        raise ValueError("not a predictor of this shape")
    return count


def _integers(content: bytes) -> Iterator[int]:
    """The integers of a run of bytes, one after the other."""
    place = 0
    while place < len(content):
        end = place + 1 + (content[place] & 15)
        value = int.from_bytes(content[place + 1:end], "little")
        yield -value if content[place] & 128 else value
        place = end
