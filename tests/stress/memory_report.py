"""The memory that a batch of many stills takes, and what it costs over the bare engine.

    python tests/stress/memory_report.py [--items 10000] [--portraits 300] [--rounds 5] [--workers 2] [--json]

Memory (Linux only): resident memory of the program and of each of its workers over `--items` small stills on a fake
engine, as a user runs them; how much more the most after item 100 is than at item 100. Must stay below 50 MB.

Overhead: `--portraits` stills of 160 pixels on the embedded engine, with one worker of one thread, against `swap_file`
in a loop in one process with one thread, over the same files, in turn, `--rounds` times. Milliseconds of wall time from
the tenth item to the last, per item, and of processor time of all processes. The ratio is that of the fastest rounds,
for what else a machine does only makes rounds slower; all are told. Must stay below 5 %.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from ground import JOURNAL, Ground, portrait, resident, still, workers_of

MEGABYTE = 10**6
FIRST = 100
"""The item from which on memory is not to grow."""

_WARM = 10
_POLL = 0.02
_TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100

BARE = """
import json, sys, time
from pathlib import Path
sys.path[:0] = json.loads(sys.argv[1])
import cv2
from faceswap_cli.jobs.backend import open_backend
from faceswap_cli.jobs.job import SwapJob, SwapSpec
from faceswap_cli.jobs.swap import prepare_source, swap_file
from faceswap_cli.options import EngineOptions
from faceswap_cli.runtime.cores import limit_cores
limit_cores(1)
cv2.setNumThreads(1)
targets, out = sorted(Path("in").iterdir()), Path(sys.argv[2])
out.mkdir()
backend = open_backend(EngineOptions())
prepared = None
for number, target in enumerate(targets):
    if number == int(sys.argv[3]):
        begun, used = time.perf_counter(), time.process_time()
    job = SwapJob(spec=SwapSpec(sources=("me.png",)), target=str(target), output=str(out / target.name), details=True)
    prepared = prepared or prepare_source(job.spec, backend)
    swap_file(job, backend, prepared=prepared, workers=1)
print(json.dumps([time.perf_counter() - begun, time.process_time() - used]))
"""
"""A batch without what makes it one."""


@dataclass
class Memory:
    """What was seen of each process, by number of it: resident bytes.

    Attributes:
        at_first: When item 100 was done, or the process was first seen, whichever came later.
        most: From then on.
    """

    at_first: dict[int, int] = field(default_factory=dict)
    most: dict[int, int] = field(default_factory=dict)

    def see(self, process: int) -> None:
        """Look at one now."""
        size = resident(process)
        if size:
            self.at_first.setdefault(process, size)
            self.most[process] = max(self.most.get(process, 0), size)

    @property
    def growth(self) -> dict[int, int]:
        """Bytes by process."""
        return {process: most - self.at_first[process] for process, most in self.most.items()}


class Count:
    """How many items a journal has as finished, as it grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._place = 0
        self.items = 0

    def look(self) -> int:
        """The number now."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._place)
                new = file.read()
        except FileNotFoundError:
            return 0
        self._place += len(new)
        self.items += new.count(b'"status":')
        return self.items


def watch(ground: Ground, items: int, workers: int) -> Memory:
    """Run a batch, and look at the memory of its processes from item 100 on."""
    memory, count = Memory(), Count(ground.outputs / JOURNAL)
    process = ground.start(*ground.batch(workers=workers))
    while process.poll() is None:
        if count.look() >= FIRST:
            for number in [process.pid, *workers_of(process.pid)]:
                memory.see(number)
        time.sleep(_POLL)
    assert process.returncode == 0, ground.said
    assert count.look() == items
    return memory


def run_batch(ground: Ground, items: int) -> tuple[float, float]:
    """Seconds of wall time and of processor time that a batch takes from the tenth item on."""
    shutil.rmtree(ground.outputs, ignore_errors=True)
    count = Count(ground.outputs / JOURNAL)
    process = ground.start(*ground.batch("--threads", "1", workers=1))
    begun = used = 0.0
    while count.look() < items and process.poll() is None:
        if count.items >= _WARM and not begun:
            begun, used = time.perf_counter(), _cpu(process.pid)
            first = count.items
        time.sleep(_POLL / 10)
    wall, cpu = time.perf_counter() - begun, _cpu(process.pid) - used
    assert process.wait() == 0, ground.said
    share = (items - _WARM) / (items - first)
    return wall * share, cpu * share


def run_bare(ground: Ground) -> tuple[float, float]:
    """Likewise of a loop over `swap_file`."""
    out = ground.root / "bare"
    shutil.rmtree(out, ignore_errors=True)
    done = subprocess.run([sys.executable, "-c", BARE, json.dumps([str(Path(__file__).parents[2])]), str(out),
                           str(_WARM)], cwd=ground.root, capture_output=True, check=True)
    wall, cpu = json.loads(done.stdout)
    return wall, cpu


def _cpu(process: int) -> float:
    """Processor time of a process and of its workers so far, in seconds."""
    ticks = 0
    for number in [process, *workers_of(process)]:
        fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICK


def measure_memory(folder: Path, items: int, workers: int) -> dict[str, Any]:
    ground = Ground(folder)
    for number in range(items):
        still(folder / "in" / f"{number // 1000:02}" / f"{number:05}.png", number)
    begun = time.perf_counter()
    memory = watch(ground, items, workers)
    parent, *_ = memory.most
    growth = memory.growth
    return {
        "items": items, "seconds": round(time.perf_counter() - begun, 1),
        "program, MB": [round(size / MEGABYTE, 1) for size in (memory.at_first[parent], memory.most[parent])],
        "workers, MB": [[round(memory.at_first[worker] / MEGABYTE, 1), round(memory.most[worker] / MEGABYTE, 1)]
                        for worker in memory.most if worker != parent],
        "growth, MB": round(max(growth.values()) / MEGABYTE, 1),
    }


def measure_overhead(folder: Path, items: int, rounds: int) -> dict[str, Any]:
    ground = Ground(folder, "")
    for number in range(items):
        portrait(folder / "in" / f"{number:04}.jpg", number)
    batch: list[tuple[float, float]] = []
    bare: list[tuple[float, float]] = []
    for number in range(rounds):
        for kind in ((batch, bare), (bare, batch))[number % 2]:
            kind.append(run_batch(ground, items) if kind is batch else run_bare(ground))
    for path in (folder / "bare").iterdir():
        assert path.read_bytes() == (ground.outputs / path.name).read_bytes()
    figures: dict[str, Any] = {"portraits": items, "rounds": rounds}
    for kind, name in enumerate(("wall", "processor")):
        ours, theirs = ([round(1000 * run[kind] / (items - _WARM), 2) for run in runs] for runs in (batch, bare))
        figures[f"{name}, ms per item"] = {"batch": ours, "bare": theirs}
        figures[f"overhead, {name} %"] = round(100 * (min(ours) / min(theirs) - 1), 1)
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description="Memory and overhead of a batch of many stills.")
    parser.add_argument("--items", type=int, default=10_000, help="0: leave memory out")
    parser.add_argument("--portraits", type=int, default=300, help="0: leave overhead out")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures: dict[str, Any] = {"load": [round(load, 2) for load in os.getloadavg()]}
    with tempfile.TemporaryDirectory() as folder:
        if options.items:
            figures |= measure_memory(Path(folder, "many"), options.items, options.workers)
        if options.portraits:
            figures |= measure_overhead(Path(folder, "portraits"), options.portraits, options.rounds)
    if options.json:
        print(json.dumps(figures))
    else:
        for name, figure in figures.items():
            print(f"{name:32}{figure}")
    return 1 if figures.get("growth, MB", 0) >= 50 or figures.get("overhead, wall %", 0) >= 5 else 0


if __name__ == "__main__":
    sys.exit(main())
