"""Files of object stores and other file systems (`s3://...`), through fsspec, as inputs and outputs of a batch.

What is given as a URL of these is reached with the credentials of whoever runs the command: it must never come from
strangers. http(s) is not served here; `net.fetch` has the care that takes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self

from faceswap_cli.errors import FaceswapError, InputError, LimitError, OutputError, UsageError
from faceswap_cli.files.atomic import explain_failure
from faceswap_cli.names import STORES, protocol
from faceswap_cli.stores.system import StoreStamp, explained, open_place
from faceswap_cli.stores.urls import join, show
from faceswap_cli.text import opt

_BLOCK = 8 << 20


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of a listing.

    Attributes:
        name: Relative to what was listed, with `/`; its last part when the file itself was listed.
        spec: Its URL.
    """

    name: str
    spec: str


@dataclass(frozen=True, slots=True)
class Listing:
    """The files under a URL.

    Attributes:
        files: Sorted by name.
        unsafe: Names that cannot be mirrored in a folder, because a part of them is empty, `.` or `..`.
    """

    files: tuple[StoredFile, ...]
    unsafe: tuple[str, ...] = ()


def list_stored(spec: str, accept: Callable[[str], bool] | None = None) -> Listing:
    """The files under a URL, of all depths; of a file only the file itself.

    Args:
        spec: A URL of a store.
        accept: Whether a name, relative to `spec`, is wanted; None: all are.

    Raises:
        InputError: There is nothing, or it cannot be listed.
        MissingDependencyError, UsageError: As `stamp`.
    """
    place = open_place(spec)
    with explained(spec, InputError):
        place.system.invalidate_cache()
        found = list(place.system.find(place.path))
    if not found:
        raise InputError(f"{show(spec)}: there is no such file, and nothing below it", advice="check the URL")
    root = place.path.rstrip("/")
    files, unsafe = [], []
    for path in found:
        itself = path.rstrip("/") == root
        name = PurePosixPath(path).name if itself else path.removeprefix(root).removeprefix("/")
        if not name or name.endswith("/"):  # what consoles leave to show an empty folder
            continue
        if any(part in ("", ".", "..") for part in name.split("/")):
            unsafe.append(name)
        elif accept is None or accept(name):
            files.append(StoredFile(name, spec if itself else join(spec, name)))
    return Listing(tuple(sorted(files, key=lambda file: file.name)), tuple(sorted(unsafe)))


def stamp(spec: str) -> StoreStamp | None:
    """What tells whether a stored file has changed; None: there is no such file.

    Raises:
        InputError: It cannot be looked at: no permission, no connection ...
        MissingDependencyError: The package that serves this kind of URL is not installed.
        UsageError: As `check_store_url`.
    """
    place = open_place(spec)
    with explained(spec, InputError):
        return place.stamp()


def exists(spec: str) -> bool:
    """Whether there is a stored file; raises as `stamp`."""
    return stamp(spec) is not None


def stamps_below(folder: str) -> dict[str, StoreStamp]:
    """The stamps of the files of a folder by name, with one listing; raises as `stamp`."""
    place = open_place(folder)
    with explained(folder, InputError):
        return place.stamps_below()


def fetch(spec: str, path: Path, *, max_bytes: int) -> StoreStamp:
    """Download a stored file; what is at `path` is replaced, and removed when the download fails.

    Returns:
        The stamp of what was downloaded.

    Raises:
        LimitError: It is larger than `max_bytes`.
        InputError: There is no such file, it changed meanwhile, or it cannot be read.
        OutputError: `path` cannot be written.
        MissingDependencyError, UsageError: As `stamp`.
    """
    place = open_place(spec)
    try:
        with explained(spec, InputError):
            found = place.stamp()
            if found is None:
                raise FileNotFoundError
        if found.size > max_bytes:
            raise LimitError(f"{show(spec)} is larger than the limit of {max_bytes / 2**20:.4g} MiB",
                             advice="download it by other means and give the file")
        with explained(spec, InputError), place.system.open(place.path, "rb", block_size=_BLOCK) as source:
            size = _store(partial(source.read, _BLOCK), path, found.size)
        if size != found.size:
            raise InputError(f"{show(spec)} changed or broke off while it was read", advice="try again")
    except BaseException:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        raise
    return found


def put(path: Path, spec: str) -> StoreStamp:
    """Upload a file; it appears under `spec` whole or not at all, in place of what was there.

    Returns:
        The stamp of what is there now.

    Raises:
        OutputError: It cannot be written: no such bucket, no permission, no connection ...
        MissingDependencyError, UsageError: As `stamp`.
    """
    place = open_place(spec)
    with explained(spec, OutputError):
        if protocol(spec) in STORES:
            place.system.put_file(str(path), place.path)
        else:
            place.put_beside(path)
        found = place.stamp()
    size = path.stat().st_size
    if found is None or found.size != size:
        raise OutputError(f"cannot write {show(spec)}: something else is there after the upload",
                          advice="is another run writing to it?")
    return found


class StoredOutput:
    """An output in a store, written as a local file first.

    Attributes:
        path: Where to write it; gone at the end of the `with` block.
    """

    path: Path

    def __init__(self, spec: str, *, overwrite: bool = False) -> None:
        """Nothing is sent, and nothing is asked; see `check_stored_output`.

        Args:
            spec: A URL of a store.
            overwrite: Replace an existing file.

        Raises:
            OutputError: No place for temporary files.
        """
        self._spec = spec
        self._overwrite = overwrite
        try:
            self._folder = tempfile.TemporaryDirectory(prefix="faceswap-")
        except OSError as error:
            raise OutputError(f"cannot write a temporary folder: {error.strerror or error}",
                              advice="set TMPDIR to a folder with room") from error
        self.path = Path(self._folder.name) / f"output{PurePosixPath(spec).suffix}"

    def commit(self) -> StoreStamp:
        """Upload what lies at `path`; raises as `check_stored_output` and `put`."""
        check_stored_output(self._spec, overwrite=self._overwrite)  # it may have come into being meanwhile
        return put(self.path, self._spec)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._folder.cleanup()
        if isinstance(error, FaceswapError) and str(self.path) in error.message:  # people know it by its URL
            raise error.calling({str(self.path): show(self._spec)}) from error


def check_store_root(spec: str) -> None:
    """Find out before any work whether outputs may go below a URL, as far as can be told without writing.

    Raises:
        OutputError: There is no such bucket.
        MissingDependencyError, UsageError: As `stamp`.
    """
    place = open_place(spec)
    if protocol(spec) in STORES:
        bucket = place.path.partition("/")[0]
        try:
            place.system.info(bucket)
        except FileNotFoundError as error:
            raise OutputError(f"cannot write to {show(spec)}: there is no bucket {bucket}",
                              advice="create it first") from error
        except Exception:  # who may only put objects may not look at the bucket; the first upload tells
            return


def check_stored_output(spec: str, *, overwrite: bool = False) -> None:
    """Find out before any work whether an output in a store may be written.

    Raises:
        UsageError: It exists and `overwrite` is not set, it names no file, or as `check_store_url`.
        OutputError: It cannot be looked at: no permission, no connection ...
        MissingDependencyError: As `stamp`.
    """
    place = open_place(spec)
    if not place.key or spec.endswith("/"):
        raise UsageError(f"{show(spec)} names no file", advice="add the name of a picture")
    if overwrite:
        return
    with explained(spec, OutputError):
        found = place.stamp()
    if found is not None:
        raise UsageError(f"{show(spec)} exists", advice=f"choose another name or add {opt('overwrite')}")


def _store(read: Callable[[], bytes], path: Path, expected: int) -> int:
    """Write what `read` gives to a local file, stopping beyond the expected size; the size."""
    size = 0
    with _storing(path):
        file = path.open("wb")
    try:
        while size <= expected and (block := read()):
            size += len(block)
            with _storing(path):
                file.write(block)
    finally:
        with _storing(path):
            file.close()
    return size


@contextmanager
def _storing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"{explain_failure(str(path), path, error)}",
                          advice="or set TMPDIR to a folder with room") from error
