"""How fast faces are swapped, as ratios against the study's prototype in one run, and the memory it takes.

    python tests/benchmarks/speed_report.py [--rounds N]

Needs ../shared (the prototype and a clip). Each measurement runs in a process of its own, ours and the prototype's in
turn; the ratio is taken round by round, and the median is told. Peak memory is that of the process (VmHWM).

swap     one face 133 px between the eyes (a working crop of 512), geometry known, source prepared
clip     frames of 520x396 in memory: analysed, swapped; frames a second
gif      GIFs of 480x270, file to file: `faceswap swap` against a loop of the prototype that writes with imageio's
         default writer; whole processes. One face that talks through 60 frames, and the previews in ../shared (two
         faces that lean, 56 frames; people who walk in and out, 35; people far away, 45)
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

SHARED = Path(__file__).parents[2].parent / "shared"
ASSETS = Path(__file__).parents[2] / "assets"
CLIP = SHARED / "media/faces/DeepFaceLive__build__samples__Obama_speaking.mp4"
SOURCE = ASSETS / "woman-3.jpg"
CLIP_FRAMES, GIF_FRAMES = 90, 60


def read_clip(count: int, size: tuple[int, int]) -> list[np.ndarray]:
    import av
    from PIL import Image

    frames = []
    with av.open(str(CLIP)) as container:
        for frame in container.decode(video=0):
            frames.append(np.asarray(Image.fromarray(frame.to_ndarray(format="rgb24")).resize(size)))
            if len(frames) == count:
                break
    return frames


def read_still(path: Path) -> np.ndarray:
    from PIL import Image

    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def face_of_512() -> np.ndarray:
    """A portrait enlarged until its working crop is 512 pixels wide."""
    from PIL import Image

    with Image.open(ASSETS / "man-2.jpg") as picture:
        return np.asarray(picture.convert("RGB").resize((730, 912)))


def peak() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def prototype() -> Any:
    sys.path.insert(0, str(SHARED / "prototype"))
    import embedded_swap

    return embedded_swap


# --- What is measured: each runs in a process of its own and returns seconds, or None: those of the whole process ---


def swap_ours() -> float:
    from faceswap_cli.engine.analysers.embedded import EmbeddedAnalyser
    from faceswap_cli.engine.swappers.face_crop import crop_side
    from faceswap_cli.engine.swappers.mesh import MeshSwapper
    from faceswap_cli.faces.pose import fit_camera

    analyser, swapper = EmbeddedAnalyser(), MeshSwapper()
    source, target = read_still(SOURCE), face_of_512()
    face = analyser.find(target)[0]
    if crop_side(fit_camera(face.landmarks)) != 512:
        raise SystemExit("the working crop is not 512 pixels")
    prepared = swapper.prepare(source, analyser.find(source)[0])

    def once() -> None:
        image = target.copy()
        swapper.swap(image, face, swapper.decide(image, [prepared], face))

    return median_of(once, 15)


def swap_prototype() -> float:
    study = prototype()
    source, target = read_still(SOURCE), face_of_512()
    one, other = study.analyse(source)[0], study.analyse(target)[0]
    return median_of(lambda: study.swap_face(source, one, target, other), 15)


def median_of(once: Any, rounds: int) -> float:
    once()
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        once()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


def clip_ours() -> float:
    from fractions import Fraction

    from faceswap_cli.engine.build import build_engine
    from faceswap_cli.engine.outcome import SourcePicture
    from faceswap_cli.jobs.clock import StageClock
    from faceswap_cli.jobs.rendering.clip import ClipSwap
    from faceswap_cli.media.frame import ClipInfo, Frame, Reader, Writer
    from faceswap_cli.options import EngineOptions, MediaFormat

    pictures = read_clip(CLIP_FRAMES, (520, 396))

    class Frames(Reader):
        info = ClipInfo(format=MediaFormat.PNG, width=520, height=396, frame_count=CLIP_FRAMES)

        def frames(self) -> Iterator[Frame]:
            return (Frame(pixels=pixels, duration=Fraction(1, 25)) for pixels in pictures)

        def close(self) -> None:
            pass

    class Nowhere(Writer):
        def write(self, frame: Frame) -> None:
            pass

        def commit(self) -> None:
            pass

        def __exit__(self, *error: object) -> None:
            pass

    engine = build_engine(EngineOptions())
    source = engine.prepare_source([SourcePicture("source", read_still(SOURCE))])
    start = time.perf_counter()
    clip = ClipSwap(engine, source, Frames(), StageClock())
    clip.write(Nowhere())
    if clip.tally.frames_swapped < CLIP_FRAMES:
        print(f"only {clip.tally.frames_swapped} of {CLIP_FRAMES} frames were swapped", file=sys.stderr)
    return (time.perf_counter() - start) / CLIP_FRAMES


def clip_prototype() -> float:
    study = prototype()
    frames = read_clip(CLIP_FRAMES // 3, (520, 396))
    source = read_still(SOURCE)
    face = study.analyse(source)[0]
    start = time.perf_counter()
    for frame in frames:
        found = study.analyse(frame)
        if found:
            study.swap_face(source, face, frame, max(found, key=lambda one: one.io))
    return (time.perf_counter() - start) / len(frames)


def make_gif(path: Path) -> None:
    """A clip with one palette for each frame, as most makers of GIFs write them."""
    from PIL import Image

    frames = [Image.fromarray(frame).quantize(256) for frame in read_clip(GIF_FRAMES, (480, 270))]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=40, loop=0)


def gif_prototype(path: str) -> None:
    import imageio.v3 as iio

    study = prototype()
    source = read_still(SOURCE)
    face = study.analyse(source)[0]
    frames = []
    for frame in iio.imiter(path, mode="RGB"):
        found = study.analyse(frame)
        best = max(found, key=lambda one: one.io, default=None)
        frames.append(frame if best is None else study.swap_face(source, face, frame, best))
    iio.imwrite(Path(path).with_name("prototype.gif"), frames, duration=40, loop=0)


MEASUREMENTS = {"swap": (swap_ours, swap_prototype, "ms", 1e3), "clip": (clip_ours, clip_prototype, "ms a frame", 1e3),
                "gif": (None, gif_prototype, "s", 1.0)}
"""Ours and the prototype's; of a GIF ours is the installed command."""


def run(name: str, which: int, *arguments: str) -> tuple[float, float]:
    """The figure and the peak memory (MiB) of one measurement in a fresh process."""
    if name == "gif" and which == 0:
        return run_command(arguments[0])
    command = [sys.executable, __file__, "--measure", name, str(which), *arguments]
    start = time.perf_counter()
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    whole = time.perf_counter() - start
    figure, memory = json.loads(told.splitlines()[-1])
    return (whole if figure is None else figure), memory


def run_command(path: str) -> tuple[float, float]:
    """The seconds and the peak memory (MiB) of `faceswap swap`, as installed beside this Python."""
    command = [str(Path(sys.executable).with_name("faceswap")), "swap", str(SOURCE), path, "-o",
               str(Path(path).with_name("ours.gif")), "--overwrite", "--quiet"]
    start = time.perf_counter()
    child = subprocess.Popen(command)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(child.returncode)
    return seconds, usage.ru_maxrss / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description="Speed against the study's prototype, in one run.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        name, which, *rest = arguments.measure
        # The measured code may move standard output elsewhere.
        with os.fdopen(os.dup(1), "w") as out:
            measure = MEASUREMENTS[name][int(which)]
            assert measure is not None
            figure = measure(*rest)
            out.write(json.dumps([figure, peak()]) + "\n")
        return 0
    if not CLIP.exists():
        print(f"needs {CLIP}, which is not there")
        return 1
    print(f"{'':22s} {'ours':>8s} {'prototype':>10s}   ratio (median of {arguments.rounds})   peak memory, MiB")
    with tempfile.TemporaryDirectory() as folder:
        gif = Path(folder) / "clip.gif"
        make_gif(gif)
        clips = [gif]
        for preview in sorted((SHARED / "media/faces").glob("sample-videos__preview__*.gif")):
            # Beside it the outputs are written.
            clips.append(Path(folder) / preview.name.removeprefix("sample-videos__preview__"))
            clips[-1].write_bytes(preview.read_bytes())
        tasks = [("swap", ()), ("clip", ()), *(("gif", (str(clip),)) for clip in clips)]
        for name, extra in tasks:
            report(name, extra, arguments.rounds)
    return 0


def report(name: str, extra: tuple[str, ...], count: int) -> None:
    """Measure one thing in turn, ours and the prototype's, and print a row."""
    _, _, unit, factor = MEASUREMENTS[name]
    rounds = [(run(name, 0, *extra), run(name, 1, *extra)) for _ in range(count)]
    ours, theirs = (float(np.median([pair[k][0] for pair in rounds])) for k in (0, 1))
    ratio = float(np.median([pair[1][0] / pair[0][0] for pair in rounds]))
    memory = [max(pair[k][1] for pair in rounds) for k in (0, 1)]
    title = " ".join([name, *(Path(path).stem[:16] for path in extra)])
    print(f"{title:22s} {ours * factor:8.1f} {theirs * factor:10.1f} {unit:10s} {ratio:5.1f}x "
          f"           {memory[0]:.0f} (prototype {memory[1]:.0f})", flush=True)


if __name__ == "__main__":
    sys.exit(main())
