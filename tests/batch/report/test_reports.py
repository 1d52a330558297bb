"""All reports of a batch as one."""

from __future__ import annotations

import json
import os
from pathlib import Path
from xml.etree import ElementTree

import pytest
from batch_results import End, made, still
from refusals import refused

from faceswap_cli.batch.items import Status
from faceswap_cli.batch.journal import Journal
from faceswap_cli.batch.report.ours import may_replace
from faceswap_cli.batch.report.reports import Reports
from faceswap_cli.errors import OutputError, UsageError


def test_what_was_asked_for_is_written_with_its_folder(tmp_path: Path) -> None:
    """The folder is mostly that of the outputs, which is not there when the batch begins."""
    out = tmp_path / "out" / "deep"
    reports = Reports(report=out / "r.json", junit=out / "r.xml", summary_html=out / "r.html")
    assert not out.exists()
    reports.add(made(0))
    reports.add(made(1, "in/b.jpg", Status.FAILED))
    reports.finish(End(seconds=4.0, exit_code=7))
    reports.write()
    assert json.loads((out / "r.json").read_bytes())["counts"]["failed"] == 1
    assert ElementTree.parse(out / "r.xml").getroot().attrib["time"] == "4.000"
    assert "in/b.jpg is damaged" in (out / "r.html").read_text(encoding="utf-8")
    assert len(list(out.iterdir())) == 3


def test_without_reports_there_still_is_a_summary(tmp_path: Path) -> None:
    reports = Reports()
    reports.add(made(0))
    reports.write()
    assert reports.paths == {}
    assert reports.summary.total == 1


def test_what_cannot_be_written_is_found_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with refused(OutputError, "it is a folder; name a file in it with --report"):
        Reports(report=tmp_path)
    with pytest.raises(OutputError, match="file is not a folder"):
        Reports(junit=tmp_path / "file" / "r.xml")
    with pytest.raises(OutputError, match="too long"):
        Reports(summary_html=tmp_path / ("x" * 300))
    with refused(UsageError, "--junit and --report both name"):
        Reports(report=tmp_path / "r", junit=tmp_path / "." / "r")


def test_one_report_that_fails_does_not_cost_the_others(tmp_path: Path) -> None:
    reports = Reports(report=tmp_path / "r.json", junit=tmp_path / "r.xml", summary_html=tmp_path / "r.html")
    (tmp_path / "r.json").mkdir()  # meanwhile
    with pytest.raises(OutputError, match=r"r\.json: it is a folder"):
        reports.write()
    assert (tmp_path / "r.xml").is_file() and (tmp_path / "r.html").is_file()


OPTIONS = {"report": "--report", "junit": "--junit", "summary_html": "--summary-html"}
OTHERS = (b"\xff\xd8\xff", b"{}", b'{"schema": 1, "tool": "other 1"}', b"#!/bin/sh\n", b" ",
          b"<!DOCTYPE html><title>mine</title>", b'<?xml version="1.0"?><testsuites name="pytest tests">')


def test_files_of_ours_are_known_by_their_content(tmp_path: Path) -> None:
    """Whatever they are called: each kind is replaced by its own alone, and what Git does to line ends is no harm."""
    kinds = {option: tmp_path / name for name, option in OPTIONS.items()} | {"--journal": tmp_path / "journal"}
    reports = Reports(**{name: tmp_path / name for name in OPTIONS})
    reports.add(made(0))
    reports.finish(End())
    reports.write()
    Journal(tmp_path / "journal").close()
    for option, path in kinds.items():
        assert [other for other in kinds if may_replace(path, other)] == [option]
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
        assert may_replace(path, option)
        path.write_bytes(b"")  # as mktemp makes it
        assert may_replace(path, option) and may_replace(tmp_path / "none", option)
        for content in OTHERS:
            path.write_bytes(content)
            assert not may_replace(path, option), content


@pytest.mark.parametrize("name", OPTIONS)
def test_another_file_is_not_replaced_unless_that_is_asked_for(tmp_path: Path, name: str) -> None:
    path = still(tmp_path / "photo.png")
    before = path.read_bytes()
    (tmp_path / "link").symlink_to(path)
    for spelled in (path, tmp_path / "link"):
        with refused(UsageError, f"{OPTIONS[name]}.* is no such report.*--overwrite"):
            Reports(**{name: spelled})
    assert path.read_bytes() == before
    reports = Reports(**{name: path}, overwrite=True)
    reports.protect("other.png", "@anna", "https://example.org/photo.png")
    reports.add(made(0))
    reports.finish(End())
    reports.write()
    assert may_replace(path, OPTIONS[name])
    Reports(**{name: path}).write()  # now it is ours


@pytest.mark.parametrize("spelled", ["photo.png", "./link.png", "hard.png"])
def test_an_input_is_never_replaced(tmp_path: Path, spelled: str) -> None:
    path = still(tmp_path / "photo.png")
    before = path.read_bytes()
    (tmp_path / "link.png").symlink_to(path)
    (tmp_path / "hard.png").hardlink_to(path)
    asked = {"report": tmp_path / spelled, "junit": tmp_path / "junit.xml"}
    with refused(UsageError, "is an input, which no report replaces; choose another name with --report"):
        Reports(**asked, overwrite=True).protect("me.jpg", str(path))
    with pytest.raises(UsageError, match="is an input"):
        Reports(**asked, overwrite=True).protect(str(tmp_path))  # a folder of sources
    reports = Reports(**asked, overwrite=True)
    reports.add(made(0, str(path)))  # it came through a pipe
    reports.finish(End())
    with pytest.raises(UsageError, match="was not replaced"):
        reports.write()
    assert path.read_bytes() == before and may_replace(tmp_path / "junit.xml", "--junit")
    assert (tmp_path / "junit.xml").is_file()


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("there", [False, True])
def test_what_came_meanwhile_is_not_replaced(tmp_path: Path, there: bool, overwrite: bool) -> None:
    """Such as an output of the batch, which is put in the place of an older file."""
    path = tmp_path / "a.png"
    if there and overwrite:
        path.write_bytes(b"given up")
    reports = Reports(report=path, overwrite=overwrite)
    os.replace(still(tmp_path / "new.png"), path)  # noqa: PTH105
    with pytest.raises(UsageError, match="was not replaced"):
        reports.write()
    assert path.read_bytes().startswith(b"\x89PNG")


def test_a_report_is_not_the_journal(tmp_path: Path) -> None:
    with refused(UsageError, "--junit and --journal both name"):
        Reports(junit=tmp_path / "out" / "j", journal=tmp_path / "out" / "." / "j")
