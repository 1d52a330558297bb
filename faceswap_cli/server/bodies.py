"""Reading what clients send, within limits of size and time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from starlette.requests import Request

from faceswap_cli.server.failures import HttpError
from faceswap_cli.server.options import MIB, ServerOptions

_SMALL = MIB
_LARGE_AT_ONCE = 4


class BodyReader:
    """Reads bodies; of large ones only a few at once, so that memory is bounded."""

    def __init__(self, options: ServerOptions) -> None:
        """Set up, with the limits of the options."""
        self._limit = options.max_body
        self._seconds = options.body_seconds
        self._turn = asyncio.Semaphore(_LARGE_AT_ONCE)

    @asynccontextmanager
    async def reading(self, request: Request) -> AsyncIterator[bytes]:
        """The whole body, for a block that decodes and stores it: until it ends a large body keeps its turn.

        Raises:
            ApiError: It is too large (413), or takes too long (408).
        """
        stated = request.headers.get("content-length", "")
        size = int(stated) if stated.isascii() and stated.isdigit() else None
        if size is not None and size > self._limit:
            raise self._too_large()
        small = size is not None and size <= _SMALL
        async with nullcontext() if small else self._turn:
            try:
                async with asyncio.timeout(self._seconds):
                    data = await self._read(request)
            except TimeoutError:
                raise HttpError(408, f"the body took longer than {self._seconds:g} s to arrive") from None
            yield data

    async def _read(self, request: Request) -> bytes:
        chunks, size = [], 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > self._limit:
                raise self._too_large()
            chunks.append(chunk)
        return b"".join(chunks)

    def _too_large(self) -> HttpError:
        return HttpError(413, f"body exceeds {self._limit / MIB:.4g} MB")
