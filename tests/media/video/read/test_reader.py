"""Reading videos: what is in them, when it is shown, parts of it, and going on in the middle."""

from __future__ import annotations

import dataclasses
import tracemalloc
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from footage import Clip, make_clip, picture
from refusals import refused

from faceswap_cli.errors import InputError, LimitError, UsageError
from faceswap_cli.media.frame import Frame
from faceswap_cli.media.open import open_media
from faceswap_cli.media.video.colour.planes import plane_array
from faceswap_cli.media.video.read.reader import VideoReader
from faceswap_cli.options import MediaFormat, MediaOptions, VideoOptions
from faceswap_cli.trim import Trim, parse_trim

MEDIA = Path(__file__).parents[4] / ".." / "shared" / "media"
SHARED = sorted(path for folder in ("faces", "corpus/meta-pytorch+torchcodec") for path in (MEDIA / folder).glob("*")
                if path.suffix in (".mp4", ".webm", ".avi", ".mpg"))
THIRTY = MediaOptions(video=VideoOptions(keep_fps=False))


def read(path: Path, options: MediaOptions | None = None) -> tuple[Any, list[Frame]]:
    with open_media(path, options or MediaOptions()) as reader:
        assert isinstance(reader, VideoReader)
        return reader.info, list(reader.frames())


def identity(frame: Frame) -> tuple[Any, ...]:
    made = frame.native.picture
    return frame.time, frame.duration, *(plane_array(made, index).tobytes() for index in range(len(made.planes)))


def steps(frames: list[Frame]) -> list[int]:
    """Times in milliseconds, the end included."""
    return [round(frame.time * 1000) for frame in frames] + [round((frames[-1].time + frames[-1].duration) * 1000)]


@pytest.mark.parametrize(("name", "clip", "kind", "codec", "layout"), [
    ("a.mp4", Clip(), "mp4", "h264", "yuv420p"),
    ("a.mov", Clip("prores_ks", "yuv422p10le"), "mov", "prores", "yuv422p10le"),
    ("a.mkv", Clip("libx265", "yuv420p10le"), "mkv", "hevc", "yuv420p10le"),
    ("a.webm", Clip("libvpx-vp9", width=65, height=49), "webm", "vp9", "yuv420p"),
    ("a.mp4", Clip("libsvtav1", frames=3), "mp4", "av1", "yuv420p"),
    ("a.avi", Clip("mpeg4"), "mkv", "mpeg4", "yuv420p"),
    ("a.avi", Clip("rawvideo", "bgr24"), "mkv", "rawvideo", "gbrp"),
    ("a.ts", Clip("mpeg2video"), "mkv", "mpeg2video", "yuv420p"),
    ("a.mpg", Clip("mpeg1video"), "mkv", "mpeg1video", "yuv420p"),
    ("a.flv", Clip("flv1"), "mkv", "flv1", "yuv420p"),
    ("a.wmv", Clip("wmv2"), "mkv", "wmv2", "yuv420p"),
    ("a.mkv", Clip("mjpeg", "yuvj420p"), "mkv", "mjpeg", "yuv420p"),
    ("a.mkv", Clip("ffv1", "gray"), "mkv", "ffv1", "gray"),
    ("a.mp4", Clip("libx264", "yuv444p", frames=1), "mp4", "h264", "yuv444p"),
    ("a.mp4", Clip(container_options={"movflags": "frag_keyframe+empty_moov"}), "mp4", "h264", "yuv420p"),
])
def test_containers_and_codecs(tmp_path: Path, name: str, clip: Clip, kind: str, codec: str, layout: str) -> None:
    info, frames = read(make_clip(tmp_path / name, clip))
    facts = info.video
    assert (info.format, facts.codec, facts.pixel_format) == (MediaFormat(kind), codec, layout)
    assert (info.width, info.height, len(frames), facts.rate) == (clip.width, clip.height, clip.frames, 25)
    assert info.animated
    assert steps(frames) == [40 * number for number in range(clip.frames + 1)]
    assert facts.color_range == (2 if codec == "mjpeg" else facts.color_range)
    for number, frame in enumerate(frames):
        assert frame.native.picture.format.name == layout
        assert frame.native.shown is frame.pixels and frame.pixels.flags.c_contiguous
        if layout != "gray":
            assert np.abs(frame.pixels.astype(int) - picture(clip.width, clip.height, number)).mean() < 10


def test_variable_rates_are_kept_exactly(tmp_path: Path) -> None:
    times = (0, 40, 47, 200, 201, 500)
    _, frames = read(make_clip(tmp_path / "a.mkv", Clip(times=times)))
    assert tuple(steps(frames)[:-1]) == times
    assert [frame.duration for frame in frames[:-1]] == [Fraction(after - before, 1000) for before, after in
                                                         pairwise(times)]


def test_a_film_rate_is_exact(tmp_path: Path) -> None:
    info, frames = read(make_clip(tmp_path / "a.mp4", Clip(rate=Fraction(24000, 1001))))
    assert info.video.rate == Fraction(24000, 1001)
    assert {frame.duration for frame in frames} == {Fraction(1001, 24000)}
    assert info.duration == Fraction(12 * 1001, 24000)


def test_pictures_that_begin_late(tmp_path: Path) -> None:
    info, frames = read(make_clip(tmp_path / "a.mp4", Clip(audio="aac", late=Fraction(1, 5))))
    assert info.video.start == Fraction(1, 5)
    assert steps(frames) == [40 * number for number in range(13)]


def test_colours_and_shape_of_pixels_are_told(tmp_path: Path) -> None:
    told = {"color_range": 1, "color_primaries": 9, "color_trc": 16, "colorspace": 9}
    clip = Clip("libx265", "yuv420p10le", color=told, aspect=Fraction(4, 3))
    info, _ = read(make_clip(tmp_path / "a.mkv", clip))
    facts = info.video
    assert (facts.color_range, facts.primaries, facts.transfer, facts.matrix) == (1, 9, 16, 9)
    assert facts.aspect == Fraction(4, 3)
    assert [warning.partition("is ")[2] for warning in info.warnings] == [
        "HDR (PQ): faces are drawn through an 8-bit tone curve, all else keeps its bits"]


def test_what_is_lost_is_told(tmp_path: Path) -> None:
    info, frames = read(make_clip(tmp_path / "a.mkv", Clip("ffv1", "yuva420p")))
    assert "transparency" in info.warnings[0] and frames[0].alpha is None
    info, _ = read(make_clip(tmp_path / "b.mkv", Clip("ffv1", "yuv420p16le")))
    assert "16 bits a channel: 12 are kept" in info.warnings[0]


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        from footage import write_sound

        write_sound(container, container.add_stream("aac", rate=48000), 0.2)
    with pytest.raises(InputError, match="has audio but no pictures"):
        open_media(tmp_path / "a.mp4", MediaOptions())


def test_size_is_bounded_and_length_is_not(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", Clip(frames=50))
    with refused(LimitError, r"64x48.*--max-pixels 3072"):
        open_media(path, MediaOptions(max_pixels=3071))
    assert len(read(path, MediaOptions(max_pixels=3072))[1]) == 50  # more than twenty times that in all


@pytest.mark.parametrize(("trim", "times"), [
    ("0.1-0.2", [0, 20, 60, 100]), ("0.12-0.2", [0, 40, 80]), ("-0.05", [0, 40, 50]), ("0.9-", [0, 20, 60, 100]),
    ("0.5-9", [0, 20, *range(60, 501, 40)]),
])
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
def test_a_part_is_exact(tmp_path: Path, name: str, trim: str, times: list[int]) -> None:
    path = make_clip(tmp_path / name, Clip("mpeg4" if name == "a.avi" else "libx264", frames=25))
    part = parse_trim(trim)
    info, frames = read(path, MediaOptions(trim=part))
    assert steps(frames) == times
    whole = read(path)[1]
    first = int(part.start // Fraction(1, 25))
    assert np.array_equal(frames[0].pixels, whole[first].pixels)
    assert np.array_equal(frames[-1].pixels, whole[first + len(frames) - 1].pixels)
    assert (info.video.start, info.video.end) == (part.start, part.end)
    assert info.duration == frames[-1].time + frames[-1].duration


@pytest.mark.parametrize("name", ["a.mp4", "a.ts"])
def test_a_part_behind_the_end(tmp_path: Path, name: str) -> None:
    path = make_clip(tmp_path / name, Clip("mpeg2video" if name == "a.ts" else "libx264"))
    with refused(UsageError, r"--trim begins at 2\.00 seconds"):
        read(path, MediaOptions(trim=Trim(Fraction(2))))


def test_without_keep_fps_thirty_a_second_are_left(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", Clip(rate=Fraction(60), frames=60))
    info, frames = read(path, THIRTY)
    assert len(frames) == info.frame_count == 30
    assert sum(frame.duration for frame in frames) == 1
    slow = make_clip(tmp_path / "b.mkv", Clip(rate=Fraction(30000, 1001), frames=40))
    assert len(read(slow, THIRTY)[1]) == 40


def check_going_on(path: Path, options: MediaOptions) -> None:
    whole = [identity(frame) for frame in read(path, options)[1]]
    for number in {0, len(whole) // 2, len(whole) * 2 // 3, len(whole) - 1}:
        with open_media(path, options) as reader:
            assert isinstance(reader, VideoReader)
            found = [identity(frame) for frame in reader.frames_from(number, whole[number][0])]
        assert found == whole[number:]


@pytest.mark.parametrize(("name", "clip"), [
    ("a.mp4", Clip(frames=40, gop=10, options={"bf": "3", "x264-params": "open-gop=1:scenecut=0"})),
    ("a.mkv", Clip("libx265", frames=30, options={"x265-params": "open-gop=1:keyint=8:lossless=1:log-level=none"})),
    ("a.mp4", Clip(frames=40, gop=10, options={"x264-params": "intra-refresh=1"})),
    ("a.webm", Clip("libvpx-vp9", frames=20, gop=7)),
    ("a.avi", Clip("mpeg4", frames=30)),
    ("a.ts", Clip("mpeg2video", frames=30)),
    ("a.mkv", Clip(times=(0, 40, 47, 200, 201, 500, 510, 900, 1000, 1001))),
    ("a.mkv", Clip(rate=Fraction(60), frames=80, gop=7)),
    ("a.mp4", Clip(rate=Fraction(50), frames=60, gop=7)),
])
def test_going_on_gives_the_very_same_frames(tmp_path: Path, name: str, clip: Clip) -> None:
    path = make_clip(tmp_path / name, clip)
    check_going_on(path, MediaOptions())
    check_going_on(path, dataclasses.replace(THIRTY, trim=Trim(Fraction(7, 100), Fraction(9, 10))))


def test_going_on_needs_the_frame(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4")
    with open_media(path, MediaOptions()) as reader, pytest.raises(InputError, match="no frame 31"):
        assert isinstance(reader, VideoReader)
        list(reader.frames_from(30, Fraction(6, 5)))


def test_memory_does_not_grow_with_the_clip(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", Clip(frames=150))
    with open_media(path, MediaOptions()) as reader:
        tracemalloc.start()
        peaks = []
        for number, _ in enumerate(reader.frames()):
            if number in (20, 149):
                peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 100_000


@pytest.mark.skipif(not SHARED, reason="the shared media are not there")
@pytest.mark.parametrize("path", SHARED, ids=lambda path: path.name)
def test_shared_clips_go_on_in_the_middle(path: Path) -> None:
    if path.stat().st_size > 400_000:
        pytest.skip("large: the same codecs and containers are read from smaller ones")
    check_going_on(path, MediaOptions())


def test_a_size_that_changes_on_the_way_is_that_of_the_first(tmp_path: Path) -> None:
    parts = [make_clip(tmp_path / f"{width}.mpg", Clip("mpeg2video", width=width, height=48)) for width in (64, 96)]
    (tmp_path / "a.mpg").write_bytes(b"".join(part.read_bytes() for part in parts))
    _, frames = read(tmp_path / "a.mpg")
    assert {frame.pixels.shape for frame in frames} == {(48, 64, 3)}
    assert {frame.native.picture.width for frame in frames} == {64} and len(frames) > 20
    assert all(frame.duration > 0 for frame in frames)


def test_frames_that_are_stored_in_another_order(tmp_path: Path) -> None:
    for name, codec in (("a.avi", "mpeg4"), ("b.avi", "libx264"), ("c.mp4", "mpeg4"), ("d.mpg", "mpeg2video")):
        _, frames = read(make_clip(tmp_path / name, Clip(codec, options={"bf": "2"}, frames=20)))
        assert steps(frames) == [40 * number for number in range(21)]


def test_a_reader_can_be_closed_in_the_middle(tmp_path: Path) -> None:
    reader = open_media(make_clip(tmp_path / "a.mp4"), MediaOptions())
    frames = reader.frames()
    first = next(frames)
    reader.close()
    reader.close()
    del frames
    assert first.pixels.shape == (48, 64, 3)


def edited(path: Path, start: int, duration: int) -> Path:
    """Let the edit list of a clip show `duration` milliseconds from frame `start` on."""
    data = bytearray(path.read_bytes())
    at = data.index(b"elst") + 12
    data[at:at + 8] = duration.to_bytes(4, "big") + (start * 512).to_bytes(4, "big")
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(("start", "duration", "shown"), [
    (0, 1000, 25), (3, 880, 22), (7, 720, 18), (7, 1000, 18), (0, 500, 13), (6, 200, 5),
])
def test_edit_lists_are_honoured(tmp_path: Path, start: int, duration: int, shown: int) -> None:
    path = make_clip(tmp_path / "a.mp4", Clip(frames=25, gop=5, options={"bf": "0"}))
    whole = read(path)[1]
    _, frames = read(edited(path, start, duration))
    assert len(frames) == shown
    assert np.array_equal(frames[0].pixels, whole[start].pixels)
    assert frames[-1].time + frames[-1].duration == min(Fraction(duration, 1000), Fraction(25 - start, 25))
    check_going_on(path, MediaOptions())
