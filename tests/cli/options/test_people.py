from __future__ import annotations

import pytest
from refusals import refused

from faceswap_cli.cli.options.people import parse_pairs
from faceswap_cli.cli.people_report import face_words, similarity_words
from faceswap_cli.engine.outcome import FaceOutcome, Similarity
from faceswap_cli.errors import UsageError
from faceswap_cli.jobs.job import MeasuredSimilarity, Outcome, Pair, SwapSpec


def test_pairs_are_read_in_order():
    pairs = parse_pairs(["anna.jpg=me.jpg", "ben.jpg=you.jpg"])
    assert pairs == (Pair("anna.jpg", "me.jpg"), Pair("ben.jpg", "you.jpg"))
    assert parse_pairs(None) == ()


def test_a_name_with_an_equals_sign_is_known_by_its_file(tmp_path):
    odd = tmp_path / "a=b.jpg"
    odd.touch()
    assert parse_pairs([f"{odd}=me=too.jpg"]) == (Pair(str(odd), "me=too.jpg"),)
    assert parse_pairs(["no-file=me=too.jpg"]) == (Pair("no-file", "me=too.jpg"),)


@pytest.mark.parametrize(("text", "says"), [
    ("anna.jpg", "write REFERENCE=SOURCE"), ("=me.jpg", "REFERENCE is empty"), ("anna.jpg=", "SOURCE is empty"),
    ("=", "REFERENCE is empty"),
])
def test_what_is_no_pair_is_told(text, says):
    with refused(UsageError, f"^--pair {text}: {says}"):
        parse_pairs([text])


def test_faces_in_words():
    swapped = FaceOutcome(frame=3, index=1, swapped=True, skip_reason=None, source=0, source_picture="me.jpg", track=2,
                          reference="anna.jpg", reference_similarity=0.617, similarity=Similarity(0.71, 0.4))
    assert face_words(swapped, several_sources=True) == (
        "frame 3, face 1 (track 2): swapped with me.jpg, it is anna.jpg (0.62); like the source 0.71, the target 0.40")
    left = FaceOutcome(frame=0, index=0, swapped=False, skip_reason="other-person", reference_similarity=0.2)
    assert face_words(left, several_sources=True) == (
        "frame 0, face 0: left: other-person, 0.20 like the nearest reference")
    assert face_words(FaceOutcome(frame=0, index=0, swapped=True), several_sources=False) == "frame 0, face 0: swapped"


def test_the_whole_in_words():
    outcome = Outcome(spec=SwapSpec(sources=("me.jpg",)), target="t.gif", output=None, engine={}, frames=9,
                      frames_swapped=9, frames_without_face=0, faces_swapped=9,
                      similarity=MeasuredSimilarity("dlib-distance", 0.7, 0.4, 3))
    assert similarity_words(outcome) == (
        "similarity to the source 0.70, to the target 0.40 (dlib-distance, median of 3 measured faces)")
    assert similarity_words(
        Outcome(spec=SwapSpec(sources=("me.jpg",)), target="t.gif", output=None, engine={}, frames=9, frames_swapped=0,
                frames_without_face=9, faces_swapped=0)) is None
