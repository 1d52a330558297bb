"""The command line is tested as a user has it: a process with streams, an exit code and files."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import BLUE, RED, scene
from faulty_site import Site
from PIL import Image as PILImage
from stand_ins import Models

RUNNER = Path(__file__).with_name("run_fake.py")


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


@pytest.fixture
def place(tmp_path) -> Place:
    """me.jpg with a red square; party.jpg and group.jpg with blue ones; dark.png with none; text.png is no picture."""
    PILImage.fromarray(scene((10, 10, 20, RED))).save(tmp_path / "me.jpg", quality=95)
    PILImage.fromarray(scene((8, 8, 16, BLUE))).save(tmp_path / "party.jpg", quality=95)
    PILImage.fromarray(scene((2, 8, 16, BLUE), (22, 8, 14, BLUE), (42, 8, 12, RED))).save(
        tmp_path / "group.jpg", quality=95)
    PILImage.fromarray(scene()).save(tmp_path / "dark.png")
    (tmp_path / "text.png").write_text("no picture")
    return Place(tmp_path)


@pytest.fixture
def dance(place) -> Path:
    """dance.gif: twenty frames, a blue square that moves right; the first is empty."""
    frames = [PILImage.fromarray(scene(*([(2 * n, 10, 14, BLUE)] if n else []))) for n in range(20)]
    frames[0].save(place / "dance.gif", save_all=True, append_images=frames[1:], duration=[40, 70] * 10, loop=0)
    return place / "dance.gif"


@pytest.fixture
def models(tmp_path, monkeypatch) -> Iterator[Models]:
    """A folder for models that is not there yet, and a site that has stand-ins for them."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "FACESWAP_OFFLINE", "FACESWAP_MODELS_MIRROR",
                 "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    with Site() as site:
        thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        place = Models(tmp_path, site)
        monkeypatch.setenv("FACESWAP_MODELS_DIR", str(place.folder))
        yield place
        site.stop.set()
        site.shutdown()
        thread.join()


@pytest.fixture
def film(place) -> Path:
    """film.mp4: six seconds, five frames a second, a blue square that moves right."""
    import av

    with av.open(str(place / "film.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=5, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv444p"
        for n in range(30):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(scene((n, 10, 14, BLUE)), format="rgb24")))
        container.mux(stream.encode())
    return place / "film.mp4"
