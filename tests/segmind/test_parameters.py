"""Our options as parameters of the API."""

from __future__ import annotations

from typing import Any

import pytest
from refusals import refused

from faceswap_cli.errors import UsageError
from faceswap_cli.models.catalogue import find_spec
from faceswap_cli.models.spec import ModelRole
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
    VideoOptions,
)
from faceswap_cli.segmind import schema
from faceswap_cli.segmind.parameters import animation_request, check_options, our_word, still_request


def sent(engine: EngineOptions, media: MediaOptions | None = None, **more: Any) -> dict[str, Any]:
    """What is sent beside the two pictures."""
    body = still_request("s", "t", engine, media or MediaOptions(), **more).to_json()
    assert (body.pop("source_img"), body.pop("target_img")) == ("s", "t")
    return body


def test_the_words_of_the_api_are_ours_and_models_of_the_catalogue() -> None:
    assert [our_word("face_restore", word) for word in schema.RESTORERS] == ["codeformer", "gfpgan_1.4", "gfpgan_1.3"]
    assert {our_word("interpolation", word) for word in schema.INTERPOLATIONS} == set(Interpolation)
    assert set(schema.IMAGE_FORMATS) <= set(MediaFormat)
    assert set(schema.ORDERS) == set(Order)
    assert set(schema.GENDERS) == set(GenderFilter)
    for parameter, role in (("face_restore", ModelRole.RESTORER), ("facedetection", ModelRole.DETECTOR)):
        for word in schema.RESTORERS if role is ModelRole.RESTORER else schema.DETECTORS:
            assert find_spec(word).id == our_word(parameter, word)
            assert find_spec(word).role is role
    assert our_word("face_restore", "gfpgan_1.4") == "gfpgan_1.4"  # ours stay


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
    with refused(UsageError, f"^{option} cannot be used with --remote"):
        sent(engine)


@pytest.mark.parametrize(("options", "flag"), [
    (EngineOptions(select=SelectOptions(reference_threshold=0.5)), "--reference-threshold"),
    (EngineOptions(models_folder="x"), "--models-dir"), (MediaOptions(keep_metadata=True), "--keep-metadata"),
    (MediaOptions(video=VideoOptions(keep_fps=False)), "--no-keep-fps"),
])
def test_whatever_is_no_parameter_nor_done_here_is_refused(options: EngineOptions | MediaOptions, flag: str) -> None:
    with refused(UsageError, f"^{flag} cannot be used with --remote"):
        check_options(options, fallback=False)


def test_what_only_runs_the_local_engine_is_kept_for_a_fallback() -> None:
    assert sent(EngineOptions(engine=EngineName.EMBEDDED, runtime=RuntimeOptions(device=1), models_folder="x")) == {}


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
    with refused(UsageError, f"^{option} cannot be used with --remote"):
        animation_request("s", "t", engine)
