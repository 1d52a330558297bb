"""Encoded segments of a video that is being written, so that a killed run is gone on with.

Beside the output lies a hidden folder, from the first finished segment on:

    .NAME.faceswap-video/
      lock            held by the run that writes, as long as it lives
      job             fingerprint of the job and of all that its bytes depend on
      000000.packets  encoded pictures in the order of decoding: size, number within the segment, whether a key, bytes
      000000.json     the record: times, the caller's state, a hash of the packets; written last

The folder goes with the finished output, and when the job fails. A run that is killed or interrupted leaves it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import struct
import tempfile
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

from faceswap_cli.files.atomic import sync_folder
from faceswap_cli.files.leftovers import hold

_HEAD = struct.Struct("<III")
_COPY_BYTES = 1 << 20
_NAME_BYTES = 255
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class EncodedPicture:
    """One encoded picture.

    Attributes:
        number: Of the picture in the whole video, in the order in which they are shown.
        key: Whether decoding can begin here.
        data: The bytes.
    """

    number: int
    key: bool
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """What is known of a finished segment.

    Attributes:
        ticks: When its pictures are shown, in the writer's unit.
        end: When the last one ends.
        delay: By how many places a picture comes before one that is shown earlier, at most.
        next_time: `Frame.time` of the frame after it.
        state: What the caller wants to have again.
        extra: Facts of the writer, as JSON.
    """

    ticks: tuple[int, ...]
    end: int
    delay: int
    next_time: Fraction = Fraction(0)
    state: bytes = b""
    extra: dict[str, Any] = field(default_factory=dict)


class SegmentStore:
    """The encoded pictures of one video, on the disk.

    The segment that grows is in a file without a name. `close` puts it into the folder, or, where nothing is kept,
    leaves it there.

    Attributes:
        kept: Segments that an earlier run left; those of this run are added.
    """

    def __init__(self, target: Path | None, fingerprint: str | None) -> None:
        """Look for what an earlier run left.

        Args:
            target: The output; None: it has no name, so nothing is kept.
            fingerprint: Of the job and all that its bytes depend on; None: nothing is kept.

        Raises:
            OSError: The folder cannot be read or written.
        """
        self.kept: list[Segment] = []
        self._fingerprint = fingerprint or ""
        self._near = target.parent if target is not None else None
        self._folder = target.with_name(_folder_name(target.name)) if target is not None and fingerprint else None
        self._lock: int | None = None
        self._growing: IO[bytes] | None = None
        self._spans: dict[int, tuple[int, int]] = {}
        if self._folder is not None and self._folder.is_dir():
            if self._take():
                self.kept = self._load()
            else:
                self._folder = None

    def append(self, picture: EncodedPicture) -> None:
        """Add a picture to the segment that grows; `number` counts from the first of the segment.

        Raises:
            OSError: The disk is full.
        """
        file = self._file()
        file.write(_HEAD.pack(len(picture.data), picture.number, picture.key))
        file.write(picture.data)

    def close(self, segment: Segment, *, last: bool = False) -> None:
        """Finish the segment that grows. Where segments are kept it is safe on the disk when this returns.

        Args:
            segment: What is known of it.
            last: None comes after it, so it need not be kept.

        Raises:
            OSError: The disk is full.
        """
        file = self._file()
        if self._folder is not None and not last and not (self._folder.is_dir() or self._make()):
            self._folder = None  # another run has it
        if self._folder is None or last:
            begin = max((end for _, end in self._spans.values()), default=0)
            self._spans[len(self.kept)] = (begin, file.tell())
        else:
            self._persist(segment, file)
        self.kept.append(segment)

    def pictures(self) -> Iterator[EncodedPicture]:
        """All pictures of all finished segments, in the order of decoding, one at a time.

        Raises:
            OSError: A file cannot be read, or is not what was written.
        """
        first = 0
        for index, segment in enumerate(self.kept):
            if index in self._spans:
                yield from _read(self._file(), *self._spans[index], first)
            else:
                with self._path(index, "packets").open("rb") as kept:
                    yield from _read(kept, 0, os.fstat(kept.fileno()).st_size, first)
            first += len(segment.ticks)

    def remove(self) -> None:
        """Remove all, also what earlier runs left; nothing happens a second time."""
        self._let_go(remove=True)

    def leave(self) -> None:
        """Let go of the folder, but leave it for the next run."""
        self._let_go(remove=not self.kept)

    def _file(self) -> IO[bytes]:
        if self._growing is None:
            self._growing = tempfile.TemporaryFile("w+b", dir=self._near)  # noqa: SIM115 (closed by `_let_go`)
        return self._growing

    def _path(self, index: int, ending: str) -> Path:
        assert self._folder is not None
        return self._folder / f"{index:06d}.{ending}"

    def _take(self) -> bool:
        """Lock the folder, which exists; False: another run has it."""
        assert self._folder is not None
        try:
            descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
        except FileNotFoundError:  # just removed
            return False
        if not hold(descriptor):
            os.close(descriptor)
            return False
        self._lock = descriptor
        return True

    def _make(self) -> bool:
        assert self._folder is not None
        self._folder.mkdir(exist_ok=True)
        if not self._take():
            return False
        self._clear()
        _write(self._folder / "job", self._fingerprint.encode())
        return True

    def _clear(self, keep: Collection[str] = ()) -> None:
        """Empty the folder, but for the lock and what is to be kept."""
        assert self._folder is not None
        for path in list(self._folder.iterdir()):
            if path.name not in ("lock", *keep):
                path.unlink(missing_ok=True)

    def _load(self) -> list[Segment]:
        """The segments that are whole, from the first on; all others are removed."""
        assert self._folder is not None
        found: list[Segment] = []
        with suppress(OSError):
            if (self._folder / "job").read_bytes() == self._fingerprint.encode():
                while (segment := self._check(len(found))) is not None:
                    found.append(segment)
        keep = {self._path(index, ending).name for index in range(len(found)) for ending in ("packets", "json")}
        self._clear({"job", *keep} if found else ())
        if not found:
            _write(self._folder / "job", self._fingerprint.encode())
        return found

    def _check(self, index: int) -> Segment | None:
        try:
            record = json.loads(self._path(index, "json").read_bytes())
            with self._path(index, "packets").open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            if record["format"] != _FORMAT or record["sha256"] != digest:
                return None
            return Segment(ticks=tuple(map(int, record["ticks"])), end=int(record["end"]), delay=int(record["delay"]),
                           next_time=Fraction(record["next_time"]), state=base64.b64decode(record["state"]),
                           extra=record["extra"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _persist(self, segment: Segment, file: IO[bytes]) -> None:
        assert self._folder is not None
        index = len(self.kept)
        digest = hashlib.sha256()
        file.flush()
        file.seek(0)
        with self._path(index, "packets").open("wb") as kept:
            while block := file.read(_COPY_BYTES):
                digest.update(block)
                kept.write(block)
            kept.flush()
            os.fsync(kept.fileno())
        file.seek(0)
        file.truncate()
        record = {"format": _FORMAT, "sha256": digest.hexdigest(), "ticks": segment.ticks, "end": segment.end,
                  "delay": segment.delay, "next_time": str(segment.next_time),
                  "state": base64.b64encode(segment.state).decode(), "extra": segment.extra}
        _write(self._path(index, "json"), json.dumps(record).encode())

    def _let_go(self, *, remove: bool) -> None:
        if self._growing is not None:
            with suppress(OSError):  # on a full disk closing fails like the writes before it
                self._growing.close()
            self._growing = None
        if self._lock is None:
            return
        assert self._folder is not None
        if remove:
            with suppress(OSError):
                self._clear()
            with suppress(OSError):
                (self._folder / "lock").unlink()
            with suppress(OSError):
                self._folder.rmdir()
        os.close(self._lock)
        self._lock = None


def _folder_name(name: str) -> str:
    """The name of the folder for an output: as much of its name as fits."""
    room = _NAME_BYTES - len("..faceswap-video")
    return f".{os.fsencode(name)[:room].decode(errors='ignore')}.faceswap-video"


def _write(path: Path, data: bytes) -> None:
    """Write a small file so that it is there whole or not at all."""
    temporary = path.with_name(f"{path.name}.new")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def _read(file: IO[bytes], begin: int, end: int, first: int) -> Iterator[EncodedPicture]:
    place = begin
    while place < end:
        file.seek(place)
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size:
            raise OSError("an encoded segment ends early")
        size, number, key = _HEAD.unpack(head)
        data = file.read(size)
        if len(data) < size:
            raise OSError("an encoded segment ends early")
        place += _HEAD.size + size
        yield EncodedPicture(first + number, bool(key), data)
