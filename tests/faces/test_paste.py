from __future__ import annotations

import warnings
from functools import cache
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from heads import portrait

from faceswap_cli.faces.paste import SMALL, box_mask, covered, cut, paste
from faceswap_cli.faces.templates import arcface, estimate

SIDE = 128
WIDTH, HEIGHT = 960, 640


def landmarks(size, degrees=0.0, at=(480.0, 320.0)):
    """Five landmarks of a face whose crop is `size` pixels wide in the picture, centred at a place."""
    angle = np.radians(degrees)
    turn = size / SIDE * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (arcface(SIDE) - (SIDE - 1) / 2) @ turn.T + at


@cache
def scene():
    """A portrait, enlarged, with grain. Read-only."""
    large = cv2.resize(portrait("man-2").pixels, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    grain = np.random.default_rng(0).normal(0, 4, large.shape)
    image = np.clip(large + grain, 0, 255).astype(np.uint8)
    image.setflags(write=False)
    return image


@cache
def new_face():
    """What a model could have drawn: another face on the template."""
    other = portrait("woman-3")
    return cut(other.pixels, estimate(other.face.landmarks, "arcface", SIDE), SIDE)


def insightface_paste(image, points, crop):
    """The same crop, pasted by insightface's own class around a session that gives it back."""
    inswapper = pytest.importorskip("insightface.model_zoo.inswapper")
    swapper = inswapper.INSwapper.__new__(inswapper.INSwapper)
    drawn = (crop.transpose(2, 0, 1)[None].astype(np.float32) + np.float32(0.25)) / 255
    swapper.session = SimpleNamespace(run=lambda names, feeds: [drawn])
    swapper.input_mean, swapper.input_std, swapper.input_size = 0.0, 255.0, (SIDE, SIDE)
    swapper.input_names, swapper.output_names = ["target", "source"], ["output"]
    swapper.emap = np.eye(512, dtype=np.float32)
    source = SimpleNamespace(normed_embedding=np.full(512, 512 ** -0.5, np.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        pasted = swapper.get(image[..., ::-1], SimpleNamespace(kps=points), source)
    return pasted[..., ::-1]


def psnr(one, other):
    error = np.mean((one.astype(np.float64) - other) ** 2)
    return np.inf if error == 0 else 10 * np.log10(255 ** 2 / error)


def insightface_matrix(points):
    face_align = pytest.importorskip("insightface.utils.face_align")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return face_align.estimate_norm(points, SIDE)


def pasted(points, mask=None, matrix=None):
    image = scene().copy()
    matrix = estimate(points, "arcface", SIDE) if matrix is None else matrix
    paste(image, new_face(), matrix, mask)
    return image, matrix


def within(matrix, image, region=None):
    region = covered(matrix, SIDE, (image.shape[1], image.shape[0]))
    return image[region.y0:region.y1, region.x0:region.x1]


@pytest.mark.parametrize("degrees", [0, 3, 20, 45, -100])
@pytest.mark.parametrize("size", [170, 301, 420])
def test_a_face_within_the_picture_is_pasted_as_insightface_does(size, degrees):
    points = landmarks(size, degrees, (480.3, 320.6))
    ours, matrix = pasted(points, matrix=insightface_matrix(points))
    assert covered(matrix, SIDE, (WIDTH, HEIGHT)).whole
    theirs = insightface_paste(scene(), points, new_face())
    assert psnr(within(matrix, ours), within(matrix, theirs)) > 50
    # And no single pixel of the ramp stands out.
    assert np.abs(ours.astype(int) - theirs).max() <= 12


def test_faces_cut_off_or_small_are_pasted_exactly_as_insightface_does():
    found = []
    for size, degrees, at in (
            (301, 5, (40, 300)), (303, 30, (931, 622)), (900, 8, (480, 320)), (2000, -4, (500, 200)),
            (100, 12, (480, 320)), (61, 1, (480.4, 320.3)), (130, 77, (480, 320)), (303, 1, (-100, 300))):
        points = landmarks(size, degrees, at)
        ours, matrix = pasted(points, matrix=insightface_matrix(points))
        theirs = insightface_paste(scene(), points, new_face())
        assert (ours != scene()).any()
        found.append(psnr(within(matrix, ours), within(matrix, theirs)))
    # Whether a pixel of the outline counts hangs on rounding, which differs in a region: one of them costs 15 dB.
    assert np.median(found) > 80 and min(found) > 60


@pytest.mark.parametrize(("size", "at"), [(301, (480, 320)), (301, (40, 300)), (100, (480, 320)), (40, (100, 100))])
@pytest.mark.parametrize("level", [0, 255])
def test_the_border_has_no_rim(size, at, level):
    """A white face on white, or a black one on black, leaves nothing to see."""
    flat = np.full((HEIGHT, WIDTH, 3), level, np.uint8)
    before = flat.copy()
    matrix = estimate(landmarks(size, 17, at), "arcface", SIDE)
    paste(flat, np.full((SIDE, SIDE, 3), level, np.uint8), matrix)
    # insightface, and so the exact paste, rounds down: one level.
    assert np.abs(flat.astype(int) - before).max() <= 1


@pytest.mark.parametrize(("size", "at"), [(301, (480, 320)), (301, (40, 300)), (100, (480, 320))])
def test_pixels_outside_the_mask_stay_bit_for_bit(size, at):
    points = landmarks(size, 17, at)
    image, matrix = pasted(points)
    y, x = np.nonzero((image != scene()).any(2))
    place = np.stack([x, y], 1) @ matrix[:, :2].T + matrix[:, 2]
    beyond = 1 + 2 * SIDE / size  # two pixels of the picture
    assert len(x) and (place > -beyond).all() and (place < SIDE - 1 + beyond).all()
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[40:60, 50:90] = 255
    image, _ = pasted(points, mask=mask)
    y, x = np.nonzero((image != scene()).any(2))
    place = np.stack([x, y], 1) @ matrix[:, :2].T + matrix[:, 2]
    assert len(x) and (place > (49, 39)).all() and (place < (90, 60)).all()


def test_a_mask_is_the_weight_of_the_crop():
    points = landmarks(SIDE, at=(480.5, 320.5))  # a pixel of the crop is one of the picture
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[30:60, 30:90], mask[60:90, 30:90] = 255, 128
    image, matrix = pasted(points, mask=mask)
    before, after = cut(scene(), matrix, SIDE).astype(int), cut(image, matrix, SIDE).astype(int)
    assert np.abs(after[31:59, 31:89] - new_face()[31:59, 31:89]).max() <= 1
    half = (before[61:89, 31:89] * 127 + new_face()[61:89, 31:89].astype(int) * 128) / 255
    assert np.abs(after[61:89, 31:89] - half).max() <= 2
    assert np.array_equal(after[95:], before[95:])


def test_a_mask_that_is_full_to_the_border_leaves_no_dark_line():
    flat = np.full((HEIGHT, WIDTH, 3), 200, np.uint8)
    mask = np.full((SIDE, SIDE), 255, np.uint8)
    paste(flat, np.full((SIDE, SIDE, 3), 200, np.uint8), estimate(landmarks(301, 17), "arcface", SIDE), mask)
    assert np.abs(flat.astype(int) - 200).max() <= 1


@pytest.mark.parametrize("at", [(-400, 300), (480, -400), (1500, 300), (480, 1200), (-5000, -5000)])
def test_a_face_outside_the_picture_changes_nothing(at):
    image, _ = pasted(landmarks(301, 10, at))
    assert np.array_equal(image, scene())


def test_landmarks_without_extent_change_nothing():
    image, _ = pasted(np.full((5, 2), 300.0))
    assert np.array_equal(image, scene())
    image, _ = pasted(landmarks(1e-9))
    assert np.array_equal(image, scene())


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 3)])
@pytest.mark.parametrize("masked", [False, True])
def test_pictures_of_one_pixel_or_one_line(shape, masked):
    image = np.full((*shape, 3), 77, np.uint8)
    mask = np.full((SIDE, SIDE), 255, np.uint8) if masked else None
    paste(image, new_face(), estimate(landmarks(400, 0, (shape[1] / 2, shape[0] / 2)), "arcface", SIDE), mask)
    assert image.shape == (*shape, 3) and (image != 77).any()


@pytest.mark.parametrize("size", [100, 301])
def test_views_that_are_not_contiguous_are_written_in_place(size):
    wanted, matrix = pasted(landmarks(size))
    wide = np.zeros((HEIGHT, 2 * WIDTH, 4), np.uint8)
    view = wide[:, ::2, 1:]
    view[:] = scene()
    paste(view, new_face(), matrix)
    assert np.array_equal(view, wanted)
    assert not wide[:, 1::2].any() and not wide[..., 0].any()
    flipped = np.ascontiguousarray(scene()[..., ::-1])[..., ::-1]
    paste(flipped, new_face(), matrix)
    assert np.array_equal(flipped, wanted)


def test_the_weight_of_the_box_is_full_inside_and_none_at_the_border():
    for size, degrees in ((SMALL, 0), (301, 20), (1000, 45)):
        mask = box_mask(estimate(landmarks(size, degrees), "arcface", SIDE), SIDE, (4000, 4000))
        assert mask.shape == (SIDE, SIDE) and mask.dtype == np.uint8
        assert mask[40:-40, 40:-40].min() == 255
        assert max(mask[0].max(), mask[-1].max(), mask[:, 0].max(), mask[:, -1].max()) <= 6
        rising = mask[64].astype(int)
        assert (np.diff(rising[:64]) >= 0).all() and (np.diff(rising[64:]) <= 0).all()


def test_the_cut_is_that_of_insightface():
    face_align = pytest.importorskip("insightface.utils.face_align")
    for size, at in ((301, (480, 320)), (60, (480.3, 320.6)), (500, (20, 620))):
        points = landmarks(size, 10, at)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            theirs, _ = face_align.norm_crop2(np.asarray(scene()), points, SIDE)
        ours = cut(scene(), estimate(points, "arcface", SIDE), SIDE)
        assert np.abs(ours.astype(int) - theirs).max() <= 1
