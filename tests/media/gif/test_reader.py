"""GIF: read as browsers show it, written without touching what was not changed."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clips import OPTIONS, Block, composite, gif_bytes, grey_frames, info_for, pillow_frames, read, rgba, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from refusals import refused

from faceswap_cli.errors import InputError, LimitError, OutputError
from faceswap_cli.media.frame import ClipInfo, Frame, Indexed
from faceswap_cli.media.gif.blocks import parse_gif
from faceswap_cli.media.gif.paint import GifStage
from faceswap_cli.media.gif.writer import GifWriter
from faceswap_cli.media.open import create_as
from faceswap_cli.options import MediaFormat, MediaOptions

PALETTE = np.random.default_rng(5).integers(0, 256, (16, 3), dtype=np.uint8)
OTHER = np.random.default_rng(6).integers(0, 256, (8, 3), dtype=np.uint8)
# Reddish and skin tones, evenly spread: 8 x 8 x 4.
FULL = np.stack([80 + 20 * (np.arange(256) >> 5), 50 + 20 * (np.arange(256) >> 2 & 7), 40 + 30 * (np.arange(256) & 3)],
                axis=1).astype(np.uint8)


@st.composite
def block(draw: st.DrawFn) -> Block:
    """An image of any size and place on (and over the edge of) a screen of 9 x 7."""
    seed = draw(st.integers(0, 2 ** 32 - 1))
    noise = np.random.default_rng(seed)
    local = OTHER if draw(st.booleans()) else None
    height, width = draw(st.integers(1, 8)), draw(st.integers(1, 10))
    indices = noise.integers(0, 8 if local is not None else 16, (height, width), dtype=np.uint8)
    return Block(indices, draw(st.integers(0, 8)), draw(st.integers(0, 6)), local,
                 draw(st.one_of(st.none(), st.integers(0, 7))), draw(st.integers(0, 3)), draw(st.integers(0, 300)),
                 draw(st.booleans()))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(blocks=st.lists(block(), min_size=1, max_size=7), repeats=st.sampled_from([None, 0, 3, 65535]))
def test_any_gif_is_shown_as_a_browser_does_and_survives_a_round_trip(tmp_path: Path, blocks: list[Block],
                                                                      repeats: int | None) -> None:
    source = tmp_path / "a.gif"
    source.write_bytes(gif_bytes(9, 7, blocks, PALETTE, repeats))
    info, frames = read(source)
    expected = composite(9, 7, blocks, PALETTE)
    assert (info.width, info.height, info.frame_count) == (9, 7, len(blocks))
    assert info.loop == (None if repeats is None else repeats and repeats + 1)
    for frame, wanted, image in zip(frames, expected, blocks, strict=True):
        assert np.array_equal(rgba(frame), wanted)
        assert frame.duration == Fraction(image.delay or 0, 100)
        assert frame.indexed is not None  # 24 colours always fit one palette
        seen = wanted[..., 3] > 0
        assert np.array_equal(frame.indexed.palette[frame.indexed.indices][seen], frame.pixels[seen])
        assert np.array_equal(frame.indexed.indices == frame.indexed.transparent, ~seen)

    copy = write(tmp_path / "b.gif", frames, info)
    info_again, again = read(copy)
    assert info_again.loop == info.loop
    assert [f.duration for f in again] == [f.duration for f in frames]
    assert all(np.array_equal(rgba(a), rgba(b)) for a, b in zip(frames, again, strict=True))
    assert len(pillow_frames(copy)) == len(frames)
    assert np.array_equal(pillow_frames(copy)[0], expected[0])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2 ** 32 - 1), count=st.integers(2, 6), strip=st.booleans())
def test_many_local_palettes_survive_a_round_trip(tmp_path: Path, seed: int, count: int, strip: bool) -> None:
    """More than 256 colours on the screen: no frame has a palette form, and still every pixel is exact."""
    noise = np.random.default_rng(seed)
    blocks = []
    for number in range(count):
        height, width = (24, 24) if not number else (int(noise.integers(1, 24)), int(noise.integers(1, 24)))
        indices = noise.integers(0, 256, (height, width), dtype=np.uint8)
        left, top = int(noise.integers(0, 24 - width + 1)), int(noise.integers(0, 24 - height + 1))
        blocks.append(Block(indices, left, top, noise.integers(0, 256, (256, 3), dtype=np.uint8),
                            int(noise.integers(0, 256)) if noise.random() < .5 else None, int(noise.integers(0, 4)), 5))
    source = tmp_path / "a.gif"
    source.write_bytes(gif_bytes(24, 24, blocks))
    info, frames = read(source)
    assert all(np.array_equal(rgba(f), w) for f, w in zip(frames, composite(24, 24, blocks, None), strict=True))
    if strip:  # as if they came from another format
        frames = [Frame(pixels=f.pixels, alpha=f.alpha, duration=f.duration) for f in frames]
    _, again = read(write(tmp_path / "b.gif", frames, info))
    assert len(again) == len(frames)
    exact = [np.array_equal(rgba(a), rgba(b)) for a, b in zip(frames, again, strict=True)]
    # One image block holds 256 colours: only what a disposal uncovers can be too much at once.
    assert all(exact) or any(b.disposal in (2, 3) for b in blocks)


@pytest.mark.parametrize("height", [1, 2, 3, 5, 9, 16, 17])
def test_interlaced_rows_are_put_in_order(tmp_path: Path, height: int) -> None:
    indices = (np.arange(height * 6) % 16).astype(np.uint8).reshape(height, 6)
    path = tmp_path / "a.gif"
    path.write_bytes(gif_bytes(6, height, [Block(indices, interlaced=True)], PALETTE))
    (frame,) = read(path)[1]
    assert np.array_equal(frame.pixels, PALETTE[indices])
    assert np.array_equal(pillow_frames(path)[0], rgba(frame))


def moved(frames: list[Frame], window: tuple[slice, slice]) -> list[Frame]:
    """The frames with a shaded patch where the face would be."""
    changed = []
    for number, frame in enumerate(frames):
        pixels = frame.pixels.copy()
        rows, columns = np.mgrid[window]
        shade = (rows * 4 + columns * 2 + number).astype(np.uint8)
        pixels[window] = np.stack([shade // 2 + 90, shade // 2 + 60, shade // 3 + 60], axis=2)
        changed.append(Frame(pixels=pixels, alpha=frame.alpha, duration=frame.duration, indexed=frame.indexed))
    return changed


def colour_gif(path: Path, count: int = 6) -> Path:
    """Full frames in one palette of 256 colours, all of them used."""
    blocks = []
    for number in range(count):
        indices = np.roll(np.arange(40 * 64) % 256, number * 3).astype(np.uint8).reshape(40, 64)
        blocks.append(Block(indices, delay=3 + number))
    path.write_bytes(gif_bytes(64, 40, blocks, FULL, 0))
    return path


def pillow_indices(path: Path) -> list[np.ndarray]:
    from PIL import GifImagePlugin

    strategy = GifImagePlugin.LOADING_STRATEGY
    GifImagePlugin.LOADING_STRATEGY = GifImagePlugin.LoadingStrategy.RGB_AFTER_DIFFERENT_PALETTE_ONLY
    try:
        found = []
        with Image.open(path) as picture:
            for number in range(picture.n_frames):
                picture.seek(number)
                assert picture.mode == "P"
                found.append(np.asarray(picture).copy())
        return found
    finally:
        GifImagePlugin.LOADING_STRATEGY = strategy


def test_an_untouched_clip_with_one_palette_keeps_every_index(tmp_path: Path) -> None:
    info, frames = read(colour_gif(tmp_path / "a.gif"))
    copy = write(tmp_path / "b.gif", frames, info)
    again = read(copy)[1]
    for before, after, other in zip(frames, again, pillow_indices(copy), strict=True):
        assert before.indexed is not None and after.indexed is not None
        assert np.array_equal(before.indexed.indices, after.indexed.indices)
        assert np.array_equal(before.indexed.palette, after.indexed.palette)
        assert np.array_equal(before.indexed.indices, other)
    with copy.open("rb") as file:
        parsed = parse_gif(file, "b.gif")
    assert parsed.palette == FULL.tobytes()
    assert not any(image.palette_size for image in parsed.images)


def test_outside_the_face_indices_and_palette_stay_bit_for_bit(tmp_path: Path) -> None:
    info, frames = read(colour_gif(tmp_path / "a.gif"))
    window = (slice(8, 30), slice(20, 45))
    copy = write(tmp_path / "b.gif", moved(frames, window), info)
    outside = np.ones((40, 64), bool)
    outside[window] = False
    for before, after, other in zip(frames, read(copy)[1], pillow_indices(copy), strict=True):
        assert before.indexed is not None and after.indexed is not None
        assert np.array_equal(before.indexed.indices[outside], after.indexed.indices[outside])
        assert np.array_equal(before.indexed.palette, after.indexed.palette)
        assert np.array_equal(before.indexed.indices[outside], other[outside])
        assert not np.array_equal(before.pixels[window], after.pixels[window])


def test_two_entries_of_one_colour_are_told_apart(tmp_path: Path) -> None:
    palette = np.zeros((4, 3), np.uint8)
    palette[2:] = 200
    blocks = [Block(np.full((4, 4), 2, np.uint8)), Block(np.full((4, 4), 3, np.uint8))]
    (tmp_path / "a.gif").write_bytes(gif_bytes(4, 4, blocks, palette))
    info, frames = read(tmp_path / "a.gif")
    again = read(write(tmp_path / "b.gif", frames, info))[1]
    assert [int(f.indexed.indices[0, 0]) for f in again if f.indexed] == [2, 3]


def stages(path: Path, frames: list[Frame], info: ClipInfo) -> dict[GifStage, int]:
    writer = create_as(path, MediaFormat.GIF, info, OPTIONS, overwrite=True, moving=True)
    assert isinstance(writer, GifWriter)
    with writer:
        for frame in frames:
            writer.write(frame)
        writer.commit()
    return {stage: count for stage, count in writer.stages.items() if count}


def coloured(frames: list[Frame], window: tuple[slice, slice]) -> list[Frame]:
    """A patch of strong, smoothly changing colours, which no grey palette has."""
    changed = []
    for frame in frames:
        pixels = frame.pixels.copy()
        area = pixels[window]
        area[..., 0] = np.linspace(120, 250, area.shape[0])[:, None]
        area[..., 1] = np.linspace(30, 90, area.shape[1])
        area[..., 2] = 60
        changed.append(Frame(pixels=pixels, alpha=None, duration=frame.duration, indexed=frame.indexed))
    return changed


WINDOW = (slice(4, 20), slice(8, 24))


def test_a_palette_that_serves_is_kept(tmp_path: Path) -> None:
    frames = grey_frames(3, 48, 64)
    # A palette of 200 greys has every one of these.
    shaded = [Frame(pixels=np.clip(f.pixels, 7, 190), alpha=None, duration=f.duration,
                    indexed=f.indexed) for f in frames]
    assert stages(tmp_path / "a.gif", shaded, info_for(frames)) == {GifStage.OWN: 3}


def test_entries_that_nobody_uses_are_given_to_the_face(tmp_path: Path) -> None:
    frames = grey_frames(3, 48, 64, colours=64)
    wide = np.zeros((256, 3), np.uint8)
    wide[:64] = frames[0].indexed.palette if frames[0].indexed else 0
    frames = [Frame(pixels=f.pixels, alpha=None, duration=f.duration,
                    indexed=type(f.indexed)(f.indexed.indices, wide)) for f in frames if f.indexed]
    changed = coloured(frames, WINDOW)
    assert stages(tmp_path / "a.gif", changed, info_for(frames)) == {GifStage.FREED: 3}
    outside = np.ones((48, 64), bool)
    outside[WINDOW] = False
    for wanted, shown in zip(changed, read(tmp_path / "a.gif")[1], strict=True):
        assert shown.indexed is not None and wanted.indexed is not None
        assert np.array_equal(shown.pixels[outside], wanted.pixels[outside])
        assert np.array_equal(shown.indexed.indices[outside], wanted.indexed.indices[outside])
        assert np.abs(shown.pixels.astype(int) - wanted.pixels)[WINDOW].mean() < 6


def test_a_small_palette_grows_for_the_face(tmp_path: Path) -> None:
    """All its entries are in use outside the face; a GIF has room for 256."""
    frames = grey_frames(3, 48, 64, colours=64)
    changed = coloured(frames, WINDOW)
    assert stages(tmp_path / "a.gif", changed, info_for(frames)) == {GifStage.FREED: 3}
    outside = np.ones((48, 64), bool)
    outside[WINDOW] = False
    for wanted, shown in zip(changed, read(tmp_path / "a.gif")[1], strict=True):
        assert shown.indexed is not None and wanted.indexed is not None
        assert np.array_equal(shown.pixels[outside], wanted.pixels[outside])
        assert np.array_equal(shown.indexed.indices[outside], wanted.indexed.indices[outside])
        assert np.abs(shown.pixels.astype(int) - wanted.pixels)[WINDOW].mean() < 6


def test_a_new_palette_is_made_only_when_nothing_else_serves(tmp_path: Path) -> None:
    frames = grey_frames(3, 48, 64, colours=256)  # all entries are in use outside the face
    changed = coloured(frames, WINDOW)
    assert stages(tmp_path / "a.gif", changed, info_for(frames)) == {GifStage.NEW: 3}
    for wanted, shown in zip(changed, read(tmp_path / "a.gif")[1], strict=True):
        assert np.abs(shown.pixels.astype(int) - wanted.pixels).mean() < 6


def test_flat_colours_are_not_dithered(tmp_path: Path) -> None:
    frames = grey_frames(2, colours=64)
    changed = []
    for frame in frames:
        pixels = frame.pixels.copy()
        pixels[5:15, 5:15] = (201, 33, 77)
        changed.append(Frame(pixels=pixels, alpha=None, duration=frame.duration, indexed=frame.indexed))
    again = read(write(tmp_path / "a.gif", changed, info_for(frames)))[1]
    assert all((f.pixels[5:15, 5:15] == f.pixels[5, 5]).all() for f in again)


def test_a_face_that_stands_still_does_not_flicker(tmp_path: Path) -> None:
    _, frames = read(colour_gif(tmp_path / "a.gif"))
    window = (slice(8, 30), slice(20, 45))
    patch = moved(frames[:1], window)[0].pixels[window]
    changed = []
    for frame in frames:
        pixels = frame.pixels.copy()
        pixels[window] = patch
        changed.append(Frame(pixels=pixels, alpha=None, duration=frame.duration, indexed=frame.indexed))
    shown = [f.pixels[window] for f in read(write(tmp_path / "b.gif", changed, info_for(frames)))[1]]
    assert not np.array_equal(shown[0], patch)  # it was dithered
    assert all(np.array_equal(shown[0], other) for other in shown[1:])


def test_opaque_pixels_never_become_transparent(tmp_path: Path) -> None:
    noise = np.random.default_rng(3)
    indices = noise.integers(0, 15, (20, 20), dtype=np.uint8)
    indices[:4] = 15
    (tmp_path / "a.gif").write_bytes(gif_bytes(20, 20, [Block(indices, transparent=15)], PALETTE))
    info, (frame,) = read(tmp_path / "a.gif")
    pixels = frame.pixels.copy()
    pixels[6:18, 6:18] = PALETTE[15]  # the colour behind the transparent index
    (shown,) = read(
        write(tmp_path / "b.gif",
              [Frame(pixels=pixels, alpha=frame.alpha, duration=frame.duration, indexed=frame.indexed)], info))[1]
    assert shown.alpha is not None and frame.alpha is not None
    assert np.array_equal(shown.alpha, frame.alpha)


def test_pixels_can_become_transparent_again(tmp_path: Path) -> None:
    frames = []
    for number in range(6):
        alpha = np.zeros((12, 16), np.uint8)
        alpha[2:8, number:number + 6] = 255
        pixels = np.zeros((12, 16, 3), np.uint8)
        pixels[alpha > 0] = (40 * number, 99, 20)
        frames.append(Frame(pixels=pixels, alpha=alpha, duration=Fraction(1, 10)))
    path = write(tmp_path / "a.gif", frames, info_for(frames, loop=0))
    for wanted, ours, theirs in zip(frames, read(path)[1], pillow_frames(path), strict=True):
        assert np.array_equal(rgba(wanted), rgba(ours))
        assert np.array_equal(rgba(wanted), theirs)


def test_half_transparent_pixels_are_either(tmp_path: Path) -> None:
    alpha = np.array([[0, 127, 128, 255]], np.uint8)
    frame = Frame(pixels=np.full((1, 4, 3), 50, np.uint8), alpha=alpha)
    (shown,) = read(write(tmp_path / "a.gif", [frame], info_for([frame])))[1]
    assert shown.alpha is not None
    assert shown.alpha.tolist() == [[0, 0, 255, 255]]


def test_true_colours_become_one_palette_while_it_serves(tmp_path: Path) -> None:
    rows, columns = np.mgrid[0:60, 0:80]
    frames = [Frame(pixels=np.stack([rows * 4, columns * 3, (rows + columns + number) % 256], axis=2).astype(np.uint8),
                    alpha=None, duration=Fraction(1, 10)) for number in range(4)]
    found = stages(tmp_path / "a.gif", frames, info_for(frames))
    assert found == {GifStage.NEW: 1, GifStage.OWN: 3}
    for wanted, shown in zip(frames, read(tmp_path / "a.gif")[1], strict=True):
        assert np.abs(shown.pixels.astype(int) - wanted.pixels).mean() < 8


def test_the_total_time_stays_when_single_times_must_be_rounded(tmp_path: Path) -> None:
    frames = [Frame(pixels=np.full((2, 2, 3), n, np.uint8), alpha=None, duration=Fraction(1, 30)) for n in range(31)]
    _, again = read(write(tmp_path / "a.gif", frames, info_for(frames)))
    assert len(again) == 31
    assert sum(f.duration for f in again) == Fraction(103, 100)
    assert {f.duration for f in again} == {Fraction(3, 100), Fraction(4, 100)}


def test_a_frame_longer_than_a_gif_can_say_is_shown_twice(tmp_path: Path) -> None:
    frames = [Frame(pixels=np.full((2, 2, 3), n, np.uint8), alpha=None,
                    duration=Fraction(700 * n + 1)) for n in range(2)]
    _, again = read(write(tmp_path / "a.gif", frames, info_for(frames)))
    assert sum(f.duration for f in again) == 702
    assert np.array_equal(again[-1].pixels, frames[-1].pixels)


@pytest.mark.parametrize(("plays", "repeats"), [(None, None), (1, None), (0, 0), (2, 1), (65536, 65535)])
def test_plays_are_repeats_plus_one(tmp_path: Path, plays: int | None, repeats: int | None) -> None:
    frames = grey_frames(2)
    path = write(tmp_path / "a.gif", frames, info_for(frames, loop=plays))
    with Image.open(path) as picture:
        assert picture.info.get("loop") == repeats
    assert read(path)[0].loop == (None if repeats is None else plays)


def test_the_mark_is_written_and_does_not_disturb_readers(tmp_path: Path) -> None:
    frames = grey_frames(2)
    path = write(tmp_path / "a.gif", frames, info_for(frames), options=MediaOptions())
    assert b"XMP DataXMP" in path.read_bytes()
    assert b"digitalsourcetype" in path.read_bytes()
    assert len(read(path)[1]) == len(pillow_frames(path)) == 2
    assert b"XMP DataXMP" not in write(tmp_path / "b.gif", frames, info_for(frames)).read_bytes()


def test_other_programs_read_what_is_written(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    info, frames = read(colour_gif(tmp_path / "a.gif"))
    path = write(tmp_path / "b.gif", moved(frames, (slice(8, 30), slice(20, 45))), info)
    ours = [f.pixels for f in read(path)[1]]
    with av.open(str(path)) as container:
        theirs = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(theirs) == len(ours)
    assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_the_same_frames_give_the_same_bytes(tmp_path: Path) -> None:
    info, frames = read(colour_gif(tmp_path / "a.gif"))
    changed = moved(frames, (slice(8, 30), slice(20, 45)))
    first = write(tmp_path / "b.gif", changed, info).read_bytes()
    assert first == write(tmp_path / "c.gif", changed, info).read_bytes()


def test_a_missing_trailer_is_no_damage(tmp_path: Path) -> None:
    whole = gif_bytes(8, 8, [Block(np.full((8, 8), n, np.uint8)) for n in range(3)], PALETTE)
    path = tmp_path / "a.gif"
    path.write_bytes(whole[:-1])
    info, frames = read(path)
    assert len(frames) == 3
    assert info.warnings
    path.write_bytes(whole[:-2])  # the empty sub-block that ends the last image is gone, all its pixels are there
    assert len(read(path)[1]) == 3


def test_cut_off_pixels_are_damage_and_no_frame_is_dropped_silently(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 16, (3, 30, 30), dtype=np.uint8)
    whole = gif_bytes(30, 30, [Block(picture) for picture in noise], PALETTE)
    path = tmp_path / "cut.gif"
    for size in (len(whole) // 2, len(whole) - 40, 30, 13, 9):
        path.write_bytes(whole[:size])
        try:
            info, frames = read(path)
        except InputError as error:
            assert "cut.gif" in str(error)
            assert "\n" not in str(error)
        else:
            assert size > 60 and len(frames) == info.frame_count and info.warnings


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2 ** 32 - 1))
def test_garbage_ends_in_frames_or_one_line(tmp_path: Path, seed: int) -> None:
    noise = np.random.default_rng(seed)
    data = bytearray(gif_bytes(20, 20, [Block(noise.integers(0, 16, (20, 20), dtype=np.uint8)) for _ in range(3)],
                               PALETTE))
    for at in noise.integers(0, len(data), int(noise.integers(1, 12))):
        data[at] = noise.integers(0, 256)
    path = tmp_path / "a.gif"
    path.write_bytes(bytes(data))
    try:
        info, frames = read(path, options=MediaOptions(max_pixels=1_000_000))
        assert len(frames) == info.frame_count
    except InputError as error:
        assert "\n" not in str(error)


def test_bounds_are_checked_before_a_pixel_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gif"
    path.write_bytes(gif_bytes(65535, 65535, [Block(np.zeros((1, 1), np.uint8))], PALETTE))
    with refused(LimitError, "--max-pixels"):
        read(path)
    path.write_bytes(gif_bytes(100, 100, [Block(np.zeros((1, 1), np.uint8))] * 30, PALETTE))
    with pytest.raises(LimitError, match="30 frames"):
        read(path, options=MediaOptions(max_pixels=10_000))
    data = bytearray(gif_bytes(10, 10, [Block(np.zeros((1, 1), np.uint8))], PALETTE))
    at = data.index(b",")
    data[at + 5:at + 9] = b"\xff\xff\xff\xff"  # an image much larger than its screen: only ten of its rows are needed
    path.write_bytes(bytes(data))
    with pytest.raises(LimitError):
        read(path, options=MediaOptions(max_pixels=600_000))
    (frame,) = read(path)[1]
    assert frame.pixels.shape == (10, 10, 3)
    data[at + 9] |= 0x40  # interlaced: all of them
    path.write_bytes(bytes(data))
    with pytest.raises(LimitError):
        read(path)


def test_tiles_without_times_are_one_still_of_many_colours(tmp_path: Path) -> None:
    noise = np.random.default_rng(2)
    palettes = noise.integers(0, 256, (4, 256, 3), dtype=np.uint8)
    tile = np.arange(256, dtype=np.uint8).reshape(16, 16)
    blocks = [Block(tile, 16 * (n % 2), 16 * (n // 2), palettes[n], delay=None) for n in range(4)]
    (tmp_path / "a.gif").write_bytes(gif_bytes(32, 32, blocks))
    info, (frame,) = read(tmp_path / "a.gif")
    assert info.frame_count == 1 and not info.animated
    assert np.array_equal(rgba(frame), composite(32, 32, blocks, None)[-1])


def test_a_frame_of_another_size_is_refused_and_nothing_is_left_behind(tmp_path: Path) -> None:
    frames = grey_frames(2)
    with (pytest.raises(OutputError, match="size"),
          create_as(tmp_path / "a.gif", MediaFormat.GIF, info_for(frames), OPTIONS, moving=True) as writer):
        writer.write(Frame(pixels=np.zeros((3, 3, 3), np.uint8)))
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2 ** 32 - 1), count=st.integers(1, 7))
def test_any_clip_of_few_colours_and_hard_edges_is_exact(tmp_path: Path, seed: int, count: int) -> None:
    """Frames without a palette form, in which pixels come, go and stay."""
    noise = np.random.default_rng(seed)
    colours = noise.integers(0, 256, (int(noise.integers(1, 40)), 3), dtype=np.uint8)
    pixels, alpha = np.zeros((10, 12, 3), np.uint8), np.zeros((10, 12), np.uint8)
    frames = []
    for _ in range(count):
        pixels, alpha = pixels.copy(), alpha.copy()
        for _ in range(int(noise.integers(0, 3))):
            top, left = int(noise.integers(0, 10)), int(noise.integers(0, 12))
            area = (slice(top, top + int(noise.integers(1, 8))), slice(left, left + int(noise.integers(1, 8))))
            pixels[area] = colours[noise.integers(0, len(colours), pixels[area].shape[:2])]
            alpha[area] = 255 * int(noise.integers(0, 3) > 0)
        frames.append(
            Frame(pixels=pixels, alpha=alpha if noise.random() < .8 or not alpha.all() else None,
                  duration=Fraction(1, 50)))
    path = write(tmp_path / "a.gif", frames, info_for(frames))
    again = read(path)[1]
    assert all(np.array_equal(rgba(a), rgba(b)) for a, b in zip(frames, again, strict=True))


def test_a_face_that_stands_still_does_not_flicker_while_palettes_change(tmp_path: Path) -> None:
    noise = np.random.default_rng(8)
    rows, columns = np.mgrid[0:24, 0:24]
    patch = np.stack([120 + rows * 3, 80 + columns * 3, 70 + rows + columns], axis=2).astype(np.uint8)
    frames = []
    for number in range(5):
        palette = noise.integers(0, 256, (240, 3), dtype=np.uint8)
        indices = noise.integers(0, 120, (40, 60), dtype=np.uint8)
        pixels = palette[indices]
        pixels[8:32, 20:44] = patch
        frames.append(
            Frame(pixels=pixels, alpha=None, duration=Fraction(4 + number, 100), indexed=Indexed(indices, palette)))
    shown = [frame.pixels for frame in read(write(tmp_path / "a.gif", frames, info_for(frames)))[1]]
    outside = np.ones((40, 60), bool)
    outside[8:32, 20:44] = False
    assert all(np.array_equal(a.pixels[outside], b[outside]) for a, b in zip(frames, shown, strict=True))
    assert not np.array_equal(shown[0][~outside], patch.reshape(-1, 3))
    assert all(np.array_equal(shown[0][~outside], other[~outside]) for other in shown[1:])
