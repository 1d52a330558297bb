"""The reports that a batch was asked for, as one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from faceswap_cli.batch.items import ItemResult
from faceswap_cli.batch.report.html import ContactSheet
from faceswap_cli.batch.report.junit import JUnit
from faceswap_cli.batch.report.summary import Ended, Summary
from faceswap_cli.errors import OutputError, UsageError
from faceswap_cli.files.atomic import explain_failure


class Reports:
    """Tells every report of every result, and writes them at the end.

    Attributes:
        summary: Adds up all results, whether or not it is written.
    """

    def __init__(self, *, report: Path | None = None, junit: Path | None = None,
                 summary_html: Path | None = None) -> None:
        """Find out before any work whether the reports can be written.

        Args:
            report: JSON; None: not asked for. Likewise the others.
            junit: JUnit XML.
            summary_html: The contact sheet.

        Raises:
            OutputError: A folder is not writable, or a name is that of a folder. Missing folders are made in `write`.
            UsageError: Two reports have one name.
        """
        named = {"--report": report, "--junit": junit, "--summary-html": summary_html}
        self.paths: dict[str, Path] = {option: path for option, path in named.items() if path is not None}
        """The files asked for, by option."""
        _check(self.paths)
        self.summary = Summary()
        self._junit = None if junit is None else JUnit(self.summary)
        self._sheet = None if summary_html is None else ContactSheet(self.summary)

    def add(self, result: ItemResult) -> None:
        """Take in a result."""
        self.summary.add(result)
        if self._junit is not None:
            self._junit.add(result)
        if self._sheet is not None:
            self._sheet.add(result)

    def finish(self, end: Ended) -> None:
        """Take in how the batch ended."""
        self.summary.finish(end)

    def write(self, on_item: Callable[[int, int | None], None] | None = None) -> None:
        """Write what was asked for, in place of older files. Where one cannot be written, the others still are.

        Args:
            on_item: Told about the progress of the contact sheet, whose thumbnails take a while.

        Raises:
            OutputError: What went wrong first.
        """
        failed: OutputError | UsageError | None = None
        for option, path in self.paths.items():
            try:
                _make_folder(path)
                if option == "--report":
                    self.summary.write(path)
                elif self._junit is not None and option == "--junit":
                    self._junit.write(path)
                elif self._sheet is not None:
                    self._sheet.write(path, on_item)
            except (OutputError, UsageError) as error:
                failed = failed or error
        if failed is not None:
            raise failed


def _check(paths: dict[str, Path]) -> None:
    taken: dict[str, str] = {}
    for option, path in paths.items():
        try:
            if path.is_dir():
                raise OutputError(f"cannot write {path}: it is a folder; name a file in it with {option}")
            folder = next(parent for parent in path.absolute().parents if parent.exists())
            if not folder.is_dir():
                raise OutputError(f"cannot write {path}: {folder} is not a folder; choose another name with {option}")
            if not os.access(folder, os.W_OK):
                raise OutputError(f"cannot write {path}: no permission to write in {folder}")
            real = os.path.realpath(path)
        except (OSError, ValueError) as error:  # a name that is too long, or holds a NUL
            raise OutputError(explain_failure(str(path), path, error)) from error
        if real in taken:
            raise UsageError(f"{option} and {taken[real]} both name {path}; give each a file of its own")
        taken[real] = option


def _make_folder(path: Path) -> None:
    """The folder of a report, which may well be that of the outputs, not there when the batch begins."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(explain_failure(str(path), None, error)) from error
