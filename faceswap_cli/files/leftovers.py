"""What killed processes leave behind: temporary siblings of outputs, told from those still being written by a lock.

A process holds a lock on each of its temporary files as long as it lives, which the system takes away however the
process ends. That needs no process numbers, which repeat, and differ between containers that share a folder. Windows
has no such locks, but does not let open files be removed.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import time
from pathlib import Path

_NAME_BYTES = 255
"""Longest file name that common file systems take, in bytes."""

_ENDING = r"[0-9a-f]{8}\.faceswap\.part"
_MARK = re.compile(r"\..*\." + _ENDING, re.DOTALL)
"""Whole names of temporary siblings."""

_OLD = 24 * 3600.0
"""Seconds after which a temporary file is given up where the file system has no locks to tell."""


def temporary_name(name: str) -> str:
    """A hidden name, new each time, for what is to become `name`."""
    return f".{_stem(name)}.{secrets.token_hex(4)}.faceswap.part"


def hold(descriptor: int) -> bool:
    """Mark an open temporary file as being written, until it and its duplicates are closed.

    Returns:
        False: it was removed as a leftover before it could be marked; another one is needed.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:  # whoever cleans up looks at it just now
        return False
    except OSError:  # a file system without locks
        return True
    return os.fstat(descriptor).st_nlink > 0


def sweep(root: Path) -> int:
    """Remove what killed processes left below a folder of outputs; symbolic links are not followed.

    Safe while others write there. What cannot be read or removed is left.

    Returns:
        How many files were removed.
    """
    removed = 0
    for folder, _, names in os.walk(root):
        removed += sum(_remove(Path(folder, name)) for name in names if _MARK.fullmatch(name))
    return removed


def sweep_beside(target: Path) -> int:
    """Likewise, but only what was to become `target`, in its own folder."""
    names = re.compile(re.escape(f".{_stem(target.name)}.") + _ENDING)
    try:
        found = [path for path in target.parent.iterdir() if names.fullmatch(path.name)]
    except (OSError, ValueError):
        return 0
    return sum(_remove(path) for path in found)


def _stem(name: str) -> str:
    """As much of a name as fits."""
    room = _NAME_BYTES - len("..01234567.faceswap.part")
    return os.fsencode(name)[:room].decode(errors="ignore")


def _remove(path: Path) -> bool:
    """Remove a temporary file that nobody writes any more; whether it was."""
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        try:
            descriptor = os.open(path, os.O_RDWR | flags)  # network file systems lock only what could be written
        except PermissionError:
            descriptor = os.open(path, os.O_RDONLY | flags)
    except OSError:
        return False
    try:
        if os.name == "nt":
            os.close(descriptor)
            descriptor = -1
        elif not _abandoned(descriptor):
            return False
        path.unlink()
    except OSError:
        return False
    finally:
        if descriptor >= 0:
            os.close(descriptor)
    return True


def _abandoned(descriptor: int) -> bool:
    """Whether nobody holds an open temporary file; held by this process if so, until it is closed."""
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno == errno.EINTR:
            return False
        return time.time() - os.fstat(descriptor).st_mtime > _OLD
    return True
