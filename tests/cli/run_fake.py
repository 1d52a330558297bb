"""The command line over a fake backend: `python run_fake.py BrightSquares swap a.png b.png -o c.png`."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import fakes

from faceswap_cli.cli.app import main
from faceswap_cli.jobs import backend

TESTS = Path(__file__).parents[1]


def open_fake(options):
    return fakes.BACKENDS[name](options, notes=("a note on the engine",))


def hire_fakes():
    """Have the worker processes of a batch take the fake backend too."""
    from faceswap_cli.batch.executors import local

    path = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(TESTS), str(TESTS / "cli"), *([path] if path else [])])
    os.environ["TEST_FACESWAP_BACKEND"] = name
    local.LocalExecutor = partial(local.LocalExecutor, worker="fake_worker:FakeWorker")


if __name__ == "__main__":
    name = sys.argv[1]
    del sys.argv[1]
    backend.open_backend = backend.open_finder = open_fake
    if "batch" in sys.argv[1:2]:
        hire_fakes()
    sys.exit(main())
