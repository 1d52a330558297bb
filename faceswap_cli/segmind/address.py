"""Addresses of the API: where requests go, and which addresses in its answers are its own."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

import httpx

from faceswap_cli.errors import UsageError
from faceswap_cli.names import redact_url
from faceswap_cli.segmind.schema import AnswerError

HOSTED = "https://api.segmind.com"
"""The hosted API."""

HOSTED_UPLOAD = "https://workflows-api.segmind.com/upload-asset"
"""Where the hosted API takes files."""

UPLOAD_PATH = "/upload-asset"

Origin = tuple[str, str, int]
"""Scheme, host and port."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where one API is.

    Attributes:
        root: Without a version and without a slash at its end.
        upload: Where files are sent.
    """

    root: str
    upload: str

    @classmethod
    def of(cls, base_url: str | None = None, upload_url: str | None = None) -> Addresses:
        """The addresses that the user means.

        Args:
            base_url: With or without the `/v1` that the SDK wants; None: the hosted API.
            upload_url: With or without its path; None: that of the hosted API, or `/upload-asset` of another one.

        Raises:
            UsageError: One of them is no http or https address, or holds a password.
        """
        root = _checked(base_url or HOSTED, "the address of the API").rstrip("/")
        if root.rpartition("/")[2] in ("v1", "v2"):
            root = root.rpartition("/")[0]
        if upload_url is None:
            return cls(root, HOSTED_UPLOAD if root == HOSTED else root + UPLOAD_PATH)
        upload = _checked(upload_url, "the address for uploads")
        return cls(root, upload if httpx.URL(upload).path.strip("/") else upload.rstrip("/") + UPLOAD_PATH)

    def call(self, version: int, slug: str) -> str:
        """Where a model is called: version 1 blocks, version 2 queues."""
        return f"{self.root}/v{version}/{slug}"

    def own(self, url: str, name: str) -> str:
        """An address from an answer, which must be on the API's origin, as the key goes there.

        A path from the root, which the contract does not allow, cannot lead elsewhere, and a paid result is behind it.

        Args:
            url: As the API sent it.
            name: Of the field that holds it.

        Raises:
            AnswerError: It leads to another origin, or is no address.
        """
        root = httpx.URL(self.root)
        if url.startswith("/") and not url.startswith(("//", "/\\")):
            url = f"{root.scheme}://{root.netloc.decode('ascii')}{url}"
        parsed = read_address(url)
        if parsed is None:
            raise AnswerError(f"a {name} that is no address")
        if origin(parsed) == origin(root) and not parsed.userinfo:
            return url
        raise AnswerError(f"a {name} on another host or scheme than {redact_url(self.root)}, "
                          f"{redact_url(url)}, which is refused")

    @property
    def key_origins(self) -> frozenset[Origin]:
        """Where the key may go."""
        return frozenset((origin(httpx.URL(self.root)), origin(httpx.URL(self.upload))))

    @property
    def exposes_key(self) -> bool:
        """Whether the key goes over a network unencrypted."""
        return any(scheme == "http" and not _is_loopback(host) for scheme, host, _ in self.key_origins)


def is_hosted(addresses: Addresses) -> bool:
    """Whether it is the hosted API, which wants a key."""
    return addresses.root == HOSTED


def origin(url: httpx.URL) -> Origin:
    """Scheme, host and port of an address."""
    return url.scheme, url.host.rstrip("."), url.port or {"http": 80, "https": 443}.get(url.scheme, 0)


def read_address(url: str) -> httpx.URL | None:
    """An http or https address; None where it is none."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError, TypeError):
        return None
    if parsed.scheme not in ("http", "https") or not parsed.host or not 0 < (parsed.port or 80) < 65536:
        return None
    return parsed


def download_address(url: str) -> httpx.URL:
    """The address of a result, which may be on any host and gets no key.

    Raises:
        AnswerError: It is no http or https address, or holds a password.
    """
    parsed = read_address(url)
    if parsed is None or parsed.userinfo:
        raise AnswerError("an output that is no plain http or https address")
    return parsed


def _checked(url: str, name: str) -> str:
    parsed = read_address(url.strip())
    if parsed is None or parsed.query or parsed.fragment:
        raise UsageError(f"{name}, {redact_url(url)}, is not an http or https URL without a query")
    if parsed.userinfo:
        raise UsageError(f"{name}, {redact_url(url)}, is given with a user name or password, which is refused")
    return str(parsed)


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
