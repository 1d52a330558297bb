"""Which palette a frame of a GIF gets, and the index of each of its pixels.

A frame that comes with its palette form keeps it, bit for bit, outside the pixels that were changed. For those, in
this order, the first that does not look worse:

1. the frame's own palette, dithered;
2. the same palette with the entries that no unchanged pixel uses given to the changed ones;
3. a new palette for the whole frame.

A frame without a palette form, of which only the pixels that differ from what the viewer already sees are painted,
gets an exact palette where 256 colours are enough, else the palette of the frames before while that serves, else a
new one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from faceswap_cli.image import Image, Plane
from faceswap_cli.media.delta import NOWHERE, Mask, Packed, Window, bounds
from faceswap_cli.media.frame import Frame, Indexed
from faceswap_cli.media.gif_canvas import ColourTable, distinct, used_indices
from faceswap_cli.media.palette import PaletteMap, nearest, places, quantise, seen_error

SERVES = 2.0
"""Largest `seen_error` of a palette that serves. A palette of 256 colours made for a portrait has about 1.2, of 64
colours 2.4, of 32 colours 4.1."""

WORTH = 0.7
"""A new palette must bring the error down to this part of it to be worth touching the rest of the frame."""

_FEW = 4
"""With fewer free entries than this nothing is gained by giving them away."""

_FLAT = 16
"""Up to this many colours are a drawing, not a photograph."""

_MAPS = 4
"""How many palettes keep their lookup."""


class Stage(Enum):
    """How the palette of a frame came about."""

    KEPT = "kept"
    EXACT = "exact"
    OWN = "own"
    FREED = "freed"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Painted:
    """A frame in palette form.

    Attributes:
        indices: uint8 (H, W).
        table: Its colours.
        clear: An index that no opaque pixel has, for transparent pixels and those that need not be drawn; None: all
            are taken.
        window: Where the indices stand for the frame's pixels; None: everywhere; an empty one: only where painted.
        stage: Where the palette comes from.
        near: Bool (H, W): which pixels got a colour that is only near; None: none, or all that are painted.
    """

    indices: Plane
    table: ColourTable
    clear: int | None
    window: Window | None
    stage: Stage
    near: Mask | None = None


@dataclass(frozen=True, slots=True)
class _Try:
    error: float
    stage: Stage
    table: ColourTable
    found: Plane


class Painter:
    """Paints the frames of one clip; remembers palettes, so that a clip with one palette pays for its lookup once."""

    def __init__(self) -> None:
        self._maps: dict[tuple[bytes, bytes], PaletteMap] = {}
        self._freed: tuple[bytes, ColourTable, Mask] | None = None
        self._clip: ColourTable | None = None

    def paint_indexed(self, frame: Frame, wanted: Packed, indexed: Indexed) -> Painted | None:
        """Paint a frame that has a palette form.

        Args:
            frame: Its pixels may have been changed after `indexed` was made.
            wanted: uint32 (H, W): its pixels packed, 0 where transparent.
            indexed: Its palette form.

        Returns:
            All pixels painted; None when it needs a transparent index and has none.
        """
        table = ColourTable(np.ascontiguousarray(indexed.palette).tobytes())
        colours = table.packed
        if indexed.transparent is not None:
            colours = colours.copy()
            colours[indexed.transparent] = 0
        changed: Mask = wanted != colours[indexed.indices]
        if not changed.any():
            clear = _clear(indexed.indices, indexed.transparent, table)
            return Painted(indexed.indices, table, clear, None, Stage.KEPT)
        indices = indexed.indices.copy()
        gone = changed & (wanted == 0)
        if gone.any():
            if indexed.transparent is None:
                return None
            indices[gone] = indexed.transparent
            changed &= ~gone
        if not changed.any():
            return Painted(indices, table, indexed.transparent, None, Stage.KEPT)
        return self._repaint(frame.pixels, indices, table, indexed.transparent, changed)

    def paint_changes(self, frame: Frame, wanted: Packed, changed: Mask, reserve: bool) -> Painted:
        """Paint the pixels of a frame that differ from what is seen already.

        Args:
            frame: The frame.
            wanted: uint32 (H, W): its pixels packed, 0 where transparent.
            changed: bool (H, W): which pixels to paint; the others get `clear`.
            reserve: An index for transparent pixels is needed in any case.
        """
        todo = changed & (wanted != 0)
        colours = wanted[todo]
        few = distinct(colours, 255)
        if few is not None:
            if not few.size:
                return Painted(np.zeros(wanted.shape, np.uint8), self._clip or ColourTable(bytes(6)), 0, NOWHERE,
                               Stage.EXACT)
            if self._clip is not None and self._clip.size < 256:
                order = np.argsort(known := self._clip.packed[:self._clip.size])
                at = np.minimum(np.searchsorted(known[order], few), len(known) - 1)
                if (known[order][at] == few).all():
                    entries = order[at].astype(np.uint8)
                    return self._spread(entries[np.searchsorted(few, colours)], todo, self._clip, Stage.EXACT)
            table = ColourTable.of(few)
            self._clip = self._clip or table
            return self._spread(np.searchsorted(few, colours).astype(np.uint8), todo, table, Stage.EXACT)
        window = bounds(changed)
        inside = wanted[window].ravel()
        few = None if reserve else distinct(inside, 256)
        if few is not None and few[0]:
            indices = np.zeros(wanted.shape, np.uint8)
            indices[window] = np.searchsorted(few, inside).reshape(indices[window].shape)
            return Painted(indices, ColourTable.of(few), None, window, Stage.EXACT)
        pixels = frame.pixels[todo]
        place = places((slice(0, todo.shape[0]), slice(0, todo.shape[1])), todo)
        if self._clip is not None and self._clip.size < 256:
            found = self._map(self._clip).map(pixels, place)
            if _error(frame.pixels, found, self._clip.rgb, todo) <= SERVES:
                return self._spread(found, todo, self._clip, Stage.OWN)
        self._clip = ColourTable(quantise(pixels, 255).tobytes())
        return self._spread(self._map(self._clip).map(pixels, place), todo, self._clip, Stage.NEW)

    def _spread(self, found: Plane, todo: Mask, table: ColourTable, stage: Stage) -> Painted:
        indices = np.full(todo.shape, table.size, np.uint8)
        indices[todo] = found
        return Painted(indices, table.reaching(table.size), table.size, NOWHERE, stage)

    def _repaint(self, pixels: Image, indices: Plane, table: ColourTable, transparent: int | None,
                 changed: Mask) -> Painted:
        """Find indices for the changed pixels; `indices` is filled in."""
        window = bounds(changed)
        inner, area = changed[window], pixels[window]
        place = places(window, inner)
        face = area[inner]
        usable = np.ones(table.size, bool)
        if transparent is not None and transparent < table.size:
            usable[transparent] = False
        if not usable.any():
            return self._renew(pixels, indices, table, transparent, changed)
        best: _Try | None = None
        free = _free(indices, table, transparent, changed)
        for stage, chosen, found in self._tries(table, usable, free, face, place):
            error = _error(area, found, chosen.rgb, inner)
            if best is None or error < best.error:
                best = _Try(error, stage, chosen, found)
            if error <= SERVES:
                break
        assert best is not None
        painted = indices.copy()
        painted[changed] = best.found
        kept = Painted(painted, best.table, _clear(painted, transparent, best.table), None, best.stage,
                       changed if best.error else None)
        if best.error <= SERVES:
            return kept
        renewed = self._renew(pixels, indices, table, transparent, changed)
        error = _error(area, renewed.indices[window][inner], renewed.table.rgb, inner)
        return renewed if error <= WORTH * best.error else kept

    def _tries(self, table: ColourTable, usable: Mask, free: Mask, face: npt.NDArray[np.uint8],
               place: npt.NDArray[np.uint8]) -> Iterator[tuple[Stage, ColourTable, Plane]]:
        """Palettes for the changed pixels that leave the others alone, and the indices in each; the gentlest first."""
        slots = np.flatnonzero(free)
        few = distinct(_pack(face), _FLAT)
        if few is not None and len(few) <= len(slots):
            # Flat colours, for which dithering would be a pity: exactly these.
            rgb = table.rgb.copy()
            rgb[slots[:len(few)]] = few.view(np.uint8).reshape(-1, 4)[:, :3]
            own = nearest(face, table.rgb[usable])
            if (table.rgb[usable][own] == face).all():
                yield Stage.OWN, table, np.flatnonzero(usable)[own].astype(np.uint8)
            yield Stage.FREED, ColourTable(rgb.tobytes()), slots[np.searchsorted(few, _pack(face))].astype(np.uint8)
        yield Stage.OWN, table, self._map(table, usable).map(face, place)
        if len(slots) < _FEW:
            return
        if self._freed is not None and self._freed[0] == table.raw and not (self._freed[2] & ~free).any():
            # What served the frame before comes first: the face keeps its colours, and the lookup is warm.
            yield Stage.FREED, self._freed[1], self._map(self._freed[1], usable).map(face, place)
        made = quantise(face, len(slots) - 1)  # one is left for pixels that need not be drawn
        rgb = table.rgb.copy()
        rgb[slots[:len(made)]] = made
        given = np.zeros(table.size, bool)
        given[slots[:len(made)]] = True
        self._freed = (table.raw, ColourTable(rgb.tobytes()), given)
        yield Stage.FREED, self._freed[1], self._map(self._freed[1], usable).map(face, place)

    def _renew(self, pixels: Image, indices: Plane, table: ColourTable, transparent: int | None,
               changed: Mask) -> Painted:
        """A new palette for the whole frame; unchanged pixels get the nearest of it, without new grain."""
        opaque = np.ones(indices.shape, bool) if transparent is None else indices != transparent
        made = quantise(pixels[opaque], 255)
        clear = len(made)
        fresh = ColourTable(made.tobytes())
        moved = np.full(256, clear, np.uint8)
        moved[:table.size] = nearest(table.rgb, made)
        if transparent is not None:
            moved[transparent] = clear
        painted = moved[indices]
        everywhere = (slice(0, indices.shape[0]), slice(0, indices.shape[1]))
        painted[changed] = self._map(fresh).map(pixels[changed], places(everywhere, changed))
        return Painted(painted, fresh.reaching(clear), clear, None, Stage.NEW, opaque)

    def _map(self, table: ColourTable, usable: Mask | None = None) -> PaletteMap:
        key = (table.raw, b"" if usable is None or usable.all() else usable.tobytes())
        found = self._maps.pop(key, None) or PaletteMap(table.rgb, usable)
        self._maps[key] = found  # the last in line is dropped last
        while len(self._maps) > _MAPS:
            del self._maps[next(iter(self._maps))]
        return found


def _pack(pixels: npt.NDArray[np.uint8]) -> Packed:
    """uint8 (M, 3) -> uint32 (M,), opaque."""
    packed = np.full((len(pixels), 4), 255, np.uint8)
    packed[:, :3] = pixels
    return packed.view("<u4").ravel()


def _error(wanted: Image, found: Plane, palette: Image, mask: Mask) -> float:
    if found.size == mask.size:
        return seen_error(wanted, palette[found].reshape(wanted.shape), mask)
    shown = wanted.copy()
    shown[mask] = palette[found]
    return seen_error(wanted, shown, mask)


def _free(indices: Plane, table: ColourTable, transparent: int | None, changed: Mask) -> Mask:
    """The entries that no unchanged pixel uses: bool (N,)."""
    free = ~used_indices(indices, ~changed)[:table.size]
    if transparent is not None and transparent < table.size:
        free[transparent] = False
    return free


def _clear(indices: Plane, transparent: int | None, table: ColourTable) -> int | None:
    """An index for pixels that need not be drawn: the frame's own, or one that no pixel has."""
    if transparent is not None:
        return transparent
    free = np.flatnonzero(~used_indices(indices)[:table.size])
    if free.size:
        return int(free[-1])
    # A table whose size is no power of two is padded in the file: room for one more at no cost.
    return table.size if table.size & (table.size - 1) else None
