"""How many cores this process may use."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_CPUS = Path("/sys/devices/system/cpu")


def core_count() -> int:
    """Physical cores this process may run on, at least 1.

    Two threads of one core share its multipliers, which convolutions fill alone. Where the system does not tell which
    threads share a core, each counts. ONNX Runtime's own count ignores what the process is confined to.
    """
    if not hasattr(os, "sched_getaffinity"):
        return max(1, os.cpu_count() or 1)
    allowed = os.sched_getaffinity(0)
    cores = set()
    for number in allowed:
        siblings = str(number)
        with contextlib.suppress(OSError):
            siblings = (_CPUS / f"cpu{number}" / "topology" / "thread_siblings_list").read_text(encoding="ascii")
        cores.add(siblings)
    return max(1, len(cores))
