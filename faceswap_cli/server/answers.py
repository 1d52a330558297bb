"""The shape of answers: JSON in ASCII, and errors that are all alike."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from faceswap_cli.segmind.schema import error_json
from faceswap_cli.server.failures import INTERNAL, HttpError

_WORDS = {404: "not found", 405: "method not allowed", 400: "bad request"}


class JsonAnswer(Response):
    """A JSON object. ASCII, so that text from a client which no encoding can hold breaks nothing."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The bytes."""
        return json.dumps(content, allow_nan=False).encode("ascii")


def error_answer(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """An error, in the one shape that all errors have."""
    return JsonAnswer(error_json(message), status_code=status, headers=dict(headers or {}))


async def answer_api_error(request: Request, error: Exception) -> Response:
    """What the server refuses."""
    assert isinstance(error, HttpError)
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    return error_answer(error.status, error.message, headers)


async def answer_framework_error(request: Request, error: Exception) -> Response:
    """What the framework refuses: paths and methods that there are not."""
    assert isinstance(error, HTTPException)
    words = _WORDS.get(error.status_code, str(error.detail))
    return error_answer(error.status_code, f"{words}: {request.method} {request.url.path[:100]}", error.headers)


async def answer_bug(request: Request, error: Exception) -> Response:
    """What was not foreseen; the server logs it."""
    return error_answer(500, INTERNAL)
