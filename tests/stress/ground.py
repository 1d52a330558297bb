"""Inputs, batch runs over them, and what the runs leave behind."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from fakes import BLUE, RED, scene
from PIL import Image as PILImage

RUNNER = Path(__file__).with_name("run_rough.py")
ASSETS = Path(__file__).parents[2] / "assets"
JOURNAL = ".faceswap-journal.jsonl"
SECONDS = 300.0
"""Longest time for a run; one that takes longer hangs."""


class Ground:
    """A folder with a source and targets; each run of a batch has it for its current folder.

    Attributes:
        root: Holds `me.png`, `in/`, the outputs, and `tmp/` for what is temporary elsewhere.
        outputs: The folder of outputs.
    """

    def __init__(self, root: Path, backend: str = "BrightSquares") -> None:
        """Make the folders.

        Args:
            root: Is made.
            backend: One of `rough_backends`; empty: the real one.
        """
        self.root = root
        self.outputs = root / "out"
        self._backend = backend
        self._steps = root / "steps"
        for folder in (root, root / "in", root / "tmp"):
            folder.mkdir(exist_ok=True)
        if backend:
            PILImage.fromarray(scene((10, 10, 20, RED))).save(root / "me.png")
        else:
            PILImage.open(ASSETS / "woman-1.jpg").save(root / "me.png")

    def command(self, *arguments: str) -> list[str]:
        """What runs the command line."""
        return [sys.executable, str(RUNNER), *arguments]

    def start(self, *arguments: str, out: int = subprocess.DEVNULL, env: dict[str, str] | None = None,
              **more: Any) -> subprocess.Popen[bytes]:
        """Start `faceswap batch me.png in -o out`, or whatever the arguments say, in a group of its own."""
        ours = {"STRESS_BACKEND": self._backend, "STRESS_STEPS": str(self._steps),
                "TMPDIR": str(self.root / "tmp")}
        self._steps.unlink(missing_ok=True)
        more = {"stdin": subprocess.DEVNULL, "cwd": self.root} | more
        with (self.root / "said").open("wb") as said:
            return subprocess.Popen(self.command(*(arguments or self.batch())), stdout=out, stderr=said,
                                    env=os.environ | ours | (env or {}), start_new_session=True, **more)

    def batch(self, *options: str, workers: int = 1) -> tuple[str, ...]:
        """The usual arguments, and more."""
        return ("batch", "me.png", "in", "-o", str(self.outputs), "--workers", str(workers), *options)

    def run(self, *arguments: str, given: bytes | None = None, **more: Any) -> tuple[int, bytes]:
        """Run to the end; the exit code, and what came on standard output."""
        with self.start(*arguments, out=subprocess.PIPE,
                        stdin=subprocess.DEVNULL if given is None else subprocess.PIPE, **more) as process:
            told, _ = process.communicate(given, timeout=SECONDS)
        return process.returncode, told

    @property
    def said(self) -> str:
        """What the last run had to say."""
        return (self.root / "said").read_text(errors="replace")

    def steps(self, kind: str) -> list[str]:
        """Keys of the items that the workers of the last run have begun, or ended, in order."""
        try:
            lines = self._steps.read_text(errors="surrogateescape").splitlines()
        except FileNotFoundError:
            return []
        return [line.partition(" ")[2] for line in lines if line.startswith(kind)]

    def written(self) -> dict[str, bytes]:
        """The outputs that anybody can see."""
        return {path.relative_to(self.outputs).as_posix(): path.read_bytes() for path in self._files()
                if not path.name.startswith(".")}

    def left(self) -> list[str]:
        """Temporary files."""
        hidden = [path.name for path in self._files() if path.name.startswith(".") and path.name != JOURNAL]
        return hidden + [path.name for path in (self.root / "tmp").iterdir()]

    def journal(self) -> list[dict[str, Any]]:
        """The lines of the journal; a last one that is torn is left out."""
        lines = (self.outputs / JOURNAL).read_bytes().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith(b"\n")]

    def _files(self) -> Iterator[Path]:
        return (path for path in sorted(self.outputs.rglob("*")) if path.is_file())


def still(path: Path, seed: int, corner: tuple[int, int, int] | None = None) -> None:
    """A small picture with a face for fakes, like no other.

    Args:
        path: Tells the format.
        seed: Tells the picture.
        corner: Colour of the first pixel.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    image = scene((4 + seed % 30, 4 + seed // 30 % 20, 16, BLUE))
    image[40:44, :64] = (np.random.default_rng(seed).integers(0, 120, (4, 64, 3))).astype(np.uint8)
    if corner is not None:
        image[0, 0] = corner
    PILImage.fromarray(image).save(path)


def gif(path: Path, seed: int, frames: int = 8) -> None:
    """A small animation with a face for fakes that moves."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shift = random.Random(seed).randrange(8)
    pictures = [PILImage.fromarray(scene((shift + 2 * number, 6 + shift, 16, BLUE))) for number in range(frames)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=[40, 70] * (frames // 2), loop=0)


def portrait(path: Path, seed: int, side: int = 160) -> None:
    """One of the portraits that come with the project, reduced and changed a little, so that no two are alike."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = sorted(ASSETS.glob("*man-?.jpg"))
    with PILImage.open(names[seed % len(names)]) as image:
        margin = seed // len(names) % 20
        image = image.crop((margin, margin, image.width - margin, image.height - margin))
        image.resize((side, round(side * image.height / image.width))).save(path)


def portrait_gif(path: Path, seed: int, frames: int = 3, side: int = 160) -> None:
    """A portrait that moves a little."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = sorted(ASSETS.glob("*man-?.jpg"))
    with PILImage.open(names[seed % len(names)]) as image:
        pictures = [image.crop((4 * number, 0, image.width - 40 + 4 * number, image.height)).resize((side, side))
                    for number in range(frames)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=80, loop=0)


def workers_of(process: int) -> list[int]:
    """The processes that a process has started (Linux)."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                stat = (entry / "stat").read_text()
            except OSError:  # it has ended
                continue
            if int(stat.rpartition(")")[2].split()[1]) == process:
                found.append(int(entry.name))
    return found


def resident(process: int) -> int:
    """Bytes that a process holds in memory (Linux); 0: it has ended."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS:")), 0)
