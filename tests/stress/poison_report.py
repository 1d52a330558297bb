"""A batch with an item that kills its worker, again and again: that one fails, and no other.

    python tests/stress/poison_report.py [--runs 20] [--items 100] [--workers 2] [--seed 4]

One item in `--items`, somewhere, kills its worker: by SIGKILL, as the system does when memory is out, or by a crash in
a library, in turn. Each run must end with exit code 7, one item failed and all others done. Exit code 1 if one did not.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from ground import Ground, still
from rough_backends import CRASHING, LETHAL


def poison(folder: Path, items: int, place: int, *, crash: bool = False) -> Ground:
    """A ground with one item that kills its worker."""
    ground = Ground(folder, "Poisoned")
    for number in range(items):
        still(folder / "in" / f"{number:03}.png", number,
              (CRASHING if crash else LETHAL) if number == place else None)
    return ground


def survive(ground: Ground, items: int, place: int, workers: int) -> str:
    """Run the batch; what was wrong with it, or nothing."""
    code, told = ground.run(*ground.batch("--json", workers=workers))
    *results, summary = [json.loads(line) for line in told.splitlines()]
    failed = {item["key"]: item["error"]["type"] for item in results if item["status"] == "failed"}
    done = {item["key"] for item in results if item["status"] == "done"}
    names = {f"{number:03}.png" for number in range(items)}
    bad = f"{place:03}.png"
    wrong = []
    if code != 7 or summary["exit_code"] != 7:
        wrong.append(f"exit {code}: {ground.said}")
    if failed != {bad: "WorkerDied"}:
        wrong.append(f"failed: {failed}")
    if done != names - {bad} or set(ground.written()) != done:
        wrong.append(f"{len(done)} done, {len(ground.written())} written")
    if ground.steps("begun").count(bad) != 2:
        wrong.append("the item was not tried twice")
    if ground.left():
        wrong.append(f"left: {ground.left()}")
    return "; ".join(wrong)


def main() -> int:
    parser = argparse.ArgumentParser(description="Batches with an item that kills its worker.")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--items", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=4)
    options = parser.parse_args()
    chance, begun, bad = random.Random(options.seed), time.monotonic(), 0
    for number in range(options.runs):
        with tempfile.TemporaryDirectory() as folder:
            place = chance.randrange(options.items)
            ground = poison(Path(folder), options.items, place, crash=number % 2 == 1)
            if wrong := survive(ground, options.items, place, options.workers):
                bad += 1
                print(f"run {number}, item {place}: {wrong}")
    print(f"{options.runs} runs of {options.items} items: {options.runs - bad} with one failed and all others done, "
          f"{bad} otherwise; {time.monotonic() - begun:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
