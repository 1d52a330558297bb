"""Runs items in worker processes of this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator

from faceswap_cli.batch.executors.attempts import WORKER
from faceswap_cli.batch.executors.base import Executor
from faceswap_cli.batch.executors.messages import WorkerSetup
from faceswap_cli.batch.executors.resident_memory import check_measurable
from faceswap_cli.batch.executors.scratch import sweep
from faceswap_cli.batch.executors.supervisor import Supervisor
from faceswap_cli.batch.executors.table import Assignment, ExecutorOptions, Limits
from faceswap_cli.batch.items import Item, ItemResult
from faceswap_cli.errors import UsageError
from faceswap_cli.models.spec import ModelRole
from faceswap_cli.options import EngineName, EngineOptions, MaskKind, Provider
from faceswap_cli.runtime.cores import core_count
from faceswap_cli.runtime.machine import free_memory
from faceswap_cli.text import opt

_EMBEDDED_BYTES = 200 * 2**20
"""Resident memory of a worker with the embedded engine and a picture of usual size."""

_NEURAL_BYTES = 400 * 2**20
"""Likewise for the neural engine, beside its models."""

_MODEL_FACTOR = 2.0
"""Resident bytes for each byte of a model's file: as it is read, and as ONNX Runtime or a rewrite arranges it."""

_MEMORY_SHARE = 0.8
"""Of what is free; large pictures take more than usual ones."""


class LocalExecutor(Executor):
    """Worker processes under a supervisor.

    Workers are started when there are items for them, and end with this process, however it ends.
    """

    def __init__(self, workers: int, limits: Limits | None = None, threads: int | None = None,
                 worker: str = WORKER) -> None:
        """Nothing is started yet.

        Args:
            workers: Most processes at a time, at least 1.
            limits: What one item may cost, the loading of models for the first of a worker included.
            threads: Cores for each worker; None: an equal share.
            worker: `module:Class` of what does the items: made with `threads=`, then `run(item)` is called for each.

        Raises:
            UsageError: No workers, or a limit that this system cannot watch over.
        """
        if workers < 1:
            raise UsageError(f"{opt('workers', workers)} must be at least 1")
        self._workers = workers
        self._limits = limits or Limits()
        if self._limits.memory is not None:
            check_measurable()
        self._setup = WorkerSetup(worker, threads or max(1, core_count() // workers), os.getpid())
        self._supervisor: Supervisor | None = None
        self._stopped = False

    def run(self, items: Iterator[Item]) -> Iterator[ItemResult]:
        """See `base.Executor`.

        Raises:
            FaceswapError: Worker processes do not start.
            OutputError: There is no place for temporary files.
        """
        self._supervisor = Supervisor(self._workers, self._limits, self._setup)
        if not self._stopped:  # looked at last, for it may change at any time
            yield from self._supervisor.run(items)

    def stop(self) -> None:
        """See `base.Executor`."""
        self._stopped = True
        if self._supervisor is not None:
            self._supervisor.stop()

    def close(self) -> None:
        """See `base.Executor`."""
        self._stopped = True
        if self._supervisor is not None:
            self._supervisor.close()
        else:  # nothing was to be done; what a killed run has left goes all the same
            sweep()


def make_local(options: ExecutorOptions, batch: Assignment) -> LocalExecutor:
    """As many workers as are asked for, or fit; never more than there are items, for each would get fewer threads."""
    workers = options.workers or auto_workers(batch.request.spec.engine, core_count(), free_memory())
    return LocalExecutor(max(1, workers if batch.items is None else min(workers, batch.items)), options.limits,
                         options.threads)


def auto_workers(engine: EngineOptions, cores: int, free_memory: int | None) -> int:
    """How many workers a batch is best done by: one for each core, as far as memory allows, at least one.

    Args:
        engine: What they will run. A GPU is shared by nobody: one worker.
        cores: That they may take.
        free_memory: Bytes; None: not known, as on systems where memory is seldom short.
    """
    if engine.runtime.provider not in (Provider.AUTO, Provider.CPU):
        return 1
    if free_memory is None:
        return max(1, cores)
    return max(1, min(cores, int(free_memory * _MEMORY_SHARE) // _worker_bytes(engine)))


def _worker_bytes(engine: EngineOptions) -> int:
    """Memory that one worker takes."""
    if engine.engine is EngineName.EMBEDDED:
        return _EMBEDDED_BYTES
    from faceswap_cli.engine.neural import has_full_set, models_folder

    store = models_folder(engine)
    if engine.engine is EngineName.AUTO and not has_full_set(store):
        return _EMBEDDED_BYTES
    roles = {ModelRole.DETECTOR: engine.detector.model, ModelRole.RECOGNISER: None, ModelRole.ATTRIBUTES: None,
             ModelRole.SWAPPER: engine.swap.model}
    if engine.restore.model is not None or engine.restore.if_available:
        roles[ModelRole.RESTORER] = engine.restore.model
    if MaskKind.OCCLUSION in engine.swap.masks:
        roles[ModelRole.MASK] = None
    size = 0
    for role, name in roles.items():
        specs = [spec for spec in store.installed(role) if name is None or spec.id == name]
        size += sum(store.location(spec).stat().st_size for spec in specs[:1])
    return _NEURAL_BYTES + int(size * _MODEL_FACTOR)
