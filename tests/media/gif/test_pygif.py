"""The pygif suite: frames, total time, loop and pixels as its own files say, and never worse than Pillow."""

from __future__ import annotations

import configparser
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clips import read, rgba
from PIL import Image

from faceswap_cli.errors import InputError

SUITE = Path(__file__).parents[3] / ".." / "shared" / "media" / "corpus" / "robert-ancell+pygif"
CASES = sorted(SUITE.glob("*.conf"))

UNREADABLE = {"image-zero-size"}
"""The file ends where a palette is announced: damaged, for Pillow too."""

SPLIT = {"dispose-restore-previous": 1, "images-overlap": 1}
"""The suite draws an image without a time together with the next one; browsers and Pillow show it as a frame."""

pytestmark = pytest.mark.skipif(not CASES, reason="the shared corpus is not here")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    config = configparser.ConfigParser(interpolation=None)
    config.read(path, encoding="latin1")
    case = config["config"]
    names = [name for name in case["frames"].split(",") if name]
    source = path.parent / case["input"]
    if not names or path.stem in UNREADABLE:
        with pytest.raises(InputError):
            read(source)
        return
    info, frames = read(source)
    extra = SPLIT.get(path.stem, 0)
    assert (info.width, info.height) == (int(case["width"]), int(case["height"]))
    assert info.frame_count == len(frames) == len(names) + extra
    loop = case["loop-count"]
    # The suite gives the number in the file, 0 where there is none.
    assert info.loop == (0 if loop == "infinite" else None if loop == "0" else int(loop) + 1)
    for name, frame in zip(names, frames[extra:], strict=True):
        raw = np.frombuffer((path.parent / config[name]["pixels"]).read_bytes(), np.uint8)
        wanted = raw.reshape(info.height, info.width, 4)
        assert np.array_equal(rgba(frame), wanted * (wanted[..., 3:] > 0))
        assert frame.duration == Fraction(config[name].get("delay", "0")) / 100


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_nothing_that_pillow_reads_is_lost(path: Path) -> None:
    source = path.with_suffix(".gif")
    try:
        with Image.open(source) as picture:
            total, count = 0, picture.n_frames
            for number in range(count):
                picture.seek(number)
                picture.load()
                total += picture.info.get("duration", 0)
            repeats = picture.info.get("loop")
    except (OSError, ValueError, SyntaxError):
        return
    info, frames = read(source)
    tiles = info.frame_count == 1 and count == 4  # one still of four tiles
    assert tiles or info.frame_count == count
    assert sum(frame.duration for frame in frames) == Fraction(total, 1000)
    assert repeats is None or info.loop == (repeats and repeats + 1)
