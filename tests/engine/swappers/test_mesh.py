from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np
import pytest
from heads import Portrait, analyser, between_eyes, find, portrait, with_glasses

from faceswap_cli.engine.swappers.mesh import MeshSwapper
from faceswap_cli.faces.face import Face
from faceswap_cli.faces.landmarks68 import LEFT_EYE, OUTER_LIPS, OUTLINE, RIGHT_EYE
from faceswap_cli.faces.pose import fit_camera
from faceswap_cli.faces.proportions import with_forehead
from faceswap_cli.image import Image, Points

SWAPPER = MeshSwapper()
PAIRS = [("man-2", "man-1"), ("woman-3", "woman-1"), ("man-1", "woman-3"), ("woman-3", "man-4")]


@pytest.fixture(scope="module")
def source():
    one = portrait("man-2")
    return SWAPPER.prepare(one.pixels, one.face)


def swap(source, target: Portrait, change: Callable | None = None) -> Image:
    decision = SWAPPER.decide(target.pixels, [source], target.face)
    image = target.pixels.copy()
    SWAPPER.swap(image, target.face, change(decision) if change else decision)
    return image


def placed(image: Image, face: Face, points: Points) -> Portrait:
    """The same face with its landmarks elsewhere: what an analyser would say of a picture cut, scaled or turned."""
    return Portrait(image, replace(face, landmarks=points))


def face_region(target: Portrait, grow: float = 0.1) -> np.ndarray:
    """Where a swap may change pixels: jaw to hairline, and a little more (in eye distances)."""
    points = target.face.landmarks
    outline = np.round(with_forehead(points, fit_camera(points))[OUTLINE]).astype(np.int32)
    region = cv2.fillPoly(np.zeros(target.pixels.shape[:2], np.uint8), [outline], 1)
    radius = round(grow * fit_camera(points).scale) + 2
    return cv2.dilate(region, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2)) > 0


def check(source, target: Portrait) -> Image:
    """Swap, and make sure that the face is changed and nothing else."""
    result = swap(source, target)
    changed = (result != target.pixels).any(2)
    region = face_region(target)
    assert not changed[~region].any()
    assert changed[region].mean() > 0.3
    return result


def distance(one: Image, face: Face, other: Portrait) -> float:
    """Between two people, by dlib's descriptor: below 0.6 the same person."""
    first, second = (analyser().describe(image, found).embedding
                     for image, found in ((one, face), (other.pixels, other.face)))
    return float(np.linalg.norm(first - second))


# --- What a user sees ---


@pytest.mark.parametrize(("name", "onto"), PAIRS)
def test_the_result_shows_the_source_s_person(name, onto):
    source, target = portrait(name), portrait(onto)
    result = check(SWAPPER.prepare(source.pixels, source.face), target)
    (found,) = analyser().find(result)
    assert distance(result, found, source) < 0.5
    assert distance(result, found, source) < distance(result, found, target)
    assert distance(target.pixels, target.face, source) > 0.55


@pytest.mark.parametrize(("name", "onto"), PAIRS[:2])
def test_the_result_keeps_the_target_s_pose_and_place(name, onto):
    source, target = portrait(name), portrait(onto)
    result = find(swap(SWAPPER.prepare(source.pixels, source.face), target))
    assert result.face.box == pytest.approx(target.face.box, abs=0.1 * between_eyes(target.face.landmarks))
    assert result.face.pose == pytest.approx(target.face.pose, abs=4)


@pytest.mark.parametrize("name", ["woman-3", "man-2"])
def test_a_face_swapped_with_itself_changes_little(name):
    one = portrait(name)
    result = swap(SWAPPER.prepare(one.pixels, one.face), one)
    difference = np.abs(result.astype(int) - one.pixels)[face_region(one)]
    assert difference.mean() < 1.5
    assert np.percentile(difference, 99) < 12
    assert distance(result, one.face, one) < 0.1


def test_the_same_swap_gives_the_same_bytes():
    one, target = portrait("man-2"), portrait("woman-3")
    first, second = (swap(SWAPPER.prepare(one.pixels, one.face), target) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_threads_that_share_a_source_give_the_same_bytes():
    one = portrait("man-2")
    targets = [portrait(name) for name in ("woman-3", "man-1", "woman-3", "woman-1")]
    alone = [swap(SWAPPER.prepare(one.pixels, one.face), target) for target in targets]
    shared = SWAPPER.prepare(one.pixels, one.face)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda target: swap(shared, target), targets))
    for first, second in zip(alone, together, strict=True):
        np.testing.assert_array_equal(first, second)


def test_skin_takes_the_target_s_tone(source):
    target = portrait("woman-3")
    dark = find((target.pixels * 0.55).astype(np.uint8))
    cheek = np.round((dark.face.landmarks[2] + dark.face.landmarks[31]) / 2).astype(int)
    patch = np.s_[cheek[1] - 8:cheek[1] + 9, cheek[0] - 8:cheek[0] + 9]
    for one in (target, dark):
        result = swap(source, one)
        assert result[patch].mean((0, 1)) == pytest.approx(one.pixels[patch].mean((0, 1)), abs=14)


@pytest.mark.parametrize("factor", [0.4, 1.5])
def test_a_grey_target_stays_grey_at_any_size(factor):
    one, target = portrait("woman-1"), portrait("woman-3")
    shade = cv2.resize(cv2.cvtColor(target.pixels, cv2.COLOR_RGB2GRAY), None, fx=factor, fy=factor)
    grey = placed(np.repeat(shade[..., None], 3, axis=2), target.face, (target.face.landmarks + 0.5) * factor - 0.5)
    result = check(SWAPPER.prepare(one.pixels, one.face), grey)
    assert np.ptp(result.astype(int), axis=2).max() <= 1


# --- Where faces are ---


@pytest.mark.parametrize("window", [
    np.s_[:, 320:], np.s_[:, :300], np.s_[430:, :], np.s_[:420, :], np.s_[440:600, 330:500],
], ids=["left", "right", "top", "bottom", "only-a-corner"])
def test_a_target_partly_outside_the_frame(source, window):
    whole = portrait("woman-3")
    start = [window[1].start or 0, window[0].start or 0]
    cut = np.ascontiguousarray(whole.pixels[window])
    target = placed(cut, whole.face, whole.face.landmarks - np.array(start))
    result = swap(source, target)
    changed = (result != cut).any(2)
    assert changed.mean() > 0.02
    assert not changed[~face_region(whole)[window]].any()


@pytest.mark.parametrize("shift", [(5000, 0), (-5000, 30), (0, -3000)])
def test_a_target_wholly_outside_the_frame_changes_nothing(source, shift):
    whole = portrait("woman-3")
    target = placed(whole.pixels, whole.face, whole.face.landmarks + np.array(shift))
    np.testing.assert_array_equal(swap(source, target), whole.pixels)


@pytest.mark.parametrize("eyes", [6, 20])
def test_a_tiny_face(source, eyes):
    whole = portrait("woman-3")
    factor = eyes / between_eyes(whole.face.landmarks)
    small = cv2.resize(whole.pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    check(source, placed(small, whole.face, (whole.face.landmarks + 0.5) * factor - 0.5))


def test_a_face_larger_than_the_largest_crop(source):
    whole = portrait("woman-3")
    factor = 300 / between_eyes(whole.face.landmarks)
    points = (whole.face.landmarks + 0.5) * factor - 0.5
    large = cv2.resize(whole.pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    top, bottom = int(points[:, 1].min() - 250), int(points[:, 1].max() + 60)
    result = check(source, placed(np.ascontiguousarray(large[top:bottom]), whole.face, points - np.array([0, top])))
    shrunk = cv2.resize(result, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA)
    expected = swap(source, whole)[round(top / factor):][:shrunk.shape[0], :shrunk.shape[1]]
    assert np.abs(shrunk.astype(int)[:len(expected)] - expected).mean() < 2.5


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_face_that_lies_on_its_side_or_stands_on_its_head(source, turns):
    whole = portrait("woman-3")
    image, points = whole.pixels, whole.face.landmarks
    for _ in range(turns):
        points = points[:, ::-1] * [1, -1] + np.array([0, image.shape[1] - 1])
        image = np.rot90(image)
    result = check(source, placed(np.ascontiguousarray(image), whole.face, points))
    back = np.rot90(result, -turns).astype(int)
    assert np.abs(back - swap(source, whole))[face_region(whole)].mean() < 2


def test_the_frame_may_be_part_of_a_larger_array(source):
    # A view of every second row and column is no contiguous picture.
    target = portrait("woman-3")
    spread = np.zeros((1600, 1280, 3), np.uint8)
    view = spread[::2, ::2]
    view[...] = target.pixels
    SWAPPER.swap(view, target.face, SWAPPER.decide(view, [source], target.face))
    np.testing.assert_array_equal(view, swap(source, target))
    assert spread[1::2].max() == 0


# --- What stays the target's ---


def test_a_mouth_and_an_eye_that_are_kept_are_the_target_s():
    # The source is the target with its mouth and both eyes painted black.
    target = portrait("woman-3")
    parts = [np.round(target.face.landmarks[part]).astype(np.int32) for part in (OUTER_LIPS, LEFT_EYE, RIGHT_EYE)]
    painted = cv2.fillPoly(target.pixels.copy(), parts, (0, 0, 0))
    source = SWAPPER.prepare(painted, target.face)
    inside = [cv2.fillPoly(np.zeros(target.pixels.shape[:2], np.uint8), [part], 1) > 0 for part in parts]

    def errors(strength: float) -> list[float]:
        result = swap(source, target, lambda made: replace(made, keep_mouth=strength, keep_eyes=(strength, 0.0)))
        return [np.abs(result.astype(int) - target.pixels)[part].mean() for part in inside]

    replaced, half, kept = errors(0.0), errors(0.5), errors(1.0)
    assert min(replaced) > 40
    assert half == pytest.approx([replaced[0] / 2, replaced[1] / 2, replaced[2]], rel=0.1)
    assert kept == pytest.approx([0, 0, replaced[2]], abs=1.5)


def test_the_frame_of_the_target_s_glasses_stays(source):
    bare = portrait("woman-3")
    target = Portrait(with_glasses(bare.pixels, bare.face.landmarks), bare.face)
    frame = (np.abs(target.pixels.astype(int) - bare.pixels).max(2) > 60) & (target.pixels.max(2) < 40)
    kept = swap(source, target)
    without = swap(source, target, lambda made: replace(made, keep_glasses=0.0))
    assert np.percentile(kept[frame].max(1), 80) < 70
    assert kept[frame].mean() < without[frame].mean() - 20


def test_a_swap_tells_what_may_look_wrong(source):
    bare = portrait("woman-3")
    image = with_glasses(bare.pixels, bare.face.landmarks)
    told = SWAPPER.swap(image, bare.face, SWAPPER.decide(image, [source], bare.face))
    assert any("glasses" in text for text in told)


def test_a_clip_has_a_memory_of_its_own(source):
    target = portrait("woman-3")
    followed = replace(target.face, track=7)
    first, second = SWAPPER.open_clip(), SWAPPER.open_clip()
    SWAPPER.decide(target.pixels, [source], followed, first)
    assert list(first.tracks) == [7] and not second.tracks
