"""Settings: values that options have without being given.

Flags go before variables, before the project's file, before the user's file, before what is built in.

A variable `FACESWAP_IMAGE_QUALITY=90` sets `--image-quality` of every command that has it. So does
`image-quality = 90` in a file; in a table, `[swap]` or `[models.pull]`, it is for that command alone and goes before
the same key above. Switches are `true` or `false`, in variables also 1/0, yes/no, on/off; options that are given
several times take an array, in variables one value to a line. Paths in a file count from its folder.

What one call is about cannot be set: what goes in and out, `--json`, `--dry-run`, `--debug`. A project's file, which
may come with somebody else's checkout, cannot send data away, name keys, models or places elsewhere, have files
replaced, or take safeguards off.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeAlias

from typer.core import TyperOption

from faceswap_cli.cli import words
from faceswap_cli.cli.config.file import USER_FILE_VARIABLE, is_there, project_file, read_toml, user_file
from faceswap_cli.cli.options.declare import facts_of
from faceswap_cli.errors import UsageError
from faceswap_cli.text import as_flag

PREFIX = "FACESWAP_"

CommandPath: TypeAlias = tuple[str, ...]
"""`("swap",)`, `("models", "pull")`; `()` stands for all."""

Catalogue: TypeAlias = Mapping[CommandPath, Mapping[str, TyperOption]]
"""Each command, and its options that can be set, by key: `image-quality`."""

Value: TypeAlias = str | bool | tuple[str, ...]
"""As it would follow the flag; True or False for a switch; several for an option that is given several times."""

OWN_VARIABLES = {
    "FACESWAP_CACHE_DIR": None,
    "FACESWAP_FACES_DIR": None,
    "FACESWAP_MODELS_DIR": "models-dir",
    "FACESWAP_MODELS_MIRROR": None,
    "FACESWAP_OFFLINE": "offline",
    "RAY_ADDRESS": "address",
    "SEGMIND_API_KEY": "key-file",
    "SEGMIND_BASE_URL": "remote-url",
}
"""Variables that are read where they are needed, and the option whose setting they go before."""

_SECRET = {"SEGMIND_API_KEY"}

_OF_ONE_CALL = {
    "accept-license", "annotate", "crops", "debug", "dry-run", "files-from", "help", "json", "manifest", "note", "null",
    "output", "pair", "picture", "reference", "shard", "source", "trim", "version", "yes",
}
_OF_ONE_CALL_OF: Mapping[CommandPath, set[str]] = {
    ("doctor",): {"remote"},  # where it is an order, not a way of working
    ("faces", "save"): {"source-index"},
    ("models", "import"): {"as", "family", "name", "role"},
}

_PATHS = {"FILE", "FOLDER"}
"""Metavars of options that name files."""

_KEYS = {"api-key", "segmind-api-key", "key", "secret", "token"}

_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


class Origin(StrEnum):
    """Where a value comes from, the weakest first."""

    DEFAULT = "default"
    USER = "user file"
    PROJECT = "project file"
    VARIABLE = "variable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The value of an option that was not given.

    Attributes:
        key: The option without its dashes.
        value: See `Value`.
        origin: Never `DEFAULT`.
        place: The file's path, or the variable's name.
        table: Of the file, such as `swap`; empty: it is for all commands.
        own: The variable is read where it is needed; the option has no value.
    """

    key: str
    value: Value
    origin: Origin
    place: str
    table: str = ""
    own: bool = False

    @property
    def where(self) -> str:
        """As errors tell it."""
        if self.origin is Origin.VARIABLE:
            return f"set by the variable {self.place}"
        return f"set by {self.key} {f'of [{self.table}] ' if self.table else ''}in {self.place}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that is set.

    Attributes:
        user: The user's file, which need not exist; None: the user wants none.
        project: The project's file; None: there is none.
        layers: Settings for each command, or for all, by key; the weakest layer first.
        own: Settings by variables that are read where they are needed, by key.
        others: Those of them that stand for no option, with what can be shown of their values.
        unknown: Variables that look like ours and are not.
        problems: What is wrong with the files, a line each.
    """

    user: Path | None
    project: Path | None
    layers: tuple[Mapping[CommandPath, Mapping[str, Setting]], ...] = ()
    own: Mapping[str, Setting] = field(default_factory=dict)
    others: Mapping[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    def of(self, path: CommandPath, options: Mapping[str, TyperOption]) -> dict[str, Setting]:
        """What is set for one command, by key."""
        merged: dict[str, Setting] = {}
        for layer in self.layers:
            for length in range(len(path) + 1):
                merged |= {key: one for key, one in layer.get(path[:length], {}).items() if key in options}
        for key, one in self.own.items():
            if key in options and (key not in merged or merged[key].origin is not Origin.VARIABLE):
                merged[key] = one
        return merged


def key_of(option: TyperOption) -> str:
    """What an option is called in files: its long name without dashes."""
    return max(option.opts, key=len).lstrip("-")


def settable(path: CommandPath, options: Mapping[str, TyperOption]) -> dict[str, TyperOption]:
    """Those of a command's options that can be set."""
    fixed = _OF_ONE_CALL | _OF_ONE_CALL_OF.get(path, set())
    return {key: option for key, option in options.items() if key not in fixed and not option.hidden}


def for_projects(option: TyperOption) -> bool:
    """Whether a project's file may set it."""
    facts = facts_of(key_of(option))
    return facts is not None and facts.project


def variable_of(key: str) -> str:
    """The variable that sets an option."""
    return PREFIX + key.replace("-", "_").upper()


def read_settings(catalogue: Catalogue, environment: Mapping[str, str] | None = None,
                  folder: Path | None = None) -> Settings:
    """Read variables and files. What is wrong with them is told in `problems`, and left out.

    Args:
        catalogue: Commands and their options.
        environment: The variables; None: the process's.
        folder: Where the project's file is looked for; None: the current one.
    """
    environment = os.environ if environment is None else environment
    user, project = user_file(environment), project_file(_here() if folder is None else folder)
    if user is not None and project is not None and is_there(user) and user.samefile(project):
        project = None  # what the user names is the user's
    problems: list[str] = []
    layers = []
    for path, origin in ((user, Origin.USER), (project, Origin.PROJECT)):
        if path is None or (origin is Origin.USER and not is_there(path) and not environment.get(USER_FILE_VARIABLE)):
            continue
        try:
            content = read_toml(path)
        except UsageError as error:
            problems.append(error.text(as_flag))
            continue
        reader = _Reader(catalogue, path, origin)
        reader.read(content, ())
        layers.append(reader.found)
        problems += reader.problems
    variables, unknown = _variables(catalogue, environment)
    layers.append({(): variables})
    set_here = {name: environment[name] for name in OWN_VARIABLES if environment.get(name, "").strip()}
    own = {key: Setting(key=key, value="***" if name in _SECRET else value, origin=Origin.VARIABLE, place=name,
                        own=True)
           for name, value in set_here.items() if (key := OWN_VARIABLES[name])}
    others = {name: value for name, value in set_here.items() if OWN_VARIABLES[name] is None}
    if USER_FILE_VARIABLE in environment:
        others[USER_FILE_VARIABLE] = environment[USER_FILE_VARIABLE]
    return Settings(user=user, project=project, layers=tuple(layers), own=own, others=dict(sorted(others.items())),
                    unknown=unknown, problems=tuple(problems))


def nearest(name: str, known: Iterator[str] | list[str]) -> str:
    """A hint at what may have been meant: `; did you mean x?`, or nothing."""
    from difflib import get_close_matches

    meant = get_close_matches(name, list(known), 1)
    return f"; did you mean {meant[0]}?" if meant else ""


class _Reader:
    """Reads one file."""

    def __init__(self, catalogue: Catalogue, path: Path, origin: Origin) -> None:
        self.found: dict[CommandPath, dict[str, Setting]] = {}
        self.problems: list[str] = []
        self._catalogue = catalogue
        self._path = path
        self._origin = origin

    def read(self, content: Mapping[str, Any], scope: CommandPath) -> None:
        """Take what is said for one command, a group of commands, or all."""
        options = {key: option for path, known in self._catalogue.items() if path[:len(scope)] == scope
                   for key, option in known.items()}
        tables = {path[len(scope)] for path in self._catalogue if path[:len(scope)] == scope and len(path) > len(scope)}
        here = f"[{'.'.join(scope)}] in {self._path}" if scope else str(self._path)
        for written, raw in content.items():
            key = written.replace("_", "-")
            if isinstance(raw, dict):
                if key in tables:
                    self.read(raw, (*scope, key))
                else:
                    name = ".".join((*scope, written))
                    self.problems.append(f"{self._path}: there is no command {name} that [{name}] could be for"
                                         f"{nearest(key, sorted(tables))}")
            elif key in self.found.get(scope, {}):
                self.problems.append(f"{here}: {key} is there twice, with - and with _; leave one out")
            elif key not in options:
                self.problems.append(f"{here}: {self._explain(key, written, options, scope)}")
            elif self._origin is Origin.PROJECT and not for_projects(options[key]):
                self.problems.append(f"{here}: {key} cannot be set by a project, which may be somebody else's; take it "
                                     f"out there, and set it in your own file (faceswap config path) or as --{key}")
            else:
                try:
                    value = self._value(options[key], raw)
                except ValueError as error:
                    self.problems.append(f"{here}: {key} {error}")
                    continue
                self.found.setdefault(scope, {})[key] = Setting(key=key, value=value, origin=self._origin,
                                                                place=str(self._path), table=".".join(scope))

    def _explain(self, key: str, written: str, options: Mapping[str, TyperOption], scope: CommandPath) -> str:
        """Why a key is none."""
        if key in _KEYS:
            return (f"{written} is refused: keys do not belong into settings; remove it, and set SEGMIND_API_KEY or "
                    "name a file with key-file")
        if key in _OF_ONE_CALL or key in _OF_ONE_CALL_OF.get(scope, ()):
            return f"{written} is of one call and cannot be set; give --{key}"
        if scope and any(key in known for known in self._catalogue.values()):
            return f"faceswap {' '.join(scope)} has no option --{key}"
        ours = words.API_WORDS.get(f"--{key}")
        meant = f"; did you mean {ours.lstrip('-')}?" if ours else nearest(key, sorted(options))
        return f"there is no option {written}{meant}"

    def _value(self, option: TyperOption, raw: object) -> Value:
        """As it would follow the flag; raises ValueError: it is of another kind; says of which it must be."""
        if option.is_flag:
            if not isinstance(raw, bool):
                raise ValueError("must be true or false")
            return raw
        listed = raw if isinstance(raw, list) else [raw]
        if not all(isinstance(one, str | int | float) and not isinstance(one, bool) for one in listed):
            raise ValueError("must be a text or a number")
        texts = tuple(self._text(option, str(one)) for one in listed)
        if option.multiple:
            return texts
        if isinstance(raw, list):
            if "," not in (option.metavar or ""):
                raise ValueError("takes one value, not an array")
            return ",".join(texts)
        return texts[0]

    def _text(self, option: TyperOption, text: str) -> str:
        """One value; a path counts from the file's folder.

        Raises:
            ValueError: A project's path leads out of the project, or to a file that would be lost.
        """
        if option.metavar not in _PATHS or not text or "://" in text:
            return words.translate_value(f"--{key_of(option)}", text)
        folder = self._path.parent
        if self._origin is Origin.PROJECT:
            from faceswap_cli.batch.report.ours import WRITTEN, may_replace

            advice = "set it in your own file (faceswap config path) or with the flag"
            # Links are followed: they come with a checkout too.
            real, root = (folder / text).resolve(), folder.resolve()
            if not real.is_relative_to(root) or ".git" in map(str.lower, real.relative_to(root).parts):
                raise ValueError(f"is {text}, which leads out of the project, or into its .git; {advice}")
            flag = f"--{key_of(option)}"
            if flag in WRITTEN and not may_replace(real, flag):
                raise ValueError(f"is {text}, which is there and would be replaced; a project may name new files and "
                                 f"older ones of that kind by faceswap; {advice}")
            return str(folder / text)
        try:
            return str(folder / Path(text).expanduser())
        except RuntimeError as error:
            raise ValueError(f"is {text}: whose home that is, is not known; write it out") from error


def _variables(catalogue: Catalogue, environment: Mapping[str, str]) -> tuple[dict[str, Setting], tuple[str, ...]]:
    """Settings by variables, and the variables that are none. An empty one counts as not set."""
    options = {variable_of(key): option for known in catalogue.values() for key, option in known.items()}
    found, unknown = {}, []
    for name, text in environment.items():
        if not name.startswith(PREFIX) or name in OWN_VARIABLES or name == USER_FILE_VARIABLE or not text:
            continue
        if (option := options.get(name)) is None:
            unknown.append(name)
        else:
            found[key_of(option)] = Setting(key=key_of(option), value=_parse(option, text), origin=Origin.VARIABLE,
                                            place=name)
    return found, tuple(sorted(unknown))


def _parse(option: TyperOption, text: str) -> Value:
    """The text of a variable; what is no switch's is left for the option to refuse."""
    if option.is_flag:
        plain = text.strip().lower()
        return True if plain in _TRUE else False if plain in _FALSE else text
    if option.multiple:
        return tuple(words.translate_value(f"--{key_of(option)}", line) for line in text.splitlines() if line)
    return words.translate_value(f"--{key_of(option)}", text)


def _here() -> Path:
    try:
        return Path.cwd()
    except OSError:  # it was removed meanwhile; then no project is in it
        return Path(os.sep)
