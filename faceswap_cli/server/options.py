"""The options of the server: names, defaults and ranges. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from faceswap_cli.errors import UsageError
from faceswap_cli.options import MAX_PIXELS, EngineOptions
from faceswap_cli.text import opt

MIB = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """How the server runs.

    Attributes:
        host: Address to listen at; anything but loopback needs keys.
        port: 0 takes any that is free.
        workers: Threads that swap, each with its own backends.
        queue: Requests that may wait besides those at work; more are answered with 429.
        max_body: Bound on the body of a request, in bytes.
        max_input: Bound on one picture in bytes, fetched or sent.
        max_pixels: Bound on width x height of a picture, and 20 times that on all frames of an animation.
        body_seconds: How long a client may take to send a body.
        fetch_seconds: How long fetching one picture may take.
        job_seconds: How long a blocking call waits for its result, and how long an animation may take.
        retention: Seconds from the final state of a request to its removal.
        asset_retention: Seconds that uploaded pictures stay.
        max_assets: Bound on all uploaded pictures together, in bytes.
        max_waiting: Bound on the bodies of all waiting requests together, in bytes.
        keys_file: One API key a line; None: no key is asked for.
        public_url: Root of the URLs in answers; None: as the client addressed the server.
        data_dir: Where requests and results are kept; None: `serve` in the user's state folder.
        allow_private_urls: Fetch from private addresses too.
        engine: What every request builds on: engine, models folder, provider.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 2
    queue: int = 256
    max_body: int = 32 * MIB
    max_input: int = 64 * MIB
    max_pixels: int = MAX_PIXELS
    body_seconds: float = 120.0
    fetch_seconds: float = 60.0
    job_seconds: float = 600.0
    retention: float = 3600.0
    asset_retention: float = 24 * 3600.0
    max_assets: int = 2048 * MIB
    max_waiting: int = 1024 * MIB
    keys_file: Path | None = None
    public_url: str | None = None
    data_dir: Path | None = None
    allow_private_urls: bool = False
    engine: EngineOptions = field(default_factory=EngineOptions)

    def __post_init__(self) -> None:
        for option, number in (("--workers", self.workers), ("--queue", self.queue), ("--max-body", self.max_body),
                               ("--max-pixels", self.max_pixels)):
            if number < 1:
                raise UsageError(f"{opt(option)} {number} must be at least 1")
        if not 0 <= self.port <= 65535:
            raise UsageError(f"{opt('port', self.port)} is outside 0..65535")
        if self.public_url is not None:
            _check_public_url(self.public_url)
        if self.keys_file is None and not is_loopback(self.host):
            raise UsageError(f"{opt('host', self.host)} can be reached by others, which needs keys",
                             advice=f"add {opt('keys-file')}, or leave {opt('host')} out")

    @property
    def root(self) -> str | None:
        """The public root without a slash at its end; None: not configured."""
        return None if self.public_url is None else self.public_url.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a host; a name other than `localhost` is not looked up."""
    bare = host.removeprefix("[").removesuffix("]")
    if bare.lower() in ("localhost", "localhost."):
        return True
    try:
        return ip_address(bare).is_loopback
    except ValueError:
        return False


def _check_public_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or "@" in parts.netloc or parts.query or parts.fragment or not url.isascii() or " " in url:
        raise UsageError(f"{opt('public-url', url)} is no root of http or https URLs, such as https://swap.example.org")
