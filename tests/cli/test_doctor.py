"""`faceswap doctor` as a process."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import error_tables
import pytest
from stand_ins import fits, on_a_terminal

SHAPE = {"schema": int, "healthy": bool, "counts": {"ok": int, "note": int, "warn": int, "fail": int},
         "checks": [{"group": str, "name": str, "state": str, "finding": str, "advice": (str, type(None)),
                     "data": dict}]}

NO_NETWORK = """
import socket
def refuse(*arguments, **more):
    open({marker!r}, "a").write(repr(arguments) + "\\n")
    raise OSError("no network here")
socket.socket.connect = refuse
socket.getaddrinfo = socket.create_connection = refuse
"""


def shadow(folder: Path, module: str, source: str) -> dict[str, str]:
    """An environment in which a module is another one."""
    folder.mkdir()
    (folder / f"{module}.py").write_text(source)
    return {"PYTHONPATH": str(folder)}


def test_a_machine_that_is_well(place, tmp_path) -> None:
    marker = tmp_path / "connected"
    before = place.names()
    env = shadow(tmp_path / "shadow", "sitecustomize", NO_NETWORK.format(marker=str(marker)))
    done = place.run("doctor", "--json", backend=None, env=env)
    assert done.returncode == 0, done.stdout
    report = json.loads(done.stdout)
    for check in report["checks"]:
        check["data"] = {}
    fits(report, SHAPE | {"checks": [SHAPE["checks"][0] | {"data": {}}]})
    assert report["healthy"] and not report["counts"]["fail"]
    assert len(report["checks"]) == sum(report["counts"].values())
    assert all(check["advice"] for check in report["checks"] if check["state"] in ("warn", "fail"))
    assert not marker.exists()
    assert place.names() - before == {"shadow"}


@pytest.mark.parametrize("module", ["numpy", "dlib", "cv2"])
def test_a_package_that_does_not_load_ends_nothing(place, tmp_path, module: str) -> None:
    env = shadow(tmp_path / "shadow", module, "raise ImportError('lib.so.1: cannot open shared object file')")
    done = place.run("doctor", backend=None, env=env)
    assert done.returncode == 1
    lines = done.stdout.decode().splitlines()
    failed = [line for line in lines if line.startswith("fail")]
    assert any(line.split()[1] == "packages" and "lib.so.1" in line and "pip install" in line for line in failed)
    assert any(line.split()[1] == "engines" for line in failed)
    assert {line.split()[1] for line in lines} >= {"python", "machine", "terminal", "models", "codecs"}
    assert b"failed" in done.stderr and b"Traceback" not in done.stderr


def test_a_package_that_kills_the_process_ends_nothing(place, tmp_path) -> None:
    env = shadow(tmp_path / "shadow", "dlib", "import os, signal; os.kill(os.getpid(), signal.SIGILL)")
    report = json.loads(place.run("doctor", "--json", backend=None, env=env).stdout)
    assert not report["healthy"]
    failed = {(check["group"], check["name"]): check["finding"] for check in report["checks"]
              if check["state"] == "fail"}
    assert "SIGILL" in failed["packages", "dlib-bin"] and "SIGILL" in failed["engines", "embedded"]
    assert {check["group"] for check in report["checks"]} >= {"providers", "codecs"}


def test_strict_and_quiet(place, tmp_path) -> None:
    faces = tmp_path / "faces"
    faces.mkdir()
    (faces / "anna.safetensors").write_bytes(b"no tensors")
    env = {"FACESWAP_FACES_DIR": str(faces)}
    done = place.run("doctor", "--quiet", backend=None, env=env)
    assert (done.returncode, done.stderr) == (0, b"")
    (line,) = done.stdout.decode().splitlines()
    assert line.startswith("warn") and "@anna" in line and " -> " in line
    assert place.run("doctor", "--strict", "--quiet", backend=None, env=env).returncode == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_on_a_terminal_lines_fit_and_groups_have_titles(place) -> None:
    shown = on_a_terminal(place.arguments("doctor", backend=None), 80)
    lines = shown.replace("\r", "").splitlines()
    assert max(map(len, lines)) <= 80
    assert {"Python", "Packages", "Machine", "Terminal", "Engines", "Models", "Formats"} <= set(lines)
    assert lines[-1].endswith("checks: nothing failed") or "warning" in lines[-1]


@pytest.mark.parametrize(("arguments", "told"), error_tables.DOCTOR)
def test_options_that_make_no_sense(place, arguments: tuple[str, ...], told: str) -> None:
    done = place.run("doctor", *arguments, backend=None)
    if "--remote" in arguments:  # found by a check
        assert done.returncode == 1 and told in done.stdout.decode()
    else:
        assert done.returncode == 2 and told in done.stderr.decode()
