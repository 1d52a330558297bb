"""A site that serves models badly, and a zip in one line."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BODY = bytes(range(256)) * 1200
HTML = b"<!DOCTYPE html><html><body>Please log in.</body></html>"


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass
class Asked:
    """One request, and how many bytes of body went out."""

    path: str
    range: str | None
    if_range: str | None
    sent: int = 0


@dataclass
class Answer:
    """How one request is answered."""

    data: bytes
    status: int = 200
    ranges: bool = True
    """Honours Range."""
    length: int | None = None
    """What Content-Length claims; None: the truth."""
    cut: int | None = None
    """Bytes after which the connection is dropped."""
    stall: bool = False
    """At the cut nothing more is sent, and the connection stays."""
    drip: bool = False
    """One byte at a time."""
    chunked: bool = False
    headers: dict[str, str] = field(default_factory=dict)


class Site(ThreadingHTTPServer):
    """Serves `pages`: path -> answers, of which the last is given again and again."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Page)
        self.pages: dict[str, list[Answer]] = {}
        self.asked: list[Asked] = []
        self.stop = threading.Event()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def serve(self, path: str, *answers: Answer) -> str:
        self.pages[path] = list(answers)
        return f"{self.base}{path}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is no news here."""


class _Page(BaseHTTPRequestHandler):
    server: Site
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        asked = Asked(self.path, self.headers["Range"], self.headers["If-Range"])
        self.server.asked.append(asked)
        answers = self.server.pages.get(self.path, [Answer(b"", 404)])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        body, status, headers = answer.data, answer.status, dict(answer.headers)
        fresh = asked.if_range is None or asked.if_range == headers.get("ETag")
        if asked.range and answer.ranges and fresh and status == 200:
            start = int(asked.range.removeprefix("bytes=").removesuffix("-"))
            if start >= len(body):
                status, headers["Content-Range"], body = 416, f"bytes */{len(body)}", b""
            else:
                status = 206
                headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
                body = body[start:]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if answer.chunked:
            self.send_header("Connection", "close")
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(len(body) if answer.length is None else answer.length))
        self.end_headers()
        self._send(answer, body, asked)

    def _send(self, answer: Answer, body: bytes, asked: Asked) -> None:
        whole = answer.cut is None and answer.length is None
        body = body[:answer.cut]
        step = 1 if answer.drip else 1 << 14
        for at in range(0, len(body), step):
            self.wfile.write(body[at:at + step])
            asked.sent += len(body[at:at + step])
            if answer.drip and self.server.stop.wait(0.005):
                return
        if answer.stall:
            self.server.stop.wait(30)
        if not whole:
            self.close_connection = True


def zip_of(entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in entries.items():
            opened.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()
