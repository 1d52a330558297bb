"""The command line over a fake backend: `python run_server.py Slow serve --port 0 ...`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import fakes

from faceswap_cli.cli.app import main
from faceswap_cli.jobs import backend

if __name__ == "__main__":
    backend.open_backend = fakes.BACKENDS[sys.argv[1]]
    sys.exit(main(sys.argv[2:]))
