"""Writes GIF, one frame at a time: only what differs from what the viewer sees, with the palette that serves.

One frame is held back, because how it makes room for the next (its disposal) must be said with it. Frames that look
alike stay frames of their own: their number and times are the source's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceswap_cli.image import Plane
from faceswap_cli.media.delta import NOWHERE, Mask, Packed, Window, bounds
from faceswap_cli.media.frame import ClipInfo, Frame
from faceswap_cli.media.gif import lzw
from faceswap_cli.media.gif.blocks import BACKGROUND, KEEP, PREVIOUS
from faceswap_cli.media.gif.canvas import OPAQUE, distinct, paste
from faceswap_cli.media.gif.paint import GifStage, Painted, Painter
from faceswap_cli.media.handles import FileWriter, FrameClock
from faceswap_cli.media.marks.provenance import gif_xmp_extension

MAX_DELAY = 65535
"""Delays are 16-bit numbers, in centiseconds."""

_MAX_REPEATS = 65535

_SAMPLE = 1 << 12
"""About so many pixels, of rows evenly spread, are encoded both ways to see which is smaller: the choice was right for
each frame of three noisy clips."""

_OPAQUE_FROM = 128
"""GIF knows no half transparency: alpha from here on is opaque."""


@dataclass(frozen=True, slots=True)
class _View:
    """What the viewer sees: the pixels that were wanted, and their palette form where all have one."""

    wanted: Packed
    indices: Plane | None = None
    palette: bytes = b""


@dataclass(slots=True, kw_only=True)
class _Pending:
    """A frame that waits for the next one."""

    frame: Frame
    base: _View
    view: _View
    changed: Mask
    painted: Painted
    window: Window
    delay: int
    first: bool


class GifWriter(FileWriter):
    """A GIF being written.

    Attributes:
        stages: How the palettes of the frames came about, by number of frames.
    """

    def _begin(self, like: ClipInfo) -> None:
        self._size = (like.height, like.width)
        self._painter = Painter()
        self._clock = FrameClock(100)
        self._pending: _Pending | None = None
        self._global = b""
        self.stages: dict[GifStage, int] = dict.fromkeys(GifStage, 0)

    def _add(self, frame: Frame) -> None:
        wanted = _packed(frame)
        base = _View(np.zeros(self._size, np.uint32))
        if self._pending is not None:
            base = self._settle(self._pending, frame, wanted)
        first = self._pending is None
        self._pending = self._paint(frame, wanted, base, first, self._clock.tick(frame.duration))

    def _finish(self) -> None:
        if self._pending is not None:
            self._flush(self._pending, KEEP, self._pending.window)
        if self._mark is not None:
            self._out.file.write(gif_xmp_extension(self._mark))
        self._out.file.write(b";")

    def _paint(self, frame: Frame, wanted: Packed, base: _View, first: bool, delay: int,
               reserve: bool = False) -> _Pending:
        changed = wanted != base.wanted
        painted = None
        if frame.indexed is not None:
            painted = self._painter.paint_indexed(frame, wanted, frame.indexed)
        if painted is None:
            painted = self._painter.paint_changes(frame, wanted, changed, reserve)
        elif base.indices is not None and base.palette == painted.table.raw:
            # Two entries of a palette may have one colour: the indices are kept too.
            changed |= painted.indices != base.indices
        view = _View(wanted) if painted.window is not None else _View(wanted, painted.indices, painted.table.raw)
        # Viewers disagree about what lies outside a first image: it covers the screen.
        window = (slice(0, self._size[0]), slice(0, self._size[1])) if first else bounds(changed)
        return _Pending(frame=frame, base=base, view=view, changed=changed, painted=painted, window=window, delay=delay,
                        first=first)

    def _settle(self, pending: _Pending, following: Frame, wanted: Packed) -> _View:
        """Choose how `pending` makes room for the following frame, write it, and say what is seen then."""
        seen = pending.view.wanted
        lost = (wanted == 0) & (seen != 0)
        todo = wanted != seen
        count = int(np.count_nonzero(todo))
        stays = not lost.any()
        exact = following.indexed is not None or _exact(wanted, todo)
        if stays and exact and 4 * count <= wanted.size:
            self._flush(pending, KEEP, pending.window)
            return pending.view
        choices: list[tuple[bool, int, int, Window, _View]] = []
        if stays:
            choices.append((not exact, count, KEEP, pending.window, pending.view))
        before = pending.base
        if not pending.first and pending.delay <= MAX_DELAY and not ((wanted == 0) & (before.wanted != 0)).any():
            todo = wanted != before.wanted
            exact = following.indexed is not None or _exact(wanted, todo)
            # Going back is worth it only where it saves much: most programs write frames that stay.
            choices.append((not exact, 2 * int(np.count_nonzero(todo)), PREVIOUS, pending.window, before))
        window = _union(pending.window, bounds(lost))
        if window != NOWHERE and (not stays or all(choice[0] for choice in choices)):
            cleared = _View(seen.copy())
            cleared.wanted[window] = 0
            todo = wanted != cleared.wanted
            exact = following.indexed is not None or _exact(wanted, todo)
            choices.append((not exact, 2 * int(np.count_nonzero(todo)), BACKGROUND, window, cleared))
        _, _, disposal, window, view = min(choices, key=lambda choice: choice[:3])
        self._flush(pending, disposal, window)
        return view

    def _flush(self, pending: _Pending, disposal: int, window: Window) -> None:
        if window == NOWHERE:
            window = (slice(0, 1), slice(0, 1))
        painted = pending.painted
        if painted.clear is None and painted.window is not None and not _within(window, painted.window):
            # All 256 entries are taken, and pixels beyond must be named to be cleared.
            painted = self._paint(pending.frame, pending.view.wanted, pending.base, pending.first, 0, True).painted
        self.stages[painted.stage] += 1
        with self._out.writing():
            if pending.first:
                source = pending.frame.indexed
                raw = painted.table.raw if source is None else np.ascontiguousarray(source.palette).tobytes()
                self._global = _padded(raw)
                self._out.file.write(self._header())
            image = self._image(pending, painted, window)
            clear = painted.clear
            delay = pending.delay
            while delay > MAX_DELAY:
                self._out.file.write(_control(KEEP, MAX_DELAY, clear) + image)
                delay -= MAX_DELAY
            self._out.file.write(_control(disposal, delay, clear) + image)

    def _header(self) -> bytes:
        height, width = self._size
        bits = (len(self._global) // 3).bit_length() - 1
        header = (b"GIF89a" + width.to_bytes(2, "little") + height.to_bytes(2, "little")
                  + bytes([0xF0 | bits - 1, 0, 0]) + self._global)
        loop = self._like.loop
        # The extension counts repeats after the first showing; playing once is said by leaving it out.
        if loop is not None and loop != 1:
            repeats = min(max(loop - 1, 0), _MAX_REPEATS)
            header += b"\x21\xff\x0bNETSCAPE2.0\x03\x01" + repeats.to_bytes(2, "little") + b"\0"
        return header

    def _image(self, pending: _Pending, painted: Painted, window: Window) -> bytes:
        """The image block: descriptor, palette if it is not the global one, pixels."""
        table = painted.table if painted.clear is None else painted.table.reaching(painted.clear)
        palette = _padded(table.raw)
        local = b""
        if not self._global.startswith(table.raw):
            local = palette
        else:
            palette = self._global
        bits = (len(palette) // 3).bit_length() - 1
        rows, columns = window
        head = b"," + b"".join(value.to_bytes(2, "little") for value in (
            columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start))
        head += bytes([0x80 | bits - 1]) + local if local else b"\0"
        # With another palette, what stands still and is only near would be drawn again with other grain, and flicker.
        steady = (painted.near is None or painted.table.raw == pending.base.palette
                  or not (painted.near[window] & ~pending.changed[window]).any())
        return head + self._smallest(pending.changed[window], painted, window, max(2, bits), steady)

    @staticmethod
    def _smallest(changed: Mask, painted: Painted, window: Window, code_size: int, steady: bool) -> bytes:
        """Encode the window whole, or with what is seen already left out, whichever is smaller."""
        indices = painted.indices[window]
        whole = steady and (painted.window is None or _within(window, painted.window))
        if painted.clear is None:
            return lzw.encode(indices, code_size)
        part = np.count_nonzero(changed) / changed.size
        # Near the ends the answer is known; between them a part of the rows tells it: encoding is what a frame costs.
        if whole and part > 0.75:
            return lzw.encode(indices, code_size)
        if whole and part >= 0.25:
            rows = slice(None, None, max(1, indices.size // _SAMPLE))
            some = _sparse(indices[rows], changed[rows], painted.clear)
            if len(lzw.encode(indices[rows], code_size)) <= len(lzw.encode(some, code_size)):
                return lzw.encode(indices, code_size)
        return lzw.encode(_sparse(indices, changed, painted.clear), code_size)


def _sparse(indices: Plane, changed: Mask, clear: int) -> Plane:
    """The indices of what changed, `clear` elsewhere."""
    found = np.full(indices.shape, clear, np.uint8)
    paste(found, indices, changed)
    return found


def _packed(frame: Frame) -> Packed:
    """The pixels as uint32 (H, W), 0 where transparent."""
    import cv2

    packed = np.asarray(cv2.cvtColor(np.ascontiguousarray(frame.pixels), cv2.COLOR_RGB2RGBA)).view(np.uint32)[..., 0]
    if frame.alpha is not None:
        packed[frame.alpha < _OPAQUE_FROM] = 0
    return packed


def _padded(raw: bytes) -> bytes:
    """A palette filled up to a power of two of entries, two at least."""
    size = max(2, 1 << (len(raw) // 3 - 1).bit_length())
    return raw.ljust(3 * size, b"\0")


def _control(disposal: int, delay: int, clear: int | None) -> bytes:
    flags = disposal << 2 | (clear is not None)
    return b"\x21\xf9\x04" + bytes([flags]) + delay.to_bytes(2, "little") + bytes([clear or 0]) + b"\0"


def _exact(wanted: Packed, todo: Mask) -> bool:
    """Whether the pixels to be drawn can have a palette of their own."""
    if distinct(wanted[todo], 255) is not None:
        return True
    inside = distinct(wanted[bounds(todo)].ravel(), 256)
    return inside is not None and bool(inside[0] >= OPAQUE)


def _union(one: Window, other: Window) -> Window:
    if other == NOWHERE:
        return one
    if one == NOWHERE:
        return other
    rows, columns = (slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(one, other, strict=True))
    return rows, columns


def _within(inner: Window, outer: Window) -> bool:
    return all(a.start >= b.start and a.stop <= b.stop for a, b in zip(inner, outer, strict=True))
