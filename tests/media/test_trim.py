"""`--trim` of animations: times are added up, frames at the ends are cut, stills are refused."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from PIL import Image as PILImage
from refusals import refused

from faceswap_cli.errors import UsageError
from faceswap_cli.media.open import open_media
from faceswap_cli.options import MediaOptions
from faceswap_cli.trim import parse_trim


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Four frames of 0.1, 0.2, 0.3 and 0.4 seconds, each of its own gray."""
    frames = [PILImage.new("L", (8, 6), 50 * number) for number in range(4)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=[100, 200, 300, 400], loop=0)
    return tmp_path / "a.gif"


@pytest.mark.parametrize(("trim", "shown"), [
    ("0-1", [(0, 10), (50, 20), (100, 30), (150, 40)]),
    ("0.1-0.3", [(50, 20)]),
    ("0.2-0.7", [(50, 10), (100, 30), (150, 10)]),
    ("-0.15", [(0, 10), (50, 5)]),
    ("0.95-", [(150, 5)]),
    ("0.3-99", [(100, 30), (150, 40)]),
])
def test_a_part_lasts_as_long_as_asked(clip: Path, trim: str, shown: list[tuple[int, int]]) -> None:
    with open_media(clip, MediaOptions(trim=parse_trim(trim))) as reader:
        found = [(int(frame.pixels[0, 0, 0]), frame.duration) for frame in reader.frames()]
    assert found == [(gray, Fraction(hundredths, 100)) for gray, hundredths in shown]


def test_a_part_behind_the_end_is_told_with_the_length(clip: Path) -> None:
    with open_media(clip, MediaOptions(trim=parse_trim("1-2"))) as reader, pytest.raises(
            UsageError, match=r"begins at 1\.00 seconds and .*a\.gif plays only 1\.00"):
        list(reader.frames())


def test_a_still_has_no_parts(tmp_path: Path) -> None:
    PILImage.new("RGB", (3, 2)).save(tmp_path / "a.png")
    with refused(UsageError, "one picture; drop --trim"):
        open_media(tmp_path / "a.png", MediaOptions(trim=parse_trim("0-1")))
