"""Stamps of files: what tells later, mostly without reading them, whether they are still the same."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from faceswap_cli.jobs.inputs import STDIN, Inputs
from faceswap_cli.jobs.items import Stamp
from faceswap_cli.media.urls import is_url


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
    """The stamp of a target; None: it is no regular file of this machine."""
    if spec == STDIN or is_url(spec):
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
        specs: As in a `SwapJob`; what is no file of this machine is left out.
        known: Stamps taken before; files are read only where these differ.

    Raises:
        InputError: There is no such file.
    """
    stamps: dict[str, Stamp] = {}
    local = tuple(spec for spec in specs if spec != STDIN and not is_url(spec) and not _is_pipe(spec))
    with Inputs() as inputs:
        for found in inputs.resolve_sources(local):
            stamp = refresh_stamp(found.path, known.get(found.name))
            if stamp is not None:
                stamps[found.name] = stamp
    return stamps


def _is_pipe(spec: str) -> bool:
    try:
        return stat.S_ISFIFO(Path(spec).stat().st_mode)
    except (OSError, ValueError):
        return False
