"""What the machine is and leaves to this process: processor, memory and control groups, as the system reports it.

Sources: proc(5), malloc_trim(3), and the kernel's documents of both versions of control groups.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path, PurePosixPath

ROOT = Path("/")

_FILES = {
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    2: ("memory.max", "memory.current", "inactive_file"),
}
"""By the version of control groups: the limit, what is used, and the statistic of pages that can be given back."""


def read(path: Path) -> str:
    """The text of a file of the system; empty where there is none."""
    try:
        return path.read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""


def fields(path: Path, separator: str = ":") -> dict[str, str]:
    """The lines of a file of the system by their names; of several with one name the first."""
    lines = (line.partition(separator) for line in reversed(read(path).splitlines()))
    return {name.strip(): value.strip() for name, _, value in lines}


def number(text: str) -> int | None:
    """A whole number, 0 or more; None: it is something else, as `max`."""
    return int(text) if text.strip().isdecimal() else None


def kilobytes(text: str) -> int | None:
    """The bytes of an amount such as `512 kB`; None: it is none."""
    count = number(text.removesuffix("kB"))
    return None if count is None else count * 1024


def group_folders(root: Path, controller: str) -> Iterator[tuple[int, Path]]:
    """Folders of the process's own control group and of all around it (containers, services), which may not exist.

    Args:
        root: Where `proc` and `sys` are.
        controller: Of version 1: `memory`, `cpu`. Version 2 has one folder for all.

    Yields:
        The version, which decides the names of the files in it, and a folder.
    """
    for line in read(root / "proc/self/cgroup").splitlines():
        hierarchy, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if hierarchy == "0" and not controllers:
            version, mount = 2, root / "sys/fs/cgroup"
        elif controller in controllers.split(","):
            version, mount = 1, root / "sys/fs/cgroup" / controller
        else:
            continue
        inner = PurePosixPath(path.strip().lstrip("/"))
        # A container may see its own group as the root of the tree, whatever its path outside.
        for folder in {mount, *(mount / part for part in (inner, *inner.parents))}:
            yield version, folder


def processor_name(root: Path = ROOT) -> str:
    """The processor's own name, where the system tells it.

    Args:
        root: Where `proc` is.
    """
    return fields(root / "proc/cpuinfo").get("model name") or platform.processor() or platform.machine()


def total_memory() -> int | None:
    """Bytes of memory of the machine; None: unknown."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # a system that is no Unix
        return None


def memory_limit(root: Path = ROOT) -> int | None:
    """Bytes that the control groups around this process allow it; None: no limit is set.

    Args:
        root: Where `proc` and `sys` are.
    """
    limits = [bound for version, folder in group_folders(root, "memory")
              if (bound := number(read(folder / _FILES[version][0]))) is not None]
    total = total_memory()
    # What stands for "no limit" in version 1 is a number larger than any machine has.
    return min((limit for limit in limits if total is None or limit < total), default=None)


def free_memory(root: Path = ROOT) -> int | None:
    """Bytes that this process may take without swapping or being killed; None: unknown.

    The smaller of what the machine has available and what is left to the control groups around the process.

    Args:
        root: Where `proc` and `sys` are.
    """
    left = kilobytes(fields(root / "proc/meminfo").get("MemAvailable", ""))
    if left is None:
        return None
    for version, folder in group_folders(root, "memory"):
        limit, used, cached = _FILES[version]
        bound, taken = number(read(folder / limit)), number(read(folder / used))
        if bound is not None and taken is not None:
            # Pages of files that nobody reads any more are given back under pressure.
            left = min(left, bound - taken + (number(fields(folder / "memory.stat", " ").get(cached, "")) or 0))
    return max(0, left)


def give_back() -> None:
    """Hand memory that was freed back to the system, where the C library keeps it for itself.

    Frames are large, and made and freed by several threads: over thousands of them glibc keeps several hundred MB that
    nothing uses. A few milliseconds.
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


def busy_cores(seconds: float = 0.5, root: Path = ROOT) -> float | None:
    """How many cores of the machine are at work while this waits; None: unknown.

    Args:
        seconds: How long it waits.
        root: Where `proc` is.
    """
    before, start = _busy_ticks(root), time.monotonic()
    time.sleep(seconds)
    after, end = _busy_ticks(root), time.monotonic()
    if before is None or after is None:
        return None
    return (after - before) / os.sysconf("SC_CLK_TCK") / (end - start)


def _busy_ticks(root: Path) -> int | None:
    """Time that all cores together have worked, in ticks of the system."""
    line = read(root / "proc/stat").partition("\n")[0].split()
    if line[:1] != ["cpu"] or len(line) < 6:
        return None
    ticks = [int(word) for word in line[1:9]]  # what guests use is in the first already
    return sum(ticks) - ticks[3] - ticks[4]  # idle, and waiting for a disk
