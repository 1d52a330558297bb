"""What the embedded analyser finds: stills, clips, and face-free pictures.

Run: python tests/benchmarks/detection_report.py [stills] [clips] [false]

Reads ../shared/media/faces (with the number of faces from its MANIFEST), assets/, and ../shared/media/corpus, whose
pictures with a face are named below. Prints a table each; milliseconds are the best of two.
"""

from __future__ import annotations

import re
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from PIL import Image as Pictures
from PIL import ImageOps

from faceswap_cli.engine.analysers.embedded import EmbeddedAnalyser
from faceswap_cli.image import Image

PROJECT = Path(__file__).parents[2]
MEDIA = PROJECT / ".." / "shared" / "media"

# The manifest counted with a detector that misses these.
EXPECTED = {
    "derived__astronaut_rot180.png": 1, "derived__tiny_face_1080p.png": 1, "derived__gray16.png": 1,
    "derived__wide_pano.jpg": 1, "group.jpg": 6,
}
# Pictures of the corpus that do show faces.
WITH_FACES = re.compile(r"hopper|app13|no_palette_with_transparency_after_rgb")


def still(path: Path) -> Image:
    with Pictures.open(path) as picture:
        if picture.mode.startswith("I"):
            wide = np.asarray(picture).astype(np.float64)
            picture = Pictures.fromarray((wide / max(1.0, wide.max() / 255)).astype(np.uint8))
        turned = ImageOps.exif_transpose(picture)
        plain = turned.convert("RGBA").convert("RGB") if turned.mode in ("P", "PA") else turned.convert("RGB")
        return np.ascontiguousarray(np.asarray(plain))


def frames(path: Path) -> Iterator[Image]:
    if path.suffix in (".mp4", ".webm"):
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                # The display matrix is what a player would apply.
                turns = round((frame.rotation or 0) / 90) % 4
                yield np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), turns))
        return
    with Pictures.open(path) as picture:
        for number in range(getattr(picture, "n_frames", 1)):
            picture.seek(number)
            yield np.ascontiguousarray(np.asarray(picture.convert("RGB")))


def expected_faces() -> dict[str, str]:
    rows = re.findall(r"^\| ([^|]+) \|.*\| ([^|]+) \|$", (MEDIA / "faces" / "MANIFEST.md").read_text(), re.MULTILINE)
    return dict(rows) | {name: str(count) for name, count in EXPECTED.items()}


def report_stills(analyser: EmbeddedAnalyser, counts: dict[str, str]) -> None:
    print(f"{'still':58} {'size':>10} {'expected':>8} {'found':>5} {'score':>6} {'ms':>6}")
    paths = sorted((PROJECT / "assets").glob("*.jpg"))
    paths += [path for path in sorted((MEDIA / "faces").iterdir())
              if path.suffix in (".jpg", ".png", ".gif") and "preview" not in path.name]
    missed = 0
    for path in paths:
        image = still(path)
        milliseconds = []
        for _ in range(2):
            start = time.perf_counter()
            faces = analyser.find(image)
            milliseconds.append(1e3 * (time.perf_counter() - start))
        expected = counts.get(path.name, "1")
        missed += len(faces) != int(expected)
        score = f"{faces[0].score:6.2f}" if faces else "     -"
        size = f"{image.shape[1]}x{image.shape[0]}"
        mark = "" if len(faces) == int(expected) else "  <--"
        print(f"{path.name[-58:]:58} {size:>10} {expected:>8} {len(faces):>5} {score} {min(milliseconds):6.0f}{mark}")
    print(f"{len(paths)} stills, {missed} with another number of faces than expected\n")


def report_clips(analyser: EmbeddedAnalyser, counts: dict[str, str]) -> None:
    print(f"{'clip':44} {'size':>9} {'frames':>6} {'first':>6} {'next':>6} {'tracks':>6}  faces per frame; expected")
    for path in sorted((MEDIA / "faces").iterdir()):
        if path.suffix in (".mp4", ".webm") or "preview" in path.name:
            memory = analyser.open_clip()
            milliseconds, found, tracks = [], "", set()
            for image in frames(path):
                start = time.perf_counter()
                faces = analyser.find(image, memory)
                milliseconds.append(1e3 * (time.perf_counter() - start))
                found += str(len(faces))
                tracks |= {face.track for face in faces}
            size = f"{image.shape[1]}x{image.shape[0]}"
            print(f"{path.name[-44:]:44} {size:>9} {len(found):>6} {milliseconds[0]:6.0f} "
                  f"{np.mean(milliseconds[1:]):6.1f} {len(tracks):>6}  {RUNS.sub(_run, found)}; "
                  f"{counts.get(path.name, '?')}")
    print()


RUNS = re.compile(r"(.)\1{3,}")


def _run(match: re.Match[str]) -> str:
    return f"{match[1]}x{len(match[0])} "


def report_false(analyser: EmbeddedAnalyser) -> None:
    print(f"{'face-free picture with a face found':50} {'size':>10} {'score':>6}  box")
    looked, slowest = 0, 0.0
    for path in sorted((MEDIA / "corpus").rglob("*")):
        if WITH_FACES.search(path.name) or not path.is_file() or path.stat().st_size > 5e6:
            continue
        try:
            with Pictures.open(path) as picture:
                if picture.width * picture.height > 3e7:
                    continue
            image = still(path)
        except (OSError, ValueError, SyntaxError, TypeError, EOFError, Pictures.DecompressionBombError):
            continue
        looked += 1
        start = time.perf_counter()
        faces = analyser.find(image)
        slowest = max(slowest, time.perf_counter() - start)
        for face in faces:
            size = f"{image.shape[1]}x{image.shape[0]}"
            print(f"{path.name[-50:]:50} {size:>10} {face.score:6.2f}  {[round(value) for value in face.box]}"
                  f" spread {face.spread:.3f}")
    print(f"{looked} pictures without a face, slowest {slowest:.1f} s")


def main() -> int:
    if not MEDIA.is_dir():
        print("no ../shared/media: nothing to report")
        return 1
    warnings.simplefilter("ignore")
    Pictures.MAX_IMAGE_PIXELS = None
    analyser, counts = EmbeddedAnalyser(), expected_faces()
    analyser.find(still(PROJECT / "assets" / "man-1.jpg"))
    wanted = sys.argv[1:] or ["stills", "clips", "false"]
    if "stills" in wanted:
        report_stills(analyser, counts)
    if "clips" in wanted:
        report_clips(analyser, counts)
    if "false" in wanted:
        report_false(analyser)
    return 0


if __name__ == "__main__":
    sys.exit(main())
