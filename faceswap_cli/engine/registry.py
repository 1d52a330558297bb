"""Which engines there are: a lazy registry of strings, so that only the parts of the chosen one are imported."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from faceswap_cli.options import EngineName


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """The parts of one engine, each as "module:Class"; classes are built without arguments.

    Attributes:
        analyser: Follows `engine.parts.Analyser`.
        swapper: Follows `engine.parts.Swapper`.
        restorers: Names of the restorers that work with it.
        summary: What to tell the user about it, in a few words.
    """

    analyser: str
    swapper: str
    restorers: tuple[str, ...]
    summary: str


ENGINES: dict[EngineName, EngineSpec] = {
    EngineName.EMBEDDED: EngineSpec(
        analyser="faceswap_cli.engine.analysers.embedded:EmbeddedAnalyser",
        swapper="faceswap_cli.engine.swappers.mesh:MeshSwapper",
        restorers=(),
        summary="needs no download",
    ),
}


def load_part(path: str) -> Any:
    """Import "module:Class" and build one."""
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)()
