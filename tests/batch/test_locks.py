from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from faceswap_cli.batch.journal import default_journal
from faceswap_cli.batch.locks import hold
from faceswap_cli.batch.plan.shards import Shard
from faceswap_cli.errors import OutputError, UsageError

HOLDER = """
import sys
from pathlib import Path
from faceswap_cli.batch.locks import hold
with hold(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_another_process_is_kept_out_and_told_who_goes_on(tmp_path: Path) -> None:
    journal = default_journal(tmp_path)
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(journal)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        for _ in range(2):  # who is refused takes nothing from the holder
            with pytest.raises(UsageError, match=rf"another run \(process {process.pid}\) writes to {tmp_path}"), \
                    hold(journal):
                pytest.fail("two runs at once")
        process.kill()
        process.wait()
    with hold(journal):  # the lock of a killed process is none
        pass
    assert list(tmp_path.iterdir()) == []


def test_it_holds_for_a_second_run_of_the_same_process_and_then_lets_go(tmp_path: Path) -> None:
    journal = default_journal(tmp_path)
    with hold(journal):
        with pytest.raises(UsageError, match=f"process {os.getpid()}"), hold(journal):
            pytest.fail("two runs at once")
        with pytest.raises(UsageError), hold(tmp_path / "." / journal.name):
            pytest.fail("the same journal by another name")
    with hold(journal):
        pass


def test_a_run_with_a_journal_elsewhere_shares_the_output(tmp_path: Path) -> None:
    default = default_journal(tmp_path / "out")
    with hold(tmp_path / "a.jsonl", default):
        with pytest.raises(UsageError), hold(tmp_path / "b.jsonl", default):
            pytest.fail("two runs on one output")
        with hold(tmp_path / "b.jsonl", default_journal(tmp_path / "other")):
            pass
    with hold(default, default):  # one and the same
        pass


def test_shards_run_side_by_side(tmp_path: Path) -> None:
    with hold(default_journal(tmp_path, Shard(0, 2))), hold(default_journal(tmp_path, Shard(1, 2))):
        pass


def test_it_lets_go_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError), hold(tmp_path / "j"):
        raise KeyError
    with hold(tmp_path / "j"):
        pass


def test_a_lock_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"), hold(tmp_path / "file" / "j"):
        pytest.fail("held")


def test_a_file_of_somebody_else_is_no_lock(tmp_path: Path) -> None:
    """A journal called `uv` has its lock in `uv.lock`."""
    (tmp_path / "uv.lock").write_text("version = 1\n[[package]]\n")
    with pytest.raises(UsageError, match=r"uv\.lock is there and is no lock of faceswap"), hold(tmp_path / "uv"):
        pytest.fail("it would be removed")
    assert (tmp_path / "uv.lock").read_text() == "version = 1\n[[package]]\n"
