"""The web page at `/`, and what it needs besides the API: the faces of a picture, and swaps of animations by number."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import tempfile
import uuid
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from faceswap_cli.errors import FaceswapError, InputError, LimitError
from faceswap_cli.segmind.fields import FieldError, PictureField
from faceswap_cli.segmind.schema import State, SubmitAnswer, decode_body
from faceswap_cli.server.addresses import ServerAddresses
from faceswap_cli.server.answers import JsonAnswer
from faceswap_cli.server.bodies import BodyReader
from faceswap_cli.server.failures import INTERNAL, HttpError, explain
from faceswap_cli.server.inference import check_content_type
from faceswap_cli.server.intake import Intake, check_uri
from faceswap_cli.server.options import ServerOptions
from faceswap_cli.server.page_request import PAGE, PageRequest
from faceswap_cli.server.queue import RequestQueue
from faceswap_cli.server.runner import BackendFactory
from faceswap_cli.server.store import Stored
from faceswap_cli.server.translate import check_lists, engine_of_page, restorers

if TYPE_CHECKING:
    from faceswap_cli.jobs.backend import FaceFinder
    from faceswap_cli.server.preview import Sight

log = logging.getLogger("faceswap.serve")

FOLDER = Path(__file__).parent / "page"

POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
          "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
"""What the page may do: run the scripts beside it, and talk to this server alone. Nothing that is in it runs."""

_NAME = re.compile(r"[a-z]{1,20}\.(?:html|css|js)")
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_FIELDS = ("source_img", "target_img")
_MOST_WAITING = 16
_LOOK_SECONDS = 30.0
_JSON_BYTES = 1024


class Page:
    """The page, its parts, and three endpoints of its own."""

    def __init__(self, options: ServerOptions, owner: Callable[[Request], str], addresses: ServerAddresses,
                 bodies: BodyReader, intake: Intake, queue: RequestQueue, open_finder: BackendFactory, work: Path,
                 now: Callable[[], float]) -> None:
        """Nothing is opened yet."""
        self._options = options
        self._owner = owner
        self._addresses = addresses
        self._bodies = bodies
        self._intake = intake
        self._queue = queue
        self._open_finder = open_finder
        self._work = work
        self._now = now
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0
        self._finder: FaceFinder[Any] | None = None

    async def file(self, request: Request) -> Response:
        """`GET /` and `GET /page/{name}`: the page and its parts, for everyone."""
        name = request.path_params.get("name", "index.html")
        content = await run_in_threadpool(_read, name)
        if content is None:
            raise HttpError(404, "the page has no such part")
        # Parts that do not fit together are worse than asking each time, on the way that this page is used.
        return Response(content, media_type=_TYPES[Path(name).suffix],
                        headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"})

    async def about(self, request: Request) -> Response:
        """`GET /page/about`: what the page offers and what it refuses at once."""
        self._owner(request)
        options = self._options
        names, any_at_all = await run_in_threadpool(restorers, options)
        return JsonAnswer({
            "restores": any_at_all, "restorers": list(names),
            "max_file": min(options.max_input, (options.max_body - _JSON_BYTES) * 3 // 4),
            "asset_seconds": options.asset_retention, "result_seconds": options.retention,
        })

    async def faces(self, request: Request) -> Response:
        """`POST /page/faces`: the faces of a picture, with the numbers that the API takes for them."""
        self._owner(request)
        if self._waiting >= _MOST_WAITING:
            raise HttpError(429, "rate limit reached, wait before repeating: others are looking at pictures",
                           retry_after=3)
        self._waiting += 1
        try:
            async with self._bodies.reading(request) as data:
                check_content_type(request)
                name, uri = await run_in_threadpool(_read_picture, data)
            async with self._turn:
                sight = await run_in_threadpool(self._look, name, uri)
        finally:
            self._waiting -= 1
        return JsonAnswer(asdict(sight))

    async def swap(self, request: Request) -> Response:
        """`POST /page/swap`: a `PageRequest`, answered as `POST /v2/{slug}` and asked after in the same way."""
        root = self._addresses.root(request)
        owner = self._owner(request)
        async with self._bodies.reading(request) as data:
            check_content_type(request)
            asked = await run_in_threadpool(_parse, data)
            body = json.dumps(asked.to_json(), separators=(",", ":"))
            stored = Stored(id=str(uuid.uuid4()), owner=owner, slug=PAGE, blocking=False, as_text=False,
                            state=State.QUEUED, accepted=self._now(), bytes=len(body))
            await run_in_threadpool(self._queue.accept, stored, body)
        url = f"{root}/v2/requests/{stored.id}"
        return JsonAnswer(SubmitAnswer(stored.id, f"{url}/status", url).to_json())

    def _look(self, name: str, uri: str) -> Sight:
        """Find the faces; one call at a time."""
        from faceswap_cli.server.preview import look

        path = self._work  # until there is a folder for it
        try:
            with tempfile.TemporaryDirectory(dir=self._work) as folder:
                path = Path(folder) / "picture"
                self._intake.take(uri, name, path)
                if self._finder is None:
                    self._finder = self._open_finder(engine_of_page(self._options))
                return look(path, name, self._options.max_pixels, self._finder,
                            min(_LOOK_SECONDS, self._options.job_seconds), source=name == _FIELDS[0])
        except InputError as error:
            raise HttpError(413 if isinstance(error, LimitError) else 400, explain(error, {str(path): name})) from error
        except FaceswapError as error:
            log.error("faces of a picture: %s: %s", type(error).__name__, error)
            raise HttpError(500, f"{INTERNAL}: the engine of this server failed") from error


def _read(name: str) -> bytes | None:
    """A part of the page by its name; None: there is none."""
    if not _NAME.fullmatch(name):
        return None
    try:
        return (FOLDER / name).read_bytes()
    except OSError:
        return None


def _read_picture(data: bytes) -> tuple[str, str]:
    """Which picture is to be looked at: the name of the field, and its URI."""
    try:
        given: dict[str, Any] = decode_body(data)
        named = [name for name in _FIELDS if given.get(name) is not None]
        if len(named) != 1:
            raise FieldError(f"give one of {' and '.join(_FIELDS)}")
        uri = PictureField(named[0], None, "").read(given[named[0]])
        check_uri(uri, named[0])
    except (FieldError, InputError) as error:
        raise HttpError(400, explain(error)) from error
    return named[0], uri


def _parse(data: bytes) -> PageRequest:
    """The request of a body; raises ApiError: it is wrong."""
    try:
        asked = PageRequest.parse(decode_body(data))
        check_lists(asked.swap)
        for name in _FIELDS:
            check_uri(getattr(asked.swap, name), name)
    except (FieldError, InputError) as error:
        raise HttpError(400, explain(error)) from error
    return asked
