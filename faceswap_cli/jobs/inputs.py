"""What a user names becomes local files: paths, folders of source pictures, saved faces, standard input, URLs."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import BinaryIO

from faceswap_cli.errors import InputError, LimitError, OutputError, UsageError
from faceswap_cli.files.closing import Closing
from faceswap_cli.library.library import Library
from faceswap_cli.media.formats import SUFFIXES, VIDEO
from faceswap_cli.names import Kind, kind_of, redact_url
from faceswap_cli.stores.files import StoredFile, list_stored
from faceswap_cli.stores.files import fetch as fetch_stored
from faceswap_cli.stores.urls import canonical, show

MAX_PIPE_BYTES = 1024 * 2**20
"""Bound on what is read from a pipe; files on the disk are bounded by their pixels alone."""

MAX_STORED_BYTES = MAX_PIPE_BYTES
"""Bound on what is read from an object store, whose content is that of the user."""

MAX_DOWNLOAD_BYTES = 256 * 2**20
"""Bound on a download."""

DOWNLOAD_SECONDS = 120.0
"""Time that a download may take in all."""

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A local file, and the name to call it by.

    Attributes:
        name: For messages and reports: as the user gave it, a URL without its user, query and fragment.
        path: Where the bytes are; belongs to the `Inputs` that resolved it, when it was fetched or piped.
        optional: Found in a folder: when it cannot be read, the others serve.
        saved: Not a picture but a saved face.
        left_out: How many more pictures the saved face has that this is the first one of.
    """

    name: str
    path: Path
    optional: bool = False
    saved: bool = False
    left_out: int = 0


class Inputs(Closing):
    """Resolves specs, fetching what is not local into a temporary folder that goes away at the end."""

    def __init__(self, *, allow_private: bool = False, stdin: BinaryIO | None = None) -> None:
        """Nothing is read yet.

        Args:
            allow_private: Fetch URLs of private addresses too.
            stdin: Read for `-`; None: the standard input of the process.
        """
        self._allow_private = allow_private
        self._stdin = stdin
        self._stdin_taken = False
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._count = 0

    def close(self) -> None:
        """Remove what was fetched."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def resolve(self, spec: str) -> Input:
        """One file.

        Args:
            spec: A path, a URL of http(s) or of an object store, or `-`.

        Raises:
            InputError: There is no such file, it is a folder, or it cannot be fetched.
            LimitError: A download or pipe beyond its limit.
            MissingDependencyError: What reads such a URL is not installed.
            UsageError: `-` for a second time, or from a terminal.
        """
        kind = kind_of(spec)
        if kind is Kind.STDIN:
            return Input(name="standard input", path=self._spool_stdin())
        if kind is Kind.STORE:
            return self._fetch_stored(spec)
        if kind is Kind.URL:
            return self._fetch(spec)
        path = Path(spec)
        mode = _mode(path, spec)
        if stat.S_ISDIR(mode):
            raise InputError(f"{spec} is a folder", advice="name a picture in it")
        if stat.S_ISFIFO(mode):
            with path.open("rb") as pipe:
                return Input(name=spec, path=self._spool(pipe, spec))
        if not stat.S_ISREG(mode):
            raise InputError(f"{spec} is not a regular file", advice="name a picture, or - for standard input")
        return Input(name=spec, path=path)

    def resolve_sources(self, specs: tuple[str, ...]) -> list[Input]:
        """The source pictures, in order.

        A spec is one as in `resolve`, or a folder, which stands for its pictures sorted by name, or a saved face:
        `@NAME`, or the path of its file. The URL of a folder of a store ends with `/`.

        Raises:
            InputError: As in `resolve`; a folder without pictures, no saved face of that name.
            UsageError: As in `resolve`.
        """
        found: list[Input] = []
        for spec in specs:
            kind = kind_of(spec, face=True)
            if kind is Kind.SAVED:
                found.append(Input(name=spec, path=Library().find(spec), saved=True))
            elif kind is Kind.STORE and spec.endswith("/"):
                found.extend(self._fetch_folder(spec))
            elif kind is Kind.PATH and stat.S_ISDIR(_mode(Path(spec), spec)):
                found.extend(_pictures_in(spec))
            else:
                found.append(replace(self.resolve(spec), saved=kind is Kind.SAVED_FILE))
        return found

    def resolve_picture(self, spec: str) -> Input:
        """One source as one picture: as `resolve`, and of a saved face the first picture.

        Raises:
            InputError, LimitError, MissingDependencyError, UsageError: As `resolve`.
        """
        if kind_of(spec, face=True) not in (Kind.SAVED, Kind.SAVED_FILE):
            return self.resolve(spec)
        from faceswap_cli.jobs.saved_sources import write_picture

        (found,) = self.resolve_sources((spec,))
        path = self._new_path()
        with _storing(path):
            left_out = write_picture(found.path, found.name, path)
        return Input(name=found.name, path=path, left_out=left_out)

    def _fetch(self, url: str) -> Input:
        from faceswap_cli.net.fetch import fetch  # loads an HTTP client, which most jobs do not need

        path = self._new_path()
        fetch(url, path, max_bytes=MAX_DOWNLOAD_BYTES, timeout=DOWNLOAD_SECONDS, allow_private=self._allow_private)
        return Input(name=redact_url(url), path=path)

    def _fetch_stored(self, spec: str) -> Input:
        path = self._new_path()
        fetch_stored(spec, path, max_bytes=MAX_STORED_BYTES)
        return Input(name=show(spec), path=path)

    def _fetch_folder(self, spec: str) -> list[Input]:
        """As `_pictures_in`."""
        files = list_source_folder(spec)
        return [replace(self._fetch_stored(file.spec), optional=len(files) > 1) for file in files]

    def _spool_stdin(self) -> Path:
        if self._stdin_taken:
            raise UsageError("- (standard input) can be given only once, as source or as target")
        self._stdin_taken = True
        if self._stdin is not None:
            return self._spool(self._stdin, "standard input")
        if sys.stdin is None or sys.stdin.closed:
            raise UsageError("- asks for standard input, but it is closed")
        if sys.stdin.isatty():
            raise UsageError("- asks for a picture on standard input, but that is the terminal",
                             advice="pipe a picture in")
        return self._spool(sys.stdin.buffer, "standard input")

    def _spool(self, stream: BinaryIO, name: str) -> Path:
        """Readers need to seek, which pipes cannot."""
        path = self._new_path()
        size = 0
        with _storing(path), path.open("wb") as file:
            while block := _read_block(stream, name):
                size += len(block)
                if size > MAX_PIPE_BYTES:
                    raise LimitError(f"{name} has more than {MAX_PIPE_BYTES} bytes", advice="save it as a file first")
                file.write(block)
        if not size:
            raise InputError(f"{name} is empty", advice="was there an error in the command before the pipe?")
        return path

    def _new_path(self) -> Path:
        if self._folder is None:
            with _storing(None):
                self._folder = tempfile.TemporaryDirectory(prefix="faceswap-")
        self._count += 1
        return Path(self._folder.name) / f"input-{self._count}"


def reads(spec: str, name: str) -> bool:
    """Whether a name stands for a file, or for a folder with it among its pictures: however the file is spelled.

    Args:
        spec: As in `Inputs.resolve_sources`. Nothing is fetched.
        name: The file: a path, or a URL of a store. Links are followed.
    """
    kind = kind_of(spec, face=True)
    if Kind.STORE in (kind, kind_of(name)):
        same, folder = canonical(name), canonical(spec)
        return same == folder or (folder.endswith("/") and same.rpartition("/")[0] == folder[:-1] and _is_picture(same))
    try:
        if kind is Kind.STDIN:
            return os.path.samestat(os.fstat(0), Path(name).stat())
        if kind is Kind.SAVED:
            return Library().find(spec).samefile(name)
        if Path(spec).is_dir():
            return any(found.path.samefile(name) for found in _pictures_in(spec))
        return Path(spec).samefile(name)
    except (OSError, ValueError, InputError):  # there is no such file, a URL, no saved face of that name
        return False


def list_source_folder(spec: str) -> tuple[StoredFile, ...]:
    """The pictures of a folder of a store of sources, by name; none of its folders.

    Raises:
        InputError: There are none, or they cannot be listed.
        MissingDependencyError, UsageError: As `list_stored`.
    """
    files = list_stored(spec, lambda name: "/" not in name and _is_picture(name)).files
    if not files:
        raise InputError(f"{show(spec)} is a folder without pictures",
                         advice="name a picture, or a folder that holds some")
    return files


def read_all(path: Path, target: BinaryIO) -> None:
    """Copy a file into an open one."""
    with path.open("rb") as file:
        shutil.copyfileobj(file, target, _BLOCK)


def _read_block(stream: BinaryIO, name: str) -> bytes:
    try:
        return stream.read(_BLOCK)
    except OSError as error:  # a folder as standard input
        raise InputError(f"{name} cannot be read: {error.strerror or error}") from error


@contextmanager
def _storing(path: Path | None) -> Iterator[None]:
    """Turn what the system raises while a temporary file is written into one line that tells how to move it."""
    try:
        yield
    except OSError as error:
        place = "a temporary folder" if path is None else str(path)
        raise OutputError(f"cannot write {place}: {error.strerror or error}",
                          advice="set TMPDIR to a folder with room") from error


def _mode(path: Path, spec: str) -> int:
    if not spec:
        raise InputError("the name of an input is empty", advice="name a picture")
    try:
        return path.stat().st_mode
    except FileNotFoundError as error:
        raise InputError(f"{spec}: there is no such file") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(f"{spec} cannot be read: {reason}") from error


def _is_picture(name: str) -> bool:
    kind = SUFFIXES.get(PurePath(name).suffix.lower())
    return kind is not None and kind not in VIDEO and not name.startswith(".")


def _pictures_in(spec: str) -> list[Input]:
    try:
        paths = sorted(path for path in Path(spec).iterdir()
                       if _is_picture(path.name) and path.is_file())
    except OSError as error:
        raise InputError(f"{spec} cannot be read: {error.strerror or error}") from error
    if not paths:
        raise InputError(f"{spec} is a folder without pictures", advice="name a picture, or a folder that holds some")
    return [Input(name=str(path), path=path, optional=len(paths) > 1) for path in paths]
