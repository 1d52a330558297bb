"""`--remote` as a user has it: processes against the stand-in API, and against `faceswap serve`."""

from __future__ import annotations

import io
import json
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import error_tables
import pytest
from fakes import RED, scene
from PIL import Image as PILImage
from segmind_api import CANARY, Fault, SegmindApi, broken, limited

REQUESTS = ".faceswap-journal.jsonl.requests"


@pytest.fixture(autouse=True)
def own_environment(monkeypatch, tmp_path) -> None:
    for name in ("SEGMIND_API_KEY", "SEGMIND_BASE_URL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def api(place, monkeypatch) -> Iterator[SegmindApi]:
    monkeypatch.setenv("SEGMIND_API_KEY", CANARY)
    with SegmindApi() as api:
        file = io.BytesIO()
        PILImage.fromarray(scene((8, 8, 16, RED))).save(file, "JPEG")
        api.picture, api.content_type = file.getvalue(), "image/jpeg"
        api.states = ["COMPLETED"]
        monkeypatch.setenv("SEGMIND_BASE_URL", api.base)
        yield api


@pytest.fixture
def run(place, tmp_path):
    """Runs a command, and looks for the key in all that it leaves behind."""
    def call(*arguments: str, **more) -> subprocess.CompletedProcess[bytes]:
        done = place.run(*arguments, **more)
        assert CANARY.encode() not in done.stdout + done.stderr
        for path in tmp_path.rglob("*"):
            assert not path.is_file() or path.name == "key" or CANARY.encode() not in path.read_bytes()
        assert b"Traceback" not in done.stderr or "--debug" in arguments
        return done

    return call


@pytest.fixture
def photos(place) -> Path:
    """Six pictures, each of its own content."""
    folder = place / "photos"
    folder.mkdir()
    for number in range(6):
        PILImage.fromarray(scene((4 + number, 8, 16, RED))).save(folder / f"{number}.png")
    return folder


def lines(done: subprocess.CompletedProcess[bytes]) -> tuple[list[dict], dict]:
    *items, summary = [json.loads(line) for line in done.stdout.splitlines()]
    return items, summary


# --- one file ---------------------------------------------------------------------------------------------------------

def test_swap(api, run, place):
    done = run("swap", "me.jpg", "party.jpg", "-o", "out.jpg", "--remote", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 0 and (place / "out.jpg").exists() and len(api.billed) == 1
    assert report["engine"]["engine"] == "remote" and report["engine"]["slug"] == "faceswap-v3"
    assert report["engine"]["request_id"] and report["output"]["format"] == "jpeg"


def test_swap_to_a_pipe(api, run):
    done = run("swap", "me.jpg", "-", "-o", "-", "--remote", input=api.picture)
    assert done.returncode == 0 and done.stdout.startswith(b"\xff\xd8")


def test_errors_are_in_the_apis_words(api, run, place):
    api.failure = "no face found in source_img"
    done = run("swap", "me.jpg", "party.jpg", "-o", "out.jpg", "--remote", "--json")
    assert done.returncode == 6 and b"no face found in source_img" in done.stderr
    assert json.loads(done.stdout)["error"]["exit_code"] == 6 and not (place / "out.jpg").exists()


@pytest.mark.parametrize("arguments", [["--debug"], ["--verbose"], ["--json"]])
def test_a_wrong_key_is_not_shown(run, monkeypatch, arguments):
    monkeypatch.setenv("SEGMIND_API_KEY", CANARY)
    with SegmindApi(key="another") as api:
        api.fail("upload", Fault(401, {"error": f"missing or invalid API key {CANARY}"}))
        done = run("swap", "me.jpg", "party.jpg", "-o", "out.jpg", "--remote", "--remote-url", api.base, *arguments)
    assert done.returncode == 6 and b"missing or invalid API key" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
def test_the_key_file_is_the_users_alone(api, run, place, monkeypatch):
    monkeypatch.delenv("SEGMIND_API_KEY")
    (place / "key").write_text(CANARY)
    (place / "key").chmod(0o644)
    swap = ["swap", "me.jpg", "party.jpg", "-o", "out.jpg", "--remote", "--key-file", "key"]
    done = run(*swap)
    assert done.returncode == 6 and b"chmod 600" in done.stderr and not api.asked
    (place / "key").chmod(0o600)
    assert run(*swap).returncode == 0 and len(api.billed) == 1


def test_the_hosted_api_wants_a_key(run, monkeypatch):
    done = run("swap", "me.jpg", "party.jpg", "-o", "out.jpg", "--remote")
    assert done.returncode == 6 and b"SEGMIND_API_KEY" in done.stderr


@pytest.mark.parametrize(("arguments", "words"), error_tables.REMOTE)
def test_what_makes_no_sense_is_a_usage_error(api, run, arguments, words):
    done = run("swap", "me.jpg", "party.jpg", "-o", "out.jpg", *arguments)
    assert done.returncode == 2 and words in done.stderr and not api.asked


def test_detect_has_no_remote(run):
    done = run("detect", "me.jpg", "--remote")
    assert done.returncode == 2 and b"does not report where they are" in done.stderr


def test_swap_gif_takes_animations_only(api, run):
    done = run("swap-gif", "me.jpg", "party.jpg", "-o", "out.gif", "--remote")
    assert done.returncode == 2 and b"is a still" in done.stderr and not api.asked


@pytest.mark.parametrize("fault", [Fault(406, {"error": "insufficient credits"}), broken(502)])
def test_the_fallback_is_told(api, run, place, fault):
    api.fail("submit", fault)
    done = run("swap", "me.jpg", "party.jpg", "-o", "out.jpg", "--remote", "--fallback", "local", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 0 and (place / "out.jpg").exists() and not api.billed
    assert report["engine"]["engine"] != "remote"
    assert "swapped on this machine instead" in report["warnings"][0]
    assert b"swapped on this machine instead" in done.stderr


def test_a_refusal_does_not_fall_back(api, run, place):
    api.fail("submit", Fault(401, {"error": "missing or invalid API key"}))
    done = run("swap", "me.jpg", "party.jpg", "-o", "out.jpg", "--remote", "--fallback", "local")
    assert done.returncode == 6 and not (place / "out.jpg").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupted_swap_is_taken_up_again(api, run, place):
    api.states = ["PROCESSING"]
    swap = ["swap", "me.jpg", "party.jpg", "-o", "out.jpg", "--remote"]
    with subprocess.Popen(place.arguments(*swap), cwd=place.folder, stderr=subprocess.PIPE) as process:
        wait_for(lambda: api.count("status") >= 1)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 130 and b"run the same command again within the hour" in said
    complete(api)
    done = run(*swap)
    assert done.returncode == 0 and b"continuing request" in done.stderr and len(api.billed) == 1


def test_a_run_that_ends_costs_no_ticket_of_another_that_is_killed(api, run, place):
    """Both note their requests in one folder; the result that is paid for is fetched by the next run."""
    command = ("swap", "me.jpg", "party.jpg", "-o", "out.jpg", "--remote")
    gate = threading.Event()
    api.states = ["PROCESSING"]
    api.fail("submit", Fault(gate=gate))
    with subprocess.Popen(place.arguments(*command), cwd=place.folder, stderr=subprocess.DEVNULL) as first:
        try:
            wait_for(lambda: api.count("submit") == 1)
            for quality in ("50", "60"):
                done = run("swap", "me.jpg", "party.jpg", "-o", f"{quality}.jpg", "--remote", "--remote-mode", "sync",
                           "--image-quality", quality)
                assert done.returncode == 0, done.stderr
            gate.set()
            wait_for(lambda: api.count("status") > 0)
        finally:
            first.kill()
    api.states = ["COMPLETED"]
    for states in api.jobs.values():
        states.extend(["COMPLETED"])
    done = run(*command)
    assert done.returncode == 0 and (place / "out.jpg").exists() and b"not billed again" in done.stderr
    assert api.count("submit") == 1 and len(api.billed) == 3


# --- batches ----------------------------------------------------------------------------------------------------------

def test_batch(api, run, place, photos):
    api.fail("submit", limited(Retry_After="0"), limited(Retry_After="0"))
    api.fail("status", broken(500), Fault(drop="after"))
    api.fail("output", Fault(drop="midway"))
    done = run("batch", "me.jpg", "photos", "-o", "out", "--remote", "--json", "--cost-per-request", "0.05")
    items, summary = lines(done)
    assert done.returncode == 0, done.stderr
    assert {item["status"] for item in items} == {"done"} and len(items) == 6
    assert summary["remote"] == {"requests": 6, "cost": 0.3, "fallbacks": 0}
    assert len(api.billed) == 6 and len({body["target_img"] for body in api.billed}) == 6
    assert len(api.assets) == 7  # the picture of the face is sent once
    assert not list((place / "out" / REQUESTS).glob("*.json"))
    again = run("batch", "me.jpg", "photos", "-o", "out", "--remote", "--json")
    assert again.returncode == 0 and {item["status"] for item in lines(again)[0]} == {"current"}
    assert len(api.billed) == 6


def test_names_through_a_pipe_in_their_order(api, run, photos):
    names = "".join(f"{path}\n" for path in sorted(photos.iterdir(), reverse=True))
    api.fail("status", broken(500))  # makes the first one late
    done = run("batch", "me.jpg", "-", "-o", "out", "--remote", "--ordered", "--json", input=names.encode())
    items, summary = lines(done)
    assert done.returncode == 0 and [item["key"] for item in items] == [f"{n}.png" for n in (5, 4, 3, 2, 1, 0)]
    assert summary["remote"]["requests"] == len(api.billed) == 6


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interruption_does_not_wait_for_a_pipe(api, place, photos):
    batch = place.arguments("batch", "me.jpg", "-", "-o", "out", "--remote", backend=None)
    with subprocess.Popen(batch, cwd=place.folder, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as process:
        process.stdin.write(f"{photos / '0.png'}\n".encode())
        process.stdin.flush()
        wait_for((place / "out" / "0.png").exists)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    assert len(api.billed) == 1


@pytest.mark.parametrize(("status", "words"), [(401, "missing or invalid API key"), (406, "insufficient credits")])
def test_what_every_request_would_meet_stops_a_batch(api, run, photos, status, words):
    api.fail("submit", *[Fault(status, {"error": words})] * 6)
    done = run("batch", "me.jpg", "photos", "-o", "out", "--remote", "--json", "--remote-jobs", "1")
    items, summary = lines(done)
    assert done.returncode == summary["exit_code"] == 6
    assert len(items) == 1 and summary["counts"]["stopped"] == 5 and words in summary["stopped"]
    assert api.count("submit") == 1


def test_no_request_more_than_allowed(api, run, photos):
    api.fail("submit", broken(500, bills=True))  # may be billed, so it counts
    batch = ["batch", "me.jpg", "photos", "-o", "out", "--remote", "--json"]
    done = run(*batch, "--max-requests", "4")
    summary = lines(done)[1]
    assert done.returncode == 7 and len(api.billed) == 4 and summary["remote"]["requests"] == 4
    assert "--max-requests" in summary["stopped"] and summary["counts"]["stopped"] == 2
    done = run(*batch, "--max-cost", "0.1", "--cost-per-request", "0.1")
    assert done.returncode == 7 and len(api.billed) == 5 and "--max-cost" in lines(done)[1]["stopped"]
    run(*batch)
    assert len(api.billed) == 6  # what may have been billed is not asked for again of itself
    done = run(*batch, "--retry-failed")
    assert done.returncode == 0 and len(api.billed) == 7


def test_the_rest_of_a_batch_is_done_here_when_credits_are_out(api, run, place, photos):
    api.fail("submit", Fault(), Fault(), *[Fault(406, {"error": "insufficient credits"})] * 6)
    batch = ["batch", "me.jpg", "photos", "-o", "out", "--remote", "--fallback", "local", "--json"]
    done = run(*batch, "--remote-jobs", "1")
    items, summary = lines(done)
    assert done.returncode == 0 and len(list((place / "out").glob("*.png"))) == 6
    assert summary["remote"] == {"requests": 2, "cost": None, "fallbacks": 4} and api.count("submit") == 3
    assert sum("insufficient credits" in " ".join(item["warnings"]) for item in items) == 4
    assert b"the rest is swapped on this machine" in done.stderr
    assert {item["status"] for item in lines(run(*batch))[0]} == {"current"}


def test_failures_that_the_api_has_judged_are_not_asked_for_again(api, run, photos):
    api.failure = "no face found in target_img"
    batch = ["batch", "me.jpg", "photos", "-o", "out", "--remote", "--json"]
    done = run(*batch)
    assert done.returncode == 7 and len(api.billed) == 6
    assert all(item["error"]["type"] == "ApiRefusal" for item in lines(done)[0])
    assert run(*batch).returncode == 7 and len(api.billed) == 6


@pytest.mark.parametrize(("arguments", "words"), error_tables.REMOTE_BATCH)
def test_options_of_a_batch_that_contradict_each_other(api, run, photos, arguments, words):
    done = run("batch", "me.jpg", "photos", "-o", "out", "--remote", *arguments)
    assert done.returncode == 2 and words in done.stderr and not api.asked


def test_max_requests_is_for_remote(run, photos):
    done = run("batch", "me.jpg", "photos", "-o", "out", "--max-requests", "2")
    assert done.returncode == 2 and b"--max-requests is for --remote" in done.stderr


def test_a_plan_sends_nothing(api, run, photos):
    done = run("batch", "me.jpg", "photos", "-o", "out", "--remote", "--dry-run", "--json")
    assert done.returncode == 0 and lines(done)[1]["counts"]["swap"] == 6 and not api.asked


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("ending", ["kill", "twice"])
def test_a_batch_that_ends_in_the_middle_resumes_its_open_requests(api, run, place, photos, ending):
    api.states = ["PROCESSING"]
    batch = ["batch", "me.jpg", "photos", "-o", "out", "--remote", "--remote-jobs", "3", "--json"]
    with subprocess.Popen(place.arguments(*batch), cwd=place.folder, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as process:
        wait_for(lambda: len(list((place / "out" / REQUESTS).glob("*.json"))) == 3 and api.count("status") >= 3)
        if ending == "kill":
            process.kill()
        else:
            process.send_signal(signal.SIGINT)
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
        assert process.wait(30) in (-signal.SIGKILL, 130)
    assert len(api.billed) == 3
    complete(api)
    done = run(*batch)
    items, summary = lines(done)
    assert done.returncode == 0 and [item["status"] for item in items] == ["done"] * 6
    assert len(api.billed) == 6 and summary["remote"]["requests"] == 3
    assert not list((place / "out" / REQUESTS).glob("*.json"))
    assert {item["engine"]["request_id"] for item in items} == set(api.jobs)


# --- our own server ---------------------------------------------------------------------------------------------------

@pytest.fixture
def served(tmp_path, assets) -> Iterator[str]:
    """The address of `faceswap serve` with the embedded engine, in a process of its own."""
    with subprocess.Popen([sys.executable, "-m", "faceswap_cli", "serve", "--port", "0", "--engine", "embedded",
                           "--data-dir", str(tmp_path / "serve")], stderr=subprocess.PIPE, text=True) as process:
        guard = threading.Timer(120, process.kill)
        guard.start()
        said: list[str] = []
        try:
            for line in process.stderr:
                said.append(line)
                if found := re.search(r"serving (http://\S+)", line):
                    break
            assert found, said
            drain = threading.Thread(target=process.stderr.read)
            drain.start()
            yield found[1]
        finally:
            guard.cancel()
            process.send_signal(signal.SIGTERM)
            process.wait(60)
            drain.join()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_against_faceswap_serve(served, run, place, assets):
    source = str(assets / "man-1.jpg")
    there = ["--remote", "--remote-url", served, "--json"]
    for mode in ("async", "sync"):
        done = run("swap", source, str(assets / "woman-1.jpg"), "-o", f"{mode}.png", *there, "--remote-mode", mode)
        assert done.returncode == 0, done.stderr
    here = run("swap", source, str(assets / "woman-1.jpg"), "-o", "here.png", "--engine", "embedded", backend=None)
    assert here.returncode == 0
    pictures = [PILImage.open(place / name).convert("RGB").tobytes() for name in ("async.png", "sync.png", "here.png")]
    assert pictures[0] == pictures[1] == pictures[2]

    (place / "in").mkdir()
    for name in ("woman-2.jpg", "man-2.jpg"):
        shutil.copy(assets / name, place / "in" / name)
    PILImage.fromarray(scene()).save(place / "in" / "empty.png")
    frames = [PILImage.open(assets / "woman-1.jpg").resize((320, 400)).rotate(angle) for angle in (0, 2, 4)]
    frames[0].save(place / "in" / "clip.gif", save_all=True, append_images=frames[1:], duration=50)
    done = run("batch", source, "in", "-o", "out", *there)
    items, summary = lines(done)
    assert {item["key"]: item["status"] for item in items} == {
        "woman-2.jpg": "done", "man-2.jpg": "done", "clip.gif": "done", "empty.png": "failed"}
    assert done.returncode == 7 and summary["remote"]["requests"] == 4
    failed = next(item for item in items if item["status"] == "failed")
    assert "no face" in failed["error"]["message"] and failed["error"]["exit_code"] == 6
    with PILImage.open(place / "out" / "clip.gif") as clip:
        assert clip.n_frames == 3


# --- waiting ----------------------------------------------------------------------------------------------------------

def wait_for(condition) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def complete(api: SegmindApi) -> None:
    """All that is open is done, and what comes is done at once."""
    api.states = ["COMPLETED"]
    for states in api.jobs.values():
        states.clear()
        states.append("COMPLETED")
