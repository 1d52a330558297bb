from __future__ import annotations

from functools import cache

import cv2
import graphs
import numpy as np
import pytest
from heads import mean_face, portrait

from faceswap_cli.engine.swappers.inswapper import InswapperSwapper
from faceswap_cli.engine.swappers.neural_masks import FaceMasks, hull_mask, landmarks_68, mouth_mask, visible_mask
from faceswap_cli.errors import ModelError
from faceswap_cli.faces.align import transform
from faceswap_cli.faces.face import Box, Face
from faceswap_cli.faces.landmarks68 import INNER_LIPS, OUTER_LIPS
from faceswap_cli.faces.paste import box_mask
from faceswap_cli.faces.templates import arcface, estimate, five_points
from faceswap_cli.models.spec import Crop, Family, Licence, ModelRole, ModelSpec, Template
from faceswap_cli.options import MaskKind, RuntimeOptions, SwapOptions
from faceswap_cli.runtime.session import SharedSession

SIDE = 128
RUNTIME = RuntimeOptions()
BOX, HULL, OCCLUSION = MaskKind.BOX, MaskKind.HULL, MaskKind.OCCLUSION


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("graphs")


@pytest.fixture(scope="module", params=[False, True], ids=["channels-first", "channels-last"])
def occluder(request, folder):
    path = graphs.write_xseg(folder / f"xseg{request.param}.onnx", channels_last=request.param)
    return SharedSession(path, RUNTIME, name="xseg")


@cache
def target():
    """A portrait and its face, with five landmarks."""
    found = portrait("woman-2")
    return found.pixels, Face(box=found.face.box, score=1.0, landmarks=five_points(found.face.landmarks))


def drawn(options, face=None, image=None, occluder=None):
    image = target()[0] if image is None else image
    face = face or target()[1]
    matrix = estimate(face.landmarks, "arcface", SIDE)
    return FaceMasks(options, occluder).draw(image, face, matrix, SIDE, clip=False)


def covered_image():
    """The portrait with a green bar over its left half of the mouth."""
    image, face = target()
    image = image.copy()
    x, y = np.round(face.landmarks[3]).astype(int)
    image[y - 15:y + 60, x - 60:x + 20] = (20, 200, 40)
    return image, (x, y)


# --- landmarks ---


@pytest.mark.parametrize("name", ["woman-2", "man-1", "man-3", "woman-4"])
def test_68_landmarks_are_refined_from_five(name):
    found = portrait(name)
    five = Face(box=found.face.box, score=1.0, landmarks=five_points(found.face.landmarks))
    points = landmarks_68(found.pixels, five)
    eyes = np.linalg.norm(np.subtract(*five.landmarks[:2]))
    assert points.shape == (68, 2)
    assert np.linalg.norm(points - found.face.landmarks, axis=1).mean() < 0.03 * eyes


def test_68_landmarks_are_refined_where_the_face_leans():
    image, face = target()
    turn = cv2.getRotationMatrix2D((image.shape[1] / 2, image.shape[0] / 2), 60, 0.9)
    leaning = cv2.warpAffine(image, turn, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
    points = landmarks_68(leaning, Face(box=face.box, score=1.0, landmarks=transform(turn, face.landmarks)))
    wanted = transform(turn, portrait("woman-2").face.landmarks)
    assert np.linalg.norm(points - wanted, axis=1).mean() < 0.04 * np.linalg.norm(np.subtract(*wanted[[36, 45]]))


def test_a_face_that_has_68_landmarks_keeps_them():
    found = portrait("man-1")
    assert landmarks_68(found.pixels, found.face) is found.face.landmarks


@pytest.mark.parametrize("at", [(200.0, 200.0), (-500.0, -500.0), (2.0, 2.0)])
def test_where_nothing_is_to_be_seen_the_mean_face_is_taken(at):
    five = five_points(mean_face(scale=40, roll=20, at=at))
    points = landmarks_68(np.full((400, 400, 3), 128, np.uint8), Face(box=Box(0, 0, 1, 1), score=1.0, landmarks=five))
    assert points.shape == (68, 2)
    assert np.linalg.norm(five_points(points) - five, axis=1).mean() < 0.3 * 40


# --- each mask ---


def test_the_box_alone_needs_no_picture():
    assert drawn(SwapOptions()) is None
    assert drawn(SwapOptions(masks=())) is None


def test_the_hull_ends_at_the_outline():
    found = portrait("woman-2")
    points = transform(estimate(found.face.landmarks, "arcface", SIDE), found.face.landmarks)
    mask = hull_mask(points, SIDE)
    assert mask.dtype == np.float32 and mask.min() == 0 and mask.max() == 1
    outside = np.zeros((SIDE, SIDE), np.uint8)
    cv2.fillConvexPoly(outside, np.round(cv2.convexHull(points.astype(np.float32))).astype(np.int32), 1)
    below = np.arange(SIDE)[:, None] > points[:17, 1].min() + 4  # above the ears the forehead is in it too
    grown = cv2.dilate(outside, np.ones((5, 5), np.uint8)) == 1
    assert mask[below & ~grown].max() == 0
    inner = np.round(points[27:]).astype(int)
    assert mask[inner[:, 1], inner[:, 0]].min() > 0.9


def test_a_hull_over_the_border_of_the_crop_still_fades_there():
    wide = mean_face(scale=90, at=(300, 300))
    image = np.full((600, 600, 3), 128, np.uint8)
    matrix = estimate(arcface(SIDE) * 0.5 + 250, "arcface", SIDE)  # a crop much smaller than that face
    mask = FaceMasks(SwapOptions(masks=(HULL,)), None).draw(image, Face(box=Box(0, 0, 1, 1), score=1.0, landmarks=wide),
                                                            matrix, SIDE, clip=False)
    assert np.array_equal(mask, box_mask(matrix, SIDE, (600, 600)))


def test_the_mouth_of_the_target_stays():
    found = portrait("woman-2")
    points = transform(estimate(found.face.landmarks, "arcface", SIDE), found.face.landmarks)
    mask = mouth_mask(points, SIDE)
    lips = np.round(points[np.r_[OUTER_LIPS, INNER_LIPS]]).astype(int)
    assert mask[lips[:, 1], lips[:, 0]].min() > 0.8
    far = np.round(points[[8, 30, 36, 45]]).astype(int)
    assert mask[far[:, 1], far[:, 0]].max() < 1e-3
    kept = drawn(SwapOptions(keep_mouth=True), found.face, found.pixels)
    plain = box_mask(estimate(found.face.landmarks, "arcface", SIDE), SIDE, found.pixels.shape[1::-1])
    assert kept[lips[:, 1], lips[:, 0]].max() < 60
    assert np.array_equal(kept[mask < 1e-3], plain[mask < 1e-3])


def test_what_lies_over_the_face_is_left_out(occluder):
    image, (x, y) = covered_image()
    matrix = estimate(target()[1].landmarks, "arcface", SIDE)
    mask = visible_mask(occluder, image, matrix, SIDE, clip=False)
    over, beside = np.round(transform(matrix, np.array([[x - 20.0, y + 20.0], [x + 60.0, y - 40.0]]))).astype(int)
    assert mask.shape == (SIDE, SIDE)
    assert mask[over[1], over[0]] < 0.05 and mask[beside[1], beside[0]] > 0.95
    clear = visible_mask(occluder, target()[0], matrix, SIDE, clip=True)
    assert clear.min() > 0.9


def test_masks_combine_by_minimum(occluder):
    image, _ = covered_image()
    both = drawn(SwapOptions(masks=(BOX, HULL, OCCLUSION)), image=image, occluder=occluder)
    hull = drawn(SwapOptions(masks=(HULL,)), image=image)
    over = drawn(SwapOptions(masks=(OCCLUSION,)), image=image, occluder=occluder)
    assert np.array_equal(both, np.minimum(hull, over))
    assert (hull < over).any() and (over < hull).any()


def test_another_model_than_xseg_is_told(folder):
    wrong = SharedSession(graphs.write_arcface(folder / "arcface.onnx"), RUNTIME, name="xseg")
    with pytest.raises(ModelError, match="no XSeg model"):
        drawn(SwapOptions(masks=(OCCLUSION,)), occluder=wrong)
    wrong = SharedSession(graphs.write_genderage(folder / "genderage.onnx"), RUNTIME, name="xseg")
    with pytest.raises(ModelError, match="no XSeg model"):
        drawn(SwapOptions(masks=(OCCLUSION,)), occluder=wrong)


# --- in a whole swap ---


def swap(folder, image, options, occluder=None):
    graph = graphs.write_inswapper(folder / "swapper.onnx")
    spec = ModelSpec(id="stand_in", role=ModelRole.SWAPPER, family=Family.INSWAPPER, file=graph.name,
                     licence=Licence("none", "", "", commercial=True), summary="", crop=Crop(SIDE, Template.ARCFACE))

    class Sessions:
        path, notes = graph, ()
        inner = SharedSession(graph, RUNTIME, name="stand_in")

        def get(self, clip=False, faces_ahead=None):
            return self.inner.get(clip)

    swapper = InswapperSwapper(Sessions(), spec, options, occluder)
    source = Face(box=Box(0, 0, 1, 1), score=1.0, landmarks=arcface(112), embedding=graphs.identity(3))
    result = image.copy()
    swapper.swap(result, target()[1], swapper.decide(image, [swapper.prepare(image, source)], target()[1]))
    return result


def test_a_swap_leaves_the_mouth_and_what_covers_it(folder, occluder):
    image, (x, y) = covered_image()
    box = swap(folder, image, SwapOptions())
    kept = swap(folder, image, SwapOptions(masks=(HULL, OCCLUSION), keep_mouth=True), occluder)
    bar = np.s_[y + 5:y + 40, x - 40:x]
    assert (box[bar] != image[bar]).any() and np.array_equal(kept[bar], image[bar])
    middle = np.s_[y - 4:y + 4, x + 40:x + 60]
    change, change_by_box = (np.abs(result[middle].astype(int) - image[middle]).mean() for result in (kept, box))
    assert change < change_by_box / 4
    assert (kept != image).any(2).mean() > 0.02
    changed, changed_by_box = (kept != image).any(2), (box != image).any(2)
    assert changed.sum() < 0.8 * changed_by_box.sum()


@pytest.mark.parametrize("size", [256, 512])
def test_masks_of_a_boosted_crop_are_as_large_as_it(folder, size):
    image, _ = target()
    one = swap(folder, image, SwapOptions(masks=(HULL,), keep_mouth=True))
    boosted = swap(folder, image, SwapOptions(size=size, masks=(HULL,), keep_mouth=True))
    same = (one != image).any(2) == (boosted != image).any(2)
    assert same.mean() > 0.99


@pytest.mark.parametrize("at", [(-70.0, 100.0), (-64.5, -64.0), (463.0, 100.0), (200.0, 464.2), (0.0, 0.0)])
@pytest.mark.parametrize("shape", [(400, 400), (1, 1), (1, 400)])
def test_masks_of_faces_at_the_edge_of_the_picture(occluder, at, shape):
    image = np.full((*shape, 3), 128, np.uint8)
    face = Face(box=Box(0, 0, 1, 1), score=1.0, landmarks=arcface(SIDE) - SIDE / 2 + at)
    mask = drawn(SwapOptions(masks=(HULL, OCCLUSION), keep_mouth=True), face, image, occluder)
    assert mask.shape == (SIDE, SIDE) and mask.dtype == np.uint8
