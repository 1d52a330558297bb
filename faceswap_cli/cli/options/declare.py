"""Facts of all options of the command line; those of no record are declared here with the option."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields as fields_of
from dataclasses import is_dataclass
from functools import cache
from typing import Any, TypeVar, cast

import typer

from faceswap_cli.facts import Facts, Refusal, fields
from faceswap_cli.options import RemoteOptions

T = TypeVar("T")

_TOLD: dict[str, Facts] = {}


def option(*flags: str, project: bool = False, remote: Refusal = Refusal.NEVER, only_with: str = "",
           **more: Any) -> Any:
    """As `typer.Option`, with facts; see `Facts`."""
    facts = Facts(flag=flags[0], project=project, remote=remote, only_with=only_with)
    _TOLD[facts.key] = facts
    return typer.Option(*flags, **more)


@cache
def _recorded() -> dict[str, Facts]:
    from faceswap_cli.jobs.job import SwapSpec  # --help needs none of it

    return {one.facts.key: one.facts for kind in (SwapSpec, RemoteOptions) for one in fields(kind)}


def facts_of(key: str) -> Facts | None:
    """What an option of the command line applies to.

    Args:
        key: As settings name it: the flag without its dashes.

    Returns:
        None: nothing is told of it. It is for no project, and goes with everything.
    """
    return _recorded().get(key) or _TOLD.get(key)


def record(kind: type[T], values: Mapping[str, Any]) -> T:
    """A record of options; where there is no value it has its default.

    Args:
        kind: Of `faceswap_cli.options`.
        values: By the names of parameters, which are those of flags; what has no flag by the name of its field.

    Raises:
        UsageError: A value out of its range.
    """
    found: dict[str, Any] = {}
    for one in fields_of(kind):  # type: ignore[arg-type]  # all records are dataclasses
        inner: Any = one.default_factory
        if is_dataclass(inner):
            found[one.name] = record(cast(type[Any], inner), values)
        elif (name := one.metadata["facts"].key.replace("-", "_") or one.name) in values:
            found[one.name] = values[name]
    return kind(**found)
