from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

pytest.importorskip("uvicorn", reason="the extra serve is not installed")
pytest.importorskip("starlette", reason="the extra serve is not installed")

import live


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., live.Live]]:
    """Starts servers, which end with the test."""
    servers: list[live.Live] = []

    def run(**more: Any) -> live.Live:
        servers.append(live.Live(more.pop("folder", tmp_path), **more))
        return servers[-1]

    live.Held.gate.clear()
    yield run
    live.Held.gate.set()
    for server in servers:
        server.stop()


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.txt"
    path.write_text("# of the tests\nalice-key\nbob-key\n")
    path.chmod(0o600)
    return path
