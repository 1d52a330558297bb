"""How `faceswap doctor` looks to people; not to be imported for --help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from faceswap_cli.doctor.checks import Check, CheckState
from faceswap_cli.text import one_line as plain

if TYPE_CHECKING:
    from rich.console import RenderableType

_STYLES = {CheckState.OK: "green", CheckState.NOTE: "cyan", CheckState.WARN: "bold yellow", CheckState.FAIL: "bold red"}
_MARK, _NAME = 4, 15
"""Widths, the same in all groups, so that columns stand below each other."""


def check_table(title: str, checks: Sequence[Check]) -> RenderableType:
    """One group: a line for each check, what to do below it; fits the width of the terminal."""
    lines: list[RenderableType] = [Text(title, style="bold")]
    for check in checks:
        row = Table.grid(padding=(0, 2, 0, 0))
        row.add_column(width=_MARK)
        row.add_column(width=_NAME, overflow="fold")
        row.add_column(overflow="fold")
        row.add_row(Text(check.state.value, _STYLES[check.state]), Text(plain(check.name)), Text(plain(check.finding)))
        lines.append(row)
        if check.advice:  # from further left, so that commands are seldom broken
            style = "dim" if check.state is CheckState.NOTE else "bold"
            lines.append(Padding(Text(f"-> {plain(check.advice)}", style, overflow="fold"), (0, 0, 0, _MARK + 2)))
    return Group(*lines)


def check_lines(group: str, checks: Sequence[Check]) -> list[str]:
    """The same for a pipe: one check, one line."""
    return [f"{check.state.value:<{_MARK}}  {group:<9}  {plain(check.name):<{_NAME}}  {plain(check.finding)}"
            + (f" -> {plain(check.advice)}" if check.advice else "") for check in checks]
