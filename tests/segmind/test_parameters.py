"""Our options as parameters of the API, and back."""

from __future__ import annotations

from typing import Any

import pytest

from faceswap_cli.cli import words
from faceswap_cli.errors import UsageError
from faceswap_cli.models.catalogue import find_spec
from faceswap_cli.models.spec import Role
from faceswap_cli.options import (
    DetectorOptions,
    EngineName,
    EngineOptions,
    GenderFilter,
    Interpolation,
    MaskKind,
    MediaFormat,
    MediaOptions,
    Order,
    RestoreOptions,
    RuntimeOptions,
    SelectOptions,
    SwapOptions,
)
from faceswap_cli.segmind import parameters, schema
from faceswap_cli.segmind.parameters import animation_request, read_request, still_request
from faceswap_cli.segmind.schema import FaceswapperRequest, FaceswapV3Request

ALL_INSTALLED = {*parameters.RESTORERS.values(), *parameters.DETECTORS.values()}


def sent(engine: EngineOptions, media: MediaOptions | None = None, **more: Any) -> dict[str, Any]:
    """What is sent beside the two pictures."""
    body = still_request("s", "t", engine, media or MediaOptions(), **more).to_json()
    assert (body.pop("source_img"), body.pop("target_img")) == ("s", "t")
    return body


def test_the_tables_cover_the_api_and_name_models_of_the_catalogue() -> None:
    assert tuple(parameters.RESTORERS) == schema.RESTORERS
    assert tuple(parameters.DETECTORS) == schema.DETECTORS
    assert tuple(parameters.INTERPOLATIONS) == schema.INTERPOLATIONS
    assert tuple(parameters.IMAGE_FORMATS) == schema.IMAGE_FORMATS
    assert set(schema.ORDERS) == set(Order)
    assert set(schema.GENDERS) == set(GenderFilter)
    assert parameters.RESTORERS == words.RESTORERS
    for theirs, ours in (parameters.RESTORERS | parameters.DETECTORS).items():
        assert find_spec(theirs).id == ours
        assert find_spec(ours).role in (Role.RESTORER, Role.DETECTOR)


def test_nothing_set_is_nothing_sent() -> None:
    assert sent(EngineOptions()) == {}


def test_everything_set_is_sent_in_the_apis_words() -> None:
    engine = EngineOptions(
        select=SelectOptions(order=Order.LEFT_RIGHT, target_index=(2, 0), source_index=(1,),
                             target_gender=GenderFilter.FEMALE, source_gender=GenderFilter.MALE),
        detector=DetectorOptions(model="yolov5n_face"),
        restore=RestoreOptions(model="gfpgan_1.4", weight=0.5, interpolation=Interpolation.LANCZOS))
    media = MediaOptions(image_format=MediaFormat.WEBP, image_quality=80)
    assert sent(engine, media, base64=True) == {
        "base64": True, "detect_gender_input": "female", "detect_gender_source": "male",
        "detection_face_order": "left-right", "face_restore": "GFPGANv1.4.pth", "face_restore_weight": 0.5,
        "facedetection": "YOLOv5n", "image_format": "webp", "image_quality": 80, "input_faces_index": "2,0",
        "interpolation": "Lanczos", "source_faces_index": "1"}


@pytest.mark.parametrize(("name", "theirs"), [
    ("codeformer", "codeformer-v0.1.0.pth"), ("gfpgan", "GFPGANv1.4.pth"), ("GFPGANv1.3.pth", "GFPGANv1.3.pth"),
])
def test_restorers_may_go_by_any_of_their_names(name: str, theirs: str) -> None:
    assert sent(EngineOptions(restore=RestoreOptions(model=name))) == {"face_restore": theirs}


@pytest.mark.parametrize(("given", "written", "wanted"), [
    (None, MediaFormat.PNG, "png"), (None, MediaFormat.JPEG, "jpeg"), (None, MediaFormat.TIFF, "png"),
    (None, MediaFormat.AVIF, "png"), (MediaFormat.WEBP, MediaFormat.PNG, "webp"), (MediaFormat.BMP, None, "png"),
])
def test_the_format_is_what_the_command_fixes(given: MediaFormat | None, written: MediaFormat | None,
                                              wanted: str) -> None:
    assert sent(EngineOptions(), MediaOptions(image_format=given), written_as=written) == {"image_format": wanted}


@pytest.mark.parametrize(("engine", "option"), [
    (EngineOptions(swap=SwapOptions(model="inswapper_128")), "--swapper"),
    (EngineOptions(swap=SwapOptions(size=256)), "--swap-size"),
    (EngineOptions(swap=SwapOptions(masks=(MaskKind.HULL,))), "--mask"),
    (EngineOptions(swap=SwapOptions(keep_mouth=True)), "--keep-mouth"),
    (EngineOptions(detector=DetectorOptions(size=320)), "--detector-size"),
    (EngineOptions(detector=DetectorOptions(score=0.6)), "--detector-score"),
    (EngineOptions(restore=RestoreOptions(visibility=0.5)), "--restore-visibility"),
    (EngineOptions(restore=RestoreOptions(model="gpen_512")), "--restore gpen_512"),
    (EngineOptions(detector=DetectorOptions(model="scrfd")), "--detector scrfd"),
    (EngineOptions(select=SelectOptions(target_index="all")), "--target-index all"),
    (EngineOptions(select=SelectOptions(source_index="all")), "--source-index all"),
])
def test_what_the_api_has_no_parameter_for_is_refused(engine: EngineOptions, option: str) -> None:
    with pytest.raises(UsageError, match=f"^{option} cannot be used with --remote"):
        sent(engine)


def test_what_only_runs_the_local_engine_is_kept_for_a_fallback() -> None:
    assert sent(EngineOptions(engine=EngineName.EMBEDDED, runtime=RuntimeOptions(threads=2), models_folder="x")) == {}


def test_an_animation_is_restored_unless_it_is_declined() -> None:
    engine = EngineOptions(restore=RestoreOptions(if_available=True))
    pictures = {"input_face_image": "s", "target_face_image": "t"}
    assert animation_request("s", "t", engine).to_json() == pictures
    assert animation_request("s", "t", engine, file_type="gif").to_json() == pictures | {"file_type": "gif"}
    assert animation_request("s", "t", EngineOptions()).to_json() == pictures | {"face_restore": False}


@pytest.mark.parametrize(("engine", "option"), [
    (EngineOptions(select=SelectOptions(order=Order.LEFT_RIGHT)), "--order"),
    (EngineOptions(select=SelectOptions(target_index=(0,))), "--target-index"),
    (EngineOptions(restore=RestoreOptions(model="codeformer")), "--restore"),
    (EngineOptions(restore=RestoreOptions(weight=0.5)), "--restore-weight"),
])
def test_the_model_for_animations_takes_nearly_nothing(engine: EngineOptions, option: str) -> None:
    with pytest.raises(UsageError, match=f"^{option} cannot be used with --remote"):
        animation_request("s", "t", engine)


def test_a_request_comes_back_as_the_options_it_was_made_of() -> None:
    engine = EngineOptions(
        select=SelectOptions(order=Order.TOP_BOTTOM, target_index=(2, 0), source_index=(1, 1),
                             target_gender=GenderFilter.MALE, source_gender=GenderFilter.FEMALE),
        detector=DetectorOptions(model="yolov5l_face"),
        restore=RestoreOptions(model="gfpgan_1.3", weight=0.25, interpolation=Interpolation.NEAREST))
    media = MediaOptions(image_format=MediaFormat.PNG, image_quality=70)
    asked = read_request(still_request("s", "t", engine, media), EngineOptions(), MediaOptions(),
                         installed=ALL_INSTALLED)
    assert (asked.source, asked.target, asked.engine, asked.media, asked.warnings) == ("s", "t", engine, media, ())


def test_a_request_of_defaults_asks_for_what_the_api_does() -> None:
    request = FaceswapV3Request.parse({"source_img": "s", "target_img": "t"})
    asked = read_request(request, EngineOptions(), MediaOptions(max_pixels=1000), installed=ALL_INSTALLED)
    assert asked.engine.select == SelectOptions(target_index=(0,), source_index=(0,))
    assert asked.engine.restore.model == "codeformer"
    assert asked.engine.detector.model == "retinaface_resnet50"
    assert asked.media == MediaOptions(image_format=MediaFormat.JPEG, image_quality=95, max_pixels=1000)


@pytest.mark.parametrize("body", [{}, {"face_restore": "GFPGANv1.4.pth"}])
def test_without_a_restorer_the_swap_is_done_and_the_answer_says_so(body: dict[str, str]) -> None:
    request = FaceswapV3Request.parse({"source_img": "s", "target_img": "t"} | body)
    asked = read_request(request, EngineOptions(engine=EngineName.EMBEDDED), MediaOptions())
    assert asked.engine.restore.model is None
    assert not asked.engine.restore.if_available
    assert asked.warnings == ("faces are not restored: this server has no restorer",)
    assert asked.engine.engine is EngineName.EMBEDDED
    assert asked.engine.detector.model is None


def test_another_restorer_steps_in_and_that_is_told_where_one_was_named() -> None:
    pictures = {"source_img": "s", "target_img": "t"}
    installed = {"gfpgan_1.4"}
    silent = read_request(FaceswapV3Request.parse(pictures), EngineOptions(), MediaOptions(), installed=installed)
    assert (silent.engine.restore.model, silent.warnings) == ("gfpgan_1.4", ())
    named = FaceswapV3Request.parse(pictures | {"face_restore": "GFPGANv1.3.pth", "facedetection": "YOLOv5l"})
    told = read_request(named, EngineOptions(), MediaOptions(), installed=installed)
    assert told.engine.restore.model == "gfpgan_1.4"
    assert [line.partition(":")[0] for line in told.warnings] == ["facedetection", "face_restore"]


def test_a_target_face_is_replaced_only_once() -> None:
    """The API's grammar allows a number twice; the selection of targets does not."""
    request = FaceswapV3Request.parse({"source_img": "s", "target_img": "t", "input_faces_index": "1,0,1",
                                       "source_faces_index": "0,0"})
    select = read_request(request, EngineOptions(), MediaOptions()).engine.select
    assert (select.target_index, select.source_index) == ((1, 0), (0, 0))


@pytest.mark.parametrize(("restore", "model"), [(None, "codeformer"), (True, "codeformer"), (False, None)])
def test_the_other_model_restores_by_a_switch(restore: bool | None, model: str | None) -> None:
    request = FaceswapperRequest.parse({"input_face_image": "s", "target_face_image": "t", "face_restore": restore})
    asked = read_request(request, EngineOptions(), MediaOptions(), installed=ALL_INSTALLED)
    assert (asked.engine.restore.model, asked.media.image_format) == (model, None)
    without = read_request(request, EngineOptions(), MediaOptions())
    assert bool(without.warnings) == (model is not None)
