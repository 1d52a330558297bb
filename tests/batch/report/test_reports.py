"""All reports of a batch as one."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from batch_results import End, made

from faceswap_cli.batch.items import Status
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
    with pytest.raises(OutputError, match="it is a folder; name a file in it with --report"):
        Reports(report=tmp_path)
    with pytest.raises(OutputError, match="file is not a folder"):
        Reports(junit=tmp_path / "file" / "r.xml")
    with pytest.raises(OutputError, match="too long"):
        Reports(summary_html=tmp_path / ("x" * 300))
    with pytest.raises(UsageError, match="--junit and --report both name"):
        Reports(report=tmp_path / "r", junit=tmp_path / "." / "r")


def test_one_report_that_fails_does_not_cost_the_others(tmp_path: Path) -> None:
    reports = Reports(report=tmp_path / "r.json", junit=tmp_path / "r.xml", summary_html=tmp_path / "r.html")
    (tmp_path / "r.json").mkdir()  # meanwhile
    with pytest.raises(OutputError, match=r"r\.json: it is a folder"):
        reports.write()
    assert (tmp_path / "r.xml").is_file() and (tmp_path / "r.html").is_file()
