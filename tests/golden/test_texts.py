"""Every help text, error text, exit code and JSON object is as it was pinned: see pin.py for what to do if not."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import error_tables
import pytest
import saved
from authority import Authority
from fakes import BLUE, scene
from faulty_site import HTML
from golden.net import EXPECTED, PINNING, WIDE, Run, Store, Told, check_text, run_all, words
from PIL import Image as PILImage
from places import furnish

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="texts name folders, and what the system says")

# --- help -------------------------------------------------------------------------------------------------------------


def commands_in(text: str) -> list[str]:
    """The names in the panel of commands of a help text."""
    found, inside = [], False
    for line in text.splitlines():
        if line.startswith("╭"):
            inside = line.startswith("╭─ Commands ")
        elif inside and (name := re.match(r"│ (\S+)", line)):
            found.append(name[1])
    return found


def test_help(tmp_path):
    """All commands and groups, found as a user finds them; each in a file of its own, on a hundred columns."""
    waiting: list[tuple[str, ...]] = [()]
    texts: dict[str, str] = {}
    while waiting:
        for path, told in zip(waiting, run_all([Run(tmp_path, [*path, "--help"]) for path in waiting]), strict=True):
            assert (told.code, told.stderr) == (0, ""), path
            texts["-".join(("faceswap", *path)) + ".txt"] = told.stdout
        waiting = [(*path, name) for path in waiting
                   for name in commands_in(texts["-".join(("faceswap", *path)) + ".txt"])]
    assert len(texts) > 20
    for name, text in texts.items():
        check_text(f"help/{name}", "\n".join(line.rstrip() for line in text.splitlines()) + "\n")
    assert {path.name for path in (EXPECTED / "help").iterdir()} == set(texts)


# --- errors -----------------------------------------------------------------------------------------------------------

API = {"SEGMIND_API_KEY": "SG_none", "SEGMIND_BASE_URL": "http://127.0.0.1:9"}
SWAP = ["swap", "me.jpg", "party.jpg", "-o", "out.png"]


@dataclass(frozen=True)
class Case:
    """A run that is refused.

    Attributes:
        table: From which it is.
        arguments, backend, env: As in `Run`.
        project: Text of the folder's faceswap.toml.
    """

    table: str
    arguments: list[str]
    backend: str | None = "BrightSquares"
    env: dict[str, str] = field(default_factory=dict)
    project: str | None = None

    @property
    def name(self) -> str:
        given = shlex.join([*self.arguments, *([self.backend] if self.backend not in (None, "BrightSquares") else [])])
        return f"{self.table}: {given}" + (f" < {self.project!r}" if self.project is not None else "")


def cases() -> Iterator[Case]:
    """The tables, and what stands alone."""
    for arguments, backend, *_ in error_tables.EXIT_CODES:
        yield Case("swap", arguments, backend)
    for arguments, *_ in error_tables.AS_JSON:
        yield Case("json", [*arguments, "--json"])
    for arguments, *_ in error_tables.BATCH:
        yield Case("batch", ["batch", "--workers", "1", *arguments, "--json"])
    for arguments, *_ in error_tables.MODELS:
        yield Case("models", ["models", *arguments, "--json"], None)
    for options, _ in error_tables.REMOTE:
        yield Case("remote", ["swap", "me.jpg", "party.jpg", "-o", "out.jpg", *options], env=API)
    for options, _ in error_tables.REMOTE_BATCH:
        yield Case("remote batch", ["batch", "me.jpg", "photos", "-o", "out", "--remote", *options], env=API)
    for options, _ in error_tables.OUT_OF_RANGE:
        yield Case("range", [*SWAP, *options, "--json"], None)
    for options, _ in error_tables.BENCH:
        yield Case("bench", ["bench", *options], None)
    for options, _ in error_tables.DOCTOR:
        if "--remote" not in options:  # that is found by a check among others
            yield Case("doctor", ["doctor", *options], None)
    for arguments, *_ in error_tables.FACES:
        yield Case("faces", ["faces", *arguments], None)
    for options, *_ in error_tables.MARKS:
        yield Case("marks", [*SWAP, *options])
    for text, _ in error_tables.MISTAKES:
        yield Case("settings", ["config", "show", "--json"], None, project=text)
    for backend in ("Dies", "OutOfMemory"):
        yield Case("other", SWAP, backend)
    for arguments in (
        ["swap", "me.jpg", "\x1b[31mred\nline.png", "-o", "out.png"], ["swap", "-", "-", "-o", "out.png"],
        ["batch", "me.jpg", "--files-from", "-", "-o", "out"], ["batch", "me.jpg", "text.png", "-o", "out"],
        ["batch", "me.jpg", "dark.png", "party.jpg", "-o", "out", "--workers", "1"],
        ["batch", "@rad", "photos", "-o", "out"], ["batch", "me.jpg", "photos", "-o", "out", "--max-requests", "2"],
        ["batch", "me.jpg", "--manifest", "jobs.csv", "-o", "out"], ["detect", "me.jpg", "--remote"],
    ):
        yield Case("other", arguments)
    for arguments in (
        [], ["config", "show", "swpa"], [*SWAP, "--restore", "codeformer"], [*SWAP, "--engine", "neural"],
        [*SWAP, "--face-restore", "GFPGANv1.4.pth"], [*SWAP, "--facedetection", "YOLOv5n"],
        [*SWAP, "--engine", "embedded", "--device", "1"],
        [*SWAP, "--provider", "cuda"], [*SWAP, "--remote"], [*SWAP, "--engin", "neural"], ["swpa"],
        ["bench", "--engine", "neural"], ["models", "pull", "inswapper_128", "buffalo_l"],
        ["models", "pull", "inswapper_128", "--offline"], ["models", "path", "inswapper_128"],
        ["batch", "me.jpg", "party.jpg", "-o", "out", "--engine", "neural"],
        ["config", "path", "--project"],
    ):
        yield Case("other", arguments, None)
    yield Case("other", ["swap-gif", "me.jpg", "party.jpg", "-o", "out.gif", "--remote"], env=API)
    yield Case("other", ["models", "path"], None, project="[swap\n")


CASES = {case.name: case for case in cases()}
ERRORS = Store("errors.json")


@pytest.fixture(scope="module")
def refused(tmp_path_factory) -> dict[str, tuple[Path, Told]]:
    """What each case told, and in which folder."""
    authority = Authority(tmp_path_factory.mktemp("keys")).issue()
    runs = []
    for number, case in enumerate(CASES.values()):
        place = furnish(tmp_path_factory.mktemp(f"case{number}"))
        (place / "photos").mkdir()
        shutil.copy(place / "party.jpg", place / "photos")
        (place / "page.onnx").write_bytes(HTML)
        (place / "jobs.csv").write_text("target,colour\nparty.jpg,red\n")
        shutil.copy(authority.certificate, place / "CERT")
        shutil.copy(authority.key, place / "KEY")
        (place / "home").mkdir()
        (place / "home" / "faces").mkdir()
        (place / "home" / "faces" / "anna.safetensors").write_bytes(saved.encoded(saved.face()))
        if case.project is not None:
            (place / ".git").mkdir()
            (place / "faceswap.toml").write_text(case.project)
        env = WIDE | {"FACESWAP_FACES_DIR": str(place / "home" / "faces")} | case.env
        runs.append(Run(place.folder, case.arguments, case.backend, env))
    return {name: (run.folder, told) for name, run, told in zip(CASES, runs, run_all(runs), strict=True)}


@pytest.mark.parametrize("name", CASES)
def test_errors(name, refused):
    folder, told = refused[name]
    assert told.code != 0 and "Traceback" not in told.stderr
    found = {"code": told.code, "stderr": words(told.stderr, folder).splitlines()}
    if told.stdout:
        found["stdout"] = words(told.stdout, folder).splitlines()
    ERRORS.check(name, found)


def test_no_error_is_pinned_that_is_not_tried():
    assert PINNING or ERRORS.names() == set(CASES)


# --- JSON -------------------------------------------------------------------------------------------------------------

MASKED = {"seconds", "started", "time", "modified", "items_per_second", "version", "versions", "tool"}
"""Keys of times and versions."""
OF_FILES = {"sha256", "size", "bytes"}
"""What is pinned byte for byte by test_outputs.py, and here depends on encoders."""
LOCAL = {"machine", "terminal", "providers", "codecs"}
"""Groups of the doctor's checks whose findings are the machine's."""


@dataclass(frozen=True)
class Asked:
    """A run that tells JSON.

    Attributes:
        arguments, backend, env: As in `Run`.
        files: Of JSON or of lines of JSON, that it writes.
        keeps: Keys that are not masked here.
    """

    arguments: list[str]
    backend: str | None = "BrightSquares"
    env: dict[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    keeps: frozenset[str] = frozenset()


ASKED = {
    "swap": Asked(["swap", "me.jpg", "group.jpg", "-o", "out.png", "--json", "--target-index", "1,7"]),
    "swap, a clip": Asked(["swap", "me.jpg", "dance.gif", "-o", "out.gif", "--json", "--order", "left-right"]),
    "swap, a plan": Asked(["swap", "me.jpg", "party.jpg", "-o", "out.png", "--json", "--dry-run"]),
    "detect": Asked(["detect", "group.jpg", "dark.png", "text.png", "dance.gif", "none.png", "--json"]),
    "batch": Asked(["batch", "me.jpg", "photos", "dark.png", "text.png", "-o", "out", "--workers", "1", "--ordered",
                    "--report", "report.json", "--json"], files=("report.json", "out/.faceswap-journal.jsonl")),
    "batch, a plan": Asked(["batch", "me.jpg", "photos", "dark.png", "-o", "out", "--dry-run", "--json"]),
    "models list": Asked(["models", "list", "--json"], None, keeps=frozenset(OF_FILES)),
    "models path": Asked(["models", "path", "--json"], None),
    "config show": Asked(["config", "show", "--json"], None, {"FACESWAP_IMAGE_QUALITY": "80", "FACESWAP_X": "1"}),
    "config show, all": Asked(["config", "show", "--json", "--all"], None),
    "config path": Asked(["config", "path", "--json"], None, {"FACESWAP_CONFIG": "user.toml"}),
    "faces list": Asked(["faces", "list", "--json"], None, keeps=frozenset(OF_FILES)),
    "faces show": Asked(["faces", "show", "anna", "--json"], None, keeps=frozenset(OF_FILES)),
    "doctor": Asked(["doctor", "--json"], None),
}
JSON = Store("json.json")


@pytest.fixture(scope="module")
def answers(tmp_path_factory) -> dict[str, tuple[Path, Told]]:
    """What each run told, and in which folder."""
    runs = []
    for number, asked in enumerate(ASKED.values()):
        place = furnish(tmp_path_factory.mktemp(f"asked{number}"))
        frames = [PILImage.fromarray(scene(*([(8 * n, 10, 14, BLUE)] if n else []))) for n in range(4)]
        frames[0].save(place / "dance.gif", save_all=True, append_images=frames[1:], duration=[40, 70] * 2, loop=0)
        (place / "photos").mkdir()
        for name, x in (("a.png", 4), ("b.png", 6)):
            PILImage.fromarray(scene((x, 8, 16, BLUE))).save(place / "photos" / name)
        faces = place / "home" / "faces"
        faces.mkdir(parents=True)
        (faces / "anna.safetensors").write_bytes(saved.encoded(saved.face()))
        runs.append(Run(place.folder, asked.arguments, asked.backend, {"FACESWAP_FACES_DIR": str(faces)} | asked.env))
    return {name: (run.folder, told) for name, run, told in zip(ASKED, runs, run_all(runs), strict=True)}


@pytest.mark.parametrize("name", ASKED)
def test_json(name, answers):
    folder, told = answers[name]
    asked = ASKED[name]
    texts = {"standard output": told.stdout} | {file: (folder / file).read_text() for file in asked.files}
    mask = (MASKED | OF_FILES) - asked.keeps
    found = {file: masked([json.loads(line) for line in objects(text.replace(str(folder), "FOLDER"))], mask)
             for file, text in texts.items()}
    if name == "batch":  # when an item begins depends on how fast the one before was
        found["out/.faceswap-journal.jsonl"].sort(key=lambda line: (line.get("begun", ""), line.get("key", "")))
    if name == "doctor":
        found = {"standard output": [without_machine(report) for report in found["standard output"]]}
    JSON.check(name, {"code": told.code, **found})


def objects(text: str) -> list[str]:
    """A text that is one object, or one a line."""
    return text.splitlines() if text.count("\n{") else [text]


def masked(value: Any, mask: set[str]) -> Any:
    """What was told, without times and versions."""
    if isinstance(value, list):
        return [masked(inner, mask) for inner in value]
    if not isinstance(value, dict):
        return value
    found = {}
    for key, inner in value.items():
        if key in mask and not isinstance(inner, dict | list):
            found[key] = "..."
        elif key in ("timings", "models") and isinstance(inner, dict):  # those of a batch are versions
            found[key] = dict.fromkeys(inner, "...")
        elif key == "slowest":
            found[key] = sorted((masked(one, mask) for one in inner), key=lambda one: one["key"])
        else:
            found[key] = masked(inner, mask)
    return found


def without_machine(report: dict[str, Any]) -> dict[str, Any]:
    """The doctor's report: its keys, its checks and their keys, and the states that no machine changes."""
    checks = []
    for check in report["checks"]:
        local = check["group"] in LOCAL or check["name"] in ("command", "environment") or "extra " in check["name"]
        state = "..." if local else check["state"]
        if check["group"] != "providers":  # each machine has its own
            checks.append({**dict.fromkeys(check, "..."), "group": check["group"], "name": check["name"],
                           "state": state, "data": sorted(check["data"])})
    return report | {"checks": checks, "counts": dict.fromkeys(report["counts"], "...")}


def test_no_json_is_pinned_that_is_not_asked_for():
    assert PINNING or JSON.names() == set(ASKED)
