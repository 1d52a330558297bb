"""One run at a time for each journal, and so for each folder of outputs."""

from __future__ import annotations

import contextlib
import os
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from faceswap_cli.errors import OutputError, UsageError
from faceswap_cli.files.atomic import explain_failure
from faceswap_cli.text import opt

if TYPE_CHECKING:
    from filelock import FileLock

_SUFFIX = ".lock"
_HOLDER_BYTES = 300
_SIGNATURE = re.compile(rb"(\d+ .*\n)?")
"""What `_sign` writes: a lock is emptied and removed, and `uv.lock`, say, would lie beside a journal called `uv`."""


@contextmanager
def hold(*journals: Path) -> Iterator[None]:
    """Keep other runs out while the block runs.

    The system lets go of the locks of a process that dies, however it dies: none is ever stale.

    Args:
        journals: That of this run and, where that lies elsewhere, the default one of the folder of outputs:
            `hold(path, default_journal(root, shard))`. Shards have journals of their own, so they run side by side.

    Raises:
        UsageError: Another run goes on; names its process and machine where they are known. A file of somebody else's
            has the name of the lock.
        OutputError: A lock cannot be made: no permission, a file system without locks.
    """
    # In one order, so that of two runs that want the same two locks one gets both.
    paths = sorted({os.path.realpath(path) for path in journals})
    with ExitStack() as stack:
        for path in paths:
            stack.enter_context(_hold_one(Path(path)))
        yield


@contextmanager
def _hold_one(journal: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    path = journal.with_name(journal.name + _SUFFIX)
    lock: FileLock = FileLock(path, blocking=False, on_acquired=_sign)
    try:
        if _is_foreign(path):
            raise UsageError(f"{path} is there and is no lock of faceswap",
                             advice=f"name another file with {opt('journal')}")
        journal.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise UsageError(f"another run{_holder(path)} writes to {journal.parent}",
                         advice=f"wait for it, or choose another folder with {opt('o')}") from None
    except OSError as error:
        raise OutputError(explain_failure(str(path), path, error)) from error
    try:
        yield
    finally:
        # Removed while it is held: who opened it meanwhile finds it gone, and makes another.
        with contextlib.suppress(OSError):  # Windows keeps open files; the next run takes it as it is
            path.unlink()
        lock.release()


def _is_foreign(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return _SIGNATURE.fullmatch(file.read(_HOLDER_BYTES)) is None
    except OSError:  # there is none, or Windows lets nobody else read it
        return False


def _sign(descriptor: int) -> None:
    """Write who holds the lock into its file. It is not what keeps others out, so it may fail."""
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()} {socket.gethostname()}\n".encode())


def _holder(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            pid, _, host = file.read(_HOLDER_BYTES).strip().partition(" ")
    except OSError:
        return ""
    if not pid.isdecimal() or not host.isprintable():
        return ""
    return f" (process {pid} on {host})" if host and host != socket.gethostname() else f" (process {pid})"
