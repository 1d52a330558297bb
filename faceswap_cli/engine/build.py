"""From options to an engine."""

from __future__ import annotations

from faceswap_cli.engine.engine import Engine
from faceswap_cli.engine.registry import ENGINES, load_part
from faceswap_cli.errors import ModelError
from faceswap_cli.options import EngineName, EngineOptions


def build_engine(options: EngineOptions) -> Engine:
    """Put the chosen engine together; models are opened when they are first used.

    Raises:
        ModelError: A restorer was asked for by name and the engine has none of that name.
    """
    # `auto` prefers an engine with learnt weights where one is installed; of the engines here none needs any.
    name = EngineName.EMBEDDED if options.engine is EngineName.AUTO else options.engine
    spec = ENGINES[name]
    notes = []
    if options.engine is EngineName.AUTO:
        notes.append(f"engine: {name.value} ({spec.summary})")
    if options.restore.model is not None and options.restore.model not in spec.restorers:
        raise ModelError(f"no restorer {options.restore.model!r}: the {name.value} engine restores no faces; "
                         "leave the restore option out")
    if options.restore.if_available and not spec.restorers:
        notes.append(f"faces are not restored: the {name.value} engine has no restorer (--no-face-restore to say so)")
    return Engine(name.value, load_part(spec.analyser), load_part(spec.swapper), options, tuple(notes))
