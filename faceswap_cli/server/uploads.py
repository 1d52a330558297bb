"""`POST /upload-asset`, and the files that are handed out: results and uploaded pictures."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from faceswap_cli.errors import InputError, LimitError
from faceswap_cli.segmind.fields import FieldError
from faceswap_cli.segmind.schema import UploadAnswer, decode_body
from faceswap_cli.server.addresses import ServerAddresses
from faceswap_cli.server.answers import JsonAnswer
from faceswap_cli.server.bodies import BodyReader
from faceswap_cli.server.failures import HttpError, explain
from faceswap_cli.server.files import ASSETS, SUFFIXES, FileShelf
from faceswap_cli.server.inference import check_content_type
from faceswap_cli.server.intake import decode, picture_kind
from faceswap_cli.server.options import MIB, ServerOptions
from faceswap_cli.server.store import Store

_MOST_FILES = 100

_HEADERS = {"Content-Security-Policy": "default-src 'none'; sandbox", "Cache-Control": "private, max-age=3600"}
"""What is sent with pictures that strangers uploaded: whatever is in them, a browser shows a picture or nothing."""


class Files:
    """Takes pictures in, and hands pictures out."""

    def __init__(self, options: ServerOptions, owner: Callable[[Request], str], addresses: ServerAddresses,
                 bodies: BodyReader, store: Store, shelf: FileShelf, now: Callable[[], float]) -> None:
        self._options = options
        self._owner = owner
        self._addresses = addresses
        self._bodies = bodies
        self._store = store
        self._shelf = shelf
        self._now = now

    async def upload(self, request: Request) -> Response:
        """`POST /upload-asset`: all pictures are stored, or none."""
        root = self._addresses.root(request)
        self._owner(request)
        async with self._bodies.reading(request) as data:
            check_content_type(request)
            try:
                names = await run_in_threadpool(self._store_all, data)
            except (FieldError, InputError) as error:
                raise HttpError(413 if isinstance(error, LimitError) else 400, explain(error)) from error
        return JsonAnswer(UploadAnswer(tuple(f"{root}{ASSETS}{name}" for name in names)).to_json())

    async def download(self, request: Request) -> Response:
        """`GET /results/{name}` and `GET /assets/{name}`: who knows the name may have the file."""
        found = await run_in_threadpool(self._shelf.find, request.path_params["name"], self._now())
        if found is None:
            raise HttpError(404, "there is no such file, or its time is over")
        kept, path = found
        return FileResponse(path, media_type=kept.media_type, headers=_HEADERS)

    def _store_all(self, data: bytes) -> list[str]:
        urls = decode_body(data).get("data_urls")
        if isinstance(urls, str):
            urls = [urls]
        if not isinstance(urls, list) or not urls or not all(isinstance(url, str) for url in urls):
            raise FieldError("data_urls must be a list of data URLs", "data_urls")
        if len(urls) > _MOST_FILES:
            raise FieldError(f"data_urls must be at most {_MOST_FILES} data URLs", "data_urls")
        paths: list[Path] = []
        try:
            for number, url in enumerate(urls):
                name = f"data_urls[{number}]"
                if not url[:5].lower() == "data:":
                    raise InputError(f"{name} is no data URL")
                content = decode(url, name, self._options.max_input)
                path = self._shelf.new_path(SUFFIXES[picture_kind(content, name)])
                paths.append(path)
                path.write_bytes(content)
            self._check_room(sum(path.stat().st_size for path in paths))
            self._shelf.keep(paths, asset=True, expires=self._now() + self._options.asset_retention)
        except BaseException:
            self._shelf.remove([path.name for path in paths])
            raise
        return [path.name for path in paths]

    def _check_room(self, more: int) -> None:
        """Refuse uploads while there are too many; raises ApiError: there are."""
        taken, first = self._store.asset_bytes()
        if taken + more > self._options.max_assets:
            wait = 60 if first is None else max(1, math.ceil(first - self._now()))
            raise HttpError(429, f"uploads are full: {self._options.max_assets / MIB:.4g} MB are kept",
                            retry_after=wait)
