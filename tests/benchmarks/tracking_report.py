"""How well the neural analyser follows faces through clips: against a full detection of every frame.

Run: python tests/benchmarks/tracking_report.py [DETECTOR.onnx]

Reads the clips of ../shared/media/faces and assets/; the detector is ../shared/models/scrfd_2.5g_kps.onnx, of which a
copy with an open input is made, as SCRFD-10G has it. Distances are parts of the inter-ocular distance.

    faces      seen by the full detection with at least 0.5, over all frames
    missed     of those, not followed
    more       followed where the full detection sees nothing above 0.3
    gaps       a track that is away for 1 to 5 frames
    apart      mean distance of the landmarks from those of the full detection; and the 95th percentile of a face's
    unsteady   how much landmarks move against the mean of the frames before and after: ours, and of the full detection
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
from detection_report import MEDIA, PROJECT, frames

from faceswap_cli.engine.analysers.detectors.scrfd import ScrfdDetector
from faceswap_cli.engine.analysers.insightface import InsightFaceAnalyser
from faceswap_cli.faces.five_points import fit_five
from faceswap_cli.options import DetectorOptions, RuntimeOptions
from faceswap_cli.runtime.session import SharedSession

CLIPS = ("Obama_speaking.mp4", "male_h264", "female_vp9", "walking_rotated", "pause_vfr", "classroom",
         "demographics-walking", "female-and-male", "turning-head.gif")


def opened(path: Path, folder: str) -> Path:
    """A copy of a detector whose input may have any size."""
    model = onnx.load(str(path))
    for number, name in ((2, "height"), (3, "width")):
        model.graph.input[0].type.tensor_type.shape.dim[number].dim_param = name
    for output in model.graph.output:
        output.type.tensor_type.shape.dim[1].dim_param = f"rows_{output.name}"
    onnx.save(model, f"{folder}/detector.onnx")
    return Path(folder, "detector.onnx")


def report(path: Path, detector: ScrfdDetector) -> None:
    analyser = InsightFaceAnalyser(detector, None, None, DetectorOptions())
    memory = analyser.open_clip()
    followed, full, ours, theirs = [], [], [], []
    for frame in frames(path):
        start = time.perf_counter()
        followed.append({face.track: face.landmarks for face in analyser.find(frame, memory)})
        middle = time.perf_counter()
        full.append(detector.detect(frame, 640, 0.3, True))
        ours.append(middle - start)
        theirs.append(time.perf_counter() - middle)
    seen = missed = more = gaps = 0
    apart: list[float] = []
    chosen: dict[int, dict[int, np.ndarray]] = {}
    for number, (tracks, detections) in enumerate(zip(followed, full, strict=True)):
        free = set(tracks)
        for one in detections:
            scale = fit_five(one.landmarks).scale
            away = {track: np.linalg.norm(points.mean(0) - one.landmarks.mean(0)) for track, points in tracks.items()}
            near = min(away, key=away.__getitem__, default=None)
            hit = near is not None and away[near] < scale
            seen += one.score >= 0.5
            missed += one.score >= 0.5 and not hit
            if hit:
                free.discard(near)
                apart.append(float(np.linalg.norm(tracks[near] - one.landmarks, axis=1).mean()) / scale)
                chosen.setdefault(near, {})[number] = one.landmarks
        more += len(free)
    shown = {track: [number for number, tracks in enumerate(followed) if track in tracks]
             for track in {track for tracks in followed for track in tracks}}
    gaps = sum(1 < step <= 6 for numbers in shown.values() for step in np.diff(numbers))
    unsteady = [shake({n: followed[n][track] for n in places}, places) for track, places in chosen.items()]
    raw = [shake(places, places) for places in chosen.values()]
    print(f"{path.name[-34:]:34} {len(full):6} {len(shown):6} {seen:6} {missed:6} {more:5} {gaps:4} "
          f"{np.mean(apart):7.3f} {np.percentile(apart, 95):6.3f} {np.nanmean(unsteady):8.4f} {np.nanmean(raw):6.4f} "
          f"{1000 * np.mean(ours):7.1f} {1000 * np.mean(theirs):6.1f}", flush=True)


def shake(points: dict[int, np.ndarray], frames: dict[int, np.ndarray]) -> float:
    """Mean distance of landmarks from the middle between the frames before and after."""
    steps = [np.linalg.norm(points[n] - (points[n - 1] + points[n + 1]) / 2, axis=1).mean() / fit_five(frames[n]).scale
             for n in points if n - 1 in points and n + 1 in points]
    return float(np.mean(steps)) if steps else np.nan


def main() -> None:
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else PROJECT / ".." / "shared" / "models" / "scrfd_2.5g_kps.onnx"
    paths = [path for folder in (MEDIA / "faces", PROJECT / "assets") for path in sorted(folder.iterdir())
             if any(name in path.name for name in CLIPS)]
    print(f"{'':34} frames tracks  faces missed  more gaps   apart    95% unsteady    raw   ms ours full")
    with tempfile.TemporaryDirectory() as folder:
        detector = ScrfdDetector(SharedSession(opened(source, folder), RuntimeOptions(), name="detector"))
        detector.detect(np.zeros((64, 64, 3), np.uint8), 128, 0.5, True)
        for path in paths:
            report(path, detector)


if __name__ == "__main__":
    main()
