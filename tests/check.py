"""The one command of all checks: `python tests/check.py`. For people, for pre-commit and for `.ci/run`.

Runs ruff, mypy and the tests with the Python that runs this file, each to its end, and fails when one of them did.
Arguments go to pytest: `-m "not slow"` runs those that take less than half a minute.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STEPS = {
    "ruff": ["ruff", "check", "."],
    "mypy": ["mypy"],
    # Last, so that its closing line is the last one of a good run. A process for each core; the tests of a file stay
    # together, for the fixtures they share.
    "pytest": ["pytest", "-n", "auto", "--dist", "loadfile"],
}


def main() -> int:
    failed = []
    for name, arguments in STEPS.items():
        extra = sys.argv[1:] if name == "pytest" else []
        print(f"-- {' '.join(['python -m', *arguments, *extra])}", flush=True)
        if subprocess.run([sys.executable, "-m", *arguments, *extra], cwd=ROOT, check=False).returncode:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
