"""Thumbnails: of anything that faceswap reads, and of nothing that is too large or no picture."""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path

import pytest
from batch_results import still
from PIL import Image

from faceswap_cli.batch.report import thumbnails
from faceswap_cli.batch.report.thumbnails import SIDE, make_thumbnails


def shown(path: Path) -> list[Image.Image]:
    pictures = []
    for thumbnail in make_thumbnails(path):
        picture = Image.open(io.BytesIO(base64.b64decode(thumbnail.uri.partition(",")[2])))
        assert picture.size == (thumbnail.width, thumbnail.height)
        pictures.append(picture)
    return pictures


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tiff", ".bmp"])
def test_every_format_is_shown(tmp_path: Path, suffix: str) -> None:
    picture, = shown(still(tmp_path / f"a{suffix}", (10, 200, 30), (800, 400)))
    assert picture.size == (SIDE, SIDE // 2)
    assert all(abs(found - wanted) < 6
               for found, wanted in zip(picture.convert("RGB").getpixel((9, 9)), (10, 200, 30), strict=True))


def test_a_small_picture_is_not_made_larger(tmp_path: Path) -> None:
    assert shown(still(tmp_path / "a.png", size=(40, 30)))[0].size == (40, 30)


def test_the_orientation_of_a_photo_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.new("RGB", (800, 400)).save(tmp_path / "a.jpg", exif=exif)
    assert shown(tmp_path / "a.jpg")[0].size == (SIDE // 2, SIDE)


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_grey_and_printed_jpegs_are_shown_in_colour(tmp_path: Path, mode: str) -> None:
    Image.new(mode, (400, 400), 128 if mode == "L" else (0, 255, 255, 0)).save(tmp_path / "a.jpg")
    assert shown(tmp_path / "a.jpg")[0].mode == "RGB"


def test_what_is_transparent_is_grey(tmp_path: Path) -> None:
    Image.new("RGBA", (40, 40), (255, 0, 0, 0)).save(tmp_path / "a.png")
    red, green, blue = shown(tmp_path / "a.png")[0].convert("RGB").getpixel((5, 5))
    assert max(red, green, blue) - min(red, green, blue) < 4


def test_of_a_long_clip_an_earlier_frame_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [Image.new("RGB", (40, 40), (0, 20 * number, 0)) for number in range(10)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=40)
    monkeypatch.setattr(thumbnails, "_MAX_CLIP_PIXELS", 2 * 1600)
    greens = [picture.convert("RGB").getpixel((5, 5))[1] for picture in shown(tmp_path / "a.gif")]
    assert [abs(green - wanted) < 8 for green, wanted in zip(greens, (0, 40), strict=True)] == [True, True]


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_picture_that_is_too_large_is_not_opened(tmp_path: Path, suffix: str,
                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thumbnails, "MAX_PIXELS", 9999)
    monkeypatch.setattr(thumbnails, "MAX_JPEG_PIXELS", 9999)
    assert make_thumbnails(still(tmp_path / f"large{suffix}", size=(100, 100))) == ()
    assert len(make_thumbnails(still(tmp_path / f"small{suffix}", size=(99, 99)))) == 1


def test_what_is_no_picture_has_none(tmp_path: Path) -> None:
    cut = still(tmp_path / "whole.png", size=(300, 300)).read_bytes()
    (tmp_path / "cut.png").write_bytes(cut[:60])
    (tmp_path / "cut.jpg").write_bytes(still(tmp_path / "whole.jpg").read_bytes()[:100])
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "text.jpg").write_text("no picture")
    os.mkfifo(tmp_path / "pipe.jpg")
    for name in ("cut.png", "cut.jpg", "empty.jpg", "text.jpg", "pipe.jpg", "gone.jpg", "", "a\0b", "x" * 300):
        assert make_thumbnails(tmp_path / name) == (), name
