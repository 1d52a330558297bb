"""The protocols that the parts of an engine follow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from faceswap_cli.faces.face import Face
from faceswap_cli.faces.similarity import Measure
from faceswap_cli.image import FloatArray, Image

ClipT = TypeVar("ClipT")
PreparedT = TypeVar("PreparedT")
DecidedT = TypeVar("DecidedT", bound="Decided")


class Analyser(Protocol[ClipT]):
    """Finds and describes faces.

    Attributes:
        name: Of the analyser.
        measure: How its embeddings are compared.
    """

    name: str
    measure: Measure

    def find(self, image: Image, memory: ClipT | None = None) -> list[Face]:
        """All faces of one image with box, score, landmarks, pose, spread and warnings, best score first.

        Args:
            image: uint8 (H, W, 3) RGB; left unmodified.
            memory: What `open_clip` returned, when the image is the next frame of a clip: faces then carry a
                `track`, landmarks are smoothed over time, and detection may be skipped while a face is followed.
        """

    def describe(self, image: Image, face: Face) -> Face:
        """The same face with `gender` and `gender_probability` (and `age` and `embedding` where they come with it)."""

    def embed(self, image: Image, face: Face) -> Face:
        """The same face with `embedding`: what its identity is measured by, of length 1 for insightface."""

    def open_clip(self) -> ClipT:
        """A fresh memory for one clip; belongs to this analyser, not shared between clips."""


class Decided(Protocol):
    """What a swapper decided for one target face."""

    @property
    def number(self) -> int | None:
        """Place of the source picture that is taken, among those of the person; None: all of them."""


class Swapper(Protocol[PreparedT, DecidedT, ClipT]):
    """Puts prepared source faces on target faces.

    Attributes:
        name: Of the swapper, or of its model.
        needs_embedding: Whether `prepare` needs `face.embedding`.
        heavy: Whether nearly all the time goes into `swap`, outside the interpreter: then every core swaps a frame.
        trained: Whether a trained model draws the face; the mark in the output says so.
    """

    name: str
    needs_embedding: bool = False
    heavy: bool = False
    trained: bool = False

    @property
    def provider(self) -> str | None:
        """What really ran its network, told once it has run; None: it has none."""
        return None

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know of how it ran; complete after the last swap."""
        return ()

    def prepare(self, image: Image, face: Face) -> PreparedT:
        """Everything that depends only on the source face; computed once, reused for every frame and thread."""

    def decide(self, image: Image, sources: Sequence[PreparedT], face: Face,
               memory: ClipT | None = None) -> DecidedT:
        """The choices for one target face: which of the source pictures, mirrored or not, what stays the target's.

        Cheap and, with a memory, dependent on earlier frames: called in frame order.

        Args:
            image: uint8 (H, W, 3) RGB, the target, before any face in it is swapped.
            sources: What `prepare` returned, one per picture of the same person.
            face: The target face.
            memory: What `open_clip` returned, when the target is a clip.
        """

    def swap(self, image: Image, face: Face, decision: DecidedT) -> tuple[str, ...]:
        """Put the decided source on `face`, in place; pure otherwise, so frames may be swapped in parallel.

        Args:
            image: uint8 (H, W, 3) RGB; pixels outside the face stay as they are, bit for bit.

        Returns:
            Warnings about this swap.
        """

    def open_clip(self, frames: int | None = None) -> ClipT:
        """A fresh memory for one clip, of about that many frames."""


class Restorer(Protocol):
    """Sharpens swapped faces."""

    name: str

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know of how it ran."""
        return ()

    def restore(self, image: Image, face: Face, clip: bool) -> None:
        """Restore one swapped face in place, by the landmarks it had before the swap. Thread-safe.

        Args:
            image: uint8 (H, W, 3) RGB.
            face: As the analyser saw it.
            clip: Whether the image is a frame of a clip: frames are then restored in parallel.
        """


AnyAnalyser = Analyser[Any]
AnySwapper = Swapper[Any, Any, Any]
"""Parts that were loaded by their names: what they hand to themselves, nobody looks into."""


def embedding_of(analyser: AnyAnalyser, image: Image, face: Face) -> FloatArray:
    """What the analyser measures the identity of a face by, looked at anew."""
    embedding = analyser.embed(image, face).embedding
    assert embedding is not None
    return embedding
