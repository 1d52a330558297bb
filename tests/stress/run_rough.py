"""`faceswap batch` over workers that note their steps: `python run_rough.py batch me.png in -o out`.

STRESS_BACKEND names a fake backend, or is empty for the real one; STRESS_FILE_BYTES bounds the size
of files, as a full disk does.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

import rough_backends

from faceswap_cli.batch.executors import local
from faceswap_cli.cli.app import main
from faceswap_cli.jobs import backend

if __name__ == "__main__":
    if limit := os.environ.get("STRESS_FILE_BYTES"):
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    if name := os.environ["STRESS_BACKEND"]:
        backend.open_backend = rough_backends.BACKENDS[name]
    paths = [*sys.path[:2], *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    local.LocalExecutor = partial(local.LocalExecutor, worker="rough_worker:RoughWorker")
    sys.exit(main())
