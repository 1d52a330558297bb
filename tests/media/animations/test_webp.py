"""Animated WebP: exact where the source is, steady where it is not."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clips import info_for, pillow_frames, read, rgba, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms
from refusals import refused

from faceswap_cli.errors import InputError, LimitError, UsageError
from faceswap_cli.media.frame import ClipInfo, Frame
from faceswap_cli.options import MediaFormat, MediaOptions

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
WEBP = MediaFormat.WEBP


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2 ** 32 - 1), count=st.integers(1, 5), opaque=st.booleans())
def test_what_is_written_without_loss_is_read_again(tmp_path: Path, seed: int, count: int, opaque: bool) -> None:
    noise = np.random.default_rng(seed)
    pixels = noise.integers(0, 256, (9, 13, 3), dtype=np.uint8)
    frames = []
    for _ in range(count):
        pixels = pixels.copy()
        top, left = int(noise.integers(0, 9)), int(noise.integers(0, 13))
        pixels[top:top + 4, left:left + 5] = noise.integers(0, 256, 3)
        alpha = None if opaque or noise.random() < .3 else noise.choice([0, 7, 255], (9, 13)).astype(np.uint8)
        frames.append(Frame(pixels=pixels, alpha=alpha, duration=Fraction(int(noise.integers(0, 4000)), 1000)))
    info = info_for(frames, loop=int(noise.integers(0, 4)), icc=SRGB)
    path = write(tmp_path / "a.webp", frames, info, WEBP, MediaOptions())
    info_again, again = read(path, WEBP)
    assert (info_again.loop, info_again.icc, info_again.frame_count) == (info.loop, SRGB, count)
    assert info_again.lossless
    assert [f.duration for f in again] == [f.duration for f in frames]
    for wanted, ours, theirs in zip(frames, again, pillow_frames(path), strict=True):
        assert np.array_equal(rgba(wanted), rgba(ours))
        assert np.array_equal(rgba(wanted), theirs)


def lossy_clip(path: Path) -> Path:
    rows, columns = np.mgrid[0:64, 0:96]
    pictures = [Image.fromarray(np.stack([rows * 3, columns * 2, rows + columns + n * 5], axis=2).astype(np.uint8))
                for n in range(4)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=[40, 55, 70, 1000], loop=3, quality=90)
    return path


def test_a_clip_of_another_program(tmp_path: Path) -> None:
    path = lossy_clip(tmp_path / "a.webp")
    info, frames = read(path, WEBP)
    assert (info.width, info.height, info.frame_count, info.loop, info.lossless) == (96, 64, 4, 3, False)
    assert [f.duration for f in frames] == [Fraction(n, 1000) for n in (40, 55, 70, 1000)]
    for ours, theirs in zip(frames, pillow_frames(path), strict=True):
        assert np.array_equal(rgba(ours), theirs)


def test_a_lossy_clip_stays_lossy_unless_the_best_quality_is_asked_for(tmp_path: Path) -> None:
    info, frames = read(lossy_clip(tmp_path / "a.webp"), WEBP)
    lossy = write(tmp_path / "b.webp", frames, info, WEBP)
    exact = write(tmp_path / "c.webp", frames, info, WEBP, MediaOptions(image_quality=100))
    assert not read(lossy, WEBP)[0].lossless
    assert all(np.abs(a.pixels.astype(int) - b.pixels).mean() < 4
               for a, b in zip(frames, read(lossy, WEBP)[1], strict=True))
    assert read(exact, WEBP)[0].lossless
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(frames, read(exact, WEBP)[1], strict=True))


def test_what_stands_still_is_not_encoded_again(tmp_path: Path) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    frames = []
    for number in range(4):
        pixels = picture.copy()
        pixels[10:20, 10 + number:25] = 200
        frames.append(Frame(pixels=pixels, alpha=None, duration=Fraction(1, 10)))
    info = ClipInfo(format=WEBP, width=60, height=40, frame_count=4, loop=0)
    again = [f.pixels for f in read(write(tmp_path / "a.webp", frames, info, WEBP), WEBP)[1]]
    assert all(np.array_equal(again[0][25:], other[25:]) for other in again)


def test_the_total_time_stays_when_single_times_must_be_rounded(tmp_path: Path) -> None:
    frames = [Frame(pixels=np.full((2, 2, 3), n, np.uint8), alpha=None, duration=Fraction(1, 30)) for n in range(30)]
    again = read(write(tmp_path / "a.webp", frames, info_for(frames), WEBP), WEBP)[1]
    assert sum(f.duration for f in again) == 1


def test_the_mark_and_other_readers(tmp_path: Path) -> None:
    frames = [Frame(pixels=np.full((20, 20, 3), 60 * n, np.uint8), alpha=None,
                    duration=Fraction(1, 10)) for n in range(3)]
    path = write(tmp_path / "a.webp", frames, info_for(frames, loop=0), WEBP, MediaOptions())
    with Image.open(path) as picture:
        assert b"digitalsourcetype" in picture.info["xmp"]
        assert picture.info["loop"] == 0
    assert path.read_bytes() == write(tmp_path / "b.webp", frames, info_for(frames, loop=0), WEBP,
                                      MediaOptions()).read_bytes()


def test_a_file_that_ends_early_is_damaged(tmp_path: Path) -> None:
    data = lossy_clip(tmp_path / "a.webp").read_bytes()
    for size in (len(data) - 1, len(data) // 2, 40, 11):
        (tmp_path / "a.webp").write_bytes(data[:size])
        with pytest.raises(InputError) as caught:
            read(tmp_path / "a.webp", WEBP)
        assert "a.webp" in str(caught.value) and "\n" not in str(caught.value)


def test_bounds(tmp_path: Path) -> None:
    path = lossy_clip(tmp_path / "a.webp")
    with refused(LimitError, "--max-pixels"):
        read(path, WEBP, MediaOptions(max_pixels=1000))
    frame = Frame(pixels=np.zeros((1, 16384, 3), np.uint8))
    with pytest.raises(UsageError, match="16383"):
        write(tmp_path / "b.webp", [frame], info_for([frame]), WEBP)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2 ** 32 - 1))
def test_garbage_ends_in_frames_or_one_line(tmp_path: Path, seed: int) -> None:
    noise = np.random.default_rng(seed)
    data = bytearray(lossy_clip(tmp_path / "a.webp").read_bytes())
    for at in noise.integers(12, len(data), int(noise.integers(1, 6))):
        data[at] = noise.integers(0, 256)
    (tmp_path / "a.webp").write_bytes(bytes(data))
    try:
        info, frames = read(tmp_path / "a.webp", WEBP, MediaOptions(max_pixels=1_000_000))
        assert len(frames) == info.frame_count
    except InputError as error:
        assert "\n" not in str(error)
