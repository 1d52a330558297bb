"""Section 10 of the contract: the unmodified SDK of Segmind against a running server."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from live import CLIP, EMPTY, FIELDS, SOURCE, TARGET, Clock, body, is_red, pixels

segmind = pytest.importorskip("segmind", reason="the SDK of Segmind is not installed")

from segmind import SegmindClient  # noqa: E402
from segmind.exceptions import SegmindError  # noqa: E402
from segmind.files import Files  # noqa: E402
from segmind.v2 import InferenceFailed  # noqa: E402

SLUGS = tuple(FIELDS)


@pytest.fixture
def sdk() -> Iterator[Callable[..., Any]]:
    made = []

    def client(live: Any, key: str | None = "k") -> Any:
        made.append(SegmindClient(api_key=key, base_url=f"{live.url}/v1", timeout=120))
        return made[-1]

    yield client
    for one in made:
        one._client.close()


@pytest.fixture(autouse=True)
def no_key_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEGMIND_API_KEY", raising=False)


@pytest.mark.parametrize("slug", SLUGS)
def test_run_sync_gives_a_picture(start, sdk, slug):
    answer = sdk(start()).run_sync(slug, **body(slug))
    assert is_red(pixels(answer.content), 12, 12)
    assert answer.headers["content-type"] == ("image/jpeg" if slug == "faceswap-v3" else "image/png")


def test_run_sync_gives_an_animation(start, sdk):
    answer = sdk(start()).run_sync("sd2.1-faceswapper", **body("sd2.1-faceswapper", target=CLIP))
    assert answer.headers["content-type"] == "image/gif"


def test_run_sync_gives_base64(start, sdk):
    answer = sdk(start()).run_sync("faceswap-v3", **body(base64=True))
    assert is_red(pixels(base64.b64decode(answer.json()["image"])), 12, 12)


@pytest.mark.parametrize("slug", SLUGS)
def test_run_gives_state_output_and_metrics(start, sdk, slug):
    result = sdk(start()).run(slug, **body(slug))
    assert result["status"] == "COMPLETED"
    assert result["metrics"]["inference_time"] >= 0
    assert is_red(pixels(httpx.get(result["output"]).content), 12, 12)


def test_submit_async_gives_absolute_urls_of_the_same_origin(start, sdk):
    live = start()
    job = sdk(live).submit_async("faceswap-v3", **body())
    assert job.request_id
    for url in (job.status_url, job.response_url):
        assert url.startswith(f"{live.url}/v2/requests/{job.request_id}")
    assert job.wait(interval=0.05)["status"] == "COMPLETED"


def test_a_picture_without_a_face_fails(start, sdk):
    live = start()
    client = sdk(live)
    job = client.submit_async("faceswap-v3", **body(target=EMPTY))
    with pytest.raises(InferenceFailed) as caught:
        job.wait(interval=0.05)
    assert caught.value.detail == "no face found in target_img"
    assert job.status()["status"] == job.result()["status"] == "FAILED"
    for url in (job.status_url, job.response_url):
        assert client._client.get(url).status_code == 422


def test_an_unknown_id_is_404(start, sdk):
    live = start()
    client = sdk(live)
    job = client.submit_async("faceswap-v3", **body())
    job.status_url, job.response_url = (f"{live.url}/v2/requests/none{end}" for end in ("/status", ""))
    for ask in (job.status, job.result):
        with pytest.raises(SegmindError) as caught:
            ask()
        assert caught.value.status == 404 and caught.value.detail


def test_refusals_say_why(start, sdk, keys_file):
    live = start(keys_file=keys_file)
    for key, slug, fields, status in ((None, "faceswap-v3", body(), 401), ("wrong", "faceswap-v3", body(), 401),
                                      ("alice-key", "faceswap-v3", {"source_img": "a"}, 400),
                                      ("alice-key", "faceswap-v9", body(), 404)):
        client = sdk(live, key)
        for call in (client.run_sync, client.submit_async, client.run):
            with pytest.raises(SegmindError) as caught:
                call(slug, **fields)
            assert caught.value.status == status and caught.value.detail


def test_after_an_hour_both_are_404(start, sdk):
    clock = Clock()
    job = sdk(start(now=clock)).submit_async("faceswap-v3", **body())
    job.wait(interval=0.05)
    clock.now += 3600
    for ask in (job.status, job.result):
        with pytest.raises(SegmindError) as caught:
            ask()
        assert caught.value.status == 404 and caught.value.detail


def test_uploaded_files_are_usable_as_inputs(start, sdk, tmp_path: Path, monkeypatch):
    live = start()
    monkeypatch.setattr(Files, "STORAGE_BASE_URL", live.url)
    source, target = tmp_path / "source.png", tmp_path / "target.jpg"  # a PNG by any name
    source.write_bytes(SOURCE)
    target.write_bytes(TARGET)
    client = sdk(live)
    urls = client.files.upload([source, target])["file_urls"]
    assert len(urls) == 2
    answer = client.run_sync("faceswap-v3", source_img=urls[0], target_img=urls[1])
    assert is_red(pixels(answer.content), 12, 12)


def test_a_hundred_calls_at_once_finish(start, sdk):
    """As the SDK comes: its HTTP client opens at most a hundred connections and waits five seconds for one."""
    client = sdk(start(workers=2))
    together = threading.Barrier(100)

    def call(_: int) -> Any:
        together.wait()
        return client.run("faceswap-v3", **body())

    with ThreadPoolExecutor(100) as pool:
        results = list(pool.map(call, range(100)))
    assert [result["status"] for result in results] == ["COMPLETED"] * 100
    assert len({result["request_id"] for result in results}) == 100
    assert len({result["output"] for result in results}) == 100


def test_a_hundred_blocking_calls_at_once_finish(start, sdk):
    client = sdk(start(workers=2))
    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(lambda _: client.run_sync("faceswap-v3", **body()), range(100)))
    assert all(is_red(pixels(answer.content), 12, 12) for answer in answers)
