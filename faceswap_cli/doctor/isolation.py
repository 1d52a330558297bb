"""Checks in a process of their own, which may crash, hang and print as it likes.

The child is `python -m faceswap_cli.doctor JSON`, and serves group after group, so that packages are loaded once. It
reads JSON lines `[MODULE, FIRST]` and writes JSON lines: `{"begin": NUMBER}` before each check, then
`{"check": {...}}` for all that it found. When it dies, what it was at has failed, and another child goes on with the
next one.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from faceswap_cli.doctor.checks import Check, CheckState, DoctorOptions, fail
from faceswap_cli.doctor.looks import guarded, looks_of

SECONDS = 120.0
"""What one check may take; opening models of half a gigabyte and starting a GPU are the longest."""


class Apart:
    """Makes checks in a child process; a context manager, which ends it.

    Args:
        options: Handed over but for `remote`: nothing in a child goes over a network.
        seconds: After which a check that says nothing is ended.
    """

    def __init__(self, options: DoctorOptions, seconds: float = SECONDS) -> None:
        self._options = options
        self._seconds = seconds
        self._child: _Child | None = None

    def __enter__(self) -> Apart:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._child is not None:
            self._child.close()
            self._child = None

    def look(self, module: str) -> Iterator[Check]:
        """Make the checks of one module of `faceswap_cli.doctor`."""
        first, failed = 0, False
        while True:
            child = self._child = self._child or _Child(self._options, self._seconds)
            for check in child.checks(module, first):
                failed = failed or check.state is CheckState.FAIL
                yield check
            if child.finished and not failed:
                return
            self.__exit__()  # also where a package is half loaded: what is tried next has another error then
            if child.finished:
                return
            at = max(child.at, first)
            name = child.names[at] if at < len(child.names) else module
            yield fail(name, child.death(), _advice(name, module))
            first = at + 1
            if first >= len(child.names):
                return


class _Child:
    """One process that makes checks.

    Attributes:
        names: Of all checks of the module, told by the child itself.
        at: Number of the check that it was at last.
        finished: Whether it came to the end of the module.
    """

    def __init__(self, options: DoctorOptions, seconds: float) -> None:
        self._seconds = seconds
        self._timed_out = False
        debug = logging.getLogger().isEnabledFor(logging.DEBUG)
        given = {"options": {"verify": options.verify, "models_folder": options.models_folder}, "debug": debug}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "faceswap_cli.doctor", json.dumps(given)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=None if debug else subprocess.DEVNULL,
            env=os.environ | {"PYTHONIOENCODING": "utf-8"}, encoding="utf-8", errors="replace")

    def checks(self, module: str, first: int) -> Iterator[Check]:
        """What it finds from a check of the module on, as it finds it."""
        self.names: list[str] = []
        self.at = -1
        self.finished = False
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        watch = self._watch()
        try:
            with suppress(OSError):  # it died before it was asked
                process.stdin.write(json.dumps([module, first]) + "\n")
                process.stdin.flush()
            for line in process.stdout:
                said = _read(line)
                if "names" in said:
                    self.names = said["names"]
                elif "begin" in said:
                    self.at = said["begin"]
                    watch.cancel()
                    watch = self._watch()
                elif "check" in said:
                    yield Check(**{**said["check"], "state": CheckState(said["check"]["state"])})
                elif "end" in said:
                    self.finished = True
                    return
            process.wait()
        finally:
            watch.cancel()

    def close(self) -> None:
        """End it; what it ended with by itself is kept."""
        self._process.kill()
        with suppress(OSError), self._process:
            pass

    def death(self) -> str:
        """How it ended, where it did not come to the end."""
        if self._timed_out:
            return f"trying it did not come to an end within {self._seconds:.0f} s"
        code = self._process.returncode
        if code < 0:
            try:
                number = signal.Signals(-code)
            except ValueError:
                return f"trying it ended the process with signal {-code}"
            meaning = "perhaps for want of memory" if number == signal.SIGKILL else signal.strsignal(number)
            return f"trying it ended the process with {number.name}{f' ({meaning})' if meaning else ''}"
        return f"trying it ended the process with code {code}"

    def _watch(self) -> threading.Timer:
        def end() -> None:
            self._timed_out = True
            self._process.kill()

        timer = threading.Timer(self._seconds, end)
        timer.daemon = True
        timer.start()
        return timer


def _advice(name: str, module: str) -> str:
    if module == "providers":
        return "add --provider cpu to what you run; then look at the driver and the libraries of that provider"
    if module == "packages":
        return f"its build may not fit this processor: pip install --force-reinstall {name}"
    return "see the packages above: one of them may not fit this processor"


def _read(line: str) -> dict[str, Any]:
    """A line of the child; what a library printed in between is none."""
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def serve_checks(given: str) -> None:
    """What the child does: make the checks that it is asked for, and write what is found."""
    # Lines go to a copy of standard output, and what libraries print there goes nowhere.
    asked, lines = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)

    def write(**said: Any) -> None:
        lines.write(json.dumps(said) + "\n")

    read = json.loads(given)
    if read["debug"]:
        logging.basicConfig(stream=sys.stderr, level=logging.DEBUG)
    options = DoctorOptions(**read["options"])
    for line in asked:
        module, first = json.loads(line)
        looks = looks_of(module)
        write(names=list(looks))
        for number, (name, look) in enumerate(looks.items()):
            if number >= first:
                write(begin=number)
                for check in guarded(name, look, options):
                    write(check={**asdict(check), "data": dict(check.data)})
        write(end=True)
    os._exit(0)  # what was opened is not taken apart: a driver may crash over it after all went well
