"""The summary of a batch, and the JSON of `--report`. Its shape is a contract: a key taken or renamed raises `SCHEMA`.

    {"schema": 1,
     "tool": str,
     "started": str,
     "seconds": float,
     "exit_code": int | null,
     "stopped": str | null,
     "counts": {"total": int, "done": int, "copied": int, "skipped": int, "failed": int, "current": int,
                "stopped": int},
     "items_per_second": float | null,
     "retried": int,
     "frames": {"total": int, "swapped": int, "without_face": int},
     "faces": {"swapped": int},
     "bytes": int,
     "engines": [{"engine": str, "analyser": str, "swapper": str, "restorer": str | null, "provider": str | null,
                  "items": int}],
     "models": {str: str},
     "timings": {"load": float, "source": float, "decode": float, "analyse": float, "swap": float, "encode": float,
                 "total": float},
     "failures": {"kinds": [{"type": str, "exit_code": int, "items": int}],
                  "items": [{"key": str, "target": str, "output": str, "type": str, "message": str, "exit_code": int,
                             "attempts": int, "seconds": float}],
                  "left_out": int},
     "warnings": {"batch": [str],
                  "kinds": [{"text": str, "items": int, "first": str}],
                  "left_out": int},
     "slowest": [{"key": str, "target": str, "seconds": float}]}

`started` is UTC, ISO 8601. `seconds` is the time of the whole run, `timings` the sums over its items, which overlap.
`items_per_second` counts what this run did; `current` items were done by an earlier one, `stopped` ones never begun,
and a failure with 0 attempts was found without trying: before the item was run, or in an earlier run.
`bytes` is the size of what was written. Warnings that differ only in numbers and in the name of the target are one
kind; `first` is the first target that had it. `left_out` counts what the bounds on failures and kinds left out: a
summary takes the same memory for a hundred items and for a hundred thousand.
"""

from __future__ import annotations

import heapq
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from faceswap_cli.batch.items import ItemResult, Status
from faceswap_cli.batch.report.groups import WarningGroups
from faceswap_cli.batch.report.text import target_name
from faceswap_cli.files.atomic import AtomicFile
from faceswap_cli.jobs.job import Timings
from faceswap_cli.media.marks.provenance import creator_tool
from faceswap_cli.names import shown
from faceswap_cli.text import one_line

SCHEMA = 1

MAX_FAILURES = 1000
"""Failures that are told one by one; all are counted by kind."""

SLOWEST = 10
"""Items that are named as the slowest."""

_RAN = (Status.DONE, Status.COPIED, Status.SKIPPED, Status.FAILED)


class Ended(Protocol):
    """How a batch ended, as `jobs/batch.py` reports it."""

    @property
    def counts(self) -> Mapping[Status, int]:
        """Items by status; those never begun are told of nowhere else."""

    @property
    def seconds(self) -> float:
        """Wall time of the run."""

    @property
    def stopped(self) -> str | None:
        """Why it stopped early."""

    @property
    def warnings(self) -> Sequence[str]:
        """About the batch as a whole."""

    @property
    def exit_code(self) -> int:
        """What the command ends with."""


def ran(result: ItemResult) -> bool:
    """Whether this run did something for an item, rather than only find out that there was nothing to do or to try."""
    return result.status in _RAN and result.attempts > 0


class Summary:
    """Adds up the results of a batch, in bounded memory.

    Attributes:
        counts: Items by status.
        started: When, in UTC.
        stopped: Why the batch stopped early; None: it did not.
        batch_warnings: About the batch as a whole.
        warnings: Kinds of warnings over all items.
    """

    def __init__(self) -> None:
        """Start the clock."""
        self.counts: Counter[Status] = Counter()
        self.started = datetime.now(UTC)
        self.stopped: str | None = None
        self.batch_warnings: tuple[str, ...] = ()
        self.warnings = WarningGroups()
        self.faces_swapped = 0
        self._clock = time.monotonic()
        self._seconds: float | None = None
        self._exit_code: int | None = None
        self._ran = self._retried = self._bytes = 0
        self._frames: Counter[str] = Counter()
        self._engines: Counter[tuple[tuple[str, str | None], ...]] = Counter()
        self._models: dict[str, str] = {}
        self._timings: Counter[str] = Counter()
        self._kinds: Counter[tuple[str, int]] = Counter()
        self._failures: list[dict[str, Any]] = []
        self._slowest: list[tuple[float, int, str, str]] = []

    def add(self, result: ItemResult) -> None:
        """Count an item."""
        self.counts[result.status] += 1
        self._retried += result.attempts > 1
        if result.status is Status.FAILED:
            self._add_failure(result)
        if not ran(result):
            return
        self._ran += 1
        self._models.update(result.models)
        self.warnings.add(result)
        if result.outcome is not None:
            outcome = result.outcome
            self._frames.update(total=outcome.frames, swapped=outcome.frames_swapped,
                                without_face=outcome.frames_without_face)
            self.faces_swapped += outcome.faces_swapped
            self._engines[tuple(outcome.engine.items())] += 1
            for stage, seconds in asdict(outcome.timings).items():
                self._timings[stage] += seconds
            self._bytes += outcome.output.bytes if outcome.output is not None else 0
        item = result.item
        slow = (result.seconds, -item.number, item.key, target_name(item))
        if len(self._slowest) < SLOWEST:
            heapq.heappush(self._slowest, slow)
        else:
            heapq.heappushpop(self._slowest, slow)

    def finish(self, end: Ended) -> None:
        """Stop the clock, and take over how it ended."""
        self._seconds = end.seconds
        self.counts[Status.STOPPED] = max(self.counts[Status.STOPPED], end.counts.get(Status.STOPPED, 0))
        self._exit_code = int(end.exit_code)
        self.stopped = end.stopped
        self.batch_warnings = tuple(end.warnings)

    @property
    def total(self) -> int:
        """Items told of."""
        return self.counts.total()

    @property
    def seconds(self) -> float:
        """Wall time of the run, so far or in all."""
        return time.monotonic() - self._clock if self._seconds is None else self._seconds

    @property
    def items_per_second(self) -> float | None:
        """What this run did, by wall time; None: nothing."""
        return self._ran / self.seconds if self._ran and self.seconds > 0 else None

    @property
    def failures(self) -> Sequence[dict[str, Any]]:
        """The first failures, as in the JSON."""
        return self._failures

    def as_dict(self) -> dict[str, Any]:
        """The JSON of `--report`."""
        rate = self.items_per_second
        return {
            "schema": SCHEMA,
            "tool": creator_tool(),
            "started": self.started.isoformat(timespec="seconds"),
            "seconds": round(self.seconds, 3),
            "exit_code": self._exit_code,
            "stopped": self.stopped,
            "counts": {"total": self.total, **{status.value: self.counts[status] for status in Status}},
            "items_per_second": None if rate is None else round(rate, 4),
            "retried": self._retried,
            "frames": {name: self._frames[name] for name in ("total", "swapped", "without_face")},
            "faces": {"swapped": self.faces_swapped},
            "bytes": self._bytes,
            "engines": [{**dict(parts), "items": items} for parts, items in self._engines.most_common()],
            "models": dict(sorted(self._models.items())),
            "timings": {stage: round(float(self._timings[stage]), 3) for stage in asdict(Timings())},
            "failures": {
                "kinds": [{"type": kind, "exit_code": code, "items": items}
                          for (kind, code), items in self._kinds.most_common()],
                "items": list(self._failures),
                "left_out": self._kinds.total() - len(self._failures),
            },
            "warnings": {
                "batch": list(self.batch_warnings),
                "kinds": [{"text": kind.text, "items": kind.items, "first": kind.first} for kind in self.warnings],
                "left_out": self.warnings.left_out,
            },
            "slowest": [{"key": key, "target": target, "seconds": round(seconds, 3)}
                        for seconds, _, key, target in sorted(self._slowest, reverse=True)],
        }

    def write(self, path: Path) -> None:
        """Write the JSON, ASCII, in place of an older one; it appears whole or not at all.

        Raises:
            OutputError: It cannot be written.
        """
        text = json.dumps(self.as_dict(), indent=2, allow_nan=False)
        with AtomicFile(path, overwrite=True) as file:
            with file.writing():
                file.file.write(text.encode("ascii") + b"\n")
            file.commit()

    def _add_failure(self, result: ItemResult) -> None:
        item, failure = result.item, result.failure
        kind, message, code = (("Unknown", "failed", 1) if failure is None
                               else (failure.type, failure.message, int(failure.exit_code)))
        self._kinds[kind, code] += 1
        if len(self._failures) < MAX_FAILURES:
            self._failures.append({
                "key": item.key, "target": target_name(item), "output": shown(item.job.output), "type": kind,
                "message": one_line(message), "exit_code": code, "attempts": result.attempts,
                "seconds": round(result.seconds, 3)})
