"""What flows between readers, engine and writers: frames, and the facts about the clip they belong to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from faceswap_cli.image import Image, Plane
from faceswap_cli.options import ImageFormat


@dataclass(frozen=True, slots=True, eq=False)
class Indexed:
    """The palette form of a frame, when its format has one and one palette serves the whole frame.

    Attributes:
        indices: uint8 (H, W).
        palette: uint8 (N, 3) RGB, N <= 256.
        transparent: The index that means transparent, or None.
    """

    indices: Plane
    palette: npt.NDArray[np.uint8]
    transparent: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a clip, or a still.

    Attributes:
        pixels: uint8 (H, W, 3) RGB, disposal and blending resolved.
        alpha: uint8 (H, W), or None when all is opaque.
        duration: Seconds that it is shown; 0 for a still.
        indexed: The palette form of exactly these pixels, for writers that can keep it. A frame whose pixels were
            changed keeps the `indexed` of the frame it came from: the writer sees by comparing what was changed.
    """

    pixels: Image
    alpha: Plane | None = None
    duration: Fraction = Fraction(0)
    indexed: Indexed | None = None


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """Facts about a still or clip, known before its frames are decoded.

    Attributes:
        format: What the file is, by content.
        width, height: Size in pixels after EXIF orientation.
        frame_count: Number of frames; 1 for a still.
        loop: Times the animation plays; 0 = for ever; None: a still, or the file does not say (plays once).
        mode: Pillow's name of the pixel layout in the file: RGB, RGBA, L, LA, P, CMYK, I;16 ...
        icc: ICC profile that describes the pixels as handed out, or None.
        dpi: Resolution that the file states, or None.
        lossless: Whether the file keeps pixels exactly (PNG, GIF, lossless WebP ...).
        warnings: What reading changed: 16 bits reduced, CMYK converted, a truncated tail...
    """

    format: ImageFormat
    width: int
    height: int
    frame_count: int = 1
    loop: int | None = None
    mode: str = "RGB"
    icc: bytes | None = None
    dpi: tuple[float, float] | None = None
    lossless: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def animated(self) -> bool:
        """More than one frame."""
        return self.frame_count > 1


class Reader(Protocol):
    """An open still or clip. Frames are decoded one at a time; memory does not grow with their number."""

    @property
    def info(self) -> ClipInfo:
        """Facts known without decoding."""

    def frames(self) -> Iterator[Frame]:
        """All frames in order, from the first; may be called once.

        Raises:
            InputError: The file is damaged.
        """

    def close(self) -> None:
        """Release the file."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None: ...


class Writer(Protocol):
    """A still or clip being written to a temporary sibling of its output.

    Leaving the `with` block without `commit` removes the temporary file and leaves an existing output untouched.
    """

    def write(self, frame: Frame) -> None:
        """Add one frame, of the size that the clip has.

        Raises:
            OutputError: The disk is full or the folder is gone.
        """

    def commit(self) -> None:
        """Finish the file, sync it and rename it into place."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None: ...
