"""What killed processes leave behind is removed, and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from faceswap_cli.files.atomic import AtomicFile
from faceswap_cli.files.leftovers import sweep, sweep_beside

WRITE = ("import os, sys; from pathlib import Path; from faceswap_cli.files.atomic import AtomicFile\n"
         "out = AtomicFile(Path(os.fsdecode(sys.stdin.buffer.readline()[:-1])))\n"
         "out.file.write(b'new'); out.file.flush(); print('ready', flush=True); sys.stdin.read()")


def leave(target: Path) -> None:
    """Be killed while `target` is written."""
    with subprocess.Popen([sys.executable, "-c", WRITE], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(os.fsencode(target) + b"\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGKILL)


def everything(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir())


@pytest.mark.parametrize("name", ["out.png", "n" * 255, "with space", os.fsdecode(b"\xff.png"), "ä" * 127])
def test_what_the_killed_left_is_removed(tmp_path: Path, name: str) -> None:
    (tmp_path / "sub").mkdir()
    leave(tmp_path / "sub" / name)
    assert len(everything(tmp_path)) == 1
    assert sweep(tmp_path) == 1
    assert everything(tmp_path) == []


def test_what_is_being_written_stays_and_can_be_finished(tmp_path: Path) -> None:
    with AtomicFile(tmp_path / "out.png") as out:
        assert sweep(tmp_path) == 0
        out.file.write(b"whole")
        out.commit()
    assert everything(tmp_path) == ["out.png"]
    assert sweep(tmp_path) == 0
    assert (tmp_path / "out.png").read_bytes() == b"whole"


def test_other_hidden_files_stay(tmp_path: Path) -> None:
    kept = [".out.png.part", ".out.png.0123abcd.part", "out.png.0123abcd.faceswap.part", ".out.png.faceswap.part"]
    for name in kept:
        (tmp_path / name).write_bytes(b"precious")
    assert sweep(tmp_path) == 0
    assert everything(tmp_path) == sorted(kept)


def test_links_are_not_followed_out_of_the_folder(tmp_path: Path) -> None:
    outputs, elsewhere = tmp_path / "outputs", tmp_path / "elsewhere"
    outputs.mkdir()
    elsewhere.mkdir()
    leave(elsewhere / "out.png")
    (outputs / "link").symlink_to(elsewhere, target_is_directory=True)
    (outputs / ".out.png.0123abcd.faceswap.part").symlink_to(next(elsewhere.iterdir()))
    assert sweep(outputs) == 0
    assert len(everything(elsewhere)) == 1


def test_only_what_was_to_become_one_file(tmp_path: Path) -> None:
    for name in ("out.png", "out.png.0123abcd", "other.png"):
        leave(tmp_path / name)
    assert sweep_beside(tmp_path / "out.png") == 1
    assert [name.rpartition(".png")[0] for name in everything(tmp_path)] == [".other", ".out"]


def test_no_folder_is_nothing_to_sweep(tmp_path: Path) -> None:
    assert sweep(tmp_path / "none") == 0
    assert sweep_beside(tmp_path / "none" / "out.png") == 0
