"""Damaged videos: an error, or all frames; never fewer in silence, never anything but an InputError."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from footage import Clip, make_clip

from faceswap_cli.errors import InputError
from faceswap_cli.media.open import open_media
from faceswap_cli.media.video.read.matroska_tables import read_matroska_tables
from faceswap_cli.options import MediaOptions

FAST_START = {"movflags": "faststart"}
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov"}
FILMS = {
    "h264.mp4": Clip(container_options=FAST_START, audio="aac"),
    "fragments.mp4": Clip(container_options=FRAGMENTS, frames=24),
    "hevc.mov": Clip("libx265", container_options=FAST_START),
    "h264.mkv": Clip(audio="libopus"),
    "vp9.webm": Clip("libvpx-vp9"),
    "mpeg4.avi": Clip("mpeg4"),
    "wmv.wmv": Clip("wmv2"),
    "mpeg2.mpg": Clip("mpeg2video"),
}


def count(path: Path) -> int:
    """How many frames can be read."""
    with open_media(path, MediaOptions(), name="clip") as reader:
        return sum(1 for _ in reader.frames())


@pytest.mark.parametrize("name", FILMS)
def test_a_truncated_film_is_an_error(tmp_path: Path, name: str) -> None:
    data = make_clip(tmp_path / name, FILMS[name]).read_bytes()
    assert count(tmp_path / name) == FILMS[name].frames
    for cut in (60, len(data) // 4, len(data) // 2, len(data) * 4 // 5):
        (tmp_path / name).write_bytes(data[:cut])
        with pytest.raises(InputError, match="clip ") as caught:
            count(tmp_path / name)
        assert "\n" not in str(caught.value)


# Windows Media says nowhere how many frames it has.
@pytest.mark.parametrize("name", [name for name in FILMS if name != "wmv.wmv"])
def test_flipped_bytes_leave_all_frames_or_an_error(tmp_path: Path, name: str) -> None:
    data = make_clip(tmp_path / name, FILMS[name]).read_bytes()
    # Where an index begins or ends a track is up to it: what it says of a damaged one is as good as of a whole one.
    first = 4000 if name.endswith((".mp4", ".mov")) else 300
    chance = random.Random(name)
    errors = 0
    for turn in range(20):
        damaged = bytearray(data)
        for _ in range(1 + turn % 3 * 5):
            damaged[chance.randrange(min(first, len(data) // 2), len(data))] ^= 1 << chance.randrange(8)
        (tmp_path / name).write_bytes(damaged)
        try:
            assert count(tmp_path / name) == FILMS[name].frames
        except InputError:
            errors += 1
    assert errors


def test_a_block_of_no_track_is_noticed(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mkv")
    assert read_matroska_tables(path, 0).blocks == 12
    data = path.read_bytes()
    blocks = list(re.finditer(rb"\xa3(?:[\x81-\xfe]|[\x40-\x7f].)\x81", data, re.DOTALL))
    at = blocks[len(blocks) // 2].end() - 1
    path.write_bytes(data[:at] + b"\x85" + data[at + 1:])
    with pytest.raises(InputError, match="damaged"):
        count(path)


def test_a_live_recording_needs_no_sizes(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mkv", Clip(container_options={"live": "1"}))
    assert read_matroska_tables(path, 0).whole
    assert count(path) == 12


def test_text_with_the_first_bytes_of_a_film(tmp_path: Path) -> None:
    for head in (b"\0\0\0\x18ftypmp42\0\0\0\0isommp42", b"\x1a\x45\xdf\xa3\x93\x42\x82\x88matroska",
                 b"RIFF\xff\0\0\0AVI "):
        (tmp_path / "a.mp4").write_bytes(head + b"#EXTM3U\nfile:///etc/hostname\n" * 200)
        with pytest.raises(InputError, match="clip"):
            count(tmp_path / "a.mp4")
