"""The endpoints that run models: blocking calls, submitted requests, their states and results."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from faceswap_cli.errors import InputError
from faceswap_cli.segmind.fields import FieldError, PictureField
from faceswap_cli.segmind.schema import (
    WARNINGS_HEADER,
    AnyRequest,
    ResultAnswer,
    Slug,
    State,
    StateAnswer,
    SubmitAnswer,
    decode_body,
    parse_request,
    write_warnings,
)
from faceswap_cli.server.addresses import ServerAddresses
from faceswap_cli.server.answers import JsonAnswer
from faceswap_cli.server.bodies import BodyReader
from faceswap_cli.server.failures import TIMED_OUT, HttpError, explain
from faceswap_cli.server.files import RESULTS, FileShelf
from faceswap_cli.server.intake import check_uri
from faceswap_cli.server.keys import KeyRing
from faceswap_cli.server.options import ServerOptions
from faceswap_cli.server.queue import RequestQueue
from faceswap_cli.server.store import Ending, Store, Stored
from faceswap_cli.server.translate import check_lists

log = logging.getLogger("faceswap.serve")

_GONE = "the client went away before this was begun"


class Inference:
    """`POST /v1/{slug}`, `POST /v2/{slug}`, `GET /v2/requests/{id}/status` and `GET /v2/requests/{id}`."""

    def __init__(self, options: ServerOptions, keys: KeyRing, addresses: ServerAddresses, bodies: BodyReader,
                 store: Store, shelf: FileShelf, queue: RequestQueue, now: Callable[[], float]) -> None:
        self._options = options
        self._keys = keys
        self._addresses = addresses
        self._bodies = bodies
        self._store = store
        self._shelf = shelf
        self._queue = queue
        self._now = now
        self._logged: set[tuple[str, str]] = set()

    # --- POST ---------------------------------------------------------------------------------------------------------

    async def run(self, request: Request) -> Response:
        """`POST /v1/{slug}`: the answer is the picture."""
        stored, watched = await self._accept(request, blocking=True)
        assert watched is not None
        ending = await self._wait(request, stored.id, watched)
        if ending.state is State.FAILED or ending.file is None:
            raise HttpError(ending.status, ending.error or "inference failed", 5 if ending.status == 503 else None)
        headers = {"x-request-id": stored.id}
        if ending.warnings:
            headers[WARNINGS_HEADER] = write_warnings(ending.warnings)
        found = await run_in_threadpool(self._shelf.find, ending.file, self._now())
        if found is None:
            raise HttpError(500, "the result is gone from the disk of this server")
        kept, path = found
        # Nobody else can ask for the result of a blocking call: it goes as soon as it was sent.
        after = BackgroundTask(self._shelf.drop, kept.name)
        if stored.as_text:
            text = await run_in_threadpool(_read_text, path)
            return JsonAnswer({"image": text}, headers=headers, background=after)
        return FileResponse(path, media_type=kept.media_type, headers=headers, background=after)

    async def submit(self, request: Request) -> Response:
        """`POST /v2/{slug}`: the answer says where to ask."""
        root = self._addresses.root(request)
        stored, _ = await self._accept(request, blocking=False)
        url = f"{root}/v2/requests/{stored.id}"
        return JsonAnswer(SubmitAnswer(stored.id, f"{url}/status", url).to_json())

    async def _accept(self, request: Request, *, blocking: bool) -> tuple[Stored, Future[Ending] | None]:
        """Check a request, in the order of the contract, and have it wait for a worker."""
        owner = self.owner(request)
        async with self._bodies.reading(request) as data:
            check_content_type(request)
            asked = await run_in_threadpool(_parse, data, request.path_params["slug"])
            self._log_unknown(asked)
            body = await run_in_threadpool(json.dumps, asked.to_json(), separators=(",", ":"))
            stored = Stored(id=str(uuid.uuid4()), owner=owner, slug=asked.slug.value, blocking=blocking,
                            as_text=bool(getattr(asked, "base64", False)), state=State.QUEUED, accepted=self._now(),
                            bytes=len(body))
            return stored, await run_in_threadpool(self._queue.accept, stored, body)

    async def _wait(self, request: Request, request_id: str, watched: Future[Ending]) -> Ending:
        """The end of a blocking call; raises ApiError: it takes too long."""
        ended = asyncio.wrap_future(watched)
        gone = asyncio.ensure_future(_until_gone(request))
        try:
            await asyncio.wait((ended, gone), timeout=self._options.job_seconds, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                return ended.result()
            if gone.done():
                await run_in_threadpool(self._queue.abandon, request_id, _GONE)
                raise HttpError(499, _GONE)
            await run_in_threadpool(self._queue.abandon, request_id, TIMED_OUT)
            raise HttpError(504, TIMED_OUT)
        finally:
            gone.cancel()
            ended.cancel()
            with suppress(asyncio.CancelledError):
                await gone

    # --- GET ----------------------------------------------------------------------------------------------------------

    async def state(self, request: Request) -> Response:
        """`GET /v2/requests/{id}/status`: cheap, without the result."""
        stored = await self._find(request)
        return _state_answer(stored)

    async def result(self, request: Request) -> Response:
        """`GET /v2/requests/{id}`: the result, once there is one."""
        stored = await self._find(request)
        ending = stored.ending
        if ending is None or ending.file is None:
            return _state_answer(stored)
        if stored.as_text:
            found = await run_in_threadpool(self._shelf.find, ending.file, self._now())
            if found is None:
                raise HttpError(500, "the result is gone from the disk of this server")
            output = await run_in_threadpool(_read_text, found[1])
        else:
            output = f"{self._addresses.root(request)}{RESULTS}{ending.file}"
        return JsonAnswer(ResultAnswer(stored.id, output, ending.seconds, ending.warnings).to_json())

    async def _find(self, request: Request) -> Stored:
        """The request that is asked for; raises ApiError: it is not known, its time is over, or it is another's."""
        owner = self.owner(request)
        request_id = request.path_params["request_id"]
        stored = await run_in_threadpool(self._store.get, request_id)
        expired = stored is not None and stored.finished is not None \
            and stored.finished + self._options.retention <= self._now()
        if stored is None or expired or stored.blocking or stored.owner != owner:
            raise HttpError(404, f"Request {request_id[:64]} not found")
        return stored

    # --- both ---------------------------------------------------------------------------------------------------------

    def owner(self, request: Request) -> str:
        """Who asks.

        Raises:
            ApiError: Nobody who may.
        """
        owner = self._keys.owner(request.headers.get("x-api-key"))
        if owner is None:
            raise HttpError(401, "missing or invalid API key")
        return owner

    def _log_unknown(self, asked: AnyRequest) -> None:
        """Fields that the API does not know, each told once."""
        for name in asked.unknown[:100]:
            if (asked.slug, name) not in self._logged and len(self._logged) < 1000:
                self._logged.add((asked.slug, name))
                log.warning("a client sends the field %r, which %s does not have; it is ignored", name, asked.slug)


def check_content_type(request: Request) -> None:
    """Refuse what is not sent as JSON.

    Raises:
        ApiError: It is something else.
    """
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent != "application/json":
        raise HttpError(400, "the Content-Type must be application/json")


def _parse(data: bytes, name: str) -> AnyRequest:
    """The request of a body; raises ApiError: it is wrong; of several faults the one that the contract puts first."""
    try:
        given = decode_body(data)
        try:
            slug = Slug(name)
        except ValueError:
            raise HttpError(404, f'unknown model "{name[:64]}"') from None
        asked = parse_request(slug, given)
        check_lists(asked)
        for field in asked.fields:
            if isinstance(field, PictureField):
                check_uri(getattr(asked, field.name), field.name)
    except (FieldError, InputError) as error:
        raise HttpError(400, explain(error)) from error
    return asked


def _state_answer(stored: Stored) -> Response:
    ending = stored.ending
    answer = StateAnswer(stored.id, stored.state, ending.error if ending else None, ending.seconds if ending else None)
    return JsonAnswer(answer.to_json(), status_code=answer.http_status)


def _read_text(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode("ascii")


async def _until_gone(request: Request) -> None:
    """Ends when the client closes the connection."""
    message: dict[str, Any] = {}
    while message.get("type") != "http.disconnect":
        message = dict(await request.receive())
