"""How many cores this process may use."""

from __future__ import annotations

import os
from pathlib import Path

from faceswap_cli.runtime.machine import ROOT, group_folders, number, read

_limit: int | None = None


def limit_cores(count: int) -> None:
    """From now on this process takes no more than so many cores: its share beside others that do the same work."""
    global _limit
    _limit = max(1, count)


def core_count(root: Path = ROOT) -> int:
    """Physical cores this process may run on, at least 1: ONNX Runtime's own count ignores what confines it.

    Two threads of one core share its multipliers, which convolutions fill alone. Where the system does not tell which
    threads share a core, each counts. A container's share of time counts as cores, rounded up.
    `limit_cores` bounds the number.

    Args:
        root: Where `proc` and `sys` are.
    """
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    topology = (root / f"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list" for cpu in allowed)
    cores = {read(path) or str(path) for path in topology}
    most = len(cores) if _limit is None else min(len(cores), _limit)
    return max(1, min([most, *_shares(root)]))


def _shares(root: Path) -> list[int]:
    """Cores' worth of time that each control group around the process gets, where it has a limit."""
    shares = []
    for version, folder in group_folders(root, "cpu"):
        if version == 2:
            quota, _, period = read(folder / "cpu.max").partition(" ")
        else:
            quota, period = read(folder / "cpu.cfs_quota_us"), read(folder / "cpu.cfs_period_us")
        time, every = number(quota), number(period)
        if time and every:
            shares.append(-(-time // every))
    return shares
