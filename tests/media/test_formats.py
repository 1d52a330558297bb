"""Formats: by content for inputs, by name for outputs."""

from __future__ import annotations

from fractions import Fraction
from importlib import import_module
from pathlib import Path

import pytest
from refusals import refused

from faceswap_cli.errors import UsageError
from faceswap_cli.media.formats import FORMATS, SUFFIXES, VIDEO, Foreign, output_format, sniff, sniff_picture
from faceswap_cli.media.frame import ClipInfo, VideoFacts
from faceswap_cli.options import MediaFormat, MediaOptions

STILL = ClipInfo(format=MediaFormat.JPEG, width=10, height=10)
CLIP = ClipInfo(format=MediaFormat.GIF, width=10, height=10, frame_count=3)
FACTS = VideoFacts(path=Path("a.mp4"), name="a.mp4", codec="h264", pixel_format="yuv420p", rate=Fraction(25),
                   time_base=Fraction(1, 1000))
MOVIE = ClipInfo(format=MediaFormat.MP4, width=10, height=10, frame_count=0, video=FACTS)
STILLS = [suffix for suffix, kind in SUFFIXES.items() if kind not in VIDEO]
MOVIES = [suffix for suffix, kind in SUFFIXES.items() if kind in VIDEO]


def ftyp(*brands: bytes) -> bytes:
    body = b"ftyp" + brands[0] + b"\0\0\0\0" + b"".join(brands)
    return (len(body) + 4).to_bytes(4, "big") + body + b"\0\0\0\x08moov"


@pytest.mark.parametrize("kind", MediaFormat)
def test_every_format_has_a_row_whose_reader_and_writer_exist(kind: MediaFormat) -> None:
    row = FORMATS[kind]
    for path in (row.reader, row.writer, *(row.clips or ())):
        module, _, name = path.partition(":")
        assert callable(getattr(import_module(module), name)), path
    assert row.suffixes and row.label and row.media_type.partition("/")[0] == ("video" if row.video else "image")


@pytest.mark.parametrize(("head", "expected"), [
    (b"\xff\xd8\xff\xe0", MediaFormat.JPEG),
    (b"\x89PNG\r\n\x1a\n", MediaFormat.PNG),
    (b"GIF89a", MediaFormat.GIF),
    (b"RIFF\x10\0\0\0WEBPVP8 ", MediaFormat.WEBP),
    (b"II*\0", MediaFormat.TIFF),
    (b"MM\0+", MediaFormat.TIFF),
    (b"BM" + bytes(12) + b"\x28\0\0\0", MediaFormat.BMP),
    (ftyp(b"avif", b"mif1"), MediaFormat.AVIF),
    (ftyp(b"mif1", b"avif", b"miaf"), MediaFormat.AVIF),
    (ftyp(b"isom", b"mp41"), MediaFormat.MP4),
    (ftyp(b"M4V ", b"mp42"), MediaFormat.MP4),
    (ftyp(b"qt  "), MediaFormat.MOV),
    (b"\0\0\0\x08wide\0\0\0\0mdat", MediaFormat.MOV),
    (b"\x1a\x45\xdf\xa3\xa3\x42\x86\x81\x01\x42\x82\x88matroska", MediaFormat.MKV),
    (b"\x1a\x45\xdf\xa3\xa3\x42\x86\x81\x01\x42\x82\x84webm", MediaFormat.WEBM),
    (b"\x1a\x45\xdf\xa3", MediaFormat.MKV),
])
def test_known_by_content(head: bytes, expected: MediaFormat) -> None:
    assert sniff(head) is expected


@pytest.mark.parametrize(("head", "video"), [
    (b"RIFF\0\0\0\0AVI ", True), (b"\0\0\1\xba\x44", True), (b"FLV\1\5", True), (b"OggS\0\2", True),
    ((b"\x47" + bytes(187)) * 3, True), ((bytes(4) + b"\x47" + bytes(187)) * 3, True),
    (ftyp(b"heic", b"mif1"), False), (b"%!PS-Adobe", False), (b"8BPS", False),
    (b"<?xml version='1.0'?><svg/>", False), (b"\n<!DOCTYPE HTML>", False), (b"P6 1 1 255 ", False), (b"", False),
    (b"BM" + b"x" * 30, False), (b"RIFF\0\0\0\0WAVE", False), (b"hello", False),
])
def test_foreign_files_are_named(head: bytes, video: bool) -> None:
    found = sniff(head)
    assert isinstance(found, Foreign)
    assert found.video is video
    line = found.explain("file")
    assert line.startswith("file is ") and "\n" not in line
    assert ("only pictures can be used" in line) is video


def test_where_only_pictures_can_be_used_a_video_is_foreign() -> None:
    found = sniff_picture(ftyp(b"isom"))
    assert isinstance(found, Foreign)
    assert found.explain("file").startswith("file is a video (MP4)")
    assert sniff_picture(b"GIF89a") is MediaFormat.GIF


def test_any_prefix_of_any_bytes_is_answered() -> None:
    for head in (ftyp(b"avif"), b"\x89PNG\r\n\x1a\n", bytes(range(256)), b"RIFF\0\0\0\0WEBP"):
        for size in range(len(head)):
            sniff(head[:size])


@pytest.mark.parametrize("suffix", STILLS)
def test_the_suffix_decides(suffix: str) -> None:
    expected = SUFFIXES[suffix]
    assert output_format(Path("a" + suffix.upper()), MediaOptions(), STILL) is expected
    assert output_format(Path("a" + suffix), MediaOptions(image_format=expected), STILL) is expected


@pytest.mark.parametrize("suffix", [*MOVIES, ".gif", ".webp", ".apng"])
@pytest.mark.parametrize("like", [CLIP, MOVIE])
def test_clips_become_any_format_that_moves(suffix: str, like: ClipInfo) -> None:
    assert output_format(Path("a" + suffix.upper()), MediaOptions(), like) is SUFFIXES[suffix]


def test_suffix_against_option_is_a_usage_error() -> None:
    with refused(UsageError, "suffix says png, --image-format says jpeg"):
        output_format(Path("a.png"), MediaOptions(image_format=MediaFormat.JPEG), STILL)


@pytest.mark.parametrize("name", ["out", "out.xyz", "out.tar.gz"])
def test_without_a_known_suffix_the_option_is_needed(name: str) -> None:
    with refused(UsageError, r"\.jpg.*\.gif.*--image-format"):
        output_format(Path(name), MediaOptions(), STILL)
    assert output_format(Path(name), MediaOptions(image_format=MediaFormat.AVIF), STILL) is MediaFormat.AVIF


def test_standard_output_is_as_the_target() -> None:
    assert output_format(None, MediaOptions(), STILL) is MediaFormat.JPEG
    assert output_format(None, MediaOptions(), CLIP) is MediaFormat.GIF
    assert output_format(None, MediaOptions(), MOVIE) is MediaFormat.MP4
    assert output_format(None, MediaOptions(image_format=MediaFormat.WEBM), CLIP) is MediaFormat.WEBM
    assert output_format(None, MediaOptions(image_format=MediaFormat.PNG), STILL) is MediaFormat.PNG


def test_png_with_frames_is_apng_and_apng_without_is_png() -> None:
    assert output_format(Path("a.png"), MediaOptions(), CLIP) is MediaFormat.APNG
    assert output_format(Path("a.png"), MediaOptions(image_format=MediaFormat.PNG), CLIP) is MediaFormat.APNG
    assert output_format(Path("a.png"), MediaOptions(image_format=MediaFormat.APNG), CLIP) is MediaFormat.APNG
    assert output_format(Path("a.png"), MediaOptions(),
                         ClipInfo(format=MediaFormat.APNG, width=1, height=1)) is MediaFormat.PNG
    assert output_format(None, MediaOptions(), ClipInfo(format=MediaFormat.APNG, width=1, height=1)) is MediaFormat.PNG


@pytest.mark.parametrize("suffix", [".jpg", ".bmp", ".tiff", ".avif"])
def test_frames_need_a_format_that_holds_them(suffix: str) -> None:
    with pytest.raises(UsageError, match=r"3 frames; use \.png, \.apng, \.webp, \.gif, \.mp4.* or \.webm"):
        output_format(Path("a" + suffix), MediaOptions(), CLIP)
    with pytest.raises(UsageError, match="moving pictures"):
        output_format(Path("a" + suffix), MediaOptions(), MOVIE)


@pytest.mark.parametrize("suffix", MOVIES)
def test_one_picture_is_no_video(suffix: str) -> None:
    with pytest.raises(UsageError, match=r"one picture.*use \.jpg.* or \.gif$"):
        output_format(Path("a" + suffix), MediaOptions(), STILL)


@pytest.mark.parametrize("suffix", [".avi", ".MPG", ".ts"])
def test_what_is_only_read_is_refused_by_name(suffix: str) -> None:
    with pytest.raises(UsageError, match=r"can be read but not written; use \.mp4, \.mov, \.mkv or \.webm"):
        output_format(Path("a" + suffix), MediaOptions(), MOVIE)
