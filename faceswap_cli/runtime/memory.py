"""How much memory may still be taken. Nothing is measured but what the system tells in its own files."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

_ROOT = Path("/")


def free_memory(root: Path = _ROOT) -> int | None:
    """Bytes that this process may take without swapping or being killed; None: unknown.

    The smaller of what the machine has available and what is left to the control groups (containers, services) that
    the process is in. Source: proc(5), and the kernel's documents of both versions of control groups.

    Args:
        root: Where `proc` and `sys` are.
    """
    available = _machine(root)
    if available is None:
        return None
    return max(0, min([available, *_groups(root)]))


def _machine(root: Path) -> int | None:
    for line in _read(root / "proc/meminfo").splitlines():
        name, _, rest = line.partition(":")
        if name == "MemAvailable" and rest.split():
            return _number(rest.split()[0], scale=1024)
    return None


def _groups(root: Path) -> list[int]:
    """What is left to each group that has a limit: the process's own and all around it."""
    left = []
    for line in _read(root / "proc/self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            mount, limit, used, cached = root / "sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"
        elif "memory" in controllers.split(","):
            mount, limit, used, cached = (root / "sys/fs/cgroup/memory", "memory.limit_in_bytes",
                                          "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        inner = PurePosixPath(path.strip().lstrip("/"))
        # A container may see its own group as the root of the tree, whatever its path outside.
        for folder in {mount, *(mount / part for part in (inner, *inner.parents))}:
            bound = _number(_read(folder / limit))
            taken = _number(_read(folder / used))
            if bound is not None and taken is not None:
                # Pages of files that nobody reads any more are given back under pressure.
                left.append(bound - taken + _statistic(folder / "memory.stat", cached))
    return left


def _statistic(path: Path, name: str) -> int:
    for line in _read(path).splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return _number(value) or 0
    return 0


def _number(text: str, scale: int = 1) -> int | None:
    return int(text) * scale if text.strip().isdecimal() else None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, ValueError):  # not on this system
        return ""
