"""The gender filter: two labels and the space between them."""

import numpy as np
import pytest

from faceswap_cli.engine.analysers import descriptor
from faceswap_cli.engine.analysers.descriptor import female_probability, label_of
from faceswap_cli.faces.face import Gender


def along_the_weights(probability: float) -> np.ndarray:
    weights, bias = descriptor._gender_model()
    logit = np.log(probability / (1 - probability))
    return (weights * (logit - bias) / (weights @ weights)).astype(np.float32)


@pytest.mark.parametrize(("female", "label", "told"), [
    (0.95, Gender.FEMALE, 0.95), (0.66, Gender.FEMALE, 0.66), (0.64, Gender.UNKNOWN, 0.64), (0.5, Gender.UNKNOWN, 0.5),
    (0.36, Gender.UNKNOWN, 0.36), (0.34, Gender.MALE, 0.66), (0.01, Gender.MALE, 0.99),
])
def test_labels_and_the_probability_of_the_label(female, label, told):
    gender, probability = label_of(female_probability(along_the_weights(female)))
    assert gender is label
    assert probability == pytest.approx(told, abs=0.002)


def test_far_off_descriptors_do_not_overflow():
    weights, _ = descriptor._gender_model()
    assert female_probability((1e6 * weights).astype(np.float32)) == 1.0
    assert female_probability((-1e6 * weights).astype(np.float32)) == 0.0
