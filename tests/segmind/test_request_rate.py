"""One cap on polls for a whole batch, and one pause for all."""

from __future__ import annotations

import threading
from pathlib import Path

from segmind_api import CANARY, PICTURE, FakeClock, SegmindApi

from faceswap_cli.segmind.client import SegmindClient
from faceswap_cli.segmind.key import ApiKey
from faceswap_cli.segmind.request_rate import Pace
from faceswap_cli.segmind.schema import FaceswapV3Request


def test_no_minute_has_more_polls_than_the_cap() -> None:
    clock = FakeClock()
    pace = Pace(10, clock)
    times = []
    for _ in range(50):
        assert pace.wait_to_poll(1e9)
        times.append(clock.monotonic())
        clock.sleep(0.7)
    assert all(later - earlier >= 60 for earlier, later in zip(times, times[10:], strict=False))
    assert times[-1] - times[0] < 60 * 5  # and no slower than that


def test_a_slot_after_the_deadline_is_left_to_others() -> None:
    clock = FakeClock()
    pace = Pace(1, clock)
    assert pace.wait_to_poll(1e9)
    assert not pace.wait_to_poll(clock.monotonic() + 59)
    assert clock.slept == []
    assert pace.wait_to_poll(clock.monotonic() + 61)
    assert clock.slept == [60]


def test_a_pause_holds_everyone() -> None:
    clock = FakeClock()
    pace = Pace(100, clock)
    pace.hold(30)
    pace.hold(10)
    assert not pace.wait(clock.monotonic() + 29)
    assert pace.wait(1e9)
    assert pace.wait_to_poll(1e9)
    assert clock.slept == [30]


def test_polls_that_wait_share_the_cap_after_a_pause() -> None:
    """A pause called while a poll waits for its turn: it takes a new turn."""
    class Pausing(FakeClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if len(self.slept) == 1:
                pace.hold(100)

    clock = Pausing()
    pace = Pace(1, clock)
    pace.wait_to_poll(1e9)
    assert pace.wait_to_poll(1e9)
    assert sum(clock.slept) == 160


def test_one_cap_for_all_jobs_of_a_batch(api: SegmindApi, request_v3: FaceswapV3Request, tmp_path: Path) -> None:
    """Sixteen jobs in threads, with a clock that stands still: what they would sleep says when they would poll."""
    class Frozen(FakeClock):
        def monotonic(self) -> float:
            return 0.0

    api.states = ["QUEUED", "PROCESSING", "PROCESSING", "COMPLETED"]
    clock = Frozen()
    with SegmindClient(ApiKey(CANARY), base_url=api.base, clock=clock, pace=Pace(20, clock)) as client:
        threads = [threading.Thread(target=client.swap, args=(request_v3, tmp_path / f"{number}.png"))
                   for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [PICTURE] * 16
    assert (len(api.billed), api.count("status")) == (16, 64)
    # 20 at once, then 20 in each minute; other sleeps are the pauses between the polls of one job.
    assert sorted(seconds for seconds in clock.slept if seconds >= 60) == [60] * 20 + [120] * 20 + [180] * 4
