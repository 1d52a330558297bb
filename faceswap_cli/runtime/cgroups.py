"""The control groups that this process is in: what containers and services confine it by.

Source: the kernel's documents of both versions of control groups.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

ROOT = Path("/")


def group_folders(root: Path, controller: str) -> Iterator[tuple[int, Path]]:
    """Folders of the process's own group and of all around it, which may not exist.

    Args:
        root: Where `proc` and `sys` are.
        controller: Of version 1: `memory`, `cpu`. Version 2 has one folder for all.

    Yields:
        The version, which decides the names of the files in it, and a folder.
    """
    for line in read(root / "proc/self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            version, mount = 2, root / "sys/fs/cgroup"
        elif controller in controllers.split(","):
            version, mount = 1, root / "sys/fs/cgroup" / controller
        else:
            continue
        inner = PurePosixPath(path.strip().lstrip("/"))
        # A container may see its own group as the root of the tree, whatever its path outside.
        for folder in {mount, *(mount / part for part in (inner, *inner.parents))}:
            yield version, folder


def read(path: Path) -> str:
    """The text of a file of the system; empty where there is none."""
    try:
        return path.read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""


def number(text: str) -> int | None:
    """A whole number, 0 or more; None: it is something else, as `max`."""
    return int(text) if text.strip().isdecimal() else None
