"""Speed of the neural engine as ratios, side by side in one run, on a stand-in of inswapper_128 with its true size.

    python tests/benchmarks/neural_report.py [--rounds N] [--frames N] [--tiny] [--only overhead|still|clip]

Needs ../shared (the builder of the stand-in, and a detector). Random weights: the speed is that of the real model, the
pictures are not. Whatever is compared runs in turn, round by round; ratios are taken within a round, and medians told.

overhead  what a swap takes beside the network's own run, as a part of that run
still     a whole swap of one face against insightface's `INSwapper.get`, and PSNR within the crop's region
clip      a 1080p clip with one face: `jobs.rendering.clip.ClipSwap` over the engine, against the loop of the peers
          (insightface's SCRFD and ArcFace on every frame, `INSwapper.get`, encode); the same encoder for both
--tiny    a small graph instead, to see in a minute that the report works; its ratios mean nothing
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import graphs
from heads import portrait

from faceswap_cli.engine.build import build_engine
from faceswap_cli.engine.outcome import SourcePicture
from faceswap_cli.engine.swappers.inswapper import InswapperSwapper
from faceswap_cli.faces.face import Box, Face
from faceswap_cli.faces.paste import covered
from faceswap_cli.faces.templates import arcface, estimate
from faceswap_cli.jobs.clock import StageClock
from faceswap_cli.jobs.rendering.clip import ClipSwap
from faceswap_cli.media.frame import ClipInfo, Frame, Reader
from faceswap_cli.models.importing import import_file
from faceswap_cli.models.spec import Family
from faceswap_cli.models.store import ModelStore
from faceswap_cli.options import (
    Accelerate,
    DetectorOptions,
    EngineName,
    EngineOptions,
    MediaFormat,
    RuntimeOptions,
    SwapOptions,
)
from faceswap_cli.runtime.accelerate import AcceleratedSession

SHARED = Path(__file__).parents[2].parent / "shared"
SWAPPER, DETECTOR, RECOGNISER = "swapper_like", "scrfd_like", "arcface_like"
FPS = 25


@dataclass(frozen=True)
class Bench:
    """Where the stand-ins lie, and how much is measured."""

    store: ModelStore
    rounds: int
    frames: int

    def file(self, name: str) -> Path:
        return self.store.path(self.store.find(name))


def write_arcface_like(path: Path, tiny: bool) -> Path:
    """54 convolutions of 0.116 GMACs each: 6.2 in all, as ArcFace r50 has; its input and output."""
    graph, noise = graphs.Graph(), np.random.default_rng(0)

    def convolve(x: str, before: int, after: int, stride: int = 1) -> str:
        weights = noise.standard_normal((after, before, 3, 3)) / np.sqrt(before * 9 / 2)
        return graph.op("Relu", graph.op("Conv", x, graph.constant(weights), pads=[1, 1, 1, 1],
                                         strides=[stride, stride]))

    x, channels = "input.1", 3
    for width in (64, 128, 256):
        x = convolve(x, channels, width, 2)
        for _ in range(1 if tiny else 17):
            x = convolve(x, width, width)
        channels = width
    pooled = graph.op("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
    weights = noise.standard_normal((channels * 49, 512)) / 100
    graph.op("Gemm", graph.op("Flatten", pooled), graph.constant(weights), graph.constant(np.zeros(512)), out="683")
    return graph.write(path, {"input.1": ("None", 3, 112, 112)}, {"683": (1, 512)})


def make_store(folder: Path, tiny: bool) -> ModelStore:
    builder, detector = SHARED / "tools/build_inswapper_like.py", SHARED / "models/scrfd_2.5g_kps.onnx"
    if not builder.is_file() or not detector.is_file():
        raise SystemExit(f"{SHARED} is needed: it holds the stand-in's builder and a detector")
    store = ModelStore(folder / "models")
    swapper = folder / "swapper.onnx"
    subprocess.run([sys.executable, str(builder), str(swapper), *(["--preset", "small"] if tiny else [])], check=True,
                   stdout=subprocess.DEVNULL)
    import_file(store, swapper, name=SWAPPER, family=Family.INSWAPPER)
    swapper.unlink()
    import_file(store, detector, name=DETECTOR, family=Family.SCRFD)
    import_file(store, write_arcface_like(folder / "arcface.onnx", tiny), name=RECOGNISER, family=Family.ARCFACE)
    return store


# --- pictures ---


def landmarks(size: int, middle: tuple[float, float]) -> np.ndarray:
    """Of a face that leans by 4 degrees and whose crop is `size` pixels wide."""
    angle = np.radians(4)
    turn = size / 128 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (arcface(128) - 64) @ turn.T + middle


def grained(image: np.ndarray) -> np.ndarray:
    return np.clip(image + np.random.default_rng(0).integers(-6, 7, image.shape, np.int16), 0, 255).astype(np.uint8)


def picture(width: int, height: int) -> np.ndarray:
    return grained(cv2.resize(portrait("man-2").pixels, (width, height), interpolation=cv2.INTER_CUBIC))


def clip_frames(count: int) -> list[np.ndarray]:
    """1080p: a portrait whose face has a crop of 300 pixels moves over a grey ground."""
    found = portrait("man-2")
    scale = 300 / 128 * np.sqrt(abs(np.linalg.det(estimate(found.face.landmarks, "arcface", 128)[:, :2])))
    small = cv2.resize(found.pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    height, width = small.shape[:2]
    ground = grained(np.full((1080, 1920, 3), 110, np.uint8))
    frames = []
    for number in range(count):
        frame = ground.copy()
        x, y = 700 + round(80 * np.sin(number / 9)), 1080 - height - 20 + round(15 * np.cos(number / 7))
        y = max(y, 0)
        frame[y:y + height, x:x + width] = small[:1080 - y]
        frames.append(frame)
    return frames


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(10 * np.log10(255 ** 2 / max(np.mean((one.astype(np.float64) - other) ** 2), 1e-9)))


# --- ours and theirs ---


class TimedSessions:
    """The sessions of a swapper, with the seconds of each run of the network."""

    def __init__(self, sessions: AcceleratedSession) -> None:
        self._sessions = sessions
        self.path = sessions.path
        self.seconds: list[float] = []

    @property
    def notes(self) -> tuple[str, ...]:
        return self._sessions.notes

    def get(self, clip: bool = False, faces_ahead: int | None = None) -> Any:
        session = self._sessions.get(clip, faces_ahead)

        def run(names: Any, feeds: Any) -> Any:
            start = time.perf_counter()
            result = session.run(names, feeds)
            self.seconds.append(time.perf_counter() - start)
            return result

        return SimpleNamespace(inputs=session.inputs, outputs=session.outputs, providers=session.providers,
                               name=session.name, run=run)


def our_swapper(bench: Bench, mode: Accelerate) -> tuple[InswapperSwapper, TimedSessions]:
    spec = bench.store.find(SWAPPER)
    sessions = TimedSessions(AcceleratedSession(bench.store.path(spec), RuntimeOptions(accelerate=mode), name=spec.id,
                                                sha256=bench.store.sha256(spec)))
    return InswapperSwapper(sessions, spec, SwapOptions()), sessions


def their_swapper(bench: Bench) -> Any:
    from insightface.model_zoo.inswapper import INSwapper

    with contextlib.redirect_stdout(io.StringIO()):
        return INSwapper(str(bench.file(SWAPPER)))


def source() -> Face:
    return Face(box=Box(0, 0, 1, 1), score=1.0, landmarks=arcface(112), embedding=graphs.identity(1))


# --- what is measured ---


def report_overhead(bench: Bench) -> None:
    print("overhead over the network's own run, all cores in one run")
    for mode in (Accelerate.OFF, Accelerate.WINOGRAD):
        swapper, sessions = our_swapper(bench, mode)
        for width, height, size in ((1920, 1080, 300), (3840, 2160, 1000)):
            image, points = picture(width, height), landmarks(size, (width * 0.47, height * 0.5))
            face = Face(box=Box(0, 0, 1, 1), score=1.0, landmarks=points)
            decision = swapper.decide(image, [swapper.prepare(image, source())], face)
            parts, runs = [], []
            for number in range(bench.rounds + 1):
                sessions.seconds.clear()
                start = time.perf_counter()
                swapper.swap(image, face, decision)
                whole = time.perf_counter() - start
                if number:  # the first opens the session
                    runs.append(1000 * sessions.seconds[0])
                    parts.append(1000 * whole - runs[-1])
            inner, around = statistics.median(runs), statistics.median(parts)
            print(f"  {name_of(mode):9} {width}x{height}, face {size:4} px: run {inner:6.1f} ms, around it "
                  f"{around:5.2f} ms = {around / inner:6.2%}")
        for note in swapper.notes:
            print(f"    ({note})")
        del swapper, sessions
        gc.collect()


def report_still(bench: Bench) -> None:
    print("one swap at 1920x1080, face 300 px, against insightface's INSwapper.get")
    image, points = picture(1920, 1080), landmarks(300, (900, 540))
    bgr = np.ascontiguousarray(image[..., ::-1])
    region = covered(estimate(points, "arcface", 128), 128, (1920, 1080))
    part = np.s_[region.y0:region.y1, region.x0:region.x1]
    theirs = their_swapper(bench)
    their_face, their_source = SimpleNamespace(kps=points), SimpleNamespace(normed_embedding=graphs.identity(1))
    face = Face(box=Box(0, 0, 1, 1), score=1.0, landmarks=points)

    def get() -> np.ndarray:
        return theirs.get(bgr, their_face, their_source)

    for mode in (Accelerate.OFF, Accelerate.WINOGRAD):
        swapper, _ = our_swapper(bench, mode)
        decision = swapper.decide(image, [swapper.prepare(image, source())], face)

        def swap(swapper: InswapperSwapper = swapper, decision: Any = decision) -> np.ndarray:
            result = image.copy()
            swapper.swap(result, face, decision)
            return result

        quality = psnr(swap()[part], get()[part][..., ::-1])
        slow, fast = in_turn(bench.rounds, get, swap)
        print(f"  {name_of(mode):9} {statistics.median(slow):7.1f} -> {statistics.median(fast):7.1f} ms: "
              f"{ratio(slow, fast):5.2f}x, {quality:.1f} dB in the region")
        del swapper, swap
        gc.collect()


def report_clip(bench: Bench) -> None:
    print(f"a clip of 1920x1080, one face of 300 px, {bench.frames} frames a round, encoded as H.264")
    frames = clip_frames(bench.frames)
    runs: list[tuple[str, Callable[[], int]]] = [("peer loop", peer_loop(bench, frames))]
    runs += [(f"ours, {name_of(mode)}", our_clip(bench, frames, mode))
             for mode in (Accelerate.OFF, Accelerate.WINOGRAD)]
    for name, run in runs:
        if run() != len(frames):
            raise SystemExit(f"{name}: not every frame was swapped")
    taken = in_turn(max(2, bench.rounds // 3), *(run for _, run in runs), warm_up=False)
    for (name, _), milliseconds in zip(runs, taken, strict=True):
        print(f"  {name:15} {statistics.median(milliseconds) / len(frames):7.1f} ms a frame: "
              f"{ratio(taken[0], milliseconds):5.2f}x")


def peer_loop(bench: Bench, frames: list[np.ndarray]) -> Callable[[], int]:
    """What the peers do, one frame after the other; the source is known."""
    from insightface.model_zoo.arcface_onnx import ArcFaceONNX
    from insightface.model_zoo.retinaface import RetinaFace

    detector = RetinaFace(str(bench.file(DETECTOR)))
    # This export keeps the axis of the batch, which insightface's class does not expect.
    session = detector.session
    detector.session = SimpleNamespace(run=lambda names, feeds: [rows.reshape(-1, rows.shape[-1])
                                                                 for rows in session.run(names, feeds)])
    detector.prepare(0, input_size=(640, 640))
    recogniser, swapper = ArcFaceONNX(str(bench.file(RECOGNISER))), their_swapper(bench)
    one = SimpleNamespace(normed_embedding=graphs.identity(1))

    def run() -> int:
        swapped = 0
        with encoder() as write:
            for frame in frames:
                bgr = np.ascontiguousarray(frame[..., ::-1])
                _, found = detector.detect(bgr)
                for kps in found:
                    face = SimpleNamespace(kps=kps, embedding=None)
                    recogniser.get(bgr, face)
                    bgr = swapper.get(bgr, face, one)
                swapped += bool(len(found))
                write(np.ascontiguousarray(bgr[..., ::-1]))
        return swapped

    return run


def our_clip(bench: Bench, frames: list[np.ndarray], mode: Accelerate) -> Callable[[], int]:
    engine = build_engine(EngineOptions(
        engine=EngineName.NEURAL, swap=SwapOptions(model=SWAPPER), detector=DetectorOptions(model=DETECTOR),
        runtime=RuntimeOptions(accelerate=mode), models_folder=str(bench.store.folder)), bench.store)
    prepared = engine.prepare_source([SourcePicture("woman-3.jpg", portrait("woman-3").pixels)])

    def run() -> int:
        with encoder() as write:
            writer: Any = SimpleNamespace(write=lambda frame: write(frame.pixels))
            clip = ClipSwap(engine, prepared, Frames(frames), StageClock())
            clip.write(writer)
        return clip.tally.frames_swapped

    return run


class Frames(Reader):
    """A reader of frames in memory."""

    def __init__(self, frames: list[np.ndarray]) -> None:
        self._frames = frames
        height, width = frames[0].shape[:2]
        self.info = ClipInfo(format=MediaFormat.APNG, width=width, height=height, frame_count=len(frames))

    def frames(self) -> Iterator[Frame]:
        return (Frame(pixels=pixels, duration=Fraction(1, FPS)) for pixels in self._frames)

    def close(self) -> None:
        pass


@contextlib.contextmanager
def encoder() -> Iterator[Callable[[np.ndarray], None]]:
    """Encodes RGB frames and forgets them."""
    import av

    with av.open(io.BytesIO(), "w", format="mp4") as container:
        stream: Any = container.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "crf": "18"})
        stream.width, stream.height, stream.pix_fmt = 1920, 1080, "yuv420p"

        def write(pixels: np.ndarray) -> None:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))

        yield write
        container.mux(stream.encode())


def in_turn(rounds: int, *runs: Callable[[], Any], warm_up: bool = True) -> list[list[float]]:
    """Milliseconds of each run, round by round."""
    taken: list[list[float]] = [[] for _ in runs]
    for number in range(rounds + warm_up):
        for run, milliseconds in zip(runs, taken, strict=True):
            start = time.perf_counter()
            run()
            if number >= warm_up:
                milliseconds.append(1000 * (time.perf_counter() - start))
    return taken


def ratio(slow: list[float], fast: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(slow, fast, strict=True))


def name_of(mode: Accelerate) -> str:
    return "fp32" if mode is Accelerate.OFF else "Winograd"


def main() -> None:
    reports = {"overhead": report_overhead, "still": report_still, "clip": report_clip}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--frames", type=int, default=24, help="of the clip, a round")
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--only", choices=reports)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", FutureWarning)
    with tempfile.TemporaryDirectory() as name:
        # What is rewritten for this run is of no use to another.
        os.environ["FACESWAP_CACHE_DIR"] = str(Path(name) / "cache")
        bench = Bench(make_store(Path(name), arguments.tiny), arguments.rounds, arguments.frames)
        print(f"OpenCV threads: {cv2.getNumThreads()}; medians of {arguments.rounds} rounds in turn\n")
        for report in [reports[arguments.only]] if arguments.only else reports.values():
            report(bench)
            print()


if __name__ == "__main__":
    main()
