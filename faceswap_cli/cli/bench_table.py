"""How `faceswap bench` looks to people; not to be imported for --help."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from faceswap_cli.cli.models.report import show_size
from faceswap_cli.cli.models.table import aligned
from faceswap_cli.text import one_line

if TYPE_CHECKING:
    from rich.console import RenderableType

    from faceswap_cli.bench.records import BenchReport, BenchRow

_SHOWN_VERSIONS = ("faceswap", "python", "opencv", "dlib", "onnxruntime", "av")
_NONE = "-"


def bench_table(report: BenchReport) -> RenderableType:
    """One table under what it was measured on; 80 columns are enough."""
    header, *rows = _cells(report)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 2, 0, 0))
    for number, name in enumerate(header):
        table.add_column(name, justify="left" if number < 2 else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return Group(*(Text(line, overflow="fold") for line in _header(report)), Text(), table, Text(),
                 Text(_LEGEND, style="dim", overflow="fold"))


def bench_lines(report: BenchReport) -> list[str]:
    """The same for a pipe: the columns hold no spaces, and lines that are no rows begin with #."""
    rows = [[cell.replace(" ", "_") for cell in row] for row in _cells(report)]
    return [*(f"# {line}" for line in (*_header(report), _LEGEND)), *aligned(rows)]


_LEGEND = ("find, swap, restore: ms a frame by one worker; rates: frames (of stills: files) a second, from file to "
           "file, median of all rounds")


def _header(report: BenchReport) -> list[str]:
    cores = f"{report.cores} {'core' if report.cores == 1 else 'cores'}"
    machine = [one_line(report.processor), cores, *([show_size(report.memory)] if report.memory else [])]
    versions = [f"{name} {report.versions[name]}" for name in _SHOWN_VERSIONS if name in report.versions]
    return [", ".join(machine), ", ".join(versions)]


def _cells(report: BenchReport) -> list[list[str]]:
    """The rows, the names of the columns first; columns in which nothing stands are left out."""
    together = next((row.all.workers for row in report.rows if row.all is not None), 0)
    names = ["engine", "on", "find", "swap", "restore", "1 worker", f"{together} workers", "memory", "provider"]
    rows = [_row(row) for row in report.rows]
    kept = [column for column in range(len(names)) if any(row[column] != _NONE for row in rows)]
    return [[row[column] for column in kept] for row in (names, *rows)]


def _row(row: BenchRow) -> list[str]:
    memory = max((speed.memory for speed in (row.one, row.all) if speed is not None and speed.memory is not None),
                 default=None)
    return [row.engine, row.scene.name, _number(row.find), _number(row.swap),
            _NONE if row.restore is None else _number(row.restore), f"{_number(row.one.rate)}/s",
            _NONE if row.all is None else f"{_number(row.all.rate)}/s", show_size(memory) or _NONE,
            row.parts.get("provider") or _NONE]


def _number(value: float) -> str:
    """Three digits or so."""
    return f"{value:.0f}" if value >= 99.5 else f"{value:.1f}" if value >= 0.95 else f"{value:.2f}"
