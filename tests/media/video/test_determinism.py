"""The same frames and options give the same bytes: twice, and on machines with other numbers of cores."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from films import facts, film, frames_of

from faceswap_cli.media.video.write.writer import create_video
from faceswap_cli.options import MediaFormat, MediaOptions, VideoCodec, VideoOptions

CODECS = ["h264", "h265", "vp9", "av1"]


def digests(source: Path, codecs: Sequence[str] = CODECS) -> dict[str, str]:
    """The hash of a copy of a film by each codec, written now."""
    found = {}
    for codec in codecs:
        out = source.with_name(f"{codec}.mkv")
        options = MediaOptions(video=VideoOptions(codec=VideoCodec(codec)))
        with create_video(out, MediaFormat.MKV, facts(source), options, overwrite=True, resume=None) as writer:
            for frame in frames_of(source):
                writer.write(frame)
            writer.commit()
        found[codec] = hashlib.sha256(out.read_bytes()).hexdigest()
    return found


def elsewhere(source: Path, before: str, arguments: str = "", **environment: str) -> dict[str, str]:
    """`digests` in a process of its own, which runs `before` first; encoders say nothing there."""
    here = Path(__file__).parent
    script = (f"import sys, json; {before}; sys.path[:0] = sys.argv[2:]; from pathlib import Path; "
              f"from test_determinism import digests; print(json.dumps(digests(Path(sys.argv[1]){arguments})))")
    done = subprocess.run([sys.executable, "-c", script, str(source), str(here), str(here.parents[1])],
                          capture_output=True, check=True, text=True, env=dict(os.environ) | environment)
    assert done.stderr == ""
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot take cores away from a process")
def test_the_number_of_cores_does_not_matter(tmp_path: Path) -> None:
    one = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})"
    source = film(tmp_path / "source.mp4")
    assert elsewhere(source, one) == digests(source)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="no way to choose what fresh memory holds")
def test_what_lies_in_the_memory_does_not_matter(tmp_path: Path) -> None:
    source = film(tmp_path / "source.mp4", size=(96, 64))
    found = [elsewhere(source, "pass", ", ['h264', 'vp9', 'av1']", MALLOC_PERTURB_=junk,
                       MALLOC_MMAP_THRESHOLD_="1000000000") for junk in ("0", "1", "85", "170", "255")]
    assert found == found[:1] * 5


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
