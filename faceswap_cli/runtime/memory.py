"""How much memory may still be taken, by what the system tells in its own files; and giving back what is not used."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from faceswap_cli.runtime.cgroups import ROOT, group_folders, number, read

_FILES = {
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    2: ("memory.max", "memory.current", "inactive_file"),
}
"""By the version of control groups: the limit, what is used, and the statistic of pages that can be given back."""


def free_memory(root: Path = ROOT) -> int | None:
    """Bytes that this process may take without swapping or being killed; None: unknown.

    The smaller of what the machine has available and what is left to the control groups (containers, services) that
    the process is in. Source: proc(5).

    Args:
        root: Where `proc` and `sys` are.
    """
    available = _machine(root)
    return None if available is None else max(0, min([available, *_groups(root)]))


def _machine(root: Path) -> int | None:
    for line in read(root / "proc/meminfo").splitlines():
        name, _, rest = line.partition(":")
        if name == "MemAvailable":
            kilobytes = number(rest.removesuffix("kB"))
            return None if kilobytes is None else kilobytes * 1024
    return None


def _groups(root: Path) -> list[int]:
    """What is left to each group that has a limit."""
    left = []
    for version, folder in group_folders(root, "memory"):
        limit, used, cached = _FILES[version]
        bound, taken = number(read(folder / limit)), number(read(folder / used))
        if bound is not None and taken is not None:
            # Pages of files that nobody reads any more are given back under pressure.
            left.append(bound - taken + _statistic(folder / "memory.stat", cached))
    return left


def _statistic(path: Path, name: str) -> int:
    for line in read(path).splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return number(value) or 0
    return 0


def give_back() -> None:
    """Hand memory that was freed back to the system, where the C library keeps it for itself.

    Frames are large, and made and freed by several threads: over thousands of them glibc keeps several hundred MB that
    nothing uses. A few milliseconds. Source: malloc_trim(3).
    """
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


@cache
def _malloc_trim() -> Callable[[int], int] | None:
    """None: another C library, which has no such call."""
    import ctypes

    try:
        found: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):  # TypeError: Windows has no library of that name
        return None
    return found
