"""The JUnit file, read as its readers read it: well-formed, and of the shape on which they agree."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from batch_results import End, failure, made

from faceswap_cli.batch.items import ItemResult, Status
from faceswap_cli.batch.report.junit import JUnit
from faceswap_cli.batch.report.summary import Summary
from faceswap_cli.errors import ExitCode, OutputError

COUNTS = {"tests", "failures", "errors", "skipped", "time"}
ALLOWED: dict[str, tuple[set[str], set[str], list[str]]] = {
    "testsuites": ({"name"} | COUNTS, set(), ["testsuite"]),
    "testsuite": ({"name", "timestamp", "hostname"} | COUNTS, {"id"},
                  ["properties", "testcase", "system-out", "system-err"]),
    "properties": (set(), set(), ["property"]),
    "property": ({"name", "value"}, set(), []),
    "testcase": ({"classname", "name", "time"}, {"file"},
                 ["skipped", "error", "failure", "system-out", "system-err"]),
    "failure": ({"type", "message"}, set(), []),
    "skipped": ({"message"}, set(), []),
    "system-out": (set(), set(), []),
}
"""Attributes that an element must and may have, and its children in their order."""


def check(element: ElementTree.Element) -> None:
    """Whether the element and all in it are as the common schema has them."""
    needed, possible, children = ALLOWED[element.tag]
    assert needed <= set(element.attrib) <= needed | possible, element.tag
    order = [children.index(child.tag) for child in element]
    assert order == sorted(order), f"children of {element.tag} out of order"
    for name, value in element.attrib.items():
        if name == "time":
            assert re.fullmatch(r"\d+\.\d{3}", value)
        if name in COUNTS - {"time"}:
            assert value.isdecimal()
        if name == "timestamp":
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", value)
    if element.tag in ("testsuite", "testsuites"):
        cases = list(element.iter("testcase"))
        assert int(element.attrib["tests"]) == len(cases)
        for what in ("failure", "error", "skipped"):
            name = what if what == "skipped" else f"{what}s"
            assert int(element.attrib[name]) == sum(case.find(what) is not None for case in cases)
    for child in element:
        check(child)


def written(path: Path, *results: ItemResult, end: End | None = None) -> ElementTree.Element:
    summary = Summary()
    junit = JUnit(summary)
    for result in results:
        summary.add(result)
        junit.add(result)
    if end is not None:
        summary.finish(end)
    junit.write(path)
    root = ElementTree.fromstring(path.read_bytes())
    check(root)
    return root


def test_an_empty_batch_is_an_empty_suite(tmp_path: Path) -> None:
    root = written(tmp_path / "report.xml")
    assert root.attrib["tests"] == "0"


def test_each_item_is_a_case(tmp_path: Path) -> None:
    root = written(
        tmp_path / "report.xml",
        made(0, "in/a.jpg", key="holiday/day.1/a.jpg", warnings=("face small: 9 px", "blurred")),
        made(1, "in/b.jpg", Status.FAILED, attempts=2), made(2, "in/c.jpg", Status.SKIPPED),
        made(3, "in/d.jpg", Status.CURRENT), made(4, "in/e.jpg", Status.COPIED), end=End(exit_code=7))
    suite = root[0]
    assert {name: root.attrib[name] for name in COUNTS} == {
        "tests": "5", "failures": "1", "errors": "0", "skipped": "1", "time": "20.000"}
    assert {name: suite.attrib[name] for name in COUNTS} == {name: root.attrib[name] for name in COUNTS}
    first, second, third, fourth, _ = suite.findall("testcase")
    assert first.attrib == {"classname": "faceswap.holiday.day_1", "name": "holiday/day.1/a.jpg", "file": "in/a.jpg",
                            "time": "0.400"}
    assert first.findtext("system-out") == "face small: 9 px\nblurred"
    wrong = second.find("failure")
    assert wrong is not None
    assert wrong.attrib == {"type": "InputError", "message": "in/b.jpg is damaged"}
    assert wrong.text == "in/b.jpg is damaged\ntarget: in/b.jpg\nexit code: 3\nattempts: 2"
    assert third.find("skipped") is not None
    assert (list(fourth), fourth.attrib["time"]) == ([], "0.000")


def test_names_and_messages_of_any_kind_are_legal(tmp_path: Path) -> None:
    """Control characters, bytes that are no UTF-8, markup, half a surrogate pair, text that turns round."""
    names = ["a\x00\x01\x1b[31m.jpg", "b\n\t\r.jpg", "c\udcff\udc80.jpg", "<img src=x onerror=alert(1)>&amp;\"'].jpg",
             "]]>.jpg", "d\ud800\ufffe\uffff.jpg", "e\u202egnp.jpg", "f\u2028\x85.jpg", "grüße-日本-🎉.jpg", "-h.jpg",
             "x" * 251 + ".jpg"]
    root = written(tmp_path / "report.xml", *(
        made(number, name, Status.FAILED, failure=failure(f"{name} is damaged")) for number, name in enumerate(names)))
    cases = root[0].findall("testcase")
    assert len({case.attrib["name"] for case in cases}) == len(names)
    assert cases[0].attrib["name"] == r"a\x00\x01\x1b[31m.jpg"
    assert cases[1].attrib["name"] == r"b\n\t\r.jpg"
    assert cases[2].attrib["name"] == r"c\xff\x80.jpg"
    assert cases[3].attrib["name"] == names[3]
    assert cases[8].attrib["name"] == names[8]
    for case in cases:
        assert case.findtext("failure", "").startswith(f"{case.attrib['name']} is damaged")


def test_what_is_told_of_the_whole_batch_stands_at_its_end(tmp_path: Path) -> None:
    root = written(tmp_path / "report.xml", made(0, warnings=("head turned 40 degrees",)),
                   made(1, "in/b.jpg", warnings=("head turned 50 degrees",)),
                   end=End({Status.STOPPED: 8}, stopped="interrupted", warnings=("two links left out",), exit_code=130))
    assert root[0].findtext("system-out") == "stopped: interrupted\ntwo links left out\n2 x head turned 40..50 degrees"
    properties = {entry.attrib["name"]: entry.attrib["value"] for entry in root[0].iter("property")}
    assert properties["items.stopped"] == "8"
    assert properties["swapper"] == "paint"


def test_it_can_be_written_in_between_and_is_whole_each_time(tmp_path: Path) -> None:
    """As after an interruption, while results may still come."""
    summary, path = Summary(), tmp_path / "report.xml"
    junit = JUnit(summary)
    for number in range(3):
        junit.add(made(number, f"in/{number}.jpg"))
        junit.write(path)
        root = ElementTree.fromstring(path.read_bytes())
        check(root)
        assert root.attrib["tests"] == str(number + 1)
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.xml"]


def test_a_full_disk_under_the_cases_spoils_the_report_and_not_the_batch(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(tempfile.SpooledTemporaryFile[bytes]):
        def write(self, data: object) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", Full)
    junit = JUnit(Summary())
    (tmp_path / "report.xml").write_text("old")
    junit.add(made())
    junit.add(made())
    with pytest.raises(OutputError, match=r"No space left on device; set TMPDIR"):
        junit.write(tmp_path / "report.xml")
    assert (tmp_path / "report.xml").read_text() == "old"


def test_a_failure_without_a_class_of_ours_is_told_too(tmp_path: Path) -> None:
    root = written(tmp_path / "report.xml", made(0, status=Status.FAILED, failure=failure(
        "killed by signal 9", "WorkerDied", ExitCode.UNEXPECTED)))
    wrong = root.find(".//failure")
    assert wrong is not None and wrong.attrib["type"] == "WorkerDied"
