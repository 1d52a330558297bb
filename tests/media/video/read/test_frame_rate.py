"""Videos that become animations."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from footage import Clip, make_clip

from faceswap_cli.media.open import open_media
from faceswap_cli.media.video.read.frame_rate import suited
from faceswap_cli.options import MediaFormat, MediaOptions


@pytest.fixture
def fast(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "fast.mp4", Clip(frames=30, rate=Fraction(60)))


def test_a_gif_gets_no_more_frames_than_it_can_show(fast: Path) -> None:
    with open_media(fast, MediaOptions()) as reader:
        frames, warnings = suited(reader, MediaFormat.GIF)
        durations = [frame.duration for frame in frames.frames()]
    assert sum(durations) == Fraction(1, 2) and len(durations) == 25
    assert warnings == (f"GIF shows at most 50 frames a second, and {fast} has 60: the others are left out",)


@pytest.mark.parametrize("kind", [MediaFormat.WEBP, MediaFormat.APNG, MediaFormat.MKV])
def test_others_get_all(fast: Path, kind: MediaFormat) -> None:
    with open_media(fast, MediaOptions()) as reader:
        frames, warnings = suited(reader, kind)
        assert len(list(frames.frames())) == 30 and not warnings


def test_lost_sound_is_told(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "loud.mp4", Clip(audio="aac"))
    with open_media(clip, MediaOptions()) as reader:
        assert suited(reader, MediaFormat.WEBP)[1] == (f"WebP has no audio: that of {clip} is left out",)
        assert suited(reader, MediaFormat.MOV)[1] == ()
