"""The neural analyser: a detector, ArcFace's embedding, and the gender and age of insightface's packs.

Only the networks that a job needs are opened. insightface's classes for the embedding and the attributes are not used,
though they are what ours is tested against: each reads its whole model file a second time (174 MB for ArcFace) only to
guess the normalisation from names of nodes, and cuts its crops with a deprecated call that warns on standard error.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from faceswap_cli.engine.analysers.descriptor import label_of
from faceswap_cli.engine.analysers.detectors.base import Detector
from faceswap_cli.engine.analysers.detectors.boxes import input_size
from faceswap_cli.engine.analysers.neural_search import search
from faceswap_cli.engine.analysers.neural_tracking import NeuralClipMemory
from faceswap_cli.engine.parts import Analyser
from faceswap_cli.errors import ModelError
from faceswap_cli.faces.face import Box, Face, Gender
from faceswap_cli.faces.five_points import fit_five
from faceswap_cli.faces.quality import face_warnings
from faceswap_cli.faces.similarity import Measure
from faceswap_cli.faces.templates import estimate
from faceswap_cli.image import FloatArray, Image, Points
from faceswap_cli.options import DetectorOptions
from faceswap_cli.runtime.session import Session, SharedSession

_RECOGNISED, _DESCRIBED = 112, 96
"""Sides of the crops for the embedding and for gender and age, where a graph leaves them open."""

_AROUND = 1.5
"""The crop for gender and age shows so many times the longer side of the box."""


class InsightFaceAnalyser(Analyser[NeuralClipMemory]):
    """Finds and describes faces with insightface's models."""

    name = "insightface"
    measure = Measure.ARCFACE

    def __init__(self, detector: Detector, recogniser: SharedSession | None, attributes: SharedSession | None,
                 options: DetectorOptions) -> None:
        """Nothing is opened yet.

        Args:
            detector: Finds faces and their five landmarks.
            recogniser: ArcFace: input (N, 3, 112, 112), output (N, 512); None where no embedding is needed.
            attributes: Gender and age: input (N, 3, 96, 96), output (N, 3); None: every gender is unknown.
            options: Size and score for the detector.
        """
        self._detector = detector
        self._recogniser = recogniser
        self._attributes = attributes
        self._options = options

    def find(self, image: Image, memory: NeuralClipMemory | None = None) -> list[Face]:
        """All faces of one image: in stills best score first, in clips in order of appearance.

        Landmarks are (5, 2); pixel centres are at whole numbers. Boxes are the detector's.

        Raises:
            ModelError: The detector is damaged, of another kind, or failed.
        """
        if memory is not None:
            tracks = memory.follow(image, self._detector)
            return [build_face(one.points, one.box, one.score, one.number) for one in tracks]
        faces = []
        for one in search(self._detector, image, self._options.size, self._options.score):
            assert one.landmarks is not None
            faces.append(build_face(one.landmarks, one.box, one.score))
        return faces

    def describe(self, image: Image, face: Face) -> Face:
        """The same face with `gender`, `gender_probability` and `age`; without the model the gender is unknown.

        Raises:
            ModelError: The model is damaged, of another kind, or failed.
        """
        if self._attributes is None:
            return replace(face, gender=Gender.UNKNOWN)
        session = self._attributes.get(face.track is not None)
        side = _side(session, _DESCRIBED)
        # From the picture to the crop that the attributes are guessed from.
        box = face.box
        zoom = side / (max(box.width, box.height, 1.0) * _AROUND)
        x, y = (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2
        matrix = np.array([[zoom, 0.0, side / 2 - zoom * x], [0.0, zoom, side / 2 - zoom * y]])
        crop = cv2.warpAffine(image, matrix, (side, side))
        numbers = _run(session, np.asarray(crop, np.float32), 3)
        female = float(1 / (1 + np.exp(np.clip(numbers[1] - numbers[0], -50, 50))))
        gender, probability = label_of(female)
        return replace(face, gender=gender, gender_probability=probability, age=max(0, round(float(numbers[2]) * 100)))

    def embed(self, image: Image, face: Face) -> Face:
        """The same face with `embedding`: float32 (512,) of length 1; the dot product of two is their likeness.

        Raises:
            ModelError: The model is not there, is damaged, of another kind, or failed.
        """
        if self._recogniser is None:
            raise ModelError("no model that recognises faces is installed", command="faceswap models pull buffalo_l")
        session = self._recogniser.get(face.track is not None)
        side = _side(session, _RECOGNISED)
        crop = cv2.warpAffine(image, estimate(face.landmarks, "arcface", side), (side, side))
        numbers = _run(session, (np.asarray(crop, np.float32) - 127.5) / 127.5, 512)
        return replace(face, embedding=numbers / max(float(np.linalg.norm(numbers)), 1e-12))

    def open_clip(self) -> NeuralClipMemory:
        """A fresh memory for one clip."""
        return NeuralClipMemory(self._detector, self._options.size, self._options.score)


def build_face(points: Points, box: Box, score: float, track: int | None = None) -> Face:
    """The record of a face known by five landmarks, with its pose and its target-role warnings."""
    face = Face(box=box, score=score, landmarks=points, pose=fit_five(points).pose, track=track)
    return replace(face, warnings=face_warnings(face, "target"))


def _side(session: Session, usual: int) -> int:
    size = input_size(session)
    return usual if size is None else size[0]


def _run(session: Session, crop: FloatArray, numbers: int) -> FloatArray:
    """The numbers that a network says about one crop (H, W, 3)."""
    outputs = session.run(None, {session.inputs[0].name: np.ascontiguousarray(crop.transpose(2, 0, 1)[None])})
    said = np.asarray(outputs[0], np.float32).ravel()
    if len(said) != numbers:
        raise ModelError(f"{session.name} gives {len(said)} numbers for a face and not {numbers}: it is a model of "
                         "another kind", advice="see: faceswap models list")
    return said
