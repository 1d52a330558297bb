"""Measures: whole jobs from file to file through `swap_file`, warmed up, in rounds that alternate all that is compared.

A clip's rate is taken from when a quarter of its frames is done until the last one, so that what happens once (opening
models, starting helpers, writing the end of a file) does not count: it is the rate of a long clip. A still's is that of
the whole job, with a source that was prepared before, as in a batch.
"""

from __future__ import annotations

import math
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

from faceswap_cli.bench.records import BenchOptions, BenchReport, BenchRow, Media, Scene, Speed
from faceswap_cli.bench.scenes import write_clip, write_source, write_still
from faceswap_cli.engine.neural import FULL_SET, has_full_set, models_folder
from faceswap_cli.jobs.backend import SwapBackend, open_backend
from faceswap_cli.jobs.job import Outcome, SwapJob, SwapSpec
from faceswap_cli.jobs.resume.versions import pixel_versions
from faceswap_cli.jobs.swap import Prepared, prepare_source, swap_file
from faceswap_cli.models.spec import ModelRole
from faceswap_cli.options import EngineName, EngineOptions, RestoreOptions
from faceswap_cli.runtime.cores import core_count
from faceswap_cli.runtime.machine import busy_cores, processor_name, total_memory
from faceswap_cli.runtime.peak_memory import PeakMemory

OnStep = Callable[[int, int | None], None]
"""Called after each run with the number of runs done and, where known, of all runs."""

_WARM_FRAMES = 16
_FRAMES = 96
"""Of a clip: enough for what runs beside this process to get going. Fewer where frames take long."""
_LEAST_FRAMES = 24
_CLIP_SECONDS = 5.0
_MOST_ROUNDS = 25
_BUSY = 0.5
"""Cores that other programs may use before it is said."""
_UNEVEN = 0.25


@dataclass(frozen=True, slots=True)
class _Run:
    """What one run told: frames a second, milliseconds of each stage for a frame, bytes of memory."""

    rate: float
    stages: dict[str, float]
    memory: int | None


@dataclass(slots=True, kw_only=True)
class _Series:
    """The runs of one way of working on one scene.

    Attributes:
        backend: What swaps.
        workers: As for `swap_file`.
        restored: Whether `backend` restores too.
    """

    engine: str
    backend: SwapBackend
    prepared: Prepared
    scene: Scene
    workers: int
    restored: bool = False
    job: SwapJob | None = None
    frames: int = 1
    took: float = 0.0
    runs: list[_Run] = field(default_factory=list)

    def once(self, job: SwapJob) -> tuple[_Run, Outcome]:
        """Run a job once."""
        ticks: list[tuple[int, float]] = []
        began = time.perf_counter()
        with PeakMemory() as peak:
            outcome = swap_file(job, self.backend, lambda done, _: ticks.append((done, time.perf_counter())),
                                prepared=self.prepared, workers=self.workers)
        self.took = time.perf_counter() - began
        frames, times = outcome.frames, outcome.timings
        steady = [tick for tick in ticks if tick[0] >= max(1, frames // 4)]
        if self.scene.media is Media.CLIP and len(steady) > 1 and steady[-1][1] > steady[0][1]:
            rate = (steady[-1][0] - steady[0][0]) / (steady[-1][1] - steady[0][1])
        else:
            rate = frames / self.took
        reading = times.load + times.decode if self.scene.media is Media.STILL else times.decode
        stages = {"find": times.analyse, "swap": times.swap, "decode": reading, "encode": times.encode}
        return _Run(rate, {name: 1000 * seconds / frames for name, seconds in stages.items()}, peak.bytes), outcome


def run_bench(options: BenchOptions, on_step: OnStep | None = None) -> BenchReport:
    """Measure the engines.

    Args:
        options: Which, on what and for how long.
        on_step: Told about progress.

    Raises:
        ModelError: An engine that was named is not installed, or damaged.
        OutputError: The temporary folder cannot be written.
    """
    began = time.monotonic()
    notes: list[str] = []
    load = busy_cores()
    if load is not None and load > _BUSY:
        notes.append(f"other programs used {load:.1f} cores when this began: it is faster without them")
    done, total = 0, None

    def step() -> None:
        nonlocal done
        done += 1
        if on_step is not None:
            on_step(done, total)

    with tempfile.TemporaryDirectory(prefix="faceswap-bench-") as name:
        folder = Path(name)
        write_source(folder / "source.jpg")
        series = [one for engine in _engines(options, notes) for one in _series(engine, options, folder)]
        for one in series:
            _warm_up(one, folder)
            step()
        seconds = sum(one.took for one in series)
        rounds = options.rounds or max(1, min(_MOST_ROUNDS, math.floor(options.seconds / seconds)))
        total = done + len(series) * rounds
        for _ in range(rounds):
            for one in series:
                assert one.job is not None
                one.runs.append(one.once(one.job)[0])
                step()
    rows = tuple(_rows(series))
    _judge(rows, notes)
    for one in series:
        notes += one.backend.late_notes
    return BenchReport(processor=processor_name(), cores=core_count(), memory=total_memory(),
                       versions={"python": platform.python_version(), **pixel_versions()}, rows=rows,
                       notes=tuple(dict.fromkeys(notes)), seconds=time.monotonic() - began)


def _engines(options: BenchOptions, notes: list[str]) -> Iterator[EngineName]:
    """Those that are to be measured."""
    if options.engine is not EngineName.AUTO:
        yield options.engine
        return
    yield EngineName.EMBEDDED
    if has_full_set(models_folder(EngineOptions(models_folder=options.models_folder))):
        yield EngineName.NEURAL
    else:
        notes.append(f"the neural engine is not installed; for it: faceswap models pull {FULL_SET} --accept-license")


def _series(engine: EngineName, options: BenchOptions, folder: Path) -> Iterator[_Series]:
    """All that is measured of one engine: each scene by one worker and by all, and restored."""
    plain = EngineOptions(engine=engine, models_folder=options.models_folder)
    if engine is EngineName.NEURAL:
        plain = replace(plain, runtime=options.runtime)
    source = SwapSpec(sources=(str(folder / "source.jpg"),))
    backend = open_backend(plain)
    prepared = prepare_source(source, backend)
    cores = core_count()
    ways = [(backend, prepared, False)]
    restorers = models_folder(plain).installed(ModelRole.RESTORER) if engine is EngineName.NEURAL else ()
    if restorers:
        restoring = open_backend(replace(plain, restore=RestoreOptions(model=restorers[0].id)))
        ways.append((restoring, prepare_source(source, restoring), True))
    for scene in options.scenes:
        for way, ready, restored in ways:
            yield _Series(engine=engine.value, backend=way, prepared=ready, scene=scene, workers=1, restored=restored)
            if scene.media is Media.CLIP and cores > 1 and not restored:
                yield _Series(engine=engine.value, backend=way, prepared=ready, scene=scene, workers=cores)


def _warm_up(series: _Series, folder: Path) -> None:
    """Run it once, on a short clip; then decide how long the clip is that is measured on."""
    scene = series.scene
    suffix = "jpg" if scene.media is Media.STILL else "mp4"

    def job(frames: int) -> SwapJob:
        target = folder / f"{scene.media}-{scene.width}x{scene.height}-{frames}.{suffix}"
        if not target.exists():
            if scene.media is Media.STILL:
                write_still(target, scene.width, scene.height)
            else:
                write_clip(target, scene.width, scene.height, frames)
        return SwapJob(spec=SwapSpec(sources=(str(folder / "source.jpg"),)), target=str(target),
                       output=str(folder / f"out.{suffix}"), overwrite=True)

    frames = 1 if scene.media is Media.STILL else _WARM_FRAMES
    run, outcome = series.once(job(frames))
    if scene.media is Media.CLIP:
        frames = max(_LEAST_FRAMES, min(_FRAMES, math.floor(_CLIP_SECONDS * run.rate)))
        if not series.backend.heavy:
            frames = _FRAMES
    series.took *= frames / outcome.frames
    series.frames, series.job = frames, job(frames)


def _rows(series: Sequence[_Series]) -> Iterator[BenchRow]:
    """One row for each engine and scene."""
    for first in series:
        if first.workers != 1 or first.restored:
            continue
        same = [one for one in series if (one.engine, one.scene) == (first.engine, first.scene)]
        together = next((one for one in same if one.workers > 1), None)
        restored = next((one for one in same if one.restored), None)
        stages = {name: _stage(first, name) for name in ("find", "swap", "decode", "encode")}
        parts = dict((restored or first).backend.parts)
        restore = None if restored is None else max(0.0, _stage(restored, "swap") - stages["swap"])
        yield BenchRow(engine=first.engine, scene=first.scene, frames=first.frames, rounds=len(first.runs), **stages,
                  restore=restore, one=_speed(first), all=None if together is None else _speed(together), parts=parts)


def _stage(series: _Series, name: str) -> float:
    return median(run.stages[name] for run in series.runs)


def _speed(series: _Series) -> Speed:
    rates = [run.rate for run in series.runs]
    memory = [run.memory for run in series.runs if run.memory is not None]
    return Speed(workers=series.workers, rate=median(rates), slowest=min(rates), fastest=max(rates),
                 memory=max(memory, default=None))


def _judge(rows: Sequence[BenchRow], notes: list[str]) -> None:
    """Say what makes the numbers doubtful."""
    if any(row.rounds == 1 for row in rows):
        notes.append("measured once; more --seconds or --rounds give surer numbers")
    spread = max((speed.fastest / speed.slowest - 1 for row in rows for speed in (row.one, row.all)
                  if speed is not None), default=0.0)
    if spread > _UNEVEN:
        notes.append(f"rounds differ by up to {spread:.0%}: something else used the machine; the medians are shown")
