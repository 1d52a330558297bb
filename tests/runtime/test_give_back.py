"""Memory that was freed goes back to the system."""

import os
import platform

import pytest

from faceswap_cli.batch.executors.resident_memory import resident_bytes
from faceswap_cli.runtime.machine import give_back


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries keep nothing, or cannot be asked")
def test_what_the_c_library_keeps_is_handed_back() -> None:
    blocks = [b"x" * 60_000 for _ in range(2_000)]  # small enough to come from the heap
    kept = blocks[::100]  # holds the heap's end, so that the library does not let go of what is before it
    del blocks
    before = resident_bytes([os.getpid()])[os.getpid()]
    for _ in range(3):  # may be asked for often
        give_back()
    assert resident_bytes([os.getpid()])[os.getpid()] < before - 60_000_000
    assert len(kept) == 20
