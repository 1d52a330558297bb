"""Free memory and cores, as the system's files tell them."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceswap_cli.runtime import cores
from faceswap_cli.runtime.cores import core_count
from faceswap_cli.runtime.machine import free_memory

GB = 1 << 30


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def machine(available: int) -> dict[str, str]:
    return {"proc/meminfo": f"MemTotal:  99 kB\nMemFree:  1 kB\nMemAvailable:   {available // 1024} kB\n"}


def test_unknown_where_the_system_does_not_tell(tmp_path: Path) -> None:
    assert free_memory(tmp_path) is None


def test_a_machine_without_groups(tmp_path: Path) -> None:
    assert free_memory(write(tmp_path, machine(8 * GB))) == 8 * GB


@pytest.mark.parametrize("path", ["/job", "/outside/of/the/container/job"])
def test_the_limit_of_a_container_counts(tmp_path: Path, path: str) -> None:
    """Version 2: as a path below the mount, and as a container that sees its own group as the root."""
    own = "sys/fs/cgroup/job" if path == "/job" else "sys/fs/cgroup"
    write(tmp_path, machine(8 * GB) | {
        "proc/self/cgroup": f"0::{path}\n", f"{own}/memory.max": f"{3 * GB}\n", f"{own}/memory.current": f"{2 * GB}\n",
        f"{own}/memory.stat": f"anon {GB}\ninactive_file {GB // 2}\n"})
    assert free_memory(tmp_path) == GB + GB // 2


def test_the_narrowest_group_around_it_counts(tmp_path: Path) -> None:
    write(tmp_path, machine(8 * GB) | {
        "proc/self/cgroup": "0::/outer/inner\n",
        "sys/fs/cgroup/outer/memory.max": f"{4 * GB}\n", "sys/fs/cgroup/outer/memory.current": f"{3 * GB}\n",
        "sys/fs/cgroup/outer/inner/memory.max": "max\n", "sys/fs/cgroup/outer/inner/memory.current": f"{GB}\n"})
    assert free_memory(tmp_path) == GB


def test_version_1_of_groups_counts(tmp_path: Path) -> None:
    write(tmp_path, machine(8 * GB) | {
        "proc/self/cgroup": "9:name=systemd:/\n4:memory:/job\n3:cpu,cpuacct:/\n0::/\n",
        "sys/fs/cgroup/memory/job/memory.limit_in_bytes": f"{2 * GB}\n",
        "sys/fs/cgroup/memory/job/memory.usage_in_bytes": f"{3 * GB}\n"})
    assert free_memory(tmp_path) == 0


def test_a_machine_fuller_than_its_groups_counts(tmp_path: Path) -> None:
    write(tmp_path, machine(GB) | {
        "proc/self/cgroup": "0::/job\n", "sys/fs/cgroup/job/memory.max": f"{8 * GB}\n",
        "sys/fs/cgroup/job/memory.current": "0\n"})
    assert free_memory(tmp_path) == GB


@pytest.fixture
def eight_cpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four cores of two threads each."""
    monkeypatch.setattr(cores.os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    return write(tmp_path, {f"sys/devices/system/cpu/cpu{number}/topology/thread_siblings_list":
                            f"{number % 4},{number % 4 + 4}\n" for number in range(8)})


def test_threads_of_one_core_count_once(eight_cpus: Path) -> None:
    assert core_count(eight_cpus) == 4


def test_where_the_topology_is_unknown_each_counts(tmp_path: Path, eight_cpus: Path) -> None:
    assert core_count(tmp_path / "elsewhere") == 8


@pytest.mark.parametrize(("quota", "count"), [("max", 4), ("50000", 1), ("150000", 2), ("1600000", 4)])
def test_the_share_of_a_container_counts(eight_cpus: Path, quota: str, count: int) -> None:
    write(eight_cpus, {"proc/self/cgroup": "0::/job\n", "sys/fs/cgroup/job/cpu.max": f"{quota} 100000\n"})
    assert core_count(eight_cpus) == count


def test_the_share_of_version_1_counts(eight_cpus: Path) -> None:
    write(eight_cpus, {"proc/self/cgroup": "3:cpu,cpuacct:/\n", "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "200000\n",
                       "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"})
    assert core_count(eight_cpus) == 2
    write(eight_cpus, {"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n"})
    assert core_count(eight_cpus) == 4
