"""The 128 numbers that tell people apart, and the gender guessed from them."""

from __future__ import annotations

import functools
import json
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from faceswap_cli.engine.analysers.dlib_weights import DESCRIPTOR_NETWORK
from faceswap_cli.faces.align import transform, upright_crop, warp_crop
from faceswap_cli.faces.face import Gender
from faceswap_cli.faces.pose import fit_camera
from faceswap_cli.image import FloatArray, Image, Points

# dlib cuts its own 150 px chip (the face, with a quarter of its width around it) from this crop, in which the face
# is about 180 px wide. The crop is cut upright so that dlib's whole-pixel landmarks cost nothing.
_SIDE = 300

SURE = 0.65
"""Probability from which a gender is told; between 1 - SURE and SURE it is unknown."""


def describe_face(image: Image, landmarks: Points) -> FloatArray:
    """The descriptor of one face: float32 (128,), Euclidean distances below 0.6 mean the same person.

    Args:
        image: uint8 (H, W, 3) RGB.
        landmarks: float64 (68, 2).
    """
    import dlib

    matrix = upright_crop(fit_camera(landmarks), _SIDE)
    crop = np.ascontiguousarray(warp_crop(image, matrix, _SIDE))
    points = [dlib.point(int(x), int(y)) for x, y in np.rint(transform(matrix, landmarks))]
    shape = dlib.full_object_detection(dlib.rectangle(0, 0, _SIDE, _SIDE), points)
    numbers = DESCRIPTOR_NETWORK.run(lambda network: network.compute_face_descriptor(crop, shape))
    return np.array(numbers, dtype=np.float32)


@functools.cache
def _gender_model() -> tuple[npt.NDArray[np.float64], float]:
    record = json.loads(files("faceswap_cli").joinpath("data/gender.json").read_text(encoding="utf-8"))
    return np.array(record["weights"], dtype=np.float64), float(record["bias"])


def female_probability(embedding: FloatArray) -> float:
    """The probability, 0..1, that the label `female` applies: a logistic regression over the descriptor (128,)."""
    weights, bias = _gender_model()
    logit = float(weights @ embedding.astype(np.float64)) + bias
    return float(0.5 * (1.0 + np.tanh(0.5 * logit)))  # the sigmoid, in a form that cannot overflow


def label_of(female: float) -> tuple[Gender, float]:
    """The label for a probability of `female`, and its own; for `unknown` that of `female`."""
    if female > SURE:
        return Gender.FEMALE, female
    if female < 1 - SURE:
        return Gender.MALE, 1 - female
    return Gender.UNKNOWN, female
