"""The worker of `run_rough.py`: that of a batch, which notes what it begins and ends."""

from __future__ import annotations

import os

import rough_backends

from faceswap_cli.batch.items import Item, ItemResult
from faceswap_cli.batch.worker import Worker
from faceswap_cli.jobs.backend import open_backend


class RoughWorker(Worker):
    def __init__(self, threads: int | None = None) -> None:
        name = os.environ["STRESS_BACKEND"]
        super().__init__(threads, open_backend=rough_backends.BACKENDS[name] if name else open_backend)
        self._steps = os.open(os.environ["STRESS_STEPS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)

    def run(self, item: Item) -> ItemResult:
        os.write(self._steps, os.fsencode(f"begun {item.key}\n"))
        result = super().run(item)
        os.write(self._steps, os.fsencode(f"ended {item.key}\n"))
        return result
