"""What the golden tests share: a command line that nothing around it reaches, and the store of what is pinned."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).parent
TESTS = GOLDEN.parent
EXPECTED = GOLDEN / "expected"
PINNING = os.environ.get("GOLDEN_PIN") == "1"
KEPT = ("PATH", "LD_LIBRARY_PATH", "TMPDIR", "VIRTUAL_ENV")
WIDE = {"COLUMNS": "1000"}  # no line is broken, however long the name of the folder is


@dataclass(frozen=True)
class Run:
    """One run of the command line.

    Attributes:
        folder: Where it runs; what it remembers and finds of the user's lies in it too.
        arguments: Without the program's name.
        backend: One of the fakes; None: the real one.
        env: More of the environment than `environment` gives.
    """

    folder: Path
    arguments: Sequence[str]
    backend: str | None = None
    env: dict[str, str] = field(default_factory=dict)

    @property
    def command(self) -> list[str]:
        """The script or module, and the arguments."""
        runner = [str(TESTS / "cli" / "run_fake.py"), self.backend] if self.backend else ["-m", "faceswap_cli"]
        return [*runner, *self.arguments]

    @property
    def environment(self) -> dict[str, str]:
        """The whole one: a user of nowhere, no settings, no colour, a width."""
        home = self.folder / "home"
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        return kept | {
            "HOME": str(home), "XDG_STATE_HOME": str(home / "state"), "XDG_CACHE_HOME": str(home / "cache"),
            "XDG_DATA_HOME": str(home / "data"), "XDG_CONFIG_HOME": str(home / "config"), "FACESWAP_CONFIG": "",
            "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb", "LANG": "C.UTF-8", "TZ": "UTC",
        } | self.env

    def alone(self) -> subprocess.CompletedProcess[str]:
        """In a process of its own."""
        return subprocess.run([sys.executable, *self.command], cwd=self.folder, env=self.environment, check=False,
                              stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", timeout=180)


@dataclass(frozen=True)
class Told:
    """What a run told."""

    code: int
    stdout: str
    stderr: str


def run_all(runs: Sequence[Run]) -> list[Told]:
    """Many short runs, each in a fork of one process that has loaded what all of them load."""
    asked = [{"command": run.command, "folder": str(run.folder), "environment": run.environment} for run in runs]
    done = subprocess.run([sys.executable, str(GOLDEN / "forks.py")], input=json.dumps(asked), stdout=subprocess.PIPE,
                          encoding="utf-8", check=True, timeout=1800)
    return [Told(**told) for told in json.loads(done.stdout)]


def words(text: str, folder: Path) -> str:
    """A text without what differs from run to run and from machine to machine: folders, ports, times."""
    text = text.replace(str(folder), "FOLDER").replace(os.path.realpath(folder), "FOLDER")
    text = re.sub(r"127\.0\.0\.1:\d{4,}", "127.0.0.1:PORT", text)
    text = re.sub(r"(?<=\()\d+\.\d s\b", "N s", text)
    text = re.sub(r"\bin [\d. min]+ s, [\d.]+ items/\w+", "in N s, N items/s", text)
    return "\n".join(re.sub(r"([ ─])\1+", r"\1\1", line).rstrip() for line in text.splitlines())


@cache
def _pinned(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


class Store:
    """A JSON file of what is pinned, by name."""

    def __init__(self, name: str) -> None:
        self.path = EXPECTED / name

    def names(self) -> set[str]:
        return set(_pinned(self.path))

    def __getitem__(self, name: str) -> Any:
        assert name in _pinned(self.path), f"{name} is not pinned: see tests/golden/pin.py"
        return _pinned(self.path)[name]

    def pin(self, name: str, value: Any) -> None:
        kept = _pinned(self.path)
        kept[name] = value
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    def check(self, name: str, value: Any) -> None:
        """Fail with the differing lines unless a value is as it was pinned."""
        if PINNING:
            self.pin(name, value)
        found, wanted = (json.dumps(one, indent=1, ensure_ascii=False).splitlines() for one in (value, self[name]))
        assert found == wanted, difference(wanted, found)


def check_text(name: str, text: str) -> None:
    """The same for a text, which is a file of its own."""
    path = EXPECTED / name
    if PINNING:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"{name} is not pinned: see tests/golden/pin.py"
    wanted = path.read_text(encoding="utf-8")
    assert text == wanted, difference(wanted.splitlines(), text.splitlines())


def difference(wanted: Sequence[str], found: Sequence[str]) -> str:
    import difflib

    return "\n".join(["not as pinned:", *difflib.unified_diff(wanted, found, "pinned", "found", lineterm="", n=2)])
