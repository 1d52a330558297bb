from __future__ import annotations

import io
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refused

from faceswap_cli.batch.plan.globs import compile_globs, is_glob, split_glob
from faceswap_cli.batch.plan.lists import read_names
from faceswap_cli.batch.plan.selection import TargetFinder
from faceswap_cli.errors import InputError, UsageError


def grow(root: Path, *names: str) -> Path:
    for name in names:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"")
    return root


def folder(root: Path, *args, **options) -> list[str]:
    return [found.relative for found in TargetFinder(*args, **options).folder(str(root))]


def glob(pattern: str, **options) -> list[str]:
    return [found.relative for found in TargetFinder(**options).glob(pattern)]


# --- folders ----------------------------------------------------------------------------------------------------------


def test_pictures_of_a_folder_come_sorted_and_with_their_path(tmp_path):
    grow(tmp_path, "b.jpg", "a.PNG", "c/d/e.gif", "c/a.webp", "notes.txt", "film.mp4", "B.jpg")
    found = list(TargetFinder().folder(str(tmp_path)))
    assert [file.relative for file in found] == ["B.jpg", "a.PNG", "b.jpg", "c/a.webp", "c/d/e.gif", "film.mp4"]
    assert [file.spec for file in found] == [str(tmp_path / file.relative) for file in found]


def test_folders_in_folders_can_be_left_alone(tmp_path):
    assert folder(grow(tmp_path, "a.jpg", "c/b.jpg"), recursive=False) == ["a.jpg"]


def test_hidden_and_unfinished_files_are_left_out(tmp_path):
    grow(tmp_path, ".a.jpg", ".git/b.jpg", ".a.jpg.1234.part", "c.jpg.part", "d.jpg")
    assert folder(tmp_path) == ["d.jpg"]
    assert folder(tmp_path, ["*"]) == ["d.jpg"]


@pytest.mark.parametrize(("include", "exclude", "expected"), [
    (["*.png"], [], ["b.png", "s/d.png"]),
    (["*.txt"], [], ["t.txt"]),
    (["/*.png"], [], ["b.png"]),
    (["s/*"], [], ["s/c.jpg", "s/d.png"]),
    (["s/"], [], ["s/c.jpg", "s/d.png", "s/u/e.jpg"]),
    (["**/u/*", "b.*"], [], ["b.png", "s/u/e.jpg"]),
    ([], ["s"], ["a.jpg", "b.png"]),
    ([], ["*.png", "u"], ["a.jpg", "s/c.jpg"]),
    (["*.jpg"], ["s/u"], ["a.jpg", "s/c.jpg"]),
    (["[!a].*"], [], ["b.png", "s/c.jpg", "s/d.png", "s/u/e.jpg", "t.txt"]),
])
def test_globs_choose_files(tmp_path, include, exclude, expected):
    grow(tmp_path, "a.jpg", "b.png", "t.txt", "s/c.jpg", "s/d.png", "s/u/e.jpg")
    assert folder(tmp_path, include, exclude) == expected


@pytest.mark.parametrize("pattern", ["", "/", "[z-a]"])
def test_a_glob_that_makes_no_sense_is_told(pattern):
    with refused(UsageError, "--exclude"):
        TargetFinder(exclude=[pattern])


def test_links_out_of_the_folder_are_left_out_and_told(tmp_path):
    root = grow(tmp_path / "in", "a.jpg")
    grow(tmp_path, "secret.jpg", "elsewhere/b.jpg", "in2/c.jpg")
    (root / "inside.jpg").symlink_to("a.jpg")
    (root / "outside.jpg").symlink_to(tmp_path / "secret.jpg")
    (root / "sibling.jpg").symlink_to(tmp_path / "in2/c.jpg")
    (root / "nowhere.jpg").symlink_to("gone.jpg")
    (root / "folder").symlink_to(tmp_path / "elsewhere")
    (root / "loop").symlink_to(root)
    finder = TargetFinder()
    assert [found.relative for found in finder.folder(str(root))] == ["a.jpg", "inside.jpg"]
    assert any("outside.jpg and 1 more: is a link out of the folder" in line for line in finder.warnings)
    assert any("nowhere.jpg is a link to nothing" in line for line in finder.warnings)


def test_a_link_to_the_named_folder_is_as_good_as_the_folder(tmp_path):
    grow(tmp_path / "in", "a.jpg")
    (tmp_path / "link").symlink_to("in")
    assert folder(tmp_path / "link") == ["a.jpg"]


def test_what_is_no_regular_file_is_left_out(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    assert folder(tmp_path) == []


def test_the_folder_of_outputs_is_left_out_and_told(tmp_path):
    root = grow(tmp_path, "a.jpg", "out/a.jpg", "s/b.jpg")
    (root / "s/c.jpg").symlink_to(root / "out/a.jpg")
    (tmp_path / "link").symlink_to("out")
    for outputs in (root / "out", root / "link"):
        finder = TargetFinder(outputs=str(outputs))
        assert [found.relative for found in finder.folder(str(root))] == ["a.jpg", "s/b.jpg"]
        assert "is of the output folder" in finder.warnings[0]


def test_the_folder_of_inputs_is_not_that_of_outputs(tmp_path):
    grow(tmp_path, "a.jpg")
    for find in (lambda finder: finder.folder(str(tmp_path)), lambda finder: finder.glob(str(tmp_path / "*.jpg"))):
        with pytest.raises(UsageError, match="inputs and of outputs"):
            list(find(TargetFinder(outputs=str(tmp_path / "../" / tmp_path.name))))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_read_is_an_error_that_tells_how_to_leave_it_out(tmp_path):
    grow(tmp_path, "a.jpg", "private/b.jpg")
    (tmp_path / "private").chmod(0)
    try:
        with refused(InputError, r"private.*--exclude private"):
            folder(tmp_path)
        assert folder(tmp_path, exclude=["private"]) == ["a.jpg"]
    finally:
        (tmp_path / "private").chmod(0o700)


def test_an_empty_folder_is_told(tmp_path):
    finder = TargetFinder()
    assert list(finder.folder(str(grow(tmp_path, "a.txt")))) == []
    assert "has no pictures" in finder.warnings[0]


def test_folders_may_be_deep(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(300):
        Path("d").mkdir()
        monkeypatch.chdir("d")
    Path("a.jpg").touch()
    monkeypatch.chdir(tmp_path)
    assert folder(Path()) == ["d/" * 300 + "a.jpg"]


# --- globs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("pattern", "expected"), [
    ("*.jpg", ["a.jpg"]), ("*", ["a.jpg", "b.png"]), ("**/*.jpg", ["a.jpg", "s/c.jpg", "s/u/e.jpg"]),
    ("s/*.jpg", ["c.jpg"]), ("*/*.jpg", ["s/c.jpg"]), ("s/**", ["c.jpg", "u/e.jpg"]),
    ("?.*", ["a.jpg", "b.png", "t.txt"]), ("*.txt", ["t.txt"]), ("*.TXT", []), ("none/*.jpg", []),
    ("[ab].[jp]*", ["a.jpg", "b.png"]), (".*", []),
])
def test_a_quoted_glob_finds_files_from_the_folder_before_its_first_wildcard(tmp_path, pattern, expected):
    grow(tmp_path, "a.jpg", "b.png", "t.txt", "s/c.jpg", "s/u/e.jpg", ".h.jpg")
    assert glob(f"{tmp_path}/{pattern}") == expected


def test_a_file_with_the_very_name_is_no_pattern(tmp_path):
    grow(tmp_path, "photo[1].jpg")
    assert not is_glob(str(tmp_path / "photo[1].jpg"))
    assert is_glob(str(tmp_path / "photo[2].jpg"))
    assert not is_glob("https://example.org/a.jpg?x=1")


@pytest.mark.parametrize(("pattern", "expected"), [
    ("*.jpg", (".", "*.jpg")), ("/*.jpg", ("/", "*.jpg")), ("a/b/*/c", ("a/b", "*/c")),
    ("s3://b/a/*.jpg", ("s3://b/a", "*.jpg")),
])
def test_a_pattern_is_split_before_its_first_wildcard(pattern, expected):
    assert split_glob(pattern) == expected


@given(st.text("ab*?[]!-^\\/.\n", max_size=12))
def test_any_glob_compiles_or_is_told(pattern):
    try:
        compiled = compile_globs([pattern], "--include")
    except UsageError:
        return
    assert compiled is not None
    if not set(pattern) & set("*?[") and "/" not in pattern:
        assert compiled.fullmatch(pattern)
        assert compiled.fullmatch(f"folder/{pattern}")


def test_wildcards_stop_at_folders_and_newlines_are_characters():
    pattern = compile_globs(["a*/b"], "--include")
    assert pattern.fullmatch("a\nc/b")
    assert not pattern.fullmatch("a/c/b")


def test_the_same_rules_hold_for_folders_that_cannot_be_walked():
    wanted = TargetFinder(exclude=["thumbs"]).wanted()
    names = ["a.jpg", "s/b.jpg", "thumbs/c.jpg", ".h/d.jpg", "e.txt", "f.jpg.part"]
    assert [name for name in names if wanted(name)] == ["a.jpg", "s/b.jpg"]
    assert [name for name in names if TargetFinder().wanted("*.jpg")(name)] == ["a.jpg"]
    assert [name for name in names if TargetFinder(recursive=False).wanted()(name)] == ["a.jpg"]


# --- lists ------------------------------------------------------------------------------------------------------------


def test_names_come_one_to_a_line():
    data = b"\xef\xbb\xbfa.jpg\r\n\nb c.jpg\n-rf.jpg\n{stem}.jpg\ncaf\xe9.jpg"
    assert list(read_names(io.BytesIO(data))) == ["a.jpg", "b c.jpg", "-rf.jpg", "{stem}.jpg", "caf\udce9.jpg"]


@given(st.lists(st.binary(min_size=1, max_size=40).filter(lambda name: b"\0" not in name), max_size=8))
def test_any_name_survives_between_nuls(names):
    found = list(read_names(io.BytesIO(b"".join(name + b"\0" for name in names)), null=True))
    assert [os.fsencode(name) for name in found] == names


def test_names_come_as_soon_as_they_are_there():
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as pipe, os.fdopen(writing, "wb", buffering=0) as end:
        names = read_names(pipe, null=True)
        end.write(b"a.jpg\0b")
        assert next(names) == "a.jpg"
        got = []
        waiter = threading.Thread(target=lambda: got.extend(names))
        waiter.start()
        end.write(b".jpg\0")
        end.close()
        waiter.join(10)
        assert got == ["b.jpg"]


def test_a_list_of_the_other_kind_is_told():
    with pytest.raises(UsageError, match="add -0"):
        list(read_names(io.BytesIO(b"a.jpg\0b.jpg\0")))
    with pytest.raises(UsageError, match="drop -0"):
        list(read_names(io.BytesIO(b"a.jpg\n" * 20_000), null=True))
    with pytest.raises(UsageError, match="list of names"):
        list(read_names(io.BytesIO(b"x" * 100_000)))
