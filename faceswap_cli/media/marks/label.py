"""The visible label: a line of text in the lower right corner of every picture, white on a dark, half-opaque box.

It is drawn by the font inside OpenCV, which has the glyphs of most living scripts but Indic and Thai ones; a character
that it lacks is an error, not a question mark. The box is rendered once for a clip; drawing it blends one small part.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from faceswap_cli.errors import UsageError
from faceswap_cli.image import FloatArray, Image, Plane
from faceswap_cli.media.frame import Frame
from faceswap_cli.text import opt

MAX_CHARACTERS = 200
"""Bound on the text: a label is to be read at a glance."""

_KNOWN = "?\u200c\u200d"
"""Never missing: what stands for the missing, and what joins letters or keeps them apart."""

_SHARE = 0.03
"""Size of the letters, of the shorter side of the picture."""

_LEAST = 10
"""Pixels; smaller letters can hardly be read. Only pictures too small for these get smaller ones, down to half."""

_MOST_HEIGHT = 0.4
"""Of the picture's height that the box may cover."""

_OPACITY = 0.6
"""Of the box: white letters have a contrast of more than 5 to 1 to it over white."""

_WEIGHT = 500
_ASCENT, _DESCENT, _PITCH, _PADDING, _MARGIN = 1.1, 0.4, 1.3, 0.3, 0.5
"""Of the size of the letters: above and below the base line, from line to line, around the text, around the box."""


class Label:
    """A text laid out for pictures of one size."""

    def __init__(self, text: str, width: int, height: int) -> None:
        """Lay the text out and render it.

        Args:
            text: What is shown; lines that are too long are broken, then shrunk.
            width, height: Of the pictures, in pixels.

        Raises:
            UsageError: The text is not UTF-8, empty, too long, has a character without a glyph, or does not fit the
                picture.
        """
        layout = _lay_out(check_label(text), width, height)
        letters = _render(layout)
        rows, columns = letters.shape
        margin = _margin(layout.size, width, height)
        right, bottom = width - margin, height - margin
        self._window = (slice(bottom - rows, bottom), slice(right - columns, right))
        self._shape = (height, width)
        share: FloatArray = letters[..., None].astype(np.float32) / np.float32(255)
        self._opacity: FloatArray = np.float32(_OPACITY) + np.float32(1 - _OPACITY) * share
        """float32 (h, w, 1), 0..1: how much of the picture the label covers."""
        self._paint: FloatArray = np.float32(255) * share
        """float32 (h, w, 1): its light, multiplied by the opacity."""

    def draw(self, image: Image) -> Image:
        """A copy of `image`, uint8 (H, W, 3) RGB of the size that was laid out for, with the label."""
        return self.mark(Frame(pixels=image)).pixels

    def mark(self, frame: Frame) -> Frame:
        """The frame with the label; where the frame is transparent, the label is seen all the same.

        Raises:
            ValueError: It has another size.
        """
        if frame.pixels.shape[:2] != self._shape:
            raise ValueError(f"the label is for pictures of {self._shape}, not {frame.pixels.shape[:2]}")
        pixels, alpha = frame.pixels.copy(), frame.alpha
        part = pixels[self._window]
        if alpha is None:
            part[:] = np.rint(part * (1 - self._opacity) + self._paint).astype(np.uint8)
            return replace(frame, pixels=pixels)
        alpha = alpha.copy()
        below = alpha[self._window].astype(np.float32)[..., None] / 255 * (1 - self._opacity)
        total = below + self._opacity
        part[:] = np.rint((part * below + self._paint) / total).astype(np.uint8)
        alpha[self._window] = np.rint(255 * total[..., 0]).astype(np.uint8)
        return replace(frame, pixels=pixels, alpha=alpha)


def check_label(text: str) -> str:
    """The text as it is drawn: composed (NFC), without spaces around it; line feeds break lines.

    Raises:
        UsageError: It is no text, empty, too long, or has a character that the font lacks.
    """
    # Surrogates stand for bytes that could not be decoded. OpenCV cannot encode them, and crashes.
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise UsageError(f"the text given to {opt('label')} is not UTF-8",
                         advice="write it in UTF-8, and save the script or table that it comes from as UTF-8")
    lines = (" ".join(line.split()) for line in unicodedata.normalize("NFC", text).splitlines())
    tidy = "\n".join(line for line in lines if line)
    if len(tidy) > MAX_CHARACTERS:
        raise UsageError(f"the text given to {opt('label')} has {len(tidy)} characters",
                         advice=f"{MAX_CHARACTERS} are the most")
    strokes = {letter: _stroke(letter, 24) for letter in tidy if letter not in "\n "}
    if not any(stroke.any() for stroke in strokes.values()):
        raise UsageError(f"the text given to {opt('label')} is empty", advice="leave it out, or give one")
    unknown = _stroke("?", 24)  # so OpenCV draws what it has no glyph for
    missing = [letter for letter, stroke in strokes.items() if letter not in _KNOWN
               and (not letter.isprintable() or np.array_equal(stroke, unknown))]
    if missing:
        shown = ", ".join(f"{letter} (U+{ord(letter):04X})" if letter.isprintable() else f"U+{ord(letter):04X}"
                          for letter in missing[:5])
        raise UsageError(f"{opt('label')}: the font has no glyph for {shown}",
                         advice="write the label in other characters")
    return tidy


@dataclass(frozen=True, slots=True)
class _Layout:
    lines: tuple[str, ...]
    size: int
    width: int
    height: int


def _lay_out(text: str, width: int, height: int) -> _Layout:
    """The largest size, up to the usual one, at which the lines fit; raises UsageError: none does."""
    usual = max(_LEAST, round(_SHARE * min(width, height)))
    # First break between words, at any size that can be read; words are cut only where that does not help.
    for cut, sizes in ((False, range(usual, _LEAST - 1, -1)), (True, range(usual, _LEAST // 2 - 1, -1))):
        for size in sizes:
            layout = _break_lines(text, size, width, height, cut)
            if layout is not None:
                return layout
    raise UsageError(f"{opt('label')}: the text does not fit into a picture of {width}x{height}", advice="shorten it")


def _break_lines(text: str, size: int, width: int, height: int, cut: bool) -> _Layout | None:
    """The layout at one size, or None where it does not fit."""
    padding, margin = _padding(size), _margin(size, width, height)
    room = width - 2 * (padding + margin)
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for glue, piece in _pieces(paragraph, size, room, cut):
            joined = line + glue + piece if line else piece
            if line and _length(joined, size) > room:
                lines.append(line)
                joined = piece
            line = joined
        lines.append(line)
    wide = max(_length(line, size) for line in lines)
    tall = round(size * (_ASCENT + _DESCENT + _PITCH * (len(lines) - 1))) + 2 * padding
    if wide > room or tall > min(_MOST_HEIGHT * height, height - 2 * margin):
        return None
    return _Layout(tuple(lines), size, wide + 2 * padding, tall)


def _pieces(paragraph: str, size: int, room: int, cut: bool) -> Iterator[tuple[str, str]]:
    """What may not be broken, each after what stands before it in a line: words, or of too long ones the characters."""
    for word in paragraph.split(" "):
        if cut and _length(word, size) > room:
            yield " ", word[0]
            yield from (("", letter) for letter in word[1:])
        else:
            yield " ", word


def _padding(size: int) -> int:
    return max(1, round(_PADDING * size))


def _margin(size: int, width: int, height: int) -> int:
    return min(round(_MARGIN * size), width // 16, height // 16)


def _length(line: str, size: int) -> int:
    """Pixels that a line takes."""
    import cv2

    end, _ = cv2.putText(np.zeros((1, 1), np.uint8), line, (0, 0), (0,), cv2.FontFace("sans"), size, _WEIGHT,
                         cv2.PUT_TEXT_ALIGN_LEFT, (0, _canvas(line, size)))
    return int(end[0])


def _canvas(line: str, size: int) -> int:
    return (len(line) + 2) * 2 * size  # no glyph is wider than two squares


def _stroke(line: str, size: int) -> Plane:
    """A line of text, uint8 (h, w), with the base line `_ASCENT` sizes below the top."""
    import cv2

    canvas = np.zeros((round(size * (_ASCENT + _DESCENT)), _canvas(line, size)), np.uint8)
    end, _ = cv2.putText(canvas, line, (0, round(_ASCENT * size)), (255,), cv2.FontFace("sans"), size, _WEIGHT,
                         cv2.PUT_TEXT_ALIGN_LEFT, (0, canvas.shape[1]))
    return canvas[:, :max(1, int(end[0]))]


def _render(layout: _Layout) -> Plane:
    """The box with its letters: uint8 (h, w), 255 where a letter is."""
    padding = _padding(layout.size)
    box = np.zeros((layout.height, layout.width), np.uint8)
    for number, line in enumerate(layout.lines):
        stroke = _stroke(line, layout.size)
        top = padding + round(number * _PITCH * layout.size)
        part = box[top:top + stroke.shape[0], padding:padding + stroke.shape[1]]
        np.maximum(part, stroke[:part.shape[0], :part.shape[1]], out=part)
    return box
