"""One file from one address: streamed to a part file, resumed where it broke off, hashed on the way.

Which bytes are right is decided by the SHA-256 alone, so that what one address began another one may finish. The part
file survives a killed process; the next run goes on with it.
"""

from __future__ import annotations

import errno
import hashlib
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from faceswap_cli.errors import UsageError
from faceswap_cli.models.contents import BLOCK, describe_contents, describe_text, show_bytes
from faceswap_cli.models.store import storing

Progress = Callable[[int, int | None], None]
"""Bytes of the file that are here, and bytes in all, where known; falls back when a download starts anew."""

Say = Callable[[str], None]
"""One line for the user: which address is asked, why another one is tried, that another process is downloading."""

MAX_BYTES = 2 << 30
"""Bound on a file whose size is not known."""

MAX_REDIRECTS = 5

_LEAST = 16 << 10
"""Bytes within `DownloadPatience.stall` seconds below which a connection is stalled, however steadily they drip."""

_WORTH = 1 << 20
"""Bytes that a connection must have brought for the attempts to be counted anew."""

_LONGEST_WAIT = 60.0

_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class DownloadPatience:
    """How long a download is tried.

    Attributes:
        stall: Seconds without bytes worth the name after which a connection is given up.
        attempts: Connections in a row, to one address, that bring nothing worth the name.
        backoff: Seconds before the second attempt; doubled for each one after it.
    """

    stall: float = 30.0
    attempts: int = 4
    backoff: float = 1.0


class RefusedError(Exception):
    """An address does not give the file; the message says why in a few words."""


class _BrokenError(Exception):
    """A connection that failed in a way that may pass."""

    def __init__(self, reason: str, *, wait: float = 0.0, weight: int = 1) -> None:
        super().__init__(reason)
        self.wait = wait
        self.weight = weight


@contextmanager
def open_client(patience: DownloadPatience, transport: httpx.BaseTransport | None = None) -> Iterator[httpx.Client]:
    """What makes the requests; proxies and certificates come from the environment.

    Raises:
        UsageError: The environment names a proxy that cannot be used.
    """
    # Not compressed: models do not shrink, and ranges count the bytes that are sent.
    headers = {"User-Agent": "faceswap-cli", "Accept": "*/*", "Accept-Encoding": "identity"}
    try:
        client = httpx.Client(headers=headers, timeout=httpx.Timeout(patience.stall), transport=transport)
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        raise UsageError(f"the proxy in the environment cannot be used: {_first_line(error)}",
                         advice="check HTTPS_PROXY, HTTP_PROXY and ALL_PROXY") from error
    with client:
        yield client


class Transfer:
    """The way of one file to the disk, over as many connections and addresses as it takes."""

    def __init__(self, client: httpx.Client, part: Path, *, sha256: str, size: int | None, patience: DownloadPatience,
                 progress: Progress | None, say: Say) -> None:
        """Take up what an earlier run left in `part`.

        Args:
            client: What makes the requests.
            part: Where the bytes go; in a folder that exists.
            sha256: Hash of the whole file.
            size: Its bytes, where known.
            patience: Bounds of waiting.
            progress: Called while bytes arrive.
            say: Called with what happens besides.
        """
        self._client = client
        self._part = part
        self._sha256 = sha256
        self._size = size
        self._patience = patience
        self._progress = progress
        self._say = say
        self._etag: str | None = None
        self._take_up()

    def fetch(self, url: str) -> None:
        """Complete the part file from one address; returns when its bytes are the right ones.

        Raises:
            RefusedError: The address does not give them. What was received of a wrong file is removed.
            OutputError: They cannot be written.
        """
        inherited = self._have > 0
        self._etag = None
        while True:
            try:
                self._receive_patiently(url)
            except RefusedError:
                if not self._have:
                    self._start_anew()
                raise
            if self._hash.hexdigest() == self._sha256:
                return
            found = describe_contents(self._part, self._size)
            self._start_anew()
            if not inherited:
                raise RefusedError(f"{found} came instead of the model")
            # The beginning came from an earlier run or from another address: it may be what was wrong.
            inherited = False
            self._say("what an earlier download left does not fit; starting anew")

    def _take_up(self) -> None:
        self._hash = hashlib.sha256()
        self._have = 0
        with storing(self._part), suppress(FileNotFoundError), self._part.open("rb") as file:
            while block := file.read(BLOCK):
                self._hash.update(block)
                self._have += len(block)
        if self._size is not None and self._have > self._size:
            self._start_anew()

    def _start_anew(self) -> None:
        with storing(self._part):
            self._part.unlink(missing_ok=True)
        self._hash = hashlib.sha256()
        self._have = 0
        self._etag = None

    def _receive_patiently(self, url: str) -> None:
        failures = 0
        while self._have != self._size and self._hash.hexdigest() != self._sha256:
            before = self._have
            try:
                self._receive(url)
                return
            except _BrokenError as error:
                failures = (0 if self._have - before >= _WORTH else failures) + error.weight
                if failures >= self._patience.attempts:
                    raise RefusedError(str(error)) from error
                self._say(f"{show_host(url)}: {error}; trying again")
                time.sleep(min(max(error.wait, self._patience.backoff * 2 ** (failures - 1)), _LONGEST_WAIT))

    def _receive(self, url: str) -> None:
        """One connection: everything from where the part file ends to the end of the file."""
        with _explained(self._patience.stall), self._open(url) as response:
            total = self._judge(response)
            self._refuse_full_disk(total)
            self._write(response, total)
        if total is not None and self._have < total:
            raise _BrokenError("the connection broke off")

    @contextmanager
    def _open(self, url: str) -> Iterator[httpx.Response]:
        """The answer after all redirects."""
        headers = {}
        if self._have:
            headers["Range"] = f"bytes={self._have}-"
            if self._etag:
                headers["If-Range"] = self._etag
        request = self._client.build_request("GET", url, headers=headers)
        for _ in range(MAX_REDIRECTS + 1):
            if request.url.scheme not in ("http", "https"):
                raise RefusedError(f"leads to a {request.url.scheme or 'relative'} address")
            response = self._client.send(request, stream=True)
            try:
                if response.next_request is None:
                    yield response
                    return
                if request.url.scheme == "https" and response.next_request.url.scheme == "http":
                    raise RefusedError("redirects from https to http")
                request = response.next_request
            finally:
                response.close()
        raise RefusedError(f"redirects more than {MAX_REDIRECTS} times")

    def _judge(self, response: httpx.Response) -> int | None:
        """Bytes of the whole file as the answer tells; sets the part file back where the answer starts at 0."""
        status, sent = response.status_code, response.headers
        if status in _TRY_AGAIN:
            raise _BrokenError(f"status {status}", wait=_seconds(sent.get("retry-after")))
        if status == 416:
            if self._size is not None:
                raise RefusedError("a shorter file is there than the model")
            self._start_anew()
            raise _BrokenError("the server has less than what is already here")
        if status not in (200, 206):
            raise RefusedError(f"status {status}")
        start, total = 0, _number(sent.get("content-length"))
        if status == 206:
            start, total = _range(sent.get("content-range", ""))
        # Judged before anything is set back, so that a wrong answer does not cost what another address brought.
        if sent.get("content-encoding", "identity").lower() not in ("identity", ""):
            raise RefusedError("the file is sent compressed, which was not asked for")
        if sent.get("content-type", "").lower().startswith("text/html"):
            raise RefusedError("an HTML page came instead of the model")
        if total is not None and self._size is not None and total != self._size:
            raise RefusedError(f"a file of {show_bytes(total)} came instead of one of {show_bytes(self._size)}")
        if total is not None and total > MAX_BYTES:
            raise RefusedError(f"the file is larger than {show_bytes(MAX_BYTES)}")
        if start != self._have:
            self._start_anew()
            if start != 0:
                raise _BrokenError("the server answered with another part of the file")
        etag = sent.get("etag", "")
        self._etag = etag if etag.startswith('"') else None
        return total if total is not None else self._size

    def _refuse_full_disk(self, total: int | None) -> None:
        with storing(self._part):
            if total is not None and shutil.disk_usage(self._part.parent).free < total - self._have:
                raise OSError(errno.ENOSPC, "no space left")

    def _write(self, response: httpx.Response, total: int | None) -> None:
        limit = self._size if self._size is not None else MAX_BYTES
        since, before = time.monotonic(), self._have
        with storing(self._part):
            file = self._part.open("ab")
        with file:
            self._tell(total)
            for chunk in response.iter_raw():
                # Known from its first bytes, a page is not kept as the beginning of what the next address sends.
                if self._have == 0 and (words := describe_text(chunk)):
                    raise RefusedError(f"{words} came instead of the model")
                if self._have + len(chunk) > limit:
                    file.close()
                    self._start_anew()
                    raise RefusedError(f"the file is larger than {show_bytes(limit)}")
                with storing(self._part):
                    file.write(chunk)
                    file.flush()
                self._hash.update(chunk)
                self._have += len(chunk)
                self._tell(total)
                now = time.monotonic()
                if now - since >= self._patience.stall:
                    if self._have - before < _LEAST:
                        raise _BrokenError("the server is too slow")
                    since, before = now, self._have

    def _tell(self, total: int | None) -> None:
        if self._progress is not None:
            self._progress(self._have, total)


def show_host(url: str) -> str:
    """The host of an address, without credentials."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return "an invalid address"
    return parsed.host if parsed.port is None else f"{parsed.host}:{parsed.port}"


@contextmanager
def _explained(stall: float) -> Iterator[None]:
    """Sorts what the network raises into what may pass and what will not."""
    try:
        yield
    except httpx.InvalidURL as error:
        raise RefusedError(f"the address is not valid: {_first_line(error)}") from error
    except (httpx.UnsupportedProtocol, httpx.TooManyRedirects) as error:
        raise RefusedError(f"the address cannot be asked: {_first_line(error)}") from error
    except httpx.TimeoutException as error:
        raise _BrokenError(f"no answer for {stall:g} s") from error
    except (httpx.ConnectError, httpx.ProxyError) as error:
        # Mostly there is no network at all, or no such host: twice the weight, so that this is soon said.
        raise _BrokenError(f"cannot be reached ({_first_line(error)})", weight=2) from error
    except httpx.TransportError as error:
        raise _BrokenError("the connection broke off") from error


def _range(header: str) -> tuple[int, int | None]:
    """Start and total of a Content-Range header, e.g. `bytes 100-199/200`."""
    unit, _, rest = header.strip().partition(" ")
    span, _, total = rest.partition("/")
    start = _number(span.partition("-")[0])
    if unit.lower() != "bytes" or start is None:
        raise RefusedError("the server answered with a part of the file without saying which")
    return start, _number(total)


def _number(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() else None


def _seconds(text: str | None) -> float:
    """What Retry-After asks for; 0 where it is a date."""
    return float(_number(text) or 0)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0] or type(error).__name__
