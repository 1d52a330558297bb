"""How much memory processes hold, as the system reports it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from faceswap_cli.errors import UsageError
from faceswap_cli.text import opt

_LINUX = sys.platform == "linux"

POLL_SECONDS = 0.05 if _LINUX else 1.0
"""How often to look: elsewhere it takes a process."""


def check_measurable() -> None:
    """Find out whether the memory of processes can be told here.

    Raises:
        UsageError: It cannot.
    """
    if not resident_bytes([os.getpid()]):
        raise UsageError("the memory of workers cannot be measured on this system",
                         advice=f"leave {opt('max-memory')} out")


def resident_bytes(processes: Sequence[int]) -> dict[int, int]:
    """Resident bytes by process; those that are gone, or of which nothing is known, are left out."""
    return _from_proc(processes) if _LINUX else _from_ps(processes)


def _from_proc(processes: Sequence[int]) -> dict[int, int]:
    """Source: proc(5), `statm`: the second number is resident pages."""
    page = os.sysconf("SC_PAGE_SIZE")
    found = {}
    for process in processes:
        try:
            fields = Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()
        except OSError:
            continue
        if len(fields) > 1:
            found[process] = int(fields[1]) * page
    return found


def _from_ps(processes: Sequence[int]) -> dict[int, int]:
    """Source: POSIX `ps`; all who have it tell `rss` in KiB."""
    if not processes:
        return {}
    command = ["ps", "-o", "pid=", "-o", "rss=", "-p", ",".join(map(str, processes))]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return {}
    rows = [line.split() for line in done.stdout.splitlines()]
    return {int(row[0]): int(row[1]) * 1024 for row in rows if len(row) == 2 and all(map(str.isdecimal, row))}
