"""Videos as they are written: codecs and containers, times, what comes along, the mark."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import exiftool
import numpy as np
import pytest
from films import facts, film, frames_of, packets, shown, texture

from faceswap_cli.errors import OutputError, UsageError
from faceswap_cli.media.frame import ClipInfo, Frame
from faceswap_cli.media.video.write.writer import create_video
from faceswap_cli.options import MediaFormat, MediaOptions, VideoCodec, VideoOptions
from faceswap_cli.trim import Trim

HOLDS = [(MediaFormat(kind), VideoCodec(codec)) for kind, codecs in (
    ("mp4", "h264 h265 vp9 av1"), ("mov", "h264 h265"), ("mkv", "h264 h265 vp9 av1"), ("webm", "vp9 av1"),
) for codec in codecs.split()]


def write(path: Path, like: ClipInfo, frames: Iterable[Frame], options: MediaOptions | None = None,
          kind: MediaFormat | None = None) -> tuple[str, ...]:
    """Write all frames; what the writer warned of."""
    kind = kind or MediaFormat(path.suffix[1:])
    with create_video(path, kind, like, options or MediaOptions(), overwrite=True, resume=None) as writer:
        for frame in frames:
            writer.write(frame)
        writer.commit()
        return writer.warnings


def copy(source: Path, path: Path, options: MediaOptions | None = None, **more: Any) -> tuple[str, ...]:
    """Write the frames of a film as they are."""
    return write(path, facts(source, **more), frames_of(source), options)


def coded(**video: Any) -> MediaOptions:
    """Options of video."""
    return MediaOptions(video=VideoOptions(**video))


def decoded(path: Path) -> list[Any]:
    """The luma of all pictures."""
    with av.open(str(path)) as container:
        return [picture.reformat(format="gray16le").to_ndarray() for picture in container.decode(video=0)]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("films") / "source.mp4", sounds=["aac"])


@pytest.mark.parametrize(("kind", "codec"), HOLDS)
def test_every_codec_in_every_container(source: Path, tmp_path: Path, kind: MediaFormat, codec: VideoCodec) -> None:
    out = tmp_path / f"out.{kind}"
    copy(source, out, coded(codec=codec))
    with av.open(str(out)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.codec.canonical_name == {"h265": "hevc"}.get(codec, codec)
        assert (stream.codec_context.width, stream.codec_context.height) == (128, 96)
        tag = stream.codec_context.codec_tag
    assert shown(out) == shown(source)
    for got, wanted in zip(decoded(out), decoded(source), strict=True):
        assert np.abs(got.astype(int) - wanted).mean() < 3 * 256
    if codec is VideoCodec.H265 and kind in (MediaFormat.MP4, MediaFormat.MOV):
        assert tag == "hvc1"


@pytest.mark.parametrize(("kind", "codec", "says"), [
    ("webm", "h264", "vp9 or av1"), ("webm", "h265", "mp4, mov or mkv"), ("mov", "av1", "h264 or h265")])
def test_a_codec_that_the_container_cannot_hold(source: Path, tmp_path: Path, kind: str, codec: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        copy(source, tmp_path / f"out.{kind}", coded(codec=VideoCodec(codec)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("codec", "video", "says"), [
    ("h264", {"crf": 52}, "0..51"), ("h265", {"crf": 63}, "0..51"), ("av1", {"crf": 0}, "1..63"),
    ("h264", {"preset": "quick"}, "ultrafast, superfast"), ("vp9", {"preset": "medium"}, "0..8"),
    ("av1", {"preset": "14"}, "0..13")])
def test_what_the_encoder_does_not_know_is_refused_at_once(source: Path, tmp_path: Path, codec: str,
                                                           video: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        copy(source, tmp_path / "out.mp4", coded(codec=VideoCodec(codec), **video))
    assert list(tmp_path.iterdir()) == []


def test_quality_and_effort_are_the_users(source: Path, tmp_path: Path) -> None:
    sizes = {}
    for crf, preset in ((5, "ultrafast"), (40, "ultrafast"), (5, "slow")):
        out = tmp_path / f"{crf}{preset}.mp4"
        copy(source, out, coded(crf=crf, preset=preset))
        sizes[crf, preset] = sum(len(data) for data, _ in packets(out, "video"))
    assert sizes[40, "ultrafast"] * 3 < sizes[5, "ultrafast"]
    assert sizes[5, "slow"] < sizes[5, "ultrafast"]


@pytest.mark.parametrize(("codec", "options", "layout", "suffix", "wanted"), [
    ("libx264", {}, "yuv420p", ".mkv", ("h264", "yuv420p")),
    ("libx264", {}, "yuv420p", ".webm", ("vp9", "yuv420p")),
    ("libx264", {}, "yuv444p", ".mp4", ("h264", "yuv444p")),
    ("libx264", {}, "yuv420p10le", ".mov", ("h264", "yuv420p10le")),
    ("libx264", {}, "yuv420p10le", ".webm", ("av1", "yuv420p10le")),
    ("libx265", {"x265-params": "log-level=none"}, "yuv422p10le", ".mp4", ("hevc", "yuv422p10le")),
    ("libx265", {"x265-params": "log-level=none"}, "yuv420p12le", ".mp4", ("hevc", "yuv420p12le")),
    ("libvpx-vp9", {}, "yuv420p", ".mp4", ("vp9", "yuv420p")),
    ("libvpx-vp9", {}, "yuv420p", ".mov", ("h264", "yuv420p")),
    ("mpeg4", {}, "yuv420p", ".mp4", ("h264", "yuv420p")),
])
def test_auto_keeps_codec_depth_and_chroma_where_it_can(tmp_path: Path, codec: str, options: dict[str, str],
                                                        layout: str, suffix: str, wanted: tuple[str, str]) -> None:
    source = film(tmp_path / "source.mkv", frames=3, codec=codec, pixel_format=layout, options=options)
    out = tmp_path / f"out{suffix}"
    assert copy(source, out) == ()
    with av.open(str(out)) as container:
        context = container.streams.video[0].codec_context
        assert (context.codec.canonical_name, context.pix_fmt) == wanted


def test_bits_that_are_lost_are_told(tmp_path: Path) -> None:
    source = film(tmp_path / "source.mp4", frames=3, pixel_format="yuv444p10le")
    warnings = copy(source, tmp_path / "out.webm", coded(codec=VideoCodec.VP9))
    assert any("10 bits of a colour became 8" in line for line in warnings)
    assert any("4:2:0" in line for line in copy(source, tmp_path / "out2.webm", coded(codec=VideoCodec.AV1)))


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize("color", [(1, 1, 1, 1), (2, 5, 6, 5), (1, 9, 16, 9)])
def test_colour_facts_and_the_shape_of_pixels_stay(tmp_path: Path, suffix: str,
                                                   color: tuple[int, int, int, int]) -> None:
    source = film(tmp_path / "source.mp4", frames=3, color=color, aspect=Fraction(4, 3))
    out = tmp_path / f"out{suffix}"
    copy(source, out)
    with av.open(str(out)) as container:
        picture = next(container.decode(video=0))
        got = picture.color_range, picture.color_primaries, picture.color_trc, picture.colorspace
        assert got == color
        assert container.streams.video[0].sample_aspect_ratio == Fraction(4, 3)


@pytest.mark.parametrize("codec", ["h264", "h265", "av1"])
def test_what_an_hdr_display_should_know_stays(tmp_path: Path, codec: str) -> None:
    params = ("log-level=none:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
              ":max-cll=1000,400")
    source = film(tmp_path / "source.mp4", frames=3, codec="libx265", pixel_format="yuv420p10le",
                  color=(1, 9, 16, 9), options={"x265-params": params})
    copy(source, tmp_path / "out.mp4", coded(codec=VideoCodec(codec)))
    sides = []
    for path in (source, tmp_path / "out.mp4"):
        with av.open(str(path)) as container:
            picture = next(container.decode(video=0))
            sides.append({side.type.name: bytes(side) for side in picture.side_data})
    assert sides[0]["CONTENT_LIGHT_LEVEL"] == sides[1]["CONTENT_LIGHT_LEVEL"]
    before, after = (np.frombuffer(side["MASTERING_DISPLAY_METADATA"], np.int32)[:20].reshape(10, 2) for side in sides)
    assert np.allclose(before[:, 0] / before[:, 1], after[:, 0] / after[:, 1], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("codec", "size"), [("h264", (96, 66)), ("vp9", (95, 65)), ("av1", (95, 65))])
def test_odd_sizes(tmp_path: Path, codec: str, size: tuple[int, int]) -> None:
    pixels = texture(95, 65, 0)
    like = ClipInfo(format=MediaFormat.GIF, width=95, height=65, frame_count=2, duration=Fraction(1))
    out = tmp_path / "out.mkv"
    warnings = write(out, like, [Frame(pixels=pixels, duration=Fraction(1, 2))] * 2, coded(codec=VideoCodec(codec)))
    assert any("95 x 65 became 96 x 66" in line for line in warnings) == (size == (96, 66))
    with av.open(str(out)) as container:
        picture = next(container.decode(video=0))
        assert (picture.width, picture.height) == size
        shown_pixels = picture.to_ndarray(format="rgb24")[:65, :95]
    assert np.abs(shown_pixels.astype(int) - pixels).mean() < 4


def test_pictures_too_small_for_a_codec(tmp_path: Path) -> None:
    source = film(tmp_path / "source.mkv", frames=3, size=(48, 16), codec="libvpx-vp9", pixel_format="yuv420p")
    with pytest.raises(UsageError, match="at least 96 pixels"):
        copy(source, tmp_path / "out.mp4", coded(codec=VideoCodec.H265))
    with pytest.raises(UsageError, match="at least 64 pixels"):
        copy(source, tmp_path / "out.webm", coded(codec=VideoCodec.AV1))
    copy(film(tmp_path / "deep.mp4", frames=3, size=(48, 8), pixel_format="yuv420p10le"), tmp_path / "out.webm")
    with av.open(str(tmp_path / "out.webm")) as container:
        assert container.streams.video[0].codec_context.codec.canonical_name == "vp9"


def test_an_animation_becomes_a_video_in_its_colours(tmp_path: Path) -> None:
    pixels = np.zeros((32, 48, 3), np.uint8)
    pixels[:, :24] = (200, 30, 60)
    alpha = np.full((32, 48), 255, np.uint8)
    alpha[:, 24:] = 0
    like = ClipInfo(format=MediaFormat.GIF, width=48, height=32, frame_count=3, loop=0)
    durations = [Fraction(1, 10), Fraction(7, 100), Fraction(1, 2)]
    out = tmp_path / "out.mp4"
    warnings = write(out, like, [Frame(pixels=pixels, alpha=alpha, duration=duration) for duration in durations])
    assert any("white" in line for line in warnings)
    assert [duration for _, duration in shown(out)] == durations
    with av.open(str(out)) as container:
        picture = next(container.decode(video=0))
        assert (picture.color_range, picture.colorspace) == (1, 1)
        rgb = picture.reformat(format="rgb24", src_colorspace=1).to_ndarray().astype(int)
    assert np.abs(rgb[8:-8, 6:18] - (200, 30, 60)).max() <= 4
    assert rgb[8:-8, 30:42].min() >= 251


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_irregular_times_stay(tmp_path: Path, suffix: str) -> None:
    ticks = [0, 1000, 1500, 9000, 9001, 12_000, 40_000, 41_000, 41_500, 60_000]
    source = film(tmp_path / "source.mp4", ticks=ticks, unit=Fraction(1, 10_000))
    out = tmp_path / f"out{suffix}"
    copy(source, out)
    wanted = [time for time, _ in shown(source)]
    if suffix in (".mkv", ".webm"):
        wanted = [Fraction(round(time * 1000), 1000) for time in wanted]
        wanted[4] = wanted[3] + Fraction(1, 1000)  # two pictures within a millisecond
    assert [time for time, _ in shown(out)] == wanted


@pytest.mark.parametrize(("suffix", "codec"), [
    (".mp4", "h264"), (".mp4", "h265"), (".mp4", "vp9"), (".mp4", "av1"), (".mov", "h264"), (".mkv", "h264"),
    (".webm", "vp9")])
def test_the_last_picture_is_shown_as_long_as_it_should_be(tmp_path: Path, suffix: str, codec: str) -> None:
    like = ClipInfo(format=MediaFormat.GIF, width=128, height=96, frame_count=20)
    durations = [Fraction(1, 20)] * 19 + [Fraction(13, 10)]
    out = tmp_path / f"out{suffix}"
    write(out, like, [Frame(pixels=texture(128, 96, 3 * number), duration=duration)
                      for number, duration in enumerate(durations)], coded(codec=VideoCodec(codec)))
    assert shown(out)[-1][0] == Fraction(19, 20)
    if (suffix, codec) != (".mp4", "vp9"):  # FFmpeg guesses that one
        assert shown(out)[-1][1] == Fraction(13, 10)
    with av.open(str(out)) as container:
        assert container.duration == 2_250_000
        assert container.streams.video[0].average_rate == pytest.approx(20 / 2.25)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_sound_is_copied_bit_for_bit_and_stays_where_it_is(tmp_path: Path, suffix: str) -> None:
    source = film(tmp_path / "source.mp4", ticks=range(10, 30), sounds=["aac", "libopus"], sound_from=Fraction(1, 5))
    out = tmp_path / f"out{suffix}"
    assert copy(source, out) == ()
    for track in (0, 1):
        wanted, got = packets(source, "audio", track), packets(out, "audio", track)
        assert [data for data, _ in got] == [data for data, _ in wanted]
        assert all(abs(one - other) <= Fraction(1, 1000) for (_, one), (_, other) in zip(got, wanted, strict=True))
    assert shown(out) == shown(source)
    with av.open(str(out)) as container:
        assert [stream.language for stream in container.streams.audio] == ["eng", "fra"]


@pytest.mark.parametrize("start", [Fraction(0), Fraction(1, 4)])
@pytest.mark.parametrize(("audio", "suffix", "became"), [
    ("aac", "webm", "opus: WebM"), ("pcm_s16le", "mp4", "aac: MP4"), ("flac", "mov", "aac: MOV")])
def test_sound_that_a_container_cannot_hold_is_converted(tmp_path: Path, audio: str, suffix: str, became: str,
                                                         start: Fraction) -> None:
    source = film(tmp_path / "source.mkv", sounds=[audio], sound_from=start)
    out = tmp_path / f"out.{suffix}"
    assert copy(source, out) == (f"an audio track ({audio}) became {became} cannot hold it as it is",)
    with av.open(str(out)) as container:
        frames = list(container.decode(audio=0))
    assert frames[0].time == pytest.approx(float(start), abs=0.03)
    assert sum(frame.samples / frame.sample_rate for frame in frames) == pytest.approx(12 / 25, abs=0.05)


def test_subtitles_chapters_and_titles_come_along(tmp_path: Path) -> None:
    source = film(tmp_path / "source.mp4", frames=50, subtitles=[(0.2, 0.9, "Grüß Gott"), (1.1, 1.8, "Servus")],
                  chapters=[(0, 1, "One"), (1, 2, "Two")],
                  tags={"title": "A film", "comment": "private", "location": "+48.2000+016.3000/"})
    for suffix in (".mp4", ".mov", ".mkv", ".webm"):
        out = tmp_path / f"out{suffix}"
        copy(source, out)
        texts = [data for data, _ in packets(out, "subtitles")]
        assert any("Grüß Gott".encode() in data for data in texts)
        assert any(b"Servus" in data for data in texts)
        with av.open(str(out)) as container:
            assert container.streams.subtitles[0].language == "ita"
            found = [(part["start"] * part["time_base"], part["end"] * part["time_base"], part["metadata"]["title"])
                     for part in container.chapters()]
            tags = {key.lower(): value for key, value in container.metadata.items()}
        assert found == [(0, 1, "One"), (1, 2, "Two")]
        assert tags["title"] == "A film"
        assert not {"comment", "location", "creation_time"} & set(tags)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_all_metadata_stays_where_it_is_wanted(tmp_path: Path, suffix: str) -> None:
    source = film(tmp_path / "source.mp4", frames=3, tags={"comment": "private", "location": "+48.2000+016.3000/"})
    out = tmp_path / f"out{suffix}"
    copy(source, out, keep_metadata=True)
    with av.open(str(out)) as container:
        tags = {key.lower(): value for key, value in container.metadata.items()}
    assert tags["comment"] == "private"
    assert tags["location"] == "+48.2000+016.3000/"


def test_attached_files_stay_in_matroska_and_are_told_elsewhere(tmp_path: Path) -> None:
    source = tmp_path / "source.mkv"
    with av.open(str(source), "w") as container:
        container.add_attachment("font.ttf", "font/ttf", b"not really a font")
        stream = container.add_stream("libx264", 25)
        stream.width, stream.height = 64, 48
        for step in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(texture(64, 48, step), format="rgb24")))
        container.mux(stream.encode(None))
    copy(source, tmp_path / "out.mkv")
    with av.open(str(tmp_path / "out.mkv")) as container:
        attached = [stream for stream in container.streams if stream.type == "attachment"]
        assert [(stream.name, stream.data) for stream in attached] == [("font.ttf", b"not really a font")]
    assert any("attached files" in line for line in copy(source, tmp_path / "out.mp4"))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_of_a_part_only_its_sound_and_chapters_are_taken(tmp_path: Path, suffix: str) -> None:
    source = film(tmp_path / "source.mp4", frames=75, sounds=["aac"], chapters=[(0, 1, "One"), (1, 3, "Two")],
                  subtitles=[(0.1, 0.7, "before"), (0.75, 0.95, "across"), (1.5, 2.5, "beyond"), (2.6, 2.8, "after")])
    like = facts(source, end=Fraction(2))
    assert like.video is not None
    begin = Fraction(4, 5)
    video = type(like.video)(**{name: getattr(like.video, name) for name in like.video.__slots__} | {"start": begin})
    like = ClipInfo(format=like.format, width=like.width, height=like.height, video=video)
    part = [Frame(pixels=frame.pixels, duration=frame.duration, native=frame.native, time=frame.time - begin)
            for frame in frames_of(source) if frame.time is not None and begin <= frame.time < 2]
    out = tmp_path / f"out{suffix}"
    write(out, like, part, MediaOptions(trim=Trim(begin, Fraction(2))))
    assert shown(out) == [(Fraction(step, 25), Fraction(1, 25)) for step in range(30)]
    wanted = [(data, time - begin) for data, time in packets(source, "audio") if begin <= time < 2]
    got = packets(out, "audio")
    assert [data for data, _ in got] == [data for data, _ in wanted]
    assert all(abs(one - other) <= Fraction(1, 1000) for (_, one), (_, other) in zip(got, wanted, strict=True))
    with av.open(str(out)) as container:
        assert [part["metadata"]["title"] for part in container.chapters()] == ["One", "Two"]
        texts = [(bytes(packet).strip(b"\0\6").decode(), float(packet.pts * packet.time_base),
                  float(packet.duration * packet.time_base))
                 for packet in container.demux(subtitles=0) if packet.size > 2]
    assert texts == [("across", 0, pytest.approx(0.15)), ("beyond", pytest.approx(0.7), pytest.approx(0.5))]


def test_an_mp4_can_be_played_while_it_loads(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    copy(source, out)
    data = out.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_changed_pixels_are_shown(source: Path, tmp_path: Path) -> None:
    like = facts(source)
    changed = []
    for frame in frames_of(source):
        assert frame.native is not None
        before = frame.native.picture.to_ndarray(format="rgb24")
        after = before.copy()
        after[16:48, 16:48] = (40, 200, 90)
        changed.append(Frame(pixels=after, duration=frame.duration, time=frame.time,
                             native=type(frame.native)(frame.native.picture, before)))
    out = tmp_path / "out.mp4"
    write(out, like, changed)
    with av.open(str(out)) as container:
        for picture in container.decode(video=0):
            rgb = picture.to_ndarray(format="rgb24").astype(int)
            assert np.abs(rgb[22:42, 22:42].mean((0, 1)) - (40, 200, 90)).max() < 6


def test_no_picture_no_file(source: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no picture"):
        write(tmp_path / "out.mp4", facts(source), [])
    assert list(tmp_path.iterdir()) == []


def test_an_existing_output_is_refused_and_stays(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    out.write_bytes(b"mine")
    with pytest.raises(UsageError, match="exists"):
        create_video(out, MediaFormat.MP4, facts(source), MediaOptions(), overwrite=False, resume=None)
    assert out.read_bytes() == b"mine"


@pytest.mark.skipif(sys.platform == "win32", reason="this system has no bound on the size of files")
@pytest.mark.parametrize("stage", ["encoded", "put together"])
def test_a_file_that_cannot_grow_leaves_nothing(source: Path, tmp_path: Path, stage: str) -> None:
    import resource

    copy(source, tmp_path / "out.mp4", coded(crf=18, preset="ultrafast"))
    size = 2000 if stage == "encoded" else (tmp_path / "out.mp4").stat().st_size - 1000
    (tmp_path / "out.mp4").unlink()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        with pytest.raises(OutputError, match="larger than the system allows"):
            copy(source, tmp_path / "out.mp4", coded(crf=18, preset="ultrafast"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_misses_pictures_is_not_put_in_place(source: Path, tmp_path: Path,
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    from faceswap_cli.media.video.write import muxing

    real = muxing._pictures

    def lossy(*arguments: Any) -> Any:
        for number, packet in enumerate(real(*arguments)):
            if number != 5:
                yield packet

    monkeypatch.setattr(muxing, "_pictures", lossy)
    with pytest.raises(OutputError, match="11 of 12 pictures"):
        copy(source, tmp_path / "out.mp4")
    assert list(tmp_path.iterdir()) == []


@exiftool.needed
@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "webm"])
def test_the_mark_is_read_by_exiftool(source: Path, tmp_path: Path, suffix: str, trained: bool) -> None:
    for provenance in (True, False):
        out = tmp_path / f"out{provenance}.{suffix}"
        options = MediaOptions(provenance=provenance, trained=trained)
        copy(source, out, options)
        tags = {name.partition(":")[2]: value for name, value in exiftool.read(out).items()}
        term = "compositeWithTrainedAlgorithmicMedia" if trained else "compositeSynthetic"
        if provenance:
            assert tags["DigitalSourceType"] == f"http://cv.iptc.org/newscodes/digitalsourcetype/{term}"
            assert tags["CreatorTool"].startswith("faceswap ")
        else:
            assert "faceswap" not in json.dumps({name: value for name, value in tags.items() if name not in
                                                 ("SourceFile", "Directory", "FileName")})
