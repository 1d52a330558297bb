"""A stand-in for the API: a server that follows the contract, counts what it would bill, and fails as it is told."""

from __future__ import annotations

import base64
import json
import re
import socket
import struct
import threading
import time
import uuid
from collections import defaultdict, deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from faceswap_cli.segmind.fields import FieldError
from faceswap_cli.segmind.schema import Slug, decode_body, parse_request

CANARY = "SG_canary-0123456789abcdef"
"""The key that no test may find anywhere but in the header of a request."""

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
"""A PNG of one pixel."""


@dataclass
class Fault:
    """How one request is answered instead of as the contract says.

    `bills`: a job is started all the same, which the API would bill.
    """

    status: int = 200
    body: Any = None
    """JSON, or bytes as they are; None: an error in the API's words, or nothing."""
    headers: dict[str, str] = field(default_factory=dict)
    drop: str = ""
    """`before` or `after` the body was read, `midway` through the answer: the connection is closed."""
    delay: float = 0.0
    gate: threading.Event | None = None
    """Answered when it is set."""
    bills: bool = False
    change: dict[str, Any] = field(default_factory=dict)
    """Fields of the proper JSON answer that are replaced; None removes one."""


def limited(**headers: str) -> Fault:
    """Status 429; keywords are headers, with underscores for hyphens."""
    return Fault(429, {"error": "rate limit reached, wait before repeating"},
                 {name.replace("_", "-"): value for name, value in headers.items()})


def broken(status: int, *, bills: bool = False) -> Fault:
    """A status of 500 and above."""
    return Fault(status, {"error": {500: "internal error", 502: "service unavailable"}.get(status, "timed out")},
                 bills=bills)


@dataclass
class Asked:
    """One request."""

    kind: str
    """`call`, `submit`, `status`, `result`, `upload`, `output` or `unknown`."""
    method: str
    path: str
    key: str | None
    headers: dict[str, str]
    body: bytes
    at: float
    port: int
    """The client's: a connection has one of its own."""


class SegmindApi(ThreadingHTTPServer):
    """The server. Use it as a context manager.

    Attributes:
        asked: All requests, in their order.
        billed: Bodies of the requests that started a job, by either way.
        faults: By kind of request: how the next ones fail, each once.
        states: Answered by polls of one request, one after the other; the last one stays.
        failure: Why jobs fail; empty: they do not.
        picture, content_type: The result.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, key: str | None = CANARY) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.key = key
        self.lock = threading.Lock()
        self.asked: list[Asked] = []
        self.billed: list[dict[str, Any]] = []
        self.faults: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self.states = ["QUEUED", "PROCESSING", "COMPLETED"]
        self.failure = ""
        self.picture = PICTURE
        self.content_type = "image/png"
        self.inline = False
        """Queued results come as base64 text."""
        self.max_upload = 25 * 2**20
        self.jobs: dict[str, deque[str]] = {}
        self.assets: dict[str, bytes] = {}
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def fail(self, kind: str, *faults: Fault) -> None:
        """The next requests of a kind fail."""
        self.faults[kind].extend(faults)

    def count(self, kind: str) -> int:
        """Requests of a kind so far."""
        return sum(asked.kind == kind for asked in self.asked)

    def start_job(self, body: dict[str, Any]) -> str:
        """A job as it would be billed."""
        with self.lock:
            request_id = str(uuid.UUID(int=len(self.billed) + 1))
            self.billed.append(body)
            self.jobs[request_id] = deque(self.states)
        return request_id

    def forget(self) -> None:
        """The hour is over."""
        self.jobs.clear()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is no news here."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: SegmindApi
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def _answer(self, method: str) -> None:
        api = self.server
        kind, name = _kind(method, self.path)
        with api.lock:
            fault = api.faults[kind].popleft() if api.faults[kind] else Fault()
        asked = Asked(kind, method, self.path, self.headers["x-api-key"],
                      {header.lower(): value for header, value in self.headers.items()}, b"",
                      time.monotonic(), self.client_address[1])
        with api.lock:
            api.asked.append(asked)
        if fault.drop == "before":
            self._hang_up()
            return
        asked.body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        if fault.bills:
            api.start_job(json.loads(asked.body))
        if fault.delay:
            time.sleep(fault.delay)
        if fault.gate is not None:
            fault.gate.wait(300)
        if fault.drop == "after":
            self._hang_up()
            return
        if fault.status != 200 or fault.body is not None:
            self._send(fault.status, fault.body, fault.headers)
            return
        status, body, headers = self._proper(kind, name, asked)
        if isinstance(body, dict):
            body = {field: value for field, value in (body | fault.change).items()
                    if value is not None or field not in fault.change}
        self._send(status, body, headers | fault.headers, midway=fault.drop == "midway")

    def _proper(self, kind: str, name: str, asked: Asked) -> tuple[int, Any, dict[str, str]]:
        """Status, body and headers as the contract says."""
        api = self.server
        if kind == "output":
            return 200, api.picture, {"Content-Type": api.content_type}
        if api.key is not None and asked.key != api.key:
            return 401, {"error": "missing or invalid API key"}, {}
        if kind in ("call", "submit"):
            return self._start(kind, name, asked)
        if kind == "upload":
            return self._store(asked)
        if kind in ("status", "result") and name in api.jobs:
            return self._tell(kind, name)
        return 404, {"error": f"Request {name} not found"}, {}

    def _start(self, kind: str, name: str, asked: Asked) -> tuple[int, Any, dict[str, str]]:
        api = self.server
        try:
            body = decode_body(asked.body)
            if name not in set(Slug):
                return 404, {"error": f'unknown model "{name}"'}, {}
            request = parse_request(Slug(name), body)
        except FieldError as error:
            return 400, {"error": str(error)}, {}
        request_id = api.start_job(body)
        if kind == "submit":
            url = f"{api.base}/v2/requests/{request_id}"
            return 200, {"request_id": request_id, "status": "QUEUED", "status_url": f"{url}/status",
                         "response_url": url}, {}
        if api.failure:
            return 400, {"error": api.failure}, {}
        if getattr(request, "base64", False):
            return 200, {"image": base64.b64encode(api.picture).decode()}, {}
        return 200, api.picture, {"Content-Type": api.content_type, "x-request-id": request_id}

    def _tell(self, kind: str, name: str) -> tuple[int, Any, dict[str, str]]:
        api = self.server
        states = api.jobs[name]
        state = states[0] if len(states) == 1 or kind == "result" else states.popleft()
        body: dict[str, Any] = {"status": state, "request_id": name, "metrics": {}}
        if api.failure and state == "COMPLETED":
            return 422, body | {"status": "FAILED", "error": api.failure}, {}
        if state == "COMPLETED":
            body["metrics"] = {"inference_time": 3.91}
            if kind == "result":
                inline = base64.b64encode(api.picture).decode()
                body["output"] = inline if api.inline else f"{api.base}/output/{name}.png"
        return 200, body, {}

    def _store(self, asked: Asked) -> tuple[int, Any, dict[str, str]]:
        api = self.server
        files = [base64.b64decode(url.partition(",")[2], validate=True) for url in json.loads(asked.body)["data_urls"]]
        if any(len(file) > api.max_upload for file in files):
            return 413, {"error": "upload exceeds 25 MB"}, {}
        urls = []
        for file in files:
            urls.append(f"{api.base}/assets/{len(api.assets)}")
            api.assets[urls[-1]] = file
        return 200, {"file_urls": urls, "message": f"{len(urls)} files stored"}, {}

    def _send(self, status: int, body: Any, headers: dict[str, str], *, midway: bool = False) -> None:
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        given = {name.lower() for name in headers}
        self.send_response_only(status)
        if "content-type" not in given:
            self.send_header("Content-Type", "image/png" if isinstance(body, bytes) else "application/json")
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[:len(data) // 2] if midway else data)
        if midway:
            self.wfile.flush()
            self._hang_up()

    def _hang_up(self) -> None:
        """Close the connection at once, without an orderly end."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _kind(method: str, path: str) -> tuple[str, str]:
    """What a request is, and the model or id that it names."""
    if method == "POST" and path == "/upload-asset":
        return "upload", ""
    if method == "GET" and path.startswith("/output/"):
        return "output", path
    for kind, wanted, pattern in (("status", "GET", r"/v2/requests/([^/]+)/status"),
                                  ("result", "GET", r"/v2/requests/([^/]+)"),
                                  ("call", "POST", r"/v1/([^/]+)"), ("submit", "POST", r"/v2/([^/]+)")):
        found = re.fullmatch(pattern, path)
        if method == wanted and found:
            return kind, found[1]
    return "unknown", path


class FakeClock:
    """A clock that is moved by sleeping, and by nothing else; safe for threads.

    Attributes:
        slept: Seconds of each sleep, in their order.
    """

    def __init__(self) -> None:
        self.slept: list[float] = []
        self._lock = threading.Lock()
        self._time = 1000.0

    def monotonic(self) -> float:
        return self._time

    def now(self) -> float:
        return 1_800_000_000.0 + self._time

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self._time += max(0.0, seconds)
