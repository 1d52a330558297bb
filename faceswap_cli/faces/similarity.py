"""How much two faces are of one person, by their embeddings, and when an embedding can be trusted.

Looked at with dlib's descriptor on 14 portraits, three pictures of one man, a clip of him, and seven clips of four
other people. Similarity is 1 - distance. One person in different pictures: 0.58 to 0.68; in different clips, means of
tracks: 0.60 to 0.70; a head turned by 48 degrees against the same head from the front: 0.53. Different people: 0.16 in
the middle, 0.46 in the nearest pair in a hundred; two bearded men on old prints 0.52. Faces with less than 10 pixels
between the eyes are all much alike: different people up to 0.53. Averages of several people, as this project's own
portraits are, come as near as 0.51 to each other.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from faceswap_cli.faces.face import Face
from faceswap_cli.faces.quality import eye_distance
from faceswap_cli.image import FloatArray


class Measure(StrEnum):
    """What a similarity is made of; 1 is the most."""

    DLIB = "dlib-distance"
    ARCFACE = "arcface-cosine"


ONE_PERSON: dict[Measure, float] = {Measure.DLIB: 0.45, Measure.ARCFACE: 0.3}
"""Similarity from which two faces are taken for one person. dlib's authors say 0.4, which nothing above needs.
ArcFace's is the usual one for insightface's models, and was not measured here."""

LEAST_EYES = 10.0
"""Pixels between the eyes below which faces cannot be told apart."""

MOST_TURNED = 50.0
"""Yaw in degrees beyond which they cannot."""

_SHARP_EYES = 40.0
_FADED = 60.0
_LOOSE = 0.05


def similarity(measure: Measure, one: FloatArray, other: FloatArray) -> float:
    """How much two embeddings are of one person; 1 for equal ones, 0 and less for strangers.

    Args:
        measure: What made them: 1 - Euclidean distance of dlib's descriptors, or the cosine of ArcFace's embeddings.
        one, other: float (n,).
    """
    if measure is Measure.DLIB:
        return 1.0 - float(np.linalg.norm(one - other))
    length = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / max(length, 1e-12)


def trust(face: Face) -> float:
    """How much the embedding of a face says of who it is, 0..1; 0: too small, too far turned, or landmarks unsure.

    Args:
        face: As an analyser returned it; pose and spread are used where they are known.
    """
    yaw = abs(face.pose.yaw) if face.pose is not None else 0.0
    eyes = eye_distance(face)
    if eyes < LEAST_EYES or yaw > MOST_TURNED or face.spread > _LOOSE:
        return 0.0
    return min(eyes / _SHARP_EYES, 1.0) * (1.0 - yaw / _FADED)
