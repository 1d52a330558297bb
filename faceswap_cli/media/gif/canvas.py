"""What a viewer of a GIF sees: image blocks composited, as colours and, as long as 256 suffice, as palette indices.

The background is transparent, as in browsers, whatever the background colour of the screen says.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from faceswap_cli.image import Plane
from faceswap_cli.media.delta import Mask, Packed, Window
from faceswap_cli.media.frame import Frame, Indexed

OPAQUE = np.uint32(0xFF000000)


@dataclass(frozen=True)
class ColourTable:
    """A palette: 3 bytes an entry, 1..256 entries."""

    raw: bytes

    @cached_property
    def packed(self) -> Packed:
        """uint32 (256,); entries that the table does not have are black."""
        table = np.full(256, OPAQUE, np.uint32)
        rgb = np.frombuffer(self.raw, np.uint8).reshape(-1, 3).astype(np.uint32)
        table[:len(rgb)] |= rgb[:, 0] | rgb[:, 1] << 8 | rgb[:, 2] << 16
        return table

    @cached_property
    def rgb(self) -> npt.NDArray[np.uint8]:
        """uint8 (N, 3)."""
        return np.frombuffer(self.raw, np.uint8).reshape(-1, 3)

    @property
    def size(self) -> int:
        """Number of entries."""
        return len(self.raw) // 3

    def reaching(self, index: int) -> ColourTable:
        """A table that has an entry for `index`, black where this one has none."""
        return self if index < self.size else ColourTable(self.raw.ljust(3 * (index + 1), b"\0"))

    @classmethod
    def of(cls, packed: Packed) -> ColourTable:
        """The table of packed colours (N,)."""
        return cls(packed.astype("<u4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes())


GREY_RAMP = ColourTable(bytes(value for value in range(256) for _ in range(3)))
"""Stands in where a file has no palette at all."""


@dataclass(slots=True)
class _Paletted:
    """The palette form of the canvas. `clear` is the index of transparent pixels, None when there cannot be any."""

    indices: Plane
    table: ColourTable
    clear: int | None


class GifCanvas:
    """The screen of a GIF while its images are drawn one after the other."""

    def __init__(self, width: int, height: int) -> None:
        """An empty, transparent screen of `width` x `height` pixels."""
        self._colours: Packed = np.zeros((height, width), np.uint32)
        self._paletted: _Paletted | None = None
        self._empty = True

    def draw(self, window: Window, indices: Plane, table: ColourTable, transparent: int | None,
             known: Plane | None = None) -> None:
        """Put one image on the screen.

        Args:
            window: Where; within the screen.
            indices: uint8, of the size of `window`.
            table: Colours of the indices.
            transparent: Index that lets the screen show through, or None.
            known: uint8 like `indices`: 0 where the file has no pixel, None: all are there.
        """
        mask = None if known is None else known != 0
        if transparent is not None:
            seen = indices != transparent
            mask = seen if mask is None else mask & seen
        if mask is not None and mask.all():
            mask = None
        if table.size < 256:
            table = table.reaching(int(indices.max()))
        self._draw_indices(window, indices, mask, table, transparent)
        target, colours = self._colours[window], look_up(table.packed, indices)
        if mask is None:
            target[...] = colours
        else:
            paste(target, colours, mask)
        self._empty = False

    def erase(self, window: Window, preferred: int | None) -> None:
        """Make `window` transparent; `preferred` is a likely index for that, if it is free."""
        self._colours[window] = 0
        self._empty = not self._colours.any()
        state = self._paletted
        if self._empty:
            self._paletted = None
        elif state is not None:
            if state.clear is None:
                state.clear = _free_index(used_indices(state.indices, self._colours != 0), state.table.size, preferred)
            if state.clear is None:
                self._paletted = None
            else:
                state.table = state.table.reaching(state.clear)
                state.indices[window] = state.clear

    def snapshot(self) -> GifCanvas:
        """A copy to return to."""
        copy = GifCanvas.__new__(GifCanvas)
        copy._colours, copy._empty = self._colours.copy(), self._empty
        state = self._paletted
        copy._paletted = None if state is None else replace(state, indices=state.indices.copy())
        return copy

    def frame(self, duration: Fraction) -> Frame:
        """What is seen now, as arrays of its own."""
        import cv2

        height, width = self._colours.shape
        rgba = self._colours.view(np.uint8).reshape(height, width, 4)
        alpha = None if self._colours.all() else rgba[..., 3].copy()
        if self._paletted is None:
            self._paletted = _few_colours(self._colours)
        indexed = None
        if self._paletted is not None:
            state = self._paletted
            indexed = Indexed(state.indices.copy(), state.table.rgb, None if alpha is None else state.clear)
        pixels = np.asarray(cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB), np.uint8)
        return Frame(pixels=pixels, alpha=alpha, duration=duration, indexed=indexed)

    def _draw_indices(self, window: Window, indices: Plane, mask: Mask | None, table: ColourTable,
                      transparent: int | None) -> None:
        """Keep the palette form; called before the colours change."""
        whole = indices.shape == self._colours.shape
        if whole and mask is None:
            self._paletted = _Paletted(indices.copy(), table, None)
            return
        if self._empty:
            clear = _free_index(used_indices(indices, mask), table.size, transparent)
            if clear is None:
                self._paletted = None
                return
            self._paletted = _Paletted(np.full(self._colours.shape, clear, np.uint8), table.reaching(clear), clear)
        state = self._paletted
        if state is None:
            return
        same = table.raw == state.table.raw or state.table.raw.startswith(table.raw)
        if same and (state.clear is None or state.clear == transparent
                     or not used_indices(indices, mask)[state.clear]):
            if mask is None:
                state.indices[window] = indices
            else:
                paste(state.indices[window], indices, mask)
        else:
            self._paletted = _merged(state, window, indices, mask, table)


def _merged(state: _Paletted, window: Window, indices: Plane, mask: Mask | None,
            table: ColourTable) -> _Paletted | None:
    """The palette form after an image with another palette, or None where that takes more than 256 colours.

    Visible indices of the screen stay what they are; colours of the image move to entries that are free.
    """
    both = state.indices.astype(np.uint16)
    region = both[window]
    np.copyto(region, indices.astype(np.uint16) + 256, where=True if mask is None else mask)
    used = np.bincount(both.ravel(), minlength=512) > 0
    old, new = np.flatnonzero(used[:256]), np.flatnonzero(used[256:])
    if not old.size:
        return _Paletted(both.astype(np.uint8), table, None)  # the low byte is the image's own index
    colours = state.table.packed.copy()
    places = {int(colours[index]): int(index) for index in old if index != state.clear}
    free = np.ones(256, bool)
    free[old] = False
    mapping = np.arange(512).astype(np.uint8)
    size = state.table.size
    for index in new:
        colour = int(table.packed[index])
        place = places.get(colour)
        if place is None:
            candidates = np.flatnonzero(free)
            if not candidates.size:
                return None
            place = int(index) if free[index] else int(candidates[0])
            free[place] = False
            places[colour] = place
            colours[place] = colour
            size = max(size, place + 1)
        mapping[256 + index] = place
    clear = state.clear if state.clear is not None and used[state.clear] else None
    return _Paletted(mapping[both], ColourTable.of(colours[:size]), clear)


def _few_colours(colours: Packed) -> _Paletted | None:
    """The palette form of a picture with at most 256 colours, transparent being one of them; None for others."""
    palette = distinct(colours.ravel(), 256)
    if palette is None:
        return None
    indices = np.searchsorted(palette, colours).astype(np.uint8)
    return _Paletted(indices, ColourTable.of(palette), 0 if palette[0] == 0 else None)


def distinct(colours: Packed, limit: int) -> Packed | None:
    """The different colours of packed pixels (M,), rising; None when there are more than `limit` (at most 256)."""
    from PIL import Image

    if not colours.size:
        return np.zeros(0, np.uint32)
    # Pillow counts with a hash table and gives up early: several times faster than sorting.
    picture = Image.frombuffer("RGBA", (colours.size, 1), np.ascontiguousarray(colours), "raw", "RGBA", 0, 1)
    found = picture.getcolors(limit)
    if found is None:
        return None
    rgba = np.array([colour for _, colour in found], np.uint8)
    return np.sort(rgba.view("<u4").ravel())


def look_up(table: npt.NDArray[Any], indices: Plane) -> npt.NDArray[Any]:
    """``table[indices]`` for a table of 256 numbers of 8 or 32 bits."""
    import cv2

    # OpenCV has no unsigned ones of 32 bits; five times as fast as numpy.
    signed = table.view(np.int32) if table.itemsize == 4 else table
    return np.asarray(cv2.LUT(indices, signed)).view(table.dtype)


def paste(target: npt.NDArray[Any], source: npt.NDArray[Any], mask: Mask) -> None:
    """``target[mask] = source[mask]`` for planes of one size, of 8 or 32 bits; `target` may be a window of a plane."""
    import cv2

    # numpy takes seventy times as long where the mask is noise.
    if target.itemsize == 4:
        target, source = target.view(np.int32), source.view(np.int32)
    cv2.copyTo(source, mask.view(np.uint8), target)


def used_indices(indices: Plane, mask: Mask | None = None) -> npt.NDArray[np.bool_]:
    """Which indices a plane has, within a mask if there is one: bool (256,)."""
    import cv2

    inside = None if mask is None else mask.view(np.uint8)
    # Four times as fast as numpy's counting.
    return np.asarray(cv2.calcHist([np.ascontiguousarray(indices)], [0], inside, [256], [0, 256]).ravel() > 0, np.bool_)


def _free_index(used: npt.NDArray[np.bool_], size: int, preferred: int | None) -> int | None:
    """An index that is not used: the preferred one, else one that the table has, else the one after its end."""
    if preferred is not None and not used[preferred]:
        return preferred
    free = np.flatnonzero(~used[:size])
    if free.size:
        return int(free[-1])
    return size if size < 256 else None
