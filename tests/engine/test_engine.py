from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from refusals import refused

from faceswap_cli.engine.engine import ClipState, Engine, Source
from faceswap_cli.engine.finder import Finder, with_description
from faceswap_cli.engine.outcome import SourcePicture
from faceswap_cli.errors import ModelError, NoFaceError, UsageError
from faceswap_cli.faces.face import Box, Face, Gender, Pose
from faceswap_cli.image import Image
from faceswap_cli.options import ALL, EngineOptions, GenderFilter, Order, SelectOptions

F, M, U = Gender.FEMALE, Gender.MALE, Gender.UNKNOWN


@dataclass(frozen=True)
class Drawn:
    """A face that a fake analyser sees: where, how large, and what it looks like."""

    x: int
    side: int = 10
    gender: Gender = U
    yaw: float = 0.0
    track: int | None = None


class TableAnalyser:
    """Sees the faces of a table: the first pixel of a picture is its row.

    Attributes:
        described: Places of the faces that were described, in order.
        answers: What `describe` says instead of the truth, first come first.
    """

    name = "table"

    def __init__(self, *rows: Sequence[Drawn]) -> None:
        self.rows = rows
        self.described: list[int] = []
        self.answers: list[Gender] = []
        self.memories: list[Any] = []

    def find(self, image: Image, memory: Any = None) -> list[Face]:
        self.memories.append(memory)
        # As analysers do it: best score first, not in anybody's order.
        return [self._face(drawn) for drawn in reversed(self.rows[image[0, 0, 0]])]

    @staticmethod
    def _face(drawn: Drawn) -> Face:
        box = Box(drawn.x, 5, drawn.x + drawn.side, 5 + drawn.side)
        landmarks = np.array([[0.0, 0], [80, 0], [40, 40], [10, 80], [70, 80]]) + drawn.x
        return Face(box=box, score=1.0 + drawn.side, landmarks=landmarks, pose=Pose(drawn.yaw, 0, 0), track=drawn.track,
                    warnings=("small",) if drawn.side < 5 else ())

    def describe(self, image: Image, face: Face) -> Face:
        self.described.append(int(face.box.x1))
        (gender,) = (drawn.gender for drawn in self.rows[image[0, 0, 0]] if drawn.x == face.box.x1)
        if self.answers:
            gender = self.answers.pop(0)
        probability = 0.5 if gender is U else 0.9
        return replace(face, embedding=np.float32([face.box.x1]), gender=gender, gender_probability=probability)

    def embed(self, image: Image, face: Face) -> Face:
        return replace(face, embedding=np.float32([face.box.x1]))

    def open_clip(self) -> list[str]:
        return ["analyser's"]


@dataclass
class Painting:
    colour: int
    number: int | None


class Painter:
    """Paints a target's box in the number that the source's picture has at its face; takes the last picture offered."""

    name = "paint"
    needs_embedding = False
    heavy = False
    trained = False
    provider: str | None = None
    notes: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.prepared: list[int] = []
        self.memories: list[Any] = []

    def prepare(self, image: Image, face: Face) -> int:
        colour = int(image[5, int(face.box.x1), 1])
        self.prepared.append(colour)
        return colour

    def decide(self, image: Image, sources: Sequence[int], face: Face, memory: Any = None) -> Painting:
        self.memories.append(memory)
        return Painting(sources[-1], len(sources) - 1)

    def swap(self, image: Image, face: Face, decision: Painting) -> tuple[str, ...]:
        x1, y1, x2, y2 = map(int, face.box)
        image[y1:y2, x1:x2] = decision.colour
        return (f"painted {decision.colour}",)

    def open_clip(self, frames: int | None = None) -> list[str]:
        return ["swapper's"]


class Torn(Painter):
    """Fails at the second face it is to paint."""

    def swap(self, image: Image, face: Face, decision: Painting) -> tuple[str, ...]:
        if face.box.x1 > 0:
            raise ModelError("paint: the brush broke")
        return super().swap(image, face, decision)


def picture(row: int, *colours: tuple[int, int]) -> Image:
    """A picture whose faces a table's row tells, with a colour at some of them (x, colour)."""
    image = np.zeros((40, 100, 3), np.uint8)
    image[0, 0, 0] = row
    for x, colour in colours:
        image[5, x] = colour
    image.setflags(write=False)
    return image


@dataclass
class Room:
    """An engine and its parts."""

    rows: Sequence[Sequence[Drawn]]
    swapper: Painter = field(default_factory=Painter)
    describe: bool = False
    select: dict[str, Any] = field(default_factory=dict)
    restorer: Any = None

    def __post_init__(self) -> None:
        self.analyser = TableAnalyser(*self.rows)
        options = EngineOptions(select=SelectOptions(**self.select), describe=self.describe)
        finder = Finder("fake", self.analyser, options.select.order, ("a note",))
        self.engine = Engine(finder, self.swapper, options, self.restorer)

    def source(self, *colours: int) -> Source:
        """A source of people that nobody has to find."""
        analyser = TableAnalyser([Drawn(x=12 * k) for k in range(len(colours))])
        made = Engine(Finder("fake", analyser, Order.LEFT_RIGHT), Painter(),
                      EngineOptions(select=SelectOptions(order=Order.LEFT_RIGHT, source_index=ALL)))
        return made.prepare_source([SourcePicture("me.jpg", picture(0, *((12 * k, c) for k, c in enumerate(colours))))])


ROW = [Drawn(0, 10, F), Drawn(20, 12, M), Drawn(40, 14, U), Drawn(60, 16, F)]


def left_right(**select: Any) -> Room:
    return Room([ROW], select={"order": Order.LEFT_RIGHT, **select})


# --- Finding ---


@pytest.mark.parametrize(("order", "places"), [
    (Order.LARGE_SMALL, [60, 40, 20, 0]), (Order.SMALL_LARGE, [0, 20, 40, 60]),
    (Order.LEFT_RIGHT, [0, 20, 40, 60]), (Order.RIGHT_LEFT, [60, 40, 20, 0]),
])
def test_faces_are_numbered_in_the_chosen_order(order, places):
    room = Room([ROW], select={"order": order})
    assert [face.box.x1 for face in room.engine.find(picture(0))] == places


def test_gender_is_told_only_where_it_is_asked_for():
    room = left_right()
    assert [face.gender for face in room.engine.find(picture(0))] == [None] * 4
    assert room.analyser.described == []
    assert [face.gender for face in room.engine.find(picture(0), describe=True)] == [F, M, U, F]


@pytest.mark.parametrize(("describe", "wanted", "described"), [
    (False, GenderFilter.NO, 0), (True, GenderFilter.NO, 4), (False, GenderFilter.MALE, 4),
])
def test_a_plan_describes_faces_only_for_a_filter_or_a_report(describe, wanted, described):
    room = Room([ROW], describe=describe, select={"target_gender": wanted})
    room.engine.plan(room.source(7), picture(0))
    assert len(room.analyser.described) == described


# --- Sources ---


def test_no_face_in_the_source_says_what_to_do():
    with pytest.raises(NoFaceError, match=r"^me\.jpg: no face found; take a picture"):
        Room([[]]).engine.prepare_source([SourcePicture("me.jpg", picture(0))])


def test_no_face_in_several_sources_says_how_many_there_were():
    pictures = [SourcePicture("a.jpg", picture(0)), SourcePicture("b.jpg", picture(0))]
    with pytest.raises(NoFaceError, match="any of the 2 source pictures: no face found"):
        Room([[]]).engine.prepare_source(pictures)


def test_no_face_of_the_gender_names_the_gender_and_the_option():
    room = Room([[Drawn(0, gender=M), Drawn(20, gender=U)]], select={"source_gender": GenderFilter.FEMALE})
    with refused(NoFaceError, r"^me\.jpg: no female face found; .*--source-gender"):
        room.engine.prepare_source([SourcePicture("me.jpg", picture(0))])


def test_a_source_index_out_of_range_names_the_picture():
    room = Room([[Drawn(0), Drawn(20)], [Drawn(0)]], select={"source_index": (1,)})
    with pytest.raises(UsageError, match=r"^b\.jpg: source index 1 is out of range: .* 1 face, number 0"):
        room.engine.prepare_source([SourcePicture("a.jpg", picture(0)), SourcePicture("b.jpg", picture(1))])


def test_the_largest_face_of_the_source_is_taken():
    room = Room([ROW])
    source = room.engine.prepare_source([SourcePicture("me.jpg", picture(0, (60, 66), (0, 1)))])
    assert [[one.prepared for one in person] for person in source.people] == [[66]]


def test_source_gender_and_index_choose_the_people():
    colours = [(0, 1), (20, 2), (40, 3), (60, 4)]
    for select, people in (({"source_gender": GenderFilter.MALE}, [2]), ({"source_index": (3, 0)}, [4, 1]),
                           ({"source_index": ALL, "source_gender": GenderFilter.FEMALE}, [1, 4]),
                           ({"source_index": (2, 2, 1)}, [3, 3, 2])):
        source = left_right(**select).engine.prepare_source([SourcePicture("me.jpg", picture(0, *colours))])
        assert [person[0].prepared for person in source.people] == people


def test_several_pictures_show_the_same_people_in_turn():
    rows = [[Drawn(0), Drawn(20)], [], [Drawn(30)]]
    room = Room(rows, select={"order": Order.LEFT_RIGHT, "source_index": ALL})
    source = room.engine.prepare_source([
        SourcePicture("a.jpg", picture(0, (0, 10), (20, 20))), SourcePicture("b.jpg", picture(1)),
        SourcePicture("c.jpg", picture(2, (30, 30)))])
    assert [[(one.picture, one.prepared) for one in person] for person in source.people] == [
        [("a.jpg", 10), ("c.jpg", 30)], [("a.jpg", 20)]]
    assert "b.jpg: no face found, picture not used" in source.warnings


def test_a_picture_without_the_gender_is_left_out_and_told():
    room = Room([[Drawn(0, gender=M)], [Drawn(0, gender=F)]], select={"source_gender": GenderFilter.FEMALE})
    source = room.engine.prepare_source([SourcePicture("a.jpg", picture(0)), SourcePicture("b.jpg", picture(1))])
    assert [[one.picture for one in person] for person in source.people] == [["b.jpg"]]
    assert "a.jpg: no female face found, picture not used" in source.warnings


def test_a_poor_source_is_told_with_its_picture_once():
    rows = [[Drawn(0, yaw=40.0)], [Drawn(0, yaw=5.0)]]
    pictures = [SourcePicture("turned.jpg", picture(0)), SourcePicture("good.jpg", picture(1)),
                SourcePicture("turned.jpg", picture(0))]
    warnings = Room(rows).engine.prepare_source(pictures).warnings
    assert warnings == ("turned.jpg: head turned 40 degrees to the right",)


# --- Plans ---


def pairs(room: Room, source: Source, row: int = 0) -> list[tuple[int, int]]:
    """Number of the target face and of the person that it gets."""
    return [(swap.index, swap.person) for swap in room.engine.plan(source, picture(row)).swaps]


def test_without_an_index_the_first_face_is_replaced():
    room = left_right()
    assert pairs(room, room.source(7, 8)) == [(0, 0)]


def test_people_go_round_over_the_faces_really_swapped():
    room = left_right(target_index=ALL)
    assert pairs(room, room.source(7, 8, 9)) == [(0, 0), (1, 1), (2, 2), (3, 0)]
    # The faces that the filter leaves out take nobody.
    room = left_right(target_index=ALL, target_gender=GenderFilter.FEMALE)
    assert pairs(room, room.source(7, 8, 9)) == [(0, 0), (3, 1)]
    room = left_right(target_index=(9, 3, 1))
    assert pairs(room, room.source(7, 8)) == [(3, 0), (1, 1)]


def test_the_swapper_gets_the_pictures_of_the_person_and_its_choice_is_reported():
    rows = [[Drawn(0), Drawn(20)], [Drawn(30), Drawn(50)]]
    room = Room(rows, select={"order": Order.LEFT_RIGHT, "source_index": ALL, "target_index": ALL})
    source = room.engine.prepare_source([SourcePicture("a.jpg", picture(0, (0, 1), (20, 2))),
                                         SourcePicture("b.jpg", picture(1, (30, 3), (50, 4)))])
    plan = room.engine.plan(source, picture(0))
    assert [(swap.person, swap.picture, swap.decision.colour) for swap in plan.swaps] == [(0, "b.jpg", 3),
                                                                                        (1, "b.jpg", 4)]


def test_a_target_without_faces_has_an_empty_plan():
    room = Room([[]])
    plan = room.engine.plan(room.source(7), picture(0))
    assert (plan.found, plan.swapped, bool(plan.swaps)) == (0, 0, False)
    assert room.engine.outcomes(plan, 0) == ()


# --- Rendering ---


def test_selected_faces_are_painted_and_the_input_stays():
    room = left_right(target_index=(0, 2))
    image = picture(0)
    before = image.copy()
    plan = room.engine.plan(room.source(70, 80), image)
    result = room.engine.render(plan, image)
    expected = before.copy()
    expected[5:15, 0:10] = 70
    expected[5:19, 40:54] = 80
    np.testing.assert_array_equal(result, expected)
    np.testing.assert_array_equal(image, before)
    assert (plan.found, plan.swapped) == (4, 2)


def test_nothing_to_swap_gives_the_same_picture_back():
    room = left_right(target_index=(9,))
    image = picture(0)
    assert room.engine.render(room.engine.plan(room.source(7), image), image) is image


def test_a_picture_that_is_a_view_is_rendered_to_one_of_its_own():
    room = left_right()
    image = np.repeat(picture(0), 2, axis=1)[:, ::2]
    result = room.engine.render(room.engine.plan(room.source(7), image), image)
    assert result.flags["C_CONTIGUOUS"] and not np.shares_memory(result, image)


def test_plans_are_rendered_in_threads():
    room = left_right(target_index=ALL)
    source, image = room.source(70, 80), picture(0)
    plans = [room.engine.plan(source, image) for _ in range(8)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda plan: room.engine.render(plan, image), plans))
    for result in results:
        np.testing.assert_array_equal(result, results[0])


def test_an_error_of_a_part_comes_through_and_leaves_the_input():
    room = Room([ROW], swapper=Torn(), select={"order": Order.LEFT_RIGHT, "target_index": ALL})
    image = picture(0)
    before = image.copy()
    with pytest.raises(ModelError, match="the brush broke"):
        room.engine.render(room.engine.plan(room.source(7), image), image)
    np.testing.assert_array_equal(image, before)


# --- Outcomes ---


def test_outcomes_tell_what_happened_to_every_face_and_every_index():
    room = left_right(target_index=(9, 2, 1, 0), target_gender=GenderFilter.FEMALE)
    image = picture(0)
    plan = room.engine.plan(room.source(7), image)
    room.engine.render(plan, image)
    told = room.engine.outcomes(plan, 12)
    assert [(one.index, one.swapped, one.skip_reason) for one in told] == [
        (0, True, None), (1, False, "gender-mismatch"), (2, False, "gender-unknown"), (3, False, "not-selected"),
        (9, False, "no-such-face")]
    assert {one.frame for one in told} == {12}
    assert all(type(one.skip_reason) is str for one in told[1:])


def test_a_swapped_face_is_told_with_its_source():
    room = Room([[Drawn(0, 4, F, yaw=12.0)]], describe=True)
    image = picture(0)
    plan = room.engine.plan(room.source(7), image)
    room.engine.render(plan, image)
    (told,) = room.engine.outcomes(plan, 0)
    assert (told.source, told.source_picture) == (0, "me.jpg")
    assert (told.box, told.score, told.pose) == (Box(0, 5, 4, 9), 5.0, Pose(12.0, 0, 0))
    assert (told.gender, told.gender_probability) == (F, 0.9)
    assert told.warnings == ("small", "painted 7")


def test_a_face_that_is_left_and_an_index_without_a_face_have_no_source():
    room = left_right(target_index=(9,))
    told = room.engine.outcomes(room.engine.plan(room.source(7), picture(0)), 0)
    assert {(one.source, one.source_picture) for one in told} == {(None, None)}
    assert told[0].box == Box(0, 5, 10, 15)
    assert (told[-1].index, told[-1].box, told[-1].score, told[-1].pose, told[-1].gender) == (9, None, None, None, None)


def test_outcomes_of_a_plan_that_was_not_rendered_lack_only_what_drawing_says():
    room = left_right()
    plan = room.engine.plan(room.source(7), picture(0))
    assert room.engine.outcomes(plan, 0)[0].swapped
    assert room.engine.outcomes(plan, 0)[0].warnings == ()


# --- Clips ---


def test_each_part_gets_its_own_memory():
    room = left_right(target_index=ALL)
    clip = room.engine.open_clip()
    assert isinstance(clip, ClipState)
    room.engine.plan(room.source(7), picture(0), clip)
    assert room.analyser.memories == [["analyser's"]]
    assert room.swapper.memories == [["swapper's"]] * 4
    assert room.engine.open_clip() is not clip


def follow(room: Room, frames: int, clip: ClipState | None = None) -> list[Gender | None]:
    clip = clip or room.engine.open_clip()
    return [room.engine.find(picture(0), clip, describe=True)[0].gender for _ in range(frames)]


def test_a_followed_face_of_sure_gender_is_described_once():
    room = Room([[Drawn(0, gender=F, track=4)]])
    assert follow(room, 10) == [F] * 10
    assert len(room.analyser.described) == 1


def test_a_followed_face_of_unknown_gender_is_looked_at_five_times():
    room = Room([[Drawn(0, gender=U, track=4)]])
    assert follow(room, 20) == [U] * 20
    assert len(room.analyser.described) == 5


def test_the_first_sure_answer_stays():
    room = Room([[Drawn(0, track=4)]])
    room.analyser.answers = [U, U, M, F]
    assert follow(room, 8) == [U, U, M, M, M, M, M, M]
    assert len(room.analyser.described) == 3


def test_a_described_face_moves_on_and_keeps_its_embedding():
    room = Room([[Drawn(0, gender=F, track=4)], [Drawn(8, gender=M, track=4)]])
    clip = room.engine.open_clip()
    room.engine.find(picture(0), clip, describe=True)
    (face,) = room.engine.find(picture(1), clip, describe=True)
    assert (face.box.x1, face.gender, face.gender_probability) == (8, F, 0.9)
    assert face.embedding is not None and face.embedding[0] == 0


def test_tracks_and_clips_are_described_each_for_itself():
    room = Room([[Drawn(0, gender=F, track=1), Drawn(20, gender=M, track=2)]], select={"order": Order.LEFT_RIGHT})
    clip = room.engine.open_clip()
    follow(room, 3, clip)
    assert sorted(room.analyser.described) == [0, 20]
    follow(room, 3)
    assert sorted(room.analyser.described) == [0, 0, 20, 20]


def test_a_face_that_is_not_followed_is_described_in_every_frame():
    room = Room([[Drawn(0, gender=F)]])
    assert follow(room, 3) == [F] * 3
    assert len(room.analyser.described) == 3


def test_with_description_keeps_the_place_and_takes_the_rest():
    here, known = Face(box=Box(0, 0, 1, 1), score=1.0, landmarks=np.zeros((5, 2)), track=3), Face(
        box=Box(5, 5, 9, 9), score=2.0, landmarks=np.ones((5, 2)), embedding=np.float32([1]), gender=M,
        gender_probability=0.8, age=30)
    both = with_description(here, known)
    assert (both.box, both.score, both.track) == (here.box, here.score, 3)
    assert (both.gender, both.gender_probability, both.age) == (M, 0.8, 30)
    assert both.embedding is known.embedding


# --- What runs ---


def test_an_engine_names_its_parts_and_its_notes():
    room = Room([[]])
    assert room.engine.parts == {"engine": "fake", "analyser": "table", "swapper": "paint", "restorer": None,
                                 "provider": None}
    assert room.engine.notes == ("a note",)


class Marker:
    """A restorer that writes one pixel into every face that it is given."""

    name = "mark"
    notes = ("marked",)

    def __init__(self) -> None:
        self.clips: list[bool] = []

    def restore(self, image: Image, face: Face, clip: bool) -> None:
        self.clips.append(clip)
        image[6, int(face.box.x1)] = 255


def test_only_swapped_faces_are_restored_after_all_are_swapped():
    room = Room([[Drawn(0), Drawn(20), Drawn(40)]], restorer=Marker(),
                select={"order": Order.LEFT_RIGHT, "target_index": (0, 2)})
    plan = room.engine.plan(room.source(7), picture(0))
    result = room.engine.render(plan, picture(0))
    assert [int(result[6, x, 0]) for x in (0, 20, 40)] == [255, 0, 255]
    assert room.restorer.clips == [False, False]
    assert room.engine.parts["restorer"] == "mark"
    assert room.engine.late_notes == ("marked",)
    assert room.engine.heavy and room.engine.trained


def test_a_restorer_is_told_that_frames_are_restored_in_parallel():
    room = Room([[Drawn(0)]], restorer=Marker())
    clip = room.engine.open_clip(5)
    room.engine.render(room.engine.plan(room.source(7), picture(0), clip), picture(0))
    assert room.restorer.clips == [True]


def test_without_a_restorer_nothing_is_said_of_one():
    room = left_right()
    assert (room.engine.parts["restorer"], room.engine.late_notes) == (None, ())
    assert not room.engine.heavy and not room.engine.trained


class Needy(Painter):
    """Paints in the number that the embedding tells; takes all pictures of a person together."""

    needs_embedding = True

    def prepare(self, image: Image, face: Face) -> int:
        assert face.embedding is not None
        return int(face.embedding[0]) + 1

    def decide(self, image: Image, sources: Sequence[int], face: Face, memory: Any = None) -> Painting:
        return Painting(sum(sources), None)


def test_a_swapper_that_needs_embeddings_gets_them_and_may_take_all_pictures_together():
    room = Room([[Drawn(0)], [Drawn(30)]], swapper=Needy())
    source = room.engine.prepare_source([SourcePicture("a.jpg", picture(0)), SourcePicture("b.jpg", picture(1))])
    plan = room.engine.plan(source, picture(0))
    (told,) = room.engine.outcomes(plan, 0)
    assert told.source_picture == "a.jpg, b.jpg"
    assert room.engine.render(plan, picture(0))[5, 0, 0] == 1 + 31
