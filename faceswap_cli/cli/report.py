"""The JSON that commands print. Its shapes are a contract: a change that takes or renames a key raises `SCHEMA`.

`faceswap swap --json` and `swap-gif --json`:

    {"schema": 1,
     "inputs": {"sources": [str], "target": str, "references": [str], "pairs": [{"reference": str, "source": str}]},
     "output": {"path": str, "format": str, "width": int, "height": int, "frames": int, "duration": float,
                "loop": int | null, "bytes": int, "marks": ["xmp" | "c2pa" | "label"]} | null,
     "engine": {"engine": str, "analyser": str, "swapper": str, "restorer": str | null,
               "provider": str | null}, of --remote: {"engine": "remote", "analyser": str | null, "swapper": str,
               "restorer": str | null, "provider": str, "slug": str, "request_id": str | null},
     "frames": {"total": int, "swapped": int, "without_face": int},
     "faces": [{"frame": int, "index": int, "box": [x1, y1, x2, y2] | null, "score": float | null,
                "gender": "female" | "male" | "unknown" | null, "gender_probability": float | null,
                "pose": {"yaw": float, "pitch": float, "roll": float} | null, "swapped": bool, "source": int | null,
                "source_picture": str | null, "skip_reason": str | null, "warnings": [str], "track": int | null,
                "reference": str | null, "reference_similarity": float | null,
                "similarity": {"source": float, "target": float} | null}],
     "similarity": {"measure": "dlib-distance" | "arcface-cosine", "source": float, "target": float,
                    "faces": int} | null,
     "warnings": [str],
     "timings": {"load": float, "source": float, "decode": float, "analyse": float, "swap": float, "encode": float,
                 "total": float}}

With `--remote` analyser, swapper and restorer are the API's names, the provider is its host, `faces` is empty, and a
frame of the result counts as swapped. `output` is null when nothing was written: a dry run, or nothing swapped and
`--on-no-face skip`. Boxes are in pixels, angles in degrees, times and the duration in seconds. The stages of a clip
overlap.

`track` is the number of a face in its clip. `reference` is the picture of `--reference` or `--pair` that a face fits,
`reference_similarity` how like the nearest one it is, whether it fits or not. `similarity` is how like the source, and
how like the face that was there, the swapped face is: of all swapped faces of a still, and of each followed face of a
clip in the first frame in which it is swapped and in every 25th after that. That of the whole is their medians, null
where none was measured. Measures, all 1 for the very same face: `dlib-distance` is 1 - the distance of dlib's
descriptors, 0.45 and more for one person; `arcface-cosine` is the cosine of ArcFace's embeddings, 0.3 and more.

`faceswap detect --json`:

    {"files": [{"path": str, "width": int, "height": int,
                "faces": [{"index": int, "box": [x1, y1, x2, y2], "score": float, "landmarks": [[x, y]],
                           "pose": {"yaw": float, "pitch": float, "roll": float} | null,
                           "gender": str | null, "gender_probability": float | null, "warnings": [str]}],
                "frames": [{"frame": int, "faces": [as above]}]},
               {"path": str, "error": {"type": str, "message": str, "exit_code": int}}]}

Only animations have `frames`; their `faces` are those of the first frame that has any.

A command that fails with `--json` prints this instead, whatever the error, and says the message on standard error too:

    {"error": {"type": str, "message": str, "exit_code": int}}
"""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from faceswap_cli.cli.output import SCHEMA
from faceswap_cli.text import as_flag, spell

if TYPE_CHECKING:
    from faceswap_cli.engine.outcome import FaceOutcome
    from faceswap_cli.faces.face import Box, Pose
    from faceswap_cli.jobs.detect import DetectReport, FoundFace
    from faceswap_cli.jobs.job import MeasuredSimilarity, Outcome, SwapJob


def inputs_report(given: Outcome | SwapJob) -> dict[str, Any]:
    """The inputs of a job, as given."""
    return {"sources": list(given.spec.sources), "target": given.target, "references": list(given.spec.references),
            "pairs": [{"reference": pair.reference, "source": pair.source} for pair in given.spec.pairs]}


def swap_report(outcome: Outcome) -> dict[str, Any]:
    """What `swap --json` prints."""
    return {
        "schema": SCHEMA,
        "inputs": inputs_report(outcome),
        "output": None if outcome.output is None else asdict(outcome.output),
        "engine": dict(outcome.engine),
        "frames": {"total": outcome.frames, "swapped": outcome.frames_swapped,
                   "without_face": outcome.frames_without_face},
        "faces": [_outcome(face) for face in outcome.faces],
        "similarity": _whole_similarity(outcome.similarity),
        "warnings": [spell(text, as_flag) for text in outcome.warnings],
        "timings": timings(outcome),
    }


def timings(outcome: Outcome) -> dict[str, float]:
    """Seconds of each stage, to the tenth of a millisecond."""
    return {stage: round(seconds, 4) for stage, seconds in asdict(outcome.timings).items()}


def file_report(report: DetectReport) -> dict[str, Any]:
    """One entry of `files` in what `detect --json` prints."""
    entry: dict[str, Any] = {
        "path": report.path,
        "width": report.width,
        "height": report.height,
        "faces": [_found(face) for face in report.faces],
    }
    if report.animated:
        entry["frames"] = [{"frame": frame.frame, "faces": [_found(face) for face in frame.faces]}
                           for frame in report.frames]
    return entry


def error_report(error: BaseException, message: str, exit_code: int) -> dict[str, Any]:
    """What a failed command prints."""
    return {"error": {"type": type(error).__name__, "message": message, "exit_code": int(exit_code)}}


def _outcome(face: FaceOutcome) -> dict[str, Any]:
    return {
        "frame": face.frame,
        "index": face.index,
        "box": _box(face.box),
        "score": _number(face.score),
        "gender": None if face.gender is None else face.gender.value,
        "gender_probability": _number(face.gender_probability),
        "pose": _pose(face.pose),
        "swapped": face.swapped,
        "source": face.source,
        "source_picture": face.source_picture,
        "skip_reason": face.skip_reason,
        "warnings": list(face.warnings),
        "track": face.track,
        "reference": face.reference,
        "reference_similarity": _number(face.reference_similarity),
        "similarity": None if face.similarity is None else
        {"source": _number(face.similarity.source), "target": _number(face.similarity.target)},
    }


def _whole_similarity(whole: MeasuredSimilarity | None) -> dict[str, Any] | None:
    if whole is None:
        return None
    return {"measure": whole.measure, "source": _number(whole.source), "target": _number(whole.target),
            "faces": whole.faces}


def _found(found: FoundFace) -> dict[str, Any]:
    face = found.face
    return {
        "index": found.index,
        "box": _box(face.box),
        "score": _number(face.score),
        "landmarks": [[round(float(x), 2), round(float(y), 2)] for x, y in face.landmarks],
        "pose": _pose(face.pose),
        "gender": None if face.gender is None else face.gender.value,
        "gender_probability": _number(face.gender_probability),
        "warnings": list(face.warnings),
    }


def _box(box: Box | None) -> list[float] | None:
    return None if box is None else [round(float(side), 2) for side in box]


def _pose(pose: Pose | None) -> dict[str, float] | None:
    return None if pose is None else {name: round(float(angle), 2) for name, angle in pose._asdict().items()}


def _number(value: float | None) -> float | None:
    """Four decimals; JSON knows no infinity and no NaN."""
    return None if value is None or not math.isfinite(value) else round(float(value), 4)
