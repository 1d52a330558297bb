"""`faceswap models` but for the downloads: list, verify, path, import, remove, their help and completion."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import NoneType

import error_tables
import pytest
from faulty_site import HTML, Answer
from stand_ins import MEMBERS, RUNNER, SWAPPER, fits, on_a_terminal

from faceswap_cli.cli.models.command import (
    IMPORT_EXAMPLES,
    LIST_EXAMPLES,
    PATH_EXAMPLES,
    PULL_EXAMPLES,
    REMOVE_EXAMPLES,
    VERIFY_EXAMPLES,
)
from faceswap_cli.models.catalogue import CATALOGUE

NEURAL = "faceswap models pull inswapper_128 buffalo_l --accept-license"

LICENCE = {"id": str, "terms": str, "url": str, "commercial": bool, "accepted": bool}
MODEL = {"id": str, "role": str, "family": str, "summary": str, "state": str, "default": bool, "imported": bool,
         "file": (str, NoneType), "bytes": (int, NoneType), "sha256": (str, NoneType), "pack": (str, NoneType),
         "members": [str, ...], "aliases": [str, ...], "licence": LICENCE, "command": (str, NoneType)}
LIST = {"schema": int, "folder": str, "models": [MODEL, ...], "neural": {"ready": bool, "command": (str, NoneType)}}
VERIFIED = {"schema": int, "folder": str, "models": [
    {"id": str, "state": str, "file": str, "message": (str, NoneType)}, ...]}
PATH = {"schema": int, "id": (str, NoneType), "path": str}
IMPORTED = {"schema": int, "model": MODEL, "warnings": [str, ...]}
REMOVED = {"schema": int, "models": [{"id": str, "files": [str, ...], "bytes": int}, ...], "bytes": int}


def columns(done) -> dict[str, list[str]]:
    """The rows of the list in a pipe, by id."""
    header, *lines = done.stdout.splitlines()
    assert header.split()[:6] == ["role", "model", "size", "state", "default", "licence"]
    return {line.split()[1]: line.split() for line in lines}


# --- list -------------------------------------------------------------------------------------------------------------


def test_a_bare_machine_lists_all_models_and_ends_with_the_way_to_the_neural_engine(models):
    done = models.run("list", real=True)
    assert done.returncode == 0
    rows = columns(done)
    assert set(rows) == {spec.id for spec in CATALOGUE}
    assert rows["inswapper_128"][:6] == ["swapper", "inswapper_128", "554MB", "pull", "yes", "insightface-models"]
    assert {row[3] for name, row in rows.items() if name.startswith("hyperswap") or name == "gfpgan_1.3"} == {"import"}
    assert [row[0] for row in rows.values() if row[4] == "yes"] == [
        "swapper", "detector", "recogniser", "attributes", "restorer", "mask"]
    assert done.stderr.splitlines() == [f"models folder: {models.folder}", f"neural engine: {NEURAL}"]
    assert not models.folder.exists()


def test_a_pipe_gets_one_plain_line_for_each_model_however_narrow(models):
    done = models.run("list", env={"COLUMNS": "40", "FORCE_COLOR": "1"})
    lines = done.stdout.splitlines()
    assert len(lines) == len(CATALOGUE) + 1
    assert done.stdout.isascii() and "\x1b" not in done.stdout
    starts = {line.index(word) for line, word in zip(lines[:3], ("state", "pull", "pull"), strict=True)}
    assert len(starts) == 1
    assert all(any(line.endswith(spec.summary) for line in lines) for spec in CATALOGUE)


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo terminal")
@pytest.mark.parametrize("width", [80, 130])
def test_a_terminal_gets_a_table_that_fits_it(models, width):
    models.pull("inswapper_128")
    text = on_a_terminal(models.arguments("list"), width)
    lines = [line.rstrip() for line in text.splitlines()]
    assert lines.pop(0) == f"models folder: {models.folder}"
    assert max(map(len, lines)) <= width
    assert "Swappers: put the face on" in lines
    assert any(line.startswith("* inswapper_128 ") and " installed " in line for line in lines)
    assert len([line for line in lines if line.startswith("* ") and not line.startswith("*  ")]) == 6
    assert any(line.startswith("  hyperswap_1a_256") and " import " in line for line in lines)
    for name in ("installed", "retinaface_mobile0.25", "non-commercial research"):
        assert name in text
    assert all(spec.licence.terms in " ".join(text.split()) for spec in CATALOGUE)
    assert lines[-1] == "neural engine: faceswap models pull buffalo_l"


def test_what_is_installed_is_listed_as_such(models):
    done = models.run("list", "--installed")
    assert (done.returncode, done.stdout) == (0, "")
    assert "no model is installed" in done.stderr and NEURAL in done.stderr
    models.pull("neural")
    done = models.run("list", "--installed")
    rows = columns(done)
    assert set(rows) == {"inswapper_128", "buffalo_l", "scrfd_10g", "w600k_r50", "genderage", "2d106det", "1k3d68"}
    assert {row[3] for row in rows.values()} == {"installed"}
    assert "neural" not in done.stderr


def test_the_list_as_json(models):
    report = models.json("list")
    fits(report, LIST)
    assert report["folder"] == str(models.folder)
    assert report["neural"] == {"ready": False, "command": NEURAL}
    by_id = {model["id"]: model for model in report["models"]}
    assert by_id["gfpgan_1.3"]["state"] == "import"
    assert by_id["gfpgan_1.3"]["command"] == "faceswap models import GFPGANv1.3.pth"
    assert by_id["xseg"]["command"] == "faceswap models pull xseg"
    models.pull("neural")
    report = models.json("list", "--installed")
    fits(report, LIST)
    assert report["neural"] == {"ready": True, "command": None}
    by_id = {model["id"]: model for model in report["models"]}
    assert by_id["inswapper_128"]["file"] == str(models / "inswapper_128.onnx")
    assert by_id["inswapper_128"]["bytes"] == len(SWAPPER)
    assert by_id["inswapper_128"]["licence"]["accepted"] is True
    assert by_id["buffalo_l"]["file"] is None
    assert by_id["buffalo_l"]["bytes"] == sum(map(len, MEMBERS.values()))


def test_the_default_is_the_best_that_is_installed(models):
    (models.stand_ins / "reswapper_128.onnx").write_bytes(b"retrained" * 50)
    models.site.serve("/reswapper_128.onnx", Answer(b"retrained" * 50))
    models.pull("reswapper_128")
    defaults = {model["id"] for model in models.json("list")["models"] if model["default"]}
    assert "reswapper_128" in defaults and "inswapper_128" not in defaults


def test_another_folder_is_named_in_the_lines_to_run(models):
    other = models.work / "other models"
    report = models.json("list", "--models-dir", str(other))
    assert report["folder"] == str(other)
    assert report["neural"]["command"] == f"{NEURAL} --models-dir '{other}'"
    done = models.run("pull", "gfpgan_1.4", "--models-dir", str(other))
    assert done.returncode == 2
    assert f"faceswap models pull gfpgan_1.4 --accept-license --models-dir '{other}'" in done.stderr
    assert models.run("pull", "gfpgan_1.4", "--accept-license", "--models-dir", str(other)).returncode == 0
    assert (other / "GFPGANv1.4.onnx").is_file()
    assert not models.folder.exists()


# --- verify, path, import, remove -------------------------------------------------------------------------------------


def test_verifying_tells_good_damaged_and_missing(models):
    assert "no model is installed" in models.run("verify").stderr
    models.pull("neural", "gfpgan_1.4")
    done = models.run("verify")
    assert done.returncode == 0
    assert {line.split()[1] for line in done.stdout.splitlines()} == {"ok"}
    assert len(done.stdout.splitlines()) == 2 + len(MEMBERS)

    swapper = models / "inswapper_128.onnx"
    stamp = swapper.stat()
    swapper.write_bytes(SWAPPER[:-1] + b"?")
    os.utime(swapper, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    done = models.run("verify")
    assert done.returncode == 5
    assert [line.split()[:2] for line in done.stdout.splitlines() if " ok " not in line] == [
        ["inswapper_128", "damaged"]]
    assert done.stderr.startswith(f"error: {swapper} is not the model inswapper_128")
    report = models.json("verify", "buffalo_l", "inswapper_128", "xseg", code=5)
    fits(report, VERIFIED)
    assert [model["state"] for model in report["models"]] == ["ok"] * 5 + ["damaged", "missing"]
    assert models.run("verify", "buffalo_l").returncode == 0


def test_a_path_is_all_that_is_printed(models):
    done = models.run("path")
    assert (done.stdout, done.stderr, done.returncode) == (f"{models.folder}\n", "", 0)
    missing = models.run("path", "inswapper_128")
    assert (missing.stdout, missing.returncode) == ("", 5)
    assert missing.stderr == "error: inswapper_128 is not installed; run: faceswap models pull inswapper_128\n"
    models.pull("inswapper_128", "buffalo_l")
    found = models.run("path", "INSWAPPER")
    assert (found.stdout, found.stderr) == (f"{models / 'inswapper_128.onnx'}\n", "")
    report = models.json("path", "scrfd")
    fits(report, PATH)
    assert report == {"schema": 1, "id": "scrfd_10g", "path": str(models / "det_10g.onnx")}
    (models / "inswapper_128.onnx").write_bytes(b"short")
    damaged = models.run("path", "inswapper_128")
    assert (damaged.stdout, damaged.returncode) == ("", 5)
    assert "cut short" in damaged.stderr


def test_an_own_copy_is_recognised_by_its_hash(models):
    (models.work / "swapper from a friend.bin").write_bytes(SWAPPER)
    done = models.run("import", "swapper from a friend.bin")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"imported inswapper_128 (swapper): {models / 'inswapper_128.onnx'}\n"
    report = models.json("import", str(models.stand_ins / "buffalo_l.zip"))
    fits(report, IMPORTED)
    assert (report["model"]["id"], report["model"]["state"]) == ("buffalo_l", "installed")
    assert models.json("list")["neural"]["ready"] is True
    assert models.site.asked == []


def test_an_unknown_model_is_taken_under_a_name_with_a_warning(models):
    from graphs import write_inswapper

    write_inswapper(models.work / "mine.onnx")
    done = models.run("import", "mine.onnx", "--name", "my-swapper")
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("warning: mine.onnx is not in the catalogue")
    assert columns(models.run("list"))["my-swapper"][3] == "installed"
    assert models.run("path", "my-swapper").stdout == f"{models / 'my-swapper.onnx'}\n"


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo terminal")
def test_a_long_name_of_an_own_model_does_not_burst_the_table(models):
    from graphs import write_inswapper

    name = "a-swapper-with-" + "a-very-" * 5 + "long-name"
    write_inswapper(models.work / "mine.onnx")
    assert models.run("import", "mine.onnx", "--name", name).returncode == 0
    lines = on_a_terminal(models.arguments("list"), 80).splitlines()[1:]
    assert max(len(line.rstrip()) for line in lines) <= 80
    assert any(line[2:].startswith(name[:20]) and " installed " in line for line in lines)


@pytest.mark.parametrize(("arguments", "code", "words"), error_tables.MODELS)
def test_errors_have_their_exit_code_and_one_line(models, arguments, code, words):
    (models.work / "page.onnx").write_bytes(HTML)
    done = models.run(*arguments, "--json", env={"COLUMNS": "500"})
    assert done.returncode == code, done.stderr
    assert words in done.stderr and "Traceback" not in done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["error"]["exit_code"] == code
    if code != 2:
        assert done.stderr.splitlines()[-1].startswith("error: ")
    assert models.names() == set() and models.site.asked == []


def test_a_checkpoint_without_the_extra_is_told_the_line_that_installs_it(models):
    """A stand-in does: the hash decides, and nothing is loaded before the extra is looked for."""
    if find_spec("torch") and find_spec("gfpgan"):
        pytest.skip("the extra is installed")
    (models.stand_ins / "GFPGANv1.3.pth").write_bytes(b"weights" * 10)
    done = models.run("import", str(models.stand_ins / "GFPGANv1.3.pth"))
    assert done.returncode == 8, done.stderr
    assert 'pip install "faceswap-cli[gfpgan]"' in done.stderr


def test_removing_tells_what_is_freed(models):
    models.pull("neural")
    done = models.run("remove", "inswapper_128")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "removed inswapper_128: 1.0 MB freed\n")
    again = models.run("remove", "inswapper_128")
    assert again.returncode == 5
    assert "not installed" in again.stderr
    report = models.json("remove", "buffalo_l")
    fits(report, REMOVED)
    assert report["bytes"] == sum(map(len, MEMBERS.values()))
    assert {Path(file).name for file in report["models"][0]["files"]} == set(MEMBERS)
    assert models.names() == set()


# --- help and completion ----------------------------------------------------------------------------------------------

HEAVY = ["numpy", "httpx", "httpcore", "ssl", "asyncio", "onnx", "onnxruntime", "tqdm", "filelock", "PIL", "cv2",
         "dlib", "rich.progress", "faceswap_cli.jobs", "faceswap_cli.media", "faceswap_cli.engine",
         "faceswap_cli.models.store"]


def test_the_help_of_each_command_has_examples_and_loads_nothing_heavy():
    examples = {"list": LIST_EXAMPLES, "pull": PULL_EXAMPLES, "verify": VERIFY_EXAMPLES, "path": PATH_EXAMPLES,
                "import": IMPORT_EXAMPLES, "remove": REMOVE_EXAMPLES}
    probe = (f"import sys\nfrom faceswap_cli.__main__ import main\nfor name in {list(examples)}:\n"
             "    assert main(['models', name, '--help']) == 0\n"
             f"sys.exit(' '.join(name for name in {HEAVY} if name in sys.modules) or None)")
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False, timeout=60,
                          env=os.environ | {"COLUMNS": "120"})
    assert done.returncode == 0, done.stderr
    shown = [line.strip() for line in done.stdout.splitlines()]
    for text in examples.values():
        for line in text.splitlines()[2:]:
            assert line.strip() in shown


def test_the_list_loads_nothing_that_downloads_or_runs_models(models):
    probe = ("import sys\nfrom faceswap_cli.__main__ import main\nassert main(['models', 'list']) == 0\n"
             "heavy = {'numpy', 'httpx', 'onnx', 'onnxruntime', 'tqdm', 'filelock', 'ssl'} & set(sys.modules)\n"
             "sys.exit(' '.join(heavy) or None)")
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def complete(models, words: str) -> list[str]:
    env = {"_FACESWAP_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)}
    done = subprocess.run([sys.executable, str(RUNNER), str(models.stand_ins), models.site.base], check=False,
                          env=os.environ | env, capture_output=True, text=True, timeout=60)
    return done.stdout.split()


def test_ids_are_completed(models):
    assert complete(models, "faceswap models p") == ["pull", "path"]
    assert complete(models, "faceswap models pull ins") == ["inswapper_128", "inswapper_128_fp16"]
    assert complete(models, "faceswap models pull buffalo_l ne") == ["neural"]
    assert complete(models, "faceswap models pull hyper") == []
    assert complete(models, "faceswap models import mine.onnx --as hyper") == [
        "hyperswap_1a_256", "hyperswap_1b_256", "hyperswap_1c_256"]
    assert complete(models, "faceswap models remove ") == []
    models.pull("inswapper_128", "gfpgan_1.4")
    for command in ("remove", "verify", "path"):
        assert complete(models, f"faceswap models {command} ") == ["inswapper_128", "gfpgan_1.4"]
    assert complete(models, f"faceswap models path --models-dir {models.work} ") == []
