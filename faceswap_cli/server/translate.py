"""From a request of the API to options of the engine: what it asks for, with what this machine has installed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from faceswap_cli.models.catalogue import find_spec
from faceswap_cli.models.spec import ModelRole, ModelSpec
from faceswap_cli.models.store import ModelStore
from faceswap_cli.options import (
    EngineName,
    EngineOptions,
    GenderFilter,
    Interpolation,
    MediaFormat,
    MediaOptions,
    Order,
    RestoreOptions,
    SelectOptions,
)
from faceswap_cli.segmind.fields import FieldError, IndexField, read_index_list
from faceswap_cli.segmind.schema import RESTORERS, AnyRequest, FaceswapV3Request
from faceswap_cli.server.options import ServerOptions
from faceswap_cli.server.page_request import PageRequest

NOT_RESTORED = "faces are not restored: the engine of this server has no restorer"

_MOST_FACES = 1000
"""Entries of an index list; each source face is prepared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapTask:
    """One swap, as the engine understands it.

    Attributes:
        source, target: Pictures as the request has them.
        source_field, target_field: What the client calls them.
        engine, media: Options.
        format: Of the result, where that is a still; None: as the target.
        stills_only: The target may not be an animation.
        restore: Whether restoring was asked for, by default or by name.
        warnings: What the client should know already.
    """

    source: str = field(repr=False)
    target: str = field(repr=False)
    source_field: str
    target_field: str
    engine: EngineOptions
    media: MediaOptions
    format: MediaFormat | None
    stills_only: bool
    restore: bool
    warnings: tuple[str, ...] = ()


def check_lists(request: AnyRequest) -> None:
    """Refuse a request that would keep a worker busy for ever: the contract sets no bound to lists of faces.

    Raises:
        FieldError: A list is too long.
    """
    for row in request.fields:
        if isinstance(row, IndexField) and getattr(request, row.name).count(",") >= _MOST_FACES:
            raise FieldError(f"{row.name} must be at most {_MOST_FACES} face numbers", row.name)


def translate(request: AnyRequest | PageRequest, options: ServerOptions) -> SwapTask:
    """What a request means here.

    Args:
        request: For which `check_lists` holds.
        options: What every request builds on.
    """
    installed = _Installed(options.engine)
    if isinstance(request, PageRequest):
        return _page(request, options, installed)
    if isinstance(request, FaceswapV3Request):
        return _still(request, options, installed)
    restore = RestoreOptions(if_available=request.face_restore)
    return SwapTask(source=request.input_face_image, target=request.target_face_image, source_field="input_face_image",
                target_field="target_face_image", engine=replace(options.engine, restore=restore),
                media=MediaOptions(max_pixels=options.max_pixels), format=None, stills_only=False,
                restore=request.face_restore)


def engine_of_page(options: ServerOptions) -> EngineOptions:
    """The engine that a request of the page gets, so that what finds faces for the page finds the same ones."""
    nothing = PageRequest.parse({"source_img": "-", "target_img": "-", "restore": False})
    return _page(nothing, options, _Installed(options.engine)).engine


def restorers(options: ServerOptions) -> tuple[tuple[str, ...], bool]:
    """The API's names of the restorers that are installed, and whether there is any, be it without such a name."""
    installed = _Installed(options.engine)
    return tuple(name for name in RESTORERS if installed.model(name)), installed.best(ModelRole.RESTORER) is not None


def _page(request: PageRequest, options: ServerOptions, installed: _Installed) -> SwapTask:
    task = replace(_still(request.swap, options, installed), stills_only=False)
    if request.restore:
        return task
    return replace(task, engine=replace(task.engine, restore=RestoreOptions()), restore=False, warnings=())


def _still(request: FaceswapV3Request, options: ServerOptions, installed: _Installed) -> SwapTask:
    warnings: list[str] = []
    select = SelectOptions(order=Order(request.detection_face_order),
                           target_index=tuple(dict.fromkeys(read_index_list(request.input_faces_index))),
                           source_index=read_index_list(request.source_faces_index),
                           target_gender=GenderFilter(request.detect_gender_input),
                           source_gender=GenderFilter(request.detect_gender_source))
    restore = RestoreOptions(if_available=True)
    if installed.neural:  # how to restore is said by the API's defaults too, and the other engine takes no such option
        restore = replace(restore, weight=request.face_restore_weight,
                          interpolation=Interpolation(request.interpolation.lower()))
    engine = replace(options.engine, select=select)
    if (restorer := installed.model(request.face_restore)) is not None:
        restore = replace(restore, model=restorer.id, if_available=False)
    elif (other := installed.best(ModelRole.RESTORER)) is not None:
        warnings.append(f"{request.face_restore} is not installed on this server: faces are restored with {other.id}")
    if (detector := installed.model(request.facedetection)) is not None:
        engine = replace(engine, detector=replace(engine.detector, model=detector.id))
    elif "facedetection" in request.given:
        warnings.append(f"{request.facedetection} is not installed on this server: faces are found by what is")
    media = MediaOptions(image_quality=request.image_quality, max_pixels=options.max_pixels)
    return SwapTask(source=request.source_img, target=request.target_img, source_field="source_img",
                target_field="target_img", engine=replace(engine, restore=restore), media=media,
                format=MediaFormat(request.image_format), stills_only=True, restore=True, warnings=tuple(warnings))


class _Installed:
    """What the neural engine could use, where that is the engine."""

    def __init__(self, engine: EngineOptions) -> None:
        folder = engine.models_folder
        self._store = ModelStore(None if folder is None else Path(folder).expanduser())
        self.neural = engine.engine is EngineName.NEURAL or (engine.engine is EngineName.AUTO and all(
            self._store.installed(role) for role in (ModelRole.SWAPPER, ModelRole.DETECTOR, ModelRole.RECOGNISER)))

    def model(self, name: str) -> ModelSpec | None:
        """A model by the API's name for it; None: it is not installed."""
        if not self.neural:
            return None
        spec = self._store.find(find_spec(name).id)
        return spec if self._store.is_installed(spec) else None

    def best(self, role: ModelRole) -> ModelSpec | None:
        """The best of a role that is installed."""
        return next(iter(self._store.installed(role)), None) if self.neural else None
