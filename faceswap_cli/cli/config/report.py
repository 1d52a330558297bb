"""What `faceswap config show` reports. Its JSON is a contract.

    {"schema": 1,
     "files": {"project": {"path": str, "exists": bool} | null, "user": {"path": str, "exists": bool} | null},
     "commands": {"swap": {"image-quality": {"value": str | bool | [str] | null, "origin": "default" | "user file" |
                                             "project file" | "variable",
                                             "place": str | null, "table": str | null}},
                  "models pull": {...}},
     "variables": {"FACESWAP_CACHE_DIR": str},
     "unknown_variables": [str],
     "problems": [str]}

Without `--all`, only what is set, and only commands that something is set for. Values are as they would follow the
flag, a default as it is; null: found out when the command runs. `place` is the file or the variable, `table` the
file's. The key of the API is `***`, and URLs come without their secrets. `variables` stand for no option.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperOption

from faceswap_cli.cli.config.settings import Catalogue, CommandPath, Origin, Settings, Value
from faceswap_cli.cli.output import SCHEMA
from faceswap_cli.names import shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One row: an option, what it has, and for which commands."""

    key: str
    value: Value | float | None
    origin: Origin
    place: str
    table: str
    commands: tuple[CommandPath, ...]
    everywhere: bool

    @property
    def text(self) -> str:
        """The value for people."""
        if self.value is None:
            return "-"
        if isinstance(self.value, bool):
            return str(self.value).lower()
        return ", ".join(self.value) if isinstance(self.value, tuple) else str(self.value)

    @property
    def source(self) -> str:
        """The origin for people."""
        if self.origin is Origin.VARIABLE:
            return self.place
        return f"{self.origin}{f' [{self.table}]' if self.table else ''}"

    @property
    def whom(self) -> str:
        """The commands for people."""
        return "all that have it" if self.everywhere else ", ".join(" ".join(path) for path in self.commands)


def gather(settings: Settings, catalogue: Catalogue, *, everything: bool) -> list[Shown]:
    """What the commands have; what is set first, then the rest, each by name.

    Args:
        settings: What is set.
        catalogue: The commands to tell of.
        everything: Tell of built-in values too.
    """
    rows: dict[tuple[Any, ...], list[CommandPath]] = {}
    holders: dict[str, int] = {}
    for path, options in catalogue.items():
        found = settings.of(path, options)
        for key, option in options.items():
            holders[key] = holders.get(key, 0) + 1
            one = found.get(key)
            if one is not None:
                rows.setdefault((key, _shown(one.value), one.origin, one.place, one.table), []).append(path)
            elif everything:
                rows.setdefault((key, _default(option), Origin.DEFAULT, "", ""), []).append(path)
    several = len(catalogue) > 1
    listed = [Shown(key=key, value=value, origin=origin, place=place, table=table, commands=tuple(paths),
                    everywhere=several and len(paths) == holders[key] > 1)
              for (key, value, origin, place, table), paths in rows.items()]
    return sorted(listed, key=lambda one: (one.origin is Origin.DEFAULT, one.key, one.commands))


def check_values(root: Any, settings: Settings, catalogue: Catalogue) -> Iterator[str]:
    """Values that their options refuse, a line each, with where they were set."""
    top = typer.Context(root, info_name="faceswap")
    told = set()
    for path, options in catalogue.items():
        command, context = root, top
        for name in path:
            command = command.commands[name]
            context = typer.Context(command, info_name=name, parent=context)
        for key, one in settings.of(path, options).items():
            if one.own:
                continue
            try:
                options[key].process_value(context, list(one.value) if isinstance(one.value, tuple) else one.value)
            except typer.BadParameter as error:
                error.message = error.message.removeprefix("Value error, ")
                error.param = options[key]
                line = f"{error.format_message()} ({one.where})"
                if line not in told:
                    told.add(line)
                    yield line


def config_report(settings: Settings, rows: Sequence[Shown], problems: Sequence[str]) -> dict[str, Any]:
    """What `config show --json` prints."""
    commands: dict[str, dict[str, Any]] = {}
    for row in rows:
        for path in row.commands:
            commands.setdefault(" ".join(path), {})[row.key] = {
                "value": list(row.value) if isinstance(row.value, tuple) else row.value, "origin": row.origin.value,
                "place": row.place or None, "table": row.table or None}
    return {
        "schema": SCHEMA,
        "files": {"project": _file(settings.project), "user": _file(settings.user)},
        "commands": dict(sorted(commands.items())),
        "variables": shown_variables(settings.others),
        "unknown_variables": list(settings.unknown),
        "problems": list(problems),
    }


def shown_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """Variables without the secrets that URLs may have."""
    return {name: shown(value) for name, value in variables.items()}


def _file(path: Path | None) -> dict[str, Any] | None:
    return None if path is None else {"path": str(path), "exists": path.is_file()}


def _shown(value: Value) -> Value:
    if isinstance(value, tuple):
        return tuple(shown(one) for one in value)
    return shown(value) if isinstance(value, str) else value


def _default(option: TyperOption) -> Any:
    """What is built in, as it would be written."""
    if isinstance(option.default, Enum):
        return str(option.default.value)
    return option.default if option.default is None or isinstance(option.default, bool | int | float) \
        else str(option.default)


