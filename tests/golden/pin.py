"""Pins anew what the golden tests compare with: `python tests/golden/pin.py`.

For a change that is meant: the commit that holds the new files says which outputs, texts or keys change, and why.
Arguments go to pytest, e.g. `-k help`: only what these tests pin is written; without any, all that is pinned is
removed first, so that nothing stays that no test asks for.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

GOLDEN = Path(__file__).resolve().parent

if __name__ == "__main__":
    if not sys.argv[1:]:
        shutil.rmtree(GOLDEN / "expected", ignore_errors=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", str(GOLDEN), *sys.argv[1:]]
    env = os.environ | {"GOLDEN_PIN": "1"}
    sys.exit(subprocess.run(command, cwd=GOLDEN.parents[1], env=env, check=False).returncode)
