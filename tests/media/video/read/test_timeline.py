"""Times of frames: what files leave out or tell wrong, parts, and dropped frames."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import pytest

from faceswap_cli.media.video.read.timeline import Timed, lasting, placed, thinned, trimmed
from faceswap_cli.trim import Trim

MS = Fraction(1, 1000)
STEP = Fraction(1, 25)


@dataclass
class Decoded:
    pts: int | None
    duration: int = 0


def timed(*times: int, last: int = 40) -> list[Timed]:
    frames = [Decoded(time, last) for time in times]
    return list(lasting(placed(frames, MS, STEP)))


def shown(frames: list[Timed]) -> list[tuple[int, int]]:
    return [(round(frame.time / MS), round(frame.duration / MS)) for frame in frames]


def test_a_frame_lasts_until_the_next_and_the_last_as_told() -> None:
    assert shown(timed(0, 33, 67, 500, last=21)) == [(0, 33), (33, 34), (67, 433), (500, 21)]


def test_what_is_not_told_goes_by_the_rate() -> None:
    frames = lasting(placed([Decoded(None), Decoded(None), Decoded(100), Decoded(None)], MS, STEP))
    assert shown(list(frames)) == [(0, 40), (40, 60), (100, 40), (140, 40)]


@pytest.mark.parametrize(("told", "times"), [
    ([0, 40, 40, 80], [0, 40, 41, 80]),  # the same time twice
    ([0, 40, 30, 80], [0, 40, 41, 80]),  # a little too early
    ([0, 5000, 0, 40], [0, 5000, 5040, 5080]),  # a clock set anew
])
def test_time_never_stands_still(told: list[int], times: list[int]) -> None:
    assert [time for time, _ in shown(timed(*told))] == times


def test_an_edit_list_ends_the_last_frame() -> None:
    frames = [Decoded(0, 40), Decoded(40, 120)]
    ends = [None, Fraction(1, 10), Fraction(3, 100), Fraction(1)]
    found = [list(lasting(placed(frames, MS, STEP), end))[-1].duration / MS for end in ends]
    assert found == [120, 60, 120, 120]


def test_a_part_begins_at_zero_and_cuts_the_frames_at_its_ends() -> None:
    frames = timed(1000, 1100, 1200, 1300, last=100)
    part = trimmed(frames, Trim(Fraction(3, 20), Fraction(13, 40)), Fraction(1))
    assert shown(list(part)) == [(0, 50), (50, 100), (150, 25)]
    assert list(trimmed(frames, Trim(Fraction(2, 5)), Fraction(1))) == []
    assert [frame.time for frame in trimmed(frames, None, Fraction(1))] == [0, Fraction(1, 10), Fraction(1, 5),
                                                                           Fraction(3, 10)]


@pytest.mark.parametrize(("rate", "left"), [(60, 30), (50, 30), (120, 30), (30, 30), (25, 25), (240, 30)])
def test_dropped_frames_leave_thirty_a_second_and_the_same_time(rate: int, left: int) -> None:
    times = [round(1000 * number / rate) for number in range(2 * rate)]
    frames = timed(*times, last=2000 - times[-1])
    kept = list(thinned(frames))
    assert len(kept) == 2 * left
    assert sum(frame.duration for frame in kept) == sum(frame.duration for frame in frames)
    assert shown(list(thinned(kept))) == shown(kept)


def test_which_frames_are_dropped_does_not_depend_on_where_decoding_begins() -> None:
    frames = timed(*[round(1000 * number / 47) for number in range(200)])
    kept = shown(list(thinned(frames)))
    at = next(number for number, frame in enumerate(frames) if frame.time / MS == kept[77][0])
    assert shown(list(thinned(frames[at:]))) == kept[77:]
