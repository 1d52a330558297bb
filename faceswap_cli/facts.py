"""What an option applies to: declared once, at its field in the record of options, and read wherever that matters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import Field, dataclass, field, is_dataclass
from dataclasses import fields as fields_of
from enum import Enum
from functools import reduce
from typing import Any, NamedTuple

from faceswap_cli.errors import UsageError
from faceswap_cli.text import opt


class Refusal(Enum):
    """Why an option that the API has no parameter for is refused with `--remote`, and what to do."""

    UNKNOWN = "the API has no parameter for it", "leave one of the two out"
    OUTPUT = "the API makes the output, and takes no such wish", "leave one of the two out"
    IDENTITY = "the API does not report who a face is", "leave one of the two out"
    ENGINE = "it is about the engine of this machine", f"leave it out, or add {opt('fallback', 'local')}"
    WORKERS = "it is about workers of this machine", f"see {opt('remote-jobs')} and {opt('remote-timeout')}"
    NO_FACE = "the API does not say in a fixed way that there was no face", "leave one of the two out"
    NEVER = "", ""

    def refusal(self, flag: str, value: object = "") -> UsageError:
        """The error for an option that is given all the same."""
        why, advice = self.value
        return UsageError(f"{opt(flag, value)} cannot be used with {opt('remote')}: {why}", advice=advice)


class Neural(Enum):
    """How an option depends on the neural engine."""

    NO, TUNES, NEEDS = range(3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What an option applies to.

    Attributes:
        flag: On the command line, as it is declared there: `--keep-fps/--no-keep-fps`; empty: it has none.
        neural: NEEDS: an error without that engine; TUNES: a warning, where nobody chose another.
        anyway: Values that ask the embedded engine only for what it does anyway.
        api, animations_api: Parameter of the API for stills, and for animations; empty: there is none.
        remote: Why it is refused with `--remote` where it is no parameter.
        only_with: The option that it means nothing without: `--remote`, `--executor ray`.
        pixels: It decides what comes out; else only how, or what is reported of it.
        column: Whether a row of a manifest may set it.
        project: A project's file, perhaps somebody else's, may set it; nothing that lifts a bound or leads elsewhere.
    """

    flag: str
    neural: Neural = Neural.NO
    anyway: tuple[object, ...] = ()
    api: str = ""
    animations_api: str = ""
    remote: Refusal = Refusal.UNKNOWN
    only_with: str = ""
    pixels: bool = True
    column: bool = False
    project: bool = False

    @property
    def key(self) -> str:
        """The flag as settings name it."""
        return self.flag.partition("/")[0].lstrip("-")

    @property
    def given(self) -> str:
        """The flag as it is written by who wants other than the default."""
        return self.flag.rpartition("/")[2]


class Option(NamedTuple):
    """A field of a record of options: the record that has it, the names that lead there, and its facts."""

    record: type
    path: tuple[str, ...]
    field: Field[Any]
    facts: Facts

    def of(self, options: Any) -> Any:
        """Its value in a record of the type that `fields` was asked for."""
        return reduce(getattr, self.path, options)


def option(default: Any, flag: str, **facts: Any) -> Any:
    """A field of a record of options, with its `Facts`."""
    return field(default=default, metadata={"facts": Facts(flag=flag, **facts)})


def fields(record: Any) -> Iterator[Option]:
    """All options of a type of record, and of those in it; KeyError: a field without facts."""
    for one in fields_of(record):
        inner: Any = one.default_factory
        if is_dataclass(inner):
            yield from (found._replace(path=(one.name, *found.path)) for found in fields(inner))
        else:
            yield Option(record, (one.name,), one, one.metadata["facts"])


def given(options: Any) -> list[Option]:
    """The options of a record that differ from their defaults."""
    return [one for one in fields(type(options)) if one.of(options) != one.field.default]
