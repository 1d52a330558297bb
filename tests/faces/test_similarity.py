from __future__ import annotations

import numpy as np
import pytest
from heads import analyser, mean_face, portrait

from faceswap_cli.faces.face import Box, Face, Pose
from faceswap_cli.faces.similarity import LEAST_EYES, MOST_TURNED, ONE_PERSON, Measure, similarity, trust


def vector(*numbers: float) -> np.ndarray:
    return np.array(numbers, np.float32)


def test_equal_embeddings_have_a_similarity_of_one():
    for measure in Measure:
        assert similarity(measure, vector(0.3, -0.4), vector(0.3, -0.4)) == pytest.approx(1.0)


def test_dlib_counts_the_distance_and_arcface_the_angle():
    assert similarity(Measure.DLIB, vector(0.6, 0), vector(0, 0)) == pytest.approx(0.4)
    assert similarity(Measure.ARCFACE, vector(2, 0), vector(0, 3)) == pytest.approx(0.0)
    assert similarity(Measure.ARCFACE, vector(2, 0), vector(5, 0)) == pytest.approx(1.0)
    assert similarity(Measure.ARCFACE, vector(0, 0), vector(5, 0)) == 0.0


def face(eyes: float = 60.0, yaw: float = 0.0, spread: float = 0.01, pose: bool = True) -> Face:
    return Face(box=Box(0, 0, 1, 1), score=1.0, landmarks=mean_face(eyes, yaw=yaw),
                pose=Pose(yaw, 0, 0) if pose else None, spread=spread)


def test_a_large_face_from_the_front_is_trusted_most():
    assert trust(face()) == 1.0
    assert trust(face()) > trust(face(yaw=20)) > trust(face(yaw=-45)) > 0
    assert trust(face()) > trust(face(eyes=25)) > trust(face(eyes=12)) > 0
    assert trust(face(pose=False)) == 1.0


@pytest.mark.parametrize("unclear", [
    face(eyes=LEAST_EYES - 2), face(yaw=MOST_TURNED + 1), face(yaw=-MOST_TURNED - 1), face(spread=0.08)])
def test_nobody_is_known_by_a_face_too_small_turned_or_unclear(unclear):
    assert trust(unclear) == 0.0


def test_portraits_are_told_apart():
    def embedding(name):
        shown = portrait(name)
        return analyser().embed(shown.pixels, shown.face).embedding

    assert similarity(Measure.DLIB, embedding("man-4"), embedding("woman-2")) < ONE_PERSON[Measure.DLIB]
