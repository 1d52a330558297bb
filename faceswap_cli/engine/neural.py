"""The parts of the neural engine, each from the model that the options name or the best one installed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from faceswap_cli.engine.parts import AnyAnalyser, AnySwapper, Restorer
from faceswap_cli.engine.registry import ENGINES, SWAPPERS, detector_for, load_part
from faceswap_cli.errors import ModelError, UsageError
from faceswap_cli.models.spec import ModelRole, ModelSpec
from faceswap_cli.models.store import ModelStore
from faceswap_cli.options import EngineName, EngineOptions, MaskKind
from faceswap_cli.runtime.sharing import shared
from faceswap_cli.text import here, opt

if TYPE_CHECKING:
    from faceswap_cli.runtime.session import SharedSession

FULL_SET = "neural"
"""What `models pull` calls the models that a swap needs."""

_NEEDED = (ModelRole.SWAPPER, ModelRole.DETECTOR, ModelRole.RECOGNISER)


def models_folder(options: EngineOptions) -> ModelStore:
    """The models folder that the options name."""
    return ModelStore(None if options.models_folder is None else Path(options.models_folder).expanduser())


def has_full_set(store: ModelStore) -> bool:
    """Whether a swap could run: some swapper, detector and recogniser are installed."""
    return all(store.installed(role) for role in _NEEDED)


class NeuralParts:
    """Makes the parts; graphs are opened when they are first used.

    Attributes:
        notes: What the user should know.
        models: SHA-256 of the models of the parts made so far, by id.
    """

    def __init__(self, options: EngineOptions, store: ModelStore, *, finds_only: bool = False) -> None:
        """Set up; nothing is read.

        Args:
            options: What is wanted.
            store: Where models lie.
            finds_only: Nothing will be swapped: no identity is needed.
        """
        self._options = options
        self._store = store
        self._finds_only = finds_only
        self.notes: list[str] = []
        self.models: dict[str, str] = {}

    def analyser(self) -> AnyAnalyser:
        """Detector, recogniser and, where installed, gender and age.

        Raises:
            ModelError: A model is not installed, or damaged.
            UsageError: `--detector` names a model of another kind.
        """
        detector = self._model(ModelRole.DETECTOR, self._options.detector.model, "detector")
        recogniser = None if self._finds_only else self._session(self._model(ModelRole.RECOGNISER))
        attributes = next(iter(self._store.installed(ModelRole.ATTRIBUTES)), None)
        analyser: AnyAnalyser = load_part(ENGINES[EngineName.NEURAL].analyser)(
            detector_for(detector.family, self._session(detector)), recogniser,
            None if attributes is None else self._session(attributes), self._options.detector)
        return analyser

    def swapper(self) -> AnySwapper:
        """The swapper, with the model that finds what hides faces where a mask asks for it.

        Raises:
            ModelError: A model is not installed, or damaged.
            UsageError: `--swapper` names a model of another kind, or `--swap-size` does not fit it.
        """
        from faceswap_cli.runtime.accelerate import AcceleratedSession

        options = self._options
        spec = self._model(ModelRole.SWAPPER, options.swap.model, "swapper")
        path, digest = self._path(spec), self.models[spec.id]
        session = shared((AcceleratedSession, path, digest, options.runtime),
                         lambda: AcceleratedSession(path, options.runtime, name=spec.id, sha256=digest))
        occluder = None
        if MaskKind.OCCLUSION in options.swap.masks:
            occluder = self._session(self._model(ModelRole.MASK))
        swapper: AnySwapper = load_part(SWAPPERS[spec.family])(session, spec, options.swap, occluder)
        return swapper

    def restorer(self) -> Restorer | None:
        """The restorer that the options ask for; None where none is asked for, or installed.

        Raises:
            ModelError: It is named and not installed, or damaged.
            UsageError: `--restore` names a model of another kind.
        """
        wanted = self._options.restore
        if wanted.model is None:
            if not wanted.if_available:
                return None
            if not self._store.installed(ModelRole.RESTORER):
                self.notes.append("faces are not restored: no restorer is installed" + here(
                    f" (faceswap models pull gfpgan_1.4 --accept-license; {opt('no-face-restore')} to say so)"))
                return None
        spec = self._model(ModelRole.RESTORER, wanted.model, "restore")
        restorer: Restorer = load_part(str(ENGINES[EngineName.NEURAL].restorer))(self._session(spec), spec, wanted)
        return restorer

    def _path(self, spec: ModelSpec) -> Path:
        """The verified file of a model."""
        path = self._store.path(spec)
        self.models[spec.id] = self._store.sha256(spec)
        return path

    def _session(self, spec: ModelSpec) -> SharedSession:
        from faceswap_cli.runtime.session import SharedSession

        path, runtime = self._path(spec), self._options.runtime
        return shared((SharedSession, path, self.models[spec.id], runtime),
                      lambda: SharedSession(path, runtime, name=spec.id))

    def _model(self, role: ModelRole, name: str | None = None, option: str = "") -> ModelSpec:
        """The model that is named, else the best one installed."""
        if name is not None:
            spec = self._store.find(name)
            if spec.role is not role:
                raise UsageError(f"{opt(option, name)}: that is a {spec.role.value}, not a {role.value}",
                                 advice="see `faceswap models list`")
            return spec
        installed = self._store.installed(role)
        if installed:
            return installed[0]
        what, pull = f"the neural engine needs a {role.value}", FULL_SET
        if role is ModelRole.MASK:
            what, pull = f"{opt('mask', 'occlusion')} needs a model", "xseg"
        raise ModelError(f"{what}, and none is installed", command=f"faceswap models pull {pull} --accept-license")
