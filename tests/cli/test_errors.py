"""Every class of error has its exit code, and one line that helps."""

from __future__ import annotations

import subprocess
import sys

import pytest

OUT = ["-o", "out.png"]
LONG = "x" * 300 + ".png"


@pytest.mark.parametrize(("arguments", "backend", "code", "words"), [
    (["swap", "none.jpg", "party.jpg", *OUT], "BrightSquares", 3, "none.jpg: there is no such file"),
    (["swap", "me.jpg", "text.png", *OUT], "BrightSquares", 3, "text.png"),
    (["swap", "me.jpg", ".", *OUT], "BrightSquares", 3, "is a folder"),
    (["swap", "me.jpg", "party.jpg", *OUT, "--max-pixels", "100"], "BrightSquares", 3, "--max-pixels 3072"),
    (["swap", "me.jpg", "http://127.0.0.1:9/a.png", *OUT], "BrightSquares", 3, "--allow-private-urls"),
    (["swap", "dark.png", "party.jpg", *OUT], "BrightSquares", 4, "dark.png: no face found"),
    (["swap", "me.jpg", "dark.png", *OUT], "BrightSquares", 4, "no face found in dark.png"),
    (["swap", "me.jpg", "party.jpg", *OUT, "--target-index", "3"], "BrightSquares", 4, "1 no-such-face"),
    (["swap", "me.jpg", "party.jpg", *OUT, "--source-index", "3"], "BrightSquares", 2, "source index 3"),
    (["swap", "me.jpg", "party.jpg", *OUT], "FailsToPlan", 5, "the session failed"),
    (["swap", "me.jpg", "party.jpg", "-o", "none/out.png"], "BrightSquares", 1, "create it first"),
    (["swap", "me.jpg", "party.jpg", "-o", "party.jpg"], "BrightSquares", 2, "also an input"),
    (["swap", "me.jpg", "party.jpg", "-o", "out.xyz"], "BrightSquares", 2, "--image-format"),
    (["swap", "me.jpg", "party.jpg", "-o", "out.png", "--image-format", "jpg"], "BrightSquares", 2, "--image-format"),
    (["swap", "me.jpg", "party.jpg", *OUT, "--target-index", "0,,1"], "BrightSquares", 2, "--target-index"),
    (["swap", "me.jpg", "party.jpg", *OUT, "--image-quality", "9"], "BrightSquares", 2, "--image-quality"),
    (["swap-gif", "me.jpg", "party.jpg", "-o", "out.gif"], "BrightSquares", 2, "use `faceswap swap`"),
    (["swap-gif", "me.jpg", "party.jpg", "-o", "out.gif", "--file-type", "jpeg"], "BrightSquares", 2, "--file-type"),
    (["swap", "", "party.jpg", *OUT], "BrightSquares", 3, "the name of an input is empty"),
    (["swap", "me.jpg", "", *OUT], "BrightSquares", 3, "the name of an input is empty"),
    (["detect", ""], "BrightSquares", 3, "the name of an input is empty"),
    (["swap", "me.jpg", "party.jpg", "-o", ""], "BrightSquares", 2, "the name of the output is empty"),
    (["swap", "me.jpg", "party.jpg", "-o", LONG], "BrightSquares", 1, "the name is too long"),
    (["swap", LONG, "party.jpg", *OUT], "BrightSquares", 3, "name too long"),
    (["detect", "party.jpg", "--annotate", LONG], "BrightSquares", 1, "name too long"),
    (["detect", "party.jpg", "--annotate", LONG[:-4] + "/"], "BrightSquares", 1, "name too long"),
    (["detect", "party.jpg", "--crops", LONG], "BrightSquares", 1, "name too long"),
    (["detect", "party.jpg", "--crops", ""], "BrightSquares", 2, "is empty"),
    (["detect", "party.jpg", "--order", "none"], "BrightSquares", 2, "'--order': 'none' is not"),
    (["detect", "dark.png"], "BrightSquares", 4, "no face found"),
    (["detect", "dark.png", "none.png"], "BrightSquares", 3, "none.png"),
    (["detect", "party.jpg", "me.jpg", "--annotate", "out.png"], "BrightSquares", 2, "name a folder"),
])
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
