"""Data on standard output and nothing else there; talk on standard error."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from fakes import RED
from PIL import Image as PILImage

SWAP = ["swap", "me.jpg", "party.jpg"]


def decode(data: bytes) -> np.ndarray:
    return np.array(PILImage.open(io.BytesIO(data)).convert("RGB"))


def test_the_result_is_told_on_standard_error(place):
    done = place.run(*SWAP, "-o", "out.png")
    assert done.returncode == 0
    assert done.stdout == b""
    assert b"swapped 1 face: out.png" in done.stderr
    assert b"a note on the engine" in done.stderr


def test_quiet_says_nothing(place):
    done = place.run(*SWAP, "-o", "out.png", "--quiet", env={"XDG_STATE_HOME": str(place / "state")})
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert (place / "out.png").exists()


def test_verbose_tells_of_faces_and_stages(place):
    done = place.run("swap", "me.jpg", "group.jpg", "-o", "out.png", "--verbose")
    text = done.stderr.decode()
    assert "face 0: swapped" in text
    assert "face 1: left: not-selected" in text
    assert "encode" in text


def test_pictures_go_through_pipes(place):
    with (place / "party.jpg").open("rb") as target:
        done = place.run("swap", "me.jpg", "-", "-o", "-", stdin=target)
    assert done.returncode == 0
    assert done.stdout[:2] == b"\xff\xd8"
    assert (abs(decode(done.stdout)[14, 14].astype(int) - RED) < 30).all()
    done = place.run("swap", "-", "party.jpg", "-o", "-", "--image-format", "png",
                     input=(place / "me.jpg").read_bytes())
    assert done.stdout[:4] == b"\x89PNG"


def test_a_failed_swap_writes_nothing_to_a_pipe(place):
    done = place.run("swap", "me.jpg", "party.jpg", "-o", "-", backend="FailsToPlan")
    assert (done.returncode, done.stdout) == (5, b"")
    done = place.run("swap", "me.jpg", "dark.png", "-o", "-")
    assert (done.returncode, done.stdout) == (4, b"")


def test_chatter_of_libraries_stays_out_of_the_data(place):
    done = place.run(*SWAP, "-o", "-", "--image-format", "png", backend="Chatty")
    assert done.stdout[:8] == b"\x89PNG\r\n\x1a\n"
    assert done.stdout[-8:-4] == b"IEND"
    assert b"Applied providers" in done.stderr
    assert b"written by C" in done.stderr


def test_standard_input_cannot_serve_twice(place):
    done = place.run("swap", "-", "-", "-o", "out.png", input=b"x")
    assert done.returncode == 2
    assert b"only once" in done.stderr


def test_a_reader_that_goes_away_is_no_surprise(place):
    for arguments in ([*SWAP, "-o", "-"], ["detect", "party.jpg"], ["detect", "party.jpg", "--json"]):
        read, write = os.pipe()
        os.close(read)
        done = place.run(*arguments, stdout=write)
        os.close(write)
        assert done.returncode == 1, arguments
        assert b"Traceback" not in done.stderr
        assert b"Exception ignored" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="closes descriptors by number")
def test_closed_streams_are_survived(place):
    for closing in (">&-", "2>&-", ">&- 2>&-", "<&-", "<&- >&- 2>&-"):
        done = in_a_shell(place, closing, *SWAP, "-o", "out.png", "--overwrite")
        assert done.returncode == 0, closing
        assert b"Traceback" not in done.stderr
        assert decode((place / "out.png").read_bytes()).shape == (48, 64, 3)


@pytest.mark.skipif(sys.platform == "win32", reason="closes descriptors by number")
@pytest.mark.parametrize("closing", ["<&- >&- 2>&-", "2>&-", "<&- 2>&-"])
def test_what_c_says_to_a_closed_stream_does_not_get_into_the_output(place, closing):
    done = in_a_shell(place, closing, *SWAP, "-o", "out.bmp", backend="Chatty")
    assert done.returncode == 0
    assert b"written by C" not in (place / "out.bmp").read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="closes descriptors by number")
@pytest.mark.parametrize("arguments", [["detect", "party.jpg"], ["detect", "party.jpg", "--json"],
                                       [*SWAP, "-o", "out.png", "--json"], [*SWAP, "-o", "-"]])
def test_data_that_cannot_be_given_is_an_error(place, arguments):
    before = place.names()
    done = in_a_shell(place, ">&-", *arguments)
    assert done.returncode == 1
    assert done.stderr.decode().splitlines()[-1] == "error: cannot write to standard output: it is closed"
    assert place.names() == before


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # noqa: PTH110
@pytest.mark.parametrize("arguments", [["detect", "party.jpg"], ["detect", "party.jpg", "--json"],
                                       ["detect", "none.jpg", "--json"], [*SWAP, "-o", "-"]])
def test_a_full_disk_behind_standard_output_is_one_line(place, arguments):
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        done = place.run(*arguments, stdout=full)
    assert done.returncode == 1
    assert done.stderr.decode().splitlines()[-1] == (
        "error: cannot write standard output: the disk is full; make room")
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


def test_nobody_to_talk_to_is_no_reason_to_fail(place):
    read, write = os.pipe()
    os.close(read)
    assert place.run(*SWAP, "-o", "out.png", stderr=write).returncode == 0
    assert (place / "out.png").exists()
    assert place.run("swap", "none.jpg", "party.jpg", "-o", "other.png", stderr=write).returncode == 3
    os.close(write)


@pytest.mark.parametrize("columns", ["0", "1", "20"])
def test_a_table_is_whole_whatever_the_width(place, columns):
    done = place.run("detect", "party.jpg", env={"COLUMNS": columns})
    assert done.returncode == 0
    assert b"9,9,23,23" in done.stdout
    assert b"a note on the engine" in done.stderr


def in_a_shell(place, redirection: str, *arguments: str, backend: str = "BrightSquares"):
    command = " ".join(f"'{word}'" for word in place.arguments(*arguments, backend=backend))
    return subprocess.run(["sh", "-c", f"{command} {redirection}"], cwd=place.folder, capture_output=True, check=False,
                          timeout=180)


# --- terminals --------------------------------------------------------------------------------------------------------


def on_a_terminal(place, *arguments: str, stream: str, env: dict[str, str] | None = None,
                  backend: str = "BrightSquares"):
    """Run with one stream on a terminal; returns what came there, and the process."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    pytest.importorskip("termios").tcsetwinsize(theirs, (24, 80))
    done = place.run(*arguments, backend=backend, env={"TERM": "xterm", **(env or {})}, **{stream: theirs})
    os.close(theirs)
    text = b""
    try:
        while block := os.read(ours, 4096):
            text += block
    except OSError:  # Linux says so when the other side is closed
        pass
    os.close(ours)
    return text, done


def test_a_picture_is_not_written_to_a_terminal(place):
    text, done = on_a_terminal(place, *SWAP, "-o", "-", stream="stdout")
    assert done.returncode == 2
    assert text == b""
    assert b"terminal" in done.stderr


def test_a_source_that_comes_from_a_file_by_standard_input_is_not_replaced(place):
    before = (place / "me.jpg").read_bytes()
    with (place / "me.jpg").open("rb") as file:
        done = place.run("swap", "-", "party.jpg", "-o", "me.jpg", "--overwrite", stdin=file)
    assert done.returncode == 2 and b"never replaced" in done.stderr
    assert (place / "me.jpg").read_bytes() == before


def test_a_picture_is_not_read_from_a_terminal(place):
    _, done = on_a_terminal(place, "swap", "me.jpg", "-", "-o", "out.png", stream="stdin")
    assert done.returncode == 2
    assert b"pipe a picture in" in done.stderr


def test_progress_is_shown_on_a_terminal_only(place, dance):
    run = ["swap", "me.jpg", "dance.gif", "-o", "out.gif", "--overwrite"]
    text, done = on_a_terminal(place, *run, stream="stderr", backend="Uneven")
    assert done.returncode == 0
    assert b"dance.gif:" in text
    assert b"/20 frames, " in text
    assert b"/20 [" not in place.run(*run, backend="Uneven").stderr
    for more, env in ((["--no-progress"], {}), (["--quiet"], {}), ([], {"CI": "true"})):
        text, _ = on_a_terminal(place, *run, *more, stream="stderr", env=env, backend="Uneven")
        assert b"/20 [" not in text


def test_colour_only_where_it_is_wanted(place):
    text, _ = on_a_terminal(place, "detect", "none.png", stream="stderr")
    assert b"\x1b[1;31merror" in text
    text, _ = on_a_terminal(place, "detect", "none.png", stream="stderr", env={"NO_COLOR": "1"})
    assert b"31m" not in text
    assert b"\x1b" not in place.run("detect", "none.png").stderr


# --- said once --------------------------------------------------------------------------------------------------------


def test_consent_is_asked_for_once_on_a_machine(place):
    env = {"XDG_STATE_HOME": str(place / "state")}
    first = place.run(*SWAP, "-o", "one.png", env=env)
    second = place.run(*SWAP, "-o", "two.png", env=env)
    assert b"agreed" in first.stderr
    assert b"agreed" not in second.stderr


def test_a_home_that_cannot_be_written_is_no_reason_to_fail(place):
    (place / "state").write_text("a file")
    done = place.run(*SWAP, "-o", "one.png", env={"XDG_STATE_HOME": str(place / "state")})
    assert done.returncode == 0
    assert b"agreed" in done.stderr


# --- interrupted ------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_an_interrupted_swap_leaves_nothing(place, dance, number, code, tmp_path_factory):
    temporary = tmp_path_factory.mktemp("tmp")
    (place / "out.gif").write_bytes(b"old")
    before = place.names()
    with dance.open("rb") as target:
        process = subprocess.Popen(
            place.arguments("swap", "me.jpg", "-", "-o", "out.gif", "--overwrite", backend="Slow"), cwd=place.folder,
            stdin=target, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            env=os.environ | {"TMPDIR": str(temporary)})
    deadline = time.monotonic() + 30
    while place.names() == before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert place.names() != before, "it has not begun"
    assert list(temporary.iterdir())
    time.sleep(0.3)
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert process.returncode == code, said
    assert b"Traceback" not in said
    assert place.names() == before
    assert (place / "out.gif").read_bytes() == b"old"
    assert list(temporary.iterdir()) == []


def test_a_dry_run_says_what_the_first_frame_shows(place, dance):
    """The first frame of the clip has no face."""
    done = place.run("swap", "me.jpg", "dance.gif", "-o", "out.gif", "--dry-run")
    assert "would swap no face as far as the first frame shows; nothing was written" in done.stderr.decode()
    done = place.run("swap", "me.jpg", "party.jpg", "-o", "out.png", "--dry-run")
    assert "would swap 1 face and write out.png; nothing was written" in done.stderr.decode()
    assert not place.names() & {"out.gif", "out.png"}
