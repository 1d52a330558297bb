"""Small videos with bright squares for faces, made by PyAV."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from fakes import BLUE, scene

from faceswap_cli.image import Image


def squares(count: int, *, empty: int = 9) -> Iterator[Image]:
    """Pictures with a blue square that moves; every `empty`-th has none. Large enough to stay blue when encoded."""
    for number in range(count):
        faces = [] if number % empty == 4 else [(number * 3 % 80, 16, 32, BLUE)]
        yield scene(*faces, size=(128, 96))


def make_video(path: Path, count: int, *, rate: int = 25, empty: int = 9) -> Path:
    """A video of `squares`, in H.264 or, as `.webm`, VP9."""
    webm = path.suffix == ".webm"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx-vp9" if webm else "libx264", rate=rate,
                                      options={"deadline": "realtime", "cpu-used": "8"} if webm else
                                      {"preset": "ultrafast", "crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for picture in squares(count, empty=empty):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def pictures(path: Path) -> list[Image]:
    """All frames of a video, by PyAV alone."""
    with av.open(str(path)) as container:
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in container.decode(video=0)]


def is_red(picture: Image, number: int) -> bool:
    """Whether the square of a frame of `squares` is red."""
    red, green, blue = (int(value) for value in picture[32, number * 3 % 80 + 16])
    return red > 180 and green < 80 and blue < 80
