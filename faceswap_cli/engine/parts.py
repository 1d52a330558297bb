"""The protocols that the parts of an engine follow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from faceswap_cli.faces.face import Face
from faceswap_cli.image import Image


class Analyser(Protocol):
    """Finds and describes faces."""

    name: str

    def find(self, image: Image, memory: Any = None) -> list[Face]:
        """All faces of one image with box, score, landmarks, pose, spread and warnings, best score first.

        Args:
            image: uint8 (H, W, 3) RGB; left unmodified.
            memory: What `open_clip` returned, when the image is the next frame of a clip: faces then carry a
                `track`, landmarks are smoothed over time, and detection may be skipped while a face is followed.
        """

    def describe(self, image: Image, face: Face) -> Face:
        """The same face with `embedding`, `gender` and `gender_probability` (and `age` where known)."""

    def open_clip(self) -> Any:
        """A fresh memory for one clip; belongs to this analyser, not shared between clips."""


class Swapper(Protocol):
    """Puts prepared source faces on target faces."""

    name: str

    def prepare(self, image: Image, face: Face) -> Any:
        """Everything that depends only on the source face; computed once, reused for every frame and thread."""

    def decide(self, image: Image, sources: Sequence[Any], face: Face, memory: Any = None) -> Any:
        """The choices for one target face: which of the source pictures, mirrored or not, what stays the target's.

        Cheap and, with a memory, dependent on earlier frames: called in frame order.

        Args:
            image: uint8 (H, W, 3) RGB, the target, before any face in it is swapped.
            sources: What `prepare` returned, one per picture of the same person.
            face: The target face.
            memory: What `open_clip` returned, when the target is a clip.

        Returns:
            Something with `number`, the place in `sources` of the picture taken.
        """

    def swap(self, image: Image, face: Face, decision: Any) -> tuple[str, ...]:
        """Put the decided source on `face`, in place; pure otherwise, so frames may be swapped in parallel.

        Args:
            image: uint8 (H, W, 3) RGB; pixels outside the face stay as they are, bit for bit.

        Returns:
            Warnings about this swap.
        """

    def open_clip(self) -> Any:
        """A fresh memory for one clip."""


class Restorer(Protocol):
    """Sharpens swapped faces."""

    name: str

    def restore(self, image: Image, face: Face) -> None:
        """Restore one face in place."""
