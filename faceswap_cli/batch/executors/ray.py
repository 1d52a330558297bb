"""Runs items in a Ray cluster: actors of Ray Core, each with a worker, that are given one item after the other."""

from __future__ import annotations

import contextlib
import os
import queue
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import faceswap_cli
from faceswap_cli.batch.executors.attempts import (
    START_SECONDS,
    WORKER,
    Attempt,
    died,
    shown,
    too_large,
    too_long,
    unexpected,
)
from faceswap_cli.batch.executors.base import Executor
from faceswap_cli.batch.executors.feeder import Exhausted, Fed, Feeder
from faceswap_cli.batch.executors.ray_actor import ActorSetup, Greeting, RayActor
from faceswap_cli.batch.executors.ray_cluster import Cluster, share
from faceswap_cli.batch.executors.table import Assignment, ExecutorOptions, Limits
from faceswap_cli.batch.items import Failure, FailureKind, Item, ItemResult, Status
from faceswap_cli.errors import ExitCode, FaceswapError, UsageError
from faceswap_cli.jobs.job import STDOUT, SwapJob
from faceswap_cli.names import is_url
from faceswap_cli.text import opt

_STARTS = 3
"""Actors in a row that may fail to start before there is no point in going on."""

_KILL_SECONDS = 10.0
"""Longest time that a killed actor is waited for."""

_POLL_SECONDS = 0.2
"""How often to look whether to stop, and whether a limit is passed."""

_FEED_SECONDS = 0.01
"""Likewise while an item is on its way from the iterator to an actor that waits for it."""


class RayExecutor(Executor):
    """Actors in a cluster.

    Every node has the same version of this package, and the models. Names of files mean the same on every node: they
    lie in a folder that all share, or are URLs. Actors end with this process, however it ends.
    """

    def __init__(self, workers: int | None = None, limits: Limits | None = None, threads: int | None = None, *,
                 address: str | None = None, num_gpus: float | None = None, worker: str = WORKER) -> None:
        """Nothing is started, and no cluster joined.

        Args:
            workers: Most actors at a time; None: as many as fit into the cluster.
            limits: What one item may cost, the loading of models for the first of an actor included.
            threads: Cores for each actor; None: one if `workers` is None, else an equal share.
            address: Of the cluster: `host:port` or `auto`; None: `RAY_ADDRESS`, or a cluster on this machine, or a new
                one of this machine alone.
            num_gpus: GPUs for each actor; a part of one is shared with others. None: none.
            worker: `module:Class` of what does the items: made with `threads=`, then `run(item)` is called for each.

        Raises:
            UsageError: No workers, or a number of GPUs that cannot be.
        """
        if workers is not None and workers < 1:
            raise UsageError(f"{opt('workers', workers)} must be at least 1")
        gpus = num_gpus or 0.0
        if gpus < 0 or (gpus > 1 and gpus != int(gpus)):
            raise UsageError(f"{opt('num-gpus')} {gpus:g} must be a part of 1, or a whole number")
        self._workers = workers
        self._limits = limits or Limits()
        self._threads = threads
        self._address = address
        self._gpus = gpus
        self._worker = worker
        self._run: _Run | None = None
        self._stopped = False
        self._closed = False

    def run(self, items: Iterator[Item]) -> Iterator[ItemResult]:
        """See `base.Executor`.

        Raises:
            MissingDependencyError: Ray is not installed.
            UsageError: There is no such cluster, or it has not what a worker asks for.
            FaceswapError: Actors do not start.
        """
        if self._stopped:
            return
        cluster = Cluster(self._address)
        try:
            workers, threads = share(cluster.nodes(), self._workers, self._threads, self._gpus)
            environment = {name: value for name, value in os.environ.items() if name.startswith("FACESWAP_")}
            setup = ActorSetup(self._worker, threads, str(Path.cwd()), environment)
            self._run = _Run(cluster.ray, workers, self._limits, setup, self._gpus)
            self._run.closed, self._run.stopping = self._closed, self._stopped  # they may change at any time
            yield from self._run.results(items)
        finally:
            cluster.leave()

    def stop(self) -> None:
        """See `base.Executor`."""
        self._stopped = True
        if self._run is not None:
            self._run.stopping = True

    def close(self) -> None:
        """See `base.Executor`. Actors are killed as soon as the thread that takes results comes to it."""
        self._stopped = self._closed = True
        if self._run is not None:
            self._run.closed = True


def make_ray(options: ExecutorOptions, batch: Assignment) -> RayExecutor:
    """As many actors as are asked for, or fit."""
    return RayExecutor(options.workers, options.limits, options.threads, address=options.address,
                       num_gpus=options.num_gpus)


@dataclass(slots=True, eq=False, kw_only=True)
class _Actor:
    """What is known of an actor.

    Attributes:
        number: From 0.
        handle: Ray's.
        starting: The reference to its greeting, until it came.
        greeting: What it said.
        excess: The reference to the bytes by which it passes its limit; None: there is none.
        task: The reference to the result of what it does.
        attempt: What it does.
        begun: When it began that.
    """

    number: int
    handle: Any
    starting: Any
    greeting: Greeting | None = None
    excess: Any = None
    task: Any = None
    attempt: Attempt | None = None
    begun: float = 0.0


class _Run:
    """One run over some items, in the thread that takes the results."""

    def __init__(self, ray: Any, workers: int, limits: Limits, setup: ActorSetup, gpus: float) -> None:
        self.stopping = False
        self.closed = False
        self._ray = ray
        self._number = workers
        self._limits = limits
        self._setup = setup
        self._gpus = gpus
        # Neither restarted nor retried by Ray: how often an item was tried is to be known.
        options = ray.remote(num_cpus=setup.threads, num_gpus=gpus, max_restarts=0, max_task_retries=0,
                             concurrency_groups={"watch": 1})
        self._class = options(RayActor)
        self._actors: list[_Actor] = []
        self._waiting: deque[Attempt] = deque()
        self._events: queue.SimpleQueue[Fed | Exhausted] = queue.SimpleQueue()
        self._asked = 0
        self._exhausted: Exhausted | None = None
        self._failed_starts = 0
        self._start = time.monotonic()
        self._results: deque[ItemResult] = deque()
        self._elsewhere: set[str] = set()

    def results(self, items: Iterator[Item]) -> Iterator[ItemResult]:
        """Results as in `Executor.run`; all actors have ended when it ends."""
        try:
            with contextlib.closing(Feeder(items, self._events.put)) as feeder:
                while not self._is_done():
                    self._step(feeder)
                    while self._results and not self.closed:
                        yield self._results.popleft()
        finally:
            for actor in list(self._actors):
                self._kill(actor)
        if self._exhausted is not None and self._exhausted.error is not None and not (self.stopping or self.closed):
            raise self._exhausted.error

    def _is_done(self) -> bool:
        if self.closed:
            return True
        if any(actor.attempt is not None for actor in self._actors):
            return False
        return self.stopping or (self._exhausted is not None and not self._waiting)

    def _step(self, feeder: Feeder) -> None:
        if self.stopping:
            self._waiting.clear()
        else:
            self._give_out()
            self._ask(feeder)
        self._listen()
        self._check_limits()

    # What goes to the actors

    def _give_out(self) -> None:
        idle = [actor for actor in self._actors if actor.greeting is not None and actor.attempt is None]
        for actor in idle:
            if self._waiting:
                self._send(actor, self._waiting.popleft())
        starting = sum(actor.greeting is None for actor in self._actors)
        while len(self._waiting) > starting and len(self._actors) < self._number:
            taken = {actor.number for actor in self._actors}
            number = next(number for number in range(self._number) if number not in taken)
            handle = self._class.remote(self._setup)
            self._actors.append(_Actor(number=number, handle=handle, starting=handle.greet.remote()))
            starting += 1

    def _send(self, actor: _Actor, attempt: Attempt) -> None:
        assert actor.greeting is not None
        item = attempt.item
        if not actor.greeting.same_folder and (relative := _relative_name(item.job)) is not None:
            message = (f"{shown(item)}: {actor.greeting.node} has no folder {self._setup.folder} that {relative} could "
                       "be in; name files by URLs, or in a folder that all nodes share")
            failure = Failure(FailureKind.INPUT, message, ExitCode.INPUT)
            self._results.append(ItemResult(item=item, status=Status.FAILED, failure=failure, worker=actor.number))
            return
        actor.attempt, actor.begun = attempt, time.monotonic()
        actor.task = actor.handle.run.remote(attempt.begin())

    def _ask(self, feeder: Feeder) -> None:
        """As many items as can be begun."""
        busy = sum(actor.attempt is not None for actor in self._actors)
        if self._exhausted is None:
            for _ in range(self._number - busy - len(self._waiting) - self._asked):
                feeder.ask()
                self._asked += 1

    # What comes from them

    def _listen(self) -> None:
        """Wait for something to happen, not for long."""
        references = {actor.task: actor for actor in self._actors if actor.task is not None}
        references |= {actor.starting: actor for actor in self._actors if actor.starting is not None}
        references |= {actor.excess: actor for actor in self._actors if actor.excess is not None}
        if not references:
            self._take_fed(_POLL_SECONDS)
            return
        patience = _FEED_SECONDS if self._asked else _POLL_SECONDS
        ready, _ = self._ray.wait(list(references), num_returns=1, timeout=patience)
        for reference in ready:
            actor = references[reference]
            if reference == actor.task:
                self._take_result(actor)
            elif reference == actor.starting:
                self._take_greeting(actor)
            else:
                self._take_excess(actor)
        self._take_fed(0)

    def _take_fed(self, patience: float) -> None:
        with contextlib.suppress(queue.Empty):
            event = self._events.get(timeout=patience) if patience else self._events.get_nowait()
            while True:
                match event:
                    case Fed(item):
                        self._asked -= 1
                        self._waiting.append(Attempt(item))
                    case Exhausted():
                        self._exhausted, self._asked = event, 0
                event = self._events.get_nowait()

    def _take_greeting(self, actor: _Actor) -> None:
        try:
            greeting: Greeting = self._ray.get(actor.starting)
        except Exception as error:
            self._kill(actor)
            self._failed_starts += 1
            if self._failed_starts >= _STARTS or not self._is_death(error):
                raise FaceswapError(f"workers do not start in the Ray cluster ({_reason(error)})",
                                    advice="is faceswap-cli installed on every node?") from error
            return
        if greeting.version != faceswap_cli.__version__:
            raise FaceswapError(f"{greeting.node} has faceswap-cli {greeting.version}, here it is "
                                f"{faceswap_cli.__version__}",
                                advice="install the same on every node of the Ray cluster")
        self._failed_starts = 0
        actor.greeting, actor.starting = greeting, None
        if self._limits.memory is not None:
            watch = actor.handle.await_excess.options(concurrency_group="watch")
            actor.excess = watch.remote(self._limits.memory)

    def _take_result(self, actor: _Actor) -> None:
        attempt = actor.attempt
        assert attempt is not None
        try:
            result: ItemResult = self._ray.get(actor.task)
        except Exception as error:
            if self._is_death(error):
                self._lose(actor, died(attempt.item, f"the worker died ({_reason(error)})"))
                return
            result = unexpected(attempt.item, error, _reason(error))
        actor.task = actor.attempt = None
        self._tell(attempt, result, actor)

    def _take_excess(self, actor: _Actor) -> None:
        assert self._limits.memory is not None
        try:
            size = int(self._ray.get(actor.excess))
        except Exception:  # the actor is gone, which what it does tells too
            actor.excess = None
            return
        item = None if actor.attempt is None else actor.attempt.item
        self._condemn(actor, too_large(item, size, self._limits.memory))

    def _is_death(self, error: Exception) -> bool:
        """Whether an actor, its node or its answer is lost; other errors come from what it did."""
        kinds = self._ray.exceptions
        return isinstance(error, kinds.RayError) and not isinstance(error, kinds.RayTaskError)

    def _check_limits(self) -> None:
        now, limit = time.monotonic(), self._limits.seconds
        for actor in list(self._actors):
            if limit is not None and actor.attempt is not None and now - actor.begun > limit:
                self._condemn(actor, too_long(actor.attempt.item, limit))
        if self._actors and now - self._start > START_SECONDS and not any(actor.greeting for actor in self._actors):
            wanted = f"{self._setup.threads} cores" + (f" and {self._gpus:g} GPUs" if self._gpus else "")
            raise FaceswapError(f"no worker started in the Ray cluster within {START_SECONDS:g} s, each asking for "
                                f"{wanted} ({opt('threads')}, {opt('num-gpus')})",
                                advice="see `ray status` for what is free")

    def _condemn(self, actor: _Actor, failure: Failure) -> None:
        """Kill an actor that passed a limit, unless it was done with the item just then."""
        task = actor.task
        self._ray.kill(actor.handle, no_restart=True)
        if task is not None:  # its process is to be gone before the item is tried again
            self._ray.wait([task], timeout=_KILL_SECONDS)
            with contextlib.suppress(self._ray.exceptions.RayError):
                result: ItemResult = self._ray.get(task, timeout=0)
                attempt, actor.task, actor.attempt = actor.attempt, None, None
                assert attempt is not None
                self._tell(attempt, result, actor)
        self._lose(actor, failure)

    def _lose(self, actor: _Actor, failure: Failure) -> None:
        """An actor that is gone: what it did is tried once more, or has failed."""
        attempt, seconds = actor.attempt, time.monotonic() - actor.begun
        self._kill(actor)
        if attempt is None:
            return
        if attempt.lose():
            self._waiting.appendleft(attempt)
        else:
            self._results.append(attempt.failure(failure, actor.number, seconds))

    def _kill(self, actor: _Actor) -> None:
        with contextlib.suppress(Exception):  # it, or the connection, may be gone
            self._ray.kill(actor.handle, no_restart=True)
        self._actors.remove(actor)

    def _tell(self, attempt: Attempt, result: ItemResult, actor: _Actor) -> None:
        self._results.append(self._warned(attempt.result(result, actor.number), actor))

    def _warned(self, result: ItemResult, actor: _Actor) -> ItemResult:
        """The result, with a warning when a node is first found to write where it is not seen from here."""
        output, outcome, greeting = result.item.job.output, result.outcome, actor.greeting
        if (outcome is None or outcome.output is None or greeting is None or greeting.node in self._elsewhere
                or is_url(output) or output == STDOUT or os.path.lexists(output)):
            return result
        self._elsewhere.add(greeting.node)
        text = (f"{output} was written on {greeting.node} and is not seen here; give an output folder that all nodes "
                "share, or a URL")
        return replace(result, outcome=replace(outcome, warnings=(*outcome.warnings, text)))


def _relative_name(job: SwapJob) -> str | None:
    """A name of a file that counts from the current folder; None: there is none."""
    names = (*job.spec.pictures, job.target, job.output)
    return next((name for name in names if not is_url(name) and not Path(name).is_absolute()), None)


def _reason(error: Exception) -> str:
    """What Ray says went wrong, without the cluster's numbers for everything."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = next((line for line in lines if "is dead because" in line or "Worker exit detail" in line), None)
    text = told if told is not None else lines[-1] if lines else type(error).__name__
    text = text.rpartition("Worker exit detail: ")[2].partition(" Some common causes")[0]
    return text[:200].rstrip(". ")
