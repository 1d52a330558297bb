from __future__ import annotations

import json
import os
import resource
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from batches import Tree, swap
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refused

from faceswap_cli.batch.entry import Entry
from faceswap_cli.batch.items import Failure, FailureKind, Item, ItemResult, Status
from faceswap_cli.batch.journal import Entries, Journal, default_journal, read_entries
from faceswap_cli.batch.plan.shards import Shard
from faceswap_cli.errors import OutputError, UsageError
from faceswap_cli.jobs.job import SwapJob, SwapSpec
from faceswap_cli.jobs.resume.stamps import Stamp


def result(key: str, status: Status = Status.DONE, **changes: Any) -> ItemResult:
    item = Item(number=0, key=key, job=SwapJob(spec=SwapSpec(sources=("me.jpg",)), target=f"in/{key}",
                                               output=f"out/{key}"), name=key)
    stamp = Stamp(3, 1_700_000_000_123_456_789, "a" * 64)
    return ItemResult(item=item, status=status, target=stamp, sources={"me.jpg": stamp}, output=stamp,
                      models={"m": "b"}, **changes)


def write(path: Path, *keys: str) -> None:
    with Journal(path) as journal:
        for key in keys:
            journal.begin(result(key).item)
            journal.append(result(key))


names = st.binary(min_size=1, max_size=40).map(os.fsdecode)


def test_everything_about_an_item_is_there_in_the_next_run(tmp_path: Path) -> None:
    tree = Tree(tmp_path, 1)
    done = swap(tree.items()[0])
    path = default_journal(tree.outputs)
    with Journal(path) as journal:
        journal.append(done)
    entry = Entries(path)["0.jpg"]
    assert (entry.status, entry.input, dict(entry.sources)) == (Status.DONE, done.target, done.sources)
    assert (entry.path, entry.output, entry.models) == (done.item.job.output, done.output, done.models)
    assert entry.warnings == ("looks odd",)
    assert entry.timings["total"] == 0.5
    assert entry.frames == {"total": 1, "swapped": 1, "without_face": 0}
    assert entry.faces == ({"frame": 0, "index": 1, "box": [1.23, 2.0, 30.0, 40.5], "score": 0.9877,
                            "gender": "female", "pose": {"yaw": 1.0, "pitch": -2.0, "roll": 0.5}, "swapped": True,
                            "source": 0, "source_picture": "me.jpg"},)


def test_a_failure_is_there_in_the_next_run(tmp_path: Path) -> None:
    failure = Failure(FailureKind("Timeout"), "x.jpg took too long")
    with Journal(tmp_path / "j") as journal:
        journal.append(replace(result("x", Status.FAILED, failure=failure, attempts=2), output=None))
    entry = Entries(tmp_path / "j")["x"]
    assert (entry.status, entry.failure, entry.attempts, entry.path) == (Status.FAILED, failure, 2, None)


def test_the_last_entry_of_a_key_counts(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        for status in (Status.FAILED, Status.DONE):
            journal.append(result("a", status))
        journal.append(result("b", Status.FAILED))
        entries = journal.read()
    assert {key: entry.status for key, entry in entries.items()} == {"a": Status.DONE, "b": Status.FAILED}
    assert len(entries) == 2
    assert "c" not in entries


def test_what_was_begun_and_not_finished_is_known(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        for key in ("a", "b"):
            journal.begin(result(key).item)
        journal.append(result("a"))
        entries = journal.read()
    assert entries.has_begun("a") and entries.has_begun("b") and not entries.has_begun("c")
    assert entries.is_open("b") and not entries.is_open("a")
    assert list(entries) == ["a"]


@given(st.lists(names, min_size=1, max_size=4), st.data())
@settings(max_examples=40, deadline=None)
def test_names_of_any_bytes_come_back(tmp_path_factory: pytest.TempPathFactory, keys: list[str],
                                      data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("names") / "j"
    write(path, *keys)
    entries = Entries(path)
    assert set(entries) == set(keys)
    for key in keys:
        assert os.fsencode(entries[key].target) == os.fsencode(key)
        assert entries.has_begun(key)
    assert path.read_bytes().isascii()


def test_torn_at_every_byte_it_loses_the_last_line_and_nothing_else(tmp_path: Path,
                                                                             monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # takes all the time, and no power is cut here
    whole = tmp_path / "whole"
    write(whole, "one", "two\n", "drei\udcff")
    data = whole.read_bytes()
    for size in range(len(data) + 1):
        torn = tmp_path / "torn"
        torn.write_bytes(data[:size])
        with Journal(torn) as journal:
            kept = journal.read()
            journal.append(result("next"))
        lines = data[:size].split(b"\n")[1:-1]
        expected = {json.loads(line)["key"] for line in lines if b'"key"' in line}
        assert set(kept) == expected
        after = torn.read_bytes()
        assert after.startswith(data[:size][:data[:size].rfind(b"\n") + 1])
        assert set(Entries(torn)) == expected | {"next"}
        assert all(json.loads(line) for line in after.splitlines())


@given(st.lists(st.sampled_from("abc"), max_size=6), st.binary(max_size=80).filter(lambda tail: b"\n" not in tail))
@settings(max_examples=60, deadline=None)
def test_any_tail_without_an_end_is_cut_off(tmp_path_factory: pytest.TempPathFactory, keys: list[str],
                                            tail: bytes) -> None:
    """After a power cut the last block of a file may hold anything, zeros mostly."""
    path = tmp_path_factory.mktemp("tails") / "j"
    write(path, *keys)
    whole = path.read_bytes()
    path.write_bytes(whole + tail)
    with Journal(path) as journal:
        assert set(journal.read()) == set(keys)
    assert path.read_bytes() == whole


def test_a_long_torn_line_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "j"
    write(path, "a")
    whole = path.read_bytes()
    path.write_bytes(whole + b"x" * 300_000)
    Journal(path).close()
    assert path.read_bytes() == whole


def test_damaged_lines_are_counted_and_the_others_read(tmp_path: Path) -> None:
    path = tmp_path / "j"
    write(path, "a", "b")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], b'{"key": \n', b"\xff\xfe\n", b"[1]\n", *lines[3:]]))
    entries = Entries(path)
    assert (set(entries), entries.damaged) == ({"a", "b"}, 3)


def test_an_entry_that_lacks_something_counts_as_none(tmp_path: Path) -> None:
    path = tmp_path / "j"
    write(path, "a")
    with path.open("ab") as file:
        file.write(b'{"key":"a","status":"done"}\n')
    assert Entries(path).get("a") is None


@pytest.mark.parametrize("content", [b"hello\n", b"{}", b"\x89PNG\r\n", b'{"journal":"faceswap","schema":"x"}\n',
                                     b'{"journal":"faceswap"}\n', b'{"journal":"other"', b"\0" * 100])
def test_another_file_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "j"
    path.write_bytes(content)
    for open_ in (Journal, read_entries):
        with refused(UsageError, "not a journal of faceswap; name another file with --journal"):
            open_(path)
    assert path.read_bytes() == content


def test_looking_at_a_journal_writes_nothing(tmp_path: Path) -> None:
    assert not read_entries(tmp_path / "none")
    path = tmp_path / "j"
    write(path, "a", "b")
    torn = path.read_bytes()[:-1]
    path.write_bytes(torn)
    assert set(read_entries(path)) == {"a"}
    assert path.read_bytes() == torn
    assert [found.name for found in tmp_path.iterdir()] == ["j"]


def test_a_journal_of_a_newer_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "j"
    content = b'{"journal":"faceswap","schema":2,"version":"9.1"}\n{"key":"?"}\n'
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"newer faceswap \(9\.1\)"):
        Journal(path)
    assert path.read_bytes() == content


def test_a_folder_or_a_pipe_is_no_journal(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write the journal"):
        Journal(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputError, match="not a regular file"):
        Journal(tmp_path / "pipe")


def test_secrets_of_urls_stay_out(tmp_path: Path) -> None:
    url = "https://user:hunter2@example.com/a.jpg?token=hunter2"
    item = Item(number=0, key="a.jpg", job=SwapJob(spec=SwapSpec(sources=(url,)), target=url,
                                                   output="out/a.jpg"), name=url)
    with Journal(tmp_path / "j") as journal:
        journal.append(ItemResult(item=item, status=Status.DONE, sources={url: Stamp(1, 1, "c")}))
    text = (tmp_path / "j").read_text(encoding="ascii")
    assert "hunter2" not in text
    assert "https://example.com/a.jpg" in text


@pytest.mark.skipif(sys.platform == "win32", reason="bounds on files are POSIX")
def test_a_full_disk_is_an_error_and_the_journal_stays_whole(tmp_path: Path) -> None:
    path = tmp_path / "j"
    write(path, "a")
    whole = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Journal(path) as journal:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 100, hard))
        try:
            with pytest.raises(OutputError, match="cannot write the journal"):
                journal.append(result("b"))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert path.read_bytes() == whole
        journal.append(result("c"))
    assert set(Entries(path)) == {"a", "c"}


def test_it_makes_its_folder(tmp_path: Path) -> None:
    write(tmp_path / "new" / "folder" / "j", "a")
    assert set(Entries(tmp_path / "new" / "folder" / "j")) == {"a"}


def test_shards_have_journals_of_their_own_that_others_read(tmp_path: Path) -> None:
    first, second, whole = (default_journal(tmp_path, shard) for shard in (Shard(0, 2), Shard(1, 2), None))
    assert len({first, second, whole}) == 3
    write(first, "a")
    write(second, "b")
    with Journal(first) as journal:  # shards of one division have no items in common
        assert set(journal.read()) == {"a"}
    with Journal(whole) as journal:
        entries = journal.read()
        assert set(entries) == {"a", "b"}
        assert entries.has_begun("b")
        journal.append(result("a", Status.FAILED))
    assert Entries(whole)["a"].status is Status.FAILED
    with Journal(default_journal(tmp_path, Shard(0, 3))) as journal:
        assert set(journal.read()) == {"a", "b"}
        assert journal.read()["a"].status is Status.FAILED
    with Journal(second) as journal:  # a: from the journal that is not divided
        assert set(journal.read()) == {"b", "a"}
        assert not journal.read().has_begun("c")
    other = tmp_path / "mine.jsonl"
    with Journal(other) as journal:
        assert not journal.read()


def test_many_entries_take_little_memory(tmp_path: Path) -> None:
    import tracemalloc

    path = tmp_path / "j"
    write(path, "a")
    head, begun, line = path.read_bytes().splitlines()
    with path.open("wb") as file:
        file.write(head + b"\n")
        for number in range(20_000):
            key = b'"folder/%d.jpg"' % number
            file.write(begun.replace(b'"a"', key) + b"\n" + line.replace(b'"a"', key, 1) + b"\n")
    tracemalloc.start()
    try:
        entries = Entries(path)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(entries) == 20_000
    assert entries["folder/19999.jpg"].status is Status.DONE
    assert kept < 20_000 * 400


def test_entries_survive_a_round_trip(tmp_path: Path) -> None:
    tree = Tree(tmp_path, 1)
    entry = Entry.of(swap(tree.items()[0]))
    again = Entry.from_json(json.loads(entry.to_json()))
    assert again == entry
    for broken in (None, 1, [], {}, {"key": 1}):
        with pytest.raises(ValueError, match="no entry"):
            Entry.from_json(broken)
