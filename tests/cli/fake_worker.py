"""The worker of `run_fake.py`: that of a batch, over a fake backend. Started by name in processes of its own."""

from __future__ import annotations

import os

import fakes

from faceswap_cli.batch.worker import Worker


class FakeWorker(Worker):
    def __init__(self, threads: int | None = None) -> None:
        super().__init__(threads, open_backend=fakes.BACKENDS[os.environ["TEST_FACESWAP_BACKEND"]])
