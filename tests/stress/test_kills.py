"""A few of the kills of `kill_report.py`, for every change."""

from __future__ import annotations

import random
import sys

import pytest

if sys.platform != "linux":
    pytest.skip("processes are looked at in /proc", allow_module_level=True)

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
