"""The same frames and options give the same bytes: twice, and on machines with other numbers of cores."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from films import facts, film, frames_of, texture

from faceswap_cli.media.frame import ClipInfo, Frame
from faceswap_cli.media.video.writer import create_video
from faceswap_cli.options import MediaFormat, MediaOptions, VideoCodec, VideoOptions

CODECS = ["h264", "h265", "vp9", "av1"]


def digests(folder: Path) -> dict[str, str]:
    """The hash of a small video of each codec, written now."""
    like = ClipInfo(MediaFormat.GIF, 352, 288, 20, duration=Fraction(1))
    found = {}
    for codec in CODECS:
        out = folder / f"{codec}.mkv"
        options = MediaOptions(video=VideoOptions(codec=VideoCodec(codec)))
        with create_video(out, MediaFormat.MKV, like, options, overwrite=True, resume=None) as writer:
            for number in range(20):
                writer.write(Frame(texture(352, 288, number), duration=Fraction(1, 20)))
            writer.commit()
        found[codec] = hashlib.sha256(out.read_bytes()).hexdigest()
    return found


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot take cores away from a process")
def test_the_number_of_cores_does_not_matter(tmp_path: Path) -> None:
    here = Path(__file__).parent
    script = ("import json, os, sys; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); sys.path[:0] = "
              "sys.argv[2:]; from pathlib import Path; from test_determinism import digests; "
              "print(json.dumps(digests(Path(sys.argv[1]))))")
    (tmp_path / "one").mkdir()
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "one"), str(here), str(here.parents[1])],
                          capture_output=True, check=True, text=True)
    assert json.loads(done.stdout) == digests(tmp_path)
    assert done.stderr == ""  # encoders keep quiet, too


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "webm"])
def test_twice_the_same(tmp_path: Path, suffix: str) -> None:
    source = film(tmp_path / "source.mkv", frames=6, sounds=["libopus"], chapters=[(0, 0.2, "One")],
                  tags={"title": "A film"})
    found = []
    for number in range(2):
        out = tmp_path / f"out{number}.{suffix}"
        with create_video(out, MediaFormat(suffix), facts(source), MediaOptions(), overwrite=True,
                          resume=None) as writer:
            for frame in frames_of(source):
                writer.write(frame)
            writer.commit()
        found.append(out.read_bytes())
    assert found[0] == found[1]
