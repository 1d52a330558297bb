"""Outputs appear whole or not at all."""

from __future__ import annotations

import io
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from refusals import refused

from faceswap_cli.errors import OutputError, UsageError
from faceswap_cli.files.atomic import AtomicFile

as_root = hasattr(os, "geteuid") and os.geteuid() == 0


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write(path: Path, data: bytes, *, overwrite: bool = False) -> None:
    with AtomicFile(path, overwrite=overwrite) as out:
        out.file.write(data)
        out.commit()


def test_nothing_is_there_before_commit_and_only_the_file_after(tmp_path: Path) -> None:
    with AtomicFile(tmp_path / "out.png") as out:
        out.file.write(b"whole")
        assert not (tmp_path / "out.png").exists()
        out.commit()
    assert names(tmp_path) == ["out.png"]
    assert (tmp_path / "out.png").read_bytes() == b"whole"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_failure_leaves_the_old_file_and_no_temporary(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "out.png"
    target.write_bytes(b"old")
    with pytest.raises(error), AtomicFile(target, overwrite=True) as out:
        out.file.write(b"new")
        raise error
    assert names(tmp_path) == ["out.png"]
    assert target.read_bytes() == b"old"


def test_a_forgotten_output_is_removed(tmp_path: Path) -> None:
    out = AtomicFile(tmp_path / "out.png")
    assert len(names(tmp_path)) == 1
    del out
    assert names(tmp_path) == []


def test_existing_output_is_refused_and_named(tmp_path: Path) -> None:
    target = tmp_path / "out.png"
    target.write_bytes(b"old")
    with refused(UsageError, r"out\.png exists.*--overwrite"):
        AtomicFile(target)
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["out.png"]


@pytest.mark.parametrize("links", [True, False])
def test_output_that_appears_meanwhile_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                       links: bool) -> None:
    if not links:
        def no_links(*_: object) -> None:
            raise PermissionError("no hard links here")
        monkeypatch.setattr(os, "link", no_links)
    target = tmp_path / "out.png"
    with AtomicFile(target) as out:
        out.file.write(b"late")
        target.write_bytes(b"early")
        with refused(UsageError, "--overwrite"):
            out.commit()
    assert target.read_bytes() == b"early"
    assert names(tmp_path) == ["out.png"]


def test_without_hard_links_the_output_is_written_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError("no hard links here")

    monkeypatch.setattr(os, "link", no_links)
    write(tmp_path / "out.png", b"whole")
    assert names(tmp_path) == ["out.png"]


def test_permissions_follow_the_umask_or_the_old_file(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write(tmp_path / "new", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
    (tmp_path / "new").chmod(0o604)
    write(tmp_path / "new", b"y", overwrite=True)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o604


def test_a_symbolic_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write(tmp_path / "link", b"new", overwrite=True)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


@pytest.mark.parametrize("name", ["n" * 255, "ä" * 127])
def test_names_as_long_as_file_systems_take(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, b"x")
    assert names(tmp_path) == [name]


@pytest.mark.parametrize(("make", "says"), [
    (lambda folder: folder, "is a folder"),
    (lambda folder: folder / "missing" / "out.png", "no folder"),
    (lambda folder: folder / ("n" * 256), "too long"),
    (lambda folder: Path(os.devnull), "not a regular file"),
    (lambda folder: folder / "a\0b", "null"),
])
def test_impossible_outputs_are_one_line(tmp_path: Path, make, says: str) -> None:
    with pytest.raises(OutputError, match=says) as caught:
        AtomicFile(make(tmp_path), overwrite=True)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(as_root, reason="root may write anywhere")
def test_no_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="no permission"):
            AtomicFile(tmp_path / "out.png")
    finally:
        tmp_path.chmod(0o700)


def test_a_killed_process_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "out.png"
    target.write_bytes(b"old")
    code = ("import sys; from pathlib import Path; from faceswap_cli.files.atomic import AtomicFile\n"
            "out = AtomicFile(Path(sys.argv[1]), overwrite=True)\n"
            "out.file.write(b'new' * 100_000); out.file.flush(); print('ready', flush=True); sys.stdin.read()")
    with subprocess.Popen([sys.executable, "-c", code, str(target)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert target.read_bytes() == b"old"


def test_a_full_disk_is_one_line_and_leaves_the_old_file(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    target = tmp_path / "out.png"
    target.write_bytes(b"old")
    code = ("import resource, sys; from pathlib import Path\n"
            "from faceswap_cli.errors import OutputError; from faceswap_cli.files.atomic import AtomicFile\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
            "try:\n"
            "    with AtomicFile(Path(sys.argv[1]), overwrite=True) as out:\n"
            "        with out.writing(): out.file.write(b'n' * 100_000)\n"
            "        out.commit()\n"
            "except OutputError as error: print(error)")
    done = subprocess.run([sys.executable, "-c", code, str(target)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"cannot write {target}: ")
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["out.png"]


STDOUT = ("import sys; from faceswap_cli.files.atomic import AtomicFile\n"
          "with AtomicFile(None) as out:\n"
          "    out.file.write(b'data'); out.file.seek(0); out.file.write(b'D')\n"
          "    if sys.argv[1] == 'fail': sys.exit(3)\n"
          "    out.commit()")


@pytest.mark.parametrize(("fate", "expected"), [("commit", b"Data"), ("fail", b"")])
def test_standard_output_gets_all_or_nothing(fate: str, expected: bytes) -> None:
    done = subprocess.run([sys.executable, "-c", STDOUT, fate], capture_output=True, check=False)
    assert done.stdout == expected
    assert done.stderr == b""


def test_a_closed_pipe_is_an_output_error_and_quiet_at_exit() -> None:
    code = ("import sys\n"
            "from faceswap_cli.files.atomic import AtomicFile; from faceswap_cli.errors import OutputError\n"
            "sys.stdin.readline()\n"
            "try:\n"
            "    with AtomicFile(None) as out: out.file.write(b'x' * 1_000_000); out.commit()\n"
            "except OutputError as error: print(error, file=sys.stderr)")
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdin is not None and process.stderr is not None
        process.stdout.close()
        process.stdin.write(b"\n")
        process.stdin.close()
        said = process.stderr.read()
        assert process.wait() == 0
    assert said == b"cannot write standard output: the reader has closed the pipe\n"


def test_no_bytes_to_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdout", Terminal())
    with pytest.raises(UsageError, match="terminal"):
        AtomicFile(None)
