"""How `faceswap models` looks to people; not to be imported for --help."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from faceswap_cli.cli.models.report import ListedModel, ModelState, show_size
from faceswap_cli.models.spec import ModelRole
from faceswap_cli.text import one_line

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

_MORE = "More of a face: identity, gender and age, landmarks"
_TITLES = {
    ModelRole.SWAPPER: "Swappers: put the face on",
    ModelRole.PACK: "Packs: several models in one download",
    ModelRole.DETECTOR: "Detectors: find faces",
    ModelRole.RECOGNISER: _MORE,
    ModelRole.ATTRIBUTES: _MORE,
    ModelRole.LANDMARKS: _MORE,
    ModelRole.RESTORER: "Restorers: sharpen swapped faces",
    ModelRole.MASK: "Masks: what hides a face",
}
"""Under which heading the models of a role stand."""

_HEADERS = ("", "model", "for what", "size", "state")
_ID, _SUMMARY, _SIZE = 1, 2, 3
_STYLES = {ModelState.INSTALLED: "green", ModelState.PULL: "", ModelState.IMPORT: "dim"}
_DEFAULT_MARK = "*"
_WIDE = 110
"""Columns from which the licences have room to stand in their rows by name; in less they are numbered."""


class ModelsTable:
    """The models by role, with their licences below; fits the width of the terminal."""

    def __init__(self, listed: Sequence[ListedModel]) -> None:
        self._listed = listed

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Draw it."""
        licences = list({one.spec.licence.id: one.spec.licence for one in self._listed}.values())
        numbered = options.max_width < _WIDE
        marks = {licence.id: str(number) if numbered else licence.id for number, licence in enumerate(licences, 1)}
        rows = [(one, self._cells(one, marks)) for one in self._listed]
        headers = tuple(Text(header) for header in (*_HEADERS, "terms" if numbered else "licence"))
        widths = [max(map(len, column)) for column in zip(headers, *(cells for _, cells in rows), strict=True)]
        widths[_ID] = min(widths[_ID], options.max_width // 3)  # people may give long names to their own
        room = options.max_width - sum(widths) - len(widths) + 1
        widths[_SUMMARY] += min(room, 0)
        yield _grid(widths, [headers], "dim")
        for title, group in groupby(rows, key=lambda row: _TITLES[row[0].spec.role]):
            yield Text(title, style="bold")
            yield _grid(widths, [cells for _, cells in group])
        yield Text()
        yield from self._legend()
        yield Text()
        mark = max(map(len, marks.values()))
        yield _grid([mark, options.max_width - mark - 1],
                    [(Text(marks[licence.id]), Text(licence.terms)) for licence in licences])
        yield Text()

    def _cells(self, one: ListedModel, marks: dict[str, str]) -> tuple[Text, ...]:
        return (Text(_DEFAULT_MARK if one.default else ""), Text(one_line(one.spec.id)),
                Text(one_line(one.spec.summary)), Text(show_size(one.bytes)),
                Text(one.state.value, _STYLES[one.state]), Text(marks[one.spec.licence.id]))

    def _legend(self) -> Iterator[Text]:
        states = {one.state for one in self._listed}
        if any(one.default for one in self._listed):
            yield Text(f"{_DEFAULT_MARK:<6} taken where none of its kind is named")
        if ModelState.PULL in states:
            yield Text("pull   faceswap models pull ID")
        if ModelState.IMPORT in states:
            yield Text("import your own copy: faceswap models import FILE")


def _grid(widths: Sequence[int], rows: Sequence[Sequence[Text]], style: str = "") -> Table:
    """Columns of fixed widths, the size to the right; what is too long goes on below."""
    table = Table.grid(padding=(0, 1, 0, 0))
    for column, width in enumerate(widths):
        table.add_column(width=width, overflow="fold", justify="right" if column == _SIZE else "left", style=style)
    for row in rows:
        table.add_row(*row)
    return table


def model_lines(listed: Sequence[ListedModel]) -> list[str]:
    """The same for a pipe: one model, one line; the columns are aligned, and only the last one holds spaces."""
    header = ("role", "model", "size", "state", "default", "licence", "for what")
    return aligned([header, *((one.spec.role.value, one_line(one.spec.id), show_size(one.bytes).replace(" ", "") or "-",
                               one.state.value, "yes" if one.default else "-", one.spec.licence.id,
                               one_line(one.spec.summary)) for one in listed)])


def aligned(rows: Sequence[Sequence[Any]]) -> list[str]:
    """Rows as lines of columns that begin below each other."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
