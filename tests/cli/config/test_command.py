"""`faceswap config`, and what settings do to the commands, as a user has them."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from stand_ins import fits, on_a_terminal

from faceswap_cli.cli.config.command import INIT_EXAMPLES, PATH_EXAMPLES, SHOW_EXAMPLES

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="names of files are written as POSIX has them")


class Room:
    """A project in which the command is run, and the user's file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        self.user = folder / "user.toml"
        (self.folder / ".git").mkdir(parents=True)

    def write(self, project: str | None = None, user: str | None = None) -> None:
        if project is not None:
            (self.folder / "faceswap.toml").write_text(project)
        if user is not None:
            self.user.write_text(user)

    def environment(self, env: dict[str, str] | None = None) -> dict[str, str]:
        named = {"FACESWAP_CONFIG": str(self.user)} if self.user.exists() else {}
        return os.environ | named | (env or {})

    def run(self, *arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "faceswap_cli", *arguments], cwd=self.folder,
                              env=self.environment(env), capture_output=True, text=True, check=False, timeout=120,
                              stdin=subprocess.DEVNULL)


@pytest.fixture
def room(tmp_path) -> Room:
    return Room(tmp_path)


def test_show_tells_what_is_set_and_where_from(room):
    room.write(project="image-quality = 80\n[swap]\nimage-quality = 90\n", user="order = 'left-right'\n")
    done = room.run("config", "show", env={"FACESWAP_QUIET": "1", "FACESWAP_CACHE_DIR": "/cache"})
    assert done.returncode == 0
    rows = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    assert [row[:2] for row in rows] == [["option", "value"], ["image-quality", "90"], ["image-quality", "80"],
                                         ["order", "left-right"], ["quiet", "true"],
                                         ["FACESWAP_CACHE_DIR", "/cache"], ["FACESWAP_CONFIG", str(room.user)]]
    assert [row[2].split("  ")[0] for row in rows] == ["origin", "project file [swap]", "project file", "user file",
                                                       "FACESWAP_QUIET", "variable", "variable"]
    assert rows[1][2].endswith(" swap")
    assert rows[2][2].endswith(" swap-gif, batch")
    assert done.stderr.splitlines() == [f"project file: {room.folder / 'faceswap.toml'}", f"user file: {room.user}"]


def test_show_for_one_command_and_all(room):
    room.write(user="offline = true\n")
    shown = room.run("config", "show", "models", "pull", "--all").stdout
    rows = {line.split()[0]: line.split()[1:3] for line in shown.splitlines()}
    assert rows["offline"] == ["true", "user"]
    assert rows["quiet"] == ["false", "default"]
    assert rows["models-dir"] == ["-", "default"]
    assert "image-quality" not in rows
    done = room.run("config", "show", "swpa")
    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean swap?" in done.stderr


def test_the_json_of_show(room):
    room.write(project="[batch]\ninclude = ['*.jpg']\n")
    done = room.run("config", "show", "batch", "--json", "--all",
                    env={"FACESWAP_MODELS_MIRROR": "https://me:word@mirror.example/m?key=word", "FACESWAP_X": "1",
                         "SEGMIND_API_KEY": "very-secret"})
    report = json.loads(done.stdout)
    fits(report, {"schema": int, "files": {"project": {"path": str, "exists": bool}, "user": type(None)},
                  "commands": dict, "variables": dict, "unknown_variables": [str], "problems": [str]})
    assert report["commands"]["batch"]["include"] == {
        "value": ["*.jpg"], "origin": "project file", "place": str(room.folder / "faceswap.toml"), "table": "batch"}
    assert report["commands"]["batch"]["image-quality"] == {
        "value": 95, "origin": "default", "place": None, "table": None}
    assert report["commands"]["batch"]["key-file"]["place"] == "SEGMIND_API_KEY"
    assert report["variables"] == {"FACESWAP_CONFIG": "", "FACESWAP_MODELS_MIRROR": "https://mirror.example/m"}
    assert report["unknown_variables"] == ["FACESWAP_X"]
    assert "word" not in done.stdout
    assert "secret" not in done.stdout + done.stderr


def test_show_tells_what_is_wrong_and_shows_the_rest(room):
    room.write(project="order = 'left-right'\nqualty = 3\nremote = true\n[swap]\nimage-quality = 1000\n")
    done = room.run("config", "show", "swap")
    assert done.returncode == 2
    assert "left-right" in done.stdout
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 3
    for words in ("there is no option qualty", "remote cannot be set by a project",
                  "'--image-quality': Input should be less than or equal to 100 (set by image-quality of [swap] in "):
        assert sum(words in error for error in errors) == 1, words
    report = json.loads(room.run("config", "show", "--json").stdout)
    assert [f"error: {problem}" for problem in report["problems"]] == errors


def test_a_broken_file_breaks_nothing_that_does_not_need_it(room):
    room.write(project="[swap\n", user="= 3")
    for arguments in (["--help"], ["--version"], ["swap", "--help"], ["models", "pull", "--help"],
                      ["config", "path"], ["config", "path", "--project"], ["config", "init", "--help"]):
        assert room.run(*arguments).returncode == 0, arguments
    shown = room.run("config", "show")
    assert shown.returncode == 2
    assert shown.stderr.count("error: the settings in ") == 2
    done = room.run("models", "path", "--json")
    assert done.returncode == 2
    assert "faceswap.toml are not TOML" in done.stderr or "user.toml are not TOML" in done.stderr
    assert "(and 1 more: faceswap config show)" in done.stderr
    assert json.loads(done.stdout)["error"]["type"] == "UsageError"


def test_help_is_the_same_whatever_is_set(room):
    plain = [room.run(*words, "--help").stdout for words in (["swap"], ["batch"], ["config", "show"])]
    room.write(project="image-quality = 33\nquiet = true\n[batch]\nname = 'x{name}'\n", user="order = 'top-bottom'\n")
    env = {"FACESWAP_TARGET_GENDER": "female"}
    assert [room.run(*words, "--help", env=env).stdout for words in (["swap"], ["batch"], ["config", "show"])] == plain
    words = {"_FACESWAP_COMPLETE": "complete_bash", "COMP_WORDS": "faceswap swap a b --order l", "COMP_CWORD": "5"}
    assert room.run(env=words).stdout.split() == ["large-small", "left-right"]


def test_help_reads_no_settings(room):
    probe = ("import sys; from faceswap_cli.__main__ import main\n"
             "for arguments in (['--help'], ['swap', '--help'], ['models', 'pull', '--help'], ['--version']):\n"
             "    assert main(arguments) == 0\n"
             "sys.exit(' '.join({'tomllib', 'platformdirs'} & set(sys.modules)) or None)")
    done = subprocess.run([sys.executable, "-c", probe], cwd=room.folder, env=room.environment(), capture_output=True,
                          text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


def test_commands_have_what_is_set(room):
    room.write(project="[models.list]\ninstalled = true\n", user="models-dir = 'mine'\nquiet = true\n")
    done = room.run("models", "list", "--json")
    assert json.loads(done.stdout)["models"] == []
    place = room.run("models", "path")
    assert (place.stdout.strip(), place.stderr) == (str(room.user.parent / "mine"), "")
    assert room.run("models", "path", env={"FACESWAP_MODELS_DIR": "/v"}).stdout.strip() == "/v"
    assert room.run("models", "path", "--models-dir", "/f", env={"FACESWAP_MODELS_DIR": "/v"}).stdout.strip() == "/f"


def test_a_batch_is_planned_as_set_and_flags_go_first(room, assets):
    (room.folder / "in").mkdir()
    for name in ("a.jpg", "b.png", "c.png"):
        (room.folder / "in" / name).write_bytes((assets / "man-1.jpg").read_bytes())
    room.write(project="[batch]\ninclude = ['*.png']\nname = '{stem}-me{suffix}'\n", user="remote-mode = 'sync'\n")
    arguments = ["batch", str(assets / "man-1.jpg"), "in", "-o", "out", "--dry-run", "--quiet"]

    def outputs(*more: str, **env: str) -> list[str]:
        done = room.run(*arguments, *more, env=env)
        assert done.returncode == 0, done.stderr
        return [Path(line.split("\t")[2]).name for line in done.stdout.splitlines()]

    assert outputs() == ["b-me.png", "c-me.png"]
    assert outputs(FACESWAP_INCLUDE="b*\na*") == ["a-me.jpg", "b-me.png"]
    assert outputs("--include", "a*", "--name", "x{suffix}", FACESWAP_INCLUDE="b*") == ["x.jpg"]


def test_path_tells_where_files_are_and_init_writes_them(room):
    config = room.user.parent / "config"
    env = {"XDG_CONFIG_HOME": str(config)}
    clean = {name: value for name, value in os.environ.items() if name != "FACESWAP_CONFIG"} | env

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "faceswap_cli", "config", *arguments], cwd=room.folder, env=clean,
                              capture_output=True, text=True, check=False, timeout=120)

    path = Path(run("path").stdout.strip())
    assert path.name == "config.toml"
    if sys.platform == "linux":
        assert path == config / "faceswap" / "config.toml"
    assert json.loads(run("path", "--json").stdout) == {"path": str(path), "exists": False}
    assert run("path", "--project").returncode == 2
    for user, place in ((["--user"], path), ([], room.folder / "faceswap.toml")):
        assert run("init", *user).returncode == 0
        assert list(_values(tomllib.loads(place.read_text()))) == []
        again = run("init", *user)
        assert (again.returncode, "--overwrite" in again.stderr) == (2, True)
        assert run("init", *user, "--overwrite").returncode == 0
    assert run("path", "--project").stdout.strip() == str(room.folder / "faceswap.toml")
    assert run("show").returncode == 0


def _values(table: dict[str, object]) -> Iterator[object]:
    for value in table.values():
        if isinstance(value, dict):
            yield from _values(value)
        else:
            yield value


@pytest.mark.parametrize("user", [["--user"], []])
def test_what_init_writes_is_true(room, user):
    """With every # removed it is still right, but for the options whose value is found out when the command runs."""
    room.write(user="")
    assert room.run("config", "init", "--overwrite", *user).returncode == 0
    place = room.user if user else room.folder / "faceswap.toml"
    lines = place.read_text().splitlines()
    values = [line.removeprefix("# ") for line in lines if line.startswith("[") or " = " in line.split("`")[0]]
    kept = "\n".join(line for line in values if not line.endswith(('"N,N|all"', '"FILE"', '"FOLDER"')))
    place.write_text(kept)
    assert len(tomllib.loads(kept)) > 20
    problems = json.loads(room.run("config", "show", "--json").stdout)["problems"]
    assert not [problem for problem in problems if not problem.startswith("Invalid value")]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no pty")
def test_the_table_fits_a_terminal(room, monkeypatch):
    room.write(project=f"image-quality = 80\n[batch]\nname = '{'a-long-name-' * 5}{{name}}'\n")
    monkeypatch.chdir(room.folder)
    shown = on_a_terminal([sys.executable, "-m", "faceswap_cli", "config", "show"], 80)
    assert max(map(len, shown.splitlines())) <= 80 or str(room.folder) in shown
    table = shown[shown.index("option"):].splitlines()
    assert max(map(len, table)) <= 80
    assert "project file [batch]" in shown
    assert "all that have it" in shown


def test_the_examples_of_the_help_are_true(room):
    room.write(project="order = 'left-right'\n", user="")
    env = {"FACESWAP_CONFIG": str(room.user)}
    for text in (SHOW_EXAMPLES, PATH_EXAMPLES, INIT_EXAMPLES):
        if text is INIT_EXAMPLES:
            (room.folder / "faceswap.toml").unlink()
            room.user.unlink()
        for line in text.splitlines():
            if line.startswith("  "):
                assert room.run(*shlex.split(line)[1:], env=env).returncode == 0, line
    assert (room.folder / "faceswap.toml").exists()
    assert room.user.exists()
