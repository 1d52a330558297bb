"""Every class of error has its exit code, and one line that helps."""

from __future__ import annotations

import subprocess
import sys

import error_tables
import pytest

OUT = error_tables.OUT


@pytest.mark.parametrize(("arguments", "backend", "code", "words"), error_tables.EXIT_CODES)
def test_exit_codes(place, arguments, backend, code, words):
    before = place.names()
    done = place.run(*arguments, backend=backend)
    text = " ".join(done.stderr.decode().split())
    assert done.returncode == code, text
    assert words.lower() in text.lower()
    assert b"Traceback" not in done.stderr
    assert place.names() == before


def test_a_bug_is_one_line_that_asks_for_debug(place):
    done = place.run("swap", "me.jpg", "party.jpg", *OUT, backend="Dies")
    last = done.stderr.decode().splitlines()[-1]
    assert done.returncode == 1
    assert last == "error: unexpected ZeroDivisionError: a bug; run it again with --debug to see where"
    assert "Traceback" not in done.stderr.decode()


def test_too_little_memory_is_told_as_such(place):
    done = place.run("swap", "me.jpg", "party.jpg", *OUT, backend="OutOfMemory")
    assert done.returncode == 1
    assert done.stderr.decode().splitlines()[-1].startswith("error: not enough memory; make the picture smaller")
    assert not (place / "out.png").exists()


def test_debug_shows_where(place):
    done = place.run("swap", "me.jpg", "party.jpg", *OUT, "--debug", backend="Dies")
    assert done.returncode == 1
    assert "Traceback" in done.stderr.decode()
    assert "in render" in done.stderr.decode()


def test_a_file_name_cannot_command_the_terminal(place):
    done = place.run("swap", "me.jpg", "\x1b[31mred\nline.png", *OUT)
    assert done.returncode == 3
    assert b"\x1b" not in done.stderr
    assert rb"\x1b[31mred\nline.png" in done.stderr


def test_a_restorer_that_is_not_there_is_an_error(place):
    done = place.run("swap", "me.jpg", "party.jpg", *OUT, "--restore", "codeformer", backend=None)
    assert done.returncode == 5
    assert b"codeformer" in done.stderr
    assert not (place / "out.png").exists()


def test_nothing_given_shows_the_help(place):
    done = place.run(backend=None)
    assert b"Usage: faceswap" in done.stdout + done.stderr
    assert done.returncode == 2


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_an_interruption_while_it_loads_is_no_traceback(place):
    script = ("import signal, sys\nfrom faceswap_cli.__main__ import main\n"
              "class Interrupt:\n"
              "    def find_spec(self, name, *rest):\n"
              "        if name == 'typer':\n"
              "            signal.raise_signal(signal.SIGINT)\n"
              "sys.meta_path.insert(0, Interrupt())\nsys.exit(main(['--help']))")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False, timeout=180)
    assert (done.returncode, done.stderr) == (130, b"")


@pytest.mark.parametrize(("signal", "code"), [("KeyboardInterrupt()", 130), ("SystemExit(143)", 143)])
def test_an_interruption_that_an_import_turned_into_an_error_is_one(place, signal, code):
    """As dlib's import does with a signal that comes while it is initialised."""
    script = ("import sys\nfrom faceswap_cli.cli.app import main\nfrom faceswap_cli.errors import ModelError\n"
              "from faceswap_cli.jobs import backend\n"
              "def dies(options):\n"
              f"    try:\n        raise ImportError('initialization failed') from {signal}\n"
              "    except ImportError as error:\n        raise ModelError('dlib cannot be loaded') from error\n"
              "backend.open_backend = dies\n"
              "sys.exit(main(['swap', 'me.jpg', 'party.jpg', '-o', 'out.png']))")
    done = subprocess.run([sys.executable, "-c", script], cwd=place.folder, capture_output=True, check=False,
                          timeout=180)
    assert done.returncode == code
    assert b"dlib" not in done.stderr
