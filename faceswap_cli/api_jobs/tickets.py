"""Requests that the API has accepted, written down until their results are on the disk.

A ticket is filed under what was asked, not under the name of an output: whoever asks the same again within the hour,
after a crash or an interruption, gets the result that is already paid for.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from faceswap_cli.errors import OutputError
from faceswap_cli.segmind.schema import AnswerError
from faceswap_cli.segmind.ticket import Ticket

_SUFFIX = ".ticket.json"


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

    def prepare(self) -> None:
        """See to it that tickets can be written, before anything that is billed is sent; forget those of no use.

        Raises:
            OutputError: They cannot.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not os.access(self.folder, os.W_OK | os.X_OK):
                raise PermissionError(13, "no permission to write there")
        except OSError as error:
            raise OutputError(f"cannot note open requests in {self.folder}: {error.strerror or error}; nothing was "
                              "sent") from error
        for path in self.folder.glob("*" + _SUFFIX):
            ticket = _read(path)
            # A day later nobody can wonder any more what became of it.
            if ticket is None or self._now() - ticket.submitted_at > 86_400:
                with contextlib.suppress(OSError):
                    path.unlink()

    def find(self, key: str) -> Ticket | None:
        """The ticket of an open request, expired or not; None: there is none."""
        return _read(self._path(key))

    def expired(self, ticket: Ticket) -> bool:
        """Whether the API has forgotten the request by now."""
        return ticket.expired(self._now())

    def keep(self, key: str, ticket: Ticket) -> None:
        """Write a ticket down; it is on the disk when this returns.

        Raises:
            OSError: It cannot be.
        """
        handle, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=self.folder)  # readable by the user alone
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(json.dumps(ticket.to_json()).encode())
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self._path(key))
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise

    def drop(self, key: str) -> None:
        """The request is no longer open."""
        with contextlib.suppress(OSError):
            self._path(key).unlink()

    def close(self) -> None:
        """Remove the folder if there is nothing in it."""
        with contextlib.suppress(OSError):
            self.folder.rmdir()

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}{_SUFFIX}"


def _read(path: Path) -> Ticket | None:
    try:
        return Ticket.from_json(json.loads(path.read_bytes()))
    except (OSError, ValueError, AnswerError):
        return None
