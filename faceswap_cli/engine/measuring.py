"""How like its source, and how like what was there before, a swapped face is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from faceswap_cli.engine.outcome import Similarity
from faceswap_cli.engine.parts import AnyAnalyser, embedding_of
from faceswap_cli.faces.face import Face
from faceswap_cli.faces.similarity import similarity
from faceswap_cli.image import FloatArray, Image

MEASURED_EVERY = 25
"""Frames of a swapped face from one measurement to the next; the first is its first."""


@dataclass(slots=True)
class MeasuredBefore:
    """In how many frames each followed face of a clip was swapped. Can be pickled."""

    swapped: dict[int, int] = field(default_factory=dict)

    def is_due(self, face: Face) -> bool:
        """Count one more frame in which a face is swapped: whether it is to be measured in that."""
        if face.track is None:
            return True
        number = self.swapped.get(face.track, 0)
        self.swapped[face.track] = number + 1
        return number % MEASURED_EVERY == 0


def measure_swap(analyser: AnyAnalyser, before: Image, after: Image, face: Face,
                 sources: Sequence[FloatArray]) -> Similarity:
    """Measure one swapped face.

    Args:
        analyser: Gives embeddings.
        before, after: uint8 (H, W, 3) RGB, without and with the new face.
        face: As it was found in `before`.
        sources: Embeddings of the pictures of the source, at least one; the most similar counts.
    """
    was = face.embedding if face.embedding is not None and face.track is None else embedding_of(analyser, before, face)
    now = embedding_of(analyser, after, face)
    return Similarity(source=max(similarity(analyser.measure, now, source) for source in sources),
                      target=similarity(analyser.measure, now, was))
