"""Download a picture from an http or https URL, within limits of size and time, and not from private networks.

The host is resolved once, every address is judged, and the connection goes to one of the judged addresses: a name
that leads elsewhere when asked again (DNS rebinding) changes nothing. Each redirect is judged as the first URL was.
Proxies from the environment are not used, because a proxy would resolve the name again.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpcore
import httpx

from faceswap_cli.errors import InputError, LimitError, OutputError
from faceswap_cli.names import redact_url
from faceswap_cli.net.addresses import is_public, read_address
from faceswap_cli.text import here, opt

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

MAX_BYTES = 64 * 2**20
"""Default bound on a download."""

TIMEOUT = 30.0
"""Default bound on a download in seconds, redirects included."""

MAX_REDIRECTS = 5

Resolver = Callable[[str, int], list[str]]
"""host, port -> the addresses it leads to, as text."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ALLOW = f"give {opt('allow-private-urls')} if that is meant"
_BY_HAND = here("download it by other means and give the file")


def resolve_host(host: str, port: int) -> list[str]:
    """The addresses of a host, as the operating system gives them, without repeats.

    Raises:
        OSError: The name is not known.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def fetch(url: str, destination: Path, *, max_bytes: int = MAX_BYTES, timeout: float = TIMEOUT,
          allow_private: bool = False, resolve: Resolver = resolve_host) -> None:
    """Download `url` to `destination`.

    Args:
        url: http or https, without credentials.
        destination: Is written or overwritten; removed when the download fails.
        max_bytes: Bound on the size, judged by what the server says and by what it sends.
        timeout: Bound in seconds on everything: names, redirects, headers and body.
        allow_private: Allow loopback, private, link-local and other addresses that are not public.
        resolve: Finds the addresses of a host.

    Raises:
        LimitError: The file is larger than `max_bytes`.
        InputError: The URL is refused, the server cannot be reached, answers with an error, is too slow, or breaks off.
        OutputError: `destination` cannot be written.
    """
    deadline = _Deadline(timeout)
    shown = redact_url(url)
    with _explained(shown, deadline):
        current = _parse(url)
        for _ in range(MAX_REDIRECTS + 1):
            addresses = _judged_addresses(current, allow_private, resolve, deadline)
            location = _get(current, addresses, destination, max_bytes, deadline)
            if location is None:
                return
            current = _follow(current, location)
        raise InputError(f"{shown} redirects more than {MAX_REDIRECTS} times", advice="give the address it leads to")


class _Deadline:
    """A point in time that all steps of one download share."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds left, above 0.

        Raises:
            TimeoutError: None are left.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class _Stream(httpcore.NetworkStream):
    """A connection on which no single step may outlast the deadline, however the bytes drip."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.left())

    def close(self) -> None:
        self._inner.close()

    def start_tls(self, ssl_context: ssl.SSLContext, server_hostname: str | None = None,
                  timeout: float | None = None) -> httpcore.NetworkStream:
        inner = self._inner.start_tls(ssl_context, server_hostname, self._deadline.left())
        return _Stream(inner, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _PinnedBackend(httpcore.NetworkBackend):
    """Connects to given addresses, whatever the host's name; TLS and the Host header still see the name."""

    def __init__(self, addresses: list[str], deadline: _Deadline) -> None:
        self._addresses = addresses
        self._deadline = deadline
        self._inner = httpcore.SyncBackend()

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
                    socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError("no address")
        for position, address in enumerate(self._addresses):
            # An address that does not answer leaves time for the others.
            share = self._deadline.left() / (len(self._addresses) - position)
            try:
                return _Stream(self._inner.connect_tcp(address, port, timeout=share), self._deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


def _parse(text: str) -> httpx.URL:
    shown = redact_url(text)
    try:
        url = httpx.URL(text)
        port = url.port
    except (httpx.InvalidURL, ValueError):
        # Where an "@" stands is not sure in a broken URL: what precedes it may be a password.
        shown = f"{shown.partition('://')[0]}://..." if "@" in shown else shown
        raise InputError(f"{shown} is not a valid URL") from None
    if url.scheme not in ("http", "https"):
        raise InputError(f"{shown} is not an http or https URL", advice=_BY_HAND)
    if url.userinfo:
        raise InputError(f"{shown} is given with a user name or password, which is refused", advice=_BY_HAND)
    if not url.host or "%" in url.host or (port is not None and not 0 < port < 65536):
        raise InputError(f"{shown} is not a valid URL: its host or port makes no sense")
    return url


def _follow(url: httpx.URL, location: str) -> httpx.URL:
    """Where a redirect leads; judged like the first URL."""
    try:
        target = str(url.join(location))
    except (httpx.InvalidURL, ValueError):
        raise InputError(f"{redact_url(str(url))} redirects to something that is no URL") from None
    return _parse(target)


def _judged_addresses(url: httpx.URL, allow_private: bool, resolve: Resolver, deadline: _Deadline) -> list[str]:
    """The addresses of the URL's host, all of them allowed."""
    shown = redact_url(str(url))
    host = url.raw_host.decode("ascii")
    try:
        literal = read_address(host)
    except ValueError as error:
        raise InputError(f"{shown} has a host that is {error}", advice="write the address in full") from None
    if literal is not None:
        addresses = [str(literal)]
    else:
        addresses = _resolve_in_time(host, url.port or (443 if url.scheme == "https" else 80), resolve, deadline)
    if not addresses:
        raise InputError(f"{shown}: the host is not known", advice="check the URL")
    if not allow_private and not all(is_public(ip_address(address)) for address in addresses):
        raise InputError(f"{shown} leads to an address that is not public, which is refused", advice=_ALLOW)
    return addresses


def _resolve_in_time(host: str, port: int, resolve: Resolver, deadline: _Deadline) -> list[str]:
    """`resolve`, given up at the deadline: the operating system's resolver cannot be told how long to try."""
    answer: list[list[str] | OSError] = []

    def ask() -> None:
        try:
            answer.append(resolve(host, port))
        except UnicodeError:
            answer.append(OSError("a label of the name is too long"))
        except OSError as error:
            answer.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(deadline.left())
    if not answer:
        raise TimeoutError
    if isinstance(answer[0], OSError):
        raise answer[0]
    return answer[0]


def _get(url: httpx.URL, addresses: list[str], destination: Path, max_bytes: int, deadline: _Deadline) -> str | None:
    """One request: writes the body and returns None, or returns where the server redirects to."""
    shown = redact_url(str(url))
    context = httpx.create_ssl_context() if url.scheme == "https" else None
    target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
    # Compressed answers are not asked for: pictures do not shrink, and their size could not be judged beforehand.
    headers = [
        (b"Host", url.netloc), (b"User-Agent", b"faceswap-cli"), (b"Accept", b"*/*"), (b"Accept-Encoding", b"identity"),
    ]
    backend = _PinnedBackend(addresses, deadline)
    with httpcore.ConnectionPool(ssl_context=context, network_backend=backend) as pool, \
            pool.stream("GET", target, headers=headers) as response:
        sent = httpx.Headers(response.headers)
        if response.status in _REDIRECTS:
            if "location" not in sent:
                raise InputError(f"{shown} redirects without saying where (status {response.status})")
            return sent["location"]
        if not 200 <= response.status < 300:
            raise InputError(f"{shown} answered with status {response.status}", advice="check the URL")
        if sent.get("content-encoding", "identity").lower() not in ("identity", ""):
            raise InputError(f"{shown} is sent compressed, which was not asked for", advice=_BY_HAND)
        _refuse_size(shown, int(sent.get("content-length", "0")), max_bytes)
        _write(shown, response.iter_stream(), destination, max_bytes)
    return None


def _write(shown: str, chunks: Iterable[bytes], destination: Path, max_bytes: int) -> None:
    """Write the chunks, counting them; a destination that was not finished is removed."""
    size = 0
    with _storing(destination):
        file = destination.open("wb")
    try:
        for chunk in chunks:
            size += len(chunk)
            _refuse_size(shown, size, max_bytes)
            with _storing(destination):
                file.write(chunk)
        with _storing(destination):
            file.close()
    except BaseException:
        with suppress(OSError):
            file.close()
        with suppress(OSError):
            destination.unlink(missing_ok=True)
        raise


@contextmanager
def _storing(destination: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"{destination} cannot be written: {error.strerror or error}",
                          advice="check the disk") from error


def _refuse_size(shown: str, size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise LimitError(f"{shown} is larger than the limit of {max_bytes / 2**20:.4g} MiB for downloads",
                         advice=_BY_HAND)


@contextmanager
def _explained(shown: str, deadline: _Deadline) -> Iterator[None]:
    """Turns what the network raises into errors that a user can read."""
    try:
        yield
    except (TimeoutError, httpcore.TimeoutException) as error:
        raise InputError(f"{shown} took longer than {deadline.seconds:g} s",
                         advice=f"try again, or {_BY_HAND}") from error
    except httpcore.ProtocolError as error:
        raise InputError(f"{shown}: the server broke off or answered in bad form", advice="try again") from error
    except (httpcore.NetworkError, OSError) as error:
        reason = str(getattr(error, "strerror", None) or error).splitlines() or ["no reason given"]
        raise InputError(f"{shown} cannot be reached: {reason[0]}", advice="check the URL and the network") from error
