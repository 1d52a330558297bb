"""Memory for pixels that a process and its children see, and that is gone with the last of them, however they end.

It has no name that could be left behind: an anonymous file handed down to the child (Linux: in memory; elsewhere one
without a directory entry), or, on Windows, a mapping that the system drops with its last user.
`multiprocessing.shared_memory` has a name, and a process that looks after it, whose complaints users would see.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import secrets
import sys
import tempfile
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Handle:
    """How a child finds the memory: by an open file that it inherits, or by a name (Windows)."""

    size: int
    file: int = -1
    name: str = ""


class SharedMemory:
    """A block of memory, made here, for children to open.

    Attributes:
        handle: For the child.
        view: The memory.
    """

    def __init__(self, size: int) -> None:
        """Get the memory; it is zero.

        Raises:
            OSError: The system has not so much.
        """
        if sys.platform == "win32":
            name = f"faceswap-{os.getpid()}-{secrets.token_hex(8)}"
            self.handle = Handle(size, name=name)
            self.view = mmap.mmap(-1, size, tagname=name)
            return
        file = _anonymous_file()
        try:
            # Reserved now: what is missing later would end the process, not raise an error.
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file, 0, size)
            else:
                os.ftruncate(file, size)
            self.view = mmap.mmap(file, size)
        except BaseException:
            os.close(file)
            raise
        self.handle = Handle(size, file=file)

    @property
    def inherited(self) -> tuple[int, ...]:
        """Files that the child must inherit."""
        return (self.handle.file,) if self.handle.file >= 0 else ()

    def close(self) -> None:
        """Let go of it. Arrays over `view` must be gone; else the memory goes with them."""
        if self.handle.file >= 0:
            os.close(self.handle.file)
            self.handle = Handle(self.handle.size)
        with contextlib.suppress(BufferError):
            self.view.close()


def open_shared(handle: Handle) -> mmap.mmap:
    """The memory, in the child.

    Raises:
        OSError: It is not there.
    """
    if sys.platform == "win32":
        return mmap.mmap(-1, handle.size, tagname=handle.name)
    view = mmap.mmap(handle.file, handle.size)
    os.close(handle.file)
    return view


def _anonymous_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("faceswap-frames")
    with tempfile.TemporaryFile(prefix="faceswap-") as file:
        return os.dup(file.fileno())
