from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fakes import BLUE, RED, BrightSquares, scene
from PIL import Image as PILImage
from refusals import refused

from faceswap_cli.errors import InputError, UsageError
from faceswap_cli.faces.face import Box, Face
from faceswap_cli.jobs.annotate import annotate, crop_face
from faceswap_cli.jobs.detect import DetectJob, check_detect_outputs, crop_name, detect_file
from faceswap_cli.media.frame import Frame
from faceswap_cli.options import EngineOptions, GenderFilter, Order, SelectOptions


@pytest.fixture
def still(tmp_path):
    PILImage.fromarray(scene((4, 8, 16, BLUE), (40, 20, 10, RED))).save(tmp_path / "still.png")
    return tmp_path / "still.png"


@pytest.fixture
def clip(tmp_path):
    frames = [PILImage.fromarray(scene(*([(8 * n, 10, 14, BLUE)] if n else []))) for n in range(4)]
    frames[0].save(tmp_path / "clip.gif", save_all=True, append_images=frames[1:], duration=[50, 60, 70, 80])
    return tmp_path / "clip.gif"


def test_faces_are_numbered_in_the_chosen_order(still):
    report = detect_file(DetectJob(path=str(still)), BrightSquares())
    assert [(face.index, face.face.box.x1) for face in report.faces] == [(0, 4), (1, 40)]
    options = EngineOptions(select=SelectOptions(order=Order.RIGHT_LEFT))
    report = detect_file(DetectJob(path=str(still)), BrightSquares(options))
    assert [(face.index, face.face.box.x1) for face in report.faces] == [(0, 40), (1, 4)]
    assert (report.width, report.height, report.animated) == (64, 48, False)


def test_a_gender_hides_faces_but_keeps_the_numbers(still):
    report = detect_file(DetectJob(path=str(still), gender=GenderFilter.FEMALE), BrightSquares())
    assert [face.index for face in report.faces] == [1]


def test_a_clip_is_reported_frame_by_frame(clip):
    report = detect_file(DetectJob(path=str(clip)), BrightSquares())
    assert [len(frame.faces) for frame in report.frames] == [0, 1, 1, 1]
    assert report.animated
    assert [face.face.box.x1 for face in report.faces] == [8]


def test_the_annotated_copy_marks_every_face_and_nothing_else(still, tmp_path):
    detect_file(DetectJob(path=str(still), annotate=tmp_path / "a.png"), BrightSquares())
    before, after = np.array(PILImage.open(still)), np.array(PILImage.open(tmp_path / "a.png"))
    changed = (before != after).any(axis=2)
    for y, x in [(8, 19), (23, 4), (20, 49)]:
        assert changed[y, x], "a corner of a box is not drawn"
    assert not changed[:, 56:].any()
    assert not changed[40:].any()


def test_the_annotated_copy_of_a_clip_is_a_clip(clip, tmp_path):
    detect_file(DetectJob(path=str(clip), annotate=tmp_path / "a.gif"), BrightSquares())
    with PILImage.open(tmp_path / "a.gif") as written:
        assert written.n_frames == 4


def test_each_face_is_cropped_into_its_own_file(still, tmp_path):
    detect_file(DetectJob(path=str(still), crops=tmp_path / "crops"), BrightSquares())
    assert {path.name for path in (tmp_path / "crops").iterdir()} == {"still-0-0.png", "still-0-1.png"}
    crop = np.array(PILImage.open(tmp_path / "crops" / "still-0-1.png"))
    assert (crop[crop.shape[0] // 2, crop.shape[1] // 2] == RED).all()


def test_outputs_that_exist_or_clash_are_refused_at_once(still, tmp_path):
    task = DetectJob(path=str(still), annotate=tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes(b"old")
    with refused(UsageError, "--overwrite"):
        check_detect_outputs([task])
    check_detect_outputs([replace(task, overwrite=True)])
    with pytest.raises(UsageError, match="both"):
        check_detect_outputs([replace(task, overwrite=True), replace(task, path="other/still.png", overwrite=True)])
    with pytest.raises(UsageError, match="same name"):
        check_detect_outputs([DetectJob(path="a/x.png", crops=tmp_path), DetectJob(path="b/x.jpg", crops=tmp_path)])


def test_a_file_that_is_no_picture_is_an_error_and_leaves_nothing(tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(InputError, match=r"text\.png"):
        detect_file(DetectJob(path=str(tmp_path / "text.png"), annotate=tmp_path / "a.png"), BrightSquares())
    assert [path.name for path in tmp_path.iterdir()] == ["text.png"]


@pytest.mark.parametrize(("path", "name"), [("a/b.jpg", "b-3-1.png"), ("-", "stdin-3-1.png"),
                                            ("https://x.org/p.png?q=a/b.gif", "p-3-1.png")])
def test_crops_are_named_after_the_picture(path, name):
    assert crop_name(path, 3, 1) == name


def test_faces_that_reach_outside_are_marked_and_cropped_inside():
    image = scene()
    for box in (Box(-20, -30, 10, 12), Box(50, 40, 90, 80), Box(200, 200, 300, 300), Box(-9, -9, -3, -3)):
        face = Face(box=box, score=1.0, landmarks=np.array([[box.x1, box.y1], [box.x2, box.y2]]))
        assert crop_face(image, face, 32).size > 0
        marked = annotate(Frame(pixels=image), [(0, face)])
        assert marked.pixels.shape == image.shape
        assert (marked.pixels != image).any()


def test_marks_are_opaque_where_the_picture_is_not():
    frame = Frame(pixels=scene(), alpha=np.zeros((48, 64), np.uint8))
    face = Face(box=Box(10, 10, 40, 40), score=1.0, landmarks=np.array([[20.0, 20.0]]))
    marked = annotate(frame, [(0, face)])
    assert marked.alpha is not None
    assert marked.alpha[10, 39] == 255
    assert marked.alpha[45, 60] == 0


@pytest.mark.parametrize("five", [False, True])
def test_a_face_whose_landmarks_tell_its_pose_is_cropped_upright(five):
    from faceswap_cli.faces.landmarks68 import MEAN_SHAPE
    from faceswap_cli.faces.templates import five_points

    turned = np.array([[0.0, -1.0], [1.0, 0.0]])
    points = MEAN_SHAPE[:, :2] * 20 @ turned.T + [60.0, 50.0]
    image = scene(size=(120, 100))
    eye = points[36:42].mean(0).round().astype(int)
    image[eye[1] - 2:eye[1] + 3, eye[0] - 2:eye[0] + 3] = RED
    landmarks = five_points(points) if five else points
    crop = crop_face(image, Face(box=Box(30, 20, 90, 80), score=1.0, landmarks=landmarks), 128)
    assert crop.shape == (128, 128, 3)
    rows, columns = np.nonzero((crop[..., 0] > 150) & (crop[..., 1] < 100))
    assert rows.mean() < 64
    assert columns.mean() < 64
