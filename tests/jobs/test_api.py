from __future__ import annotations

import pickle

import pytest

import faceswap_cli
from faceswap_cli import EngineOptions, Order, SelectOptions, SwapJob


def test_every_public_name_is_there():
    for name in faceswap_cli.__all__:
        assert getattr(faceswap_cli, name) is not None
        assert name in dir(faceswap_cli)


def test_other_names_are_not():
    with pytest.raises(AttributeError, match="nonsense"):
        faceswap_cli.nonsense  # noqa: B018


def test_a_job_travels_to_another_process():
    job = SwapJob(sources=("a.png",), target="b.gif", output="c.gif",
                  engine=EngineOptions(select=SelectOptions(order=Order.LEFT_RIGHT, target_index=(1, 0))))
    assert pickle.loads(pickle.dumps(job)) == job  # noqa: S301
