"""Reads GIF: stills and animations, one composited frame at a time, with the palette form of each where it has one.

Only the compressed pixels of each image block go through Pillow; container and composition are ours, because
Pillow hands out later frames as RGB (the palette is lost) and keeps the screen's background colour.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from faceswap_cli.errors import InputError
from faceswap_cli.image import Plane
from faceswap_cli.media.delta import Window
from faceswap_cli.media.frame import ClipInfo, Frame
from faceswap_cli.media.gif import lzw
from faceswap_cli.media.gif.blocks import BACKGROUND, PREVIOUS, GifBlocks, GifImage, parse_gif
from faceswap_cli.media.gif.canvas import GREY_RAMP, ColourTable, GifCanvas
from faceswap_cli.media.handles import FileReader
from faceswap_cli.media.limits import check_pixels
from faceswap_cli.options import MediaFormat, MediaOptions

_MOST_TILES = 1000
"""More images than this are never taken for tiles: every pair is compared."""


class GifReader(FileReader):
    """An open GIF. A delay of 0 is handed out as 0 (browsers show such frames for 0.1 s)."""

    def _look(self, options: MediaOptions) -> ClipInfo:
        self._blocks = parse_gif(self._file, self._name)
        self._mend_screen()
        self._still = _is_tiled_still(self._blocks)
        self._check(options)
        self._tables: dict[bytes, ColourTable] = {}
        self._check_end()
        repeats = self._blocks.repeats
        return ClipInfo(
            format=MediaFormat.GIF, width=self._blocks.width, height=self._blocks.height,
            frame_count=1 if self._still else len(self._blocks.images),
            # The extension counts repeats after the first showing.
            loop=None if repeats is None else 0 if repeats == 0 else repeats + 1,
            mode="P", lossless=True, warnings=tuple(self._blocks.warnings))

    def frames(self) -> Iterator[Frame]:
        """All frames in order; may be called once."""
        canvas = GifCanvas(self._blocks.width, self._blocks.height)
        last = len(self._blocks.images) - 1
        for number, image in enumerate(self._blocks.images):
            before = canvas.snapshot() if image.disposal == PREVIOUS and number < last else None
            window, inner = _clip(image, self._blocks)
            if window is not None:
                indices, known = self._decode(number)
                canvas.draw(window, indices[inner], self._table(image), image.transparent,
                            None if known is None else known[inner])
            if not self._still or number == last:
                yield canvas.frame(Fraction(image.delay, 100))
            if before is not None:
                canvas = before
            elif image.disposal == BACKGROUND and window is not None:
                canvas.erase(window, image.transparent)

    def _mend_screen(self) -> None:
        """A screen without a size takes that of the first image, as browsers do."""
        blocks, first = self._blocks, self._blocks.images[0]
        if not blocks.width or not blocks.height:
            blocks.width = blocks.width or first.left + first.width
            blocks.height = blocks.height or first.top + first.height
            blocks.warnings.append("the screen has no size; that of the first image was taken")

    def _check(self, options: MediaOptions) -> None:
        blocks = self._blocks
        check_pixels(blocks.width, blocks.height, 1 if self._still else len(blocks.images), options, self._name)
        for image in blocks.images:
            rows = self._rows(image)
            if image.width and rows:
                check_pixels(image.width, rows, 1, options, self._name)

    def _check_end(self) -> None:
        """A file may end before its trailer, not within the pixels of its last image."""
        last = len(self._blocks.images) - 1
        image = self._blocks.images[last]
        if image.cut and image.width and self._rows(image):
            _, known = self._decode(last)
            if known is not None:
                raise InputError(f"{self._name} is cut off within image {last + 1}", advice="get the file again")

    def _rows(self, image: GifImage) -> int:
        """How many rows of an image must be decoded: those below the screen only where they are interlaced."""
        return image.height if image.interlaced else max(0, min(image.height, self._blocks.height - image.top))

    def _decode(self, number: int) -> tuple[Plane, Plane | None]:
        image = self._blocks.images[number]
        try:
            self._file.seek(image.data_at)
            data = self._file.read(image.data_size)
            return lzw.decode(data, image.code_size, image.width, self._rows(image), image.interlaced)
        except (OSError, ValueError) as error:
            raise InputError(f"{self._name} is damaged in image {number + 1}: {error}",
                             advice="get the file again") from error

    def _table(self, image: GifImage) -> ColourTable:
        """The palette of an image; equal palettes are one object."""
        raw = self._blocks.palette
        if image.palette_size:
            self._file.seek(image.palette_at)
            raw = self._file.read(3 * image.palette_size)
        if not raw:
            return GREY_RAMP
        if raw not in self._tables:
            while len(self._tables) >= 2:  # the global one, most likely, and the last local one
                del self._tables[next(reversed(self._tables))]
            self._tables[raw] = ColourTable(raw)
        return self._tables[raw]


def _clip(image: GifImage, blocks: GifBlocks) -> tuple[Window | None, Window]:
    """The part of the screen that an image covers (None: no part), and the part of the image that is on the screen."""
    rows = max(0, min(image.height, blocks.height - image.top))
    columns = max(0, min(image.width, blocks.width - image.left))
    inner = (slice(0, rows), slice(0, columns))
    if not rows or not columns:
        return None, inner
    return (slice(image.top, image.top + rows), slice(image.left, image.left + columns)), inner


def _is_tiled_still(blocks: GifBlocks) -> bool:
    """Whether the images are tiles of one still: the way to keep more than 256 colours in a GIF.

    So they are when there are several, none has a control (a time), none overlaps another and nothing loops.
    """
    images = blocks.images
    if not 2 <= len(images) <= _MOST_TILES or blocks.repeats is not None or any(i.controlled for i in images):
        return False
    return not any(_overlap(one, other) for at, one in enumerate(images) for other in images[at + 1:])


def _overlap(one: GifImage, other: GifImage) -> bool:
    return (one.left < other.left + other.width and other.left < one.left + one.width
            and one.top < other.top + other.height and other.top < one.top + one.height)
