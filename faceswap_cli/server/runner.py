"""Does one request after the other: gets its pictures, swaps, and reports how it ended. One for each worker thread."""

from __future__ import annotations

import json
import logging
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from hashlib import file_digest
from pathlib import Path
from typing import TYPE_CHECKING

from faceswap_cli.errors import FaceswapError, InputError, NoFaceError, UsageError
from faceswap_cli.media.formats import HEAD_BYTES, sniff
from faceswap_cli.options import EngineOptions, MediaFormat
from faceswap_cli.recent import Recent
from faceswap_cli.runtime.cores import core_count
from faceswap_cli.segmind.schema import Slug, State
from faceswap_cli.server.failures import INTERNAL, TIMED_OUT, explain, in_api_words, renamed
from faceswap_cli.server.files import SUFFIXES, FileShelf
from faceswap_cli.server.intake import Intake
from faceswap_cli.server.options import ServerOptions
from faceswap_cli.server.page_request import read_stored
from faceswap_cli.server.store import Ending
from faceswap_cli.server.translate import NOT_RESTORED, SwapTask, translate

if TYPE_CHECKING:
    from faceswap_cli.jobs.backend import SwapBackend
    from faceswap_cli.jobs.job import Outcome, SwapSpec
    from faceswap_cli.jobs.swap import Prepared

BackendFactory = Callable[[EngineOptions], "SwapBackend"]

log = logging.getLogger("faceswap.serve")

_BACKENDS = 8
_SOURCES = 4
"""Each keeps the neighbourhood of a face, which may be a whole large picture."""

_WRITTEN = frozenset({MediaFormat.JPEG, MediaFormat.PNG, MediaFormat.WEBP, MediaFormat.GIF})
"""What a result may be where the target decides; for any other target it is PNG."""


class _TooLongError(Exception):
    """The time for one request is over."""


class Runner:
    """Swaps with backends of its own; used by one thread."""

    def __init__(self, options: ServerOptions, open_backend: BackendFactory, intake: Intake, shelf: FileShelf,
                 work: Path) -> None:
        """Nothing is opened yet."""
        self._options = options
        self._open_backend = open_backend
        self._intake = intake
        self._shelf = shelf
        self._work = work
        self._threads = max(1, core_count() // options.workers)
        self._backends: Recent[EngineOptions, SwapBackend] = Recent(_BACKENDS)
        self._sources: Recent[tuple[str, EngineOptions, int], Prepared] = Recent(_SOURCES)

    def run(self, request_id: str, slug: str, body: str) -> tuple[Ending, Path | None]:
        """Do what a request asks for.

        Args:
            request_id: For the log.
            slug: Model, or `PAGE`.
            body: JSON that was accepted.

        Returns:
            How it ended, and the file of the result, which is not kept yet. Never raises: what is not foreseen is
            logged, and the client reads that it is no fault of its own.
        """
        clock = _Stopwatch()
        names: dict[str, str] = {}
        output: list[Path] = []
        try:
            with tempfile.TemporaryDirectory(dir=self._work) as folder:
                task = translate(read_stored(slug, json.loads(body)), self._options)
                warnings = self._swap(task, Path(folder), names, output, clock)
            return Ending(state=State.COMPLETED, seconds=clock.seconds, file=output[0].name,
                          warnings=warnings), output[0]
        except _TooLongError:
            status, message = 504, TIMED_OUT
        except (InputError, NoFaceError, UsageError) as error:
            status, message = 400, explain(error, names)
        except FaceswapError as error:
            log.error("request %s: %s: %s", request_id, type(error).__name__, error)
            status, message = 500, f"{INTERNAL}: the engine of this server failed"
        except Exception:
            log.exception("request %s failed in a way that was not foreseen", request_id)
            status, message = 500, INTERNAL
        for path in output:
            path.unlink(missing_ok=True)
        return Ending(state=State.FAILED, seconds=clock.seconds, error=message, status=status), None

    def _swap(self, task: SwapTask, folder: Path, names: dict[str, str], output: list[Path],
              clock: _Stopwatch) -> tuple[str, ...]:
        """Fetch, prepare and swap; fills `names` and `output`, and returns what the client should know."""
        from faceswap_cli.jobs.job import SwapJob, SwapSpec
        from faceswap_cli.jobs.swap import swap_file

        source, target = folder / "source", folder / "target"
        names |= {str(source): task.source_field, str(target): task.target_field}
        self._intake.take(task.source, task.source_field, source)
        self._intake.take(task.target, task.target_field, target)
        with clock.running():
            kind = self._target_kind(task, target)
            output.append(self._shelf.new_path(SUFFIXES[kind]))
            job = SwapJob(spec=SwapSpec(sources=(str(source),), engine=task.engine, media=task.media),
                          target=str(target), output=str(output[0]))
            backend = self._backends.get_or_make(task.engine, lambda: self._open_backend(task.engine))
            prepared = self._prepare(job.spec, backend, source, task.source_field)
            outcome = swap_file(job, backend, self._check_time(clock), prepared=prepared, workers=self._threads)
        return self._warnings(task, backend, outcome, names)

    def _prepare(self, spec: SwapSpec, backend: SwapBackend, source: Path, name: str) -> Prepared:
        """The source, prepared once for as long as it is kept."""
        from faceswap_cli.jobs.swap import prepare_source

        def prepare() -> Prepared:
            prepared = prepare_source(spec, backend)
            return replace(prepared, warnings=tuple(renamed(text, {str(source): name}) for text in prepared.warnings))

        with source.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
        return self._sources.get_or_make((digest, spec.engine, spec.media.max_pixels), prepare)

    def _target_kind(self, task: SwapTask, target: Path) -> MediaFormat:
        """The format of the result."""
        from faceswap_cli.media.open import open_media

        with open_media(target, task.media, name=task.target_field) as reader:
            animated = reader.info.animated
        if task.stills_only and animated:
            raise InputError(f"{task.target_field} is an animation", advice=f"send it to {Slug.FACESWAPPER}")
        if task.format is not None and not animated:
            return task.format
        with target.open("rb") as file:
            kind = sniff(file.read(HEAD_BYTES))
        return kind if isinstance(kind, MediaFormat) and kind in _WRITTEN else MediaFormat.PNG

    def _check_time(self, clock: _Stopwatch) -> Callable[[int, int | None], None]:
        """Called after each frame: an animation may take only so long."""
        def check(done: int, total: int | None) -> None:
            if clock.seconds > self._options.job_seconds:
                raise _TooLongError

        return check

    def _warnings(self, task: SwapTask, backend: SwapBackend, outcome: Outcome,
                  names: dict[str, str]) -> tuple[str, ...]:
        found = [*task.warnings]
        if task.restore and backend.parts.get("restorer") is None:
            found.append(NOT_RESTORED)
        found += [renamed(in_api_words(text), names) for text in outcome.warnings]
        return tuple(dict.fromkeys(text for text in found if text))


class _Stopwatch:
    """Seconds of computing; fetching is none."""

    def __init__(self) -> None:
        self._start: float | None = None
        self._spent = 0.0

    @property
    def seconds(self) -> float:
        """So far."""
        running = 0.0 if self._start is None else time.perf_counter() - self._start
        return round(self._spent + running, 4)

    def running(self) -> _Stopwatch:
        """A context in which it runs."""
        return self

    def __enter__(self) -> None:
        self._start = time.perf_counter()

    def __exit__(self, *error: object) -> None:
        self._spent, self._start = self.seconds, None
