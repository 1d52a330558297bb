"""`faceswap faces`, as a process: what is saved, told and removed, and a swap with it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import NoneType

import error_tables
import numpy as np
import pytest
import saved
from PIL import Image as PILImage
from stand_ins import fits, on_a_terminal

from faceswap_cli.cli.faces.command import LIST_EXAMPLES, PATH_EXAMPLES, REMOVE_EXAMPLES, SAVE_EXAMPLES, SHOW_EXAMPLES

RECORD = {"engine": str, "analyser": str, "models": dict, "box": [float, ...], "score": float, "eye_distance": float,
          "pose": {"yaw": float, "pitch": float, "roll": float}, "gender": str, "gender_probability": float,
          "age": (int, NoneType), "landmarks": int, "embedding": int}
FACE = {"name": str, "file": str, "bytes": int, "created": str, "program": str, "note": (str, NoneType),
        "engines": [str, ...], "pictures": [{"width": int, "height": int, "faces": [RECORD, ...]}, ...]}
LISTED = {"name": str, "file": str, "bytes": int, "created": str, "program": str, "note": (str, NoneType),
          "pictures": int, "face": {"width": int, "height": int}, "engines": [str, ...], "error": NoneType}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("FACESWAP_FACES_DIR", str(tmp_path / "kept"))
    return tmp_path / "kept"


def keep(folder: Path, name: str, **changes) -> Path:
    """A saved face without an engine."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.safetensors"
    path.write_bytes(saved.encoded(saved.face(name=name, **changes)))
    return path


def run(place, *arguments: str, code: int = 0, **more) -> tuple[str, str]:
    done = place.run("faces", *arguments, backend=None, **more)
    assert done.returncode == code, done.stderr.decode()
    return done.stdout.decode(), done.stderr.decode()


# --- the way of a face ------------------------------------------------------------------------------------------------


def test_save_show_swap_and_remove(place, assets, folder, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    shutil.copy(assets / "woman-1.jpg", place / "a.jpg")
    shutil.copy(assets / "woman-2.jpg", place / "b.jpg")
    out, err = run(place, "save", "anna", "a.jpg", "b.jpg", "--note", "agreed", "--engine", "embedded", "--json")
    report = json.loads(out)
    fits(report, {"schema": int, "face": FACE, "warnings": [str, ...]})
    assert report["face"]["file"] == str(folder / "anna.safetensors")
    assert "saved anna: 2 pictures, engine embedded; use it as @anna" in err
    assert "must have agreed" in err  # said once on this machine

    out, err = run(place, "show", "@anna", "--json", "--picture", "sheet.png")
    shown = json.loads(out)
    assert shown == {"schema": 1, "face": report["face"], "picture": "sheet.png"}
    with PILImage.open(place / "sheet.png") as sheet:
        assert sheet.width > sheet.height

    done = place.run("swap", "@anna", str(assets / "man-1.jpg"), "-o", "one.png", "--json", backend=None)
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout)["inputs"]["sources"] == ["@anna"]
    done = place.run("swap", "a.jpg", str(assets / "man-1.jpg"), "--source", "b.jpg", "-o", "two.png", backend=None)
    assert done.returncode == 0
    with PILImage.open(place / "one.png") as one, PILImage.open(place / "two.png") as two:
        np.testing.assert_array_equal(np.array(one), np.array(two))

    out, err = run(place, "remove", "anna", "--yes", "--json")
    assert json.loads(out) == {"schema": 1, "faces": [{"name": "anna", "file": report["face"]["file"],
                                                       "bytes": report["face"]["bytes"]}],
                               "bytes": report["face"]["bytes"]}
    assert list(folder.iterdir()) == []


def test_a_batch_takes_a_saved_face_and_notices_its_change(place, folder):
    """Over the fake engine, which paints in the colour of the source's square."""
    square = np.zeros((56, 64, 3), np.uint8)
    square[10:40, 10:40] = (255, 0, 0)
    keep(folder, "red", pictures=(saved.SavedPicture(square, (saved.record(),)),))
    (place / "in").mkdir()
    shutil.copy(place / "party.jpg", place / "in")
    batch = ("batch", "@red", "in", "-o", "out", "--resume")
    assert b"1 done" in place.run(*batch).stderr
    assert b"unchanged" in place.run(*batch).stderr
    keep(folder, "red", pictures=(saved.SavedPicture(square[:, ::-1].copy(), (saved.record(),)),))
    assert b"1 done\n" in place.run(*batch).stderr
    done = place.run("batch", "@rad", "in", "-o", "out")
    assert (done.returncode, b"did you mean @red?" in done.stderr) == (3, True)


# --- what is told -----------------------------------------------------------------------------------------------------


def test_the_list(place, folder):
    out, err = run(place, "list")
    assert out == ""
    assert "faceswap faces save" in err
    keep(folder, "boss", note=None)
    keep(folder, "Anna")
    out, err = run(place, "list")
    header, *rows = out.splitlines()
    assert header.split() == ["name", "pictures", "face", "engines", "saved", "note"]
    assert [row.split(maxsplit=5) for row in rows] == [
        ["Anna", "1", "36x44", "neural", "2026-01-31", "she agreed"],
        ["boss", "1", "36x44", "neural", "2026-01-31", "-"]]
    assert err.splitlines() == [f"folder of saved faces: {folder}"]
    report = json.loads(run(place, "list", "--json")[0])
    fits(report, {"schema": int, "folder": str, "faces": [LISTED, ...]})


def test_one_that_is_damaged_does_not_hide_the_others(place, folder):
    path = keep(folder, "broken")
    path.write_bytes(path.read_bytes()[:100])
    keep(folder, "whole")
    out, err = run(place, "list")
    assert "cannot be read" in out.splitlines()[1]
    assert "whole" in out.splitlines()[2]
    assert "broken is no saved face, or damaged" in err
    broken, whole = json.loads(run(place, "list", "--json")[0])["faces"]
    assert "damaged" in broken["error"]
    assert (broken["pictures"], whole["error"]) == (None, None)
    _, err = run(place, "show", "broken", code=3)
    assert "broken is no saved face, or damaged" in err
    run(place, "remove", "broken", "--yes")
    assert not path.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo terminal")
def test_a_terminal_gets_a_table_that_fits_it(place, folder):
    keep(folder, "a" * 64, note="a long story of where these pictures are from, and of who agreed to what, and when")
    keep(folder, "b", note="short \x1b[31m\u202e note")
    text = on_a_terminal(place.arguments("faces", "list", backend=None), 80)
    lines = [line.rstrip() for line in text.splitlines()]
    assert lines.pop(0) == f"folder of saved faces: {folder}"
    assert max(map(len, lines)) <= 80
    joined = "".join(line[:20].strip() for line in lines)
    assert "a" * 64 in joined
    assert "\u202e" not in text and "\\u202e" in text
    assert "36x44" in text


def test_show_tells_all_of_one(place, folder):
    path = keep(folder, "anna")
    out, _ = run(place, "show", "anna")
    for words in (str(path), "2026-01-31 by faceswap-cli 0.1.0", "she agreed", "64x56", "neural", "female",
                  "picture 1: face small"):
        assert words in out
    shutil.copy(path, place / "sent.safetensors")
    assert "anna" in run(place, "show", "sent.safetensors")[0]
    assert run(place, "show", "none.safetensors", code=3)[1].startswith("error: none.safetensors: there is no such")


def test_the_path_of_one_and_of_all(place, folder):
    assert run(place, "path")[0] == f"{folder}\n"
    path = keep(folder, "anna")
    assert run(place, "path", "anna")[0] == f"{path}\n"
    assert json.loads(run(place, "path", "@anna", "--json")[0]) == {"schema": 1, "name": "anna", "path": str(path)}
    run(place, "path", "bob", code=3)


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("arguments", "code", "words"), error_tables.FACES)
def test_what_cannot_be_is_told(place, folder, arguments, code, words):
    path = keep(folder, "anna")
    _, err = run(place, *arguments, code=code)
    assert words in err
    assert list(folder.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo terminal")
@pytest.mark.parametrize(("answer", "stays"), [(b"n\n", True), (b"y\n", False)])
def test_a_person_is_asked_before_a_face_is_deleted(place, folder, answer, stays):
    import pty

    path = keep(folder, "anna")
    outer, inner = pty.openpty()
    process = subprocess.Popen(place.arguments("faces", "remove", "anna", backend=None), stdin=inner, stderr=inner,
                               stdout=subprocess.PIPE, env=dict(os.environ))
    os.close(inner)
    asked = b""
    while b"[y/N]" not in asked:
        asked += os.read(outer, 1024)
    os.write(outer, answer)
    out, _ = process.communicate(timeout=60)
    os.close(outer)
    assert b"remove anna for good?" in asked
    assert (process.returncode, out, path.exists()) == (0, b"", stays)


# --- help and completion ----------------------------------------------------------------------------------------------


HEAVY = ["numpy", "safetensors", "PIL", "cv2", "dlib", "rich.progress", "faceswap_cli.jobs", "faceswap_cli.media",
         "faceswap_cli.engine", "faceswap_cli.library"]


def test_the_help_of_each_command_has_examples_and_loads_nothing_heavy():
    examples = {"save": SAVE_EXAMPLES, "list": LIST_EXAMPLES, "show": SHOW_EXAMPLES, "remove": REMOVE_EXAMPLES,
                "path": PATH_EXAMPLES}
    probe = (f"import sys\nfrom faceswap_cli.__main__ import main\nfor name in {list(examples)}:\n"
             "    assert main(['faces', name, '--help']) == 0\n"
             f"sys.exit(' '.join(name for name in {HEAVY} if name in sys.modules) or None)")
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False, timeout=60,
                          env=os.environ | {"COLUMNS": "80"})
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    shown = [line.strip() for line in lines]
    for text in examples.values():
        assert all(line.strip() in shown for line in text.splitlines()[2:])


def test_names_are_completed(place, folder):
    keep(folder, "anna")
    keep(folder, "boss")
    env = {"_FACESWAP_COMPLETE": "complete_bash", "COMP_WORDS": "faceswap faces show a", "COMP_CWORD": "3"}
    done = place.run(backend=None, env=env)
    assert done.stdout.decode().split() == ["anna"]
