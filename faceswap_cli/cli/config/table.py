"""How `faceswap config show` looks to people; not to be imported for --help."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from faceswap_cli.cli.config.report import Shown, shown_variables
from faceswap_cli.cli.config.settings import Origin
from faceswap_cli.cli.models.table import aligned
from faceswap_cli.text import one_line

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType


class SettingsTable:
    """A row for each option and value; fits the width of the terminal."""

    def __init__(self, rows: Sequence[Shown], variables: Mapping[str, str], *, one: bool) -> None:
        """Take what is to be shown.

        Args:
            rows: Options.
            variables: That stand for no option.
            one: All rows are for one command, which is not repeated.
        """
        self._rows = rows
        self._variables = shown_variables(variables)
        self._one = one

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Draw it."""
        if self._rows:
            table = Table.grid(padding=(0, 2, 0, 0))
            headers = ["option", "value", "origin", *([] if self._one else ["for"])]
            names = max(len(row.key) for row in self._rows)
            table.add_column(min_width=min(names, 24), overflow="fold", no_wrap=names <= 24)
            for _ in headers[1:]:
                table.add_column(overflow="fold")
            table.add_row(*(Text(header, "dim") for header in headers))
            for row in self._rows:
                style = "dim" if row.origin is Origin.DEFAULT else ""
                cells = [row.key, one_line(row.text), row.source, *([] if self._one else [row.whom])]
                table.add_row(*(Text(cell, style) for cell in cells))
            yield table
            yield Text()
        if self._variables:
            table = Table.grid(padding=(0, 2, 0, 0))
            table.add_column(no_wrap=True)
            table.add_column(overflow="fold")
            table.add_row(Text("other variables", "dim"), Text("value", "dim"))
            for name, value in self._variables.items():
                table.add_row(Text(name), Text(one_line(value)))
            yield table
            yield Text()


def setting_lines(rows: Sequence[Shown], variables: Mapping[str, str]) -> list[str]:
    """The same for a pipe: one option and value, one line; the columns are aligned."""
    header = ("option", "value", "origin", "for")
    lines = [(row.key, one_line(row.text), row.source, row.whom) for row in rows]
    others = [(name, one_line(value), "variable", "-") for name, value in shown_variables(variables).items()]
    return aligned([header, *lines, *others])
