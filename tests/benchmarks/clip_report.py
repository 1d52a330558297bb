"""How much faster a clip is swapped than by a loop that decodes, plans, renders and encodes one frame after the other.

Run: python tests/benchmarks/clip_report.py [CLIP [ROUNDS]]

The loop is as simple as it gets: PyAV, one thread, the same engine, the same encoder with the same settings, no audio.
CLIP shows faces; without one it is a video of ../shared/media/faces, or else assets/turning-head.gif. It is repeated up
to 750 frames. Rounds alternate. Where others use the machine meanwhile, `cores` (processor time over time)
tells how much of it was had, and `idle` how many cores nobody had. With the machine to itself, the loop takes its
processor time, and `swap_file` an equal share for each core of its own and of what was idle: the ratio alone.
"""

from __future__ import annotations

import os
import resource
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from faceswap_cli.engine.outcome import SourcePicture
from faceswap_cli.jobs.backend import open_backend
from faceswap_cli.jobs.job import SwapJob, SwapSpec
from faceswap_cli.jobs.swap import Prepared, swap_file
from faceswap_cli.media.open import open_media
from faceswap_cli.media.video.write.encoders import check_options, choose_encoder
from faceswap_cli.options import EngineName, EngineOptions, MediaFormat, MediaOptions, VideoOptions
from faceswap_cli.runtime.cores import core_count

PROJECT = Path(__file__).resolve().parents[2]
CLIP = PROJECT / ".." / "shared" / "media" / "faces" / "DeepFaceLive__build__samples__Obama_speaking.mp4"
HEAD = PROJECT / "assets" / "turning-head.gif"
SOURCE = PROJECT / "assets" / "man-1.jpg"
FRAMES = 750
ENGINE = EngineOptions(engine=EngineName.EMBEDDED)


@dataclass(frozen=True)
class Run:
    """One round: seconds, and seconds of processor time, its own and nobody's."""

    wall: float
    cpu: float
    idle: float
    frames: int


def repeated(clip: Path, folder: Path) -> Path:
    """A video of at least `FRAMES` frames: of a clip, again and again."""
    path = folder / f"{clip.stem}.mp4"
    with open_media(clip, MediaOptions()) as reader:
        frames = [frame.pixels for frame in reader.frames()]
        rate = round(reader.info.frame_count / reader.info.duration) if reader.info.duration else 25
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": "16"})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for pixels in frames * -(-FRAMES // len(frames)):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")))
        container.mux(stream.encode(None))
    return path


def one_after_the_other(target: Path, output: Path, backend: Any, source: Any) -> int:
    """The loop."""
    with open_media(target, MediaOptions()) as reader:
        encoder = choose_encoder(MediaFormat.MP4, reader.info, VideoOptions())
    crf, preset = check_options(encoder, VideoOptions())
    count = 0
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    with av.open(str(target)) as container, av.open(str(output), "w") as written:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        settings = {"crf": str(crf), "preset": preset}
        made = written.add_stream(encoder.library, rate=stream.average_rate, options=settings)
        made.width, made.height, made.pix_fmt = stream.width, stream.height, "yuv420p"
        made.codec_context.thread_count = 1
        clip = backend.open_clip(stream.frames or None)
        for frame in container.decode(stream):
            pixels = frame.to_ndarray(format="rgb24")
            plan = backend.plan(source, pixels, clip)
            picture = av.VideoFrame.from_ndarray(backend.render(plan, pixels), format="rgb24")
            picture.pts, picture.time_base = frame.pts, frame.time_base
            written.mux(made.encode(picture))
            count += 1
        written.mux(made.encode(None))
    cv2.setNumThreads(threads)
    return count


def measured(work: Any) -> Run:
    def cpu() -> float:
        uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(use.ru_utime + use.ru_stime for use in uses)

    def idle() -> float:
        stat = Path("/proc/stat")
        return sum(map(int, stat.read_text().split()[4:6])) / os.sysconf("SC_CLK_TCK") if stat.exists() else 0.0

    start, before, unused = time.perf_counter(), cpu(), idle()
    frames = work()
    return Run(time.perf_counter() - start, cpu() - before, idle() - unused, frames)


def main() -> None:
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        given = Path(sys.argv[1]) if len(sys.argv) > 1 else CLIP if CLIP.exists() else HEAD
        clip = repeated(given, folder)
        backend = open_backend(ENGINE)
        with open_media(SOURCE, MediaOptions()) as reader:
            source = backend.prepare_source([SourcePicture("source", next(iter(reader.frames())).pixels)])
        job = SwapJob(spec=SwapSpec(sources=(str(SOURCE),), engine=ENGINE), target=str(clip),
                      output=str(folder / "out.mp4"), overwrite=True)

        def ours() -> int:
            return swap_file(job, backend, prepared=Prepared(source, ())).frames

        def loop() -> int:
            return one_after_the_other(clip, folder / "loop.mp4", backend, source)

        print(f"{clip.name}, {core_count()} cores")
        print("          loop                             swap_file")
        print("       fps ms/frame  cores   idle       fps ms/frame  cores   idle  ratio")
        pairs = []
        for _ in range(rounds):
            pairs.append((measured(loop), measured(ours)))
            first, second = pairs[-1]
            for run in pairs[-1]:
                speed, length = run.frames / run.wall, 1000 * run.wall / run.frames
                print(f"{speed:10.1f} {length:8.1f} {run.cpu / run.wall:6.2f} {run.idle / run.wall:6.2f}", end="")
            print(f" {first.wall / second.wall:6.2f}", flush=True)
        loops, files = zip(*pairs, strict=True)
        ratio = statistics.median(first.wall / second.wall for first, second in pairs)
        best = min(run.wall for run in loops) / min(run.wall for run in files)
        alone = statistics.median(first.cpu / ((second.cpu + second.idle) / core_count()) for first, second in pairs)
        print(f"median ratio {ratio:.2f}; of the fastest rounds {best:.2f}; alone {alone:.2f}; processor time a frame "
              f"{1000 * min(run.cpu / run.frames for run in loops):.1f} ms in the loop, "
              f"{1000 * min(run.cpu / run.frames for run in files):.1f} ms in swap_file")


if __name__ == "__main__":
    main()
