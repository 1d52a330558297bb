"""The inputs of the golden outputs, the same bytes wherever they are made; and what outputs look like to a stranger."""

from __future__ import annotations

import platform
import re
import sys
import zlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
import footage
import numpy as np
import tifffile
from PIL import Image as PILImage

ASSETS = Path(__file__).parents[2] / "assets"
CELLS = 8
PACKAGES = ("numpy", "opencv-python", "dlib-bin", "pillow", "av", "onnxruntime", "imageio", "tifffile", "insightface",
            "face-recognition-models")


def machine() -> dict[str, Any]:
    """What bytes may depend on, the package aside."""
    cpuinfo = Path("/proc/cpuinfo")
    flags = re.search(r"^flags\s*:(.*)$", cpuinfo.read_text(), re.MULTILINE) if cpuinfo.exists() else None
    vectors = [flag for flag in flags[1].split() if re.match(r"(avx|fma|sse|amx)", flag)] if flags else []
    return {"system": platform.system(), "processor": platform.machine(), "vectors": " ".join(sorted(vectors)),
            "python": ".".join(map(str, sys.version_info[:2])), "zlib": zlib.ZLIB_RUNTIME_VERSION,
            **{name: version(name) for name in PACKAGES}}


# --- inputs -----------------------------------------------------------------------------------------------------------


def asset(name: str, size: tuple[int, int]) -> PILImage.Image:
    """A picture of the project's, small."""
    with PILImage.open(ASSETS / name) as image:
        return image.convert("RGB").resize(size, PILImage.Resampling.BOX)


def head(count: int = 8) -> list[PILImage.Image]:
    """Frames of the turning head."""
    frames = []
    with PILImage.open(ASSETS / "turning-head.gif") as clip:
        for number in range(count):
            clip.seek(3 * number)
            frames.append(clip.convert("RGB").resize((160, 170), PILImage.Resampling.BOX))
    return frames


def deep(image: PILImage.Image) -> np.ndarray:
    """Sixteen bits a channel, with something in the low ones: uint16 (H, W, 3) RGB."""
    pixels = np.asarray(image).astype(np.uint16) * 257
    y, x = np.mgrid[0:pixels.shape[0], 0:pixels.shape[1]]
    return np.minimum(pixels, 65000) + ((x * 7 + y * 13) % 256).astype(np.uint16)[..., None]


def square(colour: tuple[int, int, int], at: tuple[int, int], seed: int, side: int = 80) -> np.ndarray:
    """A dark picture with a bright, slightly uneven square: what the stand-in of a detector takes for a face."""
    rng = np.random.default_rng(seed)
    image = rng.integers(20, 60, (200, 240, 3)).astype(np.uint8)
    x, y = at
    image[y:y + side, x:x + side] = (np.array(colour) - rng.integers(0, 12, (side, side, 1))).astype(np.uint8)
    return image


def write_inputs(folder: Path) -> None:
    """All of them."""
    for name in ("man-1", "man-2", "woman-1", "woman-2", "woman-3"):
        asset(f"{name}.jpg", (256, 320)).save(folder / f"{name}.png")
    asset("group.jpg", (1000, 400)).save(folder / "group.png")
    frames = head()
    durations = [40, 120, 60, 60, 200, 80, 70, 30]
    more = {"save_all": True, "append_images": frames[1:], "duration": durations, "loop": 2}
    frames[0].save(folder / "head.gif", **more)
    frames[0].save(folder / "head.apng", format="PNG", **more)
    frames[0].save(folder / "head.webp", lossless=True, **more)
    sixteen = deep(asset("woman-2.jpg", (256, 320)))
    cv2.imwrite(str(folder / "deep.png"), sixteen[..., ::-1])
    tifffile.imwrite(folder / "deep.tif", sixteen, photometric="rgb")
    footage.make_clip(folder / "head.mp4", footage.Clip(width=160, height=170, audio="aac", frames=8,
                                                        pictures=[np.asarray(frame) for frame in frames]))
    for name, colour, at, seed in (("one", (255, 235, 225), (60, 40), 1), ("target", (250, 245, 240), (60, 40), 3)):
        PILImage.fromarray(square(colour, at, seed)).save(folder / f"{name}.png")
    cv2.imwrite(str(folder / "deep-square.png"),
                deep(PILImage.fromarray(square((250, 245, 240), (60, 40), 5)))[..., ::-1])
    squares = [square((250, 245, 240), (40 + 6 * number, 50), 4) for number in range(8)]
    pictures = [PILImage.fromarray(pixels).quantize(128) for pixels in squares]
    pictures[0].save(folder / "square.gif", save_all=True, append_images=pictures[1:], duration=durations, loop=3)
    footage.make_clip(folder / "square.mp4", footage.Clip(width=240, height=200, frames=8, pictures=squares))


# --- outputs ----------------------------------------------------------------------------------------------------------


def look(path: Path) -> dict[str, Any]:
    """What an output shows, small: its size, times, and the mean colours of 8x8 cells of each frame, in hexadecimal."""
    if path.suffix == ".mp4":
        return _look_at_film(path)
    if path.name.startswith("deep"):
        tiff = path.suffix == ".tif"
        pixels = tifffile.imread(path) if tiff else cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[..., ::-1]
        return {"size": [pixels.shape[1], pixels.shape[0]], "bits": pixels.dtype.itemsize * 8,
                "cells": [_cells(pixels / 257)]}
    with PILImage.open(path) as image:
        cells, durations = [], []
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            cells.append(_cells(np.asarray(image.convert("RGB"))))
            durations.append(image.info.get("duration"))
        return {"format": image.format, "size": list(image.size), "loop": image.info.get("loop"),
                "durations": durations, "cells": cells}


def _look_at_film(path: Path) -> dict[str, Any]:
    import av

    with av.open(str(path)) as container:
        streams = [f"{stream.type} {stream.codec_context.name}" for stream in container.streams]
        frames = list(container.decode(video=0))
        return {"streams": streams, "size": [frames[0].width, frames[0].height],
                "times": [round(float(frame.time), 4) for frame in frames],
                "cells": [_cells(frame.to_ndarray(format="rgb24")) for frame in frames]}


def _cells(pixels: np.ndarray) -> str:
    height, width = pixels.shape[:2]
    rows = np.array_split(np.arange(height), CELLS)
    columns = np.array_split(np.arange(width), CELLS)
    means = [pixels[np.ix_(row, column)].mean((0, 1)) for row in rows for column in columns]
    return np.round(np.array(means)).astype(np.uint8).tobytes().hex()


def apart(one: str, other: str) -> int:
    """How far two frames' cells are apart at most, in levels of 0..255."""
    first, second = (np.frombuffer(bytes.fromhex(text), np.uint8).astype(int) for text in (one, other))
    return int(abs(first - second).max()) if first.shape == second.shape else 255
