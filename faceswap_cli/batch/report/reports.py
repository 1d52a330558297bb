"""The reports that a batch was asked for, as one."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from faceswap_cli.batch.items import ItemResult
from faceswap_cli.batch.report.html import ContactSheet
from faceswap_cli.batch.report.junit import JUnit
from faceswap_cli.batch.report.ours import may_replace
from faceswap_cli.batch.report.summary import Ended, Summary
from faceswap_cli.errors import OutputError, UsageError
from faceswap_cli.files.atomic import explain_failure
from faceswap_cli.jobs.inputs import reads
from faceswap_cli.text import opt


class Reports:
    """Tells every report of every result, and writes them at the end.

    A report replaces an older one of its kind, and with `overwrite` another file too, but never an input, nor what has
    come into being meanwhile, such as an output.

    Attributes:
        summary: Adds up all results, whether or not it is written.
    """

    def __init__(self, *, report: Path | None = None, junit: Path | None = None,
                 summary_html: Path | None = None, journal: Path | None = None, overwrite: bool = False) -> None:
        """Find out before any work whether the reports can be written.

        Args:
            report: JSON; None: not asked for. Likewise the others.
            junit: JUnit XML.
            summary_html: The contact sheet.
            journal: Of the batch, which is none of the reports.
            overwrite: Replace files that are no reports.

        Raises:
            OutputError: A folder is not writable, or a name is that of a folder. Missing folders are made in `write`.
            UsageError: Two reports have one name; a file is there that is no report, and `overwrite` is not set.
        """
        named = {"--report": report, "--junit": junit, "--summary-html": summary_html}
        self.paths: dict[str, Path] = {option: path for option, path in named.items() if path is not None}
        """The files asked for, by option."""
        _check(self.paths, journal)
        foreign = {option: path for option, path in self.paths.items() if not may_replace(path, option)}
        if foreign and not overwrite:
            raise _foreign(*next(iter(foreign.items())), advice=f"choose another name, or add {opt('overwrite')}")
        self._given_up = {option: path.stat() for option, path in foreign.items()}
        """Files that are no reports and may be replaced, as they were found, by option."""
        self.summary = Summary()
        self._junit = None if junit is None else JUnit(self.summary)
        self._sheet = None if summary_html is None else ContactSheet(self.summary)

    def protect(self, *specs: str) -> None:
        """Let no report replace an input.

        Args:
            specs: As in `Inputs.resolve_sources`.

        Raises:
            UsageError: One would have; it is not written.
        """
        lost = [option for option in self._given_up if any(reads(spec, str(self.paths[option])) for spec in specs)]
        for option in lost:
            del self._given_up[option]
        if lost:
            raise UsageError(f"{self.paths[lost[0]]} is an input, which no report replaces",
                             advice=f"choose another name with {opt(lost[0])}")

    def add(self, result: ItemResult) -> None:
        """Take in a result."""
        with suppress(UsageError):  # of an input that came through a pipe; `write` tells
            self.protect(result.item.job.target, *result.item.job.spec.pictures)
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
            OutputError, UsageError: What went wrong first.
        """
        failed: OutputError | UsageError | None = None
        for option, path in self.paths.items():
            try:
                if not may_replace(path, option) and not self._is_given_up(option, path):
                    raise _foreign(option, path, ", and was not replaced")
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

    def _is_given_up(self, option: str, path: Path) -> bool:
        """Whether the user gave up the very file that is there now."""
        try:
            return option in self._given_up and os.path.samestat(path.stat(), self._given_up[option])
        except OSError:
            return False


def _foreign(option: str, path: Path, more: str = "", *, advice: str = "") -> UsageError:
    return UsageError(f"{path} ({opt(option)}) is there and is no such report of faceswap{more}", advice=advice)


def _check(paths: dict[str, Path], journal: Path | None) -> None:
    taken: dict[str, str] = {} if journal is None else {os.path.realpath(journal): "--journal"}
    for option, path in paths.items():
        try:
            if path.is_dir():
                raise OutputError(f"cannot write {path}: it is a folder",
                                  advice=f"name a file in it with {opt(option)}")
            folder = next(parent for parent in path.absolute().parents if parent.exists())
            if not folder.is_dir():
                raise OutputError(f"cannot write {path}: {folder} is not a folder",
                                  advice=f"choose another name with {opt(option)}")
            if not os.access(folder, os.W_OK):
                raise OutputError(f"cannot write {path}: no permission to write in {folder}")
            real = os.path.realpath(path)
        except (OSError, ValueError) as error:  # a name that is too long, or holds a NUL
            raise OutputError(explain_failure(str(path), path, error)) from error
        if real in taken:
            raise UsageError(f"{opt(option)} and {opt(taken[real])} both name {path}",
                             advice="give each a file of its own")
        taken[real] = option


def _make_folder(path: Path) -> None:
    """The folder of a report, which may well be that of the outputs, not there when the batch begins."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(explain_failure(str(path), None, error)) from error
