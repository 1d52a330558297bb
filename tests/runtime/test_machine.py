"""What the system tells of itself."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from faceswap_cli.runtime.machine import busy_cores


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_work_is_seen() -> None:
    until = time.monotonic() + 0.6
    busy = threading.Thread(target=lambda: [None for _ in iter(lambda: time.monotonic() < until, False)])
    busy.start()
    seen = busy_cores(0.4)
    busy.join()
    assert seen is not None and 0.3 < seen <= (os.cpu_count() or 1) + 0.5


def test_a_system_that_does_not_tell(tmp_path: Path) -> None:
    assert busy_cores(0, tmp_path) is None
