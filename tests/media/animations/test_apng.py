"""APNG: the conformance rules of the specification, and exact round trips."""

from __future__ import annotations

import zlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clips import info_for, pillow_frames, read, rgba, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms
from refusals import refused

from faceswap_cli.errors import InputError, LimitError, OutputError
from faceswap_cli.media.animations.apng_chunks import chunk
from faceswap_cli.media.frame import ClipInfo, Frame
from faceswap_cli.options import MediaFormat, MediaOptions

SIGNATURE = b"\x89PNG\r\n\x1a\n"
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def numbers(*values: int) -> bytes:
    return b"".join(value.to_bytes(4, "big") for value in values)


def packed(pixels: np.ndarray) -> bytes:
    return zlib.compress(b"".join(b"\0" + line.tobytes() for line in pixels))


def control(sequence: int, size: tuple[int, int], at: tuple[int, int] = (0, 0), delay: tuple[int, int] = (1, 10),
            disposal: int = 0, blend: int = 0) -> bytes:
    body = numbers(sequence, size[0], size[1], at[0], at[1])
    return chunk(b"fcTL", body + delay[0].to_bytes(2, "big") + delay[1].to_bytes(2, "big") + bytes([disposal, blend]))


def solid(colour: tuple[int, int, int, int], width: int = 4, height: int = 4) -> np.ndarray:
    return np.full((height, width, 4), colour, np.uint8)


def png(*chunks: bytes, count: int, plays: int = 0, size: tuple[int, int] = (4, 4)) -> bytes:
    header = chunk(b"IHDR", numbers(*size) + b"\x08\x06\0\0\0")
    return SIGNATURE + header + chunk(b"acTL", numbers(count, plays)) + b"".join(chunks) + chunk(b"IEND", b"")


RED, GREEN, CLEAR = (255, 0, 0, 255), (0, 255, 0, 255), (0, 0, 0, 0)


def shown(tmp_path: Path, data: bytes) -> tuple[ClipInfo, list[Frame]]:
    (tmp_path / "a.png").write_bytes(data)
    return read(tmp_path / "a.png", MediaFormat.APNG)


def test_the_default_image_is_no_frame(tmp_path: Path) -> None:
    info, frames = shown(tmp_path, png(
        chunk(b"IDAT", packed(solid(RED))),
        control(0, (4, 4)), chunk(b"fdAT", numbers(1) + packed(solid(GREEN))),
        control(2, (4, 4)), chunk(b"fdAT", numbers(3) + packed(solid(CLEAR))), count=2, plays=3))
    assert info.frame_count == len(frames) == 2
    assert info.loop == 3
    assert rgba(frames[0])[0, 0].tolist() == list(GREEN)


@pytest.mark.parametrize(("disposal", "expected"), [(0, GREEN), (1, CLEAR), (2, RED)])
def test_how_a_frame_makes_room(tmp_path: Path, disposal: int, expected: tuple[int, ...]) -> None:
    _, frames = shown(tmp_path, png(
        control(0, (4, 4)), chunk(b"IDAT", packed(solid(RED))),
        control(1, (2, 2), (1, 1), disposal=disposal), chunk(b"fdAT", numbers(2) + packed(solid(GREEN, 2, 2))),
        control(3, (1, 1)), chunk(b"fdAT", numbers(4) + packed(solid(RED, 1, 1))), count=3))
    assert rgba(frames[1])[1, 1].tolist() == list(GREEN)
    assert rgba(frames[2])[1, 1].tolist() == list(expected)
    assert rgba(frames[2])[3, 3].tolist() == list(RED)


def test_a_first_frame_that_goes_back_leaves_nothing(tmp_path: Path) -> None:
    _, frames = shown(tmp_path, png(
        control(0, (4, 4), disposal=2), chunk(b"IDAT", packed(solid(RED))),
        control(1, (1, 1)), chunk(b"fdAT", numbers(2) + packed(solid(GREEN, 1, 1))), count=2))
    assert rgba(frames[1])[3, 3].tolist() == list(CLEAR)


def test_half_transparent_pixels_are_blended_over(tmp_path: Path) -> None:
    _, frames = shown(tmp_path, png(
        control(0, (4, 4)), chunk(b"IDAT", packed(solid((0, 0, 200, 128)))),
        control(1, (4, 4), blend=1), chunk(b"fdAT", numbers(2) + packed(solid((200, 0, 0, 128)))), count=2))
    red, green, blue, alpha = rgba(frames[1])[0, 0].astype(int)
    assert abs(alpha - 192) <= 1  # 128 + 128 * (1 - 128 / 255)
    assert abs(red - 133) <= 1 and green == 0 and abs(blue - 66) <= 1


@pytest.mark.parametrize(("delay", "seconds"), [((1, 3), Fraction(1, 3)), ((7, 0), Fraction(7, 100)),
                                                ((0, 5), Fraction(0)), ((65535, 1), Fraction(65535))])
def test_durations_are_exact(tmp_path: Path, delay: tuple[int, int], seconds: Fraction) -> None:
    _, frames = shown(tmp_path, png(control(0, (4, 4), delay=delay), chunk(b"IDAT", packed(solid(RED))), count=1))
    assert frames[0].duration == seconds
    again = read(write(tmp_path / "b.png", frames, info_for(frames), MediaFormat.APNG), MediaFormat.APNG)[1]
    assert again[0].duration == seconds


def test_broken_animations(tmp_path: Path) -> None:
    first = control(0, (4, 4)) + chunk(b"IDAT", packed(solid(RED)))
    second = control(1, (4, 4)) + chunk(b"fdAT", numbers(2) + packed(solid(GREEN)))
    for damaged in (
        png(first, control(2, (4, 4)), chunk(b"fdAT", numbers(3) + packed(solid(GREEN))), count=2),  # a number left out
        png(first, control(1, (4, 4)), count=2),  # no pixels
        png(first, control(1, (4, 4), (1, 0)), chunk(b"fdAT", numbers(2) + packed(solid(GREEN))), count=2),  # outside
        png(first, second, count=3)[:-12],  # cut off between frames
        png(first, second, count=2)[:-30],  # and within
        png(first, second, count=2).replace(b"fcTL", b"fcTL", 1)[:60] + b"\xff" + png(first, second, count=2)[61:],
    ):
        with pytest.raises(InputError) as caught:
            shown(tmp_path, damaged)
        assert "a.png" in str(caught.value) and "\n" not in str(caught.value)


def test_an_animation_without_frames_is_a_still(tmp_path: Path) -> None:
    info, frames = shown(tmp_path, png(chunk(b"IDAT", packed(solid(RED))), count=0))
    assert info.frame_count == len(frames) == 1
    assert info.loop is None and info.warnings


@pytest.mark.parametrize(("depth", "colour", "line", "expected"), [
    (16, 2, [255, 9, 128, 9, 0, 9], (255, 128, 0)), (16, 0, [128, 77], (128, 128, 128)), (8, 0, [90], (90, 90, 90)),
    (1, 0, [128], (255, 255, 255)), (8, 4, [50, 255], (50, 50, 50))])
def test_other_pixel_layouts(tmp_path: Path, depth: int, colour: int, line: list[int],
                             expected: tuple[int, int, int]) -> None:
    header = chunk(b"IHDR", numbers(1, 1) + bytes([depth, colour, 0, 0, 0]))
    data = SIGNATURE + header + chunk(b"acTL", numbers(1, 0)) + control(0, (1, 1)) + chunk(
        b"IDAT", zlib.compress(b"\0" + bytes(line))) + chunk(b"IEND", b"")
    info, frames = shown(tmp_path, data)
    assert tuple(frames[0].pixels[0, 0]) == expected
    assert frames[0].alpha is None
    assert bool(info.warnings) == (depth == 16)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2 ** 32 - 1), count=st.integers(1, 5), opaque=st.booleans())
def test_what_is_written_is_read_again(tmp_path: Path, seed: int, count: int, opaque: bool) -> None:
    noise = np.random.default_rng(seed)
    pixels = noise.integers(0, 256, (9, 12, 3), dtype=np.uint8)
    frames = []
    for _ in range(count):
        pixels = pixels.copy()
        top, left = int(noise.integers(0, 9)), int(noise.integers(0, 12))
        pixels[top:top + 4, left:left + 5] = noise.integers(0, 256, 3)
        alpha = None if opaque or noise.random() < .3 else noise.choice([0, 7, 255], (9, 12)).astype(np.uint8)
        frames.append(
            Frame(pixels=pixels, alpha=alpha,
                  duration=Fraction(int(noise.integers(0, 400)), int(noise.integers(1, 400)))))
    info = info_for(frames, loop=int(noise.integers(0, 4)), icc=SRGB)
    path = write(tmp_path / "a.png", frames, info, MediaFormat.APNG)
    info_again, again = read(path, MediaFormat.APNG)
    assert (info_again.loop, info_again.icc, info_again.frame_count) == (info.loop, SRGB, count)
    assert [f.duration for f in again] == [f.duration for f in frames]
    for wanted, ours, theirs in zip(frames, again, pillow_frames(path), strict=True):
        assert np.array_equal(rgba(wanted), rgba(ours))
        if opaque:
            assert np.array_equal(rgba(wanted), theirs)


def test_an_opaque_clip_is_written_without_alpha(tmp_path: Path) -> None:
    frames = [Frame(pixels=np.full((5, 6, 3), n, np.uint8), alpha=None, duration=Fraction(1, 10)) for n in range(3)]
    info = ClipInfo(format=MediaFormat.APNG, width=6, height=5, frame_count=3, loop=0, mode="RGB", dpi=(300, 300))
    path = write(tmp_path / "a.png", frames, info, MediaFormat.APNG, MediaOptions())
    with Image.open(path) as picture:
        assert picture.mode == "RGB"
        assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        assert "digitalsourcetype" in str(picture.info["xmp"])
    with pytest.raises(OutputError, match="alpha"):
        write(tmp_path / "b.png", [*frames, Frame(pixels=frames[0].pixels, alpha=np.zeros((5, 6), np.uint8))], info,
              MediaFormat.APNG)


def test_only_what_changed_is_stored(tmp_path: Path) -> None:
    noise = np.random.default_rng(4).integers(0, 256, (100, 120, 3), dtype=np.uint8)
    frames = []
    for number in range(5):
        pixels = noise.copy()
        pixels[10:20, number:number + 10] = 0
        frames.append(Frame(pixels=pixels, alpha=None, duration=Fraction(1, 10)))
    one = write(tmp_path / "a.png", frames[:1], info_for(frames), MediaFormat.APNG).stat().st_size
    five = write(tmp_path / "b.png", frames, info_for(frames), MediaFormat.APNG).stat().st_size
    assert five < 1.1 * one


def test_bounds_are_checked_before_a_pixel_is_decoded(tmp_path: Path) -> None:
    with refused(LimitError, "--max-pixels"):
        shown(tmp_path, png(control(0, (4, 4)), chunk(b"IDAT", b"x"), count=1, size=(60000, 60000)))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2 ** 32 - 1))
def test_garbage_ends_in_frames_or_one_line(tmp_path: Path, seed: int) -> None:
    noise = np.random.default_rng(seed)
    data = bytearray(png(control(0, (4, 4)), chunk(b"IDAT", packed(solid(RED))),
                         control(1, (4, 4)), chunk(b"fdAT", numbers(2) + packed(solid(GREEN))), count=2))
    for at in noise.integers(8, len(data), int(noise.integers(1, 6))):
        data[at] = noise.integers(0, 256)
    try:
        info, frames = shown(tmp_path, bytes(data[:int(noise.integers(8, len(data) + 1))]))
        assert len(frames) == info.frame_count
    except InputError as error:
        assert "\n" not in str(error)


def test_other_programs_read_what_is_written(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    noise = np.random.default_rng(9).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    frames = []
    for number in range(4):
        pixels = noise.copy()
        pixels[5:15, 3 * number:3 * number + 9] = 50 * number
        frames.append(Frame(pixels=pixels, alpha=None, duration=Fraction(1, 10)))
    info = ClipInfo(format=MediaFormat.APNG, width=40, height=30, frame_count=4, loop=0)
    with av.open(str(write(tmp_path / "a.png", frames, info, MediaFormat.APNG)), format="apng") as container:
        theirs = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(theirs) == 4
    assert all(np.array_equal(a.pixels, b) for a, b in zip(frames, theirs, strict=True))
