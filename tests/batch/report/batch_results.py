"""Results of batches that never ran."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from faceswap_cli.batch.items import Failure, FailureKind, Item, ItemResult, Status
from faceswap_cli.errors import ExitCode
from faceswap_cli.jobs.job import Outcome, OutputInfo, SwapJob, SwapSpec, Timings

ENGINE = {"engine": "embedded", "analyser": "squares", "swapper": "paint", "restorer": None, "provider": None}


def made(number: int = 0, name: str = "in/a.jpg", status: Status = Status.DONE, *, key: str | None = None,
         warnings: tuple[str, ...] = (), frames: int = 1, failure: Failure | None = None, source: str = "me.jpg",
         output: str | None = None, **more: Any) -> ItemResult:
    key = name.rpartition("/")[2] if key is None else key
    output = f"out/{key}" if output is None else output
    item = Item(number=number, key=key, job=SwapJob(spec=SwapSpec(sources=(source,)), target=name,
                                                    output=output), name=name)
    if status is Status.FAILED:
        failure = failure or Failure(FailureKind("InputError"), f"{name} is damaged", ExitCode.INPUT)
        return replace(ItemResult(item=item, status=status, failure=failure, seconds=0.5), **more)
    if status in (Status.CURRENT, Status.STOPPED):
        return ItemResult(item=item, status=status, attempts=0)
    written = None if status is Status.SKIPPED else OutputInfo(path=output, format="jpeg", width=64, height=48,
                                                               frames=frames, duration=0.0, loop=None, bytes=1000)
    swapped = frames if status is Status.DONE else 0
    outcome = Outcome(spec=SwapSpec(sources=(source,)), target=name, output=written, engine=ENGINE, frames=frames,
                      frames_swapped=swapped, frames_without_face=frames - swapped, faces_swapped=2 * swapped, faces=(),
                      warnings=warnings, timings=Timings(decode=0.1, swap=0.2, total=0.4))
    return replace(ItemResult(item=item, status=status, outcome=outcome, seconds=0.4), **more)


def failure(message: str, kind: str = "InputError", code: ExitCode = ExitCode.INPUT) -> Failure:
    return Failure(FailureKind(kind), message, code)


@dataclass(frozen=True)
class End:
    """As a batch ends."""

    counts: dict[Status, int] = field(default_factory=dict)
    seconds: float = 20.0
    stopped: str | None = None
    warnings: tuple[str, ...] = ()
    exit_code: int = 0


def still(path: Path, colour: tuple[int, int, int] = (200, 40, 40), size: tuple[int, int] = (640, 480)) -> Path:
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)
    return path
