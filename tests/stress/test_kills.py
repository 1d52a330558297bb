"""A few of the kills of `kill_report.py`, for every change."""

from __future__ import annotations

import random
import sys
import time

import pytest

from faceswap_cli.batch.executors.local import LocalExecutor
from faceswap_cli.batch.executors.table import Limits
from faceswap_cli.batch.items import Item, Status
from faceswap_cli.jobs.job import SwapJob, SwapSpec

if sys.platform != "linux":
    pytest.skip("processes are looked at in /proc", allow_module_level=True)

from ground import Ground, still
from kill_report import Siege, Toll, small_ground


@pytest.mark.parametrize(("workers", "kills", "worker"), [(1, 2, False), (2, 2, False), (4, 1, False), (2, 1, True)])
def test_a_killed_batch_is_taken_up_where_it_was(tmp_path, workers, kills, worker):
    toll = Toll()
    siege = Siege(small_ground(tmp_path, stills=12, gifs=3), random.Random(kills + workers), toll)
    siege.round(workers, kills, worker=worker)
    assert toll.kills + toll.worker_kills + toll.missed == kills
    assert not toll.half_written
    assert not toll.lost
    assert not toll.excess
    assert not toll.left
    assert not toll.survivors
    assert not toll.wrong


def test_an_item_waits_until_the_one_before_it_is_noted(tmp_path, monkeypatch):
    """Else a run that is killed would leave more outputs that nobody knows of than it has workers. It costs no time."""
    ground = Ground(tmp_path)
    ground.outputs.mkdir()
    for number in range(4):
        still(tmp_path / "in" / f"{number}.png", number)
    monkeypatch.setenv("STRESS_BACKEND", "BrightSquares")
    monkeypatch.setenv("STRESS_STEPS", str(tmp_path / "steps"))
    executor = LocalExecutor(1, Limits(seconds=3), worker="rough_worker:RoughWorker")
    items = [Item(number=number, key=name, job=SwapJob(spec=SwapSpec(sources=(str(tmp_path / "me.png"),)),
                                                       target=str(tmp_path / "in" / name),
                                                       output=str(ground.outputs / name)), name=name)
             for number, name in enumerate(f"{number}.png" for number in range(4))]
    results = executor.run(iter(items))
    for number in range(4):
        result = next(results)
        assert (result.status, result.attempts) == (Status.DONE, 1)
        time.sleep(0.3 if number else 3.3)  # longer than an item may take: waiting is no work
        assert len(ground.steps("begun")) == len(ground.written()) == number + 1
    assert next(results, None) is None
