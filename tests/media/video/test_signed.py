"""Signed videos are trusted, say what they are, and play as before."""

from __future__ import annotations

from pathlib import Path

import exiftool
import pytest
from authority import Authority, digital_sources
from films import facts, film, frames_of, packets, shown

from faceswap_cli.media.video.write.writer import create_video
from faceswap_cli.options import MediaFormat, MediaOptions


@exiftool.needed
@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "webm"])
def test_signed(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "keys").mkdir()
    authority = Authority(tmp_path / "keys")
    source = film(tmp_path / "source.mp4", sounds=["aac"])
    outs = {}
    for name, options in (("plain", MediaOptions()), ("signed", MediaOptions(credentials=authority.issue()))):
        outs[name] = tmp_path / f"{name}.{suffix}"
        with create_video(outs[name], MediaFormat(suffix), facts(source), options, overwrite=False,
                          resume=None) as writer:
            for frame in frames_of(source):
                writer.write(frame)
            writer.commit()
    state, manifests = authority.read(outs["signed"])
    assert state == "Trusted"
    assert digital_sources(manifests) == ["compositeSynthetic"]
    assert packets(outs["signed"], "video") == packets(outs["plain"], "video")
    assert packets(outs["signed"], "audio") == packets(outs["plain"], "audio")
    assert shown(outs["signed"]) == shown(source)
    assert any(name.endswith(":DigitalSourceType") for name in exiftool.read(outs["signed"]))
