"""The command line over a fake backend: `python run_fake.py BrightSquares swap a.png b.png -o c.png`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import fakes

from faceswap_cli.cli.app import main
from faceswap_cli.jobs import backend


def open_fake(options):
    return fakes.BACKENDS[name](options, notes=("a note on the engine",))


if __name__ == "__main__":
    name = sys.argv[1]
    backend.open_backend = backend.open_finder = open_fake
    sys.exit(main(sys.argv[2:]))
