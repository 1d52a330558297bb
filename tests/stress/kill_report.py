"""What is left of batch runs that are killed at random moments, and what the next run makes of it.

    python tests/stress/kill_report.py [--kills 200] [--real 30] [--seed 4] [--json]

Each run is killed (SIGKILL to the program; in some rounds to one of its workers), sometimes its successor too, and then
resumed to the end. Over stills and GIFs, with 1, 2 and 4 workers, most rounds over a fake engine, `--real` kills over
the embedded one. The moment is after a random number of steps of the workers and a random time more, or a random time
after the start. Linux only. Exit code 1 if anything counted below, but for `redone` within its bound, is not 0:

half-written  outputs that do not open, or are not the bytes of an undisturbed run, after the kill or in the end
lost          items that were not done in the end
redone        items whose output was whole when the run was killed, and which were done again: the most after one kill,
              and in all; at most as many as there are workers
begun again   likewise, with those that were in the middle (the most after one kill, per worker)
left          temporary files after the next run that came to its end
survivors     worker processes that outlived the program by more than five seconds
wrong         runs that ended otherwise than they should
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from ground import SECONDS, Ground, gif, portrait, portrait_gif, still, workers_of
from PIL import Image as PILImage

WORKERS = (1, 2, 4)
_POLL = 0.002
_GRACE = 5.0


@dataclass
class Toll:
    """What was counted.

    Attributes:
        excess: Kills after which more whole outputs were done again than there were workers.
        missed: Runs that had ended before they could be killed.
    """

    kills: int = 0
    worker_kills: int = 0
    half_written: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    redone: int = 0
    most_redone: int = 0
    excess: list[str] = field(default_factory=list)
    begun_again: float = 0.0
    left: list[str] = field(default_factory=list)
    survivors: int = 0
    wrong: list[str] = field(default_factory=list)
    missed: int = 0

    @property
    def bad(self) -> bool:
        return bool(self.half_written or self.lost or self.excess or self.left or self.survivors or self.wrong)


class Siege:
    """Kills runs over one ground, and looks at what they leave."""

    def __init__(self, ground: Ground, chance: random.Random, toll: Toll) -> None:
        """Run the batch undisturbed, for comparison."""
        self._ground = ground
        self._chance = chance
        self._toll = toll
        code, _ = ground.run()
        assert code == 0, ground.said
        self._whole = ground.written()
        self._steps = 2 * len(self._whole)
        assert ground.left() == []
        for name, data in self._whole.items():
            PILImage.open(io.BytesIO(data)).load()
            assert data != (ground.root / "in" / name).read_bytes()

    def round(self, workers: int, kills: int = 1, *, worker: bool = False) -> None:
        """Kill a run and `kills - 1` successors, let the next one come to its end, and start over with nothing.

        Args:
            workers: Of the runs.
            kills: At least 1.
            worker: One of the workers is killed, once; the run itself should come to its end then.
        """
        self._clear()
        whole: set[str] = set()
        begun: set[str] = set()
        for _ in range(kills):
            whole_now = self._kill(workers, worker=worker)
            begun = self._count_again(workers, whole, begun)
            whole = whole_now
        code, told = self._ground.run(*self._ground.batch("--json", workers=workers))
        self._count_again(workers, whole, begun)
        self._look_at_end(code, told)

    def _kill(self, workers: int, *, worker: bool) -> set[str]:
        """One run that is killed; what was whole then."""
        process = self._ground.start(*self._ground.batch(workers=workers))
        try:
            self._wait(process)
            if worker:
                self._kill_a_worker(process)
                self._check(process.wait(SECONDS) == 0, f"a killed worker ended the run: {self._ground.said}")
            elif process.poll() is None:
                process.kill()
                process.wait()
                self._toll.kills += 1
            else:
                self._toll.missed += 1
        finally:
            _end_group(process)
        self._toll.survivors += not _is_gone(process.pid)
        return self._look()

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        """Until the moment has come, or the end."""
        if self._chance.random() < 0.2:
            until = time.monotonic() + self._chance.random() * 0.8
            while time.monotonic() < until and process.poll() is None:
                time.sleep(_POLL)
            return
        steps = self._chance.randrange(self._steps * 9 // 10)
        moment = self._chance.random() * 0.02
        while process.poll() is None:
            if len(self._ground.steps("")) > steps:
                time.sleep(moment)
                return
            time.sleep(_POLL)

    def _kill_a_worker(self, process: subprocess.Popen[bytes]) -> None:
        found = workers_of(process.pid) if process.poll() is None else []
        if found:
            os.kill(self._chance.choice(found), signal.SIGKILL)
            self._toll.worker_kills += 1
        else:
            self._toll.missed += 1

    def _look(self) -> set[str]:
        """What is whole; what is only half so is counted."""
        written = self._ground.written() if self._ground.outputs.is_dir() else {}
        for name, data in written.items():
            if data != self._whole.get(name):
                self._toll.half_written.append(name)
        return set(written)

    def _count_again(self, workers: int, whole: set[str], begun: set[str]) -> set[str]:
        """Count what the last run did again.

        Args:
            workers: Of the run.
            whole: What was whole when the one before it was killed.
            begun: What that one had begun.

        Returns:
            What the last run has begun.
        """
        now = set(self._ground.steps("begun"))
        redone = len(whole & now)
        self._toll.redone += redone
        self._toll.most_redone = max(self._toll.most_redone, redone)
        self._toll.begun_again = max(self._toll.begun_again, len(begun & now) / workers)
        if redone > workers:
            self._toll.excess.append(f"{redone} by {workers}")
        return now

    def _look_at_end(self, code: int, told: bytes) -> None:
        self._check(code == 0, f"exit {code}: {self._ground.said}")
        items: list[dict[str, Any]] = [json.loads(line) for line in told.splitlines()]
        done = {item["key"] for item in items if item.get("status") in ("done", "current")}
        self._check(len(items) == len(self._whole) + 1, f"{len(items)} lines of JSON")
        written = self._ground.written()
        self._toll.lost += sorted((set(self._whole) - set(written)) | (set(self._whole) - done))
        self._look()
        self._toll.left += self._ground.left()
        noted = {line["key"] for line in self._ground.journal() if line.get("status") == "done"}
        self._check(noted == set(self._whole), "the journal does not hold all items")

    def _check(self, right: bool, what: str) -> None:
        if not right:
            self._toll.wrong.append(what)

    def _clear(self) -> None:
        for path in sorted(self._ground.outputs.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()


def small_ground(root: Path, stills: int = 24, gifs: int = 6) -> Ground:
    """Stills of five formats and GIFs, for a fake engine."""
    ground = Ground(root)
    for number in range(stills):
        suffix = ("png", "jpg", "webp", "tiff", "bmp")[number % 5]
        still(root / "in" / f"{number:02}.{suffix}", number)
    for number in range(gifs):
        gif(root / "in" / f"{number * stills // gifs:02}-g.gif", number)
    return ground


def real_ground(root: Path, stills: int = 8, gifs: int = 2) -> Ground:
    """Portraits and GIFs, for the embedded engine."""
    ground = Ground(root, "")
    for number in range(stills):
        portrait(root / "in" / f"{number:02}.{('jpg', 'png')[number % 2]}", number)
    for number in range(gifs):
        portrait_gif(root / "in" / f"{number * 4:02}-g.gif", number)
    return ground


def besiege(siege: Siege, chance: random.Random, toll: Toll, kills: int, tell: Callable[[], None]) -> None:
    """So many kills, with 1, 2 and 4 workers in turn; every sixth round it is a worker that is killed."""
    start, number = toll.kills + toll.worker_kills, 0
    while (left := kills - (toll.kills + toll.worker_kills - start)) > 0:
        workers = WORKERS[number % len(WORKERS)]
        if number % 6 == 5 or (number % 12 == 1):
            siege.round(workers, worker=True)
        else:
            siege.round(workers, kills=min(left, chance.choice((1, 1, 1, 2, 3))))
        number += 1
        tell()


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Whatever happened to this program, no process of the run stays."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _is_gone(group: int) -> bool:
    """Whether all processes of a run have ended, or do so soon."""
    deadline = time.monotonic() + _GRACE
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(_POLL)
    os.killpg(group, signal.SIGKILL)
    return False


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill batch runs at random moments.")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--real", type=int, default=30, help="how many of them over the embedded engine")
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    chance, toll = random.Random(options.seed), Toll()
    begun = time.monotonic()

    def tell() -> None:
        print(f"\r{toll.kills} kills, {toll.worker_kills} of workers, {time.monotonic() - begun:.0f} s", end="",
              file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory() as folder:
        real = min(options.real, options.kills)
        for name, make, kills in (("small", small_ground, options.kills - real), ("real", real_ground, real)):
            if kills:
                besiege(Siege(make(Path(folder, name)), chance, toll), chance, toll, kills, tell)
    print(file=sys.stderr)
    figures = {
        "kills": toll.kills, "kills of workers": toll.worker_kills, "half-written": toll.half_written,
        "lost": toll.lost, "redone": toll.redone, "most redone after one kill": toll.most_redone,
        "more redone than workers": toll.excess, "begun again, most per worker": toll.begun_again, "left": toll.left,
        "survivors": toll.survivors, "wrong": toll.wrong, "ended before the kill": toll.missed,
        "seconds": round(time.monotonic() - begun),
    }
    if options.json:
        print(json.dumps(figures))
    else:
        for name, figure in figures.items():
            print(f"{name:32}{figure}")
    return 1 if toll.bad else 0


if __name__ == "__main__":
    sys.exit(main())
