"""Whether what an earlier run did still stands.

A file is unchanged if its size and time are; where they differ its content is compared, so that a copy or a `touch`
redoes nothing. Pictures count by content and order, not by name. Of files in object stores size and tag (ETag) count.
What lies behind http(s) counts as unchanged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from faceswap_cli.batch.entry import Entry
from faceswap_cli.batch.items import FINISHED, Item, ItemResult, Status
from faceswap_cli.errors import FaceswapError, InputError
from faceswap_cli.jobs.job import SwapJob
from faceswap_cli.jobs.resume.stamps import Stamp, StoreStamps, refresh_stamp, stamp_sources
from faceswap_cli.names import STDIN, Kind, is_url, kind_of
from faceswap_cli.options import EngineOptions

Models = Callable[[EngineOptions], dict[str, str]]
"""The `ItemResult.models` that a worker would report for these options now."""


def is_current(item: Item, entry: Entry, models: Models) -> bool:
    """Whether an item is done, and neither what its output depends on has changed, nor the output. See `Standing`."""
    return Standing(models).is_current(item, entry)


class Standing:
    """Compares entries with how things are now. What many items share is looked at once, and taken to stay so."""

    def __init__(self, models: Models) -> None:
        """Nothing is looked at yet.

        Args:
            models: Asked once for each options, and only where everything else is unchanged.
        """
        self._ask = models
        self._models: dict[EngineOptions, dict[str, str] | None] = {}
        self._sources: dict[tuple[str, ...], dict[str, Stamp] | None] = {}
        self._stored = StoreStamps()

    def is_current(self, item: Item, entry: Entry) -> bool:
        """Whether an item is done, and neither what its output depends on has changed, nor the output."""
        job = item.job
        return (entry.status in FINISHED and entry.options == job.spec.digest(job.target)
                and self._has_output(job, entry) and self._has_target(job, entry.input)
                and self._has_sources(job, entry) and entry.models == self._models_now(job.spec.engine))

    def is_failed(self, item: Item, entry: Entry) -> bool:
        """Whether an item failed for a reason that lies in itself, and nothing is known to have changed since."""
        job = item.job
        return (entry.status is Status.FAILED and entry.failure is not None and entry.failure.type.lasting
                and entry.options == job.spec.digest(job.target)
                and self._has_target(job, entry.input) and self._has_sources(job, entry)
                and (not entry.models or entry.models == self._models_now(job.spec.engine)))

    def complete(self, result: ItemResult) -> ItemResult:
        """A failed result with stamps of the inputs that its worker did not live to tell of.

        Without them a later run could not see that a picture that broke a worker was replaced. Of the target they are
        size and time alone: it is not read again for that.
        """
        job = result.item.job
        target, sources = result.target, result.sources
        if target is None and kind_of(job.target) is Kind.PATH:
            target = _glance(Path(job.target))
        return replace(result, target=target, sources=sources or self._sources_now(job, {}) or {})

    def _has_output(self, job: SwapJob, entry: Entry) -> bool:
        if entry.status is Status.SKIPPED:
            return True
        kind = kind_of(job.output)
        if kind is Kind.STORE:
            return entry.output is not None and self._is_same_stored(job.output, entry.output)
        if kind is Kind.URL:
            return True
        return kind is Kind.PATH and entry.output is not None and _is_same(Path(job.output), entry.output)

    def _has_target(self, job: SwapJob, stamp: Stamp | None) -> bool:
        kind = kind_of(job.target)
        if kind is Kind.STORE:
            return self._is_same_stored(job.target, stamp)
        if kind is Kind.URL:
            return True
        path = Path(job.target)
        if stamp is None:  # of a failed item: there was none
            return kind is Kind.PATH and _glance(path) is None
        return _is_same(path, stamp)

    def _has_sources(self, job: SwapJob, entry: Entry) -> bool:
        if STDIN in job.spec.pictures:
            return False
        then = [stamp for name, stamp in entry.sources if not is_url(name) or stamp.tag]
        now = self._sources_now(job, {name: stamp for name, stamp in entry.sources if stamp.sha256})
        if now is None:  # of a failed item: they could not be read then either
            return entry.status is Status.FAILED and not then
        return len(now) == len(then) and all(map(_agree, now.values(), then))

    def _sources_now(self, job: SwapJob, known: dict[str, Stamp]) -> dict[str, Stamp] | None:
        """None: they cannot be read."""
        pictures = job.spec.pictures
        if pictures not in self._sources:
            try:
                self._sources[pictures] = stamp_sources(pictures, known)
            except InputError:
                self._sources[pictures] = None
        return self._sources[pictures]

    def _is_same_stored(self, spec: str, then: Stamp | None) -> bool:
        """Whether a stored file is as it was; None: there was none. One that cannot be looked at is not."""
        try:
            now = self._stored.of(spec)
        except InputError:
            return False
        return now == then if now is None or then is None else (now.size, now.tag) == (then.size, then.tag)

    def _models_now(self, options: EngineOptions) -> dict[str, str] | None:
        """None: it cannot be known, because a model is missing; the item will tell."""
        if options not in self._models:
            try:
                self._models[options] = self._ask(options)
            except FaceswapError:
                self._models[options] = None
        return self._models[options]


def _is_same(path: Path, stamp: Stamp) -> bool:
    """Whether a file is as it was, read only where it may be: of another size it is not."""
    glance = _glance(path)
    if glance is None or glance.size != stamp.size:
        return False
    if glance.modified == stamp.modified:
        return True
    now = refresh_stamp(path, None) if stamp.sha256 else None
    return now is not None and now.sha256 == stamp.sha256


def _agree(now: Stamp, then: Stamp) -> bool:
    if not then.sha256:  # never read
        return (now.size, now.modified, now.tag) == (then.size, then.modified, then.tag)
    return now.sha256 == then.sha256


def _glance(path: Path) -> Stamp | None:
    """The stamp of a regular file as far as it goes without reading it; None: there is none."""
    try:
        if not path.is_file():
            return None
        status = path.stat()
    except (OSError, ValueError):
        return None
    return Stamp(status.st_size, status.st_mtime_ns, "")
