"""Shared by all tests: the fakes, and a home of their own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ASSETS = ROOT / "assets"

sys.path.insert(0, str(Path(__file__).parent))


FAST = ("test_errors.py", "test_facts.py", "test_floors.py", "batch/plan", "batch/report", "faces", "files", "library",
        "models", "net", "segmind")
"""Files and folders of tests that take together less than half a minute; all others are marked `slow`."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Divide the tests: `-m "not slow"` is what runs before each commit."""
    fast = tuple(ROOT / "tests" / name for name in FAST)
    for item in items:
        if not any(item.path == place or place in item.path.parents for place in fast):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def own_state_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is remembered on the machine that runs the tests, nor does what it remembers matter."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.getbasetemp() / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.getbasetemp() / "data"))
    for name in ("CI", *(name for name in os.environ if name.startswith("FACESWAP_"))):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FACESWAP_CONFIG", "")  # no settings of the user's


@pytest.fixture(scope="session")
def assets() -> Path:
    """The portraits of nobody that come with the project."""
    return ASSETS
