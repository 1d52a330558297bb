"""The journal of a batch: JSON Lines, appended to as items begin and finish, read by the next run.

    {"journal": "faceswap", "schema": 1, "version": str}      the first line
    {"begun": str}                                            an item was handed out; its key
    {"key": str, ...}                                         an item has finished; see `jobs/entry.py`

What a killed run leaves unfinished is what it had begun: at most one item for each worker. A last line that was not
written to its end counts for nothing and is cut off.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, BinaryIO

from faceswap_cli.batch.entry import Entry
from faceswap_cli.batch.items import Item, ItemResult
from faceswap_cli.batch.plan.shards import Shard
from faceswap_cli.errors import OutputError, UsageError
from faceswap_cli.files.atomic import explain_failure
from faceswap_cli.files.closing import Closing
from faceswap_cli.text import opt

SCHEMA = 1
"""Of the file. A journal of a newer one is refused."""

NAME = ".faceswap-journal"
SUFFIX = ".jsonl"

SYNC_SECONDS = 0.2
"""Least time between two syncs: what the system itself may lose when the power goes. A killed process loses nothing."""

_HEADER = b'{"journal":"faceswap",'
_HEADER_BYTES = 4096
_BLOCK = 1 << 16


def default_journal(root: Path, shard: Shard | None = None) -> Path:
    """Where the journal of a batch lies when nothing else is said: beside the outputs, one for each shard."""
    part = "" if shard is None else f".{shard.index}-of-{shard.count}"
    return root / f"{NAME}{part}{SUFFIX}"


class Entries(Mapping[str, Entry]):
    """What a journal says of each key: its last entry.

    Keeps keys and places in memory, some 200 bytes an item, and reads entries when they are asked for. A key that is
    only in other journals is looked up there, in their order.

    Attributes:
        damaged: Lines that are no entry; their items count as never done.
    """

    def __init__(self, path: Path | None = None, others: Sequence[Entries] = ()) -> None:
        """Read through a journal once.

        Args:
            path: A journal that was found to be one; None: nothing is known.
            others: Of journals that know more keys.
        """
        self.damaged = 0
        self._path = path
        self._others = tuple(others)
        self._places: dict[str, int] = {}
        """Where the last entry of a key begins; -1: there is none."""
        self._begun: set[str] = set()
        self._open: set[str] = set()
        if path is not None:
            with path.open("rb") as file:
                self._scan(file)

    def _scan(self, file: BinaryIO) -> None:
        place = len(file.readline())
        for line in file:
            if line.endswith(b"\n"):  # else the last one, torn or just being written
                self._note(_parse(line), place)
            place += len(line)

    def _note(self, record: Any, place: int) -> None:
        begun, key = (record.get("begun"), record.get("key")) if isinstance(record, dict) else (None, None)
        if isinstance(begun, str):
            self._places.setdefault(begun, -1)
            self._begun.add(begun)
            self._open.add(begun)
        elif isinstance(key, str):
            self._places[key] = place
            self._open.discard(key)
        else:
            self.damaged += 1

    def __getitem__(self, key: str) -> Entry:
        place = self._places.get(key, -1)
        if place >= 0 and self._path is not None:
            try:
                with self._path.open("rb") as file:
                    file.seek(place)
                    return Entry.from_json(_parse(file.readline()))
            except (OSError, ValueError):
                raise KeyError(key) from None
        for other in self._others:
            if key in other:
                return other[key]
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        yield from (key for key, place in self._places.items() if place >= 0)
        seen = [self._places]
        for other in self._others:
            yield from (key for key in other if not any(places.get(key, -1) >= 0 for places in seen))
            seen.append(other._places)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def has_begun(self, key: str) -> bool:
        """Whether an item was ever begun: what lies at its output is then this batch's."""
        return key in self._begun or any(other.has_begun(key) for other in self._others)

    def is_open(self, key: str) -> bool:
        """Whether an item was begun and then neither finished nor failed: the run was killed."""
        return key in self._open or (key not in self._places and any(other.is_open(key) for other in self._others))


def read_entries(path: Path) -> Entries:
    """What a journal knows of the items, without opening it to be written.

    In a folder of outputs the journals of other shards are looked at too: of a run that was not divided, or was into
    another number of parts. (Those of the same number have no keys in common.)

    Args:
        path: A journal; where there is none yet, those of other shards may still know something.

    Raises:
        UsageError: The file is no journal, or one of a newer version.
        OutputError: It cannot be read.
    """
    there = False
    if path.is_file():
        try:
            with path.open("rb") as file:
                there = _check_header(file, path)
        except OSError as error:
            raise OutputError(f"cannot read the journal {path}: {error.strerror or error}",
                              advice=f"name another file with {opt('journal')}") from error
    return Entries(path if there else None, [Entries(other) for other in _relatives(path)])


class Journal(Closing):
    """An open journal, to append to. One run at a time has it: see `locks.hold`."""

    def __init__(self, path: Path) -> None:
        """Open a journal, or make one with the folder it lies in. A torn last line is cut off.

        Raises:
            UsageError: The file is no journal, or one of a newer version; it is left as it is.
            OutputError: It cannot be written.
        """
        self.path = path
        self._lock = threading.Lock()
        self._synced = time.monotonic()
        self._dirty = False
        self._descriptor = -1
        with self._writing():
            path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
            self._descriptor = os.open(path, flags, 0o666)
            try:
                self._size = self._prepare()
            except BaseException:
                self.close()
                raise

    def _prepare(self) -> int:
        """See that the file is a journal that ends with a whole line; returns its size in bytes."""
        status = os.fstat(self._descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OutputError(f"cannot write {self.path}: it is not a regular file",
                              advice=f"name a journal with {opt('journal')}")
        with self.path.open("rb") as file:
            if _check_header(file, self.path):
                end = _end_of_lines(file, status.st_size)
                if end < status.st_size:
                    os.ftruncate(self._descriptor, end)
                return end
        os.ftruncate(self._descriptor, 0)
        self._size = 0
        self._write(json.dumps({"journal": "faceswap", "schema": SCHEMA, "version": _version()},
                               separators=(",", ":")))
        os.fsync(self._descriptor)
        return self._size

    def read(self) -> Entries:
        """What is known of the items, as of now; see `read_entries`."""
        return read_entries(self.path)

    def begin(self, item: Item) -> None:
        """Note that an item is handed out: what appears at its output from now on is this batch's.

        Raises:
            OutputError: The journal cannot be written.
        """
        self._append(json.dumps({"begun": item.key}, separators=(",", ":")))

    def append(self, result: ItemResult) -> None:
        """Note a finished item.

        Raises:
            OutputError: The journal cannot be written.
        """
        self._append(Entry.of(result).to_json())

    def sync(self) -> None:
        """Have the system write down what was noted.

        Raises:
            OutputError: It cannot.
        """
        with self._lock, self._writing():
            self._sync()

    def close(self) -> None:
        """Sync and close; nothing happens a second time.

        Raises:
            OutputError: What was noted last could not be written down.
        """
        with self._lock:
            if self._descriptor < 0:
                return
            try:
                with self._writing():
                    self._sync()
            finally:
                os.close(self._descriptor)
                self._descriptor = -1

    def _append(self, line: str) -> None:
        with self._lock, self._writing():
            self._write(line)
            if time.monotonic() - self._synced >= SYNC_SECONDS:
                self._sync()

    def _write(self, line: str) -> None:
        """One line, whole or not at all: half a line would swallow the next one."""
        data = memoryview(line.encode("ascii") + b"\n")
        try:
            written = 0
            while written < len(data):  # the system may take less than it is given, when the disk is nearly full
                written += os.write(self._descriptor, data[written:])
        except BaseException:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self._size)
            raise
        self._size += len(data)
        self._dirty = True

    def _sync(self) -> None:
        if self._dirty:
            os.fsync(self._descriptor)
            self._dirty = False
        self._synced = time.monotonic()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            raise OutputError(explain_failure(f"the journal {self.path}", self.path, error)) from error


def _check_header(file: BinaryIO, path: Path) -> bool:
    """Whether a file has the first line of a journal; False: there is none yet, or only the beginning of one.

    Raises:
        UsageError: It is something else, or of a newer version.
    """
    line = file.readline(_HEADER_BYTES)
    if not line.endswith(b"\n") and (_HEADER.startswith(line) or line.startswith(_HEADER)) and not file.read(1):
        return False
    found = _parse(line) if line.startswith(_HEADER) else None
    header = found if isinstance(found, dict) else {}
    schema = header.get("schema")
    if not isinstance(schema, int):
        raise UsageError(f"{path} is not a journal of faceswap", advice=f"name another file with {opt('journal')}")
    if schema > SCHEMA:
        raise UsageError(f"{path} was written by a newer faceswap ({header.get('version')})",
                         advice=f"use that one, or name another file with {opt('journal')}")
    return True


def _end_of_lines(file: BinaryIO, size: int) -> int:
    """Where the last whole line ends, in bytes from the beginning."""
    end = size
    while end > 0:
        start = max(0, end - _BLOCK)
        file.seek(start)
        newline = file.read(end - start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


def _relatives(path: Path) -> list[Path]:
    """Journals in the same folder that may know the same keys, the newest first.

    None if this one has a name of its own. What cannot be read, or is no journal, is none.
    """
    found: list[tuple[int, Path]] = []
    if not (path.name.startswith(NAME) and path.name.endswith(SUFFIX)):
        return []
    part = _shards(path)
    for other in path.parent.glob(f"{NAME}*{SUFFIX}"):
        if other.name == path.name or (part is not None and part == _shards(other)):
            continue
        with contextlib.suppress(OSError, UsageError), other.open("rb") as file:
            if _check_header(file, other):
                found.append((other.stat().st_mtime_ns, other))
    return [other for _, other in sorted(found, reverse=True)]


def _shards(path: Path) -> str | None:
    """The number of shards in the name of a journal; None: not divided."""
    _, found, count = path.name[len(NAME):-len(SUFFIX)].partition("-of-")
    return count if found else None


def _parse(line: bytes) -> Any:
    """What a line holds; None: nothing that can be read, or not a whole one."""
    try:
        return json.loads(line) if line.endswith(b"\n") else None
    except (ValueError, RecursionError):
        return None


def _version() -> str:
    try:
        return version("faceswap-cli")
    except PackageNotFoundError:  # run from a checkout
        return "unknown"
