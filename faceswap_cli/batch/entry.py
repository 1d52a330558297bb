"""One line of the journal: a finished item, with everything by which a later run knows whether it is still current.

    {"key": str, "status": "done" | "copied" | "skipped" | "failed",
     "target": str, "attempts": int, "seconds": float, "worker": int | null,
     "input": STAMP | null, "sources": [{"name": str, STAMP}], "options": str, "models": {str: str},
     "output": {"path": str, STAMP} | null,
     "failure": {"type": str, "message": str, "exit_code": int} | null,
     "engine": {str: str | null}, "frames": {"total": int, "swapped": int, "without_face": int},
     "faces": [as in `swap --json`, without what is null or empty], "warnings": [str], "timings": {str: float}}

STAMP is "size": int, "modified": int (nanoseconds), "sha256": str, of a stored file also "tag": str. `sources` are in
the order in which they were read.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from faceswap_cli.batch.items import Failure, FailureKind, ItemResult, Status
from faceswap_cli.engine.outcome import FaceOutcome
from faceswap_cli.errors import ExitCode
from faceswap_cli.jobs.job import Outcome
from faceswap_cli.jobs.resume.stamps import Stamp
from faceswap_cli.names import shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the journal keeps of an item.

    Attributes:
        key, status, attempts, seconds, worker, failure, models: As in `ItemResult`.
        target: The target as the user knows it, a URL without its secrets.
        input: The target as it was read; None: not known.
        sources: The source pictures as they were read, in order, by name.
        options: `SwapSpec.digest` of the job.
        path: Of the output, as given; None where nothing was written.
        output: What was written; None: nothing, or to a pipe.
        engine: Names of the parts that ran.
        frames: Their numbers: total, swapped, without_face.
        faces: One mapping for each face.
        warnings: One line each.
        timings: Seconds by stage.
    """

    key: str
    status: Status
    target: str
    attempts: int
    seconds: float
    worker: int | None
    input: Stamp | None
    sources: tuple[tuple[str, Stamp], ...]
    options: str
    models: dict[str, str]
    path: str | None
    output: Stamp | None
    failure: Failure | None
    engine: dict[str, str | None] = field(default_factory=dict)
    frames: dict[str, int] = field(default_factory=dict)
    faces: tuple[dict[str, Any], ...] = ()
    warnings: tuple[str, ...] = ()
    timings: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, result: ItemResult) -> Self:
        """What is kept of the result of an item that was run."""
        item, outcome = result.item, result.outcome
        wrote = result.status in (Status.DONE, Status.COPIED)
        entry = cls(key=item.key, status=result.status, target=shown(item.name), attempts=result.attempts,
                    seconds=round(result.seconds, 4), worker=result.worker, input=result.target,
                    sources=tuple((shown(name), stamp) for name, stamp in result.sources.items()),
                    options=item.job.spec.digest(item.job.target),
                    models=dict(result.models), path=shown(item.job.output) if wrote else None, output=result.output,
                    failure=result.failure)
        return entry if outcome is None else entry._with(outcome)

    def _with(self, outcome: Outcome) -> Self:
        frames = {"total": outcome.frames, "swapped": outcome.frames_swapped,
                  "without_face": outcome.frames_without_face}
        timings = {stage: round(seconds, 4) for stage, seconds in asdict(outcome.timings).items()}
        return replace(self, engine=dict(outcome.engine), frames=frames,
                       faces=tuple(_face(face) for face in outcome.faces), warnings=outcome.warnings, timings=timings)

    def to_json(self) -> str:
        """One line of ASCII without its end. Names of any bytes survive: what is not UTF-8 is kept as surrogates."""
        return json.dumps({
            "key": self.key,
            "status": self.status.value,
            "target": self.target,
            "attempts": self.attempts,
            "seconds": self.seconds,
            "worker": self.worker,
            "input": None if self.input is None else _stamp_record(self.input),
            "sources": [{"name": name, **_stamp_record(stamp)} for name, stamp in self.sources],
            "options": self.options,
            "models": self.models,
            "output": None if self.path is None else
            {"path": self.path, **({} if self.output is None else _stamp_record(self.output))},
            "failure": None if self.failure is None else asdict(self.failure),
            "engine": self.engine,
            "frames": self.frames,
            "faces": self.faces,
            "warnings": self.warnings,
            "timings": self.timings,
        }, separators=(",", ":"))

    @classmethod
    def from_json(cls, record: Any) -> Self:
        """What `to_json` wrote, parsed.

        Raises:
            ValueError: It is something else.
        """
        try:
            output, failure, stamp = record["output"], record["failure"], record["input"]
            return cls(
                key=str(record["key"]), status=Status(record["status"]), target=str(record["target"]),
                attempts=int(record["attempts"]), seconds=float(record["seconds"]), worker=record["worker"],
                input=None if stamp is None else _stamp(stamp),
                sources=tuple((str(source["name"]), _stamp(source)) for source in record["sources"]),
                options=str(record["options"]), models=dict(record["models"]),
                path=None if output is None else str(output["path"]),
                output=None if output is None or "size" not in output else _stamp(output),
                failure=None if failure is None else
                Failure(FailureKind(failure["type"]), str(failure["message"]), ExitCode(failure["exit_code"])),
                engine=dict(record["engine"]), frames=dict(record["frames"]), faces=tuple(record["faces"]),
                warnings=tuple(record["warnings"]), timings=dict(record["timings"]))
        except (KeyError, TypeError, IndexError, AttributeError) as error:
            raise ValueError(f"no entry of a journal: {error!r}") from error


def _stamp_record(stamp: Stamp) -> dict[str, Any]:
    return {name: value for name, value in asdict(stamp).items() if name != "tag" or value}


def _stamp(record: Any) -> Stamp:
    return Stamp(int(record["size"]), int(record["modified"]), str(record["sha256"]), str(record.get("tag", "")))


def _face(face: FaceOutcome) -> dict[str, Any]:
    found = {
        "frame": face.frame,
        "index": face.index,
        "box": None if face.box is None else [round(float(side), 2) for side in face.box],
        "score": _number(face.score),
        "gender": None if face.gender is None else face.gender.value,
        "gender_probability": _number(face.gender_probability),
        "pose": None if face.pose is None else
        {name: round(float(angle), 2) for name, angle in face.pose._asdict().items()},
        "swapped": face.swapped,
        "source": face.source,
        "source_picture": None if face.source_picture is None else shown(face.source_picture),
        "skip_reason": face.skip_reason,
        "warnings": list(face.warnings),
        "track": face.track,
        "reference": None if face.reference is None else shown(face.reference),
        "reference_similarity": _number(face.reference_similarity),
        "similarity": None if face.similarity is None else
        {"source": _number(face.similarity.source), "target": _number(face.similarity.target)},
    }
    return {name: value for name, value in found.items() if value is not None and value != []}


def _number(value: float | None) -> float | None:
    """Four decimals; JSON knows no infinity and no NaN."""
    return None if value is None or not math.isfinite(value) else round(float(value), 4)
