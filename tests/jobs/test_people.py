"""Who is swapped, and how like the source the result is, from files to files: with portraits and the engine that is in
the package, and with squares where only the counting matters."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from fakes import BLUE, RED, BrightSquares, scene
from job_records import altered
from PIL import Image as PILImage
from refusals import refused

from faceswap_cli import (
    EngineOptions,
    NoFaceError,
    OnNoFace,
    SelectOptions,
    SwapJob,
    UsageError,
    open_backend,
    swap_file,
)
from faceswap_cli.engine.outcome import Role, SourcePicture
from faceswap_cli.errors import UnlikeError
from faceswap_cli.image import Image
from faceswap_cli.jobs.backend import SwapBackend
from faceswap_cli.jobs.job import Outcome, Pair, SwapSpec
from faceswap_cli.jobs.resume.checkpoint import Checkpoints
from faceswap_cli.jobs.tally import Tally
from faceswap_cli.options import EngineName

ASSETS = Path(__file__).parents[2] / "assets"
WIDTH, HEIGHT = 280, 350
"""Of one portrait in the pictures made here."""


def portrait(name: str) -> Image:
    image = cv2.cvtColor(cv2.imread(str(ASSETS / f"{name}.jpg")), cv2.COLOR_BGR2RGB)
    return np.asarray(cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)


def beside(*names: str) -> Image:
    """Portraits side by side."""
    return np.hstack([portrait(name) for name in names])


def asset(name: str) -> str:
    return str(ASSETS / f"{name}.jpg")


@pytest.fixture(scope="module")
def backend() -> SwapBackend:
    return open_backend(EngineOptions(engine=EngineName.EMBEDDED))


@pytest.fixture(scope="module")
def measuring() -> SwapBackend:
    return open_backend(EngineOptions(engine=EngineName.EMBEDDED, measure=True))


@pytest.fixture
def couple(tmp_path) -> str:
    """man-4 on the left, woman-2 on the right."""
    path = tmp_path / "couple.png"
    PILImage.fromarray(beside("man-4", "woman-2")).save(path)
    return str(path)


@pytest.fixture
def scenes(tmp_path) -> str:
    """Eight frames; in the middle there is a cut, after which the two have changed places and the light is another."""
    first = beside("man-4", "woman-2")
    second = np.asarray(255 - (255 - beside("woman-2", "man-4").astype(int)) * 0.8, np.uint8)
    second = np.vstack([np.full((60, 2 * WIDTH, 3), 20, np.uint8), second[:-60]])
    frames = [np.roll(first, number, axis=0) for number in range(4)] + [np.roll(second, -number, axis=0)
                                                                       for number in range(4)]
    one, *others = map(PILImage.fromarray, frames)
    one.save(tmp_path / "scenes.png", save_all=True, append_images=others, duration=40)
    return str(tmp_path / "scenes.png")


@pytest.fixture
def seats(tmp_path) -> str:
    """Six frames; in the middle the two change places, and nothing else changes."""
    frames = [beside("man-4", "woman-2")] * 3 + [beside("woman-2", "man-4")] * 3
    one, *others = (PILImage.fromarray(np.roll(frame, number, axis=0)) for number, frame in enumerate(frames))
    one.save(tmp_path / "seats.png", save_all=True, append_images=others, duration=40)
    return str(tmp_path / "seats.png")


def frames_of(path: str | Path) -> list[Image]:
    shown = []
    with PILImage.open(path) as picture:
        for number in range(getattr(picture, "n_frames", 1)):
            picture.seek(number)
            shown.append(np.asarray(picture.convert("RGB")))
    return shown


def changed(before: Image, after: Image) -> tuple[bool, bool]:
    """Whether the left and the right half differ."""
    different = (before != after).any(axis=2)
    return bool(different[:, :WIDTH].any()), bool(different[:, WIDTH:].any())


def likeness(backend: SwapBackend, image: Image, name: str) -> float:
    """How like a portrait the one face of a picture is."""
    def embedding(picture: Image) -> Image:
        (face,) = backend.find(picture, describe=True)
        return face.embedding

    return 1 - float(np.linalg.norm(embedding(image) - embedding(portrait(name))))


# --- Roles of a job ---


def job(**more) -> SwapJob:
    return altered(SwapJob(spec=SwapSpec(sources=("me.jpg",)), target="t.jpg", output="o.jpg"), **more)


def test_a_plain_job_is_for_everybody():
    assert job().spec.cast() == [((), ("me.jpg",))]


def test_references_and_pairs_are_roles():
    assert job(references=("a.jpg", "b.jpg")).spec.cast() == [(("a.jpg", "b.jpg"), ("me.jpg",))]
    pairs = (Pair("a.jpg", "x.jpg"), Pair("b.jpg", "y.jpg"), Pair("a.jpg", "z.jpg"))
    assert job(pairs=pairs, sources=()).spec.cast() == [(("a.jpg",), ("x.jpg", "z.jpg")), (("b.jpg",), ("y.jpg",))]
    assert job(pairs=pairs[:1]).spec.cast() == [(("a.jpg",), ("x.jpg",)), ((), ("me.jpg",))]
    assert job(pairs=pairs).spec.pictures == ("me.jpg", "a.jpg", "x.jpg", "b.jpg", "y.jpg", "z.jpg")


def test_a_reference_without_a_source_is_refused():
    with refused(UsageError, "--reference needs a source"):
        job(sources=(), references=("a.jpg",)).spec.cast()


# --- References and pairs, with portraits ---


@pytest.mark.parametrize(("reference", "halves"), [("man-4", (True, False)), ("woman-2", (False, True))])
def test_only_the_referenced_person_of_a_still_is_swapped(backend, couple, tmp_path, reference, halves):
    out = tmp_path / "out.png"
    swap_file(SwapJob(spec=SwapSpec(sources=(asset("man-2"),), references=(asset(reference),)), target=couple,
                      output=str(out)),
              backend)
    assert changed(frames_of(couple)[0], frames_of(out)[0]) == halves


def test_pairs_give_each_their_own_face(backend, couple, tmp_path):
    out = tmp_path / "out.png"
    pairs = Pair(asset("woman-2"), asset("man-2")), Pair(asset("man-4"), asset("woman-4"))
    outcome = swap_file(SwapJob(spec=SwapSpec(sources=(), pairs=pairs), target=couple, output=str(out),
                                details=True), backend)
    (result,) = frames_of(out)
    left, right = np.ascontiguousarray(result[:, :WIDTH]), np.ascontiguousarray(result[:, WIDTH:])
    assert likeness(backend, left, "woman-4") > 0.45 > likeness(backend, left, "man-2")
    assert likeness(backend, right, "man-2") > 0.45 > likeness(backend, right, "woman-4")
    told = {face.reference: (face.source_picture, face.swapped) for face in outcome.faces}
    assert told == {asset("woman-2"): (asset("man-2"), True), asset("man-4"): (asset("woman-4"), True)}


def test_in_a_clip_the_person_is_found_again_after_a_cut(backend, scenes, tmp_path):
    out = tmp_path / "out.png"
    task = SwapJob(spec=SwapSpec(sources=(asset("man-2"),), references=(asset("man-4"),)), target=scenes,
                   output=str(out), details=True)
    outcome = swap_file(task, backend)
    halves = [changed(before, after) for before, after in zip(frames_of(scenes), frames_of(out), strict=True)]
    assert halves == [(True, False)] * 4 + [(False, True)] * 4
    assert outcome.frames_swapped == outcome.faces_swapped == 8
    tracks = [{face.track for face in outcome.faces if face.swapped and face.frame in shot}
              for shot in (range(4), range(4, 8))]
    assert [len(found) for found in tracks] == [1, 1]
    assert not tracks[0] & tracks[1]


def test_in_a_clip_people_may_change_places(backend, seats, tmp_path):
    out = tmp_path / "out.png"
    swap_file(SwapJob(spec=SwapSpec(sources=(asset("man-2"),), references=(asset("man-4"),)), target=seats,
                      output=str(out)), backend)
    halves = [changed(before, after) for before, after in zip(frames_of(seats), frames_of(out), strict=True)]
    assert halves == [(True, False)] * 3 + [(False, True)] * 3


def test_a_clip_that_is_gone_on_with_in_another_run_knows_who_is_who(scenes):
    """Looks, decisions and the sample that is measured go on as if there had been no break."""
    def opened():
        backend = open_backend(EngineOptions(engine=EngineName.EMBEDDED, measure=True))
        roles = [Role((SourcePicture("a", portrait("man-4")),), (SourcePicture("b", portrait("man-2")),))]
        return backend, backend.prepare_roles(roles)

    def told(backend, source, clip, images):
        plans = [backend.plan(source, image, clip) for image in images]
        return [([(one.role, one.similarity) for one in plan.people], sorted(plan.sample)) for plan in plans]

    images = frames_of(scenes)
    backend, source = opened()
    expected = told(backend, source, backend.open_clip(), images)
    clip = backend.open_clip()
    before = told(backend, source, clip, images[:6])
    snapshot = Checkpoints(source)
    state = snapshot.pack(snapshot.snapshot(clip), Tally(details=False), Fraction(0), transparent=False)
    other, again = opened()
    assert before + told(other, again, Checkpoints(again).read([state]).memory, images[6:]) == expected


def test_nobody_fits_is_told_with_what_was_nearest(couple, tmp_path):
    options = EngineOptions(engine=EngineName.EMBEDDED, select=SelectOptions(reference_threshold=0.9))
    with refused(NoFaceError, r"no face in .*couple\.png is the person of a reference: the nearest has a "
                                          r"similarity of 0\.\d\d; .*--reference-threshold"):
        swap_file(SwapJob(spec=SwapSpec(sources=(asset("man-2"),), references=(asset("woman-4"),), engine=options),
                          target=couple, output=str(tmp_path / "out.png")), open_backend(options))
    assert not (tmp_path / "out.png").exists()


def test_a_reference_without_a_face_is_named(backend, couple, tmp_path):
    PILImage.fromarray(np.full((200, 200, 3), 90, np.uint8)).save(tmp_path / "wall.png")
    with pytest.raises(NoFaceError, match=r"wall\.png: no face found to know the person by"):
        swap_file(SwapJob(spec=SwapSpec(sources=(asset("man-2"),), references=(str(tmp_path / "wall.png"),)),
                          target=couple, output=str(tmp_path / "out.png")), backend)


# --- Similarity ---


def test_a_result_is_more_like_its_source_than_like_what_was_there(measuring, couple, tmp_path):
    spec = SwapSpec(sources=(asset("man-2"),), references=(asset("woman-2"),), engine=EngineOptions(measure=True),
                    min_similarity=0.45)
    outcome = swap_file(SwapJob(spec=spec, target=couple, output=str(tmp_path / "out.png"), details=True), measuring)
    assert outcome.similarity is not None
    assert (outcome.similarity.measure, outcome.similarity.faces) == ("dlib-distance", 1)
    assert outcome.similarity.source > 0.45 > outcome.similarity.target
    (measured,) = [face.similarity for face in outcome.faces if face.similarity is not None]
    assert (measured.source, measured.target) == (outcome.similarity.source, outcome.similarity.target)
    # What was measured at the target's landmarks is what a look at the file finds.
    right = np.ascontiguousarray(frames_of(tmp_path / "out.png")[0][:, WIDTH:])
    assert likeness(measuring, right, "man-2") == pytest.approx(outcome.similarity.source, abs=0.05)


def test_a_result_that_is_too_little_like_its_source_is_not_written(measuring, couple, tmp_path):
    task = SwapJob(spec=SwapSpec(sources=(asset("man-2"),), engine=EngineOptions(measure=True), min_similarity=0.95,
                                 on_no_face=OnNoFace.COPY),
                   target=couple, output=str(tmp_path / "out.png"))
    words = (r"couple\.png: the result looks too little like .*man-2\.jpg: similarity 0\.\d\d \(dlib-distance, 1 "
             r"face\), --min-similarity asks for 0\.95; take")
    with refused(UnlikeError, words) as told:
        swap_file(task, measuring)
    assert told.value.exit_code == 4
    assert {path.name for path in tmp_path.iterdir()} == {"couple.png"}


# --- Counting, with squares ---


class HalfRed(BrightSquares):
    """Draws the first frame well and all others pale."""

    def render(self, plan, image):
        drawn = super().render(plan, image)
        return drawn if plan.number == 0 else np.asarray(drawn * 0.8, np.uint8)


@pytest.fixture
def squares(tmp_path) -> Callable[[float | None], Outcome]:
    """Swaps three frames with a blue square by a red one, which comes out well once and pale twice."""
    PILImage.fromarray(scene((10, 10, 20, RED))).save(tmp_path / "red.png")
    first, *others = (PILImage.fromarray(scene((8 + 4 * number, 8, 16, BLUE))) for number in range(3))
    first.save(tmp_path / "clip.png", save_all=True, append_images=others, duration=50)

    def swap(least: float | None) -> Outcome:
        options = EngineOptions(measure=True)
        spec = SwapSpec(sources=(str(tmp_path / "red.png"),), engine=options, min_similarity=least)
        return swap_file(SwapJob(spec=spec, target=str(tmp_path / "clip.png"), output=str(tmp_path / "out.png")),
                         HalfRed(options))

    return swap


def test_of_a_clip_the_median_counts(squares):
    outcome = squares(0.75)
    assert outcome.similarity is not None
    assert (outcome.similarity.source, outcome.similarity.faces) == (pytest.approx(0.8), 3)


def test_a_clip_that_is_too_pale_is_not_written(squares, tmp_path):
    with refused(UnlikeError, r"similarity 0\.80 \(colour, median of 3 measured faces\), "
                                          r"--min-similarity asks for 0\.85"):
        squares(0.85)
    assert not (tmp_path / "out.png").exists()


def test_a_limit_needs_an_engine_that_measures():
    with pytest.raises(UsageError, match="measure=True"):
        job(min_similarity=0.5)
    with refused(UsageError, r"--min-similarity 1\.5 is outside 0\.\.1"):
        altered(job(), min_similarity=1.5, engine=EngineOptions(measure=True))
