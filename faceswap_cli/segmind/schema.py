"""The contract as records: what is asked of the API and what it answers. Client and server share them.

A request is made by `parse` alone, on both sides: the client checks what it is about to send by the rules by which a
server judges it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Self

from faceswap_cli.segmind.fields import (
    REQUIRED,
    ChoiceField,
    Field,
    FieldError,
    IndexField,
    IntegerField,
    NumberField,
    PictureField,
    SwitchField,
    TextField,
    read_fields,
)

GENDERS = ("no", "female", "male")
ORDERS = ("large-small", "small-large", "top-bottom", "bottom-top", "left-right", "right-left")
RESTORERS = ("codeformer-v0.1.0.pth", "GFPGANv1.4.pth", "GFPGANv1.3.pth")
DETECTORS = ("retinaface_resnet50", "retinaface_mobile0.25", "YOLOv5l", "YOLOv5n")
IMAGE_FORMATS = ("jpeg", "png", "webp")
INTERPOLATIONS = ("Nearest", "Bilinear", "Bicubic", "Lanczos")

RETENTION = 3600.0
"""Seconds that a request is kept."""

WARNINGS_HEADER = "x-faceswap-warnings"
"""Of a v1 answer of `faceswap serve`: a JSON array of lines, in ASCII."""


class Slug(StrEnum):
    """The models, as addresses name them."""

    FACESWAP_V3 = "faceswap-v3"
    FACESWAPPER = "sd2.1-faceswapper"


class State(StrEnum):
    """How far a request is."""

    QUEUED = "QUEUED"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class AnswerError(ValueError):
    """An answer that is not what the contract says; the message continues `the API answered with`."""


@dataclass(frozen=True, slots=True)
class Request:
    """What both requests share. Fields that were not given have the API's default.

    Attributes:
        given: Names of the fields that were given; only these are sent.
        unknown: Names that the API does not know; ignored, to be logged once.
    """

    slug: ClassVar[Slug]
    fields: ClassVar[tuple[Field, ...]]

    given: frozenset[str] = field(default=frozenset(), kw_only=True)
    unknown: tuple[str, ...] = field(default=(), kw_only=True, compare=False)

    @classmethod
    def parse(cls, body: object) -> Self:
        """The request of a JSON object.

        Raises:
            FieldError: A field is missing, or its value is not what the API takes; one line that says what it takes.
        """
        values, unknown = read_fields(cls.fields, body)
        defaults = {row.name: row.default for row in cls.fields if row.default is not REQUIRED}
        return cls(**(defaults | values), given=frozenset(values), unknown=unknown)

    def to_json(self) -> dict[str, Any]:
        """The JSON object to send: what was given and nothing else."""
        return {row.name: getattr(self, row.name) for row in self.fields if row.name in self.given}

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """The JSON Schema of the body."""
        return {"type": "object", "properties": {row.name: row.schema() for row in cls.fields},
                "required": [row.name for row in cls.fields if row.default is REQUIRED]}


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceswapV3Request(Request):
    """A request to `faceswap-v3`: stills. `source_img` gives the face, `target_img` is changed.

    Pictures are left out of the repr: they may be whole files, or addresses that are secrets.
    """

    source_img: str = field(repr=False)
    target_img: str = field(repr=False)
    base64: bool
    detect_gender_input: str
    detect_gender_source: str
    detection_face_order: str
    face_restore: str
    face_restore_weight: float
    facedetection: str
    image_format: str
    image_quality: int
    input_faces_index: str
    interpolation: str
    source_faces_index: str

    slug = Slug.FACESWAP_V3
    fields = (
        PictureField("source_img", REQUIRED, "the face to put in; a close-up is best"),
        PictureField("target_img", REQUIRED, "the picture to change"),
        SwitchField("base64", False, "answer with base64 text instead of image bytes or an address"),
        ChoiceField("detect_gender_input", "no", "only faces of target_img that look so are replaced", GENDERS),
        ChoiceField("detect_gender_source", "no", "only faces of source_img that look so are used", GENDERS),
        ChoiceField("detection_face_order", "large-small", "how faces are counted, from 0, in both pictures", ORDERS),
        ChoiceField("face_restore", "codeformer-v0.1.0.pth", "what restores the swapped faces", RESTORERS),
        NumberField(name="face_restore_weight", default=0.75, about="how strongly faces are restored", low=0.0,
                    high=1.0),
        ChoiceField("facedetection", "retinaface_resnet50", "what finds the faces", DETECTORS),
        ChoiceField("image_format", "jpeg", "the format of the result", IMAGE_FORMATS),
        IntegerField(name="image_quality", default=95, about="the quality of JPEG and WebP", low=10, high=100),
        IndexField("input_faces_index", "0", "the faces of target_img to replace"),
        ChoiceField("interpolation", "Bilinear", "how a face is resized to be restored", INTERPOLATIONS),
        IndexField("source_faces_index", "0", "the faces of source_img to use; several are dealt out in turn"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceswapperRequest(Request):
    """A request to `sd2.1-faceswapper`: stills and GIFs. `input_face_image` gives the face."""

    input_face_image: str = field(repr=False)
    target_face_image: str = field(repr=False)
    face_restore: bool
    file_type: str

    slug = Slug.FACESWAPPER
    fields = (
        PictureField("input_face_image", REQUIRED, "the face to put in; a close-up is best"),
        PictureField("target_face_image", REQUIRED, "the picture or GIF to change"),
        SwitchField("face_restore", True, "restore the swapped faces"),
        TextField("file_type", "png", "the kind of target_face_image, such as gif"),
    )


AnyRequest = FaceswapV3Request | FaceswapperRequest

REQUESTS: dict[Slug, type[FaceswapV3Request] | type[FaceswapperRequest]] = {
    Slug.FACESWAP_V3: FaceswapV3Request,
    Slug.FACESWAPPER: FaceswapperRequest,
}


def parse_request(slug: Slug, body: object) -> AnyRequest:
    """The request of a JSON object that was sent to a model.

    Raises:
        FieldError: As `Request.parse`.
    """
    return REQUESTS[slug].parse(body)


def decode_body(data: bytes) -> dict[str, Any]:
    """The JSON object of a request's body.

    Raises:
        FieldError: The bytes are no JSON, or no object.
    """
    try:
        body = _decode(data)
    except ValueError as error:
        raise FieldError("the body must be valid JSON in UTF-8") from error
    if not isinstance(body, dict):
        raise FieldError("the body must be a JSON object")
    return body


def decode_answer(data: bytes) -> dict[str, Any]:
    """The JSON object of an answer's body.

    Raises:
        AnswerError: The bytes are no JSON, or no object.
    """
    try:
        body = _decode(data)
    except ValueError as error:
        raise AnswerError("something that is not JSON") from error
    if not isinstance(body, dict):
        raise AnswerError("JSON that is not an object")
    return body


@dataclass(frozen=True, slots=True)
class SubmitAnswer:
    """Answer of `POST /v2/{slug}`.

    Attributes:
        request_id: Names the request.
        status_url: Where its state is asked for.
        response_url: Where its result is fetched.
        status: `QUEUED`; a client ignores it.
    """

    request_id: str
    status_url: str
    response_url: str
    status: State = State.QUEUED

    @classmethod
    def parse(cls, body: dict[str, Any]) -> SubmitAnswer:
        """The answer of a JSON object.

        Raises:
            AnswerError: A field is missing or empty.
        """
        return cls(_text(body, "request_id"), _text(body, "status_url"), _text(body, "response_url"))

    def to_json(self) -> dict[str, Any]:
        """The JSON object."""
        return {"request_id": self.request_id, "status": self.status.value, "status_url": self.status_url,
                "response_url": self.response_url}


@dataclass(frozen=True, slots=True)
class StateAnswer:
    """Answer of `GET /v2/requests/{id}/status`.

    Attributes:
        request_id: Names the request.
        state: How far it is.
        error: Why it failed; a string when it did.
        inference_time: Seconds of computing, once it is over.
    """

    request_id: str
    state: State
    error: str | None = None
    inference_time: float | None = None

    @property
    def http_status(self) -> int:
        """422 for a failed request, else 200."""
        return 422 if self.state is State.FAILED else 200

    def to_json(self) -> dict[str, Any]:
        """The JSON object; `error` is there for a failed request only."""
        metrics = {} if self.inference_time is None else {"inference_time": self.inference_time}
        body: dict[str, Any] = {"status": self.state.value, "request_id": self.request_id, "metrics": metrics}
        if self.state is State.FAILED:
            body["error"] = self.error or "inference failed"
        return body


@dataclass(frozen=True, slots=True)
class ResultAnswer:
    """Answer of `GET /v2/requests/{id}` for a request that is completed.

    Attributes:
        request_id: Names the request.
        output: An absolute address of the picture, or its bytes as base64 text.
        inference_time: Seconds of computing.
        warnings: What else is to be said, such as that faces were not restored; only `faceswap serve` sends it.
    """

    request_id: str
    output: str
    inference_time: float
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The JSON object."""
        body: dict[str, Any] = {"status": State.COMPLETED.value, "request_id": self.request_id, "error": None,
                                "metrics": {"inference_time": self.inference_time}, "output": self.output}
        return body | ({"warnings": list(self.warnings)} if self.warnings else {})


@dataclass(frozen=True, slots=True)
class UploadAnswer:
    """Answer of `POST /upload-asset`: one address for each file, in their order."""

    file_urls: tuple[str, ...]
    message: str = ""

    @classmethod
    def parse(cls, body: dict[str, Any], count: int) -> UploadAnswer:
        """The answer of a JSON object, `file_urls` or `urls`.

        Args:
            body: The object.
            count: How many files were sent.

        Raises:
            AnswerError: There are not that many addresses.
        """
        urls = body.get("file_urls") or body.get("urls")
        if not isinstance(urls, list) or len(urls) != count or not all(isinstance(url, str) and url for url in urls):
            raise AnswerError(f"no list of {count} file_urls")
        return cls(tuple(urls))

    def to_json(self) -> dict[str, Any]:
        """The JSON object; under both names."""
        urls = list(self.file_urls)
        return {"file_urls": urls, "urls": urls, "message": self.message or f"{len(urls)} files stored"}


def error_json(message: str) -> dict[str, Any]:
    """The body of every error: a string at the top level, on one line."""
    return {"error": " ".join(message.split()) or "unknown error"}


def read_error(body: object) -> str | None:
    """The API's own words in the body of an error; None where there are none."""
    if isinstance(body, dict):
        for name in ("error", "message", "detail"):
            words = body.get(name)
            if isinstance(words, str) and words.strip():
                return words
    return None


def write_warnings(warnings: tuple[str, ...]) -> str:
    """The value of `WARNINGS_HEADER`."""
    return json.dumps(list(warnings), ensure_ascii=True)


def read_warnings(value: object) -> tuple[str, ...]:
    """Warnings of a JSON array, or of the text of one; nothing where it is none."""
    if isinstance(value, str):
        try:
            value = _decode(value.encode("utf-8", "replace"))
        except ValueError:
            return ()
    if not isinstance(value, list):
        return ()
    return tuple(line for line in value if isinstance(line, str) and line.strip())


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise AnswerError(f"no {name}")
    return value


def _decode(data: bytes) -> Any:
    """The JSON value of some bytes; raises ValueError: they are not JSON, not UTF-8, or nested beyond reason."""
    try:
        return json.loads(data.decode("utf-8"), parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _refuse(word: str) -> None:
    """NaN and Infinity, which Python reads and JSON has not."""
    raise ValueError(word)
