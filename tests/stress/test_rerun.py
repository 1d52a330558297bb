"""A batch that is run again does what has changed, and nothing else."""

from __future__ import annotations

import json
import os
import shutil

import pytest
from ground import Ground, gif, still

NAMES = ["0.png", "1.jpg", "2.webp", "3.gif", "sub/4.png"]


@pytest.fixture
def ground(tmp_path) -> Ground:
    """A batch that is done."""
    ground = Ground(tmp_path)
    for number, name in enumerate(NAMES):
        (gif if name.endswith("gif") else still)(tmp_path / "in" / name, number)
    assert ground.run(*ground.batch())[0] == 0, ground.said
    return ground


def rerun(ground: Ground, *options: str) -> set[str]:
    """Run again; which outputs were written anew, which is what the workers did and the run tells."""
    def look():
        return {path.relative_to(ground.outputs).as_posix(): (path.stat().st_mtime_ns, path.stat().st_ino)
                for path in ground.outputs.rglob("*") if path.is_file() and path.name[0] != "."}

    before = look()
    code, told = ground.run(*ground.batch("--json", *options, workers=2))
    assert code == 0, ground.said
    after = look()
    assert set(after) == set(NAMES)
    anew = {name for name in NAMES if after[name] != before.get(name)}
    items = [json.loads(line) for line in told.splitlines()[:-1]]
    assert {item["key"] for item in items if item["status"] == "done"} == anew
    assert {item["key"] for item in items if item["status"] == "current"} == set(NAMES) - anew
    assert sorted(ground.steps("begun")) == sorted(anew)
    assert ground.left() == []
    return anew


def test_nothing_has_changed(ground):
    journal = (ground.outputs / ".faceswap-journal.jsonl").read_bytes()
    written = ground.written()
    for _ in range(2):
        assert rerun(ground) == set()
        assert ground.written() == written
        assert (ground.outputs / ".faceswap-journal.jsonl").read_bytes() == journal


@pytest.mark.parametrize("option", [
    ("--image-quality", "71"), ("--no-provenance",), ("--target-index", "0"), ("--order", "left-right"),
    ("--on-no-face", "copy"), ("--no-resume",),
])
def test_an_option_has_changed(ground, option):
    assert rerun(ground, *option) == set(NAMES)
    if option != ("--no-resume",):
        assert rerun(ground, *option) == set()


@pytest.mark.parametrize("option", [("--threads", "1"), ("--verbose",), ("--max-pixels", "90000"), ("--ordered",)])
def test_an_option_that_decides_no_pixel(ground, option):
    assert rerun(ground, *option) == set()


def test_an_input_has_changed(ground):
    still(ground.root / "in" / "0.png", 77)
    assert rerun(ground) == {"0.png"}
    assert rerun(ground) == set()


def test_the_source_has_changed(ground):
    shutil.copy(ground.root / "in" / "0.png", ground.root / "me.png")
    assert rerun(ground) == set(NAMES)
    assert rerun(ground) == set()


def test_only_the_times_of_inputs_have_changed(ground):
    for name in ("in/0.png", "in/3.gif", "me.png"):
        os.utime(ground.root / name)
    assert rerun(ground) == set()


def test_an_input_has_changed_behind_its_time(ground):
    """A picture of another size with the old time, as `cp -p` and unpackers leave it."""
    path = ground.root / "in" / "0.png"
    then = path.stat().st_mtime_ns
    still(path, 78)
    path.write_bytes(path.read_bytes() + b"\0")
    os.utime(path, ns=(then, then))
    assert rerun(ground) == {"0.png"}


def test_outputs_are_gone_or_not_what_was_written(ground):
    (ground.outputs / "1.jpg").unlink()
    (ground.outputs / "2.webp").write_bytes(b"something else")
    assert rerun(ground) == {"1.jpg", "2.webp"}
    assert rerun(ground) == set()
