"""The composite action: its script, run as a runner does, over the fake backend of the command-line tests."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from fakes import BLUE, RED, scene
from PIL import Image as PILImage

ROOT = Path(__file__).resolve().parents[1]
ACTION = (ROOT / ".github/actions/faceswap/action.yml").read_text(encoding="utf-8")

pytestmark = pytest.mark.skipif(sys.platform == "win32" or shutil.which("bash") is None, reason="a script for bash")


def script(step: str) -> str:
    """What a step runs."""
    found = re.search(rf"- name: {step}\n.*?\n      run: \|\n(.*?)(?=\n    - |\Z)", ACTION, re.DOTALL)
    assert found
    return textwrap.dedent(found[1])


@pytest.fixture
def folder(tmp_path):
    PILImage.fromarray(scene((10, 10, 20, RED))).save(tmp_path / "me.png")
    (tmp_path / "photos $(touch hacked)").mkdir()
    PILImage.fromarray(scene((8, 8, 16, BLUE))).save(tmp_path / "photos $(touch hacked)" / "a.png")
    PILImage.fromarray(scene()).save(tmp_path / "dark.png")
    shim = tmp_path / "bin" / "faceswap"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{ROOT / "tests/cli/run_fake.py"}" BrightSquares "$@"\n')
    shim.chmod(shim.stat().st_mode | stat.S_IXUSR)
    (shim.parent / "python").symlink_to(sys.executable)
    (tmp_path / "temp").mkdir()
    return tmp_path


def run(folder: Path, **inputs: str) -> tuple[subprocess.CompletedProcess[str], dict[str, str]]:
    env = os.environ | {
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}", "RUNNER_TEMP": str(folder / "temp"),
        "GITHUB_OUTPUT": str(folder / "outputs"), "GITHUB_STEP_SUMMARY": str(folder / "page"), "CI": "true",
        "SOURCE": "", "INPUTS": "", "OUTPUT": "out", "OPTIONS": ""} | inputs
    done = subprocess.run(["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script("Swap")], cwd=folder,
                          env=env, capture_output=True, text=True, check=False, timeout=180)
    lines = (folder / "outputs").read_text().splitlines()
    return done, dict(line.split("=", 1) for line in lines)


def test_inputs_are_words_and_never_script(folder):
    done, told = run(folder, SOURCE="me.png", INPUTS="photos $(touch hacked)\ndark.png\n",
                     OPTIONS="--on-no-face\ncopy\n--name\n{stem}-me{suffix}\n")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (folder / "out").glob("*.png")) == ["a-me.png", "dark-me.png"]
    assert not list(folder.rglob("hacked"))
    assert told["exit-code"] == "0"
    assert json.loads(Path(told["report"]).read_text())["counts"]["total"] == 2
    assert Path(told["junit"]).exists()
    assert Path(told["html"]).exists()
    assert "1 done, 1 copied" in (folder / "page").read_text()


def test_a_failure_fails_the_step_and_is_on_the_page(folder):
    done, told = run(folder, SOURCE="me.png", INPUTS="dark.png\nphotos $(touch hacked)")
    assert done.returncode == 7
    assert told["exit-code"] == "7"
    assert "no face found in dark.png" in (folder / "page").read_text()


def test_a_batch_that_cannot_begin_has_no_page(folder):
    done, told = run(folder, SOURCE="none.png", INPUTS="dark.png")
    assert done.returncode == 3
    assert told["exit-code"] == "3"
    assert not (folder / "page").exists()


def test_what_the_action_names_is_there():
    assert "$GITHUB_ACTION_PATH/../../.." in script("Install faceswap")
    assert (ROOT / ".github/actions/faceswap/../../.." / "pyproject.toml").exists()
