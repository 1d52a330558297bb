"""The command line as a user has it: a folder with pictures, and processes run in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from fakes import BLUE, RED, scene
from PIL import Image as PILImage

RUNNER = Path(__file__).parent / "cli" / "run_fake.py"


class Place:
    """A folder with pictures, and the command line run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def arguments(self, *arguments: str, backend: str | None = "BrightSquares") -> list[str]:
        """What runs the command; without a backend, the real one."""
        runner = [str(RUNNER), backend] if backend else ["-m", "faceswap_cli"]
        return [sys.executable, *runner, *arguments]

    def run(self, *arguments: str, backend: str | None = "BrightSquares", env: dict[str, str] | None = None,
            **more: Any) -> subprocess.CompletedProcess[bytes]:
        more = {"stdin": subprocess.DEVNULL, "timeout": 180} | more
        if "input" in more:
            del more["stdin"]
        if "stdout" not in more:
            more["stdout"] = subprocess.PIPE
        if "stderr" not in more:
            more["stderr"] = subprocess.PIPE
        return subprocess.run(self.arguments(*arguments, backend=backend), cwd=self.folder,
                              env=os.environ | (env or {}), check=False, **more)

    def names(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}

    def __truediv__(self, name: str) -> Path:
        return self.folder / name


def furnish(folder: Path) -> Place:
    """me.jpg with a red square; party.jpg and group.jpg with blue ones; dark.png with none; text.png is no picture."""
    PILImage.fromarray(scene((10, 10, 20, RED))).save(folder / "me.jpg", quality=95)
    PILImage.fromarray(scene((8, 8, 16, BLUE))).save(folder / "party.jpg", quality=95)
    PILImage.fromarray(scene((2, 8, 16, BLUE), (22, 8, 14, BLUE), (42, 8, 12, RED))).save(
        folder / "group.jpg", quality=95)
    PILImage.fromarray(scene()).save(folder / "dark.png")
    (folder / "text.png").write_text("no picture")
    return Place(folder)
