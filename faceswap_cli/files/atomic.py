"""An output that appears whole or not at all: written to a temporary sibling, synced, renamed into place."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import sys
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self, cast

from faceswap_cli.errors import OutputError, UsageError
from faceswap_cli.files.leftovers import hold, temporary_name
from faceswap_cli.text import opt

_COPY_BYTES = 1 << 20


class FileSigner(Protocol):
    """What signs a finished file; see `media.marks.signing`."""

    @property
    def suffix(self) -> str | None:
        """Added to the output's name for the file that takes the signature; None: it is put into the output."""

    def sign(self, plain: BinaryIO, signed: BinaryIO, name: str) -> bytes:
        """Read `plain`, the output called `name`, and write it with its signature; returns the signature alone."""


class AtomicFile:
    """A file that replaces its target on `commit` and vanishes otherwise.

    A killed process leaves the old target or the whole new one; what it may leave besides is a hidden `.part` file,
    which `leftovers.sweep` tells from those being written. For standard output the bytes are spooled to a temporary
    file and copied on `commit`, so that a failed job writes nothing to a pipe.

    Attributes:
        file: Seekable, opened for reading and writing; closed by `commit` and `discard`.
        name: How to call the target in messages.
        path: The target as given; None is standard output.
    """

    file: BinaryIO

    def __init__(self, path: Path | None, *, overwrite: bool = False) -> None:
        """Open the temporary file.

        Args:
            path: The target, or None for standard output. Symbolic links are followed: the link stays, what it
                points to is replaced.
            overwrite: Replace an existing target; its permissions are kept.

        Raises:
            UsageError: The target exists and `overwrite` is not set, or standard output is a terminal.
            OutputError: The target is a folder or a device, or its folder is missing or not writable.
        """
        self.path = path
        self.name = "standard output" if path is None else str(path)
        self._overwrite = overwrite
        self._temporary: Path | None = None
        self._target: Path | None = None
        self._mode: int | None = None
        self._seal: FileSigner | None = None
        self._beside: AtomicFile | None = None
        if path is None:
            if sys.stdout is None:
                raise OutputError("cannot write to standard output: it is closed")
            if sys.stdout.isatty():
                raise UsageError("standard output is a terminal",
                                 advice=f"redirect it to a file, or name a file with {opt('o')}")
        else:
            with self.writing():
                self._target = Path(os.path.realpath(path))
                self._mode = self._check_target()
        self._open()

    def _open(self) -> None:
        """Begin a temporary file."""
        with self.writing():
            if self._target is None:
                self.file = cast(BinaryIO, tempfile.TemporaryFile("w+b"))  # noqa: SIM115 (closed by `_remove`)
            else:
                self._temporary, self.file = _open_sibling(self._target)
        self._remove = weakref.finalize(self, _remove, os.getpid(), self.file, self._temporary)

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Turn what the system raises while the target is written into one-line errors.

        Raises:
            OutputError: Disk full, no permission, folder gone ...
        """
        try:
            yield
        except (OSError, ValueError) as error:
            raise OutputError(explain_failure(self.name, self._target, error)) from error

    def seal_with(self, seal: FileSigner | None) -> None:
        """Let `commit` sign the file, when all else is done; None leaves it unsigned.

        Raises:
            UsageError: The signature is a file beside the target, and that exists, or the target is standard output.
            OutputError: That file cannot be written.
        """
        self._seal = seal
        if seal is not None and seal.suffix is not None:
            if self.path is None:
                raise UsageError("the signature of this format is a file beside the output",
                                 advice=f"name a file with {opt('o')}")
            self._beside = AtomicFile(self.path.with_name(self.path.name + seal.suffix), overwrite=self._overwrite)

    def commit(self) -> None:
        """Sign the file if that is asked for, sync it and put it in place. Then only `discard` may be called.

        Raises:
            UsageError: The target came into being meanwhile and `overwrite` is not set.
            OutputError: The target cannot be written; the temporary file is removed.
        """
        try:
            if self._seal is not None:
                self._sign(self._seal)
            with self.writing():
                self.file.flush()
                if self._temporary is None or self._target is None:
                    self.file.seek(0)
                    _copy_to_stdout(self.file)
                else:
                    os.fsync(self.file.fileno())
                    if self._mode is not None:
                        with contextlib.suppress(OSError):  # some network file systems have no permissions to set
                            self._temporary.chmod(self._mode)
                    with self._signed_beside(), _held(self.file):
                        self.file.close()
                        self._rename(self._temporary, self._target)
        finally:
            self.discard()

    def _sign(self, seal: FileSigner) -> None:
        """Go on with a signed copy in the place of the file, or with the signature in the file beside it."""
        plain, remove = self.file, self._remove
        with self.writing():
            plain.flush()
        try:
            self._open()
            with self.writing():
                signature = seal.sign(plain, self.file, self.name)
                if self._beside is not None:
                    self._beside.file.write(signature)
        finally:
            remove()

    @contextlib.contextmanager
    def _signed_beside(self) -> Iterator[None]:
        """Put the signature's own file in place first: the target is never there without it."""
        if self._beside is not None:
            self._beside.commit()
        try:
            yield
        except BaseException:
            if self._beside is not None and self._beside._target is not None and not self._overwrite:
                self._beside._target.unlink(missing_ok=True)
            raise

    def discard(self) -> None:
        """Close and remove the temporary file; nothing happens after `commit` or a second time."""
        self._remove()
        if self._beside is not None:
            self._beside.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.discard()

    def _check_target(self) -> int | None:
        """The permissions of an existing target, None when there is none; refuses what may not be replaced."""
        assert self._target is not None
        try:
            mode = self._target.stat().st_mode
        except FileNotFoundError:
            return None
        if stat.S_ISDIR(mode):
            raise OutputError(f"cannot write {self.name}: it is a folder", advice="name a file in it")
        if not stat.S_ISREG(mode):
            raise OutputError(f"cannot write {self.name}: it is not a regular file",
                              advice=f"use {opt('o', '-')} for a pipe")
        if not self._overwrite:
            raise self._exists()
        return stat.S_IMODE(mode)

    def _exists(self) -> UsageError:
        return UsageError(f"{self.name} exists", advice=f"choose another name or add {opt('overwrite')}")

    def _rename(self, temporary: Path, target: Path) -> None:
        if self._overwrite:
            temporary.replace(target)
        else:
            try:
                os.link(temporary, target)  # unlike a rename, fails when the target exists
            except FileExistsError as error:
                raise self._exists() from error
            except OSError:  # no hard links on this file system: a small gap between looking and renaming remains
                if target.exists():
                    raise self._exists() from None
                temporary.replace(target)
            else:
                temporary.unlink()
        sync_folder(target.parent)


def _open_sibling(target: Path) -> tuple[Path, BinaryIO]:
    """A new hidden file beside `target`, with the permissions that the umask gives a new file."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    while True:
        path = target.with_name(temporary_name(target.name))
        descriptor = os.open(path, flags, 0o666)
        if hold(descriptor):
            return path, os.fdopen(descriptor, "w+b")
        os.close(descriptor)
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _held(file: BinaryIO) -> Iterator[None]:
    """Let a file that is closed meanwhile count as being written on; Windows renames no open files."""
    if os.name == "nt":
        yield
        return
    descriptor = os.dup(file.fileno())
    try:
        yield
    finally:
        os.close(descriptor)


def _remove(owner: int, file: BinaryIO, temporary: Path | None) -> None:
    """Close and delete; a fork of the owner leaves the file alone."""
    if os.getpid() != owner:
        return
    with contextlib.suppress(OSError):  # on a full disk closing fails like the writes before it
        file.close()
    if temporary is not None:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _copy_to_stdout(file: BinaryIO) -> None:
    sys.stdout.flush()
    stream = sys.stdout.buffer
    # Past the buffer: bytes left in it by a closed pipe would fail once more, loudly, when Python exits.
    raw = getattr(stream, "raw", None)
    if raw is None:
        shutil.copyfileobj(file, stream, _COPY_BYTES)
        stream.flush()
        return
    while block := file.read(_COPY_BYTES):
        view = memoryview(block)
        while view:
            view = view[raw.write(view) or 0:]


def sync_folder(folder: Path) -> None:
    """Make the rename durable where the system lets folders be synced."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def explain_failure(name: str, target: Path | None, error: OSError | ValueError) -> str:
    """One line on why an output cannot be written.

    Args:
        name: How to call it.
        target: Where it was to lie; None: nowhere that has a folder.
        error: What the system said.
    """
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.ENOENT, errno.ENOTDIR) and target is not None and not target.parent.is_dir():
        return f"cannot write {name}: there is no folder {target.parent}; create it first"
    if number in (errno.ENOSPC, errno.EDQUOT):
        elsewhere = "" if target is None else " or choose another folder with -o"
        return f"cannot write {name}: the disk is full; make room{elsewhere}"
    if number == errno.EFBIG:
        return f"cannot write {name}: the file is larger than the system allows"
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"cannot write {name}: no permission to write in its folder"
    if number == errno.EPIPE:
        return f"cannot write {name}: the reader has closed the pipe"
    if number == errno.ENAMETOOLONG:
        return f"cannot write {name}: the name is too long"
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"cannot write {name}: {reason.splitlines()[0] if reason else type(error).__name__}"
