"""Shared by the tests of the client: a stand-in API, a clock that only sleeping moves, and a watch over the key."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from segmind_api import CANARY, FakeClock, SegmindApi

from faceswap_cli.segmind.client import SegmindClient
from faceswap_cli.segmind.faults import ApiError
from faceswap_cli.segmind.key import ApiKey
from faceswap_cli.segmind.schema import FaceswapV3Request

MakeClient = Callable[..., SegmindClient]


@pytest.fixture(autouse=True)
def canary(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[None]:
    """Whatever a test does, the key is in no log, output or file."""
    caplog.set_level(logging.DEBUG)
    yield
    out, err = capfd.readouterr()
    assert CANARY not in caplog.text
    assert CANARY not in out + err
    for record in caplog.records:
        assert CANARY not in repr(record.__dict__)
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or path.name == "key" or CANARY.encode() not in path.read_bytes()


@pytest.fixture
def api() -> Iterator[SegmindApi]:
    with SegmindApi() as api:
        yield api


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def make_client(api: SegmindApi, clock: FakeClock) -> Iterator[MakeClient]:
    """A client of the stand-in; keywords as `SegmindClient` has them."""
    made: list[SegmindClient] = []

    def make(**options: Any) -> SegmindClient:
        client = SegmindClient(ApiKey(CANARY), **({"base_url": api.base, "clock": clock, "jitter": lambda: 0.0}
                                                  | options))
        assert CANARY not in repr(vars(client))
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(make_client: MakeClient) -> SegmindClient:
    return make_client()


@pytest.fixture
def request_v3() -> FaceswapV3Request:
    return FaceswapV3Request.parse({"source_img": "https://example.org/face.jpg",
                                    "target_img": "https://example.org/scene.jpg", "image_format": "png"})


@pytest.fixture
def refused() -> Callable[..., ApiError]:
    """Calls something that must raise an ApiError, and looks at all that a person might see of it."""
    def call(action: Callable[..., Any], *arguments: Any, **options: Any) -> ApiError:
        with pytest.raises(ApiError) as caught:
            action(*arguments, **options)
        error = caught.value
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
        assert CANARY not in shown + repr(error) + repr(vars(error))
        assert "\n" not in str(error)
        return error

    return call
