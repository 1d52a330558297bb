"""The warnings about a face."""

from dataclasses import replace

import numpy as np
import pytest
from heads import mean_face

from faceswap_cli.faces.face import Box, Face, Pose
from faceswap_cli.faces.quality import eye_distance, face_warnings


def face(size: float = 80.0, yaw: float = 0.0, spread: float = 0.01) -> Face:
    points = mean_face(size, yaw=yaw)
    return Face(box=Box(0, 0, 1, 1), score=1.0, landmarks=points, pose=Pose(yaw, 0.0, 0.0), spread=spread)


def test_a_good_face_has_no_warnings():
    assert face_warnings(face(), "source") == face_warnings(face(), "target") == ()


@pytest.mark.parametrize(("yaw", "source", "target"), [(24, 0, 0), (30, 1, 0), (-30, 1, 0), (45, 1, 1)])
def test_turned_heads(yaw, source, target):
    assert len(face_warnings(face(yaw=yaw), "source")) == source
    assert len(face_warnings(face(yaw=yaw), "target")) == target


def test_the_side_is_told():
    assert face_warnings(face(yaw=-42.4), "target") == ("head turned 42 degrees to the left",)
    assert face_warnings(face(yaw=42.4), "target") == ("head turned 42 degrees to the right",)


@pytest.mark.parametrize(("size", "source", "target"), [(50, 0, 0), (30, 1, 0), (9, 1, 1)])
def test_small_faces(size, source, target):
    assert [len(face_warnings(face(size=size), role)) for role in ("source", "target")] == [source, target]
    assert all(f"{size} px" in text for text in face_warnings(face(size=size), "source"))


def test_unsure_landmarks():
    assert "landmarks unsure" in face_warnings(face(spread=0.05), "target")[0]


def test_all_at_once():
    assert len(face_warnings(face(size=8, yaw=60, spread=0.1), "source")) == 3


def test_eye_distance_does_not_shrink_with_the_yaw():
    assert eye_distance(face(size=80, yaw=40)) == pytest.approx(80, rel=0.08)


def test_five_points_and_no_pose():
    points = np.array([[10.0, 10.0], [40.0, 50.0], [0, 0], [0, 0], [0, 0]])
    assert eye_distance(replace(face(), landmarks=points, pose=None)) == pytest.approx(50)
