"""Stamps of files: whether they are still the same later, mostly without reading them."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from faceswap_cli.jobs.inputs import Inputs, list_source_folder
from faceswap_cli.names import Kind, kind_of
from faceswap_cli.stores.files import stamp as ask_stamp
from faceswap_cli.stores.files import stamps_below
from faceswap_cli.stores.system import StoreStamp
from faceswap_cli.stores.urls import show


@dataclass(frozen=True, slots=True)
class Stamp:
    """A file as it was: what tells without reading it that it has not changed.

    Attributes:
        size: Bytes.
        modified: Nanoseconds; 0 for a stored file.
        sha256: Of its content, lower-case hex; empty: it was not read.
        tag: What a store calls this version of it; empty for a file of this machine.
    """

    size: int
    modified: int
    sha256: str
    tag: str = ""


def take_stamp(path: Path) -> Stamp | None:
    """The stamp of a regular file; None: there is none, or it cannot be read.

    Size and time are taken before the content is read: a file that changes meanwhile will not look unchanged later.
    """
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                return None
            return Stamp(status.st_size, status.st_mtime_ns, hashlib.file_digest(file, "sha256").hexdigest())
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return None


def refresh_stamp(path: Path, known: Stamp | None) -> Stamp | None:
    """The stamp of a file, read only if size or time differ from those known."""
    if known is not None:
        try:
            status = path.stat()
        except (OSError, ValueError):
            return None
        if (status.st_size, status.st_mtime_ns) == (known.size, known.modified):
            return known
    return take_stamp(path)


def stamp_target(spec: str) -> Stamp | None:
    """The stamp of a target; None: it is no regular file. That of one in a store is without its content.

    Raises:
        InputError, MissingDependencyError, UsageError: A stored file cannot be looked at.
    """
    kind = kind_of(spec)
    if kind is Kind.STORE:
        return store_stamp(ask_stamp(spec))
    if kind is not Kind.PATH:
        return None
    path = Path(spec)
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for its writer
            return None
    except (OSError, ValueError):
        return None
    return take_stamp(path)


def stamp_sources(specs: tuple[str, ...], known: dict[str, Stamp]) -> dict[str, Stamp]:
    """The stamps of source pictures by name, those of a folder one by one.

    Args:
        specs: As in a `SwapJob`; what comes through a pipe or from http(s) is left out.
        known: Stamps taken before; files are read only where these differ. Stored files are not asked for again.

    Raises:
        InputError: There is no such file.
        MissingDependencyError, UsageError: A stored file cannot be looked at.
    """
    stamps: dict[str, Stamp] = {}
    with Inputs() as inputs:
        for spec in specs:
            kind = kind_of(spec, face=True)
            if kind is Kind.STORE:
                names = [name for name in known if name == show(spec) or (spec.endswith("/") and name.startswith(spec))]
                stamps |= {name: known[name] for name in names} or _stamp_stored_source(spec)
            elif kind not in (Kind.STDIN, Kind.URL) and not _is_pipe(spec):
                for found in inputs.resolve_sources((spec,)):
                    stamp = refresh_stamp(found.path, known.get(found.name))
                    if stamp is not None:
                        stamps[found.name] = stamp
    return stamps


class StoreStamps:
    """Stamps of many stored files. Their folders are listed, once each, and taken to stay so."""

    def __init__(self) -> None:
        self._folders: dict[str, dict[str, StoreStamp]] = {}

    def of(self, spec: str) -> Stamp | None:
        """The stamp of a file; None: there is none.

        Raises:
            InputError, MissingDependencyError, UsageError: It cannot be looked at.
        """
        folder, _, name = spec.rpartition("/")
        if folder not in self._folders:
            self._folders[folder] = stamps_below(folder)
        return store_stamp(self._folders[folder].get(name))


def store_stamp(stamp: StoreStamp | None, sha256: str = "") -> Stamp | None:
    """The stamp of a stored file, with that of its content where it is known."""
    return None if stamp is None else Stamp(stamp.size, 0, sha256, stamp.tag)


def _stamp_stored_source(spec: str) -> dict[str, Stamp]:
    if spec.endswith("/"):
        files = list_source_folder(spec)
        folder = stamps_below(spec.rstrip("/"))
        found = {show(file.spec): store_stamp(folder.get(file.name)) for file in files}
    else:
        found = {show(spec): store_stamp(ask_stamp(spec))}
    return {name: stamp for name, stamp in found.items() if stamp is not None}


def _is_pipe(spec: str) -> bool:
    try:
        return stat.S_ISFIFO(Path(spec).stat().st_mode)
    except (OSError, ValueError):
        return False
