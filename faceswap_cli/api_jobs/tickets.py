"""Requests that the API has accepted, written down until their results are on the disk.

A ticket is filed under what was asked, not under the name of an output: whoever asks the same again within the hour,
after a crash or an interruption, gets the result that is already paid for.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Any

from faceswap_cli.errors import OutputError
from faceswap_cli.segmind.schema import AnswerError
from faceswap_cli.segmind.ticket import Ticket

_SUFFIX = ".ticket.json"
_ROOM = ".room"
_ROOM_BYTES = 4096
"""Of a ticket, which is padded: more than one takes."""


def default_folder() -> Path:
    """Where tickets of single swaps lie."""
    from platformdirs import user_state_path

    return user_state_path("faceswap", appauthor=False) / "remote-requests"


def ticket_key(root: str, slug: str, request: dict[str, Any]) -> str:
    """What a ticket is filed under.

    Args:
        root: Of the API.
        slug: The model that is asked.
        request: What is asked, with files named by their content.
    """
    return sha256(json.dumps([root, slug, request], sort_keys=True).encode()).hexdigest()[:40]


class Tickets:
    """A folder with one small file for each open request, readable by the user alone. Safe for threads."""

    def __init__(self, folder: Path, now: Callable[[], float] = time.time) -> None:
        """Nothing is read or made yet.

        Args:
            folder: Made when the first request is about to be sent.
            now: Seconds since 1970.
        """
        self.folder = folder
        self._now = now

    @contextlib.contextmanager
    def room(self) -> Iterator[Path]:
        """Make the file that takes a ticket, before anything that is billed is sent; forget tickets of no use.

        The file has its place on the disk then, so that a disk that fills up meanwhile costs no ticket. It is gone at
        the end, or is the ticket. The folder stays: other processes note their requests there.

        Raises:
            OutputError: It cannot be written.
        """
        path = self.folder / f".{token_hex(8)}{_ROOM}"
        try:
            try:
                self._write(path, b"")
            except OSError as error:
                raise OutputError(f"cannot record open requests in {self.folder}: {error.strerror or error}",
                                  advice="nothing was sent") from error
            self._sweep()
            yield path
        finally:
            with contextlib.suppress(OSError):
                path.unlink()

    def _sweep(self) -> None:
        for path in self.folder.glob("*" + _SUFFIX):
            ticket = _read(path)
            # A day later nobody can wonder any more what became of it.
            if ticket is None or self._now() - ticket.submitted_at > 86_400:
                with contextlib.suppress(OSError):
                    path.unlink()
        for path in self.folder.glob(f".*{_ROOM}"):  # of runs that were killed
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > 86_400:
                    path.unlink()

    def find(self, key: str) -> Ticket | None:
        """The ticket of an open request, expired or not; None: there is none."""
        return _read(self._path(key))

    def expired(self, ticket: Ticket) -> bool:
        """Whether the API has forgotten the request by now."""
        return ticket.expired(self._now())

    def keep(self, key: str, ticket: Ticket, room: Path) -> None:
        """Write a ticket down; it is on the disk when this returns.

        Args:
            key: What it is filed under.
            ticket: The open request.
            room: What `room` gave, which is renamed.

        Raises:
            OSError: It cannot be.
        """
        self._write(room, json.dumps(ticket.to_json()).encode())
        room.replace(self._path(key))

    def drop(self, key: str, request_id: str | None) -> None:
        """The request is no longer open. The ticket of another one, of a process that asks the same, stays."""
        found = self.find(key)
        if found is not None and found.request_id == request_id:
            with contextlib.suppress(OSError):
                self._path(key).unlink()

    def _write(self, path: Path, data: bytes) -> None:
        """Write to the disk, over what is there; the folder is made anew should somebody have removed it meanwhile."""
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data.ljust(_ROOM_BYTES))
            file.flush()
            os.fsync(file.fileno())

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}{_SUFFIX}"


def _read(path: Path) -> Ticket | None:
    try:
        return Ticket.from_json(json.loads(path.read_bytes()))
    except (OSError, ValueError, AnswerError):
        return None
