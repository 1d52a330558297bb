"""How much memory may still be taken. Nothing is measured but what the system tells in its own files."""

from __future__ import annotations

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
