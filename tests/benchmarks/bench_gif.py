"""Encoding a GIF whose frames have a changed face, against imageio's default writer, in one run.

    python tests/benchmarks/bench_gif.py [frames]

The clip is a camera that moves over a portrait of assets/, with noise, written as a GIF first: one palette for all
frames, then one for each; last, the clip in true colours, as it comes from APNG, WebP or a video. A rectangle of every
frame is replaced by the face of another portrait under changing light. PSNR is against the frames that the writers were
given. Each writer runs twice, and the faster run counts: the first one pays for imports too.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import imageio.v3 as iio
import numpy as np
from PIL import Image

from faceswap_cli.media.frame import ClipInfo, Frame, Indexed
from faceswap_cli.media.gif.paint import GifStage
from faceswap_cli.media.gif.writer import GifWriter
from faceswap_cli.media.open import create_as, open_as
from faceswap_cli.options import MediaFormat, MediaOptions

WIDTH, HEIGHT, FACE = 480, 270, 150
ASSETS = Path(__file__).parents[2] / "assets"


def draw(number: int, noise: np.random.Generator) -> np.ndarray:
    left, top = 40 + 20 * np.sin(number / 8), 30 + 15 * np.cos(number / 11)
    box = (left, top, left + 440, top + 440 * HEIGHT / WIDTH)
    with Image.open(ASSETS / "woman-1.jpg") as portrait:
        picture = np.asarray(portrait.convert("RGB").resize((520, 520)).resize((WIDTH, HEIGHT), box=box), np.float32)
    return (picture + noise.normal(0, 2, picture.shape)).clip(0, 255).astype(np.uint8)


def face(number: int) -> np.ndarray:
    with Image.open(ASSETS / "man-2.jpg") as portrait:
        width, height = portrait.size
        box = (width // 4, height // 4, 3 * width // 4, 3 * height // 4)
        skin = np.asarray(portrait.convert("RGB").resize((FACE, FACE), box=box), np.float32)
    light = 0.95 + 0.1 * np.linspace(-1, 1, FACE)[:, None] * np.cos(number / 9)
    return (skin * light).clip(0, 255).astype(np.uint8)


def make_source(path: Path, count: int, per_frame: bool) -> None:
    """Write the drawn clip as a GIF with one palette, or one a frame."""
    noise = np.random.default_rng(1)
    pictures = [Image.fromarray(draw(number, noise)) for number in range(count)]
    shared = pictures[0].quantize(256, Image.Quantize.FASTOCTREE)
    info = ClipInfo(format=MediaFormat.GIF, width=WIDTH, height=HEIGHT, frame_count=count, loop=0, lossless=True)
    with create_as(path, MediaFormat.GIF, info, MediaOptions(), overwrite=True, moving=True) as writer:
        for number, picture in enumerate(pictures):
            made = (picture.quantize(256, Image.Quantize.FASTOCTREE) if per_frame else
                    picture.quantize(palette=shared, dither=Image.Dither.NONE))
            palette = np.array((made if per_frame else shared).getpalette(), np.uint8).reshape(-1, 3)
            indices = np.asarray(made)
            writer.write(
                Frame(pixels=palette[indices], alpha=None, duration=Fraction(4 + number % 2, 100),
                      indexed=Indexed(indices, palette)))
        writer.commit()


def changed_frames(source: Path) -> tuple[ClipInfo, list[Frame], float]:
    started = time.perf_counter()
    with open_as(source, source.name, MediaFormat.GIF, MediaOptions(), moving=True) as reader:
        frames = list(reader.frames())
        info = reader.info
    decoded = time.perf_counter() - started
    changed = []
    for number, frame in enumerate(frames):
        pixels = frame.pixels.copy()
        paste(pixels, number)
        changed.append(Frame(pixels=pixels, alpha=frame.alpha, duration=frame.duration, indexed=frame.indexed))
    return info, changed, decoded


def paste(pixels: np.ndarray, number: int) -> None:
    top, left = 60, 180 + number % 20
    pixels[top:top + FACE, left:left + FACE] = face(number)


def psnr(wanted: list[np.ndarray], shown: list[np.ndarray], where: tuple[slice, slice] | None = None) -> float:
    window = where or (slice(None), slice(None))
    error = np.mean([np.mean((a[window].astype(np.float64) - b[window]) ** 2)
                     for a, b in zip(wanted, shown, strict=True)])
    return float("inf") if error == 0 else float(10 * np.log10(255 ** 2 / error))


def shown_frames(path: Path) -> list[np.ndarray]:
    with open_as(path, path.name, MediaFormat.GIF, MediaOptions(), moving=True) as reader:
        return [frame.pixels for frame in reader.frames()]


def true_frames(count: int) -> tuple[ClipInfo, list[Frame]]:
    noise = np.random.default_rng(1)
    frames = []
    for number in range(count):
        pixels = draw(number, noise)
        paste(pixels, number)
        frames.append(Frame(pixels=pixels, alpha=None, duration=Fraction(9, 200)))
    return ClipInfo(format=MediaFormat.APNG, width=WIDTH, height=HEIGHT, frame_count=count, loop=0,
                    lossless=True), frames


def write(path: Path, info: ClipInfo, frames: list[Frame]) -> dict[GifStage, int]:
    writer = create_as(path, MediaFormat.GIF, info, MediaOptions(), overwrite=True, moving=True)
    assert isinstance(writer, GifWriter)
    with writer:
        for frame in frames:
            writer.write(frame)
        writer.commit()
    return writer.stages


def best(task: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock and of the processor, each the least of two runs."""
    runs = []
    for _ in range(2):
        started, busy = time.perf_counter(), time.process_time()
        task()
        runs.append((time.perf_counter() - started, time.process_time() - busy))
    return min(run[0] for run in runs), min(run[1] for run in runs)


def run(count: int, case: str, folder: Path) -> None:
    source, ours, theirs = folder / "source.gif", folder / "ours.gif", folder / "theirs.gif"
    print(f"\n{count} frames {WIDTH}x{HEIGHT}, {case}, a changed rectangle of {FACE}x{FACE}")
    if case == "true colours":
        info, frames = true_frames(count)
    else:
        make_source(source, count, case == "a palette for each frame")
        info, frames, decoded = changed_frames(source)
        print(f"  decoding {1000 * decoded / count:.2f} ms a frame")
    wanted = [frame.pixels for frame in frames]
    still = (slice(None), slice(0, 170))

    stages: dict[GifStage, int] = {}
    own, own_busy = best(lambda: stages.update(write(ours, info, frames)))
    default, default_busy = best(lambda: iio.imwrite(theirs, wanted, extension=".gif", duration=45, loop=0))

    for label, path, spent in (("ours", ours, own), ("imageio's default", theirs, default)):
        shown = shown_frames(path)
        print(f"  {label:18s} {1000 * spent / count:7.2f} ms a frame, {path.stat().st_size / 1e6:5.2f} MB, "
              f"PSNR {psnr(wanted, shown):5.1f} dB, of the untouched part {psnr(wanted, shown, still):5.1f} dB")
    print(f"  ratio {default / own:.1f} (processor time {default_busy / own_busy:.1f}); palettes: "
          + ", ".join(f"{stage.value} {number}" for stage, number in stages.items() if number))


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    cv2.setNumThreads(1)  # as in the job of a clip, whose threads render
    with tempfile.TemporaryDirectory() as folder:
        for case in ("one palette", "a palette for each frame", "true colours"):
            run(count, case, Path(folder))


if __name__ == "__main__":
    main()
