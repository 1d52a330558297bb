"""Cores, memory and disks."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from faceswap_cli.doctor.checks import Check, DoctorOptions, Look, note, ok, show_gigabytes, warn
from faceswap_cli.runtime.machine import memory_limit, processor_name, total_memory

_LITTLE_MEMORY = 1_000_000_000
"""Bytes below which a picture of 24 megapixels with its faces may not fit."""

_LITTLE_DISK = 1_000_000_000


def _processor(options: DoctorOptions) -> Iterator[Check]:
    from faceswap_cli.runtime.cores import core_count

    cores, threads = core_count(), os.cpu_count() or 1
    of = "" if threads == cores else f" of {threads} hardware threads"
    yield ok("processor", f"{processor_name()}; {cores} {'core' if cores == 1 else 'cores'} to use{of}",
             name=processor_name(), cores=cores, threads=threads)


def _memory(options: DoctorOptions) -> Iterator[Check]:
    from faceswap_cli.runtime.machine import free_memory

    total, free, limit = total_memory(), free_memory(), memory_limit()
    data = {"total": total, "free": free, "limit": limit}
    if free is None:
        shown = f"{show_gigabytes(total)} in all" if total is not None else "how much there is"
        yield note("memory", f"{shown}; how much is free is not known on this system", **data)
        return
    parts = [f"{show_gigabytes(free)} free"]
    if total is not None:
        parts.append(f"{show_gigabytes(total)} in all")
    if limit is not None:
        parts.append(f"{show_gigabytes(limit)} allowed by a container or service")
    found = ", ".join(parts)
    if free < _LITTLE_MEMORY:
        more = ", or give the container more" if limit is not None else ""
        yield warn("memory", found, f"close other programs{more}: large pictures and models may not fit", **data)
    else:
        yield ok("memory", found, **data)


def _nearest(folder: Path) -> Path:
    """The folder, or the one above it that exists."""
    return next((one for one in (folder, *folder.absolute().parents) if one.is_dir()), Path(folder.anchor or "/"))


def _is_writable(folder: Path) -> bool:
    """Whether a file can be made there; it is gone at once."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"0")
            file.flush()
    except OSError:
        return False
    return True


def _look_at_folder(name: str, folder: Path, unwritable: str) -> Check:
    there = _nearest(folder)
    exists = folder.is_dir()
    # No folder is made, nor a file in one that only might be used.
    writable = _is_writable(there) if exists else os.access(there, os.W_OK | os.X_OK)
    free = shutil.disk_usage(there).free
    found = f"{folder}: {show_gigabytes(free)} free{'' if exists else ', not there yet'}"
    data = {"folder": str(folder), "exists": exists, "writable": writable, "free": free}
    if not writable:
        return warn(name, f"{folder}: cannot be written", unwritable, **data)
    if free < _LITTLE_DISK:
        return warn(name, found, "free some space: outputs are written whole beside the old ones", **data)
    return ok(name, found, **data)


def _current(options: DoctorOptions) -> Iterator[Check]:
    yield _look_at_folder("current folder", Path.cwd(), "name outputs in another folder with -o")


def _temporary(options: DoctorOptions) -> Iterator[Check]:
    try:
        folder = Path(tempfile.gettempdir())
    except FileNotFoundError:
        yield warn("temporary files", "no folder for them can be written",
                   "set TMPDIR to a folder that can be written: URLs and standard input need one", folder=None)
        return
    yield _look_at_folder("temporary files", folder, "set TMPDIR to a folder that can be written")


def _cache(options: DoctorOptions) -> Iterator[Check]:
    from faceswap_cli.files.cache import FOLDER_VARIABLE, cache_folder

    yield _look_at_folder("cache", cache_folder(),
                          f"set {FOLDER_VARIABLE} to a folder that can be written; until then what would be "
                          "kept is made anew in each run")


LOOKS: dict[str, Look] = {
    "processor": _processor,
    "memory": _memory,
    "current folder": _current,
    "temporary files": _temporary,
    "cache": _cache,
}
