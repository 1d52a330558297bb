"""From options to an engine: joins the models folder, the sessions and the parts."""

from __future__ import annotations

from faceswap_cli.engine.engine import Engine
from faceswap_cli.engine.finder import Finder
from faceswap_cli.engine.neural import FULL_SET, NeuralParts, has_full_set, models_folder
from faceswap_cli.engine.parts import AnyAnalyser, AnySwapper, Restorer
from faceswap_cli.engine.registry import ENGINES, load_part
from faceswap_cli.errors import ModelError, UsageError
from faceswap_cli.facts import Neural, given
from faceswap_cli.models.store import ModelStore
from faceswap_cli.options import EngineName, EngineOptions
from faceswap_cli.text import Note, here, opt


def build_engine(options: EngineOptions, store: ModelStore | None = None) -> Engine:
    """Put the chosen engine together; models are opened when they are first used.

    Args:
        options: What is wanted.
        store: Where models lie; None: where the options say.

    Raises:
        ModelError: A model that is needed is not installed, or damaged.
        UsageError: An option that the engine has no use for, or a model of the wrong kind.
    """
    store = store or models_folder(options)
    name, notes = _choose(options, store)
    swapper: AnySwapper
    restorer: Restorer | None = None
    models: dict[str, str] = {}
    if name is EngineName.NEURAL:
        parts = NeuralParts(options, store)
        analyser: AnyAnalyser = parts.analyser()
        swapper = parts.swapper()
        restorer = parts.restorer()
        notes += parts.notes
        models = parts.models
    else:
        analyser = load_part(ENGINES[name].analyser)()
        swapper = load_part(str(ENGINES[name].swapper))()
        if options.restore.if_available:
            notes.append("faces are not restored: the embedded engine has no restorer"
                         + here(f" ({opt('no-face-restore')} to say so)"))
    return Engine(Finder(name.value, analyser, options.select.order, tuple(map(Note, notes))), swapper, options,
                  restorer, models)


def build_finder(options: EngineOptions, store: ModelStore | None = None) -> Finder:
    """What finds faces in the chosen engine, without what swaps them. `auto` chooses as it would for a swap.

    Raises:
        ModelError, UsageError: As `build_engine`.
    """
    store = store or models_folder(options)
    name, notes = _choose(options, store)
    if name is EngineName.NEURAL:
        parts = NeuralParts(options, store, finds_only=True)
        analyser: AnyAnalyser = parts.analyser()
        notes += parts.notes
    else:
        analyser = load_part(ENGINES[name].analyser)()
    return Finder(name.value, analyser, options.select.order, tuple(map(Note, notes)))


def _choose(options: EngineOptions, store: ModelStore) -> tuple[EngineName, list[str]]:
    """The engine, and what to say about it.

    Raises:
        ModelError: Options of the neural engine, which is not installed.
        UsageError: Options of the neural engine, and the embedded one is named.
    """
    neural = [one for one in given(options) if one.facts.neural is not Neural.NO
              and one.of(options) not in one.facts.anyway]
    if options.engine is EngineName.NEURAL:
        return EngineName.NEURAL, []
    if options.engine is EngineName.EMBEDDED:
        if neural:
            raise UsageError(f"{opt(neural[0].facts.given)} is for the neural engine, which runs trained models",
                             advice=f"leave it or {opt('engine', 'embedded')} out")
        return EngineName.EMBEDDED, []
    if has_full_set(store):
        return EngineName.NEURAL, [f"engine: neural ({ENGINES[EngineName.NEURAL].summary}); "
                                   f"{opt('engine', 'embedded')} takes the one without"]
    needed = next((one.facts.given for one in neural if one.facts.neural is Neural.NEEDS), None)
    if needed is not None:
        wanted = options.restore.model or options.detector.model or options.swap.model
        more = f" {wanted}" if wanted else ""
        raise ModelError(f"{opt(needed)} needs the neural engine, which is not installed",
                         command=f"faceswap models pull {FULL_SET}{more} --accept-license")
    notes = [f"engine: embedded ({ENGINES[EngineName.EMBEDDED].summary}); for the neural one: "
             f"faceswap models pull {FULL_SET} --accept-license"]
    if neural:
        names = ", ".join(opt(one.facts.given) for one in neural)
        notes.append(f"warning: no effect without the neural engine: {names}")
    return EngineName.EMBEDDED, notes
