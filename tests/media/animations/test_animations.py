"""All animated formats behind one door: from each into each, in flat memory, and the odd files of the corpus."""

from __future__ import annotations

import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clips import OPTIONS, grey_frames, info_for, read, rgba, write

from faceswap_cli.errors import FaceswapError, InputError, OutputError
from faceswap_cli.media.frame import Frame, Reader, Writer
from faceswap_cli.media.open import create_as, open_as
from faceswap_cli.options import MediaFormat

CORPUS = Path(__file__).parents[3] / ".." / "shared" / "media" / "corpus"
KINDS = [MediaFormat.GIF, MediaFormat.WEBP, MediaFormat.APNG]


def sprite_frames() -> list[Frame]:
    """Few colours, hard edges of transparency, uneven times: what every format can hold exactly."""
    frames = []
    for number, hundredths in enumerate((7, 3, 100, 12, 5)):
        alpha = np.zeros((20, 30), np.uint8)
        alpha[3:12, 2 + 3 * number:12 + 3 * number] = 255
        pixels = np.zeros((20, 30, 3), np.uint8)
        pixels[alpha > 0] = (200 - 30 * number, 40 * number, 90)
        frames.append(Frame(pixels=pixels, alpha=alpha, duration=Fraction(hundredths, 100)))
    return frames


@pytest.mark.parametrize("first", KINDS)
@pytest.mark.parametrize("second", KINDS)
@pytest.mark.parametrize("plays", [0, 2, 5])
def test_from_each_format_into_each(tmp_path: Path, first: MediaFormat, second: MediaFormat, plays: int) -> None:
    frames = sprite_frames()
    one = write(tmp_path / "one", frames, info_for(frames, loop=plays), first)
    info, between = read(one, first)
    two = write(tmp_path / "two", between, info, second)
    info_again, again = read(two, second)
    assert (info_again.width, info_again.height, info_again.frame_count) == (30, 20, 5)
    assert info_again.loop == plays
    assert info_again.lossless
    assert [f.duration for f in again] == [f.duration for f in frames]
    assert all(np.array_equal(rgba(a), rgba(b)) for a, b in zip(frames, again, strict=True))


@pytest.mark.parametrize("first", KINDS)
@pytest.mark.parametrize("second", KINDS)
def test_a_clip_that_plays_once_still_does(tmp_path: Path, first: MediaFormat, second: MediaFormat) -> None:
    frames = sprite_frames()
    info, between = read(write(tmp_path / "one", frames, info_for(frames), first), first)
    assert info.loop in (None, 1)
    assert read(write(tmp_path / "two", between, info, second), second)[0].loop in (None, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_one_pixel_and_frames_that_are_alike(tmp_path: Path, kind: MediaFormat) -> None:
    frames = [Frame(pixels=np.full((1, 1, 3), value, np.uint8), alpha=None, duration=Fraction(ticks, 100))
              for value, ticks in ((9, 4), (9, 6), (9, 5), (8, 4))]
    info, again = read(write(tmp_path / "a", frames, info_for(frames, loop=0), kind), kind)
    assert info.frame_count == 4
    assert [f.duration for f in again] == [f.duration for f in frames]
    assert [int(f.pixels[0, 0, 0]) for f in again] == [9, 9, 9, 8]


@pytest.mark.parametrize("kind", KINDS)
def test_leaving_without_commit_leaves_nothing(tmp_path: Path, kind: MediaFormat) -> None:
    frames = grey_frames(3)
    target = tmp_path / "a"
    target.write_bytes(b"old")
    with create_as(target, kind, info_for(frames), OPTIONS, overwrite=True, moving=True) as writer:
        for frame in frames:
            writer.write(frame)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert target.read_bytes() == b"old"


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_written_is_an_error(tmp_path: Path, kind: MediaFormat) -> None:
    writer = create_as(tmp_path / "a", kind, info_for(grey_frames(1)), OPTIONS, moving=True)
    with writer, pytest.raises(OutputError, match="no frame"):
        writer.commit()


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_not_there_or_not_that(tmp_path: Path, kind: MediaFormat) -> None:
    with pytest.raises(InputError, match="cannot read gone"):
        open_as(tmp_path / "gone", "gone", kind, OPTIONS, moving=True)
    (tmp_path / "text").write_bytes(b"no picture at all, but long enough to look like one")
    with pytest.raises(InputError, match="text is not a"):
        open_as(tmp_path / "text", "text", kind, OPTIONS, moving=True)


def test_readers_and_writers_keep_to_the_protocols(tmp_path: Path) -> None:
    frames = grey_frames(2)
    for kind in KINDS:
        path = write(tmp_path / kind.value, frames, info_for(frames), kind)
        reader: Reader = open_as(path, "a", kind, OPTIONS, moving=True)
        with reader as entered:
            assert entered is reader
            first = next(iter(reader.frames()))
            assert first.pixels.flags.c_contiguous and first.pixels.dtype == np.uint8
        writer: Writer = create_as(tmp_path / "b", kind, info_for(frames), OPTIONS, moving=True)
        with writer as begun:
            assert begun is writer


@pytest.mark.parametrize("kind", KINDS)
def test_frames_handed_out_are_the_receivers_own(tmp_path: Path, kind: MediaFormat) -> None:
    for frames in (sprite_frames(), grey_frames(4)):
        path = write(tmp_path / "a", frames, info_for(frames), kind)
        with open_as(path, "a", kind, OPTIONS, moving=True) as reader:
            for wanted, frame in zip(frames, reader.frames(), strict=True):
                assert np.array_equal(rgba(wanted), rgba(frame))
                frame.pixels[...] = 77
                if frame.alpha is not None:
                    frame.alpha[...] = 77


@pytest.mark.parametrize("kind", KINDS)
def test_frames_may_be_views(tmp_path: Path, kind: MediaFormat) -> None:
    frames = [Frame(pixels=frame.pixels[::-1, ::-1], alpha=None, duration=frame.duration) for frame in grey_frames(3)]
    again = read(write(tmp_path / "a", frames, info_for(frames), kind), kind)[1]
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(frames, again, strict=True))


def corpus() -> list[Path]:
    found = [path for suffix in ("gif", "webp", "apng", "png") for path in sorted(CORPUS.rglob(f"*.{suffix}"))]
    return [path for path in found if kind_of(path) is not None]


def kind_of(path: Path) -> MediaFormat | None:
    head = path.read_bytes()[:4096]
    if path.suffix == ".gif":
        return MediaFormat.GIF
    if head[:4] == b"RIFF" and head[12:16] == b"VP8X" and head[20] & 2:
        return MediaFormat.WEBP
    return MediaFormat.APNG if b"acTL" in head else None


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the shared corpus is not here")
def test_every_animation_of_the_corpus_gives_frames_or_one_line(tmp_path: Path) -> None:
    opened = 0
    for path in corpus():
        kind = kind_of(path)
        assert kind is not None
        started = time.monotonic()
        try:
            info, frames = read(path, kind)
        except FaceswapError as error:
            assert "\n" not in str(error) and path.name in str(error)
        else:
            assert info.frame_count == len(frames)
            again = read(write(tmp_path / "copy", frames, info, kind), kind)[1]
            assert sum(f.duration for f in again) == sum(f.duration for f in frames)
            if info.lossless and path.name != "high-color.gif":  # 1024 colours in one still
                assert all(np.array_equal(rgba(a), rgba(b)) for a, b in zip(frames, again, strict=True)), path
            opened += 1
        assert time.monotonic() - started < 30
    assert opened > 80


MEMORY = """
import sys
from fractions import Fraction
from pathlib import Path
import numpy as np
from faceswap_cli.media.open import create_as, open_as
from faceswap_cli.media.frame import ClipInfo, Frame
from faceswap_cli.options import MediaFormat, MediaOptions

kind, count, path = MediaFormat(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
rows, columns = np.mgrid[0:160, 0:240]
info = ClipInfo(format=kind, width=240, height=160, frame_count=count, loop=0, lossless=True)
with create_as(path, kind, info, MediaOptions(), overwrite=True, moving=True) as writer:
    for number in range(count):
        pixels = np.stack([rows + number, columns, rows], axis=2).astype(np.uint8) // 16 * 16
        writer.write(Frame(pixels=pixels, duration=Fraction(1, 25)))
    writer.commit()
with open_as(path, "clip", kind, MediaOptions(), moving=True) as reader:
    assert sum(1 for _ in reader.frames()) == count
# Not getrusage: its peak includes the parent's memory, of which a forked child is a copy until it starts a program.
print(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
@pytest.mark.parametrize("kind", ["gif", "apng", "webp"])
def test_memory_does_not_grow_with_the_number_of_frames(tmp_path: Path, kind: str) -> None:
    def peak(count: int) -> int:
        done = subprocess.run([sys.executable, "-c", MEMORY, kind, str(count), str(tmp_path / f"a.{kind}")],
                              capture_output=True, text=True, check=True)
        return int(done.stdout)

    few, many = peak(20), peak(200)
    frame = 240 * 160 * 3 // 1024  # kilobytes: 180 more frames kept would be 20 MB
    assert many - few < 40 * frame
