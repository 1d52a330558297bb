"""A disk that is full, or a file that grows too large: told in one line, the old output stays, nothing half-written."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fakes import BLUE
from ground import JOURNAL, Ground, still
from PIL import Image as PILImage

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and file systems of Linux")

STILLS = ("jpg", "png", "webp", "tiff", "bmp", "avif")
ANIMATIONS = {"gif": "GIF", "apng": "PNG", "webp": "WEBP"}
OLD = b"the old output"

LIMIT = 12_000
"""Bytes; a journal of a few items needs less, every picture here more."""


def noise(path: Path, kind: str | None = None, frames: int = 1) -> None:
    """A picture with a face for fakes that no format makes small."""
    path.parent.mkdir(exist_ok=True)
    chance = np.random.default_rng(4)
    pictures = []
    for number in range(frames):
        image = chance.integers(0, 120, (200, 260, 3)).astype(np.uint8)
        image[20:60, 10 + 4 * number:50 + 4 * number] = BLUE
        pictures.append(PILImage.fromarray(image))
    more = {"save_all": True, "append_images": pictures[1:], "duration": 80} if frames > 1 else {}
    pictures[0].save(path, kind, **more)


CASES = [pytest.param(suffix, None, 1, id=suffix) for suffix in STILLS]
CASES += [pytest.param(suffix, kind, 4, id=f"animated-{suffix}") for suffix, kind in ANIMATIONS.items()]


@pytest.mark.parametrize(("suffix", "kind", "frames"), CASES)
def test_what_a_single_swap_cannot_write(tmp_path, suffix, kind, frames):
    ground = Ground(tmp_path)
    noise(tmp_path / f"you.{suffix}", kind, frames)
    output = tmp_path / f"out.{suffix}"
    output.write_bytes(OLD)
    before = {path.name for path in tmp_path.iterdir()} | {"said"}
    arguments = ("swap", "me.png", f"you.{suffix}", "-o", f"out.{suffix}", "--overwrite", "--image-quality", "95")
    code, told = ground.run(*arguments, env={"STRESS_FILE_BYTES": str(LIMIT)})
    assert (code, told) == (1, b"")
    assert f"cannot write out.{suffix}: the file is larger than the system allows" in ground.said.splitlines()[-1]
    assert "Traceback" not in ground.said
    assert output.read_bytes() == OLD
    assert {path.name for path in tmp_path.iterdir()} == before

    code, _ = ground.run(*arguments)
    assert code == 0, ground.said
    with PILImage.open(output) as image:
        assert getattr(image, "n_frames", 1) == frames
    assert output.stat().st_size > LIMIT


def test_what_a_batch_cannot_write(tmp_path):
    """Each writer, in one batch: those items fail, and are done by the next run, when there is room."""
    ground = Ground(tmp_path)
    names = [f"{suffix}.{suffix}" for suffix in STILLS] + [f"animated-{suffix}.{suffix}" for suffix in ANIMATIONS]
    for case in CASES:
        suffix, kind, frames = case.values
        noise(tmp_path / "in" / f"{case.id}.{suffix}", kind, frames)
    ground.outputs.mkdir()
    (ground.outputs / "png.png").write_bytes(OLD)
    still(tmp_path / "in" / "small.png", 1)
    code, told = ground.run(*ground.batch("--json", "--overwrite", "--image-quality", "95"),
                            env={"STRESS_FILE_BYTES": str(LIMIT)})
    assert code == 7, ground.said
    items = {item["key"]: item for item in map(json.loads, told.splitlines()[:-1])}
    assert items.pop("small.png")["status"] == "done"
    assert set(items) == set(names)
    for name, item in items.items():
        assert item["error"]["type"] == "OutputError", name
        assert "larger than the system allows" in item["error"]["message"], name
    assert set(ground.written()) == {"small.png", "png.png"}
    assert (ground.outputs / "png.png").read_bytes() == OLD
    assert ground.left() == []

    code, _ = ground.run(*ground.batch("--overwrite", "--image-quality", "95"))
    assert code == 0, ground.said
    assert set(ground.written()) == {"small.png", *names}
    assert sorted(ground.steps("begun")) == sorted(names)  # without --retry-failed: the failure lay in the disk


# --- a disk that is really full: a file system in memory, of this process alone ---------------------------------------


def on_small_disk(ground: Ground, kilobytes: int, *commands: list[str], fill: int = 0) -> subprocess.CompletedProcess:
    """Run commands while `out` is a small disk; what lies on it in the end is copied to `kept`.

    Args:
        ground: `out` is made.
        kilobytes: Size of the disk.
        commands: The exit code is that of the last.
        fill: Kilobytes that are taken already.
    """
    if shutil.which("unshare") is None:
        pytest.skip("no file system can be mounted here")
    ground.outputs.mkdir(exist_ok=True)
    script = f"mount -t tmpfs -o size={kilobytes}k none out || exit 99; echo -n '{OLD.decode()}' > out/noise.png; "
    if fill:
        script += f"head -c {fill}k /dev/zero > out/filling; "
    script += "; ".join(shlex.join(command) for command in commands)
    script += "; code=$?; cp -a out kept; exit $code"
    env = {"STRESS_BACKEND": "BrightSquares", "STRESS_STEPS": str(ground.root / "steps"),
           "TMPDIR": str(ground.root / "tmp"), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    done = subprocess.run(["unshare", "--mount", "--map-root-user", "sh", "-c", script], cwd=ground.root, env=env,
                          capture_output=True, check=False, timeout=120)
    if done.returncode == 99 or b"unshare:" in done.stderr:
        pytest.skip("no file system can be mounted here")
    ground.outputs = ground.root / "kept"
    return done


def test_a_batch_onto_a_full_disk(tmp_path):
    ground = Ground(tmp_path)
    noise(tmp_path / "in" / "noise.png")
    still(tmp_path / "in" / "small.png", 1)
    batch = ["batch", "me.png", "in", "-o", "out", "--overwrite", "--json", "--workers", "1"]
    done = on_small_disk(ground, 100, ground.command(*batch))
    assert done.returncode == 7, done.stderr
    items = {item["key"]: item for item in map(json.loads, done.stdout.splitlines()[:-1])}
    assert items["small.png"]["status"] == "done"
    assert "the disk is full; make room" in items["noise.png"]["error"]["message"]
    assert set(ground.written()) == {"small.png", "noise.png"}
    assert (ground.outputs / "noise.png").read_bytes() == OLD
    assert ground.left() == []


def test_a_disk_without_room_for_a_journal(tmp_path):
    ground = Ground(tmp_path)
    still(tmp_path / "in" / "small.png", 1)
    batch = ["batch", "me.png", "in", "-o", "out", "--json", "--workers", "1"]
    done = on_small_disk(ground, 64, ground.command(*batch), fill=64)
    assert done.returncode == 1, done.stderr
    assert "the journal out/.faceswap-journal.jsonl: the disk is full" in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert set(ground.written()) == {"noise.png", "filling"}


def test_a_journal_that_finds_no_more_room_ends_the_batch_and_stays_good(tmp_path):
    """The disk fills up on the way: what was noted stays noted, and the next run goes on."""
    ground = Ground(tmp_path)
    for number in range(60):
        still(tmp_path / "in" / f"{number:02}.png", number)
    batch = ground.command("batch", "me.png", "in", "-o", "out", "--json", "--workers", "1")
    done = on_small_disk(ground, 72, batch)
    assert done.returncode in (1, 7), done.stderr
    assert b"Traceback" not in done.stderr
    assert b"the disk is full" in done.stderr
    assert ground.left() == []
    assert (ground.outputs / JOURNAL).read_bytes().endswith(b"\n")
    noted = {line["key"] for line in ground.journal() if line.get("status") == "done"}
    written = {name: data for name, data in ground.written().items() if name != "noise.png"}
    assert 0 < len(noted) < 60
    assert noted <= set(written)
    assert len(written) <= len(noted) + 2

    shutil.move(tmp_path / "kept", tmp_path / "roomy")
    ground.outputs = tmp_path / "roomy"
    code, told = ground.run(*ground.batch("--json"))
    assert code == 0, ground.said
    counts = json.loads(told.splitlines()[-1])["counts"]
    assert (counts["current"], counts["done"]) == (len(noted), 60 - len(noted))
    assert all(ground.written()[name] == data for name, data in written.items())
