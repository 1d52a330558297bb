"""The memory of `memory_report.py`, over fewer items, for every change."""

from __future__ import annotations

import sys

import pytest
from ground import Ground, still

if sys.platform != "linux":
    pytest.skip("memory is looked at in /proc", allow_module_level=True)

from memory_report import MEGABYTE, watch


def test_memory_does_not_grow_with_the_number_of_items(tmp_path):
    ground = Ground(tmp_path)
    for number in range(400):
        still(tmp_path / "in" / f"{number:03}.png", number)
    memory = watch(ground, 400, workers=2)
    assert len(memory.most) == 3
    assert max(memory.growth.values()) < 8 * MEGABYTE  # 300 items more; 27 kB for each of them
