"""Which palette a frame of a GIF gets, and the index of each of its pixels.

A frame that comes with its palette form keeps it, bit for bit, outside the pixels that were changed. For those, in
this order, the first that does not look worse:

1. the frame's own palette, dithered;
2. the same palette with the entries that no unchanged pixel uses, and those that it has room for up to 256, given to
   the changed ones;
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
from faceswap_cli.media.gif.canvas import ColourTable, distinct, look_up, paste, used_indices
from faceswap_cli.media.gif.palette import PaletteMap, Spots, nearest, quantise, seen_error, spots

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

_ENOUGH = 1 << 15
"""Pixels that tell which colours a new palette needs. Of larger frames every second, third ... row and column is asked:
a quarter of the pixels of a portrait gives a palette that is 0.02 dB worse."""


class GifStage(Enum):
    """How the palette of a frame came about."""

    KEPT = "kept"
    EXACT = "exact"
    OWN = "own"
    FREED = "freed"
    NEW = "new"


@dataclass(frozen=True, slots=True, kw_only=True)
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
    stage: GifStage
    near: Mask | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Area:
    """The part of a frame that holds all its changed pixels.

    Attributes:
        window: Where it lies.
        mask: bool (h, w): the changed ones.
        wanted: uint32 (h, w): its colours.
        pixels: uint8 (h, w, 3): likewise.
        spots: The same as the lookups of palettes take them.
    """

    window: Window
    mask: Mask
    wanted: Packed
    pixels: Image
    spots: Spots

    @classmethod
    def of(cls, pixels: Image, wanted: Packed, changed: Mask) -> _Area:
        window = bounds(changed)
        mask = changed[window]
        return cls(window=window, mask=mask, wanted=wanted[window], pixels=pixels[window],
                   spots=spots(pixels[window], window, mask))

    def error(self, found: Plane, table: ColourTable) -> float:
        """The `seen_error` of indices (h, w)."""
        return seen_error(self.pixels, _rgb(look_up(table.packed, found)), self.mask)


@dataclass(frozen=True, slots=True)
class _Try:
    """Indices (h, w) for the changed pixels of an area."""

    error: float
    stage: GifStage
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
        changed: Mask = wanted != look_up(colours, indexed.indices)
        if not changed.any():
            clear = _clear(indexed.indices, indexed.transparent, table)
            return Painted(indices=indexed.indices, table=table, clear=clear, window=None, stage=GifStage.KEPT)
        indices = indexed.indices.copy()
        gone = changed & (wanted == 0)
        if gone.any():
            if indexed.transparent is None:
                return None
            indices[gone] = indexed.transparent
            changed &= ~gone
        if not changed.any():
            return Painted(indices=indices, table=table, clear=indexed.transparent, window=None, stage=GifStage.KEPT)
        return self._repaint(frame.pixels, wanted, indices, table, indexed.transparent, changed)

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
                return Painted(indices=np.zeros(wanted.shape, np.uint8), table=self._clip or ColourTable(bytes(6)),
                               clear=0, window=NOWHERE, stage=GifStage.EXACT)
            if self._clip is not None and self._clip.size < 256:
                order = np.argsort(known := self._clip.packed[:self._clip.size])
                at = np.minimum(np.searchsorted(known[order], few), len(known) - 1)
                if (known[order][at] == few).all():
                    entries = order[at].astype(np.uint8)
                    return self._spread(entries[np.searchsorted(few, colours)], todo, self._clip, GifStage.EXACT)
            table = ColourTable.of(few)
            self._clip = self._clip or table
            return self._spread(np.searchsorted(few, colours).astype(np.uint8), todo, table, GifStage.EXACT)
        window = bounds(changed)
        inside = wanted[window].ravel()
        few = None if reserve else distinct(inside, 256)
        if few is not None and few[0]:
            indices = np.zeros(wanted.shape, np.uint8)
            indices[window] = np.searchsorted(few, inside).reshape(indices[window].shape)
            return Painted(indices=indices, table=ColourTable.of(few), clear=None, window=window, stage=GifStage.EXACT)
        area = _Area.of(frame.pixels, wanted, todo)
        if self._clip is not None and self._clip.size < 256:
            found = self._map(self._clip).map(area.spots)
            if area.error(found, self._clip) <= SERVES:
                return self._spread(found[area.mask], todo, self._clip, GifStage.OWN)
        self._clip = ColourTable(quantise(_sample(wanted, todo), 255).tobytes())
        return self._spread(self._map(self._clip).map(area.spots)[area.mask], todo, self._clip, GifStage.NEW)

    def _spread(self, found: Plane, todo: Mask, table: ColourTable, stage: GifStage) -> Painted:
        indices = np.full(todo.shape, table.size, np.uint8)
        indices[todo] = found
        return Painted(indices=indices, table=table.reaching(table.size), clear=table.size, window=NOWHERE, stage=stage)

    def _repaint(self, pixels: Image, wanted: Packed, indices: Plane, table: ColourTable, transparent: int | None,
                 changed: Mask) -> Painted:
        """Find indices for the changed pixels; `indices` is filled in."""
        area = _Area.of(pixels, wanted, changed)
        usable = _usable(table, transparent)
        best: _Try | None = None
        if usable.any():
            for stage, chosen, found in self._tries(table, usable, indices, transparent, changed, area):
                error = area.error(found, chosen)
                if best is None or error < best.error:
                    best = _Try(error, stage, chosen, found)
                if error <= SERVES:
                    break
        if best is None or best.error > SERVES:
            opaque = wanted != 0
            made = ColourTable(quantise(_sample(wanted, opaque), 255).tobytes())
            found = self._map(made).map(area.spots)
            if best is None or area.error(found, made) <= WORTH * best.error:
                return _renewed(indices, table, made, transparent, area, found, opaque)
        paste(indices[area.window], best.found, area.mask)
        return Painted(indices=indices, table=best.table, clear=_clear(indices, transparent, best.table), window=None,
                       stage=best.stage, near=changed if best.error else None)

    def _tries(self, table: ColourTable, usable: Mask, indices: Plane, transparent: int | None, changed: Mask,
               area: _Area) -> Iterator[tuple[GifStage, ColourTable, Plane]]:
        """Palettes for the changed pixels that leave the others alone, and the indices in each; the gentlest first."""
        few = distinct(area.wanted[area.mask], _FLAT)
        if few is not None:
            # Flat colours, for which dithering would be a pity: exactly these.
            colours = few.view(np.uint8).reshape(-1, 4)[:, :3]
            places = np.searchsorted(few, area.wanted).clip(max=len(few) - 1)
            slots = np.flatnonzero(_free(indices, transparent, changed))
            if len(few) <= len(slots):
                own = np.flatnonzero(usable)[nearest(colours, table.rgb[usable])].astype(np.uint8)
                if (table.rgb[own] == colours).all():
                    yield GifStage.OWN, table, own[places]
                yield GifStage.FREED, _with_entries(table, slots, colours), slots.astype(np.uint8)[places]
        yield GifStage.OWN, table, self._map(table, usable).map(area.spots)
        free = _free(indices, transparent, changed)
        slots = np.flatnonzero(free)
        if len(slots) < _FEW:
            return
        if self._freed is not None and self._freed[0] == table.raw and not (self._freed[2] & ~free).any():
            # What served the frame before comes first: the face keeps its colours, and the lookup is warm.
            before = self._freed[1]
            yield GifStage.FREED, before, self._map(before, _usable(before, transparent)).map(area.spots)
        # One is left for pixels that need not be drawn.
        made = quantise(_rgb(area.wanted[area.mask]), len(slots) - 1)
        given = np.zeros(256, bool)
        given[slots[:len(made)]] = True
        grown = _with_entries(table, slots, made)
        self._freed = (table.raw, grown, given)
        yield GifStage.FREED, grown, self._map(grown, _usable(grown, transparent)).map(area.spots)

    def _map(self, table: ColourTable, usable: Mask | None = None) -> PaletteMap:
        key = (table.raw, b"" if usable is None or usable.all() else usable.tobytes())
        found = self._maps.pop(key, None) or PaletteMap(table.rgb, usable)
        self._maps[key] = found  # the last in line is dropped last
        while len(self._maps) > _MAPS:
            del self._maps[next(iter(self._maps))]
        return found


def _renewed(indices: Plane, table: ColourTable, made: ColourTable, transparent: int | None, area: _Area, found: Plane,
             opaque: Mask) -> Painted:
    """A new palette for the whole frame; unchanged pixels get the nearest of it, without new grain."""
    clear = made.size
    moved = np.full(256, clear, np.uint8)
    moved[:table.size] = nearest(table.rgb, made.rgb)
    if transparent is not None:
        moved[transparent] = clear
    painted = look_up(moved, indices)
    paste(painted[area.window], found, area.mask)
    return Painted(indices=painted, table=made.reaching(clear), clear=clear, window=None, stage=GifStage.NEW,
                   near=opaque)


def _rgb(packed: Packed) -> npt.NDArray[np.uint8]:
    """Packed pixels (...) as uint8 (..., 3)."""
    import cv2

    pixels = cv2.cvtColor(packed.view(np.uint8).reshape(1, -1, 4), cv2.COLOR_RGBA2RGB)
    return np.asarray(pixels, np.uint8).reshape(*packed.shape, 3)


def _sample(wanted: Packed, mask: Mask) -> npt.NDArray[np.uint8]:
    """Pixels of a mask that is not empty, fewer of many: uint8 (M, 3)."""
    step = max(1, round((np.count_nonzero(mask) / _ENOUGH) ** 0.5))
    found = wanted[::step, ::step][mask[::step, ::step]]
    return _rgb(found if found.size else wanted[mask])


def _usable(table: ColourTable, transparent: int | None) -> Mask:
    """The entries that stand for a colour: bool (N,)."""
    usable = np.ones(table.size, bool)
    if transparent is not None and transparent < table.size:
        usable[transparent] = False
    return usable


def _free(indices: Plane, transparent: int | None, changed: Mask) -> Mask:
    """The entries that no unchanged pixel uses, also those that the palette could have: bool (256,)."""
    free = ~used_indices(indices, ~changed)
    if transparent is not None:
        free[transparent] = False
    return free


def _with_entries(table: ColourTable, slots: npt.NDArray[np.intp], colours: npt.NDArray[np.uint8]) -> ColourTable:
    """The table with `colours` (uint8 (N, 3)) in the first N of `slots`, grown where they lie beyond its end."""
    taken = slots[:len(colours)]
    rgb = table.reaching(int(taken.max())).rgb.copy()
    rgb[taken] = colours
    return ColourTable(rgb.tobytes())


def _clear(indices: Plane, transparent: int | None, table: ColourTable) -> int | None:
    """An index for pixels that need not be drawn: the frame's own, or one that no pixel has."""
    if transparent is not None:
        return transparent
    free = np.flatnonzero(~used_indices(indices)[:table.size])
    if free.size:
        return int(free[-1])
    # A table whose size is no power of two is padded in the file: room for one more at no cost.
    return table.size if table.size & (table.size - 1) else None
