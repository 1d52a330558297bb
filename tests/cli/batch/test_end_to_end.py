"""Portraits go through `faceswap batch` with the real engine, in worker processes."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

ASSETS = Path(__file__).parents[3] / "assets"
TARGETS = [str(ASSETS / name) for name in ("woman-1.jpg", "woman-2.jpg", "man-2.jpg")]
MAN = str(ASSETS / "man-1.jpg")


def run(place, *arguments: str) -> list[dict]:
    done = place.run("batch", MAN, *TARGETS, *arguments, "--engine", "embedded", "--json", "--ordered", backend=None)
    assert done.returncode == 0, done.stderr
    *items, summary = [json.loads(line) for line in done.stdout.splitlines()]
    assert summary["counts"]["total"] == 3
    return items


def test_workers_write_what_a_single_swap_writes_however_many_there_are(place):
    two = run(place, "-o", "two", "--workers", "2")
    assert {item["worker"] for item in two} <= {0, 1}
    assert all(item["faces"][0]["swapped"] and item["engine"]["swapper"] == "mesh" for item in two)
    one = run(place, "-o", "one", "--workers", "1")
    assert [item["output"]["sha256"] for item in one] == [item["output"]["sha256"] for item in two]
    done = place.run("swap", MAN, TARGETS[1], "-o", "single.jpg", "--engine", "embedded", backend=None)
    assert done.returncode == 0, done.stderr
    assert (place / "single.jpg").read_bytes() == (place / "two" / "woman-2.jpg").read_bytes()
    again = run(place, "-o", "two")
    assert {item["status"] for item in again} == {"current"}


def test_a_source_without_a_face_ends_it_as_a_swap_would(place):
    done = place.run("batch", "dark.png", *TARGETS, "-o", "out", "--engine", "embedded", backend=None)
    assert done.returncode == 4
    assert b"error: dark.png: no face found" in done.stderr
    assert not [path for path in (place / "out").iterdir() if path.suffix == ".jpg"]


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="ray is installed")
def test_the_executor_that_is_not_installed_says_how_to_get_it(place):
    done = place.run("batch", MAN, *TARGETS, "-o", "out", "--executor", "ray", backend=None)
    assert done.returncode == 8
    assert b"faceswap-cli[ray]" in done.stderr
