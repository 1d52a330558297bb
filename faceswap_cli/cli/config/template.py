"""What `faceswap config init` writes: every option that can be set, commented out, with its help and built-in value."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from enum import Enum

from typer.core import TyperOption

from faceswap_cli.cli.config.settings import Catalogue, CommandPath, for_projects

_HEAD = """\
Settings of faceswap. Remove the # before what you want to set.
Flags go before FACESWAP_ variables, before faceswap.toml of the project, before the user's file.
`faceswap config show` tells what holds, and why. What stands above the tables is for all commands."""


def template(catalogue: Catalogue, *, for_user: bool) -> str:
    """The text of the file.

    Args:
        catalogue: Commands and their options.
        for_user: With the options that a project's file may not set.
    """
    return "\n".join(_lines(catalogue, for_user=for_user)) + "\n"


def _lines(catalogue: Catalogue, *, for_user: bool) -> Iterator[str]:
    holders: dict[str, list[CommandPath]] = {}
    for path, options in catalogue.items():
        for key, option in options.items():
            if for_user or for_projects(option):
                holders.setdefault(key, []).append(path)
    shared = {key: paths for key, paths in holders.items()
              if len(paths) > 1 and len({_value(catalogue[path][key]) for path in paths}) == 1}
    yield from _comment(_HEAD)
    for key, paths in shared.items():
        yield from _entry(key, catalogue[paths[0]][key], ", ".join(" ".join(path) for path in paths))
    for path, options in catalogue.items():
        alone = [key for key in options if key in holders and key not in shared]
        if alone:
            yield f"\n[{'.'.join(path)}]"
            for key in alone:
                yield from _entry(key, options[key], "")


def _entry(key: str, option: TyperOption, whom: str) -> Iterator[str]:
    yield ""
    yield from _comment(f"{' '.join((option.help or '').split())}{f' ({whom})' if whom else ''}")
    yield f"# {key} = {_value(option)}"


def _value(option: TyperOption) -> str:
    """The built-in value as TOML; what is found out when a command runs is told by its kind."""
    value = option.default.value if isinstance(option.default, Enum) else option.default
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if value is None:
        value = option.metavar or "|".join(map(str, option.type_descriptor.choices or ())) or "..."
    text = '"' + str(value).replace('"', "'") + '"'
    return f"[{text}]" if option.multiple else text


def _comment(text: str) -> Iterator[str]:
    for line in text.splitlines():
        yield from (f"# {part}" for part in textwrap.wrap(line, 100, break_on_hyphens=False))
