"""Local files as addresses: sent to the API's store, each once, as a stream."""

from __future__ import annotations

import base64
import hashlib
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from faceswap_cli.errors import InputError, LimitError
from faceswap_cli.media.formats import FORMATS, HEAD_BYTES, Foreign, sniff_picture

MAX_UPLOAD_BYTES = 25 * 2**20
"""Default bound on one file, and on the files of one request together."""

KEPT = 1800.0
"""Seconds for which an uploaded file is used again; how long the API keeps it is not documented."""

_BLOCK = 3 << 16
"""A multiple of 3, so that base64 text of blocks can be put together."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that can be sent.

    Attributes:
        path: Where it is.
        size: Its bytes.
        media_type: By its content, whatever its name says.
        sha256: Of its content.
    """

    path: Path
    size: int
    media_type: str
    sha256: str

    @classmethod
    def of(cls, path: Path, max_bytes: int = MAX_UPLOAD_BYTES) -> Asset:
        """Look at a file before anything is sent.

        Raises:
            LimitError: It is larger than `max_bytes`.
            InputError: It cannot be read, or is no picture.
        """
        try:
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                if size > max_bytes:
                    raise LimitError(f"{path} is {size / 2**20:.1f} MB, more than the limit of "
                                     f"{max_bytes / 2**20:.4g} MB for uploads", advice="take a smaller picture")
                found = sniff_picture(file.read(HEAD_BYTES))
                file.seek(0)
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror or error}", advice="check the file") from error
        if isinstance(found, Foreign):
            raise InputError(found.explain(str(path)))
        return cls(path, size, FORMATS[found].media_type, digest)


class UploadBody:
    """The JSON object `{"data_urls": [...]}` as a stream of known length, a block of one file in memory at a time."""

    def __init__(self, assets: Sequence[Asset]) -> None:
        self._assets = assets

    @property
    def length(self) -> int:
        """Bytes in all."""
        text = sum(len(piece) for piece in self._frame())
        return text + sum((asset.size + 2) // 3 * 4 for asset in self._assets)

    def __iter__(self) -> Iterator[bytes]:
        """The body, from its beginning.

        Raises:
            InputError: A file changed or vanished since it was looked at.
        """
        *before, end = self._frame()
        for piece, asset in zip(before, self._assets, strict=True):
            yield piece
            yield from _encoded(asset)
        yield end

    def _frame(self) -> list[bytes]:
        """What stands before each file and after the last."""
        pieces = []
        for number, asset in enumerate(self._assets):
            opening = '{"data_urls": ["' if number == 0 else '", "'
            pieces.append(f"{opening}data:{asset.media_type};base64,".encode("ascii"))
        return [*pieces, b'"]}']


def _encoded(asset: Asset) -> Iterator[bytes]:
    left, digest = asset.size, hashlib.sha256()
    try:
        with asset.path.open("rb") as file:
            while left:
                block = file.read(min(_BLOCK, left))
                if len(block) < min(_BLOCK, left):
                    raise InputError(f"{asset.path} became shorter while it was sent", advice="run again")
                left -= len(block)
                digest.update(block)
                if not left and digest.hexdigest() != asset.sha256:
                    raise InputError(f"{asset.path} was changed while it was sent", advice="run again")
                yield base64.b64encode(block)
    except OSError as error:
        raise InputError(f"{asset.path} cannot be read: {error.strerror or error}", advice="check the file") from error


def in_requests(assets: Sequence[Asset], max_bytes: int) -> list[list[Asset]]:
    """The files in groups that may go in one request each, in their order."""
    groups: list[list[Asset]] = []
    room = -1
    for asset in assets:
        if asset.size > room or not groups:
            groups.append([])
            room = max_bytes
        groups[-1].append(asset)
        room -= asset.size
    return groups


class Uploaded:
    """What was uploaded, by content: a batch sends the picture of its face once. Safe for threads."""

    def __init__(self, kept: float = KEPT) -> None:
        self._kept = kept
        self._lock = threading.Lock()
        self._urls: dict[str, tuple[str, float]] = {}
        self._sending: dict[str, threading.Lock] = {}

    def sending(self, sha256: str) -> threading.Lock:
        """Held while a file is sent, so that another job waits for its address instead of sending it too."""
        with self._lock:
            return self._sending.setdefault(sha256, threading.Lock())

    def find(self, sha256: str, now: float) -> str | None:
        """The address of a file, where it was uploaded not long ago.

        Args:
            sha256: Of its content.
            now: On a clock that never runs backwards.
        """
        with self._lock:
            url, at = self._urls.get(sha256, ("", float("-inf")))
        return url if url and now - at < self._kept else None

    def add(self, sha256: str, url: str, now: float) -> None:
        """Remember an address; those that are too old are forgotten."""
        with self._lock:
            self._urls = {known: entry for known, entry in self._urls.items() if now - entry[1] < self._kept}
            self._urls[sha256] = (url, now)
            self._sending = {known: lock for known, lock in self._sending.items() if lock.locked()}
