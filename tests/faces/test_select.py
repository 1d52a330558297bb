from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceswap_cli.errors import UsageError
from faceswap_cli.faces.face import Box, Face, Gender
from faceswap_cli.faces.select import (
    Choice,
    judge_sources,
    keep_order,
    order_faces,
    pair,
    parse_index,
    select_targets,
)
from faceswap_cli.options import ALL, FaceIndex, GenderFilter, Order, SelectOptions


def make_face(x: float = 0, y: float = 0, side: float = 10, score: float = 1, gender: Gender | None = None) -> Face:
    return Face(box=Box(x, y, x + side, y + side), score=score, landmarks=np.zeros((68, 2)), gender=gender)


def select_sources(faces: list[Face], options: SelectOptions) -> list[int]:
    return numbers(judge_sources(faces, options))


def row(*genders: Gender | None) -> list[Face]:
    """Faces that are already in left-right order."""
    return [make_face(x=20 * k, gender=gender) for k, gender in enumerate(genders)]


def numbers(choices: list[Choice]) -> list[int]:
    return [choice.index for choice in choices if choice.selected]


def reasons(choices: list[Choice]) -> dict[int, str | None]:
    return {choice.index: choice.skip_reason for choice in choices}


F, M, U = Gender.FEMALE, Gender.MALE, Gender.UNKNOWN
# Few distinct values, so that ties are common.
faces_strategy = st.lists(
    st.builds(
        make_face,
        x=st.integers(0, 4).map(float),
        y=st.integers(0, 4).map(float),
        side=st.integers(1, 4).map(float),
        score=st.integers(0, 3).map(float),
        gender=st.sampled_from([F, M, U, None]),
    ),
    max_size=8,
)
orders = st.sampled_from(list(Order))
filters = st.sampled_from([GenderFilter.FEMALE, GenderFilter.MALE])
index_strategy: st.SearchStrategy[FaceIndex] = st.one_of(
    st.none(), st.just(ALL), st.lists(st.integers(0, 10), min_size=1, max_size=6, unique=True).map(tuple)
)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (Order.LEFT_RIGHT, "abc"),
        (Order.RIGHT_LEFT, "cba"),
        (Order.TOP_BOTTOM, "bca"),
        (Order.BOTTOM_TOP, "acb"),
        (Order.SMALL_LARGE, "bac"),
        (Order.LARGE_SMALL, "cab"),
    ],
)
def test_the_six_orders(order: Order, expected: str) -> None:
    faces = {"a": make_face(0, 30, 20), "b": make_face(5, 0, 10), "c": make_face(9, 10, 30)}
    names = {id(face): name for name, face in faces.items()}
    ordered = order_faces(faces.values(), order)
    assert "".join(names[id(face)] for face in ordered) == expected


@pytest.mark.parametrize("order", list(Order))
def test_ties_keep_falling_score(order: Order) -> None:
    faces = [make_face(score=score) for score in (0.2, 0.9, 0.5)]
    assert [face.score for face in order_faces(faces, order)] == [0.9, 0.5, 0.2]


@given(faces_strategy, orders, st.randoms())
def test_the_order_of_detection_does_not_matter(faces: list[Face], order: Order, random: Random) -> None:
    shuffled = list(faces)
    random.shuffle(shuffled)
    first = [(face.box, face.score) for face in order_faces(faces, order)]
    assert first == [(face.box, face.score) for face in order_faces(shuffled, order)]


@given(faces_strategy, orders)
def test_ordering_loses_and_invents_nothing(faces: list[Face], order: Order) -> None:
    assert sorted(map(id, order_faces(faces, order))) == sorted(map(id, faces))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", (0,)), ("2,0", (2, 0)), (" 1 ,\t3 ", (1, 3)), ("007", (7,)), ("all", ALL), (" ALL ", ALL)],
)
def test_index_lists_are_read(text: str, expected: FaceIndex) -> None:
    assert parse_index(text) == expected


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", "is empty"),
        (",", "is empty"),
        ("1,,2", "empty entry 2 in '1,,2'"),
        ("1,", "empty entry 2"),
        ("-1", "'-1'"),
        ("0,two", "'two'"),
        ("1.5", "'1.5'"),
        ("0;1", "'0;1'"),
        ("0 1", "'0 1'"),
        ("0,all", "'all'"),
        ("+1", "'+1'"),
        ("²", "'²'"),
        ("٣", "'٣'"),
        ("9" * 5000, "too large"),
        ("0,1,0", "has 0 twice"),
        ("a\nb", r"'a\nb'"),
    ],
)
def test_a_malformed_list_shows_its_bad_entry_on_one_short_line(text: str, shown: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_index(text, option="--target-index")
    message = str(caught.value)
    assert shown in message
    assert message.startswith("--target-index ")
    assert "\n" not in message and len(message) < 200


@given(st.lists(st.integers(0, 10**8), min_size=1), st.sampled_from([",", " , ", ", "]))
def test_every_number_written_is_read(written: list[int], comma: str) -> None:
    assert parse_index(comma.join(map(str, written)), repeats=True) == tuple(written)


@given(st.text(max_size=20))
def test_any_text_is_read_in_full_or_refused(text: str) -> None:
    try:
        index = parse_index(text)
    except UsageError:
        return
    assert index == ALL or (isinstance(index, tuple) and len(index) == text.count(",") + 1)


def test_without_index_and_gender_the_first_face_is_taken() -> None:
    choices = select_targets(row(U, F, M), SelectOptions())
    assert reasons(choices) == {0: None, 1: "not-selected", 2: "not-selected"}


def test_with_a_gender_and_no_index_the_first_that_passes_is_taken() -> None:
    choices = select_targets(row(M, U, None, F, F), SelectOptions(target_gender=GenderFilter.FEMALE))
    assert reasons(choices) == {
        0: "gender-mismatch", 1: "gender-unknown", 2: "gender-unknown", 3: None, 4: "not-selected",
    }


def test_the_gender_is_judged_after_the_index() -> None:
    options = SelectOptions(target_index=(0, 1, 2, 7), target_gender=GenderFilter.MALE)
    choices = select_targets(row(M, F, U, M), options)
    assert reasons(choices) == {
        0: None, 1: "gender-mismatch", 2: "gender-unknown", 7: "no-such-face", 3: "not-selected",
    }
    assert [choice.face is None for choice in choices] == [False, False, False, True, False]


def test_a_list_is_taken_in_the_order_it_is_written() -> None:
    choices = select_targets(row(F, F, F), SelectOptions(target_index=(2, 0)))
    assert [choice.index for choice in choices] == [2, 0, 1]
    assert numbers(choices) == [2, 0]


def test_no_face_is_no_choice_but_requested_numbers_are_reported() -> None:
    assert select_targets([], SelectOptions()) == []
    assert select_targets([], SelectOptions(target_index=ALL)) == []
    assert reasons(select_targets([], SelectOptions(target_index=(1,)))) == {1: "no-such-face"}


@pytest.mark.parametrize("index", [(-1,), (0, 0), (), "0,x"])
def test_a_bad_index_from_the_python_api_is_refused(index: FaceIndex) -> None:
    with pytest.raises(UsageError):
        select_targets(row(F), SelectOptions(target_index=index))


@given(faces_strategy, orders, index_strategy, st.sampled_from(list(GenderFilter)))
def test_every_face_and_every_requested_number_gets_one_verdict(
    faces: list[Face], order: Order, index: FaceIndex, gender: GenderFilter
) -> None:
    ordered = order_faces(faces, order)
    choices = select_targets(ordered, SelectOptions(order=order, target_index=index, target_gender=gender))
    requested = set(index) if isinstance(index, tuple) else set()
    assert sorted(choice.index for choice in choices) == sorted(requested | set(range(len(faces))))
    for choice in choices:
        if choice.index < len(ordered):
            assert choice.face is ordered[choice.index]
        else:
            assert choice.face is None and choice.skip_reason == "no-such-face"


@given(faces_strategy, index_strategy, filters)
def test_a_filter_never_changes_a_number_and_only_removes(
    faces: list[Face], index: FaceIndex, gender: GenderFilter
) -> None:
    free = numbers(select_targets(faces, SelectOptions(target_index=index)))
    filtered = select_targets(faces, SelectOptions(target_index=index, target_gender=gender))
    assert all(choice.face is not None and choice.face.gender == gender.value for choice in filtered if choice.selected)
    if index is None:
        passing = [k for k, face in enumerate(faces) if face.gender == gender.value]
        assert numbers(filtered) == passing[:1]
    else:
        assert numbers(filtered) == [k for k in free if faces[k].gender == gender.value]


@given(faces_strategy, orders)
def test_all_is_the_list_of_all_numbers(faces: list[Face], order: Order) -> None:
    ordered = order_faces(faces, order)
    assert numbers(select_targets(ordered, SelectOptions(target_index=ALL))) == list(range(len(faces)))


def test_sources_follow_index_then_gender() -> None:
    faces = row(M, F, M, F)
    assert numbers(judge_sources(faces, SelectOptions())) == [0]
    assert numbers(judge_sources(faces, SelectOptions(source_gender=GenderFilter.FEMALE))) == [1]
    assert numbers(judge_sources(faces, SelectOptions(source_index=(3, 0), source_gender=GenderFilter.FEMALE))) == [3]
    assert numbers(judge_sources(faces, SelectOptions(source_index=ALL, source_gender=GenderFilter.MALE))) == [0, 2]
    assert numbers(judge_sources(faces, SelectOptions(source_index=(3, 0)))) == [3, 0]
    assert reasons(judge_sources(faces, SelectOptions(source_index=(0,), source_gender=GenderFilter.FEMALE))) == {
        0: "gender-mismatch", 1: "not-selected", 2: "not-selected", 3: "not-selected",
    }


def test_target_options_do_not_touch_sources_and_the_other_way_round() -> None:
    faces = row(M, F)
    assert numbers(judge_sources(faces, SelectOptions(target_index=(1,), target_gender=GenderFilter.FEMALE))) == [0]
    assert numbers(select_targets(faces, SelectOptions(source_index=(1,), source_gender=GenderFilter.FEMALE))) == [0]


def test_a_repeated_source_number_gives_two_targets_the_same_face() -> None:
    assert numbers(judge_sources(row(F, F), SelectOptions(source_index=(0, 0, 1)))) == [0, 0, 1]


@pytest.mark.parametrize(("count", "shown"), [(1, "1 face, number 0"), (3, "3 faces, numbers 0 to 2")])
def test_a_source_number_out_of_range_says_how_many_faces_there_are(count: int, shown: str) -> None:
    with pytest.raises(UsageError, match=f"source index 5 is out of range.*{shown}"):
        numbers(judge_sources(row(*[F] * count), SelectOptions(source_index=(0, 5))))


def test_a_source_without_a_face_is_empty_not_out_of_range() -> None:
    assert numbers(judge_sources([], SelectOptions(source_index=(3,)))) == []


def test_pairing_wraps_around_the_sources_and_counts_only_swapped_targets() -> None:
    choices = select_targets(row(F, M, F, F), SelectOptions(target_index=ALL, target_gender=GenderFilter.FEMALE))
    swapped = numbers(choices)
    assert {index: pair(k, 2) for k, index in enumerate(swapped)} == {0: 0, 2: 1, 3: 0}


def followed(track: int, box: Box) -> Face:
    return Face(box=box, score=1.0, landmarks=np.zeros((68, 2)), track=track)


def test_in_a_clip_faces_of_nearly_one_size_keep_their_numbers():
    small, large = Box(0, 0, 100, 100), Box(0, 0, 105, 105)
    before = order_faces([followed(1, large), followed(2, small)], Order.LARGE_SMALL)
    now = order_faces([followed(1, small), followed(2, large)], Order.LARGE_SMALL)
    assert [face.track for face in now] == [2, 1]
    assert [face.track for face in keep_order(now, [1, 2], Order.LARGE_SMALL)] == [1, 2]
    assert [face.track for face in keep_order(now, [], Order.LARGE_SMALL)] == [2, 1]
    assert [face.track for face in keep_order(before, [1, 2], Order.LARGE_SMALL)] == [1, 2]


def test_in_a_clip_a_clear_change_of_order_is_followed():
    near, far = Box(0, 0, 140, 140), Box(300, 0, 400, 100)
    now = order_faces([followed(1, far), followed(2, near)], Order.LARGE_SMALL)
    assert [face.track for face in keep_order(now, [1, 2], Order.LARGE_SMALL)] == [2, 1]
    now = order_faces([followed(1, Box(300, 0, 400, 100)), followed(2, Box(250, 0, 350, 100))], Order.LEFT_RIGHT)
    assert [face.track for face in keep_order(now, [1, 2], Order.LEFT_RIGHT)] == [2, 1]
    now = order_faces([followed(1, Box(300, 0, 400, 100)), followed(2, Box(290, 0, 390, 100))], Order.LEFT_RIGHT)
    assert [face.track for face in keep_order(now, [1, 2], Order.LEFT_RIGHT)] == [1, 2]


@given(faces=st.lists(st.integers(1, 400), min_size=1, max_size=6), shuffled=st.randoms(), order=st.sampled_from(Order))
def test_keeping_the_order_loses_no_face(faces, shuffled, order):
    now = order_faces([followed(k, Box(x, x, 2 * x, 3 * x)) for k, x in enumerate(faces)], order)
    before = list(range(len(faces)))
    shuffled.shuffle(before)
    kept = keep_order(now, before, order)
    assert sorted(face.track for face in kept) == list(range(len(faces)))
