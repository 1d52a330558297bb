"""A models folder with small stand-ins for the models of the catalogue, and the command line run over it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from faulty_site import Answer, Site, zip_of

RUNNER = Path(__file__).parent / "cli" / "run_models.py"
SWAPPER = bytes(range(256)) * 4000
RESTORER = b"restorer" * 500
MEMBERS = {"det_10g.onnx": b"detector" * 100, "w600k_r50.onnx": b"recogniser" * 100, "genderage.onnx": b"gender" * 100,
           "2d106det.onnx": b"points" * 100, "1k3d68.onnx": b"depth" * 100}


class Models:
    """A models folder, the stand-ins, and the site that has them."""

    def __init__(self, folder: Path, site: Site) -> None:
        self.folder = folder / "models"
        self.stand_ins = folder / "stand-ins"
        self.work = folder / "work"
        self.site = site
        for path in (self.stand_ins, self.work):
            path.mkdir()
        files = {"inswapper_128.onnx": SWAPPER, "GFPGANv1.4.onnx": RESTORER, **MEMBERS,
                 "buffalo_l.zip": zip_of(MEMBERS)}
        for name, data in files.items():
            (self.stand_ins / name).write_bytes(data)
            site.serve(f"/{name}", Answer(data))

    def arguments(self, *arguments: str, real: bool = False) -> list[str]:
        runner = ["-m", "faceswap_cli"] if real else [str(RUNNER), str(self.stand_ins), self.site.base]
        return [sys.executable, *runner, "models", *arguments]

    def run(self, *arguments: str, real: bool = False,
            env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.arguments(*arguments, real=real), env=os.environ | (env or {}), cwd=self.work,
                              capture_output=True, text=True, check=False, timeout=120, stdin=subprocess.DEVNULL)

    def json(self, *arguments: str, code: int = 0, **more) -> dict:
        done = self.run(*arguments, "--json", **more)
        assert done.returncode == code, done.stderr
        assert done.stdout.count("\n") == 1
        return json.loads(done.stdout)

    def pull(self, *names: str) -> None:
        done = self.run("pull", *names, "--accept-license", "--quiet")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    def names(self) -> set[str]:
        """The models in the folder, and what is left of downloads."""
        return {path.name for path in self.folder.glob("*") if path.suffix in (".onnx", ".zip", ".part")}

    def __truediv__(self, name: str) -> Path:
        return self.folder / name


def fits(value, shape, where="$"):
    """Fail unless `value` has exactly the shape: keys in this order, lengths, types."""
    if isinstance(shape, dict):
        assert isinstance(value, dict) and list(value) == list(shape), where
        for key, inner in shape.items():
            fits(value[key], inner, f"{where}.{key}")
    elif isinstance(shape, list):
        assert isinstance(value, list), where
        for number, item in enumerate(value):
            fits(item, shape[0], f"{where}[{number}]")
    else:
        assert type(value) in (shape if isinstance(shape, tuple) else (shape,)), (where, value)


def on_a_terminal(command: list[str], width: int) -> str:
    """What the command shows on a terminal of its own, both streams together, without colours."""
    import fcntl
    import pty
    import struct
    import termios

    outer, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    process = subprocess.Popen(command, stdin=inner, stdout=inner, stderr=inner, close_fds=True,
                               env=os.environ | {"TERM": "xterm-256color"})
    os.close(inner)
    shown = bytearray()
    while True:
        try:
            data = os.read(outer, 1 << 16)
        except OSError:  # Linux says so when the other end is closed
            break
        if not data:
            break
        shown += data
    os.close(outer)
    assert process.wait(timeout=60) == 0, shown
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
