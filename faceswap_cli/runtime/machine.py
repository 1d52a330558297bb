"""What the machine is: its processor and its memory, as the system tells it."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path

from faceswap_cli.runtime.cgroups import ROOT, group_folders, number, read

_LIMIT_FILES = {1: "memory.limit_in_bytes", 2: "memory.max"}
"""By the version of control groups."""


def processor_name(root: Path = ROOT) -> str:
    """The processor's own name, where the system tells it.

    Args:
        root: Where `proc` is.
    """
    for line in read(root / "proc/cpuinfo").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()


def total_memory() -> int | None:
    """Bytes of memory of the machine; None: unknown."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # a system that is no Unix
        return None


def memory_limit(root: Path = ROOT) -> int | None:
    """Bytes that the control groups around this process (containers, services) allow it; None: no limit is set.

    Args:
        root: Where `proc` and `sys` are.
    """
    limits = [bound for version, folder in group_folders(root, "memory")
              if (bound := number(read(folder / _LIMIT_FILES[version]))) is not None]
    total = total_memory()
    # What stands for "no limit" in version 1 is a number larger than any machine has.
    return min((limit for limit in limits if total is None or limit < total), default=None)


def busy_cores(seconds: float = 0.5, root: Path = ROOT) -> float | None:
    """How many cores of the machine are at work while this waits; None: unknown. Source: proc(5).

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
