"""What the server answers when it does not do what was asked: one shape, and words for clients of an API."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from faceswap_cli.errors import FaceswapError
from faceswap_cli.text import as_field, marked_options, spell

INTERNAL = "internal error"
TIMED_OUT = "inference timed out"
STOPPING = "the server is stopping; try again in a moment"

_FIELDS = {"target-index": "input_faces_index", "source-index": "source_faces_index",
           "target-gender": "detect_gender_input", "source-gender": "detect_gender_source",
           "order": "detection_face_order", "detector": "facedetection", "restore": "face_restore",
           "restore-weight": "face_restore_weight", "interpolation": "interpolation", "image-format": "image_format",
           "image-quality": "image_quality"}
"""What requests call those options that they can set."""


class HttpError(Exception):
    """An answer that is an error.

    Attributes:
        status: Of HTTP.
        message: One line.
        retry_after: Seconds after which the client may try again; None: not said.
    """

    def __init__(self, status: int, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.retry_after = retry_after


def in_api_words(marked: str) -> str:
    """A marked text as a client reads it, without what only those who run the server can do."""
    return spell(marked, lambda name, value: as_field(_FIELDS.get(name, name), value), at_home=False)


def explain(error: FaceswapError, names: Mapping[str, str] = MappingProxyType({})) -> str:
    """An error of a job as the client reads it.

    Args:
        error: Of the engine, of reading or writing.
        names: What the client calls the files that are named in it.
    """
    can_do = set(marked_options(error.advice)) <= _FIELDS.keys()
    said = map(in_api_words, (error.calling(names).message, error.advice if can_do else ""))
    return "; ".join(filter(None, said))


def renamed(message: str, names: dict[str, str]) -> str:
    """The message with the names that the client knows in the place of paths of this machine."""
    for path, name in names.items():
        message = message.replace(path, name)
    return message
