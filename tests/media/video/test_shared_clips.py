"""Real clips in and out, as they are: every frame, every moment, every packet of audio."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest
from films import packets

from faceswap_cli.media.video.read.reader import VideoReader
from faceswap_cli.media.video.write.writer import create_video
from faceswap_cli.options import MediaFormat, MediaOptions
from faceswap_cli.trim import Trim

MEDIA = Path(__file__).parents[3] / ".." / "shared" / "media"
VIDEOS = frozenset({".mp4", ".webm", ".avi", ".mpg", ".mkv", ".mov"})
CLIPS = sorted(path for folder in ("faces", "corpus/meta-pytorch+torchcodec") for path in (MEDIA / folder).glob("*")
               if path.suffix in VIDEOS)
LARGE = 5_000_000
"""Pixels of all frames together, above which the first half second has to do."""

BEGINNING = Trim(Fraction(0), Fraction(1, 2))


@pytest.mark.skipif(not CLIPS, reason="the shared media are not there")
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: clip.name)
def test_in_and_out(clip: Path, suffix: str, tmp_path: Path) -> None:
    kind = MediaFormat(suffix)
    options = MediaOptions()
    with VideoReader(clip, clip.name, MediaFormat.MP4, options) as reader:
        info = reader.info
    if info.width * info.height * info.frame_count > LARGE:
        options = MediaOptions(trim=BEGINNING)
    out = tmp_path / f"out.{suffix}"
    times, end = [], Fraction(0)
    with VideoReader(clip, clip.name, MediaFormat.MP4, options) as reader, \
            create_video(out, kind, reader.info, options, overwrite=False, resume=None) as writer:
        for frame in reader.frames():
            assert frame.time is not None
            times.append(frame.time)
            end = frame.time + frame.duration
            writer.write(frame)
        writer.commit()
        video = reader.info.video
        size = reader.info.width, reader.info.height
    assert video is not None
    with VideoReader(out, out.name, kind, MediaOptions()) as reader:
        frames = [(frame.time or Fraction(0), frame.duration) for frame in reader.frames()]
        got = reader.info.width, reader.info.height
        assert reader.info.video is not None
        assert reader.info.video.pixel_format == video.pixel_format
    assert all(0 <= one - other <= 1 for one, other in zip(got, size, strict=True))
    assert [round(float(time), 2) for time, _ in frames] == pytest.approx([float(time) for time in times], abs=0.006)
    assert float(frames[-1][0] + frames[-1][1]) == pytest.approx(float(end), abs=0.01)
    with av.open(str(clip)) as container:
        tracks = len(container.streams.audio)
    for track in range(tracks):
        wanted = packets(clip, "audio", track)
        if options.trim is not None:
            wanted = [(data, time) for data, time in wanted if video.start <= time < video.start + Fraction(1, 2)]
        assert [data for data, _ in packets(out, "audio", track)] == [data for data, _ in wanted]
