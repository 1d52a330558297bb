"""Planes and RGB: right by the standards, back again without touching what did not change."""

from __future__ import annotations

from typing import Any

import av
import numpy as np
import pytest
from footage import picture

from faceswap_cli.media.video.colour.curves import HLG, PQ, shown_by_signal, signal_by_shown
from faceswap_cli.media.video.colour.planes import CANONICAL, canonical_layout, make_canonical, plane_array
from faceswap_cli.media.video.colour.tones import add_change, matrix_of, to_rgb

BT601, BT709, BT2020 = 6, 1, 9
LUMA = {BT601: (0.299, 0.114), BT709: (0.2126, 0.0722), BT2020: (0.2627, 0.0593)}
ROWS, COLUMNS = slice(13, 41), slice(21, 55)
"""The part that tests change; it begins in the middle of a chroma block."""


def random_picture(layout: str, *, matrix: int = BT709, limited: bool = True, transfer: int = 2, width: int = 83,
                   height: int = 61) -> Any:
    """Soft planes with values all over their range."""
    made = av.VideoFrame(width, height, layout)
    made.colorspace, made.color_range, made.color_trc = matrix, 1 if limited else 2, transfer
    depth = made.format.components[0].bits
    for index in range(len(made.planes)):
        plane = plane_array(made, index)
        y, x = np.mgrid[0:plane.shape[0], 0:plane.shape[1]]
        share = 0.5 + (0.2 if index == 0 else 0.08) * np.sin(x / (9 + index) + y / 7 + index)
        plane[:] = share * ((1 << depth) - 1)
    return made


def by_the_book(source: Any) -> np.ndarray:
    """RGB in floating point, chroma repeated."""
    depth = source.format.components[0].bits
    planes = [plane_array(source, index).astype(float) for index in range(len(source.planes))]
    limited = source.color_range == 1
    luma = (planes[0] - (16 << depth - 8)) / (219 << depth - 8) if limited else planes[0] / ((1 << depth) - 1)
    if len(planes) == 1:
        return np.clip(np.repeat(luma[..., None], 3, 2), 0, 1) * 255
    across, down = -(-luma.shape[1] // planes[1].shape[1]), -(-luma.shape[0] // planes[1].shape[0])
    blue_part, red_part = (
        ((plane - (128 << depth - 8)) / ((224 << depth - 8) if limited else (1 << depth) - 1)).repeat(down, 0).repeat(
            across, 1)[:luma.shape[0], :luma.shape[1]] for plane in planes[1:])
    kr, kb = LUMA[source.colorspace]
    red, blue = luma + 2 * (1 - kr) * red_part, luma + 2 * (1 - kb) * blue_part
    green = (luma - kr * red - kb * blue) / (1 - kr - kb)
    return np.clip(np.stack([red, green, blue], -1), 0, 1) * 255


def changed(shown: np.ndarray) -> np.ndarray:
    """Another soft picture in a part of it."""
    after = shown.copy()
    after[ROWS, COLUMNS] = shown[ROWS, COLUMNS] // 2 + picture(83, 61, 4)[ROWS, COLUMNS] // 2
    return after


@pytest.mark.parametrize("limited", [True, False])
@pytest.mark.parametrize("matrix", LUMA)
@pytest.mark.parametrize("layout", sorted(layout for layout in CANONICAL if not layout.startswith("gbrp")))
def test_rgb_is_right_to_a_level(layout: str, matrix: int, limited: bool) -> None:
    source = random_picture(layout, matrix=matrix, limited=limited)
    assert np.abs(to_rgb(source) - by_the_book(source)).max() < 1.5


def test_an_untold_matrix_is_guessed_as_players_do() -> None:
    def guess(width: int, height: int, primaries: int = 2) -> int:
        made = av.VideoFrame(width, height, "yuv420p")
        made.colorspace, made.color_primaries = 2, primaries
        return matrix_of(made)

    assert [guess(720, 576), guess(480, 270), guess(1280, 720), guess(608, 1080)] == [BT601, BT601, BT709, BT709]
    assert guess(720, 576, BT2020) == BT2020


@pytest.mark.parametrize(("layout", "worst"), [
    ("yuv444p", 1), ("yuv444p10le", 0.5), ("yuv444p12le", 0.5), ("gbrp", 0.01), ("gbrp12le", 0.5), ("yuv422p", 2),
    ("yuv440p10le", 2), ("yuv420p", 2.5), ("yuv420p10le", 2.5),
])
@pytest.mark.parametrize("limited", [True, False])
def test_a_change_comes_back_as_it_was_drawn(layout: str, worst: float, limited: bool) -> None:
    source = random_picture(layout, limited=limited and not layout.startswith("gbrp"))
    before = to_rgb(source)
    after = changed(before)
    again = to_rgb(add_change(source, before, after))
    assert np.abs(again.astype(int) - after)[ROWS, COLUMNS].mean() < worst
    assert np.abs(after.astype(int) - before)[ROWS, COLUMNS].mean() > 20


@pytest.mark.parametrize("layout", ["yuv420p", "yuv420p10le", "yuv422p12le", "yuv444p", "gray", "gbrp10le"])
def test_what_did_not_change_keeps_its_bits(layout: str) -> None:
    source = random_picture(layout)
    kept = [plane_array(source, index).copy() for index in range(len(source.planes))]
    before = to_rgb(source)
    made = add_change(source, before, changed(before))
    for index, was in enumerate(kept):
        assert np.array_equal(plane_array(source, index), was)  # the decoder may still refer to it
        now = plane_array(made, index)
        across, down = round(83 / was.shape[1]), round(61 / was.shape[0])
        outside = np.ones(was.shape, bool)
        outside[ROWS.start // down:-(-ROWS.stop // down), COLUMNS.start // across:-(-COLUMNS.stop // across)] = False
        assert np.array_equal(now[outside], was[outside])
        assert not np.array_equal(now, was)
    assert (made.colorspace, made.color_range, made.format.name) == (BT709, 1, layout)


def test_a_change_at_the_edge_of_odd_sides() -> None:
    source = random_picture("yuv420p")
    before = to_rgb(source)
    after = before.copy()
    after[-1, -1] = (200, 30, 90)
    again = to_rgb(add_change(source, before, after))
    assert np.abs(again[-1, -1].astype(int) - (200, 30, 90)).max() <= 2
    assert np.array_equal(again[:-1, :-1], before[:-1, :-1])


def test_without_a_change_the_picture_is_the_same() -> None:
    source = random_picture("yuv420p")
    before = to_rgb(source)
    assert add_change(source, before, before.copy()) is source


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_hdr_is_shown_like_an_ordinary_picture_and_keeps_its_depth(transfer: int) -> None:
    source = random_picture("yuv444p10le", matrix=BT2020, transfer=transfer)
    before = to_rgb(source)
    after = changed(before)
    made = add_change(source, before, after)
    assert np.abs(to_rgb(made).astype(int) - after)[ROWS, COLUMNS].mean() < 2
    assert made.color_trc == transfer
    outside = np.ones(before.shape[:2], bool)
    outside[ROWS, COLUMNS] = False
    assert np.array_equal(plane_array(made, 0)[outside], plane_array(source, 0)[outside])


@pytest.mark.parametrize(("transfer", "white"), [(PQ, 0.5807), (HLG, 0.75)])
def test_the_curves_rise_and_put_reference_white_below_the_top(transfer: int, white: float) -> None:
    shown, signal = shown_by_signal(transfer), signal_by_shown(transfer)
    assert shown[0] == 0 and shown[-1] == 255
    assert (np.diff(shown.astype(int)) >= 0).all() and (np.diff(signal) > 0).all()
    assert 205 < shown[round(white * 65535)] < 230
    assert np.abs(shown[np.rint(signal * 65535).astype(int)].astype(int) - np.arange(256)).max() <= 1


@pytest.mark.parametrize(("layout", "canonical"), [
    ("yuvj420p", "yuv420p"), ("nv12", "yuv420p"), ("p010le", "yuv420p10le"), ("yuyv422", "yuv422p"),
    ("yuva444p10le", "yuv444p10le"), ("yuv422p10be", "yuv422p10le"), ("bgr24", "gbrp"), ("gbrap12le", "gbrp12le"),
    ("rgb0", "gbrp"), ("yuv420p9le", "yuv420p10le"), ("yuv444p16le", "yuv444p12le"), ("gray16le", "gray12le"),
    ("yuv411p", "yuv422p"), ("yuv410p", "yuv420p"), ("pal8", "gbrp"), ("ya8", "gray"), ("monow", "gray"),
])
def test_odd_layouts_become_plain_ones(layout: str, canonical: str) -> None:
    assert canonical_layout(av.VideoFormat(layout)) == canonical


@pytest.mark.parametrize(("layout", "canonical"), [
    ("nv12", "yuv420p"), ("p010le", "yuv420p10le"), ("yuyv422", "yuv422p"), ("bgr24", "gbrp"), ("yuvj422p", "yuv422p"),
    ("yuva420p", "yuv420p"), ("yuv422p10be", "yuv422p10le"),
])
def test_nothing_is_lost_by_that(layout: str, canonical: str) -> None:
    source = random_picture(canonical, limited=layout != "yuvj422p", width=82, height=60)
    packed = source.reformat(format=layout)
    again = make_canonical(packed)
    assert again.format.name == canonical
    assert all(np.array_equal(plane_array(again, index), plane_array(source, index))
               for index in range(len(source.planes)))
