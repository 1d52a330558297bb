"""How much faster two workers are than one, on two cores.

    python tests/stress/throughput_report.py [--items 48] [--rounds 5] [--side 512] [--threads N]

Portraits on the embedded engine; each run in turn with one worker and with two. Seconds from the moment in which all
workers were warm (each had done two items) to the last item, per item; the ratio is that of the fastest rounds, for
what else a machine does only makes rounds slower. All rounds are told, and the load. Must be at least 1.8.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from ground import JOURNAL, Ground, portrait
from memory_report import Count

_WARM = 2
_POLL = 0.01  # both cores are wanted by the workers


def seconds_per_item(ground: Ground, items: int, workers: int, options: tuple[str, ...]) -> tuple[float, float]:
    """When warm; and of the whole run."""
    shutil.rmtree(ground.outputs, ignore_errors=True)
    count = Count(ground.outputs / JOURNAL)
    start = time.perf_counter()
    process = ground.start(*ground.batch(*options, workers=workers))
    begun, first = 0.0, 0
    while count.look() < items and process.poll() is None:
        if not begun and count.items >= _WARM * workers:
            begun, first = time.perf_counter(), count.items
        time.sleep(_POLL)
    end = time.perf_counter()
    assert process.wait() == 0, ground.said
    return (end - begun) / (items - first), (time.perf_counter() - start) / items


def main() -> int:
    parser = argparse.ArgumentParser(description="Two workers against one.")
    parser.add_argument("--items", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--threads", type=int, help="of each worker; default: the cores divided")
    options = parser.parse_args()
    more = () if options.threads is None else ("--threads", str(options.threads))
    times: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
    loads = [os.getloadavg()[0]]
    with tempfile.TemporaryDirectory() as folder:
        ground = Ground(Path(folder), "")
        for number in range(options.items):
            portrait(ground.root / "in" / f"{number:03}.jpg", number, options.side)
        for number in range(options.rounds):
            for workers in ((1, 2), (2, 1))[number % 2]:
                times[workers].append(seconds_per_item(ground, options.items, workers, more))
        loads.append(os.getloadavg()[0])
    print(f"load before and after: {loads[0]:.2f} {loads[1]:.2f} (two workers alone make it 2)")
    ratios = []
    for kind, name in enumerate(("warm", "whole run")):
        one, two = ([1000 * run[kind] for run in times[workers]] for workers in (1, 2))
        ratios.append(min(one) / min(two))
        rounds = "; ".join(" ".join(f"{ms:.1f}" for ms in runs) for runs in (one, two))
        print(f"{name:10} one worker {min(one):.1f} ms per item, two {min(two):.1f}: {ratios[-1]:.2f} times ({rounds})")
    return 0 if ratios[0] >= 1.8 else 1


if __name__ == "__main__":
    sys.exit(main())
