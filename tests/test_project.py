"""What the commands of the README name is there; `.ci/run` runs them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def command_lines() -> list[str]:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip().startswith("python3 -m venv ")]


def test_every_file_that_the_commands_name_is_there() -> None:
    named = {name for line in command_lines() for name in re.findall(r"(?:assets|tests)/\S+", line)}
    assert named
    assert [name for name in named if not (ROOT / name).is_file()] == []
