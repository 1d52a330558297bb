"""The application: routes, one door that every request passes, and the life of what works behind them."""

from __future__ import annotations

import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from faceswap_cli.errors import OutputError
from faceswap_cli.files.atomic import explain_failure
from faceswap_cli.jobs.backend import open_backend
from faceswap_cli.net.fetch import Resolver, resolve_host
from faceswap_cli.server import metrics as prometheus
from faceswap_cli.server.addresses import ServerAddresses
from faceswap_cli.server.answers import JsonAnswer, answer_api_error, answer_bug, answer_framework_error, error_answer
from faceswap_cli.server.bodies import BodyReader
from faceswap_cli.server.failures import HttpError
from faceswap_cli.server.files import ASSETS, RESULTS, FileShelf
from faceswap_cli.server.inference import Inference
from faceswap_cli.server.intake import Intake
from faceswap_cli.server.keys import KeyRing
from faceswap_cli.server.openapi import POLICY, describe, page
from faceswap_cli.server.options import ServerOptions
from faceswap_cli.server.page import Page
from faceswap_cli.server.queue import RequestQueue
from faceswap_cli.server.runner import BackendFactory, Runner
from faceswap_cli.server.store import Store
from faceswap_cli.server.uploads import Files

_LABELS = {
    "v1": "/v1/{slug}", "v2": "/v2/{slug}", "upload-asset": "/upload-asset", "results": "/results/{name}",
    "assets": "/assets/{name}", "health": "/health", "ready": "/ready", "metrics": "/metrics", "": "/",
    "openapi.json": "/openapi.json", "docs": "/docs", "page": "/page/{name}",
}


def data_folder(options: ServerOptions) -> Path:
    """Where requests and results are kept."""
    if options.data_dir is not None:
        return options.data_dir.expanduser()
    from platformdirs import user_state_path

    return user_state_path("faceswap", appauthor=False) / "serve"


def build_app(options: ServerOptions, backend_factory: BackendFactory = open_backend, *,
              now: Callable[[], float] = time.time, resolve: Resolver = resolve_host) -> Starlette:
    """The application. Work begins with its lifespan, which also waits for what is at work when it ends.

    Args:
        options: How it runs.
        backend_factory: Makes what swaps, for each worker and each kind of request.
        now: The time, in seconds since the epoch.
        resolve: Finds the addresses of a host.

    Returns:
        The application; its `state.queue` is the `RequestQueue`.

    Raises:
        UsageError: The keys cannot be read.
        OutputError: The data folder cannot be used.
    """
    keys = KeyRing([]) if options.keys_file is None else KeyRing.read(options.keys_file)
    folder = data_folder(options)
    work = folder / "work"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)  # pictures of people
        shutil.rmtree(work, ignore_errors=True)  # left by a process that was killed
        work.mkdir()
    except OSError as error:
        raise OutputError(explain_failure(str(folder), folder, error)) from error
    store = Store(folder / "requests.sqlite3")
    shelf = FileShelf(folder / "files", store)
    counts = prometheus.Metrics()
    intake = Intake(options, shelf, now, resolve)
    queue = RequestQueue(options, store, shelf, lambda: Runner(options, backend_factory, intake, shelf, work), counts,
                         now)
    addresses = ServerAddresses(options, open_to_all=not keys.needed)
    bodies = BodyReader(options)
    inference = Inference(options, keys, addresses, bodies, store, shelf, queue, now)
    files = Files(options, inference.owner, addresses, bodies, store, shelf, now)
    home = Page(options, inference.owner, addresses, bodies, intake, queue, backend_factory, work, now)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await run_in_threadpool(queue.start)
        try:
            yield
        finally:
            if await run_in_threadpool(queue.stop):
                store.close()

    async def health(request: Request) -> Response:
        return JsonAnswer({"status": "ok"})

    async def ready(request: Request) -> Response:
        if not queue.ready:
            raise HttpError(503, "not ready", retry_after=5)
        return JsonAnswer({"status": "ready", "waiting": queue.waiting, "running": queue.running})

    async def metrics(request: Request) -> Response:
        return Response(counts.text(), media_type=prometheus.CONTENT_TYPE)

    async def openapi(request: Request) -> Response:
        return JsonAnswer(describe(addresses.root(request), needs_key=keys.needed))

    async def docs(request: Request) -> Response:
        return HTMLResponse(page(describe(addresses.root(request), needs_key=keys.needed)),
                            headers={"Content-Security-Policy": POLICY})

    app = Starlette(
        routes=[
            Route("/v2/requests/{request_id}/status", inference.state, methods=["GET"]),
            Route("/v2/requests/{request_id}", inference.result, methods=["GET"]),
            Route("/v1/{slug}", inference.run, methods=["POST"]),
            Route("/v2/{slug}", inference.submit, methods=["POST"]),
            Route("/upload-asset", files.upload, methods=["POST"]),
            Route(f"{RESULTS}{{name}}", files.download, methods=["GET"]),
            Route(f"{ASSETS}{{name}}", files.download, methods=["GET"]),
            Route("/health", health, methods=["GET"]),
            Route("/ready", ready, methods=["GET"]),
            Route("/metrics", metrics, methods=["GET"]),
            Route("/openapi.json", openapi, methods=["GET"]),
            Route("/docs", docs, methods=["GET"]),
            Route("/page/about", home.about, methods=["GET"]),
            Route("/page/faces", home.faces, methods=["POST"]),
            Route("/page/swap", home.swap, methods=["POST"]),
            Route("/page/{name}", home.file, methods=["GET"]),
            Route("/", home.file, methods=["GET"]),
        ],
        middleware=[Middleware(_Door, addresses=addresses, counts=counts)],
        exception_handlers={HttpError: answer_api_error, HTTPException: answer_framework_error,
                            ClientDisconnect: _answer_nobody, Exception: answer_bug},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # no answer is ever a redirect
    app.state.queue = queue
    return app


async def _answer_nobody(request: Request, error: Exception) -> Response:
    return error_answer(499, "the client closed the connection")


class _Door:
    """Every request passes here: for a host that is answered to, and counted."""

    def __init__(self, app: ASGIApp, addresses: ServerAddresses, counts: prometheus.Metrics) -> None:
        self._app = app
        self._addresses = addresses
        self._counts = counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        label = _label(scope["path"])

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._counts.answered(_method(scope["method"]), label, message["status"])
                message["headers"] = [*message.get("headers", []), (b"x-content-type-options", b"nosniff")]
            await send(message)

        try:
            self._addresses.check(HTTPConnection(scope))
        except HttpError as error:
            await error_answer(error.status, error.message)(scope, receive, counting)
            return
        await self._app(scope, receive, counting)


def _label(path: str) -> str:
    """The route of a path, as metrics name it."""
    first, _, rest = path[1:].partition("/")
    if first == "v2" and rest.startswith("requests/"):
        return "/v2/requests/{id}/status" if rest.endswith("/status") else "/v2/requests/{id}"
    return _LABELS.get(first, "other")


def _method(method: str) -> str:
    return method if method in ("GET", "HEAD", "POST") else "other"
