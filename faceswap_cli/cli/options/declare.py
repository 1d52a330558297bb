"""Facts of all options of the command line; those that are in no record of options are told here with the option."""

from __future__ import annotations

from typing import Any

import typer

from faceswap_cli.facts import Facts, Remote, fields
from faceswap_cli.options import EngineOptions, MediaOptions, RemoteOptions

FACTS = {one.facts.key: one.facts for record in (EngineOptions, MediaOptions, RemoteOptions) for one in fields(record)}
"""By key, as settings name options. An option without facts is for no project, and goes with everything."""


def option(*flags: str, project: bool = False, remote: Remote = Remote.NEVER, only_with: str = "", **more: Any) -> Any:
    """As `typer.Option`, with facts; see `Facts`."""
    facts = Facts(flag=flags[0], project=project, remote=remote, only_with=only_with)
    FACTS[facts.key] = facts
    return typer.Option(*flags, **more)
