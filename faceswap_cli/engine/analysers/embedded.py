"""The analyser that needs no download: dlib's detector, landmarks and descriptor."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from faceswap_cli.engine.analysers.descriptor import describe_face, female_probability, label_of
from faceswap_cli.engine.analysers.search import search
from faceswap_cli.engine.analysers.tracking import ClipMemory
from faceswap_cli.engine.parts import Analyser
from faceswap_cli.faces.face import Box, Face
from faceswap_cli.faces.pose import fit_camera
from faceswap_cli.faces.quality import face_warnings
from faceswap_cli.faces.similarity import Measure
from faceswap_cli.image import Image, Points

# Where hair begins, as the mean face has it. Boxes up to here agree best with those of SCRFD, a detector trained on
# boxes drawn by people: intersection over union 0.91 on 48 faces, 0.78 when they end at mid-forehead.
_HAIRLINE = np.array([(-0.6, -1.5, 0.1), (0.0, -1.6, 0.05), (0.6, -1.5, 0.1)])


class EmbeddedAnalyser(Analyser[ClipMemory]):
    """Finds and describes faces with the models inside the `face-recognition-models` package."""

    name = "embedded"
    measure = Measure.DLIB

    def find(self, image: Image, memory: ClipMemory | None = None) -> list[Face]:
        """All faces of one image: in stills best score first, in clips in order of appearance.

        Raises:
            ModelError: The weights are missing or damaged.
        """
        grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
        if memory is None:
            return [build_face(one.located.points, one.located.spread, one.score) for one in search(image, grey)]
        return [build_face(one.points, one.spread, one.score, one.number) for one in memory.follow(image, grey)]

    def describe(self, image: Image, face: Face) -> Face:
        """The same face with `embedding` (128,), `gender` and `gender_probability`.

        Raises:
            ModelError: The weights are missing or damaged.
        """
        embedding = describe_face(image, face.landmarks)
        gender, probability = label_of(female_probability(embedding))
        return replace(face, embedding=embedding, gender=gender, gender_probability=probability)

    def embed(self, image: Image, face: Face) -> Face:
        """The same face with `embedding` (128,).

        Raises:
            ModelError: The weights are missing or damaged.
        """
        return replace(face, embedding=describe_face(image, face.landmarks))

    def open_clip(self) -> ClipMemory:
        """A fresh memory for one clip."""
        return ClipMemory()


def build_face(points: Points, spread: float, score: float, track: int | None = None) -> Face:
    """The record of a located face, with its target-role warnings."""
    camera = fit_camera(points)
    outline = np.vstack([points, camera.project(_HAIRLINE)])
    (x1, y1), (x2, y2) = outline.min(0).tolist(), outline.max(0).tolist()
    face = Face(box=Box(x1, y1, x2, y2), score=score, landmarks=points, pose=camera.pose, spread=spread, track=track)
    return replace(face, warnings=face_warnings(face, "target"))
