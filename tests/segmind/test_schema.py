"""The records of the contract: what is taken, what is refused and how that is said, and what is written."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceswap_cli.errors import ExitCode
from faceswap_cli.segmind.fields import FieldError, is_index_list, read_index_list
from faceswap_cli.segmind.schema import (
    DETECTORS,
    ORDERS,
    AnswerError,
    FaceswapperRequest,
    FaceswapV3Request,
    ResultAnswer,
    Slug,
    State,
    StateAnswer,
    SubmitAnswer,
    UploadAnswer,
    decode_answer,
    decode_body,
    error_json,
    parse_request,
    read_error,
    read_warnings,
    write_warnings,
)

PICTURES = {"source_img": "https://example.org/face.jpg", "target_img": "https://example.org/scene.jpg"}
SWAPPER_PICTURES = {"input_face_image": "https://example.org/a.jpg", "target_face_image": "https://example.org/b.gif"}


def test_what_is_not_given_has_the_apis_default_and_is_not_sent() -> None:
    request = FaceswapV3Request.parse(PICTURES)
    assert request.to_json() == PICTURES
    values = {name: getattr(request, name) for name in (row.name for row in request.fields) if name not in PICTURES}
    assert values == {
        "base64": False, "detect_gender_input": "no", "detect_gender_source": "no",
        "detection_face_order": "large-small", "face_restore": "codeformer-v0.1.0.pth", "face_restore_weight": 0.75,
        "facedetection": "retinaface_resnet50", "image_format": "jpeg", "image_quality": 95, "input_faces_index": "0",
        "interpolation": "Bilinear", "source_faces_index": "0"}
    other = FaceswapperRequest.parse(SWAPPER_PICTURES)
    assert (other.face_restore, other.file_type, other.to_json()) == (True, "png", SWAPPER_PICTURES)


def test_null_is_not_given() -> None:
    assert FaceswapV3Request.parse(PICTURES | {"base64": None, "image_quality": None}).to_json() == PICTURES
    with pytest.raises(FieldError, match=r"^source_img is required$"):
        FaceswapV3Request.parse(PICTURES | {"source_img": None})


def test_a_default_that_was_given_is_sent() -> None:
    assert FaceswapV3Request.parse(PICTURES | {"image_quality": 95}).to_json() == PICTURES | {"image_quality": 95}


@pytest.mark.parametrize(("field", "value", "message"), [
    ("source_img", "", "source_img must be a string: an http, https or data URI, or base64"),
    ("source_img", 7, "source_img must be a string: an http, https or data URI, or base64"),
    ("target_img", "\ud800", "target_img must be a string: an http, https or data URI, or base64"),
    ("base64", "true", "base64 must be true or false"),
    ("base64", 1, "base64 must be true or false"),
    ("detect_gender_input", "Female", "detect_gender_input must be one of no, female, male"),
    ("detect_gender_source", "", "detect_gender_source must be one of no, female, male"),
    ("detection_face_order", "big-small", "detection_face_order must be one of " + ", ".join(ORDERS)),
    ("face_restore", True, "face_restore must be one of codeformer-v0.1.0.pth, GFPGANv1.4.pth, GFPGANv1.3.pth"),
    ("face_restore", "gfpganv1.4.pth", "face_restore must be one of codeformer-v0.1.0.pth, GFPGANv1.4.pth, "
                                       "GFPGANv1.3.pth"),
    ("face_restore_weight", 1.01, "face_restore_weight must be a number from 0 to 1"),
    ("face_restore_weight", -0.01, "face_restore_weight must be a number from 0 to 1"),
    ("face_restore_weight", float("nan"), "face_restore_weight must be a number from 0 to 1"),
    ("face_restore_weight", True, "face_restore_weight must be a number from 0 to 1"),
    ("face_restore_weight", "0.5", "face_restore_weight must be a number from 0 to 1"),
    ("facedetection", "yolov5l", "facedetection must be one of " + ", ".join(DETECTORS)),
    ("image_format", "PNG", "image_format must be one of jpeg, png, webp"),
    ("image_format", "jpg", "image_format must be one of jpeg, png, webp"),
    ("image_quality", 9, "image_quality must be an integer from 10 to 100"),
    ("image_quality", 101, "image_quality must be an integer from 10 to 100"),
    ("image_quality", 90.5, "image_quality must be an integer from 10 to 100"),
    ("image_quality", float("inf"), "image_quality must be an integer from 10 to 100"),
    ("image_quality", "95", "image_quality must be an integer from 10 to 100"),
    ("image_quality", True, "image_quality must be an integer from 10 to 100"),
    ("interpolation", "bilinear", "interpolation must be one of Nearest, Bilinear, Bicubic, Lanczos"),
    ("input_faces_index", "all", "input_faces_index must be face numbers from 0 with commas between them, such as 0 "
                                 "or 0,2"),
    ("source_faces_index", [0], "source_faces_index must be face numbers from 0 with commas between them, such as 0 "
                                "or 0,2"),
])
def test_a_wrong_value_is_told_with_what_would_be_right(field: str, value: object, message: str) -> None:
    with pytest.raises(FieldError) as caught:
        FaceswapV3Request.parse(PICTURES | {field: value})
    assert str(caught.value) == message
    assert caught.value.field == field
    assert caught.value.exit_code == ExitCode.USAGE


@pytest.mark.parametrize(("field", "value", "read"), [
    ("image_quality", 10, 10), ("image_quality", 100, 100), ("image_quality", 80.0, 80),
    ("face_restore_weight", 0, 0.0), ("face_restore_weight", 1, 1.0),
    ("input_faces_index", 2, "2"), ("input_faces_index", " 0 , 1 ", " 0 , 1 "),
    ("source_img", " https://example.org/a.jpg\n", "https://example.org/a.jpg"),
    ("base64", True, True),
])
def test_the_edges_of_what_is_taken(field: str, value: object, read: object) -> None:
    assert getattr(FaceswapV3Request.parse(PICTURES | {field: value}), field) == read


@pytest.mark.parametrize(("field", "value", "message"), [
    ("face_restore", "codeformer-v0.1.0.pth", "face_restore must be true or false"),
    ("file_type", "", "file_type must be a string that is not empty"),
    ("file_type", 1, "file_type must be a string that is not empty"),
    ("input_face_image", [], "input_face_image must be a string: an http, https or data URI, or base64"),
])
def test_the_other_model_has_other_types(field: str, value: object, message: str) -> None:
    with pytest.raises(FieldError) as caught:
        FaceswapperRequest.parse(SWAPPER_PICTURES | {field: value})
    assert str(caught.value) == message


def test_unknown_fields_are_ignored_and_listed_for_the_log() -> None:
    request = FaceswapV3Request.parse(PICTURES | {"seed": 1, "a\nb": 2, "x" * 100: 3})
    assert request.unknown == ("seed", "a?b", "x" * 40 + "...")
    assert request.to_json() == PICTURES
    assert request == FaceswapV3Request.parse(PICTURES)


@pytest.mark.parametrize("body", [None, [], "text", 1])
def test_a_body_that_is_no_object_is_refused(body: object) -> None:
    for slug in Slug:
        with pytest.raises(FieldError, match="the body must be a JSON object"):
            parse_request(slug, body)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 200_000, b'{"a": NaN}', b"{'a': 1}", b"[1]", b"null",
                                  b"1" * 5000])
def test_bytes_that_are_no_json_object_are_refused_on_both_sides(data: bytes) -> None:
    with pytest.raises(FieldError, match="the body must be"):
        decode_body(data)
    with pytest.raises(AnswerError, match="JSON"):
        decode_answer(data)


def test_pictures_are_not_in_the_repr() -> None:
    """They may be whole files, or addresses that open a private store."""
    request = FaceswapV3Request.parse(PICTURES | {"source_img": "data:image/png;base64,SECRET"})
    assert "SECRET" not in repr(request)
    assert "example.org" not in repr(FaceswapperRequest.parse(SWAPPER_PICTURES))


def test_requests_go_between_processes() -> None:
    request = FaceswapV3Request.parse(PICTURES | {"image_quality": 50})
    assert pickle.loads(pickle.dumps(request)).to_json() == request.to_json()  # noqa: S301


_ANY_JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
                         lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5)


@given(st.dictionaries(st.sampled_from([row.name for row in FaceswapV3Request.fields]), _ANY_JSON))
def test_any_value_is_read_or_refused_by_name_on_one_line(values: dict[str, Any]) -> None:
    try:
        request = FaceswapV3Request.parse(PICTURES | values)
    except FieldError as error:
        assert error.field in str(error)
        assert "\n" not in str(error)
    else:
        assert FaceswapV3Request.parse(json.loads(json.dumps(request.to_json()))) == request


@pytest.mark.parametrize(("text", "numbers"), [
    ("0", (0,)), ("2,0", (2, 0)), (" 1 ,\t2 ", (1, 2)), ("0,0,1", (0, 0, 1)), ("007", (7,)),
    ("999999999", (999999999,)),
])
def test_index_lists(text: str, numbers: tuple[int, ...]) -> None:
    assert is_index_list(text)
    assert read_index_list(text) == numbers


@pytest.mark.parametrize("text", ["", " ", ",", "0,", ",0", "0,,1", "-1", "+1", "1.0", "a", "0;1", "0 1", "٣", "²",
                                  "1" * 5000, "0\x00"])
def test_what_is_no_index_list(text: str) -> None:
    assert not is_index_list(text)


def test_answers_as_the_contract_writes_them() -> None:
    base = "https://example.org/v2/requests/1"
    submitted = SubmitAnswer("1", f"{base}/status", base)
    assert submitted.to_json() == {"request_id": "1", "status": "QUEUED", "status_url": f"{base}/status",
                                   "response_url": base}
    assert SubmitAnswer.parse(submitted.to_json()) == submitted
    assert StateAnswer("1", State.PROCESSING).to_json() == {"status": "PROCESSING", "request_id": "1", "metrics": {}}
    failed = StateAnswer("1", State.FAILED, "no face found in source_img", 0.21)
    assert failed.http_status == 422
    assert failed.to_json() == {"status": "FAILED", "request_id": "1", "error": "no face found in source_img",
                                "metrics": {"inference_time": 0.21}}
    assert isinstance(StateAnswer("1", State.FAILED).to_json()["error"], str)
    assert ResultAnswer("1", "https://example.org/a.jpg", 3.91).to_json() == {
        "status": "COMPLETED", "request_id": "1", "error": None, "metrics": {"inference_time": 3.91},
        "output": "https://example.org/a.jpg"}
    assert ResultAnswer("1", "x", 1.0, ("not restored",)).to_json()["warnings"] == ["not restored"]


def test_uploads_are_read_under_either_name() -> None:
    assert UploadAnswer.parse({"file_urls": ["a", "b"]}, 2).file_urls == ("a", "b")
    assert UploadAnswer.parse({"urls": ["a"]}, 1).file_urls == ("a",)
    assert UploadAnswer(("a",)).to_json() == {"file_urls": ["a"], "urls": ["a"], "message": "1 files stored"}
    for body in ({}, {"file_urls": ["a"]}, {"file_urls": "ab"}, {"file_urls": ["a", None]}, {"file_urls": ["a", ""]}):
        with pytest.raises(AnswerError, match="file_urls"):
            UploadAnswer.parse(body, 2)


def test_errors_are_one_string_at_the_top() -> None:
    assert error_json("a\n b") == {"error": "a b"}
    assert error_json("") == {"error": "unknown error"}
    assert read_error({"error": "a"}) == "a"
    assert read_error({"detail": "a"}) == "a"
    for body in ({}, [], None, {"error": {"a": 1}}, {"error": " "}, {"detail": [{"msg": "a"}]}):
        assert read_error(body) is None


def test_warnings_fit_into_a_header_and_come_back() -> None:
    lines = ("faces are not restored", "größe")
    header = write_warnings(lines)
    assert header.isascii()
    assert "\n" not in header
    assert read_warnings(header) == lines
    for value in (None, "", "text", "{}", 3, [1, None]):
        assert read_warnings(value) == ()


def test_the_schema_for_people_fits_the_parser() -> None:
    schema = FaceswapV3Request.json_schema()
    assert schema["required"] == ["source_img", "target_img"]
    assert schema["properties"]["image_quality"] == {
        "description": "the quality of JPEG and WebP", "type": "integer", "minimum": 10, "maximum": 100, "default": 95}
    defaults = {name: row["default"] for name, row in schema["properties"].items() if "default" in row}
    assert FaceswapV3Request.parse(PICTURES | defaults).to_json() == PICTURES | defaults
    json.dumps(schema)
