"""Nothing that is broken breaks the doctor."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from faceswap_cli.doctor import run
from faceswap_cli.doctor.checks import CheckState, DoctorOptions, ok
from faceswap_cli.doctor.isolation import Apart
from faceswap_cli.doctor.looks import guarded, look_here

ROUGH = """
import os, signal, sys, time, types
module = types.ModuleType("faceswap_cli.doctor.rough")
from faceswap_cli.doctor.checks import note, ok

def prints(options):
    print("Applied providers")
    os.write(1, b"written by C\\n")
    os.write(2, b"written by C\\n")
    yield ok("prints", "fine", models=options.models_folder)

def crashes(options):
    yield note("before", "it crashes after it")
    os.kill(os.getpid(), signal.SIGILL)

def hangs(options):
    time.sleep(600)
    yield ok("hangs", "never")

def leaves(options):
    raise SystemExit(3)

def raises(options):
    yield from ()
    raise KeyError("a bug")

def last(options):
    yield ok("last", "fine")

module.LOOKS = {look.__name__: look for look in (prints, crashes, hangs, leaves, raises, last)}
sys.modules[module.__name__] = module
"""


@pytest.fixture
def rough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of checks that crash, hang and print, in children."""
    (tmp_path / "sitecustomize.py").write_text(ROUGH)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "rough"


def test_what_kills_its_process_is_a_finding_and_the_rest_is_looked_at(rough: str) -> None:
    with Apart(DoctorOptions(models_folder="here"), seconds=3.0) as others:
        checks = list(others.look(rough))
    assert [(check.name, check.state) for check in checks] == [
        ("prints", CheckState.OK), ("before", CheckState.NOTE), ("crashes", CheckState.FAIL),
        ("hangs", CheckState.FAIL), ("leaves", CheckState.FAIL), ("raises", CheckState.FAIL), ("last", CheckState.OK)]
    found = {check.name: check for check in checks}
    assert found["prints"].data == {"models": "here"}
    assert "SIGILL" in found["crashes"].finding and found["crashes"].advice
    assert "within 3 s" in found["hangs"].finding
    assert "code 3" in found["leaves"].finding
    assert "KeyError: 'a bug'" in found["raises"].finding


def test_a_module_that_cannot_be_imported_is_a_finding_in_a_child_and_here() -> None:
    with Apart(DoctorOptions()) as others:
        found = [*others.look("nowhere"), *look_here("nowhere", DoctorOptions())]
    assert len(found) == 2
    for check in found:
        assert check.state is CheckState.FAIL and "faceswap_cli.doctor.nowhere" in check.finding


def test_groups_share_a_child_until_something_in_one_fails() -> None:
    with Apart(DoctorOptions()) as others:
        assert all(check.state is CheckState.OK for check in others.look("saved_faces"))
        first = others._child
        assert all(check.state is CheckState.OK for check in others.look("codecs"))
        assert others._child is first is not None
        assert [check.state for check in others.look("nowhere")] == [CheckState.FAIL]
        assert others._child is None
        assert all(check.state is CheckState.OK for check in others.look("codecs"))


def test_a_check_that_raises_is_a_failure_and_what_it_had_found_stays() -> None:
    def look(options: DoctorOptions):
        yield ok("first", "fine")
        raise RuntimeError("two\nlines")

    first, second = guarded("name", look, DoctorOptions())
    assert (first.state, second.state) == (CheckState.OK, CheckState.FAIL)
    assert second.name == "name" and "RuntimeError: two lines" in second.finding


def test_nothing_goes_over_a_network_without_remote(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def refuse(*arguments: object, **more: object) -> None:
        asked.append(arguments)
        raise OSError("no network here")

    for name in ("connect", "connect_ex", "sendto"):  # not the making of one: urllib3 tries IPv6 when it is imported
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("getaddrinfo", "gethostbyname", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)
    groups = list(run.examine(DoctorOptions(verify=True), apart=False))
    assert [group.name for group in groups] == [
        "python", "packages", "machine", "terminal", "engines", "models", "faces", "providers", "codecs"]
    assert not asked
    failed = [(check.name, check.finding) for group in groups for check in group.checks
              if check.state is CheckState.FAIL]
    assert not failed
    for group in groups:  # so that programs can find a check
        names = [check.name for check in group.checks]
        assert len(names) == len(set(names)), group.name
