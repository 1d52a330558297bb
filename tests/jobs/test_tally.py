from __future__ import annotations

from faceswap_cli.engine.outcome import FaceOutcome
from faceswap_cli.jobs.tally import Tally, WarningTally


def outcome(frame, *, swapped=True, reason=None, warnings=()):
    return FaceOutcome(frame, 0, swapped, reason, warnings=tuple(warnings))


def test_warnings_that_differ_in_numbers_are_one_line_with_a_range():
    tally = WarningTally()
    for frame, degrees in enumerate([39, 45, 40]):
        tally.add(frame, f"head turned {degrees} degrees to the left")
    tally.add(2, "landmarks unsure")
    assert tally.lines(60) == ["3 of 60 frames: head turned 39..45 degrees to the left",
                               "1 of 60 frames: landmarks unsure"]


def test_two_faces_of_one_frame_count_it_once():
    tally = WarningTally()
    tally.add(0, "face small: 8 px")
    tally.add(0, "face small: 11 px")
    assert tally.lines(2) == ["1 of 2 frames: face small: 8..11 px"]


def test_a_still_is_told_without_counts():
    tally = WarningTally()
    tally.add(0, "face small: 8.5 px")
    assert tally.lines(1) == ["face small: 8.5 px"]


def test_frames_and_faces_are_counted():
    tally = Tally(details=False)
    tally.add([outcome(0), outcome(0)], found=2, swapped=2)
    tally.add([], found=0, swapped=0)
    tally.add([outcome(2, swapped=False, reason="not-selected")], found=1, swapped=0)
    assert (tally.frames, tally.frames_swapped, tally.frames_without_face, tally.faces_swapped) == (3, 1, 1, 2)
    assert tally.outcomes == []


def test_faces_left_alone_warn_of_nothing_but_a_missing_one_is_told():
    tally = Tally(details=True)
    tally.add([outcome(0), outcome(0, swapped=False, reason="not-selected", warnings=["face small: 8 px"]),
               outcome(0, swapped=False, reason="no-such-face")], found=2, swapped=1)
    assert tally.warnings() == ["there is no face 0"]
    assert len(tally.outcomes) == 3


def test_why_nothing_was_swapped_names_the_reasons():
    empty = Tally(details=False)
    empty.add([], found=0, swapped=0)
    assert "no face found in t.png" in empty.why_nothing("t.png")
    filtered = Tally(details=False)
    filtered.add([outcome(0, swapped=False, reason="gender-mismatch")], found=1, swapped=0)
    assert "1 gender-mismatch" in filtered.why_nothing("t.png")
