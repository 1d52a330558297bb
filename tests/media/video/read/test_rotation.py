"""Turns and mirrors: all that a display matrix can ask for, on every layout of planes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from footage import Clip, make_clip

from faceswap_cli.media.open import open_media
from faceswap_cli.media.video.colour.planes import plane_array
from faceswap_cli.media.video.read.rotation import NONE, Turn, turn_by, turned_layout
from faceswap_cli.options import MediaOptions

ONE = 1 << 16


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_pixels_come_upright(tmp_path: Path, turn: int, mirrored: bool) -> None:
    path = make_clip(tmp_path / "a.mp4", Clip(turn=turn, mirrored=mirrored, frames=3))
    plain = make_clip(tmp_path / "b.mp4", Clip(frames=3))
    with open_media(path, MediaOptions()) as reader, open_media(plain, MediaOptions()) as stored:
        for frame, before in zip(reader.frames(), stored.frames(), strict=True):
            assert (reader.info.width, reader.info.height) == frame.pixels.shape[1::-1]
            for index in range(3):
                expected = np.rot90(plane_array(before.native.picture, index), turn // 90)
                expected = expected[:, ::-1] if mirrored else expected
                assert np.array_equal(plane_array(frame.native.picture, index), expected)


@pytest.mark.parametrize(("codec", "layout", "upright"), [
    ("libx264", "yuv422p", "yuv444p"), ("libx264", "yuv444p", "yuv444p"), ("ffv1", "gray", "gray"),
    ("libx265", "yuv420p10le", "yuv420p10le"), ("ffv1", "bgr0", "gbrp"),
])
def test_other_layouts_are_turned_too(tmp_path: Path, codec: str, layout: str, upright: str) -> None:
    path = make_clip(tmp_path / "a.mkv", Clip(codec, layout, turn=90, frames=2))
    plain = make_clip(tmp_path / "b.mkv", Clip(codec, layout, frames=2))
    with open_media(path, MediaOptions()) as reader, open_media(plain, MediaOptions()) as stored:
        frame, before = next(iter(reader.frames())), next(iter(stored.frames()))
    assert frame.native.picture.format.name == upright == reader.info.video.pixel_format
    assert np.abs(np.rot90(before.pixels).astype(int) - frame.pixels).mean() < (2 if layout == "yuv422p" else 0.01)


def test_the_shape_of_pixels_turns_with_them(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", Clip(turn=270, aspect=Fraction(4, 3), frames=2))
    with open_media(path, MediaOptions()) as reader:
        assert reader.info.video.aspect == Fraction(3, 4)


@pytest.mark.parametrize(("matrix", "turn"), [
    ((ONE, 0, 0, ONE), NONE), ((0, 0, 0, 0), NONE), ((0, ONE, -ONE, 0), Turn(True, True, False)),
    ((-ONE, 0, 0, -ONE), Turn(False, True, True)), ((-ONE, 0, 0, ONE), Turn(False, True, False)),
    ((2 * ONE, 0, 0, 3 * ONE), NONE), ((46341, 30000, -30000, 46341), Turn(rounded=True)),
])
def test_a_matrix_means_the_nearest_turn(matrix: tuple[int, int, int, int], turn: Turn) -> None:
    assert turn_by(*matrix) == turn


def test_odd_sides_keep_colours_in_place() -> None:
    assert turned_layout("yuv420p", 65, 48, Turn(mirror=True)) == "yuv444p"
    assert turned_layout("yuv420p", 65, 48, Turn(flip=True)) == "yuv420p"
    assert turned_layout("yuv420p10le", 64, 49, Turn(True, mirror=True)) == "yuv444p10le"
    assert turned_layout("yuv420p", 64, 49, Turn(True, flip=True)) == "yuv420p"
