"""What a contact sheet keeps of a batch: the items to show, failures and warnings first, in bounded memory."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from faceswap_cli.batch.items import FailureKind, ItemResult, Status
from faceswap_cli.batch.report.summary import ran
from faceswap_cli.batch.report.text import counted, show_seconds, target_name
from faceswap_cli.names import is_url, shown
from faceswap_cli.text import one_line

_TEXT = 400
"""Characters that a page shows of one message."""

_WARNINGS = 8
"""Warnings that it shows of one item."""

_OPENED = frozenset({
    FailureKind.INPUT, FailureKind.LIMIT, FailureKind.NO_FACE, FailureKind.MODEL, FailureKind.REMOTE,
    FailureKind.OUTPUT, FailureKind.USAGE, FailureKind.MISSING_DEPENDENCY})
"""Failures after which the target may be looked at again. What ended a worker is not opened in this process."""


class Tier(IntEnum):
    """What is shown before what."""

    FAILED = 0
    WARNED = 1
    OTHER = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is shown of an item.

    Attributes:
        number: Its place in the plan.
        status: How it ended.
        name: The target as the user knows it.
        source: Name of the first source picture, and how many more there are.
        source_path, target_path, result_path: Files to make thumbnails of; None: there is none on this machine.
        result: Name of the output; None: nothing was written.
        facts: Faces, frames and time, in words.
        message: Why it failed; empty: it did not.
        warnings: What to beware of.
        trusted: Whether its files may be opened; not those of what ended a worker.
    """

    number: int
    status: Status
    name: str
    source: str
    source_path: Path | None
    target_path: Path | None
    result_path: Path | None
    result: str | None
    facts: str
    message: str
    warnings: tuple[str, ...]
    trusted: bool

    @property
    def tier(self) -> Tier:
        """Where it is shown."""
        return Tier.FAILED if self.status is Status.FAILED else Tier.WARNED if self.warnings else Tier.OTHER


def record(result: ItemResult) -> Record:
    """What is shown of a result; a few hundred bytes, whatever the result holds."""
    item, failure, outcome = result.item, result.failure, result.outcome
    sources = tuple(result.sources) or item.job.spec.sources
    written = result.status in (Status.DONE, Status.COPIED, Status.CURRENT)
    warnings = () if outcome is None else outcome.warnings
    lines = [_clipped(text) for text in warnings[:_WARNINGS]]
    if len(warnings) > _WARNINGS:
        lines.append(f"and {len(warnings) - _WARNINGS} more")
    more = f" and {len(sources) - 1} more" if len(sources) > 1 else ""
    return Record(
        number=item.number, status=result.status, name=target_name(item),
        source=shown(sources[0]) + more if sources else "", source_path=_local(sources[0]) if sources else None,
        target_path=_local(item.job.target), result_path=_local(item.job.output) if written else None,
        result=shown(item.job.output) if written else None, facts=_facts(result),
        message="" if failure is None else _clipped(f"{failure.type}: {failure.message}"), warnings=tuple(lines),
        trusted=failure is None or failure.type in _OPENED)


@dataclass(slots=True)
class Shelf:
    """The records of the items that are shown.

    Attributes:
        limit: How many.
        totals: Items of each status, shown or not.
        warned: Items with warnings, shown or not.
    """

    limit: int
    totals: Counter[Status] = field(default_factory=Counter)
    warned: int = 0
    _tiers: dict[Tier, list[tuple[int, int, Record]]] = field(default_factory=lambda: {tier: [] for tier in Tier})

    def add(self, result: ItemResult) -> None:
        """Keep a result, or count it alone: of each tier the first ones of the plan stay."""
        entry = record(result)
        self.totals[result.status] += 1
        self.warned += bool(entry.warnings)
        kept = self._tiers[entry.tier]
        place = (-entry.number, -self.totals.total(), entry)  # the second for plans that number two items alike
        if len(kept) < self.limit:
            heapq.heappush(kept, place)
        elif kept:
            heapq.heappushpop(kept, place)

    def shown(self) -> dict[Tier, Sequence[Record]]:
        """The records to show, `limit` in all, each tier in the order of the plan."""
        room = self.limit
        found: dict[Tier, Sequence[Record]] = {}
        for tier in Tier:
            records = [place[-1] for place in sorted(self._tiers[tier], reverse=True)][:room]
            room -= len(records)
            found[tier] = records
        return found


def _facts(result: ItemResult) -> str:
    outcome = result.outcome
    parts = []
    if outcome is not None:
        faces = outcome.faces_swapped
        parts.append(f"{counted(faces, 'face')} swapped" if faces else "no face swapped")
        if outcome.frames > 1:
            parts.append(f"in {outcome.frames_swapped:,} of {counted(outcome.frames, 'frame')}")
    text = " ".join(parts)
    times = [show_seconds(result.seconds)] if ran(result) else []
    tries = [f"{result.attempts} attempts"] if result.attempts > 1 else []
    return ", ".join([*([text] if text else []), *times, *tries])


def _local(spec: str) -> Path | None:
    return None if is_url(spec) or spec in ("", "-") else Path(spec)


def _clipped(text: str) -> str:
    text = one_line(text)
    return text if len(text) <= _TEXT else text[:_TEXT - 3] + "..."
