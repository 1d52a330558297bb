"""How well faces are swapped: identity, landmarks, and a contact sheet to look at.

    python tests/benchmarks/quality_report.py [--sheet DIR] [--prototype]

Runs on ../shared/media/faces and ../shared/portraits: 30 pairs of frontal faces and 36 pairs of any pose, drawn with
fixed seeds, each picture at most three times as source and three times as target, never two pictures of one person.
Identity is the distance of dlib's 128-d descriptors (0.6 and less: the same person; different people average 0.85).
The landmark error compares the inner landmarks found on the result with those that the swap was to give it, in
inter-ocular distances (IO). `--prototype` measures the study's prototype on the same pairs beside ours.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np

from faceswap_cli.engine.analysers.embedded import EmbeddedAnalyser
from faceswap_cli.engine.swappers.mesh import MeshSwapper
from faceswap_cli.engine.swappers.stage import set_stage
from faceswap_cli.faces.align import transform, upright_crop, warp_crop
from faceswap_cli.faces.face import Face
from faceswap_cli.faces.pose import fit_camera
from faceswap_cli.image import Image
from faceswap_cli.media.open import open_media
from faceswap_cli.options import MediaOptions

SHARED = Path(__file__).parents[2].parent / "shared"
INNER = np.arange(17, 68)
"""All points but the jaw, of 68: those that carry identity and are located best."""

SAME_PERSON = 0.6
FRONTAL = 15.0
TILE = 200


@dataclass(frozen=True)
class Portrait:
    name: str
    person: str
    pixels: Image
    face: Face

    @property
    def frontal(self) -> bool:
        pose = self.face.pose
        assert pose is not None
        scale = fit_camera(self.face.landmarks).scale
        return abs(pose.yaw) <= FRONTAL and abs(pose.pitch) <= FRONTAL and self.face.spread <= 0.03 and scale >= 40


@dataclass(frozen=True)
class Result:
    source: Portrait
    target: Portrait
    pixels: Image
    to_source: float
    to_target: float
    before: float
    landmark_error: float
    warnings: tuple[str, ...]

    @property
    def good(self) -> bool:
        return self.to_source < SAME_PERSON and self.to_source < self.to_target


def load(analyser: EmbeddedAnalyser) -> list[Portrait]:
    """The largest face of each original still; derived pictures repeat people."""
    portraits = []
    paths = sorted((SHARED / "media/faces").glob("*.[jp][pn]g")) + sorted((SHARED / "portraits").glob("*.jpg"))
    for path in paths:
        if path.name.startswith("derived") or path.name == "group.jpg":
            continue
        with open_media(path, MediaOptions()) as reader:
            pixels = next(reader.frames()).pixels
        faces = analyser.find(pixels)
        if not faces:
            print(f"no face found: {path.name}")
            continue
        face = max(faces, key=lambda face: face.box.area)
        person = "obama" if "obama" in path.name else path.stem
        portraits.append(Portrait(path.stem, person, pixels, analyser.describe(pixels, face)))
    return portraits


def draw_pairs(pool: Sequence[Portrait], count: int, seed: int) -> list[tuple[Portrait, Portrait]]:
    pairs = [(a, b) for a in pool for b in pool if a.person != b.person]
    random.Random(seed).shuffle(pairs)
    as_source: Counter[str] = Counter()
    as_target: Counter[str] = Counter()
    chosen = []
    for source, target in pairs:
        if as_source[source.name] < 3 and as_target[target.name] < 3 and len(chosen) < count:
            chosen.append((source, target))
            as_source[source.name] += 1
            as_target[target.name] += 1
    return chosen


def distance(a: Face, b: Face) -> float:
    assert a.embedding is not None and b.embedding is not None
    return float(np.linalg.norm(a.embedding - b.embedding))


def nearest(faces: Sequence[Face], to: Face) -> Face | None:
    centre = to.landmarks.mean(0)
    return min(faces, key=lambda face: float(np.linalg.norm(face.landmarks.mean(0) - centre)), default=None)


def swap(source: Portrait, target: Portrait, analyser: EmbeddedAnalyser) -> Result:
    swapper = MeshSwapper()
    prepared = swapper.prepare(source.pixels, source.face)
    decision = swapper.decide(target.pixels, [prepared], target.face)
    pixels = target.pixels.copy()
    warnings = swapper.swap(pixels, target.face, decision)
    found = nearest(analyser.find(pixels), target.face)
    before = distance(source.face, target.face)
    if found is None:
        return Result(source, target, pixels, 9.0, 9.0, before, 9.0, warnings)
    found = analyser.describe(pixels, found)
    stage = set_stage(target.pixels, target.face.landmarks, decision.source, decision.mirrored)
    seen = (transform(stage.matrix, found.landmarks) + 0.5) / stage.enlarged - 0.5
    error = np.linalg.norm((seen - stage.wanted[:68])[INNER], axis=1).mean() / stage.eye_distance
    return Result(source, target, pixels, distance(found, source.face), distance(found, target.face), before,
                  float(error), warnings)


def swap_by_prototype(prototype: ModuleType, source: Portrait, target: Portrait, analyser: EmbeddedAnalyser) -> Result:
    faces = []
    for portrait in (source, target):
        pose = prototype.fit_pose(portrait.face.landmarks)
        faces.append(prototype.Face(portrait.face.landmarks, pose, portrait.face.spread, 1.0,
                                    prototype.angles(pose[1])))
    debug: dict[str, np.ndarray] = {}
    pixels = prototype.swap_face(source.pixels, faces[0], target.pixels, faces[1], debug=debug)
    found = nearest(analyser.find(pixels), target.face)
    before = distance(source.face, target.face)
    if found is None:
        return Result(source, target, pixels, 9.0, 9.0, before, 9.0, ())
    found = analyser.describe(pixels, found)
    seen = prototype.apply(prototype.crop_matrix(faces[1].pose, debug["W"]), found.landmarks)
    error = np.linalg.norm((seen - debug["dx"][:68])[INNER], axis=1).mean() / (prototype.IO_FRAC * debug["W"])
    return Result(source, target, pixels, distance(found, source.face), distance(found, target.face), before,
                  float(error), ())


def report(title: str, results: Sequence[Result]) -> None:
    def median(values: list[float]) -> float:
        return float(np.median(values))

    same = sum(result.to_source < SAME_PERSON for result in results)
    print(f"{title:26s} {len(results):3d} pairs: nearer to the source and < {SAME_PERSON}: "
          f"{sum(result.good for result in results):2d}; < {SAME_PERSON}: {same:2d}; "
          f"distance to the source {median([r.before for r in results]):.2f} before, "
          f"{median([r.to_source for r in results]):.3f} after; to the target "
          f"{median([r.to_target for r in results]):.2f}; inner landmarks off by "
          f"{median([r.landmark_error for r in results]):.4f} IO (mean "
          f"{np.mean([r.landmark_error for r in results]):.4f})")


def tile(portrait: Portrait, pixels: Image) -> Image:
    matrix = upright_crop(fit_camera(portrait.face.landmarks), TILE)
    return warp_crop(pixels, matrix, TILE)


def contact_sheet(results: Sequence[Result], path: Path, columns: int = 3) -> None:
    rows = []
    strips = []
    for result in results:
        strip = np.hstack([tile(result.source, result.source.pixels), tile(result.target, result.target.pixels),
                           tile(result.target, result.pixels)])
        colour = (90, 220, 90) if result.good else (255, 90, 90)
        cv2.putText(strip, f"{result.to_source:.2f}", (2 * TILE + 6, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.55, colour, 2)
        strips.append(strip)
    strips += [np.zeros_like(strips[0])] * (-len(strips) % columns)
    for start in range(0, len(strips), columns):
        rows.append(np.hstack(strips[start : start + columns]))
    cv2.imwrite(str(path), np.ascontiguousarray(np.vstack(rows)[..., ::-1]))
    print(f"contact sheet (source, target, result): {path}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Identity, landmarks and looks of swapped faces.")
    parser.add_argument("--sheet", type=Path, help="folder for the contact sheets")
    parser.add_argument("--prototype", action="store_true", help="measure the study's prototype too")
    parser.add_argument("--worst", type=int, default=6, help="how many of the worst pairs are listed")
    arguments = parser.parse_args()
    if not SHARED.is_dir():
        print(f"needs {SHARED}, which is not there")
        return 1
    analyser = EmbeddedAnalyser()
    portraits = load(analyser)
    sets = (("frontal", draw_pairs([p for p in portraits if p.frontal], 30, 1)),
            ("any pose", draw_pairs(portraits, 36, 2)))
    for title, pairs in sets:
        results = [swap(source, target, analyser) for source, target in pairs]
        report(title, results)
        for result in sorted(results, key=lambda r: -r.to_source)[: arguments.worst]:
            print(f"    {result.to_source:.2f} ({result.to_target:.2f} to the target)  {result.source.name[-24:]} on "
                  f"{result.target.name[-24:]}  {'; '.join((*result.target.face.warnings, *result.warnings))}")
        if arguments.prototype:
            spec = importlib.util.spec_from_file_location("prototype", SHARED / "prototype/embedded_swap.py")
            assert spec is not None and spec.loader is not None
            prototype = importlib.util.module_from_spec(spec)
            sys.modules["prototype"] = prototype
            spec.loader.exec_module(prototype)
            report(f"{title}, prototype", [swap_by_prototype(prototype, a, b, analyser) for a, b in pairs])
        if arguments.sheet:
            arguments.sheet.mkdir(parents=True, exist_ok=True)
            contact_sheet(results, arguments.sheet / f"{title.replace(' ', '-')}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
