"""How the server is called by its clients: the root of the URLs that it gives, and which Host it answers to."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from faceswap_cli.server.failures import HttpError
from faceswap_cli.server.options import ServerOptions, is_loopback

_HOST = re.compile(r"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{1,5}))?")


class ServerAddresses:
    """Judges the Host header, and builds absolute URLs."""

    def __init__(self, options: ServerOptions, *, open_to_all: bool) -> None:
        """Set up.

        Args:
            options: The public root.
            open_to_all: No key is asked for. Then only names of this machine are answered to: else a page in the
                user's browser could reach the server under a name of its own that leads here (DNS rebinding).
        """
        self._root = options.root
        self._public_host = urlsplit(options.root).hostname if options.root else None
        self._open_to_all = open_to_all

    def check(self, connection: HTTPConnection) -> None:
        """Refuse a request for another host.

        Raises:
            ApiError: Its Host header makes no sense (400) or is not one that is answered to (403).
        """
        host = _host_of(connection)
        found = _HOST.fullmatch(host)
        if found is None:
            raise HttpError(400, "the Host header is missing or malformed")
        name = found[1].lower()
        if self._open_to_all and not is_loopback(name) and name != self._public_host:
            raise HttpError(403, "this server asks for no key, so it answers to localhost only")

    def root(self, connection: HTTPConnection) -> str:
        """The root of URLs for this client, without a slash at its end."""
        return self._root or f"{connection.scope['scheme']}://{_host_of(connection)}"


def _host_of(connection: HTTPConnection) -> str:
    return connection.headers.get("host", "")
