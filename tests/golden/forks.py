"""Runs command lines, given as JSON on standard input, each in a fork of this process; tells what they told as JSON.

What takes long to import is imported once, before the forks.
"""

from __future__ import annotations

import json
import os
import re
import runpy
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

LONG = ("faceswap_cli", "typer", "rich", "numpy", "cv2", "PIL", "httpx", "av")


def load() -> None:
    """Import what a swap does, as Python tells of one."""
    swap = [sys.executable, "-X", "importtime", "-m", "faceswap_cli", "swap", "none.png", "none.png", "-o", "out.png"]
    told = subprocess.run(swap, capture_output=True, encoding="utf-8", check=False).stderr
    for name in ("cv2", "av", "httpx", *re.findall(r"^import time:.*\| +(\S+)$", told, re.MULTILINE)):
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
        if child == 0:  # and ends as Python ends
            with open(os.devnull, "rb") as nothing:  # noqa: PTH123
                for number, file in enumerate((nothing, out, err)):
                    os.dup2(file.fileno(), number)
            become(asked["command"], asked["folder"], asked["environment"])
            sys.exit()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        for file in (out, err):
            file.seek(0)
        return {"code": code, "stdout": out.read().decode(), "stderr": err.read().decode()}


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    load()
    json.dump([told(one) for one in asked], sys.stdout)
