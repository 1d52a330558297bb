"""Runs command lines, given as JSON on standard input, each in a fork of this process; tells what they told as JSON.

What takes long to import is imported once, before the forks.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import runpy
import subprocess
import sys
import tempfile
import traceback
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]
LONG = ("faceswap_cli", "fakes", "typer", "rich", "numpy", "cv2", "PIL", "httpx", "av")


def load() -> None:
    """Import what a swap does, with the real parts and the fakes, as Python tells of one."""
    sys.path.insert(0, str(TESTS))
    swap = ["swap", str(TESTS.parent / "assets" / "man-1.jpg"), "none.png", "-o", "none.png", "--dry-run", "--quiet"]
    fake = [sys.executable, "-X", "importtime", str(TESTS / "cli" / "run_fake.py"), "BrightSquares", *swap]
    told = subprocess.run(fake, capture_output=True, encoding="utf-8", check=False).stderr
    for name in ("httpx", "av", *re.findall(r"^import time:.*\| +(\S+)$", told, re.MULTILINE)):
        if name.partition(".")[0] in LONG and not name.endswith("__main__"):
            with suppress(ImportError):  # some are only looked for
                import_module(name)


def become(command: list[str], folder: str, environment: dict[str, str]) -> None:
    """Run as `python COMMAND` in this process."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    if command[0] == "-m":
        sys.argv = command[1:]
        runpy.run_module(command[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = command
        sys.path.insert(0, str(Path(command[0]).parent))
        runpy.run_path(command[0], run_name="__main__")


def told(asked: dict[str, Any]) -> dict[str, Any]:
    """The exit code and streams of one run."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:  # and ends as Python ends, but for taking apart all that is loaded, which takes longest
            with open(os.devnull, "rb") as nothing:  # noqa: PTH123
                for number, file in enumerate((nothing, out, err)):
                    os.dup2(file.fileno(), number)
            code: Any = 0
            try:
                become(asked["command"], asked["folder"], asked["environment"])
            except SystemExit as ended:
                code = ended.code
            except BaseException:
                traceback.print_exc()
                code = 1
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code or 0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        for file in (out, err):
            file.seek(0)
        return {"code": code, "stdout": out.read().decode(), "stderr": err.read().decode()}


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    load()
    json.dump([told(one) for one in asked], sys.stdout)
