"""Local files on their way to the API."""

from __future__ import annotations

import base64
import json
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from segmind_api import CANARY, PICTURE, FakeClock, Fault, SegmindApi, broken, limited

from faceswap_cli.errors import InputError, LimitError
from faceswap_cli.segmind.client import SegmindClient
from faceswap_cli.segmind.faults import ApiError, Retry
from faceswap_cli.segmind.uploads import Asset, UploadBody, in_requests

Refused = Callable[..., ApiError]


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Three pictures of lengths that end base64 in all three ways; the last one's name lies."""
    paths = [tmp_path / "a.png", tmp_path / "b.png", tmp_path / "c.png"]
    paths[0].write_bytes(PICTURE + b"a")
    paths[1].write_bytes(PICTURE + b"bb")
    paths[2].write_bytes(b"GIF89a" + bytes(300_000))
    return paths


def test_files_become_addresses_in_their_order(client: SegmindClient, api: SegmindApi, files: list[Path]) -> None:
    urls = client.upload(files)
    assert [api.assets[url] for url in urls] == [file.read_bytes() for file in files]
    asked = api.asked[0]
    assert (api.count("upload"), asked.key, asked.path) == (1, CANARY, "/upload-asset")
    assert asked.headers["content-length"] == str(len(asked.body))
    assert "transfer-encoding" not in asked.headers
    assert api.billed == []


def test_the_body_is_what_the_contract_says(files: list[Path]) -> None:
    body = UploadBody([Asset.of(file) for file in files])
    data = b"".join(body)
    assert len(data) == body.length
    urls = json.loads(data)["data_urls"]
    assert [url.partition(",")[0] for url in urls] == [
        "data:image/png;base64", "data:image/png;base64", "data:image/gif;base64"]
    assert [base64.b64decode(url.partition(",")[2], validate=True) for url in urls] == [
        file.read_bytes() for file in files]
    assert b"".join(body) == data  # for an attempt after a fault


def test_uploads_may_have_a_place_of_their_own(make_client: Callable[..., SegmindClient], api: SegmindApi,
                                               files: list[Path]) -> None:
    with SegmindApi() as store:
        for url in (store.base, f"{store.base}/upload-asset"):
            make_client(upload_url=url).upload(files)
        assert (store.count("upload"), api.asked) == (2, [])


def test_a_file_is_sent_once_as_long_as_it_is_surely_kept(client: SegmindClient, api: SegmindApi, clock: FakeClock,
                                                          files: list[Path]) -> None:
    first = client.upload([files[0], files[0]])
    assert first[0] == first[1]
    assert client.upload([files[1], files[0]])[1] == first[0]
    assert [len(json.loads(asked.body)["data_urls"]) for asked in api.asked] == [1, 1]
    clock.sleep(1801)
    assert client.upload([files[0]]) != [first[0]]
    files[0].write_bytes(PICTURE + b"changed")
    assert api.assets[client.upload([files[0]])[0]] == PICTURE + b"changed"


def test_jobs_at_the_same_time_send_the_same_face_once(client: SegmindClient, api: SegmindApi,
                                                       files: list[Path]) -> None:
    api.fail("upload", Fault(delay=0.1))
    urls: list[list[str]] = []
    threads = [threading.Thread(target=lambda: urls.append(client.upload(files[:1]))) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert api.count("upload") == 1
    assert urls == [urls[0]] * 5


def test_a_file_beyond_the_limit_is_not_sent(make_client: Callable[..., SegmindClient], api: SegmindApi,
                                             files: list[Path]) -> None:
    with pytest.raises(LimitError, match=r"c\.png is 0\.3 MB, more than the limit of"):
        make_client(max_upload_bytes=200_000).upload(files)
    assert api.asked == []


def test_files_share_a_request_as_long_as_they_fit(files: list[Path]) -> None:
    assets = [Asset.of(file) for file in files]
    assert [len(group) for group in in_requests(assets, 25 * 2**20)] == [3]
    assert [len(group) for group in in_requests(assets, 300_006)] == [2, 1]
    assert [len(group) for group in in_requests(assets, 1)] == [1, 1, 1]
    assert in_requests([], 1) == []


def test_what_is_no_picture_is_not_sent(client: SegmindClient, api: SegmindApi, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("text")
    for path in (tmp_path / "a.png", tmp_path / "nowhere.png", tmp_path):
        with pytest.raises(InputError, match=path.name):
            client.upload([path])
    assert api.asked == []


@pytest.mark.parametrize("fault", [broken(500), broken(502), broken(503), broken(504), Fault(drop="before"),
                                   Fault(drop="after"), Fault(drop="midway"), limited(Retry_After="3"),
                                   Fault(200, b"<html>"), Fault(200, {"file_urls": []}),
                                   Fault(200, {"file_urls": ["ftp://example.org/a"]})])
def test_an_upload_bills_nothing_and_is_repeated(fault: Fault, client: SegmindClient, api: SegmindApi,
                                                 files: list[Path]) -> None:
    api.fail("upload", fault)
    assert api.assets[client.upload(files[:1])[0]] == files[0].read_bytes()
    assert (api.count("upload"), api.billed) == (2, [])


@pytest.mark.parametrize(("status", "words"), [(400, "bad data URL"), (413, "upload exceeds 25 MB")])
def test_a_refused_upload_is_told_in_the_apis_words(status: int, words: str, client: SegmindClient, api: SegmindApi,
                                                    files: list[Path], refused: Refused) -> None:
    api.fail("upload", Fault(status, {"error": words}))
    error = refused(client.upload, files[:1])
    assert str(error).startswith(f"the API refused the upload: {words} ({status}); ")
    assert (error.retry, api.count("upload")) == (Retry.NEVER, 1)


def test_an_upload_that_goes_on_failing_says_so(client: SegmindClient, api: SegmindApi, files: list[Path],
                                                refused: Refused) -> None:
    api.fail("upload", *[broken(502)] * 6)
    error = refused(client.upload, files[:1])
    assert (error.retry, error.out_of_order, api.count("upload")) == (Retry.SAFE, True, 6)


@pytest.mark.parametrize("change", [lambda file: file.write_bytes(file.read_bytes()[:-1]),
                                    lambda file: file.write_bytes(file.read_bytes()[:-1] + b"x"), Path.unlink])
def test_a_file_that_changes_is_noticed(change: Callable[[Path], object], files: list[Path]) -> None:
    body = UploadBody([Asset.of(file) for file in files])
    change(files[2])
    with pytest.raises(InputError, match=r"c\.png"):
        b"".join(body)


def test_a_changed_file_breaks_the_upload_off(client: SegmindClient, api: SegmindApi, files: list[Path],
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = Asset.of(files[2])
    files[2].write_bytes(files[2].read_bytes()[:-1] + b"x")
    monkeypatch.setattr(Asset, "of", lambda path, limit: looked_at)
    with pytest.raises(InputError, match="was changed while it was sent"):
        client.upload(files[2:])
    assert api.assets == {}


def test_a_large_file_is_not_held_in_memory(tmp_path: Path) -> None:
    (tmp_path / "big.gif").write_bytes(b"GIF89a" + bytes(20_000_000))
    body = UploadBody([Asset.of(tmp_path / "big.gif")])
    tracemalloc.start()
    assert sum(map(len, body)) == body.length
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000
