"""The commands that people, `.ci/run` and pre-commit use are the same ones, and what they name is there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def command_lines() -> list[str]:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip().startswith("python3 -m venv ")]


@pytest.mark.parametrize(
    "ending", [r"tests/check\.py", r"faceswap swap assets/\S+ assets/turning-head\.gif -o out\.gif"]
)
def test_the_readme_holds_each_command_once_in_the_form_that_ci_takes_it(ending: str) -> None:
    assert len([line for line in command_lines() if re.search(f"{ending}$", line)]) == 1
    # The same pattern stands in .ci/run, which takes the command from the README.
    assert ending.replace(r"\S+", "[^ ]+") in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_every_file_that_the_commands_name_is_there() -> None:
    named = {name for line in command_lines() for name in re.findall(r"(?:assets|tests)/\S+", line)}
    assert named
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_pre_commit_runs_the_same_check() -> None:
    assert "entry: python tests/check.py" in (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")


def test_the_licence_is_whole_and_is_the_one_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert project["license"] == "Apache-2.0"
    assert "Apache License" in text and "END OF TERMS AND CONDITIONS" in text
