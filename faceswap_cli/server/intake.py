"""The pictures of a request: URLs are fetched, `data:` URIs and base64 are decoded, each into a file."""

from __future__ import annotations

import base64
import binascii
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote_to_bytes

from faceswap_cli.errors import InputError, LimitError
from faceswap_cli.media.formats import HEAD_BYTES, Foreign, sniff_picture
from faceswap_cli.net.fetch import Resolver, fetch, resolve_host
from faceswap_cli.options import MediaFormat
from faceswap_cli.server.files import FileShelf
from faceswap_cli.server.options import MIB, ServerOptions

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_DATA = re.compile(r"data:([^,]{0,200}),", re.IGNORECASE)
_BLANKS = re.compile(r"[ \t\r\n]+")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]*={0,2}")
_HEAD = 4096


class Intake:
    """Gets pictures, within limits."""

    def __init__(self, options: ServerOptions, shelf: FileShelf, now: Callable[[], float],
                 resolve: Resolver = resolve_host) -> None:
        """Nothing is fetched yet.

        Args:
            options: Limits.
            shelf: Pictures that this server itself hands out are taken from here; it fetches nothing from itself.
            now: The time.
            resolve: Finds the addresses of a host.
        """
        self._options = options
        self._shelf = shelf
        self._now = now
        self._resolve = resolve

    def take(self, uri: str, name: str, destination: Path) -> None:
        """Put the picture that a field names into a file.

        Args:
            uri: http, https or `data:` URI, or base64.
            name: Of the field, for messages.
            destination: Is written.

        Raises:
            InputError: It cannot be had; see `check_uri` and `net.fetch.fetch`. Or it is a video.
            LimitError: It is larger than the limit.
            OutputError: The disk is full.
        """
        check_uri(uri, name)
        self._get(uri, name, destination)
        with destination.open("rb") as file:
            kind = sniff_picture(file.read(HEAD_BYTES))
        if isinstance(kind, Foreign) and kind.video:
            raise InputError(kind.explain(name))

    def _get(self, uri: str, name: str, destination: Path) -> None:
        if not _is_web(uri):
            destination.write_bytes(decode(uri, name, self._options.max_input))
            return
        own = self._shelf.find_url(uri, self._now())
        if own is not None:
            shutil.copyfile(own, destination)
            return
        try:
            fetch(uri, destination, max_bytes=self._options.max_input, timeout=self._options.fetch_seconds,
                  allow_private=self._options.allow_private_urls, resolve=self._resolve)
        except InputError as error:
            raise error.about(name) from error


def check_uri(uri: str, name: str) -> None:
    """Refuse what can be seen to be no picture before anything is fetched.

    Raises:
        InputError: Another kind of URI (`file:` among them), or no URI and no base64.
    """
    if _is_web(uri) or _DATA.match(uri):
        return
    head = uri[:_HEAD]  # what follows may be megabytes, and is looked at when it is decoded
    found = _SCHEME.match(head)
    if found:
        if found[1].lower() == "data":
            raise InputError(f"{name} is no data URI: there is no comma before the data")
        raise InputError(f"{name} is a {found[1][:20].lower()}: URI",
                         advice="give an http, https or data: URI, or base64")
    bare = _BLANKS.sub("", head)
    whole = len(uri) == len(head)
    if not bare or not _BASE64.fullmatch(bare) or (whole and len(bare.rstrip("=")) % 4 == 1):
        raise InputError(f"{name} is neither an http, https or data: URI nor base64")


def decode(uri: str, name: str, max_bytes: int) -> bytes:
    """The bytes of a `data:` URI or of base64, with or without padding, of either alphabet.

    Raises:
        InputError: They cannot be decoded.
        LimitError: They are more than `max_bytes`.
    """
    found = _DATA.match(uri)
    text = uri[found.end():] if found else uri
    if found and not found[1].lower().rstrip().endswith(";base64"):
        data = unquote_to_bytes(text)
    else:
        bare = _BLANKS.sub("", text).rstrip("=").replace("-", "+").replace("_", "/")
        try:
            data = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
        except (binascii.Error, ValueError):  # ValueError: characters that are not ASCII
            raise InputError(f"{name} is not valid base64") from None
    if not data:
        raise InputError(f"{name} is empty")
    if len(data) > max_bytes:
        raise LimitError(f"{name} is larger than {max_bytes / MIB:.4g} MB")
    return data


def picture_kind(data: bytes, name: str) -> MediaFormat:
    """What a picture is, by its first bytes.

    Raises:
        InputError: It is no picture that can be read.
    """
    kind = sniff_picture(data[:HEAD_BYTES])
    if isinstance(kind, Foreign):
        raise InputError(kind.explain(name))
    return kind


def _is_web(uri: str) -> bool:
    return uri[:8].lower().startswith(("http://", "https://"))
