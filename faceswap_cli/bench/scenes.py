"""What is measured on: stills and clips drawn from the portraits that come with the package."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from faceswap_cli.image import Image
from faceswap_cli.jobs.portraits import open_portrait

FRAME_RATE = 25

_TOP_MARGIN = 0.06
"""Of the height of a scene, above the portrait."""


def write_source(path: Path) -> None:
    """The face to put on, as a JPEG."""
    with open_portrait("woman") as file:
        path.write_bytes(file.read())


def write_still(path: Path, width: int, height: int) -> None:
    """A picture with one face, as a JPEG."""
    from PIL import Image as PillowImage

    PillowImage.fromarray(_draw(_portrait(), width, height, 0.0)).save(path, quality=95)


def write_clip(path: Path, width: int, height: int, frames: int) -> None:
    """An MP4 (H.264) in which the face sways, nods and comes nearer.

    Args:
        path: Where it goes.
        width, height: Even numbers.
        frames: At 25 a second.
    """
    import av

    with av.open(path, "w") as container:
        stream: Any = container.add_stream("libx264", rate=FRAME_RATE, options={"preset": "veryfast", "crf": "18"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number, picture in enumerate(draw_clip(width, height, frames)):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FRAME_RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def draw_clip(width: int, height: int, frames: int) -> Iterator[Image]:
    """The frames of such a clip: uint8 (height, width, 3) RGB."""
    portrait = _portrait()
    for number in range(frames):
        yield _draw(portrait, width, height, number / FRAME_RATE)


def _portrait() -> Image:
    from PIL import Image as PillowImage

    with open_portrait("man") as file, PillowImage.open(file) as picture:
        return np.asarray(picture.convert("RGB"))


def _draw(portrait: Image, width: int, height: int, seconds: float) -> Image:
    """The portrait as it is at a time, on a background that goes on to the sides."""
    tall, wide = portrait.shape[:2]
    phase = 2 * math.pi * seconds / 4
    scale = min(height / tall, width / wide) * (1 + 0.08 * math.sin(0.7 * phase))
    angle = math.radians(5 * math.sin(1.3 * phase))
    cosine, sine = scale * math.cos(angle), scale * math.sin(angle)
    x = width / 2 + 0.08 * width * math.sin(phase)
    y = height * (0.5 + _TOP_MARGIN + 0.02 * math.sin(1.7 * phase))
    matrix = np.array([[cosine, -sine, x - cosine * wide / 2 + sine * tall / 2],
                       [sine, cosine, y - sine * wide / 2 - cosine * tall / 2]])
    drawn = cv2.warpAffine(portrait, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(drawn, dtype=np.uint8)
