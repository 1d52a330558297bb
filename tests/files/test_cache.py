"""The cache: entries appear whole or not at all, by whatever processes, and the longest unused go."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from faceswap_cli.files.cache import FolderCache, cache_folder


def put(cache: FolderCache, key: str, size: int = 1000) -> None:
    with cache.making(key) as folder:
        (folder / "content").write_bytes(b"x" * size)


def age(cache: FolderCache, key: str, seconds: int) -> None:
    entry = cache.find(key)
    assert entry
    os.utime(entry / ".used", (1_000_000 - seconds, 1_000_000 - seconds))


def test_the_folder_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("FACESWAP_CACHE_DIR", raising=False)
    assert cache_folder().name == "faceswap"
    monkeypatch.setenv("FACESWAP_CACHE_DIR", str(tmp_path))
    assert cache_folder() == tmp_path


def test_looking_makes_no_folder(tmp_path: Path) -> None:
    cache = FolderCache(tmp_path / "cache", 10_000)
    assert cache.find("a") is None
    assert not cache.folder.exists()


def test_an_entry_is_there_when_its_block_ends_and_not_before(tmp_path: Path) -> None:
    cache = FolderCache(tmp_path, 10_000)
    with cache.making("a") as folder:
        (folder / "content").write_text("whole")
        assert cache.find("a") is None
    entry = cache.find("a")
    assert entry and (entry / "content").read_text() == "whole"


def test_a_block_that_fails_leaves_nothing(tmp_path: Path) -> None:
    cache = FolderCache(tmp_path, 10_000)
    with pytest.raises(RuntimeError), cache.making("a") as folder:
        (folder / "content").write_text("half")
        raise RuntimeError
    assert cache.find("a") is None
    assert not list(tmp_path.iterdir())


def test_a_killed_process_leaves_no_entry_and_its_rest_goes_later(tmp_path: Path) -> None:
    code = ("import os, sys; from pathlib import Path; from faceswap_cli.files.cache import FolderCache\n"
            "with FolderCache(Path(sys.argv[1]), 10000).making('a') as folder:\n"
            "    (folder / 'content').write_text('half'); os._exit(1)\n")
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    cache = FolderCache(tmp_path, 10_000)
    assert cache.find("a") is None
    (rest,) = tmp_path.iterdir()
    put(cache, "b")
    assert rest.exists()  # perhaps somebody still fills it
    os.utime(rest, (0, 0))
    put(cache, "c")
    assert not rest.exists()


def test_the_first_of_two_that_make_the_same_stays(tmp_path: Path) -> None:
    cache = FolderCache(tmp_path, 10_000)
    with cache.making("a") as late:
        (late / "content").write_text("late")
        with FolderCache(tmp_path, 10_000).making("a") as early:
            (early / "content").write_text("early")
    entry = cache.find("a")
    assert entry and (entry / "content").read_text() == "early"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_something_half_gone_under_the_key_is_replaced(tmp_path: Path) -> None:
    cache = FolderCache(tmp_path, 10_000)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "rest").touch()
    put(cache, "a")
    assert [path.name for path in (tmp_path / "a").iterdir() if path.name != ".used"] == ["content"]


def test_the_longest_unused_go_first(tmp_path: Path) -> None:
    cache = FolderCache(tmp_path, 2500)
    for seconds, key in ((30, "a"), (20, "b")):
        put(cache, key)
        age(cache, key, seconds)
    cache.find("a")  # used again: now `b` is the oldest
    put(cache, "c")
    assert [bool(cache.find(key)) for key in "abc"] == [True, False, True]


def test_a_new_entry_stays_even_when_it_is_larger_than_the_limit(tmp_path: Path) -> None:
    cache = FolderCache(tmp_path, 2500)
    put(cache, "a")
    put(cache, "b", 5000)
    assert [bool(cache.find(key)) for key in "ab"] == [False, True]


def test_one_process_at_a_time(tmp_path: Path) -> None:
    cache = FolderCache(tmp_path, 2500)
    code = ("import sys; from pathlib import Path; from faceswap_cli.files.cache import FolderCache\n"
            "with FolderCache(Path(sys.argv[1]), 1).lock(0) as mine: print(mine)\n")

    def other() -> str:
        command = [sys.executable, "-c", code, str(tmp_path)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    with cache.lock(1) as mine:
        assert mine and other() == "False"
    assert other() == "True"


def test_room_is_that_of_the_disk_before_there_is_a_folder(tmp_path: Path) -> None:
    assert FolderCache(tmp_path / "a" / "b", 1).room > 0
    assert not (tmp_path / "a").exists()
