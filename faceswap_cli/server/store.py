"""What the server must not forget: requests and files, in an embedded SQLite file that survives a killed process.

A request is accepted once it is committed here. It ends COMPLETED or FAILED, in this run of the server or in a later
one. Times are seconds since the epoch, by the clock that the caller gives.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceswap_cli.errors import OutputError
from faceswap_cli.segmind.schema import State
from faceswap_cli.text import opt

_SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    slug TEXT NOT NULL,
    blocking INTEGER NOT NULL,
    as_text INTEGER NOT NULL,
    body TEXT,
    bytes INTEGER NOT NULL,
    state TEXT NOT NULL,
    accepted REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    finished REAL,
    seconds REAL,
    error TEXT,
    status INTEGER,
    file TEXT,
    warnings TEXT NOT NULL DEFAULT '[]'
) STRICT;
CREATE INDEX IF NOT EXISTS requests_by_end ON requests (finished);
CREATE TABLE IF NOT EXISTS files (
    name TEXT PRIMARY KEY,
    media_type TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    asset INTEGER NOT NULL,
    expires REAL NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS files_by_end ON files (expires);
"""

_PRAGMAS = ("auto_vacuum=INCREMENTAL", "journal_mode=WAL", "synchronous=FULL", f"journal_size_limit={64 << 20}")

_COLUMNS = ("id, owner, slug, blocking, as_text, state, accepted, attempts, finished, seconds, error, status, file, "
            "warnings, bytes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a request ended.

    Attributes:
        state: COMPLETED or FAILED.
        seconds: Of computing.
        error: Why it failed; None when it did not.
        status: What a blocking call is answered with.
        file: Name of the result.
        warnings: What the client should know.
    """

    state: State
    seconds: float
    error: str | None = None
    status: int = 200
    file: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A request as it is known, without its body.

    Attributes:
        id: Of the request.
        owner: `KeyRing.owner` of the key it came with.
        slug: Model.
        blocking: Whether its client waits on the connection.
        as_text: Whether the result is wanted as base64.
        state: One of four.
        accepted: When.
        attempts: How often it was begun.
        finished: When it ended; None: it has not.
        ending: How; None: it has not.
        bytes: Of the body.
    """

    id: str
    owner: str
    slug: str
    blocking: bool
    as_text: bool
    state: State
    accepted: float
    attempts: int = 0
    finished: float | None = None
    ending: Ending | None = None
    bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """A file that the server hands out: a result or an uploaded picture."""

    name: str
    media_type: str
    bytes: int
    asset: bool
    expires: float


class Store:
    """The tables. Safe to use from several threads; one call at a time has its turn."""

    def __init__(self, path: Path) -> None:
        """Open or make the file.

        Raises:
            OutputError: It cannot be, or is no such file.
        """
        self._path = path
        self._turn = threading.Lock()
        try:
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            for line in _PRAGMAS:
                self._connection.execute(f"PRAGMA {line}")
            self._connection.executescript(_SCHEMA)
            self._connection.execute(f"SELECT {_COLUMNS} FROM requests LIMIT 1")
        except sqlite3.Error as error:
            raise OutputError(f"{path} cannot be used: {error}",
                              advice=f"name another folder with {opt('data-dir')}") from error

    def close(self) -> None:
        """Let go of the file."""
        with self._turn:
            self._connection.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction; raises OutputError: the disk is full, or the file is gone."""
        with self._turn:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException as error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise OutputError(f"{self._path} cannot be written: {error}") from error
                raise

    def _ask(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._turn:
            return self._connection.execute(query, values).fetchall()

    # --- requests -----------------------------------------------------------------------------------------------------

    def add(self, request: Stored, body: str) -> None:
        """Accept a request; it is on the disk when this returns.

        Args:
            request: Its state is QUEUED.
            body: What it asks for, as JSON.
        """
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO requests (id, owner, slug, blocking, as_text, body, bytes, state, accepted) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (request.id, request.owner, request.slug, request.blocking, request.as_text, body, request.bytes,
                 request.state.value, request.accepted))

    def begin(self, request_id: str) -> tuple[Stored, str] | None:
        """A worker has it: the request and its body; None: it does not wait any more."""
        with self._writing() as connection:
            changed = connection.execute(
                "UPDATE requests SET state = ?, attempts = attempts + 1 WHERE id = ? AND state = ?",
                (State.PROCESSING.value, request_id, State.QUEUED.value)).rowcount
            if not changed:
                return None
            row = connection.execute(f"SELECT {_COLUMNS}, body FROM requests WHERE id = ?", (request_id,)).fetchone()
        return _read(row[:-1]), str(row[-1])

    def finish(self, request_id: str, ending: Ending, now: float) -> bool:
        """Note how a request ended, and forget its body. The first ending stands: False when there was one."""
        with self._writing() as connection:
            return connection.execute(
                "UPDATE requests SET state = ?, finished = ?, seconds = ?, error = ?, status = ?, file = ?, "
                "warnings = ?, body = NULL WHERE id = ? AND finished IS NULL",
                (ending.state.value, now, ending.seconds, ending.error, ending.status, ending.file,
                 json.dumps(ending.warnings), request_id)).rowcount > 0

    def get(self, request_id: str) -> Stored | None:
        """A request; None: not known."""
        rows = self._ask(f"SELECT {_COLUMNS} FROM requests WHERE id = ?", (request_id,))
        return _read(rows[0]) if rows else None

    def unfinished(self) -> list[Stored]:
        """Those that have not ended, in the order in which they were accepted."""
        return [_read(row) for row in
                self._ask(f"SELECT {_COLUMNS} FROM requests WHERE finished IS NULL ORDER BY accepted, rowid")]

    def requeue(self, request_id: str) -> None:
        """Put a request that was begun back among those that wait."""
        with self._writing() as connection:
            connection.execute("UPDATE requests SET state = ? WHERE id = ? AND finished IS NULL",
                               (State.QUEUED.value, request_id))

    # --- files --------------------------------------------------------------------------------------------------------

    def add_files(self, files: Sequence[KeptFile]) -> None:
        """Know some files, or none of them."""
        with self._writing() as connection:
            connection.executemany("INSERT INTO files VALUES (?, ?, ?, ?, ?)",
                                   [(file.name, file.media_type, file.bytes, file.asset, file.expires)
                                    for file in files])

    def file(self, name: str, now: float) -> KeptFile | None:
        """A file that has not expired; None: there is none of that name."""
        rows = self._ask("SELECT name, media_type, bytes, asset, expires FROM files WHERE name = ? AND expires > ?",
                         (name, now))
        return KeptFile(name=rows[0][0], media_type=rows[0][1], bytes=rows[0][2], asset=bool(rows[0][3]),
                        expires=rows[0][4]) if rows else None

    def asset_bytes(self) -> tuple[int, float | None]:
        """Bytes of all uploaded pictures, and when the first of them expires."""
        total, first = self._ask("SELECT coalesce(sum(bytes), 0), min(expires) FROM files WHERE asset")[0]
        return int(total), first

    def file_names(self) -> set[str]:
        """All files known."""
        return {str(row[0]) for row in self._ask("SELECT name FROM files")}

    def expire(self, ended_before: float, now: float) -> list[str]:
        """Forget requests that ended long enough ago and files whose time is over.

        Args:
            ended_before: Requests with a final state older than this go.
            now: The time.

        Returns:
            The names of the files, which are still to be removed.
        """
        with self._writing() as connection:
            connection.execute("DELETE FROM requests WHERE finished <= ?", (ended_before,))
            names = [str(row[0]) for row in
                     connection.execute("DELETE FROM files WHERE expires <= ? RETURNING name", (now,)).fetchall()]
        with self._turn:  # what the bodies took is given back to the disk
            self._connection.execute("PRAGMA incremental_vacuum").fetchall()
        return names

    def drop_file(self, name: str) -> None:
        """Forget a file."""
        with self._writing() as connection:
            connection.execute("DELETE FROM files WHERE name = ?", (name,))


def _read(row: Sequence[Any]) -> Stored:
    (request_id, owner, slug, blocking, as_text, state, accepted, attempts, finished, seconds, error, status, file,
     warnings, size) = row
    ending = None
    if finished is not None:
        ending = Ending(state=State(state), seconds=float(seconds), error=error, status=int(status), file=file,
                        warnings=tuple(json.loads(warnings)))
    return Stored(id=request_id, owner=owner, slug=slug, blocking=bool(blocking), as_text=bool(as_text),
                  state=State(state), accepted=float(accepted), attempts=int(attempts), finished=finished,
                  ending=ending, bytes=int(size))
