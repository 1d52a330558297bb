from __future__ import annotations

import threading
import time

import pytest

from faceswap_cli.jobs.pipeline import PENDING_BYTES, map_ordered, pending_limit


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_results_come_in_the_order_of_the_items(workers):
    def slower_first(number: int) -> int:
        time.sleep(0.01 if number % 3 == 0 else 0)
        return number * number

    results = list(map_ordered(slower_first, range(20), workers=workers, pending=2 * workers))
    assert results == [number * number for number in range(20)]


def test_items_are_taken_no_further_ahead_than_allowed():
    taken = 0

    def items():
        nonlocal taken
        for number in range(50):
            taken += 1
            yield number

    for done, _ in enumerate(map_ordered(lambda item: item, items(), workers=3, pending=4), start=1):
        assert taken - done < 4


def test_several_workers_are_at_work_at_once():
    # Three workers are two threads beside the caller's, which makes the items.
    meeting = threading.Barrier(2, timeout=10)
    assert sum(1 for _ in map_ordered(lambda _: meeting.wait(), range(4), workers=3, pending=4)) == 4


@pytest.mark.parametrize("workers", [1, 3])
def test_an_error_comes_out_and_the_rest_is_abandoned(workers):
    done = []

    def fails_at_three(number: int) -> int:
        if number == 3:
            raise KeyError("three")
        done.append(number)
        return number

    results = []
    with pytest.raises(KeyError, match="three"):
        for result in map_ordered(fails_at_three, range(1000), workers=workers, pending=6):
            results.append(result)
    assert results == [0, 1, 2]
    assert len(done) < 20
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("faceswap-render")]


def test_large_frames_wait_in_smaller_numbers():
    assert pending_limit(4, 1000) == 8
    assert pending_limit(4, PENDING_BYTES // 3) == 3
    assert pending_limit(4, PENDING_BYTES * 2) == 1


@pytest.mark.parametrize(("heavy", "together"), [(True, 2), (False, 1)])
def test_heavy_work_runs_in_as_many_threads_as_workers_beside_the_callers(heavy, together):
    running, most, lock = 0, 0, threading.Lock()

    def work(number: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1
        return number

    assert list(map_ordered(work, range(12), workers=2, pending=4, heavy=heavy)) == list(range(12))
    assert most == together
