"""A command whose options take their defaults from settings, and that understands the words of the API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperOption

from faceswap_cli.cli import words
from faceswap_cli.cli.config.settings import (
    Catalogue,
    CommandPath,
    Setting,
    Settings,
    key_of,
    nearest,
    read_settings,
    settable,
    variable_of,
)
from faceswap_cli.cli.options.declare import facts_of
from faceswap_cli.errors import FaceswapError, UsageError
from faceswap_cli.facts import Neural, Refusal
from faceswap_cli.options import EngineName
from faceswap_cli.text import one_line

_YIELDS = {"quiet": "verbose"}
"""A setting, and the flag that means the opposite: who gives it does not want the setting."""

_FORMATS = {"image-format", "file-type"}


class Command(TyperCommand):
    """Values that are not given come from variables and files; see `settings`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse; a value that is refused is told with the place it comes from."""
        defaults = ctx.default_map = _Defaults(ctx, self)
        flags = {flag for option in options_of(self) for flag in (*option.opts, *option.secondary_opts)}
        try:
            rest = super().parse_args(ctx, words.translate(args, flags))
        except typer.BadParameter as error:
            name = None if error.param is None else error.param.name
            source = None if name is None else ctx.get_parameter_source(name)
            if name is not None and source is not None and source.name == "DEFAULT_MAP":
                # Names of folders may hold anything, and Typer prints it.
                error.message = one_line(f"{error.message} ({defaults.settings[name].where})")
            raise
        defaults.warn()
        return rest

    def invoke(self, ctx: Any) -> Any:
        """Run; an error that speaks of options tells which of them come from settings."""
        try:
            return super().invoke(ctx)
        except FaceswapError as error:
            error.origin = "; ".join(ctx.default_map.behind(error.options))
            raise


class _Defaults(dict[str, Any]):
    """What Typer takes for values that are not given, by parameter; read when the first is asked for.

    `--help` asks too, but shows what is built in, whatever the files say; and `--help` and `--version` come before any
    value is asked for. Completion asks likewise.
    """

    def __init__(self, ctx: Any, command: Command) -> None:
        super().__init__()
        self._ctx = ctx
        self._options = {option.name: option for option in options_of(command)}
        self._settings: dict[str, Setting] | None = None
        self._unknown: tuple[str, ...] = ()
        self._catalogue: Catalogue = {}

    def get(self, name: str, default: Any = None) -> Any:
        """The value that is set for a parameter, else `default`.

        Raises:
            UsageError: The settings have mistakes.
        """
        if self._ctx.resilient_parsing or name not in self._options:
            return default
        setting = self.settings.get(name)
        if setting is None or setting.own or not self._applies(setting):
            return default
        return list(setting.value) if isinstance(setting.value, tuple) else setting.value

    @property
    def settings(self) -> Mapping[str, Setting]:
        """What is set for the command, by parameter.

        Raises:
            UsageError: The settings have mistakes.
        """
        if self._settings is None:
            self._catalogue = catalogue_of(self._ctx.find_root().command)
            found = read_settings(self._catalogue)
            if found.problems:
                more = len(found.problems) - 1
                raise UsageError(found.problems[0] + (f" (and {more} more: faceswap config show)" if more else ""))
            self._unknown = found.unknown
            self._settings = {option.name: setting for option, setting in settings_of(self._ctx, found).values()}
        return self._settings

    def warn(self) -> None:
        """Tell of variables that look like ours and are not, in one line. They may be another version's."""
        if self._unknown and not self._ctx.params.get("quiet"):
            from faceswap_cli.cli.output import say

            known = [variable_of(key) for options in self._catalogue.values() for key in options]
            say(", ".join(f"{name} is not a variable of faceswap{nearest(name, known)}" for name in self._unknown),
                label="warning", style="yellow")

    def behind(self, keys: Iterable[str]) -> Iterator[str]:
        """Where those of some options that are in force were set."""
        for key in keys:
            for name, setting in (self._settings or {}).items():
                source = self._ctx.get_parameter_source(name)
                if setting.key == key and source is not None and source.name == "DEFAULT_MAP":
                    yield f"--{key} is {setting.where}"

    def _applies(self, setting: Setting) -> bool:
        """Whether a setting is for this run; what does not go with what was asked for is left out, not an error."""
        key, facts = setting.key, facts_of(setting.key)
        if key in _YIELDS and self._in_force(_YIELDS[key], given=True):
            return False
        if key in _FORMATS and self._named_format():
            return False
        if facts is None:
            return True
        if facts.only_with:
            other, _, wanted = facts.only_with.lstrip("-").partition(" ")
            return bool(self._in_force(other) == wanted if wanted else self._in_force(other))
        if facts.neural is not Neural.NO and self._in_force("engine") == EngineName.EMBEDDED:
            return False
        if facts.api or facts.remote is Refusal.NEVER or not self._in_force("remote"):
            return True
        return facts.remote is Refusal.ENGINE and bool(self._in_force("fallback"))

    def _in_force(self, key: str, *, given: bool = False) -> Any:
        """The value of another option; None: the command has none of that name.

        Args:
            key: The option.
            given: Only what was given counts.
        """
        option = next((option for option in self._options.values() if key_of(option) == key), None)
        if option is None:
            return None
        if option.name in self._ctx.params:  # Typer has done with it: what is given comes first
            source = self._ctx.get_parameter_source(option.name)
            return None if given and source.name != "COMMANDLINE" else self._ctx.params[option.name]
        if given:
            return None
        value = self.get(option.name)
        return option.default if value is None else value

    def _named_format(self) -> bool:
        """Whether the suffix of the output says its format, which then goes before a setting."""
        from faceswap_cli.media.formats import SUFFIXES

        output = self._ctx.params.get("output")
        is_file = any(param.name == "output" and param.metavar == "OUT" for param in self._ctx.command.params)
        return is_file and isinstance(output, str) and Path(output).suffix.lower() in SUFFIXES


def options_of(command: Any) -> list[TyperOption]:
    """The options of a command, without --help."""
    return [param for param in command.params if isinstance(param, TyperOption)]


def catalogue_of(group: Any, above: CommandPath = ()) -> Catalogue:
    """The commands of a group that take settings, and their options that can be set."""
    found: dict[CommandPath, Mapping[str, TyperOption]] = {}
    for name, command in group.commands.items():
        path = (*above, name)
        if hasattr(command, "commands"):
            found |= catalogue_of(command, path)
        elif isinstance(command, Command):
            found[path] = settable(path, {key_of(option): option for option in options_of(command)})
    return found


def settings_of(ctx: Any, settings: Settings) -> dict[str, tuple[TyperOption, Setting]]:
    """What is set for the command of a context, by key."""
    names: list[str] = []
    while ctx.parent is not None:
        names.insert(0, ctx.command.name)
        ctx = ctx.parent
    options = catalogue_of(ctx.command)[tuple(names)]
    return {key: (options[key], setting) for key, setting in settings.of(tuple(names), options).items()}
