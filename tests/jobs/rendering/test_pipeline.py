from __future__ import annotations

import threading
import time

import pytest

from faceswap_cli.jobs.rendering.pipeline import PENDING_BYTES, Background, map_ordered, pending_limit


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


def test_the_background_takes_all_items_in_order():
    taken = []
    with Background(lambda item: (time.sleep(0.002), taken.append(item)), 2) as background:
        for number in range(20):
            background.put(number)
    assert taken == list(range(20))
    assert background.seconds >= 0.04


def test_an_error_in_the_background_comes_out():
    taken = []

    def fails_at_three(number: int) -> None:
        if number == 3:
            raise KeyError("three")
        taken.append(number)

    with pytest.raises(KeyError, match="three"), Background(fails_at_three, 2) as background:
        for number in range(1000):
            background.put(number)
            time.sleep(0.001)
    assert taken == [0, 1, 2]
    with pytest.raises(KeyError, match="three"), Background(fails_at_three, 2) as background:
        background.put(3)


def test_an_error_beside_the_background_abandons_what_waits():
    taken = []
    gate = threading.Event()
    with pytest.raises(ValueError, match="beside"), \
            Background(lambda item: (gate.wait(10), taken.append(item)), 5) as background:
        for number in range(4):
            background.put(number)
        threading.Timer(0.05, gate.set).start()
        raise ValueError("beside")
    assert taken == [0]
