"""`faceswap models pull` from a site of faults, over a catalogue of small stand-ins."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from faulty_site import HTML, Answer, zip_of
from filelock import FileLock
from stand_ins import MEMBERS, RESTORER, SWAPPER, fits, on_a_terminal

NEURAL = "faceswap models pull inswapper_128 buffalo_l --accept-license"

PULLED = {"schema": int, "folder": str, "models": [
    {"id": str, "pulled": bool, "files": [{"path": str, "bytes": int, "sha256": str}, ...]}, ...]}


def test_terms_are_shown_and_accepted_once(models):
    refused = models.run("pull", "inswapper_128", "buffalo_l")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "non-commercial research purposes only (https://" in refused.stderr
    assert refused.stderr.splitlines()[-1].endswith(f"run: {NEURAL}")
    assert models.site.asked == [] and not models.folder.exists()

    done = models.run("pull", "inswapper_128", "--accept-license")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.splitlines()[0].startswith("terms of inswapper_128: insightface models: non-commercial")
    assert (models / "inswapper_128.onnx").read_bytes() == SWAPPER

    again = models.run("pull", "buffalo_l")  # of the same licence
    assert again.returncode == 0
    assert "terms of" not in again.stderr
    assert {name: (models / name).read_bytes() for name in MEMBERS} == MEMBERS
    assert models.names() == {"inswapper_128.onnx", *MEMBERS}

    other = models.run("pull", "gfpgan_1.4")
    assert other.returncode == 2
    assert "terms of gfpgan_1.4: GFPGAN: Apache-2.0" in other.stderr


def test_a_set_stands_for_its_models_and_none_is_pulled_twice(models):
    report = models.json("pull", "neural", "inswapper", "NEURAL", "--accept-license")
    fits(report, PULLED)
    assert [(model["id"], model["pulled"]) for model in report["models"]] == [
        ("inswapper_128", True), ("buffalo_l", True)]
    assert {Path(file["path"]).name for file in report["models"][1]["files"]} == set(MEMBERS)
    assert len(models.site.asked) == 2
    again = models.json("pull", "neural")
    assert [model["pulled"] for model in again["models"]] == [False, False]
    assert again["models"][0]["files"] == report["models"][0]["files"]
    assert len(models.site.asked) == 2
    told = models.run("pull", "inswapper_128")
    assert told.stderr == f"inswapper_128 is installed: {models / 'inswapper_128.onnx'}\n"


def test_a_damaged_model_is_pulled_again(models):
    models.pull("gfpgan_1.4")
    (models / "GFPGANv1.4.onnx").write_bytes(b"x" + RESTORER[1:])
    done = models.run("pull", "gfpgan_1.4")
    assert done.returncode == 0
    assert (models / "GFPGANv1.4.onnx").read_bytes() == RESTORER


def test_a_connection_that_breaks_off_goes_on_where_it_stopped(models):
    models.site.serve("/inswapper_128.onnx", Answer(SWAPPER, cut=300_000), Answer(SWAPPER))
    done = models.run("pull", "inswapper_128", "--accept-license")
    assert done.returncode == 0, done.stderr
    assert "the connection broke off; trying again" in done.stderr
    assert models.site.asked[-1].range == f"bytes={models.site.asked[0].sent}-"
    assert (models / "inswapper_128.onnx").read_bytes() == SWAPPER


@pytest.mark.parametrize(("answer", "words"), [
    (Answer(RESTORER[:-1] + b"?"), "came instead of the model"),
    (Answer(HTML, headers={"Content-Type": "text/html"}), "an HTML page came instead of the model"),
    (Answer(HTML), "came instead of"),
    (Answer(RESTORER[:-10]), "came instead of"),
    (Answer(b"", 404), "status 404"),
])
def test_what_is_not_the_model_is_refused(models, answer, words):
    models.site.serve("/GFPGANv1.4.onnx", answer)
    report = models.json("pull", "gfpgan_1.4", "--accept-license", code=5)
    assert report["error"]["type"] == "ModelError"
    assert "gfpgan_1.4 could not be downloaded" in report["error"]["message"] and words in report["error"]["message"]
    assert models.names() == set()
    assert models.run("path", "gfpgan_1.4").returncode == 5


def test_the_real_catalogue_refuses_what_a_mirror_gives_in_its_place(models):
    """As installed, with the hashes that the models really have; a dead proxy stands for no network."""
    models.site.serve("/yolov5n_face.onnx", Answer(b"not it" * 100))
    env = {"FACESWAP_MODELS_MIRROR": models.site.base, "HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1"}
    command = shutil.which("faceswap", path=str(Path(sys.executable).parent))
    assert command, "the project is not installed"
    done = subprocess.run([command, "models", "pull", "yolov5n_face"], env=os.environ | env, capture_output=True,
                          text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (5, "")
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: yolov5n_face could not be downloaded (127.0.0.1:")
    assert "came instead of the model; github.com: cannot be reached" in last
    assert "terms of yolov5n_face: YOLOv5-face: GPL-3.0" in done.stderr  # shown, though nobody has to accept them
    assert models.names() == set()


@pytest.mark.parametrize(("more", "env"), [(["--offline"], {}), ([], {"FACESWAP_OFFLINE": "1"})])
def test_offline_nothing_is_asked_for(models, more, env):
    done = models.run("pull", "inswapper_128", *more, env=env)
    assert done.returncode == 5
    assert "inswapper_128 is not installed, and downloads are off" in done.stderr
    assert models.site.asked == []
    models.pull("inswapper_128")
    assert models.run("pull", "inswapper_128", *more, env=env).returncode == 0


def test_a_download_of_another_process_is_waited_for(models):
    (models / "locks").mkdir(parents=True)
    with FileLock(models / "locks" / "gfpgan_1.4.lock"):
        process = subprocess.Popen(models.arguments("pull", "gfpgan_1.4", "--accept-license"), stderr=subprocess.PIPE,
                                   text=True)
        for line in process.stderr:
            if "another process" in line:
                break
        else:
            pytest.fail("it did not wait")
        assert process.poll() is None and models.names() == set()
    with process:
        rest = process.stderr.read()
    assert process.returncode == 0, rest
    assert (models / "GFPGANv1.4.onnx").read_bytes() == RESTORER


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_an_interrupted_download_goes_on_with_the_next_run(models):
    models.site.serve("/inswapper_128.onnx", Answer(SWAPPER, cut=400_000, stall=True), Answer(SWAPPER))
    process = subprocess.Popen(models.arguments("pull", "inswapper_128", "--accept-license"), stderr=subprocess.PIPE,
                               text=True)
    part = models / "inswapper_128.onnx.part"
    deadline = time.monotonic() + 60
    while not (part.exists() and part.stat().st_size >= 300_000) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    told = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "Traceback" not in told
    assert told.splitlines()[-1] == "interrupted; run the same command again to go on where it stopped"
    assert not (models / "inswapper_128.onnx").exists()
    assert models.run("pull", "inswapper_128").returncode == 0
    assert models.site.asked[-1].range is not None
    assert (models / "inswapper_128.onnx").read_bytes() == SWAPPER


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo terminal")
def test_progress_is_shown_on_a_terminal_only(models):
    command = models.arguments("pull", "inswapper_128", "--accept-license")
    assert "B/s" in on_a_terminal(command, 100)
    (models / "inswapper_128.onnx").unlink()
    assert "B/s" not in on_a_terminal([*command, "--no-progress"], 100)
    (models / "inswapper_128.onnx").unlink()
    assert "B/s" not in models.run("pull", "inswapper_128").stderr


def test_four_first_runs_make_one_download(models):
    runs = [subprocess.Popen(models.arguments("pull", "inswapper_128", "--accept-license"), stderr=subprocess.PIPE)
            for _ in range(4)]
    told = [run.communicate(timeout=120)[1] for run in runs]
    assert [run.returncode for run in runs] == [0] * 4, told
    assert len(models.site.asked) == 1
    assert (models / "inswapper_128.onnx").read_bytes() == SWAPPER


@pytest.mark.parametrize("entries", [
    {**MEMBERS, "../evil.onnx": b"out of the folder"},
    {**MEMBERS, "genderage.onnx": b"another model"},
    {name: data for name, data in MEMBERS.items() if name != "genderage.onnx"},
])
def test_a_pack_is_taken_whole_and_harmless_or_not_at_all(models, entries):
    """Even where the hash of the zip is the one that was expected."""
    (models.stand_ins / "buffalo_l.zip").write_bytes(zip_of(entries))
    models.site.serve("/buffalo_l.zip", Answer(zip_of(entries)))
    before = set(models.folder.parent.rglob("*.onnx"))
    done = models.run("pull", "buffalo_l", "--accept-license")
    assert done.returncode == 5
    assert done.stderr.splitlines()[-1].startswith("error: ") and "buffalo_l" in done.stderr
    assert set(models.folder.parent.rglob("*.onnx")) == before
    assert models.names() == set()
