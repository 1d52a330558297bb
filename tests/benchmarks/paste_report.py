"""What a swap costs beside its network: ours against insightface's `INSwapper.get`, side by side in one run.

    python tests/benchmarks/paste_report.py [rounds] [--threads N]

The network is replaced by one that answers at once with another face, for both. Measured in turn, round by round:
everything from the picture and the five landmarks to the picture with the face in it. PSNR is within the region that
the crop covers, and in the whole picture every pixel outside it is compared bit for bit.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from heads import portrait

from faceswap_cli.engine.swappers.inswapper import InswapperSwapper
from faceswap_cli.faces.face import Box, Face
from faceswap_cli.faces.paste import covered, cut
from faceswap_cli.faces.templates import arcface, estimate
from faceswap_cli.models.spec import Crop, Family, Licence, ModelRole, ModelSpec, Template
from faceswap_cli.options import SwapOptions
from faceswap_cli.runtime.binding import Tensor

SIDE = 128
CASES = ((1920, 1080, 300, "whole"), (1920, 1080, 1000, "cut off"), (3840, 2160, 300, "whole"),
         (3840, 2160, 1000, "whole"), (1920, 1080, 100, "whole"))


class NullSessions:
    """A session of inswapper's shape that draws the same face at once."""

    path = Path("null.onnx")
    notes: tuple[str, ...] = ()
    inputs = (Tensor("target", (1, 3, SIDE, SIDE), "float32"), Tensor("source", (1, 512), "float32"))
    outputs = (Tensor("output", (1, 3, SIDE, SIDE), "float32"),)
    providers = ("null",)
    name = "null"

    def __init__(self, face: np.ndarray) -> None:
        self._drawn = ((face.transpose(2, 0, 1)[None] + np.float32(0.25)) / 255).astype(np.float32)

    def get(self, clip: bool = False, faces_ahead: int | None = None) -> Any:
        return self

    def run(self, names: Any, feeds: Any) -> list[np.ndarray]:
        return [self._drawn]


def insightfaces(session: NullSessions) -> Any:
    from insightface.model_zoo.inswapper import INSwapper

    theirs = INSwapper.__new__(INSwapper)
    theirs.session, theirs.emap = session, np.eye(512, dtype=np.float32)
    theirs.input_mean, theirs.input_std, theirs.input_size = 0.0, 255.0, (SIDE, SIDE)
    theirs.input_names, theirs.output_names = ["target", "source"], ["output"]
    return theirs


def landmarks(width: int, height: int, size: int, where: str) -> np.ndarray:
    """Of a face that leans by 4 degrees and whose crop is `size` pixels wide."""
    angle = np.radians(4)
    turn = size / SIDE * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = (width * 0.47, height * (0.5 if where == "whole" else 0.4))
    return (arcface(SIDE) - SIDE / 2) @ turn.T + middle


def picture(width: int, height: int) -> np.ndarray:
    enlarged = cv2.resize(portrait("man-2").pixels, (width, height), interpolation=cv2.INTER_CUBIC)
    grain = np.random.default_rng(0).integers(-6, 7, enlarged.shape, np.int16)
    return np.clip(enlarged + grain, 0, 255).astype(np.uint8)


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(10 * np.log10(255 ** 2 / max(np.mean((one.astype(np.float64) - other) ** 2), 1e-9)))


def in_turn(rounds: int, *runs: Callable[[], Any]) -> list[list[float]]:
    """Milliseconds of each run, round by round."""
    taken: list[list[float]] = [[] for _ in runs]
    for number in range(rounds + 1):
        for run, seconds in zip(runs, taken, strict=True):
            start = time.perf_counter()
            run()
            if number:  # the first round warms up
                seconds.append(1000 * (time.perf_counter() - start))
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rounds", type=int, nargs="?", default=15)
    parser.add_argument("--threads", type=int, default=cv2.getNumThreads(), help="OpenCV's threads")
    arguments = parser.parse_args()
    cv2.setNumThreads(arguments.threads)
    warnings.simplefilter("ignore", FutureWarning)

    other = portrait("woman-3")
    session = NullSessions(cut(other.pixels, estimate(other.face.landmarks, "arcface", SIDE), SIDE))
    # The family that takes identities as they are: a matrix would be of the network, not of what is around it.
    spec = ModelSpec(id="null", role=ModelRole.SWAPPER, family=Family.HYPERSWAP, file="null.onnx",
                     licence=Licence("none", "", "", commercial=True), summary="", crop=Crop(SIDE, Template.ARCFACE))
    ours, theirs = InswapperSwapper(session, spec, SwapOptions()), insightfaces(session)
    identity = np.full(512, 512 ** -0.5, np.float32)
    their_source = SimpleNamespace(normed_embedding=identity)
    print(f"OpenCV threads: {arguments.threads}; medians of {arguments.rounds} rounds in turn, ms a face\n")
    print(f"{'frame':>11} {'face':>5}  {'':8} {'insightface':>11} {'ours':>7} {'ratio':>7}  {'region':>8}  outside")
    for width, height, size, where in CASES:
        image, points = picture(width, height), landmarks(width, height, size, where)
        bgr = np.ascontiguousarray(image[..., ::-1])
        face, their_face = Face(box=Box(0, 0, 1, 1), score=1.0, landmarks=points), SimpleNamespace(kps=points)
        decision = ours.decide(image, [identity], face)
        result = image.copy()

        def swap(result: np.ndarray = result, face: Face = face, decision: Any = decision) -> None:
            ours.swap(result, face, decision)

        def get(bgr: np.ndarray = bgr, face: Any = their_face) -> np.ndarray:
            return theirs.get(bgr, face, their_source)

        slow, fast = in_turn(arguments.rounds, get, swap)
        ratio = statistics.median(a / b for a, b in zip(slow, fast, strict=True))
        result[:] = image
        swap()
        region = covered(estimate(points, "arcface", SIDE), SIDE, (width, height))
        part = np.s_[region.y0:region.y1, region.x0:region.x1]
        quality = psnr(result[part], get()[part][..., ::-1])
        result[part] = image[part]
        outside = "untouched" if np.array_equal(result, image) else "CHANGED"
        medians = f"{statistics.median(slow):11.1f} {statistics.median(fast):7.2f} {ratio:6.0f}x"
        print(f"{width}x{height:<5} {size:>6}  {where:8} {medians}  {quality:5.1f} dB  {outside}")


if __name__ == "__main__":
    main()
