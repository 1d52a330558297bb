"""Finding faces: detection, description and the numbering that `detect` prints and `swap` takes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from faceswap_cli.engine.parts import AnyAnalyser
from faceswap_cli.faces.face import Face, Gender
from faceswap_cli.faces.select import keep_order, order_faces
from faceswap_cli.image import Image
from faceswap_cli.options import Order

_DESCRIBE_TRIES = 5
"""How many frames are looked at before a face of unsure gender stays unknown for as long as it is followed."""


@dataclass(slots=True)
class FoundBefore:
    """What is remembered of the faces of one clip from frame to frame.

    Attributes:
        analyser: The analyser's memory.
        described: The last description of each followed face, and how often it was looked at.
        order: Tracks of the last frame, in its order.
    """

    analyser: object
    described: dict[int, tuple[Face, int]] = field(default_factory=dict)
    order: list[int] = field(default_factory=list)


class Finder:
    """Finds and numbers faces; follows `jobs.backend.FaceFinder`.

    Attributes:
        name: Of the engine.
        analyser: Finds and describes.
        notes: What the user should know before the first picture.
    """

    def __init__(self, name: str, analyser: AnyAnalyser, order: Order, notes: tuple[str, ...] = ()) -> None:
        self.name = name
        self.analyser = analyser
        self._order = order
        self.notes = notes

    def open_clip(self, frames: int | None = None) -> FoundBefore:
        """A fresh memory for one clip of about that many frames."""
        return FoundBefore(self.analyser.open_clip())

    def find(self, image: Image, clip: FoundBefore | None = None, *, describe: bool = False) -> list[Face]:
        """All faces in the chosen order: the number of a face is its place in this list.

        Args:
            image: uint8 (H, W, 3) RGB; left unmodified.
            clip: What `open_clip` returned, when the image is the next frame of a clip.
            describe: Tell gender too.
        """
        faces = self.analyser.find(image, clip.analyser if clip is not None else None)
        if describe:
            faces = [self._describe(image, face, clip) for face in faces]
        ordered = order_faces(faces, self._order)
        if clip is not None:
            ordered = keep_order(ordered, clip.order, self._order)
            clip.order = [face.track for face in ordered if face.track is not None]
        return ordered

    def _describe(self, image: Image, face: Face, clip: FoundBefore | None) -> Face:
        """The face with its gender; of a followed face the first sure answer stays."""
        if clip is None or face.track is None:
            return self.analyser.describe(image, face)
        known, looks = clip.described.get(face.track, (face, 0))
        if looks < _DESCRIBE_TRIES and known.gender in (None, Gender.UNKNOWN):
            known = self.analyser.describe(image, face)
            clip.described[face.track] = (known, looks + 1)
        return with_description(face, known)


def with_description(face: Face, known: Face) -> Face:
    """A face with the embedding, gender and age of an earlier look at it."""
    return replace(face, embedding=known.embedding, gender=known.gender,
                   gender_probability=known.gender_probability, age=known.age)
