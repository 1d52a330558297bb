"""Our options as parameters of the API, and the other way round."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from faceswap_cli.errors import UsageError
from faceswap_cli.options import (
    ALL,
    DetectorOptions,
    EngineOptions,
    FaceIndex,
    GenderFilter,
    Interpolation,
    MediaFormat,
    MediaOptions,
    Order,
    RestoreOptions,
    SelectOptions,
    SwapOptions,
)
from faceswap_cli.segmind.index import read_index_list
from faceswap_cli.segmind.schema import AnyRequest, FaceswapperRequest, FaceswapV3Request

RESTORERS = {
    "codeformer-v0.1.0.pth": "codeformer",
    "GFPGANv1.4.pth": "gfpgan_1.4",
    "GFPGANv1.3.pth": "gfpgan_1.3",
}
"""The API's names of restorers, and ids of the catalogue."""

DETECTORS = {
    "retinaface_resnet50": "retinaface_resnet50",
    "retinaface_mobile0.25": "retinaface_mobile0.25",
    "YOLOv5l": "yolov5l_face",
    "YOLOv5n": "yolov5n_face",
}
"""The API's names of detectors, and ids of the catalogue."""

INTERPOLATIONS = {
    "Nearest": Interpolation.NEAREST,
    "Bilinear": Interpolation.BILINEAR,
    "Bicubic": Interpolation.BICUBIC,
    "Lanczos": Interpolation.LANCZOS,
}
"""The API's words, and ours."""

IMAGE_FORMATS = {
    "jpeg": MediaFormat.JPEG,
    "png": MediaFormat.PNG,
    "webp": MediaFormat.WEBP,
}
"""Formats that the API writes, and ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request asks of this machine.

    Attributes:
        source, target: URIs of the pictures, or base64 text.
        engine, media: Options of a job.
        warnings: What of the request cannot be had here, one line each; for the answer.
    """

    source: str
    target: str
    engine: EngineOptions
    media: MediaOptions
    warnings: tuple[str, ...] = ()


# --- from our options to a request ------------------------------------------------------------------------------------

def still_request(source: str, target: str, engine: EngineOptions, media: MediaOptions, *,
                  written_as: MediaFormat | None = None, base64: bool = False) -> FaceswapV3Request:
    """The request that swaps faces of a still. Of the options only what differs from our defaults is sent.

    Args:
        source: URI of the picture of the face to put on.
        target: URI of the picture to change.
        engine: Selection, detector and restorer; what runs locally is not looked at.
        media: Quality and format.
        written_as: The format that the command fixes by the name of its output; `media.image_format` goes first. What
            the API does not write is asked for as PNG, from which nothing is lost, and is the caller's to convert.
        base64: Ask for text instead of bytes.

    Raises:
        UsageError: An option that the API has no parameter for.
    """
    _refuse_local_options(engine)
    select, restore, ours = engine.select, engine.restore, SelectOptions()
    body: dict[str, Any] = {"source_img": source, "target_img": target}
    if base64:
        body["base64"] = True
    if select.target_gender != ours.target_gender:
        body["detect_gender_input"] = select.target_gender.value
    if select.source_gender != ours.source_gender:
        body["detect_gender_source"] = select.source_gender.value
    if select.order != ours.order:
        body["detection_face_order"] = select.order.value
    if restore.model is not None:
        body["face_restore"] = _api_name(RESTORERS, restore.model, "--restore")
    if restore.weight != RestoreOptions().weight:
        body["face_restore_weight"] = restore.weight
    if engine.detector.model is not None:
        body["facedetection"] = _api_name(DETECTORS, engine.detector.model, "--detector")
    wanted = media.image_format or written_as
    if wanted is not None:
        body["image_format"] = wanted.value if wanted in IMAGE_FORMATS.values() else MediaFormat.PNG.value
    if media.image_quality != MediaOptions().image_quality:
        body["image_quality"] = media.image_quality
    if select.target_index is not None:
        body["input_faces_index"] = _index_list(select.target_index, "--target-index")
    if restore.interpolation != RestoreOptions().interpolation:
        body["interpolation"] = restore.interpolation.value.capitalize()
    if select.source_index is not None:
        body["source_faces_index"] = _index_list(select.source_index, "--source-index")
    return FaceswapV3Request.parse(body)


def animation_request(source: str, target: str, engine: EngineOptions, *,
                      file_type: str | None = None) -> FaceswapperRequest:
    """The request that swaps faces of an animation.

    Args:
        source: URI of the picture of the face to put on.
        target: URI of the animation to change.
        engine: `restore.if_available`, which is on for animations, is the API's own default; without it and without a
            model the API is told not to restore.
        file_type: The kind of the target, such as `gif`.

    Raises:
        UsageError: An option that the API has no parameter for, which are nearly all.
    """
    _refuse_local_options(engine)
    select, restore, ours = engine.select, engine.restore, SelectOptions()
    alone = {
        "--order": select.order != ours.order,
        "--target-index": select.target_index is not None,
        "--source-index": select.source_index is not None,
        "--target-gender": select.target_gender != ours.target_gender,
        "--source-gender": select.source_gender != ours.source_gender,
        "--detector": engine.detector.model is not None,
        "--restore": restore.model is not None,
        "--restore-weight": restore.weight != RestoreOptions().weight,
        "--interpolation": restore.interpolation != RestoreOptions().interpolation,
    }
    _refuse_first(alone, "for animations")
    body: dict[str, Any] = {"input_face_image": source, "target_face_image": target}
    if not restore.if_available:
        body["face_restore"] = False
    if file_type is not None:
        body["file_type"] = file_type
    return FaceswapperRequest.parse(body)


def _refuse_local_options(engine: EngineOptions) -> None:
    """Refuse what decides the pixels and cannot be told to the API. What only runs them is left for a fallback."""
    swap, detector = SwapOptions(), DetectorOptions()
    _refuse_first({
        "--swapper": engine.swap.model is not None,
        "--swap-size": engine.swap.size is not None,
        "--mask": engine.swap.masks != swap.masks,
        "--keep-mouth": engine.swap.keep_mouth,
        "--detector-size": engine.detector.size != detector.size,
        "--detector-score": engine.detector.score != detector.score,
        "--restore-visibility": engine.restore.visibility != RestoreOptions().visibility,
    }, "")


def _refuse_first(given: dict[str, bool], where: str) -> None:
    for option, is_given in given.items():
        if is_given:
            what = " ".join(filter(None, ("the API has no parameter for it", where)))
            raise UsageError(f"{option} cannot be used with --remote: {what}; leave one of the two out")


def _api_name(table: dict[str, str], name: str, option: str) -> str:
    """The API's name of a model that the user named by any of its names."""
    from faceswap_cli.models.catalogue import find_spec

    known = {ours: theirs for theirs, ours in table.items()}
    found = name if name in known else find_spec(name).id
    if found not in known:
        raise UsageError(f"{option} {name} cannot be used with --remote; the API has {', '.join(table)}")
    return known[found]


def _index_list(index: FaceIndex, option: str) -> str:
    if index is None or isinstance(index, str):
        if index == ALL:
            raise UsageError(f"{option} {ALL} cannot be used with --remote: the API takes numbers; "
                             "list them, such as 0,1,2")
        return index or "0"
    return ",".join(map(str, index))


# --- from a request to our options ------------------------------------------------------------------------------------

def read_request(request: AnyRequest, engine: EngineOptions, media: MediaOptions, *,
                 installed: Collection[str] = ()) -> Asked:
    """What a request asks for, as options of a job.

    A restorer or detector that is not installed is no error: the swap is done with what there is, and `warnings` say
    so.

    Args:
        request: As it was parsed.
        engine: The server's own: which engine runs, and on what. The request decides the rest.
        media: The server's own bounds.
        installed: Ids of the restorers and detectors that the engine can run; none for the embedded engine.
    """
    warnings: list[str] = []
    if isinstance(request, FaceswapperRequest):
        restore = RestoreOptions()
        if request.face_restore:
            restore = _restore("codeformer-v0.1.0.pth", False, restore, installed, warnings)
        asked = replace(engine, select=SelectOptions(target_index=(0,), source_index=(0,)), restore=restore)
        return Asked(source=request.input_face_image, target=request.target_face_image, engine=asked, media=media,
                     warnings=tuple(warnings))
    restore = RestoreOptions(weight=request.face_restore_weight, interpolation=INTERPOLATIONS[request.interpolation])
    asked = replace(
        engine,
        select=SelectOptions(
            order=Order(request.detection_face_order),
            # A face can be replaced only once, and the API's grammar allows a number twice.
            target_index=tuple(dict.fromkeys(read_index_list(request.input_faces_index))),
            source_index=read_index_list(request.source_faces_index),
            target_gender=GenderFilter(request.detect_gender_input),
            source_gender=GenderFilter(request.detect_gender_source)),
        detector=_detector(request, engine.detector, installed, warnings),
        restore=_restore(request.face_restore, "face_restore" in request.given, restore, installed, warnings))
    written = replace(media, image_format=IMAGE_FORMATS[request.image_format], image_quality=request.image_quality)
    return Asked(source=request.source_img, target=request.target_img, engine=asked, media=written,
                 warnings=tuple(warnings))


def _restore(name: str, named: bool, options: RestoreOptions, installed: Collection[str],
             warnings: list[str]) -> RestoreOptions:
    if RESTORERS[name] in installed:
        return replace(options, model=RESTORERS[name])
    others = [ours for ours in RESTORERS.values() if ours in installed]
    if not others:
        warnings.append("faces are not restored: this server has no restorer")
        return options
    if named:
        warnings.append(f"face_restore: {name} is not installed on this server; {others[0]} restores")
    return replace(options, model=others[0])


def _detector(request: FaceswapV3Request, own: DetectorOptions, installed: Collection[str],
              warnings: list[str]) -> DetectorOptions:
    wanted = DETECTORS[request.facedetection]
    if wanted in installed:
        return replace(own, model=wanted)
    if "facedetection" in request.given:
        warnings.append(f"facedetection: {request.facedetection} is not installed on this server; its own detector "
                        "finds the faces")
    return own
