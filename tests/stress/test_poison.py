"""One of the runs of `poison_report.py`, for every change."""

from __future__ import annotations

import sys

import pytest
from poison_report import poison, survive


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("crash", [False, True])
def test_an_item_that_kills_its_worker_fails_alone(tmp_path, crash):
    assert survive(poison(tmp_path, 30, 17, crash=crash), 30, 17, workers=2) == ""
