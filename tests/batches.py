"""Small batches for tests: items over real files, and executors that are fakes but real parts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from job_records import altered

from faceswap_cli.batch.executors.base import Executor
from faceswap_cli.batch.items import Failure, FailureKind, Item, ItemResult, Status
from faceswap_cli.engine.outcome import FaceOutcome
from faceswap_cli.errors import InputError, NoFaceError
from faceswap_cli.faces.face import Box, Gender, Pose
from faceswap_cli.jobs.job import Outcome, OutputInfo, SwapJob, SwapSpec, Timings
from faceswap_cli.jobs.resume.stamps import stamp_sources, stamp_target, take_stamp
from faceswap_cli.options import EngineOptions

MODELS = {"squares": "0" * 64, "faceswap": "1"}


def models(options: EngineOptions) -> dict[str, str]:
    return MODELS


class Tree:
    """A folder with a source, targets and a folder of outputs."""

    def __init__(self, root: Path, count: int = 0) -> None:
        self.source = root / "me.jpg"
        self.targets = root / "in"
        self.outputs = root / "out"
        self.source.write_bytes(b"me")
        for folder in (self.targets, self.outputs):
            folder.mkdir()
        for number in range(count):
            self.target(f"{number}.jpg")

    def target(self, name: str, content: bytes | None = None) -> Path:
        path = self.targets / name
        path.write_bytes(name.encode("utf-8", "surrogateescape") if content is None else content)
        return path

    def item(self, name: str, number: int = 0, **changes: Any) -> Item:
        job = SwapJob(spec=SwapSpec(sources=(str(self.source),)), target=str(self.targets / name),
                      output=str(self.outputs / name))
        return Item(number=number, key=name, job=altered(job, **changes), name=name)

    def items(self, **changes: object) -> list[Item]:
        names = sorted((path.name for path in self.targets.iterdir()), key=lambda name: (len(name), name))
        return [self.item(name, number, **changes) for number, name in enumerate(names)]

    def written(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted(self.outputs.iterdir()) if path.name[0] != "."}


def face() -> FaceOutcome:
    return FaceOutcome(frame=0, index=1, swapped=True, source=0, source_picture="me.jpg",
                       box=Box(1.234, 2.0, 30.0, 40.5), score=0.98765, pose=Pose(1.0, -2.0, 0.5), gender=Gender.FEMALE,
                       gender_probability=float("nan"))


def swap(item: Item) -> ItemResult:
    """Writes target + source. A target that holds `bad` cannot be read, one that holds `nobody` shows no face."""
    job = item.job
    found = stamp_target(job.target)
    sources = stamp_sources(job.spec.sources, {})
    try:
        if found is None:
            raise InputError(f"{job.target}: there is no such file")
        content = Path(job.target).read_bytes()
        if b"bad" in content:
            raise InputError(f"{job.target} is damaged")
        if b"nobody" in content:
            if job.spec.on_no_face == "skip":
                return ItemResult(item=item, status=Status.SKIPPED, target=found, sources=sources, models=MODELS)
            raise NoFaceError(f"no face found in {job.target}")
    except (InputError, NoFaceError) as error:
        return ItemResult(item=item, status=Status.FAILED,
                          failure=Failure(FailureKind(type(error).__name__), str(error), error.exit_code), target=found,
                          sources=sources, models=MODELS)
    output = Path(job.output)
    if output.exists() and not job.overwrite:
        failure = Failure(FailureKind.USAGE, f"{output} exists")
        return ItemResult(item=item, status=Status.FAILED, failure=failure, target=found)
    output.write_bytes(content + Path(job.spec.sources[0]).read_bytes())
    info = OutputInfo(path=job.output, format="jpeg", width=1, height=1, frames=1, duration=0.0, loop=None,
                      bytes=output.stat().st_size)
    outcome = Outcome(spec=job.spec, target=job.target, output=info,
                      engine={"engine": "fake", "restorer": None}, frames=1, frames_swapped=1, frames_without_face=0,
                      faces_swapped=1, faces=(face(),), warnings=("looks odd",), timings=Timings(total=0.5))
    return ItemResult(item=item, status=Status.DONE, outcome=outcome, seconds=0.5, worker=0, target=found,
                      sources=sources, output=take_stamp(output), models=MODELS)


class FakeExecutor(Executor):
    """Runs items in the caller's thread, `workers` at a time.

    Attributes:
        ran: Keys of the items that were run.
        most: Most items that were taken and not yet told of.
    """

    def __init__(self, work: Callable[[Item], ItemResult] = swap, workers: int = 1, *, backwards: bool = False,
                 slow: frozenset[str] = frozenset(), loses: frozenset[str] = frozenset()) -> None:
        """What it does.

        Args:
            work: Does an item.
            workers: Items taken ahead.
            backwards: What was taken last is told first.
            slow: Keys of items that finish only when nothing else runs.
            loses: Keys of items that are never told of, as a good executor never does.
        """
        self.work = work
        self.workers = workers
        self.backwards = backwards
        self.slow = slow
        self.loses = loses
        self.ran: list[str] = []
        self.passes = 0
        self.stopped = False
        self.closed = False

    def run(self, items: Iterator[Item]) -> Iterator[ItemResult]:
        self.passes += 1
        taken: list[Item] = []
        while True:
            while len(taken) < self.workers and not self.stopped:
                item = next(items, None)
                if item is None:
                    break
                taken.append(item)
            if not taken:
                return
            able = [item for item in taken if item.key not in self.slow]
            item = (able or taken)[-1 if self.backwards else 0]
            taken.remove(item)
            self.ran.append(item.key)
            if item.key not in self.loses:
                yield self.work(item)

    def stop(self) -> None:
        self.stopped = True

    def close(self) -> None:
        self.closed = True


class ThreadedExecutor(FakeExecutor):
    """Takes items in a thread of its own, which the interface allows, and runs them there."""

    def run(self, items: Iterator[Item]) -> Iterator[ItemResult]:
        self.passes += 1
        results: SimpleQueue[ItemResult | None] = SimpleQueue()

        def take() -> None:
            for item in items:
                self.ran.append(item.key)
                results.put(self.work(item))
                if self.stopped:
                    break
            results.put(None)

        thread = threading.Thread(target=take)
        thread.start()
        while (result := results.get()) is not None:
            yield result
        thread.join()
