"""Where values come from when they are not given, and who goes first."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Annotated

import error_tables
import pytest
import typer

from faceswap_cli.cli.app import build_app
from faceswap_cli.cli.command import Command, catalogue_of
from faceswap_cli.cli.config.file import project_file
from faceswap_cli.cli.config.settings import OWN_VARIABLES, Origin, for_projects, read_settings, variable_of
from faceswap_cli.cli.options import declare
from faceswap_cli.errors import InputError, UsageError
from faceswap_cli.text import as_flag, opt

CATALOGUE = catalogue_of(typer.main.get_command(build_app()))
BATCH, SWAP, PULL = ("batch",), ("swap",), ("models", "pull")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a repository, in which the test is."""
    folder = tmp_path / "project"
    (folder / ".git").mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's file; a test writes it."""
    folder = tmp_path / "home" / "config"
    folder.mkdir(parents=True)
    monkeypatch.setenv("FACESWAP_CONFIG", str(folder / "config.toml"))
    (folder / "config.toml").touch()
    return folder / "config.toml"


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def values(path: tuple[str, ...] = SWAP) -> dict[str, object]:
    settings = read_settings(CATALOGUE)
    assert settings.problems == ()
    return {key: one.value for key, one in settings.of(path, CATALOGUE[path]).items()}


def problem(text: str, project: Path) -> str:
    write(project / "faceswap.toml", text)
    problems = read_settings(CATALOGUE).problems
    assert len(problems) == 1
    assert "faceswap.toml" in problems[0]
    return problems[0]


# --- who goes first ---------------------------------------------------------------------------------------------------

def test_variables_go_before_the_project_s_file_before_the_user_s(project, user, monkeypatch):
    write(user, "image-quality = 71\norder = 'left-right'\nrestore = 'codeformer'\n[swap]\ndevice = 1\n")
    write(project / "faceswap.toml", "image-quality = 72\norder = 'top-bottom'\n")
    monkeypatch.setenv("FACESWAP_IMAGE_QUALITY", "73")
    settings = read_settings(CATALOGUE).of(SWAP, CATALOGUE[SWAP])
    assert {key: (one.value, one.origin) for key, one in settings.items()} == {
        "image-quality": ("73", Origin.VARIABLE), "order": ("top-bottom", Origin.PROJECT),
        "restore": ("codeformer", Origin.USER), "device": ("1", Origin.USER)}


def test_a_table_goes_before_the_keys_above_it_of_the_same_file_only(project, user):
    write(user, "image-quality = 71\n[swap]\nimage-quality = 72\n"
          "[models]\nquiet = true\n[models.pull]\nquiet = false\n")
    assert (values(SWAP)["image-quality"], values(BATCH)["image-quality"]) == ("72", "71")
    assert (values(PULL)["quiet"], values(("models", "list"))["quiet"]) == (False, True)
    write(project / "faceswap.toml", "image-quality = 73\n")
    assert values(SWAP)["image-quality"] == "73"


def test_a_setting_is_only_for_commands_that_have_the_option(project):
    write(project / "faceswap.toml", "retry-failed = true\n")
    assert values(BATCH) == {"retry-failed": True}
    assert values(SWAP) == {}


def test_values_may_be_written_as_toml_has_them(project):
    write(project / "faceswap.toml", "\ufeffrestore_weight = 0.5\ntarget-index = [0, 2]\nmask = ['box', 'hull']\n"
          "restore = 'GFPGANv1.4.pth'\n[batch]\ninclude = ['*.jpg', 'a b']\nexclude = 'x'\n")
    assert values(BATCH) == {"restore-weight": "0.5", "target-index": "0,2", "mask": "box,hull",
                             "restore": "gfpgan_1.4", "include": ("*.jpg", "a b"), "exclude": ("x",)}


@pytest.mark.parametrize(("text", "value"), [("1", True), ("Yes", True), ("on", True), ("TRUE", True), ("0", False),
                                             ("no", False), ("off", False), ("false", False), ("maybe", "maybe")])
def test_switches_in_variables(project, monkeypatch, text, value):
    monkeypatch.setenv("FACESWAP_RECURSIVE", text)
    assert values(BATCH) == {"recursive": value}


def test_lists_in_variables_have_one_value_to_a_line_and_an_empty_one_is_not_set(project, monkeypatch):
    monkeypatch.setenv("FACESWAP_INCLUDE", "*.jpg\nmy pictures/*:*\n")
    monkeypatch.setenv("FACESWAP_RESTORE", "")
    assert values(BATCH) == {"include": ("*.jpg", "my pictures/*:*")}


def test_variables_that_are_read_elsewhere_go_before_files_and_are_not_handed_on(project, user, monkeypatch):
    write(user, "models-dir = '/m'\n[models.pull]\noffline = true\n[swap]\nkey-file = 'k'\nremote-url = 'https://a'\n")
    for name, value in (("FACESWAP_MODELS_DIR", "/v"), ("FACESWAP_OFFLINE", "0"), ("SEGMIND_API_KEY", "hidden"),
                        ("SEGMIND_BASE_URL", "https://b"), ("FACESWAP_REMOTE_URL", "https://c"),
                        ("FACESWAP_CACHE_DIR", "/c")):
        monkeypatch.setenv(name, value)
    settings = read_settings(CATALOGUE)
    swap, pull = (settings.of(path, CATALOGUE[path]) for path in (SWAP, PULL))
    assert {key: (one.value, one.place, one.own) for key, one in (swap | pull).items()} == {
        "models-dir": ("/v", "FACESWAP_MODELS_DIR", True), "offline": ("0", "FACESWAP_OFFLINE", True),
        "key-file": ("***", "SEGMIND_API_KEY", True), "remote-url": ("https://c", "FACESWAP_REMOTE_URL", False)}
    assert settings.others["FACESWAP_CACHE_DIR"] == "/c"
    assert settings.unknown == ()
    assert "hidden" not in repr(settings)


def test_unknown_variables_are_found(project, monkeypatch):
    monkeypatch.setenv("FACESWAP_IMAGE_QUALTY", "3")
    monkeypatch.setenv("FACESWAP_JSON", "1")
    assert read_settings(CATALOGUE).unknown == ("FACESWAP_IMAGE_QUALTY", "FACESWAP_JSON")


def test_no_option_takes_its_variable_from_another(project):
    keys = {key for options in CATALOGUE.values() for key in options}
    assert len({variable_of(key) for key in keys}) == len(keys)
    assert {variable_of(key) for key in keys} & set(OWN_VARIABLES) == {"FACESWAP_MODELS_DIR", "FACESWAP_OFFLINE"}
    for key in keys:  # else one value could not be for all commands that have it
        assert len({(options[key].is_flag, options[key].multiple) for options in CATALOGUE.values()
                    if key in options}) == 1, key


# --- what is refused --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("text", "words"), error_tables.MISTAKES)
def test_a_mistake_is_told_with_the_file_and_what_to_do(project, text, words):
    told = problem(text, project)
    assert words in told
    assert "abc" not in told
    assert "\n" not in told


def test_files_that_cannot_be_read(project, user, monkeypatch):
    (project / "faceswap.toml").write_bytes(b"order = 'x'\nlabel = '\xff'")
    assert "not UTF-8 (line 2)" in read_settings(CATALOGUE).problems[0]
    (project / "faceswap.toml").write_bytes(b"#" * (1 << 20) + b"##")
    assert "more than 1 MB" in read_settings(CATALOGUE).problems[0]
    (project / "faceswap.toml").write_text("order = " + "[" * 100_000)
    assert "nested too deep" in read_settings(CATALOGUE).problems[0]
    (project / "faceswap.toml").unlink()
    user.unlink()
    assert "No such file" in read_settings(CATALOGUE).problems[0]  # it was named
    monkeypatch.delenv("FACESWAP_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(user.parent))
    assert read_settings(CATALOGUE).problems == ()


def test_a_project_can_send_nothing_away_name_no_keys_and_lift_no_safeguard():
    """The whole list: what is added to it, a project that is somebody else's may set."""
    allowed = {key for options in CATALOGUE.values() for key, option in options.items() if for_projects(option)}
    assert allowed == {
        "accelerate", "clip", "crf", "detector", "detector-score", "detector-size", "device", "engine", "exclude",
        "face-restore", "file-type", "gender", "image-format", "image-quality", "include", "installed", "interpolation",
        "journal", "junit", "keep-fps", "keep-mouth", "label", "mask", "min-similarity", "name", "no-progress",
        "num-gpus", "on-error", "on-no-face", "order", "ordered", "preset", "provider", "quiet", "recursive",
        "reference-threshold", "report", "restore", "restore-visibility", "restore-weight", "resume", "retry-failed",
        "root", "rounds", "seconds", "source-gender", "source-index", "still", "strict", "summary-html", "swap-size",
        "swapper", "target-gender", "target-index", "threads", "verbose", "verify", "video-codec", "workers"}


@pytest.mark.parametrize("key", ["max-pixels", "max-download", "max-body", "max-memory", "timeout", "job-timeout",
                                 "queue", "max-failures", "offline"])
def test_a_project_lifts_no_bound(project, key):
    path = next(path for path, options in CATALOGUE.items() if key in options)
    assert f"{key} cannot be set by a project" in problem(f"[{'.'.join(path)}]\n{key} = 9", project)


def test_an_option_of_which_nothing_is_told_is_not_for_projects():
    app = typer.Typer()

    def make(new: Annotated[bool, typer.Option("--brand-new")] = False,
             told: Annotated[bool, declare.option("--told", project=True)] = False) -> None: ...

    app.command("make", cls=Command)(make)
    app.callback()(lambda: None)
    (options,) = catalogue_of(typer.main.get_command(app)).values()
    assert {key: for_projects(option) for key, option in options.items()} == {"brand-new": False, "told": True}


def test_paths_count_from_the_file_and_those_of_a_project_stay_in_it(project, user, tmp_path):
    inner = project / "a" / "b"
    inner.mkdir(parents=True)
    os.chdir(inner)
    write(user, "models-dir = 'models'\n[batch]\njunit = '~/junit.xml'\n")
    write(project / "faceswap.toml", "[batch]\nreport = 'out/report.json'\n")
    assert values(BATCH) == {"models-dir": str(user.parent / "models"), "junit": str(Path.home() / "junit.xml"),
                             "report": str(project / "out" / "report.json")}
    (project / "link").symlink_to(tmp_path)
    for place in ("../x", str(tmp_path / "x"), "link/x", "out/../../x"):
        assert "leads out of the project" in problem(f"[batch]\nreport = '{place}'", project)


@pytest.mark.parametrize("key", ["report", "junit", "summary-html", "journal"])
def test_a_project_has_no_file_replaced(project, key):
    (project / "photo.jpg").write_bytes(b"\xff\xd8\xff")
    (project / "link").symlink_to("photo.jpg")
    (project / "inside").symlink_to(".git")
    for place in ("photo.jpg", "./photo.jpg", "link", "faceswap.toml"):
        told = problem(f"[batch]\n{key} = '{place}'", project)
        assert f"{key} is {place}, which is there and would be replaced" in told
    for place in (".git/hooks/post-commit", "sub/.GIT/x", "inside/x"):
        assert "into its .git" in problem(f"[batch]\n{key} = '{place}'", project)
    (project / "mine").write_bytes({"report": b'{\n  "schema": 1,\n  "tool": "faceswap 0.1.0"', "journal":
                                    b'{"journal":"faceswap","schema":1}', "junit":
                                    b'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="faceswap" tests="1"',
                                    "summary-html": b"<!DOCTYPE html>\n<title>faceswap batch: 3 items"}[key])
    for place in ("mine", "new/file"):
        write(project / "faceswap.toml", f"[batch]\n{key} = '{place}'\n")
        assert values(BATCH) == {key: str(project / place)}


# --- which file -------------------------------------------------------------------------------------------------------

def test_the_search_ends_with_the_repository_and_before_the_home_folder(tmp_path, monkeypatch):
    home = tmp_path / "home"
    (home / "repository" / ".git").mkdir(parents=True)
    (home / "repository" / "a").mkdir()
    (home / "b" / "c").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    for folder in (tmp_path, home):
        write(folder / "faceswap.toml", "")
    assert project_file(home / "repository" / "a") is None
    assert project_file(home / "b" / "c") is None
    assert project_file(home) == home / "faceswap.toml"  # it begins there
    for folder in (home / "repository", home / "b"):
        write(folder / "faceswap.toml", "")
    assert project_file(home / "repository" / "a") == home / "repository" / "faceswap.toml"
    assert project_file(home / "b" / "c") == home / "b" / "faceswap.toml"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no sticky bit")
def test_what_anybody_may_have_left_is_not_taken(tmp_path):
    shared = tmp_path / "shared"
    (shared / "mine").mkdir(parents=True)
    write(shared / "faceswap.toml", "")
    write(tmp_path / "faceswap.toml", "")
    shared.chmod(0o1777)
    assert project_file(shared / "mine") is None
    assert project_file(shared) is None


def test_a_file_that_the_user_names_is_the_user_s_wherever_it_lies(project, monkeypatch):
    write(project / "faceswap.toml", "overwrite = true\n")
    assert read_settings(CATALOGUE).problems
    monkeypatch.setenv("FACESWAP_CONFIG", "faceswap.toml")
    assert values() == {"overwrite": True}


# --- how a command has them -------------------------------------------------------------------------------------------

def command_line(seen: dict[str, object], error: Exception | None = None) -> typer.Typer:
    app = typer.Typer()

    def make(
        output: Annotated[str, typer.Option("--output", metavar="OUT")] = "out",
        quality: Annotated[int, typer.Option("--quality", min=1, max=9)] = 5,
        tags: Annotated[list[str] | None, typer.Option("--tag")] = None,
        fast: Annotated[bool, typer.Option("--fast/--slow")] = False,
        workers: Annotated[str | None, typer.Option("--workers")] = None,
        remote: Annotated[bool, typer.Option("--remote")] = False,
        remote_mode: Annotated[str | None, typer.Option("--remote-mode")] = None,
        engine: Annotated[str | None, typer.Option("--engine")] = None,
        device: Annotated[int, typer.Option("--device")] = 0,
        fallback: Annotated[str | None, typer.Option("--fallback")] = None,
        image_format: Annotated[str | None, typer.Option("--image-format")] = None,
        quiet: Annotated[bool, typer.Option("--quiet")] = False,
        verbose: Annotated[bool, typer.Option("--verbose")] = False,
    ) -> None:
        seen.clear()
        seen.update(quality=quality, tags=tags, fast=fast, workers=workers, remote=remote, remote_mode=remote_mode,
                    engine=engine, device=device, fallback=fallback, image_format=image_format, quiet=quiet,
                    verbose=verbose)
        if error is not None:
            raise error

    app.command("make", cls=Command)(make)
    app.callback()(lambda: None)
    return app


@pytest.fixture
def run(project, user):
    def run(*arguments: str, error: Exception | None = None) -> dict[str, object]:
        seen: dict[str, object] = {}
        typer.main.get_command(command_line(seen, error)).main(["make", *arguments], standalone_mode=False)
        return seen
    return run


def test_a_flag_goes_before_everything(run, user, monkeypatch):
    write(user, "quality = 2\nfast = true\ntag = ['a', 'b']\n")
    assert (run()["quality"], run()["fast"], run()["tags"]) == (2, True, ["a", "b"])
    monkeypatch.setenv("FACESWAP_QUALITY", "3")
    assert run()["quality"] == 3
    given = run("--quality", "4", "--slow", "--tag", "c")
    assert (given["quality"], given["fast"], given["tags"]) == (4, False, ["c"])


def test_what_the_flag_refuses_is_told_with_its_origin(run, user, monkeypatch):
    write(user, "[make]\nquality = 10\n")
    with pytest.raises(typer.BadParameter) as caught:
        run()
    with pytest.raises(typer.BadParameter) as flag:
        run("--quality", "10")
    assert caught.value.format_message() == \
        f"{flag.value.format_message()} (set by quality of [make] in {user})"
    monkeypatch.setenv("FACESWAP_QUALITY", "many")
    with pytest.raises(typer.BadParameter, match="set by the variable FACESWAP_QUALITY"):
        run()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_the_name_of_a_folder_cannot_command_the_terminal(run, user, monkeypatch):
    folder = user.parent / "a\x1b[2Jb"
    folder.mkdir()
    write(folder / "x.toml", "quality = 0\n")
    monkeypatch.setenv("FACESWAP_CONFIG", str(folder / "x.toml"))
    with pytest.raises(typer.BadParameter) as caught:
        run()
    assert "a\\x1b[2Jb" in caught.value.message
    assert caught.value.message.isprintable()


def test_an_error_of_the_command_tells_which_option_was_set(run, user):
    write(user, "workers = '0'\nquality = 3\n")
    error = InputError(f"{opt('workers', 0)} is too few; see {opt('quality')} and {opt('workers-file')}")
    with pytest.raises(InputError) as caught:
        run("--quality", "3", error=error)
    assert re.search(r"too few.* \(--workers is set by workers in .*config.toml\)$", caught.value.text(as_flag))
    with pytest.raises(UsageError) as plain:
        run(error=UsageError(f"{opt('tag')} is wrong"))
    assert plain.value.text(as_flag) == "--tag is wrong"


def test_settings_that_do_not_go_with_what_was_asked_for_are_left_out(run, user):
    write(user, "remote-mode = 'sync'\nworkers = '3'\nengine = 'neural'\nquiet = true\nimage-format = 'png'\n")
    here = run()
    assert (here["remote_mode"], here["workers"], here["engine"], here["image_format"]) == (None, "3", "neural", "png")
    there = run("--remote")
    assert (there["remote_mode"], there["workers"], there["engine"]) == ("sync", None, None)
    assert run("--remote", "--fallback", "local")["engine"] == "neural"
    assert run("--remote", "--workers", "2")["workers"] == "2"  # given: the command says that it does not go
    assert (run("--verbose")["quiet"], run()["quiet"]) == (False, True)
    assert run("--output", "a.jpg")["image_format"] is None
    write(user, "remote = true\nremote-mode = 'sync'\nworkers = 3\n")
    there = run()
    assert (there["remote"], there["remote_mode"], there["workers"]) == (True, "sync", None)
    write(user, "device = 1\n")
    assert (run()["device"], run("--engine", "embedded")["device"]) == (1, 0)


def test_unknown_variables_are_told_once_and_not_when_quiet(run, monkeypatch, capsys):
    monkeypatch.setenv("FACESWAP_QUALTY", "3")
    run()
    assert capsys.readouterr().err == \
        "warning: FACESWAP_QUALTY is not a variable of faceswap; did you mean FACESWAP_QUALITY?\n"
    run("--quiet")
    assert capsys.readouterr().err == ""
