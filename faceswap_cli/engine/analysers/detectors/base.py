"""What every neural detector gives: boxes with a score and five landmarks, in pixels of the picture it was shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from faceswap_cli.faces.face import Box
from faceswap_cli.image import Image, Points


@dataclass(frozen=True, slots=True, eq=False)
class Detected:
    """One face that a detector found.

    Coordinates are pixels of the picture, x right, y down. As in insightface, the place x in a picture that is shrunk
    by s for the network is x * s there: what half a pixel matters is part of how the networks were trained.

    Attributes:
        box: Where it is; may reach outside the picture.
        score: 0..1.
        landmarks: float64 (5, 2): left eye, right eye, nose, left and right corner of the mouth, as the picture shows
            them; None for a detector without landmarks.
    """

    box: Box
    score: float
    landmarks: Points | None


class Detector(Protocol):
    """Finds faces with one network. Safe to use from several threads.

    Attributes:
        name: Of the model.
    """

    name: str

    def fixed_side(self, clip: bool) -> int | None:
        """Side of the square that always costs a whole run, because the network's input is fixed; None: it is open.

        Raises:
            ModelError: The model is damaged.
        """

    def detect(self, image: Image, side: int, score: float, clip: bool) -> list[Detected]:
        """Faces of one picture, best score first, none of them twice.

        Args:
            image: uint8 (H, W, 3) RGB; left unmodified.
            side: The picture is fitted into a square of so many pixels, a multiple of 32, before the network sees it.
                A network with a smaller input of its own sees it in that.
            score: Least score of a face.
            clip: Whether pictures are frames of a clip: then one thread works inside each run.

        Raises:
            ModelError: The model is damaged, of another kind, or failed.
        """
