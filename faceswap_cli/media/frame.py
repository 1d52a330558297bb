"""What flows between readers, engine and writers: frames, and the facts about the clip they belong to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from faceswap_cli.files.closing import Closing
from faceswap_cli.image import Image, Plane
from faceswap_cli.options import MediaFormat


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
class Native:
    """A video frame as its decoder gave it, upright: what a writer of videos starts from.

    Attributes:
        picture: An `av.VideoFrame`: planes, pixel format, depth and colour as in the file. Not to be written into.
        shown: The RGB that was made of it and handed out. Where a frame's pixels are the same as these, the writer
            keeps the planes as they are; elsewhere it adds the difference to them, in their own depth and colour.
    """

    picture: Any
    shown: Image


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Frame:
    """One picture of a clip, or a still.

    Attributes:
        pixels: uint8 (H, W, 3) RGB, disposal and blending resolved.
        alpha: uint8 (H, W), or None when all is opaque.
        duration: Seconds that it is shown; 0 for a still.
        indexed: The palette form of exactly these pixels, for writers that can keep it. A frame whose pixels were
            changed keeps the `indexed` of the frame it came from: the writer sees by comparing what was changed.
        native: The frame of a video as it was decoded; kept, likewise, by a frame whose pixels were changed.
        time: Of a video: seconds from the beginning of the file (its trimmed part too) at which it is shown.
    """

    pixels: Image
    alpha: Plane | None = None
    duration: Fraction = Fraction(0)
    indexed: Indexed | None = None
    native: Native | None = None
    time: Fraction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFacts:
    """What a writer of videos wants to know of the video that it is made from.

    Attributes:
        path: The file, from which audio, subtitles, chapters and metadata are copied.
        name: How to call it in messages.
        codec: FFmpeg's name of what the pictures are coded with: h264, hevc, vp9, mpeg4 ...
        pixel_format: FFmpeg's name of their layout, upright: yuv420p, yuv420p10le, yuv444p12le ...
        rate: Mean frames a second; None: unknown.
        time_base: Unit of the times of its frames, in seconds.
        aspect: Width of a pixel over its height.
        color_range, primaries, transfer, matrix: FFmpeg's numbers (AVCOL_...) as the file tells them; 2 = not told, for
            the range 0.
        start: Time in the file at which what is taken of it begins, in seconds: the trim's start, or the first frame's.
        end: Time in the file at which it ends; None: at its end.
        keep_metadata: Whether what may tell about people and places (location, maker, comments) is copied.
        audio: How many tracks of audio it has.
    """

    path: Path
    name: str
    codec: str
    pixel_format: str
    rate: Fraction | None
    time_base: Fraction
    aspect: Fraction = Fraction(1)
    color_range: int = 0
    primaries: int = 2
    transfer: int = 2
    matrix: int = 2
    start: Fraction = Fraction(0)
    end: Fraction | None = None
    keep_metadata: bool = False
    audio: int = 0


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a still tells about itself, for an output that keeps it.

    Attributes:
        exif: EXIF, cleaned, without the `Exif` prefix.
        xmp: The packet, as it was.
        iptc: IPTC-IIM, as it was.
    """

    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipInfo:
    """Facts about a still or clip, known before its frames are decoded.

    Attributes:
        format: What the file is, by content.
        width, height: Size in pixels after EXIF orientation.
        frame_count: Number of frames; 1 for a still. Of a video an estimate, 0 when there is none.
        loop: Times the animation plays; 0 = for ever; None: a still, or the file does not say (plays once).
        mode: Pillow's name of the pixel layout in the file: RGB, RGBA, L, LA, P, CMYK, I;16 ...
        icc: ICC profile that describes the pixels as handed out, or None.
        dpi: Resolution that the file states, or None.
        lossless: Whether the file keeps pixels exactly (PNG, GIF, lossless WebP ...).
        warnings: What reading changed: 16 bits reduced, CMYK converted, a truncated tail...
        duration: Seconds that it plays, as far as the file tells before it is decoded; None: it does not.
        video: What only videos have; None for all else.
        metadata: Of a still that is to keep them; else None.
    """

    format: MediaFormat
    width: int
    height: int
    frame_count: int = 1
    loop: int | None = None
    mode: str = "RGB"
    icc: bytes | None = None
    dpi: tuple[float, float] | None = None
    lossless: bool = False
    warnings: tuple[str, ...] = ()
    duration: Fraction | None = None
    video: VideoFacts | None = None
    metadata: Metadata | None = None

    @property
    def animated(self) -> bool:
        """More than one frame, or a video of any length."""
        return self.frame_count > 1 or self.video is not None


class Reader(Closing):
    """An open still or clip. Frames are decoded one at a time; memory does not grow with their number.

    Attributes:
        info: Facts known without decoding.
    """

    info: ClipInfo

    @abstractmethod
    def frames(self) -> Iterator[Frame]:
        """All frames in order, from the first; may be called once.

        Raises:
            InputError: The file is damaged.
        """

    def frames_from(self, number: int, time: Fraction) -> Iterator[Frame]:
        """The frames from `number` on, the very same as `frames()` would give; instead of `frames`, once.

        Args:
            number: Of the frame, from 0.
            time: `Frame.time` of that frame, for readers that can seek.

        Raises:
            InputError: The file is damaged, or has no such frame.
        """
        return islice(self.frames(), number, None)


@dataclass(frozen=True, slots=True)
class Kept:
    """What an earlier run of the same job left.

    Attributes:
        frames: How many are encoded.
        time: `Frame.time` of the next one.
        states: What the caller gave to `save` with each segment, first to last.
    """

    frames: int
    time: Fraction
    states: tuple[bytes, ...]


class Writer(ABC):
    """A still or clip being written to a temporary sibling of its output.

    Leaving the `with` block without `commit` removes the temporary file and leaves an existing output untouched. That
    of videos encodes in segments, so that a killed run loses only the last.

    Attributes:
        segment_frames: How many frames a segment has; 0: there are none, and nothing is kept.
        kept: What an earlier run left, or None. `write` then goes on behind it.
    """

    segment_frames: int = 0
    kept: Kept | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was changed or left out, one line each; complete after `commit`."""
        return ()

    @abstractmethod
    def write(self, frame: Frame) -> None:
        """Add one frame, of the size that the clip has.

        Raises:
            OutputError: The disk is full or the folder is gone, or the frame does not belong to the clip.
        """

    def save(self, state: bytes, time: Fraction) -> None:
        """Close a segment: all frames written are on the disk, with `state`, soon after (it is encoded meanwhile).

        Called before each frame whose number is a multiple of `segment_frames`, but for the first.

        Args:
            state: What the caller needs to go on.
            time: `Frame.time` of the next frame.

        Raises:
            OutputError: Encoding failed.
        """
        raise NotImplementedError  # without segments it is never called

    @abstractmethod
    def commit(self) -> None:
        """Finish the file, sync it and rename it into place.

        Raises:
            OutputError: Nothing was written, or the file cannot be.
        """

    def __enter__(self) -> Self:
        return self

    @abstractmethod
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None: ...
