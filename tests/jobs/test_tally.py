from __future__ import annotations

import pytest

from faceswap_cli.engine.outcome import FaceOutcome, Similarity
from faceswap_cli.errors import UnlikeError
from faceswap_cli.jobs.job import MeasuredSimilarity
from faceswap_cli.jobs.tally import Tally, WarningTally
from faceswap_cli.text import as_flag


def outcome(frame, *, swapped=True, reason=None, warnings=()):
    return FaceOutcome(frame=frame, index=0, swapped=swapped, skip_reason=reason, warnings=tuple(warnings))


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
    assert "no face found in t.png" in str(empty.why_nothing("t.png"))
    filtered = Tally(details=False)
    filtered.add([outcome(0, swapped=False, reason="gender-mismatch")], found=1, swapped=0)
    assert "1 gender-mismatch" in str(filtered.why_nothing("t.png"))


def measured(source, to_source, to_target=0.2, name="me.jpg"):
    return FaceOutcome(frame=0, index=0, swapped=True, skip_reason=None, source=source, source_picture=name,
                       similarity=Similarity(to_source, to_target))


def test_similarities_are_summed_up_as_medians():
    tally = Tally(details=False)
    assert tally.similarity("cosine") is None
    tally.add([outcome(0), measured(0, 0.5), measured(1, 0.9, 0.4)], found=3, swapped=3)
    tally.add([measured(0, 0.6, 0.3)], found=1, swapped=1)
    assert tally.similarity("cosine") == MeasuredSimilarity("cosine", 0.6, 0.3, 3)


def test_each_source_face_must_be_like_enough():
    """One that is very like does not make up for another that is not."""
    tally = Tally(details=False)
    tally.add([measured(0, 0.9), measured(0, 0.8), measured(1, 0.4, name="you.jpg")], found=3, swapped=3)
    tally.check_similarity(0.4, "t.png", "cosine")
    with pytest.raises(UnlikeError, match=r"^t\.png: .* like you\.jpg: similarity 0\.40 \(cosine, 1 face\), .* 0\.5;"):
        tally.check_similarity(0.5, "t.png", "cosine")


def test_nobody_is_the_person_tells_how_near_the_nearest_was():
    tally = Tally(details=False)
    for alike in (0.1, 0.31, 0.2):
        tally.add(
            [FaceOutcome(frame=0, index=0, swapped=False, skip_reason="other-person", reference_similarity=alike)],
            found=1, swapped=0)
    tally.add([outcome(0, swapped=False, reason="person-unknown")], found=1, swapped=0)
    assert tally.why_nothing("t.gif").text(as_flag) == (
        "no face in t.gif is the person of a reference: the nearest has a similarity of 0.31; take another picture of "
        "that person, or lower --reference-threshold")


def test_faces_that_cannot_be_told_apart_are_told():
    tally = Tally(details=False)
    tally.add([outcome(0), outcome(0, swapped=False, reason="person-unknown")], found=2, swapped=1)
    tally.add([outcome(1), outcome(1, swapped=False, reason="other-person")], found=2, swapped=1)
    assert tally.warnings() == [
        "a face too small or turned to tell who it is was left as it is (1 times in 2 frames)"]
