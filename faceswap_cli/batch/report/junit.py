"""`--junit`: the items of a batch as the test cases of a suite, for the pages of GitLab, Jenkins and GitHub.

The elements and attributes are those on which their readers agree; there is no official schema.

    <testsuites name tests failures errors skipped time>
      <testsuite name id hostname timestamp tests failures errors skipped time>
        <properties><property name value/></properties>
        <testcase classname name file time>
          <failure type message>text</failure> | <skipped message/>
          <system-out>warnings</system-out>
        </testcase>
        <system-out>warnings of the batch</system-out>
      </testsuite>
    </testsuites>

A case's `name` is the key of its item and its `classname` the folder that it lies in, both the same from run to run,
so that histories and comparisons of runs work. What an earlier run did is a success in 0 seconds.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path
from typing import IO
from xml.sax.saxutils import escape, quoteattr

from faceswap_cli.batch.items import ItemResult, Status
from faceswap_cli.batch.report.summary import Summary, ran
from faceswap_cli.batch.report.text import target_name
from faceswap_cli.errors import OutputError
from faceswap_cli.files.atomic import AtomicFile
from faceswap_cli.text import one_line

SUITE = "faceswap"
"""Name of the suite, and first part of every class name."""

_SKIPS = {Status.SKIPPED: "nothing to swap (--on-no-face skip)", Status.STOPPED: "not begun: the batch was stopped"}
_BLOCK = 1 << 20
_IN_MEMORY = 1 << 20


class JUnit:
    """Test cases wait in a temporary file without a name, so memory stays flat and nothing is left behind."""

    def __init__(self, summary: Summary) -> None:
        """Start without cases.

        Args:
            summary: Of the same batch; times and warnings of the whole are taken from it. It is only read.
        """
        self._summary = summary
        self._cases: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 (lives as long as self)
        weakref.finalize(self, self._cases.close)
        self._tests = self._failures = self._skipped = 0
        self._broken: OSError | None = None

    def add(self, result: ItemResult) -> None:
        """Add the case of an item. Never fails: a batch goes on without its report."""
        if self._broken is not None:
            return
        self._tests += 1
        self._failures += result.status is Status.FAILED
        self._skipped += result.status in _SKIPS
        try:
            self._cases.write(_case(result).encode())
        except OSError as error:
            self._broken = error

    def write(self, path: Path) -> None:
        """Write the file in place of an older one; it appears whole, with the cases so far, or not at all.

        Raises:
            OutputError: It cannot be written, or a temporary file could not.
        """
        if self._broken is not None:
            raise OutputError(f"cannot write {path}: its cases found no room in a temporary folder: "
                              f"{self._broken.strerror or self._broken}", advice="set TMPDIR to a folder with room")
        with AtomicFile(path, overwrite=True) as file:
            with file.writing():
                file.file.write(self._head().encode())
                self._cases.seek(0)
                try:
                    shutil.copyfileobj(self._cases, file.file, _BLOCK)
                finally:
                    self._cases.seek(0, 2)
                file.file.write(self._tail().encode())
            file.commit()

    def _head(self) -> str:
        summary = self._summary
        counts = {"tests": self._tests, "failures": self._failures, "errors": 0, "skipped": self._skipped,
                  "time": f"{summary.seconds:.3f}"}
        # Without an offset, as the readers' own examples have it; UTC by their convention.
        stamp = summary.started.replace(tzinfo=None).isoformat(timespec="seconds")
        facts = summary.as_dict()
        properties = {"tool": facts["tool"], **{f"items.{name}": str(number)
                                                        for name, number in facts["counts"].items()}}
        for parts in facts["engines"][:1]:
            properties |= {name: value for name, value in parts.items() if isinstance(value, str)}
        if summary.stopped is not None:
            properties["stopped"] = summary.stopped
        lines = ['<?xml version="1.0" encoding="UTF-8"?>', _open("testsuites", {"name": SUITE, **counts}),
                 _open("testsuite", {"name": SUITE, "id": 0, "hostname": "localhost", "timestamp": stamp, **counts}),
                 "<properties>",
                 *(_empty("property", {"name": name, "value": value}) for name, value in properties.items()),
                 "</properties>"]
        return "\n".join(lines) + "\n"

    def _tail(self) -> str:
        summary = self._summary
        lines = [*([f"stopped: {summary.stopped}"] if summary.stopped else []), *summary.batch_warnings,
                 *(f"{kind.items} x {kind.text}" for kind in summary.warnings)]
        return f"{_out(lines)}</testsuite>\n</testsuites>\n"


def _case(result: ItemResult) -> str:
    item = result.item
    folder = item.key.rpartition("/")[0]
    # Readers take a dot for the end of a package, so that of a folder's name must not be one.
    classname = ".".join([SUITE, *(part.replace(".", "_") for part in folder.split("/") if part)])
    seconds = result.seconds if ran(result) else 0.0
    start = _open("testcase", {"classname": classname, "name": item.key, "file": target_name(item),
                               "time": f"{seconds:.3f}"})
    inner = ""
    if result.status is Status.FAILED:
        failure = result.failure
        kind, message = ("Unknown", "failed") if failure is None else (failure.type, failure.message)
        code = "" if failure is None else f"\nexit code: {int(failure.exit_code)}"
        text = f"{_text(message)}\ntarget: {_text(target_name(item))}{code}\nattempts: {result.attempts}"
        inner = f"{_open('failure', {'type': kind, 'message': message})}{text}</failure>\n"
    elif result.status in _SKIPS:
        inner = _empty("skipped", {"message": _SKIPS[result.status]}) + "\n"
    warnings = () if result.outcome is None else result.outcome.warnings
    return f"{start}\n{inner}{_out(warnings)}</testcase>\n"


def _out(lines: tuple[str, ...] | list[str]) -> str:
    return "<system-out>" + "\n".join(map(_text, lines)) + "</system-out>\n" if lines else ""


def _open(name: str, attributes: dict[str, object]) -> str:
    return f"<{name}{_attributes(attributes)}>"


def _empty(name: str, attributes: dict[str, object]) -> str:
    return f"<{name}{_attributes(attributes)}/>"


def _attributes(attributes: dict[str, object]) -> str:
    return "".join(f" {name}={quoteattr(one_line(str(value)))}" for name, value in attributes.items())


def _text(text: str) -> str:
    return escape(one_line(text))
