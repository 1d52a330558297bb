"""The label can be read on any picture, stays inside it, and comes out the same each time."""

from __future__ import annotations

import numpy as np
import pytest

from faceswap_cli.errors import UsageError
from faceswap_cli.media.frame import Frame
from faceswap_cli.media.marks.label import Label, check_label


def changed(before: np.ndarray, after: np.ndarray) -> tuple[slice, slice]:
    rows, columns = np.nonzero((before != after).any(axis=2))
    return slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_letters_stand_out_on_light_and_dark(level: int) -> None:
    picture = np.full((480, 640, 3), level, np.uint8)
    labelled = Label("AI composite", 640, 480).draw(picture)
    assert labelled is not picture and (picture == level).all()
    part = labelled[-60:, -300:].astype(int)
    letters, box = part.max(), part.min()
    assert letters == 255 and box <= 255 * 0.4 + 1


@pytest.mark.parametrize(("width", "height"), [(640, 480), (481, 1003), (1920, 1080), (64, 64), (3000, 90)])
def test_lies_inside_the_corner_and_grows_with_the_picture(width: int, height: int) -> None:
    picture = np.random.default_rng(1).integers(1, 255, (height, width, 3), dtype=np.uint8)
    labelled = Label("AI composite", width, height).draw(picture)
    rows, columns = changed(picture, labelled)
    assert rows.start > height / 2 and rows.stop < height and columns.stop < width
    box = rows.stop - rows.start
    assert box >= 10 and box >= 0.03 * min(width, height) and box <= 0.4 * height


def test_long_text_is_broken_into_lines_and_words_are_cut_only_where_they_must_be() -> None:
    picture = np.zeros((240, 320, 3), np.uint8) + 200
    one = changed(picture, Label("made with faceswap", 320, 240).draw(picture))[0]
    text = "This picture is a composite that was made with faceswap; nobody in it said or did any of what is seen"
    many = changed(picture, Label(text, 320, 240).draw(picture))
    assert many[0].stop - many[0].start > 1.5 * (one.stop - one.start)
    word = changed(picture, Label("x" * 120, 320, 240).draw(picture))
    assert word[1].start >= 0 and word[0].stop - word[0].start > 1.5 * (one.stop - one.start)
    assert Label("two\nlines", 320, 240).draw(picture).shape == picture.shape


@pytest.mark.parametrize("text", ["Überprüfung: ñ Ø ß", "合成画像", "합성", "Сделано ИИ", "עברית", "صورة مركبة",
                                  "Ωλ", "why?", "می\u200cشود"])
def test_scripts(text: str) -> None:
    picture = np.zeros((480, 640, 3), np.uint8)
    labelled = Label(text, 640, 480).draw(picture)
    assert (labelled == 255).any()
    assert np.array_equal(labelled, Label(text, 640, 480).draw(picture))


def test_accents_written_apart_are_composed() -> None:
    assert check_label("Cre\u0301e\u0301  par ") == "Cr\u00e9\u00e9 par"


def test_seen_where_the_picture_is_transparent() -> None:
    frame = Frame(pixels=np.full((100, 300, 3), 77, np.uint8), alpha=np.zeros((100, 300), np.uint8))
    labelled = Label("AI", 300, 100).mark(frame)
    assert labelled.alpha is not None and frame.alpha is not None and not frame.alpha.any()
    shown = labelled.alpha > 0
    assert labelled.alpha[shown].min() >= 128  # opaque to GIF, too
    assert labelled.pixels[shown].min() == 0 and labelled.pixels[shown].max() == 255
    assert (labelled.pixels[~shown] == 77).all()
    opaque = Frame(pixels=frame.pixels, alpha=np.full((100, 300), 255, np.uint8))
    both = Label("AI", 300, 100).mark(opaque)
    assert (both.alpha == 255).all()
    assert np.array_equal(both.pixels, Label("AI", 300, 100).draw(frame.pixels))


@pytest.mark.parametrize(("text", "told"), [
    ("", "empty"), (" \n ", "empty"), ("\u200d", "empty"), ("x" * 201, "201 characters"), ("fun \U0001F600", "U+1F600"),
    ("a\x07b", "U+0007"), ("\u0939", "no glyph"), ("caf\udce9", "not UTF-8"), ("\ud83d\ude00", "not UTF-8"),
    ("\u00a0\u2003", "empty"), ("\u200b", "empty"), ("\x00\x1b", "U+0000, U+001B"), ("\u2800", r"U+2800"),
])
def test_refused(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told.replace("+", r"\+")):
        Label(text, 640, 480)


def test_a_picture_too_small_is_told() -> None:
    with pytest.raises(UsageError, match="20x20; shorten"):
        Label("AI composite made by me", 20, 20)
