"""`faceswap batch` as a user has it: folders, pipes, failures, resuming; in worker processes over a fake backend."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import error_tables
import pytest
from fakes import BLUE, scene
from PIL import Image as PILImage

ONE = ["--workers", "1"]


def picture(path: Path, x: int = 8) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    PILImage.fromarray(scene((x, 8, 16, BLUE))).save(path)
    return path


@contextmanager
def running(place, *arguments: str, backend: str = "BrightSquares", **streams) -> Iterator[subprocess.Popen[bytes]]:
    """A batch to talk to while it runs; it is ended after a while, so that no test waits for ever."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL} | streams
    with subprocess.Popen(place.arguments("batch", *arguments, backend=backend), cwd=place.folder,
                          **streams) as process:
        guard = threading.Timer(120, process.kill)
        guard.start()
        try:
            yield process
        finally:
            guard.cancel()


def lines(done: subprocess.CompletedProcess[bytes]) -> tuple[list[dict], dict]:
    """The items and the summary that `--json` printed."""
    *items, summary = [json.loads(line) for line in done.stdout.splitlines()]
    assert summary["summary"] is True
    assert not any("summary" in item for item in items)
    return items, summary


def statuses(done: subprocess.CompletedProcess[bytes]) -> dict[str, str]:
    return {item["key"]: item["status"] for item in lines(done)[0]}


def outputs(folder: Path) -> dict[str, int]:
    """Modification times of what lies in a folder, the journal aside."""
    return {path.relative_to(folder).as_posix(): path.stat().st_mtime_ns for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.name.startswith(".faceswap")}


@pytest.fixture
def photos(place) -> Path:
    """photos/a.png, photos/b.png, photos/trip/c.png, and a text that is no picture."""
    for number, name in enumerate(("a.png", "b.png", "trip/c.png")):
        picture(place / "photos" / name, 4 + 2 * number)
    (place / "photos" / "notes.txt").write_text("no picture")
    return place / "photos"


def test_a_folder_is_mirrored(place, photos):
    done = place.run("batch", "me.jpg", "photos", "-o", "out", *ONE)
    assert done.returncode == 0, done.stderr
    assert done.stdout == b""
    assert list(outputs(place / "out")) == ["a.png", "b.png", "trip/c.png"]
    for name in ("a.png", "trip/c.png"):
        with PILImage.open(place / "out" / name) as after, PILImage.open(photos / name) as before:
            assert after.size == before.size
            assert after.tobytes() != before.tobytes()
    assert b"3 done" in done.stderr
    assert done.stderr.count(b"a note on the engine") == 1


def test_what_is_taken_and_how_it_is_called(place, photos):
    done = place.run("batch", "me.jpg", "photos", "party.jpg", "-o", "out", "--no-recursive", "--exclude", "b.*",
                     "--name", "{stem}-me{suffix}", *ONE)
    assert done.returncode == 0, done.stderr
    assert list(outputs(place / "out")) == ["a-me.png", "party-me.jpg"]


def test_each_item_is_told_as_json_and_the_batch_at_the_end(place, photos):
    done = place.run("batch", "me.jpg", "photos", "-o", "out", "--json", "--ordered", "--workers", "2")
    assert done.returncode == 0, done.stderr
    items, summary = lines(done)
    assert [item["number"] for item in items] == [0, 1, 2]
    first = items[0]
    single = json.loads(place.run("swap", "me.jpg", "photos/a.png", "-o", "single.png", "--json").stdout)
    assert set(first) == {"schema", "number", "key", "status", "inputs", "output", "engine", "frames", "faces",
                          "similarity", "warnings", "timings", "error", "attempts", "seconds", "worker"}
    assert (first["key"], first["status"], first["error"], first["attempts"]) == ("a.png", "done", None, 1)
    assert Path(first["output"].pop("path")) == Path("out/a.png")
    assert re.fullmatch("[0-9a-f]{64}", first["output"].pop("sha256"))
    assert first["output"] == {key: value for key, value in single["output"].items() if key != "path"}
    for key in ("engine", "frames", "faces", "similarity", "warnings"):
        assert first[key] == single[key], key
    assert (place / "out/a.png").read_bytes() == (place / "single.png").read_bytes()
    assert summary["counts"] == {"total": 3, "done": 3, "copied": 0, "skipped": 0, "failed": 0, "current": 0,
                                 "stopped": 0}
    assert (summary["exit_code"], summary["stopped"]) == (0, None)


def test_failures_do_not_keep_the_others_from_being_done(place, photos):
    done = place.run("batch", "me.jpg", "dark.png", "text.png", "photos", "-o", "out", "--json", *ONE)
    assert done.returncode == 7
    items, summary = lines(done)
    assert list(outputs(place / "out")) == ["a.png", "b.png", "trip/c.png"]
    errors = {item["key"]: (item["error"]["type"], item["error"]["exit_code"], item["output"])
              for item in items if item["status"] == "failed"}
    assert errors == {"dark.png": ("NoFaceError", 4, None), "text.png": ("InputError", 3, None)}
    assert (summary["counts"]["done"], summary["counts"]["failed"], summary["exit_code"]) == (3, 2, 7)
    said = done.stderr.decode()
    assert "failed: no face found in dark.png" in said
    assert "--retry-failed" in said


def test_a_quiet_batch_tells_of_failures_alone(place):
    done = place.run("batch", "me.jpg", "dark.png", "party.jpg", "-o", "out", "--quiet", *ONE)
    assert done.returncode == 7
    (line,) = done.stderr.decode().splitlines()
    assert "dark.png" in line


@pytest.mark.parametrize(("choice", "status", "written"), [("copy", "copied", True), ("skip", "skipped", False)])
def test_targets_without_a_face(place, choice, status, written):
    done = place.run("batch", "me.jpg", "dark.png", "party.jpg", "-o", "out", "--on-no-face", choice, "--json", *ONE)
    assert done.returncode == 0, done.stderr
    assert statuses(done) == {"dark.png": status, "party.jpg": "done"}
    assert (place / "out/dark.png").exists() == written
    if written:
        assert (place / "out/dark.png").read_bytes() == (place / "dark.png").read_bytes()


def test_stopping_at_the_first_failure(place, photos):
    done = place.run("batch", "me.jpg", "text.png", "photos", "-o", "out", "--on-error", "stop", "--json", *ONE)
    assert done.returncode == 7
    items, summary = lines(done)
    assert items[0]["status"] == "failed"
    assert summary["stopped"]
    assert len(outputs(place / "out")) < 3
    done = place.run("batch", "me.jpg", "text.png", "photos", "-o", "out", "--json", *ONE)
    assert set(outputs(place / "out")) == {"a.png", "b.png", "trip/c.png"}


# --- pipes ------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="file names of any bytes")
def test_names_of_any_bytes_come_through_a_pipe(place):
    shutil.copy(picture(place / "plain.png"), place / "in.png")
    names = [b"-dash.png", b"new\nline.png", b"\xff\xfe.png", "é.png".encode(), b" space .png"]
    folder = os.fsencode(place / "odd")
    os.mkdir(folder)  # noqa: PTH102 (bytes)
    for name in names:
        shutil.copy(os.fsencode(place / "plain.png"), os.path.join(folder, name))  # noqa: PTH118
    done = place.run("batch", "me.jpg", "-", "-0", "-o", "out", "--json", *ONE,
                     input=b"".join(b"odd/" + name + b"\0" for name in names))
    assert done.returncode == 0, done.stderr
    assert {os.fsencode(path.name) for path in (place / "out").iterdir() if path.name[0] != "."} == set(names)
    assert len(lines(done)[0]) == len(names)


@pytest.mark.skipif(sys.platform == "win32", reason="a shell")
def test_a_pipeline_of_find_and_a_reader(place, photos, tmp_path_factory):
    command = " ".join(f"'{word}'" for word in place.arguments("batch", "me.jpg", "-", "-0", "-o", "out", "--json",
                                                               "--ordered", "--workers", "2"))
    reader = f"'{sys.executable}' -c \"import json, sys; print([json.loads(line).get('key') for line in sys.stdin])\""
    line = f"set -o pipefail; find photos -name '*.png' -print0 | sort -z | {command} | {reader}"
    done = subprocess.run(["bash", "-c", line], cwd=place.folder, capture_output=True, check=False, timeout=180)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().strip() == str(["a.png", "b.png", "c.png", None])


def test_items_are_done_as_their_names_come(place, photos):
    """As `inotifywait -m` writes them: the first result is there before the last name is."""
    with running(place, "me.jpg", "-", "-o", "out", "--json", *ONE, stdin=subprocess.PIPE) as process:
        process.stdin.write(b"photos/a.png\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["status"] == "done"
        process.stdin.write(b"photos/b.png\n")
        process.stdin.close()
        assert json.loads(process.stdout.readline())["key"] == "b.png"
        assert json.loads(process.stdout.readline())["counts"]["done"] == 2
    assert process.returncode == 0


def test_a_list_and_a_pipe_without_names(place, photos):
    (place / "list.txt").write_text("photos/a.png\nphotos/b.png\n")
    done = place.run("batch", "me.jpg", "--files-from", "list.txt", "-o", "out", *ONE)
    assert done.returncode == 0, done.stderr
    assert list(outputs(place / "out")) == ["a.png", "b.png"]
    done = place.run("batch", "me.jpg", "--files-from", "-", "-o", "empty", "--json", input=b"")
    assert done.returncode == 3
    assert b"no name" in done.stderr


def test_a_manifest_needs_no_source(place, photos):
    (place / "jobs.csv").write_text("target,source,output,target_index\ngroup.jpg,me.jpg,g/one.jpg,1\n"
                                    "photos/a.png,group.jpg,two.png,\n")
    done = place.run("batch", "--manifest", "jobs.csv", "-o", "out", "--json", "--ordered", *ONE)
    assert done.returncode == 0, done.stderr
    assert list(outputs(place / "out")) == ["g/one.jpg", "two.png"]
    items, _ = lines(done)
    assert [face["index"] for face in items[0]["faces"] if face["swapped"]] == [1]
    (place / "jobs.csv").write_text("target,colour\nparty.jpg,red\n")
    done = place.run("batch", "me.jpg", "--manifest", "jobs.csv", "-o", "out2")
    assert done.returncode == 2
    assert b"colour" in done.stderr
    assert not (place / "out2").exists()


# --- resuming ---------------------------------------------------------------------------------------------------------


def test_a_second_run_does_nothing_and_a_changed_option_all(place, photos):
    arguments = ["batch", "me.jpg", "photos", "-o", "out", "--json", *ONE]
    assert set(statuses(place.run(*arguments)).values()) == {"done"}
    times = outputs(place / "out")
    again = place.run(*arguments)
    assert again.returncode == 0
    assert set(statuses(again).values()) == {"current"}
    assert outputs(place / "out") == times

    picture(photos / "b.png", 20)  # one target changes
    assert statuses(place.run(*arguments)) == {"a.png": "current", "b.png": "done", "trip/c.png": "current"}
    (place / "out/a.png").unlink()  # one result is gone
    assert statuses(place.run(*arguments))["a.png"] == "done"

    assert set(statuses(place.run(*arguments, "--no-provenance")).values()) == {"done"}
    shutil.copy(place / "group.jpg", place / "me.jpg")  # the source changes
    assert set(statuses(place.run(*arguments, "--no-provenance")).values()) == {"done"}
    assert set(statuses(place.run(*arguments, "--no-provenance", "--no-resume")).values()) == {"done"}


def test_failures_are_told_again_and_tried_again_when_asked(place):
    arguments = ["batch", "me.jpg", "dark.png", "party.jpg", "-o", "out", "--json", *ONE]
    assert place.run(*arguments).returncode == 7
    again = place.run(*arguments)
    assert again.returncode == 7
    assert statuses(again) == {"dark.png": "failed", "party.jpg": "current"}
    assert [item["attempts"] for item in lines(again)[0] if item["status"] == "failed"] == [0]
    retried = place.run(*arguments, "--retry-failed")
    assert [item["attempts"] for item in lines(retried)[0] if item["status"] == "failed"] == [1]
    shutil.copy(picture(place / "light.png"), place / "dark.png")
    assert statuses(place.run(*arguments)) == {"dark.png": "done", "party.jpg": "current"}


def test_an_output_of_someone_else_is_not_replaced(place, photos):
    (place / "out").mkdir()
    (place / "out/a.png").write_bytes(b"mine")
    done = place.run("batch", "me.jpg", "photos", "-o", "out", *ONE)
    assert done.returncode == 2
    assert b"--overwrite" in done.stderr
    assert outputs(place / "out").keys() == {"a.png"}

    assert place.run("batch", "me.jpg", "photos/b.png", "-o", "out", *ONE).returncode == 0  # there is a journal now
    done = place.run("batch", "me.jpg", "photos", "-o", "out", "--json", *ONE)
    assert done.returncode == 7
    assert statuses(done) == {"a.png": "failed", "b.png": "current", "trip/c.png": "done"}
    assert (place / "out/a.png").read_bytes() == b"mine"

    done = place.run("batch", "me.jpg", "photos", "-o", "out", "--overwrite", "--json", *ONE)
    assert statuses(done) == {"a.png": "done", "b.png": "current", "trip/c.png": "current"}
    assert (place / "out/a.png").read_bytes() != b"mine"


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_batch_ends_what_it_began_and_goes_on_later(place, number, code):
    for index in range(12):
        picture(place / "in" / f"{index:02}.png")
    arguments = ["me.jpg", "in", "-o", "out", "--json", *ONE]
    with running(place, *arguments, backend="Slow", stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.send_signal(number)
        rest, said = process.communicate(timeout=60)
    assert process.returncode == code, said
    assert b"Traceback" not in said
    assert b"nothing was written" not in said
    summary = json.loads(rest.splitlines()[-1])
    assert summary["stopped"]
    done = summary["counts"]["done"]
    assert 0 < done < 12
    assert len(outputs(place / "out")) == done
    again = place.run("batch", *arguments)
    assert again.returncode == 0
    counts = lines(again)[1]["counts"]
    assert (counts["current"], counts["done"]) == (done, 12 - done)


def test_two_runs_on_one_output_are_locked_out(place, photos):
    with running(place, "me.jpg", "-", "-o", "out", "--json", *ONE, stdin=subprocess.PIPE) as process:
        process.stdin.write(b"photos/a.png\n")
        process.stdin.flush()
        process.stdout.readline()
        second = place.run("batch", "me.jpg", "photos", "-o", "out")
        assert second.returncode == 2
        assert b"another run" in second.stderr.lower()
        process.stdin.close()
        process.stdout.read()
    assert process.returncode == 0


def test_shards_are_disjoint_and_complete(place):
    for index in range(9):
        picture(place / "in" / f"{index}.png")
    keys = []
    for shard in range(3):
        done = place.run("batch", "me.jpg", "in", "-o", "out", "--shard", f"{shard}/3", "--json", *ONE)
        assert done.returncode == 0, done.stderr
        keys += [item["key"] for item in lines(done)[0]]
    assert sorted(keys) == [f"{index}.png" for index in range(9)]


def test_an_item_that_takes_too_long_fails_alone(place, dance):
    done = place.run("batch", "me.jpg", "dance.gif", "party.jpg", "-o", "out", "--timeout", "1.5", "--json", *ONE,
                     backend="Slow")
    assert done.returncode == 7
    items, _ = lines(done)
    assert {item["key"]: item["status"] for item in items} == {"dance.gif": "failed", "party.jpg": "done"}
    (failed,) = [item for item in items if item["status"] == "failed"]
    assert failed["error"]["type"] == "Timeout"
    assert set(outputs(place / "out")) == {"party.jpg"}


# --- before anything runs ---------------------------------------------------------------------------------------------


def test_a_plan_is_printed_and_nothing_written(place, photos):
    before = place.names()
    done = place.run("batch", "me.jpg", "photos", "-o", "out", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert [line.split("\t") for line in done.stdout.decode().splitlines()] == [
        ["swap", str(Path("photos", name)), str(Path("out", name))] for name in ("a.png", "b.png", "trip/c.png")]
    done = place.run("batch", "me.jpg", "photos", "-o", "out", "--dry-run", "--json")
    items, summary = lines(done)
    assert [(item["key"], item["status"]) for item in items] == [("a.png", "swap"), ("b.png", "swap"),
                                                                 ("trip/c.png", "swap")]
    assert (summary["dry_run"], summary["counts"]["swap"]) == (True, 3)
    assert place.names() == before


def test_a_plan_tells_what_was_done_before(place, photos):
    assert place.run("batch", "me.jpg", "photos/a.png", "dark.png", "-o", "out", *ONE).returncode == 7
    (place / "out/b.png").write_bytes(b"mine")
    before = outputs(place / "out")
    arguments = ["batch", "me.jpg", "photos", "dark.png", "-o", "out", "--json", "--dry-run"]
    done = place.run(*arguments)
    assert done.returncode == 0, done.stderr
    assert statuses(done) == {"a.png": "current", "b.png": "failed", "trip/c.png": "swap", "dark.png": "failed"}
    assert statuses(place.run(*arguments, "--no-resume", "--overwrite")) == dict.fromkeys(
        ("a.png", "b.png", "trip/c.png", "dark.png"), "swap")
    assert statuses(place.run(*arguments, "--retry-failed"))["dark.png"] == "swap"
    assert statuses(place.run(*arguments, "--no-provenance"))["a.png"] == "swap"
    assert outputs(place / "out") == before


@pytest.mark.parametrize(("arguments", "code", "words"), error_tables.BATCH)
def test_what_keeps_a_batch_from_beginning(place, arguments, code, words):
    done = place.run("batch", *ONE, *arguments, "--json")
    assert done.returncode == code, done.stderr
    assert words in done.stderr.decode()
    error = json.loads(done.stdout.splitlines()[-1])["error"]
    assert error["exit_code"] == code
    assert not (place / "out").is_dir() or outputs(place / "out") == {}


def test_a_missing_model_is_told_before_anything_runs(place, tmp_path_factory):
    empty = str(tmp_path_factory.mktemp("models"))
    done = place.run("batch", "me.jpg", "party.jpg", "-o", "out", "--engine", "neural", "--models-dir", empty,
                     backend=None)
    assert done.returncode == 5
    assert b"faceswap models pull" in done.stderr
    assert not (place / "out").exists()


@pytest.mark.parametrize(("settings", "more", "words"), [
    ('report = "party.jpg"\njunit = "me.jpg"', ["--overwrite"], "would be replaced; a project may name new files"),
    ('journal = "notes.txt"', [], "would be replaced; a project may name new files"),
    ("", ["--report", "party.jpg"], "add --overwrite"), ("", ["--junit", "notes.txt"], "add --overwrite"),
    ("", ["--report", "./party.jpg", "--overwrite"], "is an input, which no report replaces"),
    ("", ["--summary-html", "me.jpg", "--overwrite"], "is an input, which no report replaces"),
    ("", ["--journal", "party.jpg"], "is not a journal of faceswap"),
])
def test_no_report_destroys_a_file(place, settings, more, words):
    (place / "notes.txt").write_text("mine")
    if settings:
        (place / "faceswap.toml").write_text(f"[batch]\n{settings}\n")
    before = {path.name: path.read_bytes() for path in place.folder.iterdir()}
    done = place.run("batch", "me.jpg", "party.jpg", "-o", "out", *more, *ONE)
    assert done.returncode == 2 and words in " ".join(done.stderr.decode().split())
    assert {name: (place / name).read_bytes() for name in before} == before


def test_a_report_replaces_another_file_where_that_is_asked_for_and_never_an_output(place):
    (place / "notes.txt").write_text("mine")
    done = place.run("batch", "me.jpg", "party.jpg", "-o", "out", "--overwrite", "--report", "notes.txt", "--junit",
                     "out/party.jpg", *ONE)
    assert done.returncode == 2 and b"was not replaced" in done.stderr
    assert json.loads((place / "notes.txt").read_text())["counts"]["done"] == 1
    assert (place / "out/party.jpg").read_bytes().startswith(b"\xff\xd8")


def test_reports_are_written(place, photos):
    done = place.run("batch", "me.jpg", "photos", "dark.png", "-o", "out", "--report", "report.json", "--junit",
                     "junit.xml", "--summary-html", "sheet.html", *ONE)
    assert done.returncode == 7, done.stderr
    report = json.loads((place / "report.json").read_text())
    assert (report["counts"]["done"], report["counts"]["failed"], report["exit_code"]) == (3, 1, 7)
    assert 'failures="1"' in (place / "junit.xml").read_text()
    assert "<html" in (place / "sheet.html").read_text()


def test_the_words_of_the_api_are_understood(place):
    done = place.run("batch", "me.jpg", "group.jpg", "-o", "out", "--input-faces-index", "1", "--json", *ONE)
    assert [face["index"] for face in lines(done)[0][0]["faces"] if face["swapped"]] == [1]


def test_a_reader_that_goes_ends_the_batch(place):
    for index in range(30):
        picture(place / "in" / f"{index:02}.png")
    with running(place, "me.jpg", "in", "-o", "out", "--json", *ONE, backend="Slow", stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
        process.wait()
    assert process.returncode == 1
    assert b"Traceback" not in said
    assert len(outputs(place / "out")) < 30
