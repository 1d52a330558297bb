"""`faceswap bench` as a process, over the embedded engine."""

from __future__ import annotations

import json
import sys

import error_tables
import pytest
from stand_ins import fits, on_a_terminal

SPEED = {"workers": int, "rate": float, "slowest": float, "fastest": float, "memory": (int, type(None))}
TEXT = (str, type(None))
ROW = {"engine": str, "media": str, "width": int, "height": int, "frames": int, "rounds": int,
       "parts": {"engine": str, "analyser": str, "swapper": str, "restorer": TEXT, "provider": TEXT},
       "milliseconds": {"decode": float, "find": float, "swap": float, "restore": (float, type(None)), "encode": float},
       "one": SPEED}
SMALL = ("bench", "--engine", "embedded", "--still", "256x256", "--clip", "none", "--rounds", "1")


def test_json_has_the_shape_that_is_written_down(place) -> None:
    before = place.names()
    done = place.run("bench", "--engine", "embedded", "--still", "none", "--clip", "160x128", "--rounds", "1",
                     "--json", backend=None)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert list(report) == ["schema", "machine", "versions", "rows", "notes", "seconds"]
    fits(report["machine"], {"processor": str, "cores": int, "memory": (int, type(None))})
    (row,) = report["rows"]
    together = row.pop("all")
    fits(row, ROW)
    assert (together is None) == (report["machine"]["cores"] == 1)
    if together is not None:
        fits(together, SPEED)
    assert place.names() == before


def test_in_a_pipe_rows_are_lines(place) -> None:
    done = place.run(*SMALL, backend=None)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.decode().splitlines() if not line.startswith("#")]
    assert rows[0][:4] == ["engine", "on", "find", "swap"]
    assert [row[:2] for row in rows[1:]] == [["embedded", "still_256x256"]]
    assert len({len(row) for row in rows}) == 1
    assert b"measured once" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_on_a_terminal_the_table_fits(place) -> None:
    shown = on_a_terminal(place.arguments(*SMALL, "--quiet", backend=None), 80)
    lines = shown.replace("\r", "").splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("embedded  still 256x256") or "still 256x256" in line for line in lines)


@pytest.mark.parametrize(("arguments", "told"), error_tables.BENCH)
def test_options_that_make_no_sense(place, arguments: tuple[str, ...], told: str) -> None:
    done = place.run("bench", *arguments, backend=None)
    assert done.returncode == 2 and told in done.stderr.decode()


def test_an_engine_that_is_not_installed(place) -> None:
    done = place.run("bench", "--engine", "neural", backend=None)
    assert done.returncode == 5 and b"faceswap models pull" in done.stderr
